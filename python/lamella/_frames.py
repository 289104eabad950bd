"""Tables as pandas DataFrames by way of NumPy, where there is no pyarrow."""
from __future__ import annotations

from . import _core, _values

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from ._schema import Field, Schema

_UNITS = {"s": "s", "m": "ms", "u": "us", "n": "ns"}


def to_pandas(schema: Schema, batches: Sequence[_core.Batch]) -> Any:
    import pandas

    trees = [batch.tree() for batch in batches]
    rows = sum(map(len, batches))
    columns = [
        _column([tree[place] for tree in trees], column) for place, column in enumerate(schema.fields)
    ]
    frame = pandas.DataFrame(dict(enumerate(columns)), index=pandas.RangeIndex(rows))
    frame.columns = pandas.Index(schema.names)
    return frame


def _column(trees: list[tuple[Any, ...]], column: Field) -> Any:
    import pandas

    if column.dictionary is not None:
        return _categories(trees, column)
    if column.format in _values.NUMBERS:
        return _join([_numbers(tree, _values.NUMBERS[column.format]) for tree in trees], column)
    if column.format == "b" and not any(tree[2] for tree in trees):
        import numpy

        return _join([numpy.frombuffer(bytearray(_core.unpack(tree[4], tree[1], tree[0])), "?")
                      if tree[0] else numpy.zeros(0, "?") for tree in trees], column)  # fmt: skip
    if column.format.startswith(("ts", "tD")):
        return _times(trees, column)
    found: list[Any] = []
    for tree in trees:
        found += _values.values(tree, column)
    if column.format in ("u", "U", "vu"):
        return pandas.Series(found, dtype=None if found else object)
    return pandas.Series(found, dtype=object)


def _raw(tree: tuple[Any, ...], code: str) -> Any:
    import numpy

    if tree[0] == 0 or tree[4] is None:
        return numpy.zeros(0, code)
    return numpy.frombuffer(tree[4], code)[tree[1] : tree[1] + tree[0]]


def _missing(tree: tuple[Any, ...]) -> Any:
    """Where the nulls are, or None."""
    import numpy

    there = _values.present(tree)
    return None if there is None else numpy.frombuffer(there, "?") == 0


def _numbers(tree: tuple[Any, ...], code: str) -> Any:
    """Integers with nulls become floats, as pandas has always had them."""
    import numpy

    raw, missing = _raw(tree, code), _missing(tree)
    if missing is None:
        return raw.copy()
    raw = raw.astype("f8") if code not in "efd" else raw.copy()
    raw[missing] = numpy.nan
    return raw


def _join(parts: list[Any], column: Field) -> Any:
    import numpy
    import pandas

    empty: Any = numpy.zeros(0, "?" if column.format == "b" else _values.NUMBERS.get(column.format, "O"))
    return pandas.Series(numpy.concatenate(parts) if parts else empty, copy=False)


def _times(trees: list[tuple[Any, ...]], column: Field) -> Any:
    import numpy
    import pandas

    kind = f"{'M' if column.format[1] == 's' else 'm'}8[{_UNITS[column.format[2]]}]"
    parts = []
    for tree in trees:
        raw, missing = _raw(tree, "i8").copy(), _missing(tree)
        if missing is not None:
            raw[missing] = numpy.iinfo("i8").min
        parts.append(raw.view(kind))
    series = pandas.Series(numpy.concatenate(parts) if parts else numpy.zeros(0, kind))
    zone = column.format[4:] if column.format[1] == "s" else ""
    return series.dt.tz_localize("UTC").dt.tz_convert(_values.zone_of(zone)) if zone else series


def _categories(trees: list[tuple[Any, ...]], column: Field) -> Any:
    """One list of categories for all batches, in the order in which they come."""
    import numpy
    import pandas

    places: dict[Any, int] = {}
    codes = []
    assert column.dictionary is not None
    for tree in trees:
        words = _values.values(tree[9], column.dictionary)
        places_of = numpy.array([places.setdefault(word, len(places)) for word in words] or [0], "i8")
        raw, missing = _raw(tree, _values.NUMBERS[column.format]).astype("i8"), _missing(tree)
        if missing is not None:
            raw[missing] = 0
        found = places_of[raw]
        if missing is not None:
            found[missing] = -1
        codes.append(found)
    ordered = column.type.endswith("[ordered]")
    joined = numpy.concatenate(codes) if codes else numpy.zeros(0, "i8")
    if None in places:  # a null among the words
        return pandas.Series([list(places)[code] if code >= 0 else None for code in joined], dtype=object)
    return pandas.Series(pandas.Categorical.from_codes(joined, list(places), ordered=ordered))
