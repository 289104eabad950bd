"""Columns from NumPy arrays and from pandas, without pyarrow. Buffers are shared where they can be."""
from __future__ import annotations

import sys

from ._errors import SchemaValidationError
from ._objects import Plan, plan, whole, zone_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ._objects import Node
    from ._schema import Field

_NUMBERS = {
    "i1": "int8", "i2": "int16", "i4": "int32", "i8": "int64", "u1": "uint8", "u2": "uint16", "u4": "uint32",
    "u8": "uint64", "f2": "float16", "f4": "float32", "f8": "float64",
}  # fmt: skip


def _bits(mask: Any) -> tuple[Any, int]:
    """Validity from where the nulls are."""
    import numpy

    nulls = int(numpy.count_nonzero(mask))
    return (numpy.packbits(~mask, bitorder="little") if nulls else None), nulls


def _shared(type: str, data: Any, mask: Any = None) -> Plan:
    """Of numbers as they lie; `mask` is where the nulls are, or a function that tells it of a piece."""

    def convert(start: int, stop: int) -> Node:
        part = data[start:stop]
        null = None if mask is None else mask(part) if callable(mask) else mask[start:stop]
        bits, nulls = (None, 0) if null is None else _bits(null)
        return (stop - start, 0, nulls, (bits, part), (), None)

    return Plan(type, convert, mask is None)


def numpy_plan(
    values: Any, where: str, target: Field | None = None, nan_is_null: bool = False, mask: Any = None
) -> Plan:
    """Of one array; `mask` is where the nulls are."""
    import numpy

    if isinstance(values, numpy.ma.MaskedArray):
        mask = numpy.ma.getmaskarray(values)
        values = values.data
    if values.ndim != 1:
        return _matrix(values, where, target)
    kind = values.dtype.kind
    if kind not in "OUSV":
        values = numpy.ascontiguousarray(values)
        if not values.dtype.isnative:
            values = values.astype(values.dtype.newbyteorder("="))
    if kind in "iuf":
        type = _NUMBERS.get(values.dtype.str[1:])
        if type is None:
            raise SchemaValidationError(f"column {where}: no column can hold {values.dtype}; make it float64")
        if kind == "f" and nan_is_null and mask is None:
            mask = numpy.isnan
        return _shared(type, values, mask)
    if kind == "b":
        return _bool(values, mask)
    if kind in "Mm":
        return _time(values, where, kind, mask)
    if kind in "OUS":
        objects = values.tolist() if kind != "O" or mask is None else numpy.where(mask, None, values).tolist()
        return plan(objects, where, target, nan_is_null)
    raise SchemaValidationError(f"column {where}: no column can hold {values.dtype}")


def _bool(values: Any, mask: Any) -> Plan:
    import numpy

    def convert(start: int, stop: int) -> Node:
        bits, nulls = (None, 0) if mask is None else _bits(mask[start:stop])
        return (stop - start, 0, nulls, (bits, numpy.packbits(values[start:stop], bitorder="little")), (), None)

    return Plan("bool", convert)


def _time(values: Any, where: str, kind: str, mask: Any) -> Plan:
    import numpy

    unit, count = numpy.datetime_data(values.dtype)
    if kind == "M" and unit == "D" and count == 1:
        days = values.astype("i8")
        return _shared("date32", days.clip(-(2**31), 2**31 - 1).astype("i4"), _no_time(numpy.isnat(values), mask))
    if unit not in ("s", "ms", "us", "ns") or count != 1:
        if unit in ("as", "fs", "ps", "generic", "Y", "M") and not (kind == "M" and unit in "YM"):
            raise SchemaValidationError(f"column {where}: no column can hold {values.dtype}")
        unit = "D" if unit in ("Y", "M", "W") and kind == "M" else "s"
        values = values.astype(f"{kind}8[{unit}]")
        if unit == "D":
            return _time(values, where, kind, mask)
    type = f"{'timestamp' if kind == 'M' else 'duration'}[{unit}]"
    least = numpy.iinfo("i8").min
    if mask is not None:
        return _shared(type, values.view("i8"), _no_time(numpy.isnat(values), mask))
    return _shared(type, values.view("i8"), lambda part: part == least)


def _no_time(missing: Any, mask: Any) -> Any:
    return missing if mask is None else missing | mask


def _matrix(values: Any, where: str, target: Field | None) -> Plan:
    if values.ndim == 0:
        raise SchemaValidationError(f"column {where}: a single value is no column")
    width = values.shape[1]
    child = numpy_plan(values.reshape(len(values) * width, *values.shape[2:]), f"{where}.item")
    node = (len(values), 0, 0, (None,), (child.convert(0, len(values) * width),), None)
    return whole(f"fixed_list<item: {child.type}>[{width}]", node)


# ---- pandas ----


def series_plan(series: Any, where: str, target: Field | None = None) -> Plan:
    """Of a pandas Series or Index."""
    import pandas

    dtype = series.dtype
    if isinstance(dtype, pandas.CategoricalDtype):
        return _categories(series, where)
    if isinstance(dtype, pandas.DatetimeTZDtype):
        naive = series.dt.tz_convert(None) if hasattr(series, "dt") else series.tz_convert(None)
        made = numpy_plan(naive.to_numpy(), where)
        made.type = f"{made.type[:-1]}, {zone_name(dtype.tz)}]"
        return made
    if isinstance(dtype, pandas.SparseDtype):
        return numpy_plan(series.sparse.to_dense().to_numpy(), where, target, True)
    if not isinstance(dtype, pandas.api.extensions.ExtensionDtype):
        return numpy_plan(series.to_numpy(), where, target, True)
    if _is_arrow(dtype):
        return _arrow(series, where)
    if isinstance(dtype, pandas.StringDtype):
        return plan(series.to_numpy(dtype=object).tolist(), where, target, True)
    if isinstance(dtype, (pandas.PeriodDtype, pandas.IntervalDtype)):
        raise SchemaValidationError(f"column {where}: {dtype} has no counterpart; convert it to timestamps or text")
    numpy_dtype = getattr(dtype, "numpy_dtype", None)
    if numpy_dtype is not None and numpy_dtype.kind in "iufb":
        null = series.isna().to_numpy() if hasattr(series, "to_frame") else series.isna()
        data = series.to_numpy(dtype=numpy_dtype, na_value=False if numpy_dtype.kind == "b" else 0)
        return numpy_plan(data, where, mask=null if null.any() else None)
    return plan(series.to_numpy(dtype=object).tolist(), where, target, True)


def _is_arrow(dtype: Any) -> bool:
    """Whether pyarrow holds the values: then it is there."""
    return type(dtype).__name__ == "ArrowDtype" or getattr(dtype, "storage", "").startswith("pyarrow")


def _arrow(series: Any, where: str) -> Plan:
    import pyarrow

    from ._table import column_plan

    array = pyarrow.array(series.array)
    chunks = array.chunks if isinstance(array, pyarrow.ChunkedArray) else [array]
    one = pyarrow.concat_arrays(chunks) if len(chunks) != 1 else chunks[0]
    return column_plan(pyarrow.record_batch([one], names=[where]))


def _categories(series: Any, where: str) -> Plan:
    import numpy

    held = series.array if hasattr(series, "array") else series
    codes = numpy.ascontiguousarray(held.codes)
    values = series_plan(held.categories, where)
    count = len(held.categories)
    dictionary = values.convert(0, count)
    type = f"dictionary<{_NUMBERS[codes.dtype.str[1:]]}, {values.type}>" + ("[ordered]" if held.ordered else "")

    def convert(start: int, stop: int) -> Node:
        part = codes[start:stop]
        bits, nulls = _bits(part < 0)
        return (stop - start, 0, nulls, (bits, numpy.maximum(part, 0) if nulls else part), (), dictionary)

    return Plan(type, convert)


def frame_plans(
    frame: Any, index: bool | None, fields: dict[str, Field] | None
) -> list[tuple[str, Plan]]:
    """The columns of a DataFrame, the index's levels first where they are kept. `fields` are those of a schema."""
    columns: list[tuple[str, Any]] = []
    for place, level in _levels(frame, index, fields):
        columns.append((level, frame.index.get_level_values(place)))
    columns += [(str(name), frame.iloc[:, place]) for place, name in enumerate(frame.columns)]
    names = [name for name, _ in columns]
    if len(set(names)) < len(names):
        twice = sorted({name for name in names if names.count(name) > 1})
        raise SchemaValidationError(f"two columns are called {', '.join(twice)}")
    return [(name, series_plan(column, name, (fields or {}).get(name))) for name, column in columns]


def _levels(frame: Any, index: bool | None, fields: dict[str, Field] | None) -> list[tuple[int, str]]:
    """Which levels of the index become columns. By default: those with a name, and one without that is no mere count
    of rows; with a schema, those that it names."""
    if index is False:
        return []
    pandas = sys.modules["pandas"]
    levels = []
    for place, name in enumerate(frame.index.names):
        shown = f"__index_level_{place}__" if name is None else str(name)
        level = frame.index.get_level_values(place)
        counts = name is None and (isinstance(level, pandas.RangeIndex) or level.dtype.kind in "iu")
        if index or (shown in fields if fields is not None else not counts):
            levels.append((place, shown))
    return levels
