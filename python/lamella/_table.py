"""Batches from elsewhere as columns, and Table: a light table of our own, for where there is no pyarrow."""
from __future__ import annotations

from . import _core
from ._objects import Plan, whole
from ._schema import Schema, field

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from ._objects import Node
    from ._schema import Field


def node_of(tree: tuple[Any, ...], column: Field) -> Node:
    """What Batch.tree() tells of a column, as make_batch takes it."""
    length, offset, nulls, validity, values, offsets, sizes, variadic, children, dictionary = tree
    format = column.format
    buffers: tuple[Any, ...]
    if column.dictionary is not None:
        buffers = (validity, values)
    elif format == "n" or format == "+r":
        buffers = ()
    elif format in ("+s",) or format.startswith("+w"):
        buffers = (validity,)
    elif format in ("vu", "vz"):
        import array

        lengths = array.array("q", [memoryview(one).nbytes for one in variadic])
        buffers = (validity, values, *variadic, lengths)
    elif format in ("+vl", "+vL"):
        buffers = (validity, offsets, sizes)
    elif format in ("u", "z", "U", "Z"):
        buffers = (validity, offsets, b"" if values is None else values)
    elif format in ("+l", "+L", "+m"):
        buffers = (validity, offsets)
    else:
        buffers = (validity, values)
    inner = tuple(node_of(child, below) for child, below in zip(children, column.children))
    return (
        length, offset, nulls, buffers, inner,
        node_of(dictionary, column.dictionary) if column.dictionary is not None else None,
    )  # fmt: skip


def column_plan(batch: Any) -> Plan:
    """The plan of the only column of what has __arrow_c_stream__ or __arrow_c_array__."""
    one = batch_of(batch)
    column = field(_core.schema_tree(one.schema())).children[0]
    return whole(column.type, node_of(one.tree()[0], column))


def batch_of(data: Any) -> _core.Batch:
    """From __arrow_c_array__: a struct is a table's batch."""
    if not hasattr(data, "__arrow_c_array__"):
        batches = list(_read(_core.Reader(data.__arrow_c_stream__())))
        if len(batches) == 1:
            return batches[0]
        raise ValueError("one batch is needed")
    return _core.batch_take(*data.__arrow_c_array__())


def foreign_plan(values: Any) -> tuple[Plan, int]:
    """One column of Arrow's, in a dict of columns."""
    batch = _core.column_take(*_chunk(values))
    column = field(_core.schema_tree(batch.schema())).children[0]
    return whole(column.type, node_of(batch.tree()[0], column)), len(batch)


def _chunk(values: Any) -> Any:
    if hasattr(values, "__arrow_c_array__"):
        return values.__arrow_c_array__()
    for name in ("combine_chunks", "rechunk"):
        if hasattr(values, name):
            values = getattr(values, name)()
    if not hasattr(values, "__arrow_c_array__") and hasattr(values, "to_arrow"):
        values = values.to_arrow()
    return values.__arrow_c_array__()


def _read(reader: _core.Reader) -> Iterator[_core.Batch]:
    while (batch := reader.next()) is not None:
        yield batch


class Table:
    """A table in memory. It speaks the Arrow PyCapsule interface, so pyarrow, Polars, DuckDB and pandas read it without
    a copy, and it needs none of them."""

    __slots__ = ("schema", "_batches")

    schema: Schema

    def __init__(self, data: Any, schema: Any = None, index: bool | None = None) -> None:
        from ._data import check, open_data, raise_from_feed
        from ._schema import as_schema

        feed = open_data(data, schema, index)
        capsule = feed.capsule
        try:
            if schema is not None and as_schema(schema) != feed.schema:
                check(feed.schema, as_schema(schema))
                capsule = _core.stream_cast(capsule, as_schema(schema)._capsule, True, False)
            reader = _core.Reader(capsule)
            self.schema = Schema._of(reader.schema())
            self._batches = list(_read(reader))
        except Exception as error:
            raise_from_feed(feed, error)
            raise

    @classmethod
    def _of(cls, schema: Schema, batches: list[_core.Batch]) -> Table:
        made = cls.__new__(cls)
        made.schema, made._batches = schema, batches
        return made

    def __arrow_c_schema__(self) -> Any:
        return self.schema.__arrow_c_schema__()

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        return _core.stream_of(self.schema._capsule, iter(self._batches))

    def __len__(self) -> int:
        return sum(map(len, self._batches))

    @property
    def num_rows(self) -> int:
        return len(self)

    @property
    def num_columns(self) -> int:
        return len(self.schema)

    @property
    def column_names(self) -> list[str]:
        return self.schema.names

    def __repr__(self) -> str:
        return f"<lamella.Table, {len(self)} rows>\n{self.schema}"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Table):
            return NotImplemented
        return self.schema == other.schema and self.to_pydict() == other.to_pydict()

    __hash__ = None  # type: ignore[assignment]

    def to_pydict(self) -> dict[str, list[Any]]:
        from ._values import values

        found: dict[str, list[Any]] = {name: [] for name in self.schema.names}
        for batch in self._batches:
            for tree, column in zip(batch.tree(), self.schema.fields):
                found[column.name] += values(tree, column)
        return found

    def to_pylist(self) -> list[dict[str, Any]]:
        columns = self.to_pydict()
        if not columns:
            return [{} for _ in range(len(self))]
        return [dict(zip(columns, row)) for row in zip(*columns.values())]

    def to_arrow(self) -> Any:
        """A pyarrow.Table, without a copy."""
        import pyarrow

        return pyarrow.table(self)

    def to_pandas(self) -> Any:
        """A DataFrame: through pyarrow where it is installed, else through NumPy."""
        try:
            import pyarrow
        except ImportError:
            from ._frames import to_pandas

            return to_pandas(self.schema, self._batches)
        return pyarrow.table(self).to_pandas()

    def to_polars(self) -> Any:
        import polars

        frame = polars.DataFrame(self)
        if frame.height == len(self):
            return frame
        # Polars before 1.10 reads no more than the first batch of a stream.
        return polars.concat([polars.DataFrame(Table._of(self.schema, [batch])) for batch in self._batches])
