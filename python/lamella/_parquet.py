"""Parquet: one file in one call, or in chunks."""
from __future__ import annotations


from . import _core
from ._data import all_problems, check, open_data, raise_from_feed
from ._errors import SchemaValidationError
from ._files import Result
from ._options import file_options, parquet_options, path_bytes
from ._schema import Schema, as_schema

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Any

    from ._data import Feed
    from ._options import PathLike


def progress_of(progress: Any) -> Callable[[int, bool], Any] | None:
    """progress=True prints a line on standard error; a callable gets the rows so far."""
    if progress is None or progress is False:
        return None
    if progress is not True:
        return lambda rows, is_all: progress(rows)
    import sys

    return lambda rows, is_all: print(f"\r{rows:,} rows", end="\n" if is_all else "", file=sys.stderr, flush=True)


def stamped(data: Any, made: dict[str, Any], stamp: bool, schema: Any, index: bool | None) -> tuple[Any, Any]:
    """With stamp=True the rows get extracted_at, run_id and source_snapshot."""
    if not stamp:
        return data, schema
    import datetime
    import uuid

    if not made["run_id"]:
        made["run_id"] = str(uuid.uuid4())
    now = datetime.datetime.now(datetime.timezone.utc)
    feed = open_data(data, schema, index)
    text = {"extracted_at": "timestamp[us, UTC]", "run_id": "utf8", "source_snapshot": "utf8"}
    values = (int((now - datetime.datetime.fromtimestamp(0, datetime.timezone.utc)) / datetime.timedelta(microseconds=1)),
              made["run_id"], made.get("source_snapshot"))  # fmt: skip
    for name in text:
        if name in feed.schema.names:
            raise SchemaValidationError(f"column {name}: the data has one already, which stamp=True would add")
    return _stamp(feed, text, values), None if schema is None else _with(as_schema(schema), text)


def _with(schema: Schema, text: dict[str, str]) -> Schema:
    have = set(schema.names)
    return Schema("\n".join([str(schema), *(f"{name}: {type}" for name, type in text.items() if name not in have)]))


def _stamp(feed: Feed, text: dict[str, str], values: tuple[Any, ...]) -> Feed:
    from ._data import Feed as Made
    from ._objects import plan
    from ._table import node_of

    target = _with(feed.schema, text)
    fields = feed.schema.fields
    made = Made(target, None)

    def batches() -> Any:
        from ._table import _read

        at, run_id, snapshot = values
        reader = _core.Reader(feed.capsule)
        for batch in _read(reader):
            rows = len(batch)
            nodes = [node_of(tree, column) for tree, column in zip(batch.tree(), fields)]
            from array import array

            nodes.append((rows, 0, 0, (None, array("q", [at]) * rows), (), None))
            for text in (run_id, snapshot):
                one = plan([text] * rows, "stamp")
                nodes.append(one.convert(0, rows) if one.type == "utf8"
                             else (rows, 0, rows, (bytes((rows + 7) // 8), bytes(4 * rows + 4), b""), (), None))  # fmt: skip
            yield _core.make_batch(target._capsule, rows, tuple(nodes))

    def guarded() -> Any:
        try:
            yield from batches()
        except GeneratorExit:
            raise
        except BaseException as error:
            made.failed = feed.failed or error
            raise

    made.capsule = _core.stream_of(target._capsule, guarded())
    return made


def _write(function: str, dst: PathLike, data: Any, schema: Any, options: dict[str, Any]) -> Result:
    index, progress = options.pop("index", None), progress_of(options.pop("progress", None))
    stamp = bool(options.pop("stamp", False))
    ids = {"run_id": options.get("run_id"), "source_snapshot": options.get("source_snapshot")}
    data, schema = stamped(data, ids, stamp, schema, index)
    if stamp:
        options["run_id"] = ids["run_id"]
    file = file_options(function, options)
    parquet = parquet_options(function, options, ("index", "progress", "stamp", "schema"))
    feed = open_data(data, schema, index)
    wanted = None if schema is None else as_schema(schema)
    if wanted is not None:
        check(feed.schema, wanted)
    target = None if wanted is None or wanted == feed.schema else wanted._capsule
    if wanted is not None and target is None:
        target = wanted._capsule  # for its metadata
    try:
        told = _core.put(path_bytes(dst), feed.capsule, _core.parquet, target, file, parquet, {}, progress)
    except SchemaValidationError as error:
        raise_from_feed(feed, error)
        raise (error if wanted is None else all_problems(error, feed, wanted)) from None
    except BaseException as error:
        raise_from_feed(feed, error)
        raise
    return Result(told, {"run_id": ids["run_id"], **file})


def atomic_write_parquet(dst: PathLike, df: Any, schema: Any = None, **options: Any) -> Result:
    """Publishes a table as one Parquet file. `df` is a DataFrame of pandas or Polars, anything with
    `__arrow_c_stream__`, a list of dicts, a dict of columns, or an iterator of any of these."""
    return _write("atomic_write_parquet", dst, df, schema, options)


def write_parquet(data: Any, output_path: PathLike, schema: Any = None, **options: Any) -> Result:
    """Writes a table to one Parquet file, whole or not at all, and made to fit `schema`. Options are those of pyarrow
    by the same names, and those of every publication."""
    return _write("write_parquet", output_path, data, schema, options)


def df_to_parquet_bytes(df: Any, schema: Any = None, **options: Any) -> bytes:
    """The same as bytes in memory. For a file, atomic_write_parquet needs less of it."""
    index = options.pop("index", None)
    parquet = parquet_options("df_to_parquet_bytes", options, ("index", "schema"))
    feed = open_data(df, schema, index)
    wanted = feed.schema if schema is None else as_schema(schema)
    check(feed.schema, wanted)
    writer = _core.Writer(None, wanted._capsule, {}, parquet)
    try:
        writer.write(feed.capsule, None)
        return bytes(writer.finish())
    except BaseException as error:
        raise_from_feed(feed, error)
        raise
    finally:
        writer.close()


class ParquetStreamWriter:
    """A context manager that writes one Parquet file chunk by chunk, in bounded memory, and publishes it on a clean
    exit. An exception inside publishes nothing."""

    result: Result | None

    def __init__(self, output_path: PathLike, schema: Any, **options: Any) -> None:
        self._path = path_bytes(output_path)
        self.schema = as_schema(schema)
        self._index = options.pop("index", None)
        self._run_id = options.get("run_id")
        self._file = file_options("ParquetStreamWriter", options)
        self._parquet = parquet_options("ParquetStreamWriter", options, ("index",))
        self._writer: _core.Writer | None = None
        self.result = None

    def __enter__(self) -> ParquetStreamWriter:
        if self._writer is not None:
            raise ValueError("this writer was entered already")
        self._writer = _core.Writer(self._path, self.schema._capsule, self._file, self._parquet)
        return self

    def write_chunk(self, data: Any) -> None:
        """Appends rows. A chunk that does not fit the schema is refused and the file is given up."""
        if self._writer is None:
            raise ValueError("write_chunk() belongs into a with block")
        feed = None
        try:
            feed = open_data(data, self.schema, self._index)
            check(feed.schema, self.schema)
            self._writer.write(feed.capsule, None)
        except BaseException as error:
            self._writer.close()
            if feed is not None:
                raise_from_feed(feed, error)
                if isinstance(error, SchemaValidationError):
                    raise all_problems(error, feed, self.schema) from None
            raise

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._writer is None:
            return
        try:
            if kind is None:
                self.result = Result(self._writer.finish(), {"run_id": self._run_id, **self._file})
        finally:
            self._writer.close()


