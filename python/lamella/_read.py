"""Reading: scans, and tables of every kind from them."""
from __future__ import annotations

import os

from . import _core
from ._filters import filter_text
from ._options import choice, count, path_bytes, storage_pairs, unknown
from ._schema import Schema, as_schema
from ._table import Table, _read
from ._text import CSV_OPTIONS, FORMATS, csv_options, given_types

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime
    from typing import Any

    from ._options import PathLike, StorageOptions

# Options of pyarrow's readers that change nothing here.
_INT96_UNITS = {"ns": 10**9, "us": 10**6, "ms": 10**3}
_IGNORED = ("use_threads", "memory_map", "use_pandas_metadata", "pre_buffer", "engine", "use_legacy_dataset")


def _milliseconds(time: str | datetime) -> int:
    """Since 1970; what has no zone is in UTC."""
    from datetime import datetime, timezone

    moment = datetime.fromisoformat(time) if isinstance(time, str) else time
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone.utc)
    since = moment - datetime(1970, 1, 1, tzinfo=timezone.utc)
    return (since.days * 86_400 + since.seconds) * 1000 + since.microseconds // 1000


class Scan:
    """A file or dataset that is read when somebody asks for its rows, and anew each time. It speaks the Arrow
    PyCapsule interface: `pl.from_arrow(scan)`, `pa.table(scan)` and `duckdb.sql("select … from scan")` read it."""

    __slots__ = ("path", "_columns", "_filter", "_batch_size", "_threads", "_storage", "_at", "_opened", "_residual", "_more")

    path: str

    def __init__(
        self, path: PathLike, columns: Sequence[str] | None = None, filters: Any = None, batch_size: int | None = None,
        threads: int = 0, storage_options: StorageOptions | None = None, *, version: int | None = None,
        as_of: str | datetime | None = None, limit: int | None = None, format: str | None = None, schema: Any = None,
        types: Any = None, csv: dict[str, Any] | None = None, coerce_int96_timestamp_unit: str | None = None,
    ) -> None:  # fmt: skip
        if isinstance(columns, str):
            raise TypeError(f"columns is a list of names, not a text: [{columns!r}]")
        self.path = os.fsdecode(path)
        self._columns = None if columns is None else [str(name) for name in columns]
        self._batch_size = 0 if batch_size is None else int(batch_size)
        if self._batch_size < 0 or batch_size == 0:
            raise ValueError(f"batch_size is at least 1, not {batch_size}")
        self._threads = threads
        self._storage = storage_pairs(storage_options)
        if version is not None and as_of is not None:
            raise ValueError("version and as_of: one of them")
        self._at = (version, as_of)
        self._more: dict[str, Any] = {"limit": limit, "format": format, "schema": schema, "types": types, "csv": csv,
                                      "coerce_int96_timestamp_unit": coerce_int96_timestamp_unit}  # fmt: skip
        self._residual: Any = None
        self._filter: str | None = None
        try:
            self._filter = filter_text(filters, lambda: Schema._of(_core.scan_schema(self._open(None, None))))
        except NotImplementedError:  # an expression of pyarrow that has no counterpart is pyarrow's to evaluate
            self._residual = filters
        # Without a look at the file an error would come when nobody expects it.
        self._opened = self._open(self._columns if self._residual is None else None, self._filter)

    def _open(self, columns: list[str] | None, filter: str | None) -> Any:
        version, as_of = self._at
        time = None if as_of is None else _milliseconds(as_of)
        return _core.scan_open(path_bytes(self.path), columns, filter, self._batch_size, self._threads, self._storage,
                               version, time, self._said())  # fmt: skip

    def _said(self) -> dict[str, Any]:
        given = self._more
        made = csv_options("csv", given["csv"] or {})
        for name in ("schema", "types"):
            if given[name] is not None:
                made[name] = as_schema(given[name])._capsule
        if given["limit"] is not None:
            made["limit"] = count("limit", given["limit"], 0)
        unit = given["coerce_int96_timestamp_unit"]
        if unit is not None:
            made["int96_per_second"] = choice("coerce_int96_timestamp_unit", unit, _INT96_UNITS)
        made["format"] = choice("format", given["format"] or "auto", FORMATS)
        return made

    @property
    def schema(self) -> Schema:
        schema = Schema._of(_core.scan_schema(self._opened))
        return schema if self._residual is None or self._columns is None else schema.select(self._columns)

    def __arrow_c_schema__(self) -> Any:
        return self.schema.__arrow_c_schema__()

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        stream = _core.scan_stream(self._opened)
        return stream if self._residual is None else self._filtered(stream)

    def _filtered(self, stream: Any) -> Any:
        import pyarrow

        reader = pyarrow.RecordBatchReader._import_from_c_capsule(stream)
        names = self._columns or reader.schema.names

        def batches() -> Iterator[Any]:
            for batch in reader:
                yield from pyarrow.Table.from_batches([batch]).filter(self._residual).select(names).to_batches()

        schema = pyarrow.schema([reader.schema.field(name) for name in names])
        return pyarrow.RecordBatchReader.from_batches(schema, batches()).__arrow_c_stream__()

    def select(self, columns: Sequence[str]) -> Scan:
        """The same with these columns only."""
        return self._like(columns, self._residual if self._residual is not None else self._filter)

    def filter(self, filters: Any) -> Scan:
        """The same with fewer rows."""
        if self._residual is not None:
            raise NotImplementedError("a filter that is pyarrow's to evaluate takes no other beside it")
        text = filter_text(filters, lambda: Schema._of(_core.scan_schema(self._open(None, None))))
        return self._like(self._columns, text if self._filter is None else f"({self._filter}) and ({text})")

    def _like(self, columns: Sequence[str] | None, filters: Any) -> Scan:
        storage = None if self._storage is None else dict(self._storage)
        version, as_of = self._at
        return Scan(self.path, columns, filters, self._batch_size or None, self._threads, storage,
                    version=version, as_of=as_of, **self._more)  # fmt: skip

    def __reduce__(self) -> tuple[Any, ...]:
        storage = None if self._storage is None else dict(self._storage)
        filters = self._residual if self._residual is not None else self._filter
        given = (self.path, self._columns, filters, self._batch_size or None, self._threads, storage)
        return _again, (given, {"version": self._at[0], "as_of": self._at[1], **self._more})

    @property
    def rows_skipped(self) -> int:
        """How many rows of CSV were left out by now, by `on_bad_lines="skip"`."""
        return _core.scan_skipped(self._opened)[0]

    def batches(self) -> Iterator[Table]:
        """Batches, as tables of their own."""
        reader = _core.Reader(self.__arrow_c_stream__(), self._residual is None)
        schema = Schema._of(reader.schema())
        for batch in _read(reader):
            yield Table._of(schema, [batch])

    def count_rows(self) -> int:
        """How many rows there are, from footers alone where they tell it."""
        if self._residual is None:
            return _core.scan_rows(self._opened)
        return sum(map(len, self.batches()))

    def to_table(self) -> Table:
        reader = _core.Reader(self.__arrow_c_stream__(), self._residual is None)
        return Table._of(Schema._of(reader.schema()), list(_read(reader)))

    def to_arrow(self) -> Any:
        import pyarrow

        return pyarrow.table(self.to_table())

    def to_polars(self) -> Any:
        return self.to_table().to_polars()

    def to_polars_lazy(self) -> Any:
        """A LazyFrame of Polars that reads from here: only the columns that a query needs, and no more batches than it
        takes. What it filters by is applied to each batch."""
        import polars
        from polars.io.plugins import register_io_source

        def source(columns: list[str] | None, predicate: Any, n_rows: int | None, batch_size: int | None) -> Iterator[Any]:
            left = n_rows
            for table in (self if columns is None else self.select(columns)).batches():
                frame = table.to_polars()
                if left is not None:
                    frame = frame.head(left)
                    left -= frame.height
                yield frame if predicate is None else frame.filter(predicate)
                if left == 0:
                    return

        empty = Table._of(self.schema, [])
        return register_io_source(source, schema=polars.DataFrame(empty).schema)

    def to_pandas(self) -> Any:
        return self.to_table().to_pandas()

    def __repr__(self) -> str:
        said = [repr(self.path)]
        if self._columns is not None:
            said.append(f"columns={self._columns!r}")
        if self._filter is not None:
            said.append(f"filters={self._filter!r}")
        return f"lamella.scan({', '.join(said)})"


def _again(given: tuple[Any, ...], more: dict[str, Any]) -> Scan:
    return Scan(*given, **more)


def scan(
    path: PathLike, columns: Sequence[str] | None = None, filters: Any = None, *, batch_size: int | None = None,
    threads: int = 0, storage_options: StorageOptions | None = None, version: int | None = None,
    as_of: str | datetime | None = None, limit: int | None = None, format: str | None = None, schema: Any = None,
    types: Any = None, csv: dict[str, Any] | None = None, coerce_int96_timestamp_unit: str | None = None,
) -> Scan:  # fmt: skip
    """A table to be read: Parquet, Arrow IPC, CSV, JSON lines, a directory of them, or a Delta table, as it is now, as it
    was at a `version` or at a time (`as_of`; in UTC unless it says a zone). Only what is asked for is read.

    `format` is "parquet", "arrow", "arrows", "jsonl" or "csv", where neither the first bytes nor the suffix tell it.
    `schema` is what the table shall be, other columns are left out; `types` are those of some columns of CSV and JSON
    lines. `csv` is a dict of read_csv's options. `coerce_int96_timestamp_unit` is "ns", "us" or "ms", for times of 96 bits
    in Parquet."""
    return Scan(path, columns, filters, batch_size, threads, storage_options, version=version, as_of=as_of, limit=limit,
                format=format, schema=schema, types=types, csv=csv, coerce_int96_timestamp_unit=coerce_int96_timestamp_unit)  # fmt: skip


def _pyarrow() -> Any:
    try:
        import pyarrow
    except ImportError:
        return None
    return pyarrow


_SCAN_OPTIONS = ("batch_size", "threads", "storage_options", "version", "as_of", "limit", "format", "schema", "types", "csv",
                 "coerce_int96_timestamp_unit")  # fmt: skip


def _scan_of(function: str, path: PathLike, columns: Any, filters: Any, options: dict[str, Any]) -> Scan:
    given = {name: options.pop(name) for name in _SCAN_OPTIONS if name in options}
    for name in options:
        if name not in _IGNORED:
            raise unknown(function, name, ("columns", "filters", *_SCAN_OPTIONS, *_IGNORED))
    return Scan(path, columns, filters, **given)


def _delivered(found: Scan, output_format: str) -> Any:
    formats = ("pandas", "arrow", "polars", "stream", "table")
    if output_format not in formats:
        raise ValueError(f"output_format is one of {', '.join(map(repr, formats))}, not {output_format!r}")
    pyarrow = _pyarrow() if output_format in ("arrow", "stream") else None
    if output_format == "pandas":
        return found.to_pandas()
    if output_format == "polars":
        return found.to_polars()
    if output_format == "arrow":
        return found.to_table() if pyarrow is None else found.to_arrow()
    if output_format == "stream":
        return found if pyarrow is None else pyarrow.RecordBatchReader._import_from_c_capsule(
            found.__arrow_c_stream__())  # fmt: skip
    return found.to_table()


def read_parquet(
    input_path: PathLike, output_format: str = "pandas", columns: Sequence[str] | None = None, filters: Any = None,
    **options: Any,
) -> Any:  # fmt: skip
    """Reads a Parquet file or dataset: as a DataFrame of pandas, as "arrow" (a pyarrow.Table, or a lamella.Table where
    there is no pyarrow), "polars", "stream" (batches as they are read) or "table" (a lamella.Table)."""
    return _delivered(_scan_of("read_parquet", input_path, columns, filters, options), output_format)


def read_csv(
    path: PathLike, output_format: str = "pandas", columns: Sequence[str] | None = None, filters: Any = None,
    **options: Any,
) -> Any:  # fmt: skip
    """Reads CSV, of one file or many, plain or as .gz and .zst. Options are pandas': sep (found out without it), quotechar,
    quoting, escapechar, header ("infer", 0 or None), na_values (texts that are null; an empty cell always is), dtype (str
    for all columns, or types by name), on_bad_lines ("error", "skip" or "pad"), encoding_errors ("strict" or "replace"),
    usecols, nrows; and infer_types: "sample" (a later value that does not fit is an error), "all" (rows are read
    twice) or "none". Nothing that looks like a number is changed: 007 is text."""
    if "usecols" in options:
        columns = options.pop("usecols")
    if "nrows" in options:
        options["limit"] = options.pop("nrows")
    csv = {name: options.pop(name) for name in CSV_OPTIONS if name in options}
    for name in options:
        if name not in _IGNORED and name not in _SCAN_OPTIONS:
            raise unknown("read_csv", name, ("usecols", "nrows", *CSV_OPTIONS, *_SCAN_OPTIONS, "separator"))
    types = given_types(csv)
    if types is not None:
        options["types"] = types
    return _delivered(_scan_of("read_csv", path, columns, filters, {"format": "csv", **options, "csv": csv}), output_format)


def read_jsonl(
    path: PathLike, output_format: str = "pandas", columns: Sequence[str] | None = None, filters: Any = None,
    **options: Any,
) -> Any:  # fmt: skip
    """Reads JSON lines, of one file or many, plain or as .gz and .zst. `types` says the types of some columns, `schema`
    all that is wanted."""
    return _delivered(_scan_of("read_jsonl", path, columns, filters, {"format": "jsonl", **options}), output_format)


def read_parquet_iter(
    input_path: PathLike, chunk_size: int = 100_000, columns: Sequence[str] | None = None, filters: Any = None,
    **options: Any,
) -> Iterator[Any]:  # fmt: skip
    """Batches of at most `chunk_size` rows: of pyarrow where it is installed, else lamella.Table."""
    found = _scan_of("read_parquet_iter", input_path, columns, filters, {"batch_size": chunk_size, **options})
    return _batches(found)


def _batches(found: Scan) -> Iterator[Any]:
    pyarrow = _pyarrow()
    for table in found.batches():
        if pyarrow is None:
            yield table
        else:
            yield from pyarrow.table(table).to_batches()


def inspect_schema(path: PathLike, *, storage_options: StorageOptions | None = None) -> Any:
    """The schema of a file or dataset, without its rows: a pyarrow.Schema, or a lamella.Schema where there is no
    pyarrow."""
    found = Scan(path, storage_options=storage_options).schema
    return found if _pyarrow() is None else found.to_arrow()
