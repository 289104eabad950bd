"""Data of any kind as a stream of batches.

`open_data` takes what a user has and gives a Feed: a schema, and a capsule of an Arrow stream. Whatever speaks the Arrow
PyCapsule interface is not touched; the rest is converted, in pieces."""
from __future__ import annotations


from . import _core
from ._errors import Error, SchemaValidationError
from ._schema import Schema, as_schema, kind_problems, quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import Any

    from ._objects import Plan
    from ._schema import Field

# Rows that are converted at a time.
PIECE_ROWS = 131_072


class Feed:
    """A stream, and the exception that ended it, which the core can only tell as text."""

    __slots__ = ("schema", "capsule", "failed", "again", "rows")

    def __init__(self, schema: Schema, capsule: Any, again: Callable[[], Feed] | None = None, rows: int = -1) -> None:
        self.schema = schema
        self.capsule = capsule
        self.failed: BaseException | None = None
        self.again = again  # the same once more, where that costs nothing
        self.rows = rows

    def guard(self, batches: Iterator[_core.Batch]) -> Iterator[_core.Batch]:
        try:
            yield from batches
        except GeneratorExit:  # the reader has had enough
            raise
        except BaseException as error:
            self.failed = error
            raise


def _feed(schema: Schema, batches: Callable[[], Iterator[_core.Batch]], again: bool, rows: int = -1) -> Feed:
    feed = Feed(schema, None, (lambda: _feed(schema, batches, again, rows)) if again else None, rows)
    feed.capsule = _core.stream_of(schema._capsule, feed.guard(batches()))
    return feed


def _capsule_feed(capsule: Any, again: Callable[[], Feed] | None = None) -> Feed:
    reader = _core.Reader(capsule)
    return Feed(Schema._of(reader.schema()), reader.take(), again)


def open_data(data: Any, schema: Any = None, index: bool | None = None) -> Feed:
    """What `data` has, in the types that it has; `schema` only helps where Python's own types do not tell enough."""
    fields = {column.name: column for column in as_schema(schema).fields} if schema is not None else None
    if isinstance(data, Feed):
        return data
    module = type(data).__module__.partition(".")[0]
    if module == "pandas":
        return _pandas(data, index, fields)
    if module == "polars" and type(data).__name__ == "LazyFrame":
        return _lazy(data)
    if hasattr(data, "__arrow_c_stream__"):
        return _speaks_stream(data)
    if hasattr(data, "__arrow_c_array__"):
        return _array(data)
    if module in ("duckdb", "_duckdb"):
        return _capsule_feed((data.fetch_record_batch if hasattr(data, "fetch_record_batch") else data.arrow)().
                             __arrow_c_stream__())  # fmt: skip
    if isinstance(data, dict):
        return _columns(data, fields)
    if isinstance(data, (list, tuple)) and not data and schema is not None:
        return _feed(as_schema(schema), lambda: iter(()), True, 0)  # which columns there are is the schema's to say
    if isinstance(data, (list, tuple)) and (not data or all(isinstance(row, dict) for row in data)):
        return _rows(list(data), fields)
    names = getattr(getattr(data, "dtype", None), "names", None)
    if module == "numpy" and names:
        return _columns({name: data[name] for name in names}, fields)
    if hasattr(data, "__iter__") and not isinstance(data, (str, bytes, bytearray, memoryview)) and module != "numpy":
        return _iterator(iter(data), schema, index)
    raise TypeError(
        f"no table can be made of {type(data).__name__}; pass a DataFrame, anything with __arrow_c_stream__, a list of "
        "dicts, a dict of columns, or an iterator of any of these"
    )


def _speaks_stream(data: Any) -> Feed:
    # A reader is used up by reading it; a table can be asked again.
    again = None if hasattr(data, "read_next_batch") else lambda: _speaks_stream(data)
    return _capsule_feed(data.__arrow_c_stream__(), again)


def _array(data: Any) -> Feed:
    from ._table import batch_of

    batch = batch_of(data)
    return _feed(Schema._of(batch.schema()), lambda: iter([batch]), True, len(batch))


def _pandas(data: Any, index: bool | None, fields: dict[str, Field] | None) -> Feed:
    from ._numpy import frame_plans

    frame = data.to_frame(name=data.name if data.name is not None else "0") if not hasattr(data, "columns") else data
    return _planned(frame_plans(frame, index, fields), len(frame))


def _lazy(data: Any) -> Feed:
    if hasattr(data, "collect_batches"):
        return _iterator(iter(data.collect_batches()), None, None)
    return _speaks_stream(data.collect())


def _columns(data: dict[Any, Any], fields: dict[str, Field] | None) -> Feed:
    from ._objects import plan

    plans: list[tuple[str, Plan]] = []
    rows: int | None = None
    for key, values in data.items():
        name = str(key)
        target = (fields or {}).get(name)
        module = type(values).__module__.partition(".")[0]
        if module == "pandas" and hasattr(values, "dtype"):
            from ._numpy import series_plan

            made, count = series_plan(values, name, target), len(values)
        elif module == "numpy" and hasattr(values, "ndim"):
            from ._numpy import numpy_plan

            made, count = numpy_plan(values, name, target), len(values)
        elif hasattr(values, "__arrow_c_stream__") or hasattr(values, "__arrow_c_array__"):
            from ._table import foreign_plan

            made, count = foreign_plan(values)
        else:
            if isinstance(values, (str, bytes)) or not hasattr(values, "__iter__"):
                raise TypeError(f"column {name}: a sequence is needed, not {type(values).__name__}")
            values = values if isinstance(values, list) else list(values)
            made, count = plan(values, name, target), len(values)
        if rows is not None and count != rows:
            raise SchemaValidationError(f"column {name} has {count} rows, the columns before it have {rows}")
        rows = count
        plans.append((name, made))
    return _planned(plans, rows or 0)


def _rows(rows: list[dict[Any, Any]], fields: dict[str, Field] | None) -> Feed:
    from ._objects import plan

    names: dict[str, None] = {}
    for row in rows:
        for key in row:
            names[key] = None
    if fields is not None:  # those of the schema first; one that no row has is left to the cast
        names = {**{name: None for name in fields if name in names or fields[name].nullable}, **names}
    plans = []
    for name in names:
        target = (fields or {}).get(str(name))
        plans.append((str(name), plan([row.get(name) for row in rows], str(name), target)))
    return _planned(plans, len(rows))


def _planned(plans: list[tuple[str, Plan]], rows: int) -> Feed:
    schema = Schema("\n".join(f"{quoted(name)}: {made.type}" for name, made in plans))
    piece = max(rows, 1) if all(made.cheap for _, made in plans) else PIECE_ROWS

    def batches() -> Iterator[_core.Batch]:
        for start in range(0, rows, piece):
            stop = min(start + piece, rows)
            columns = tuple(made.convert(start, stop) for _, made in plans)
            yield _core.make_batch(schema._capsule, stop - start, columns)

    return _feed(schema, batches, True, rows)


def _iterator(pieces: Iterator[Any], schema: Any, index: bool | None) -> Feed:
    """A stream over an iterator of tables, in the schema of the first one, or of rows (dicts)."""
    from itertools import chain, islice

    first = next(pieces, None)
    if first is None:
        return _feed(as_schema(schema) if schema is not None else Schema(""), lambda: iter(()), False)
    if isinstance(first, dict) and not any(_is_column(value) for value in first.values()):
        rows = chain([first], pieces)
        pieces = iter(lambda: list(islice(rows, 8192)), [])
        first = next(pieces)
    opened = open_data(first, schema, index)
    target = opened.schema if schema is None else _promised(opened.schema, as_schema(schema))
    feed = Feed(target, None)

    def batches() -> Iterator[_core.Batch]:
        yield from _fitted(opened, target)
        for number, piece in enumerate(pieces, 2):
            try:
                yield from _fitted(open_data(piece, schema, index), target)
            except SchemaValidationError as error:
                raise type(error)(f"piece {number}: {error}") from None

    feed.capsule = _core.stream_of(target._capsule, feed.guard(batches()))
    return feed


def _promised(have: Schema, schema: Schema) -> Schema:
    """With a schema the pieces come in its types, so that an empty column in the first one decides nothing."""
    check(have, schema)
    return schema


def _is_column(value: Any) -> bool:
    return isinstance(value, (list, tuple)) or hasattr(value, "dtype")


def _fitted(feed: Feed, target: Schema) -> Iterator[_core.Batch]:
    if feed.schema == target:
        reader = _core.Reader(feed.capsule)
    else:
        check(feed.schema, target)
        reader = _core.Reader(_core.stream_cast(feed.capsule, target._capsule, True, False))
    try:
        while (batch := reader.next()) is not None:
            yield batch
    except Error:
        if feed.failed is not None:
            raise feed.failed from None
        raise


# ---- against a schema ----


def check(have: Schema, wanted: Schema) -> None:
    """Tells all that the two schemas show to be wrong, at once."""
    problems = kind_problems(have.fields, wanted.fields)
    try:
        _core.stream_cast(_core.stream_of(have._capsule, iter(())), wanted._capsule, True, False)
    except SchemaValidationError as refused:
        for problem in refused.problems:
            if not any(problem.split(":")[0] == known.split(":")[0] for known in problems):
                problems.append(problem)
    if problems:
        error = SchemaValidationError("; ".join(problems))
        error.code = "LM_SCHEMA"
        raise error


def all_problems(error: SchemaValidationError, feed: Feed, wanted: Schema) -> SchemaValidationError:
    """The first bad value of each column, where the data can be read once more."""
    if feed.again is None or error.code != "LM_DATA":
        return error
    found = []
    names = {column.name for column in feed.schema.fields}
    for name in wanted.names:
        if name not in names:
            continue
        again = feed.again()
        one = wanted.select([name])
        try:
            reader = _core.Reader(_core.stream_cast(again.capsule, one._capsule, True, True))
            while reader.next() is not None:
                pass
        except SchemaValidationError as problem:
            found.append(str(problem))
    if len(found) < 2:
        return error
    made = SchemaValidationError("; ".join(found))
    made.code = error.code
    return made


def raise_from_feed(feed: Feed, error: BaseException) -> None:
    """What the iterator raised, rather than what the core made of it."""
    if feed.failed is not None and isinstance(error, Error):
        raise feed.failed from None
