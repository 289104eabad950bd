"""Columns from Python objects.

A column is planned once, over all its values, and then converted in pieces: so large ones need no second copy of
themselves. A plan is a type (docs/schema-text.md) and a function from a range of rows to a node, the tuple
(length, offset, nulls, buffers, children, dictionary) that the core makes an Arrow array of."""
from __future__ import annotations

import sys
from . import _core
from ._errors import SchemaValidationError
from ._schema import kind, quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ._schema import Field

    Node = tuple[int, int, int, tuple[Any, ...], tuple[Any, ...], Any]


class Plan:
    __slots__ = ("type", "convert", "cheap")

    def __init__(self, type: str, convert: Callable[[int, int], Node], cheap: bool = False) -> None:
        self.type = type
        self.convert = convert
        self.cheap = cheap  # a range costs next to nothing: the buffers are shared


def whole(type: str, node: Node) -> Plan:
    """Of what was converted already."""

    def convert(start: int, stop: int) -> Node:
        _, offset, nulls, buffers, children, dictionary = node
        same = start == 0 and stop == node[0]
        return (stop - start, offset + start, nulls if same or nulls == 0 else -1, buffers, children, dictionary)

    return Plan(type, convert, True)


def sentinels() -> tuple[Any, ...]:
    """What stands for a null besides None; pandas is not imported for it."""
    pandas = sys.modules.get("pandas")
    if pandas is None or not hasattr(pandas, "NaT"):
        return ()
    return (pandas.NA, pandas.NaT)


def refuse(where: str, row: int, value: Any, reason: str) -> SchemaValidationError:
    text = repr(value)
    if len(text) > 60:
        text = text[:57] + "..."
    error = SchemaValidationError(f"column {where}, row {row}: {text} ({type(value).__name__}) {reason}")
    error.code = "LM_DATA"
    return error


# ---- what kind of value ----


def _kind_of(cls: type) -> str:
    known = _KNOWN.get(cls)
    if known:
        return known
    import datetime
    import decimal
    import uuid

    order: tuple[tuple[Any, str], ...] = (
        (bool, "bool"), (int, "int"), (float, "float"), (str, "str"), ((bytes, bytearray), "bytes"),
        (datetime.datetime, "datetime"), (datetime.date, "date"), (datetime.time, "time"),
        (datetime.timedelta, "timedelta"), (decimal.Decimal, "decimal"), (uuid.UUID, "uuid"),
        (dict, "dict"), ((list, tuple, set, frozenset), "list"),
    )  # fmt: skip
    for classes, name in order:
        if issubclass(cls, classes):
            return name
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        for classes, name in (
            (numpy.bool_, "bool"), (numpy.integer, "int"), (numpy.floating, "float"), (numpy.ndarray, "list"),
            (numpy.datetime64, "datetime64"), (numpy.timedelta64, "timedelta64"),
        ):  # fmt: skip
            if issubclass(cls, classes):
                return name
    if hasattr(cls, "__arrow_c_array__") or hasattr(cls, "to_list"):
        return "list"
    return ""


_KNOWN = {bool: "bool", int: "int", float: "float", str: "str", bytes: "bytes", list: "list", dict: "dict",
          tuple: "list", type(None): "null"}  # fmt: skip


def plan(values: list[Any], where: str, target: Field | None = None, nan_is_null: bool = False) -> Plan:
    """The plan of a list of objects. `nan_is_null` is how pandas means it."""
    marks = sentinels()
    types = set(map(type, values))
    nulls = {type(None), *map(type, marks)}
    kinds = {_kind_of(cls): cls for cls in types - nulls}
    if "" in kinds:
        row = next(i for i, value in enumerate(values) if type(value) is kinds[""])
        raise refuse(where, row, values[row], "is nothing that a column can hold")
    if "float" in kinds and len(kinds) > 1 and "int" not in kinds:
        # NaN among other objects is how pandas spells a null.
        if all(value != value for value in values if isinstance(value, float)):
            del kinds["float"]
            nan_is_null = True
    if not kinds:
        return whole("null", (len(values), 0, len(values), (), (), None))
    if kinds.keys() == {"int", "float"}:
        return _mixed_numbers(values, where, marks, nan_is_null)
    if kinds.keys() == {"date", "datetime"}:
        kinds = {"datetime": kinds["datetime"]}
        values = [_midnight(value) for value in values]
    if len(kinds) > 1:
        raise _mixed(values, where, kinds)
    return _PLANS[next(iter(kinds))](values, where, marks, nan_is_null, target)


def _mixed(values: list[Any], where: str, kinds: dict[str, type]) -> SchemaValidationError:
    seen: str | None = None
    for row, value in enumerate(values):
        name = _kind_of(type(value))
        if name not in kinds:
            continue
        if seen is not None and name != seen:
            return refuse(where, row, value, f"stands among values of another kind ({seen})")
        seen = name
    raise AssertionError("all are of one kind")


def _validity(values: list[Any], marks: tuple[Any, ...], nan: bool) -> tuple[bytes | None, int]:
    return _core.validity(values, marks, nan)


def _is_null(value: Any, marks: tuple[Any, ...]) -> bool:
    return value is None or any(value is mark for mark in marks) or (isinstance(value, float) and value != value)


def _fixed(
    type: str, code: str, values: list[Any], marks: tuple[Any, ...], one: Callable[[Any], Any], nan: bool, where: str
) -> Plan:
    """Numbers of a fixed width, by array.array."""
    from array import array

    def convert(start: int, stop: int) -> Node:
        part = values[start:stop]
        bits, nulls = _validity(part, marks, nan)
        try:
            if nulls:
                data = array(code, [0 if _is_null(value, marks) else one(value) for value in part])
            else:
                data = array(code, map(one, part))
        except OverflowError:
            for row, value in enumerate(part):
                try:
                    array(code, [0 if _is_null(value, marks) else one(value)])
                except OverflowError:
                    raise refuse(where, start + row, value, f"does not fit {type}") from None
            raise
        return (len(part), 0, nulls, (bits, data), (), None)

    return Plan(type, convert)


def _bool(values: list[Any], where: str, marks: tuple[Any, ...], nan: bool, target: Field | None) -> Plan:
    def convert(start: int, stop: int) -> Node:
        part = values[start:stop]
        bits, nulls = _validity(part, marks, True)
        return (len(part), 0, nulls, (bits, _core.truth(part, marks)), (), None)

    return Plan("bool", convert)


def _int(values: list[Any], where: str, marks: tuple[Any, ...], nan: bool, target: Field | None) -> Plan:
    large = max((int(value) for value in values if not _is_null(value, marks)), default=0)
    unsigned = large > 0x7FFF_FFFF_FFFF_FFFF
    return _fixed("uint64" if unsigned else "int64", "Q" if unsigned else "q", values, marks, int, True, where)


def _float(values: list[Any], where: str, marks: tuple[Any, ...], nan: bool, target: Field | None) -> Plan:
    from array import array

    def convert(start: int, stop: int) -> Node:
        part = values[start:stop]
        bits, nulls = _validity(part, marks, nan)
        empty = nulls and any(value is None or any(value is mark for mark in marks) for value in part)
        data = array("d", [0.0 if _is_null(value, marks) and nan or value is None or any(value is m for m in marks)
                           else value for value in part] if empty else part)  # fmt: skip
        return (len(part), 0, nulls, (bits, data), (), None)

    return Plan("float64", convert)


def _mixed_numbers(values: list[Any], where: str, marks: tuple[Any, ...], nan: bool) -> Plan:
    """Integers among floats: floats, where none of them loses a digit; whole ones, where all are whole."""
    for row, value in enumerate(values):
        if not _is_null(value, marks) and not isinstance(value, float) and int(float(value)) != int(value):
            raise refuse(where, row, value, "stands among floats, and would not stay the same as one")
    return _float([value if _is_null(value, marks) else float(value) for value in values], where, marks, nan, None)


def _contents(type: str, text: bool) -> Callable[..., Plan]:
    def make(values: list[Any], where: str, marks: tuple[Any, ...], nan: bool, target: Field | None) -> Plan:
        def convert(start: int, stop: int) -> Node:
            part = values[start:stop]
            bits, nulls = _validity(part, marks, True)
            try:
                is_wide, offsets, data = _core.contents(part, text, marks, True)
            except TypeError as error:
                row = error.args[0]
                if not isinstance(row, int):
                    raise
                raise refuse(where, start + row, part[row], f"does not fit {type}") from None
            if is_wide and not wide:
                raise SchemaValidationError(f"column {where}: more than 2 GiB of text in {len(part)} rows")
            return (len(part), 0, nulls, (bits, offsets, data), (), None)

        # A piece of rows has 32-bit offsets; what does not fit them is told.
        wide = False
        return Plan(type, convert)

    return make


def _midnight(value: Any) -> Any:
    import datetime

    if isinstance(value, datetime.date) and not isinstance(value, datetime.datetime):
        return datetime.datetime(value.year, value.month, value.day)
    return value


def _date(values: list[Any], where: str, marks: tuple[Any, ...], nan: bool, target: Field | None) -> Plan:
    return _fixed("date32", "i", values, marks, lambda value: value.toordinal() - 719163, True, where)


def zone_name(zone: Any) -> str:
    """As Arrow writes it: a name of the time zone database, or an offset."""
    import datetime

    name = getattr(zone, "key", None) or getattr(zone, "zone", None)
    if name:
        return str(name)
    if zone is datetime.timezone.utc or str(zone) == "UTC":
        return "UTC"
    offset = zone.utcoffset(None)
    if offset is None:
        return "UTC"
    minutes = int(offset.total_seconds()) // 60
    sign = "-" if minutes < 0 else "+"
    return f"{sign}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"


def _datetime(values: list[Any], where: str, marks: tuple[Any, ...], nan: bool, target: Field | None) -> Plan:
    import datetime

    present = [value for value in values if not _is_null(value, marks)]
    zones = {value.tzinfo for value in present}
    if None in zones and len(zones) > 1:
        row = next(i for i, v in enumerate(values) if not _is_null(v, marks) and v.tzinfo != present[0].tzinfo)
        raise refuse(where, row, values[row], "mixes times with a zone and times without one")
    names = {zone_name(zone) for zone in zones if zone is not None}
    zone = "" if not names else ", " + (names.pop() if len(names) == 1 else "UTC")
    nanos = any(getattr(value, "nanosecond", 0) for value in present)
    epoch = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc if zone else None)
    day, tick = 86_400_000_000, 1_000_000

    def micros(value: Any) -> int:
        since = value - epoch
        return int(since.days * day + since.seconds * tick + since.microseconds)

    if nanos:
        return _fixed(f"timestamp[ns{zone}]", "q", values, marks,
                      lambda value: micros(value) * 1000 + getattr(value, "nanosecond", 0), True, where)  # fmt: skip
    return _fixed(f"timestamp[us{zone}]", "q", values, marks, micros, True, where)


def _time(values: list[Any], where: str, marks: tuple[Any, ...], nan: bool, target: Field | None) -> Plan:
    def micros(value: Any) -> int:
        return int(((value.hour * 60 + value.minute) * 60 + value.second) * 1_000_000 + value.microsecond)

    return _fixed("time64[us]", "q", values, marks, micros, True, where)


def _timedelta(values: list[Any], where: str, marks: tuple[Any, ...], nan: bool, target: Field | None) -> Plan:
    def micros(value: Any) -> int:
        return int(value.days * 86_400_000_000 + value.seconds * 1_000_000 + value.microseconds)

    if any(getattr(value, "nanoseconds", 0) for value in values if not _is_null(value, marks)):
        return _fixed("duration[ns]", "q", values, marks,
                      lambda value: micros(value) * 1000 + getattr(value, "nanoseconds", 0), True, where)  # fmt: skip
    return _fixed("duration[us]", "q", values, marks, micros, True, where)


def _scalars64(values: list[Any], where: str, marks: tuple[Any, ...], nan: bool, target: Field | None) -> Plan:
    """numpy.datetime64 and timedelta64 in a list."""
    import numpy

    from ._numpy import numpy_plan

    kind = "M" if any(isinstance(value, numpy.datetime64) for value in values) else "m"
    empty = numpy.datetime64("NaT") if kind == "M" else numpy.timedelta64("NaT")
    return numpy_plan(numpy.array([empty if _is_null(value, marks) else value for value in values]), where)


def _decimal(values: list[Any], where: str, marks: tuple[Any, ...], nan: bool, target: Field | None) -> Plan:
    scale = digits = 0
    for row, value in enumerate(values):
        if _is_null(value, marks):
            continue
        if not value.is_finite():
            raise refuse(where, row, value, "is no number that a decimal column can hold")
        _, figures, exponent = value.as_tuple()
        scale = max(scale, -exponent)
        digits = max(digits, len(figures) + exponent)
    precision = max(1, max(digits, 0) + scale)
    if precision > 76:
        raise SchemaValidationError(f"column {where}: decimals of {precision} digits; 76 are the most")
    width = 16 if precision <= 38 else 32

    def unscaled(value: Any) -> bytes:
        sign, figures, exponent = value.as_tuple()
        number = int("".join(map(str, figures)) or "0") * 10 ** (exponent + scale)
        return int(-number if sign else number).to_bytes(width, "little", signed=True)

    def convert(start: int, stop: int) -> Node:
        part = values[start:stop]
        bits, nulls = _validity(part, marks, True)
        empty = bytes(width)
        data = b"".join([empty if _is_null(value, marks) else unscaled(value) for value in part])
        return (len(part), 0, nulls, (bits, data), (), None)

    return Plan(f"decimal{128 if width == 16 else 256}({precision}, {scale})", convert)


def _uuid(values: list[Any], where: str, marks: tuple[Any, ...], nan: bool, target: Field | None) -> Plan:
    def convert(start: int, stop: int) -> Node:
        part = values[start:stop]
        bits, nulls = _validity(part, marks, True)
        data = b"".join([bytes(16) if _is_null(value, marks) else value.bytes for value in part])
        return (len(part), 0, nulls, (bits, data), (), None)

    return Plan("extension<arrow.uuid: fixed_binary[16]>", convert)


def _offsets(parts: list[Any]) -> Any:
    from array import array

    offsets = array("i", [0])
    total = 0
    for part in parts:
        total += len(part)
        offsets.append(total)
    return offsets


def _items(value: Any) -> Any:
    """The items of what stands for a list."""
    if isinstance(value, (list, tuple)):
        return value
    for name in ("tolist", "to_list", "to_pylist"):
        if hasattr(value, name):
            return getattr(value, name)()
    return list(value)


def _list(values: list[Any], where: str, marks: tuple[Any, ...], nan: bool, target: Field | None) -> Plan:
    bits, nulls = _validity(values, marks, True)
    if target is not None and target.format == "+m":
        return _map(values, where, marks, target)
    parts = [() if _is_null(value, marks) else _items(value) for value in values]
    inner = target.children[0] if target is not None and target.format[:2] in ("+l", "+L", "+w", "+v") else None
    items = [item for part in parts for item in part]
    child = plan(items, f"{where}.item", inner)
    node = (len(values), 0, nulls, (bits, _offsets(parts)), (child.convert(0, len(items)),), None)
    return whole(f"list<item: {child.type}>", node)


def _dict(values: list[Any], where: str, marks: tuple[Any, ...], nan: bool, target: Field | None) -> Plan:
    if target is not None and target.format == "+m":
        return _map(values, where, marks, target)
    names: dict[str, Field | None] = {}
    if target is not None and target.format == "+s":
        names.update((child.name, child) for child in target.children)
    for value in values:
        if not _is_null(value, marks):
            for name in value:
                names.setdefault(str(name), None)
    bits, nulls = _validity(values, marks, True)
    plans = []
    for name, inner in names.items():
        column = [None if _is_null(value, marks) else value.get(name) for value in values]
        plans.append((name, plan(column, f"{where}.{name}", inner)))
    children = tuple(child.convert(0, len(values)) for _, child in plans)
    fields = ", ".join(f"{quoted(name)}: {child.type}" for name, child in plans)
    return whole(f"struct<{fields}>", (len(values), 0, nulls, (bits,), children, None))


def _map(values: list[Any], where: str, marks: tuple[Any, ...], target: Field) -> Plan:
    bits, nulls = _validity(values, marks, True)
    parts: list[list[Any]] = []
    for value in values:
        if _is_null(value, marks):
            parts.append([])
        else:
            parts.append(list(value.items() if isinstance(value, dict) else _items(value)))
    entries = [entry for part in parts for entry in part]
    key, inner = target.children[0].children
    keys = plan([entry[0] for entry in entries], f"{where}.key", key) if entries else _no_keys(key)
    contents = plan([entry[1] for entry in entries], f"{where}.value", inner)
    pairs = (len(entries), 0, 0, (None,), (keys.convert(0, len(entries)), contents.convert(0, len(entries))), None)
    type = f"map<key: {keys.type} not null, value: {contents.type}>"
    return whole(type, (len(values), 0, nulls, (bits, _offsets(parts)), (pairs,), None))


def _no_keys(key: Field) -> Plan:
    """A column of no rows, where no value tells its type."""
    if kind(key) in ("text", "binary"):
        return whole("utf8" if kind(key) == "text" else "binary", (0, 0, 0, (None, bytes(4), b""), (), None))
    return whole(key.type, (0, 0, 0, (None, b""), (), None))


_PLANS: dict[str, Callable[..., Plan]] = {
    "bool": _bool, "int": _int, "float": _float, "str": _contents("utf8", True), "bytes": _contents("binary", False),
    "date": _date, "datetime": _datetime, "time": _time, "timedelta": _timedelta, "decimal": _decimal, "uuid": _uuid,
    "list": _list, "dict": _dict, "datetime64": _scalars64, "timedelta64": _scalars64,
}  # fmt: skip
