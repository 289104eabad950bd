"""Columns as Python values: what Table.to_pydict gives."""
from __future__ import annotations

import sys

from . import _core

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ._schema import Field

# Formats of the Arrow C interface whose values lie as the letters of struct have them.
NUMBERS = {
    "c": "b", "C": "B", "s": "h", "S": "H", "i": "i", "I": "I", "l": "q", "L": "Q", "e": "e", "f": "f", "g": "d",
}  # fmt: skip
TICKS = {"s": 1, "m": 1_000, "u": 1_000_000, "n": 1_000_000_000}


def numbers(tree: tuple[Any, ...], code: str) -> list[Any]:
    length, offset, values = tree[0], tree[1], tree[4]
    if length == 0 or values is None:
        return []
    if code == "e":  # which a memoryview does not know
        import struct

        return list(struct.unpack_from(f"{length}e", values, 2 * offset))
    return list(_cast(values, code)[offset : offset + length])


def _cast(buffer: Any, code: Any) -> Any:
    return memoryview(buffer).cast("B").cast(code)


def present(tree: tuple[Any, ...]) -> bytes | None:
    """A byte for each row, 0 where it is null; None where no row is."""
    length, offset, nulls, validity = tree[:4]
    return None if validity is None or nulls == 0 else _core.unpack(validity, offset, length)


def _nulled(values: list[Any], there: bytes | None) -> list[Any]:
    return values if there is None else [value if is_there else None for value, is_there in zip(values, there)]


def _each(raw: list[Any], there: bytes | None, one: Callable[[Any], Any]) -> list[Any]:
    """Converted, without a look at what lies beneath a null."""
    if there is None:
        return [one(value) for value in raw]
    return [one(value) if is_there else None for value, is_there in zip(raw, there)]


def values(tree: tuple[Any, ...], column: Field) -> list[Any]:
    """The rows of a column, as the objects that Python has for them."""
    format, length, there = column.format, tree[0], present(tree)
    if column.dictionary is not None:
        words = values(tree[9], column.dictionary)
        return _each(numbers(tree, NUMBERS[format]), there, words.__getitem__)
    if format in NUMBERS:
        return _nulled(numbers(tree, NUMBERS[format]), there)
    if format == "n":
        return [None] * length
    if format == "b":
        raw = _core.unpack(tree[4], tree[1], length) if length else b""
        return _nulled([bit == 1 for bit in raw], there)
    if format in ("u", "U", "vu", "z", "Z", "vz"):
        width = 16 if format[0] == "v" else 4 if format in "uz" else 8
        return _core.objects(format[-1] in "uU", width, tree[1], length, tree[3], tree[4], tree[5], tree[7])
    if format.startswith(("w:", "d:")):
        return _fixed(tree, column, there)
    if format.startswith("t"):
        return _times(tree, format, there)
    return _nested(tree, column, there)


def _fixed(tree: tuple[Any, ...], column: Field, there: bytes | None) -> list[Any]:
    length, offset, data = tree[0], tree[1], tree[4]
    words = column.format[2:].split(",")
    width = int(words[0]) if column.format[0] == "w" else int(words[2]) // 8 if len(words) > 2 else 16
    view = memoryview(data if data is not None else b"").cast("B")
    raw = [bytes(view[at * width : (at + 1) * width]) for at in range(offset, offset + length)]
    if column.format[0] == "w":
        if column.extension == "arrow.uuid":
            import uuid

            return _each(raw, there, lambda value: uuid.UUID(bytes=value))
        return _nulled(raw, there)
    from decimal import Decimal

    scale = int(words[1])

    def number(value: bytes) -> Decimal:
        unscaled = int.from_bytes(value, "little", signed=True)
        return Decimal((unscaled < 0, tuple(map(int, str(abs(unscaled)))), -scale))

    return _each(raw, there, number)


def _times(tree: tuple[Any, ...], format: str, there: bytes | None) -> list[Any]:
    import datetime

    if format[:2] == "ti":
        return _intervals(tree, format, there)
    raw = numbers(tree, "i" if format in ("tdD", "tts", "ttm") else "q")
    if format == "tdD":
        return _each(raw, there, lambda value: datetime.date.fromordinal(value + 719163))
    if format == "tdm":
        return _each(raw, there, lambda value: datetime.date.fromordinal(value // 86_400_000 + 719163))
    per_second = TICKS[format[2]]
    if format[2] == "n" and any(value % 1000 for value, is_there in zip(raw, there or b"\1" * len(raw)) if is_there):
        return _nanos(raw, format, there)
    micros = 1_000_000 // per_second if per_second <= 1_000_000 else 0

    def delta(value: int) -> datetime.timedelta:
        return datetime.timedelta(microseconds=value * micros if micros else value // 1000)

    if format[1] == "D":
        return _each(raw, there, delta)
    if format[1] == "t":
        midnight = datetime.datetime(1970, 1, 1)
        return _each(raw, there, lambda value: (midnight + delta(value)).time())
    zone_name = format[4:]
    if not zone_name:
        epoch = datetime.datetime(1970, 1, 1)
        return _each(raw, there, lambda value: epoch + delta(value))
    zone = zone_of(zone_name)
    start = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
    return _each(raw, there, lambda value: (start + delta(value)).astimezone(zone))


def zone_of(name: str) -> Any:
    import datetime

    if name.upper() in ("UTC", "Z", "ETC/UTC"):
        return datetime.timezone.utc
    if name[0] in "+-":
        hours, minutes = int(name[1:3]), int(name[4:6])
        offset = datetime.timedelta(hours=hours, minutes=minutes)
        return datetime.timezone(-offset if name[0] == "-" else offset)
    import zoneinfo

    return zoneinfo.ZoneInfo(name)


def _nanos(raw: list[Any], format: str, there: bytes | None) -> list[Any]:
    """Python's own types end at microseconds."""
    pandas = sys.modules.get("pandas")
    if pandas is None or format[1] == "t":
        raise ValueError("these times have nanoseconds, which Python's datetime cannot hold: use to_pandas or to_polars")
    if format[1] == "D":
        return _each(raw, there, lambda value: pandas.Timedelta(value, "ns"))
    if not format[4:]:
        return _each(raw, there, lambda value: pandas.Timestamp(value, unit="ns"))
    zone = zone_of(format[4:])
    return _each(raw, there, lambda value: pandas.Timestamp(value, unit="ns", tz="UTC").tz_convert(zone))


def _intervals(tree: tuple[Any, ...], format: str, there: bytes | None) -> list[Any]:
    import struct

    code = {"tiM": "<i", "tiD": "<ii", "tin": "<iiq"}[format]
    size = struct.calcsize(code)
    view = memoryview(tree[4] if tree[4] is not None else b"").cast("B")
    found = [struct.unpack_from(code, view, at * size) for at in range(tree[1], tree[1] + tree[0])]
    return _nulled([one[0] if format == "tiM" else one for one in found], there)


def _part(tree: tuple[Any, ...], start: int, stop: int) -> tuple[Any, ...]:
    """Rows of an array of the format, which is whole."""
    return (stop - start, tree[1] + start, -1 if tree[2] else 0, *tree[3:])


def _nested(tree: tuple[Any, ...], column: Field, there: bytes | None) -> list[Any]:
    format, length, offset, children = column.format, tree[0], tree[1], tree[8]
    if format == "+s":
        names = [child.name for child in column.children]
        inner = [values(_part(child, offset, offset + length), below)
                 for child, below in zip(children, column.children)]  # fmt: skip
        rows = [dict(zip(names, row)) for row in zip(*inner)] if inner else [{} for _ in range(length)]
        return _nulled(rows, there)
    if format == "+r":
        ends = numbers(children[0], NUMBERS[column.children[0].format])
        runs = values(children[1], column.children[1])
        found: list[Any] = []
        for end, value in zip(ends, runs):
            found += [value] * (min(end, offset + length) - offset - len(found)) if end > offset else []
        return found[:length]
    ranges = _ranges(tree, format)
    first = min((start for start, _ in ranges), default=0)
    last = max((stop for _, stop in ranges), default=0)
    below = column.children[0]
    if format == "+m":
        pairs = values(_part(children[0], first, last), below)
        key, value = (child.name for child in below.children)
        items: list[Any] = [(pair[key], pair[value]) for pair in pairs]
    else:
        items = values(_part(children[0], first, last), below)
    return _nulled([items[start - first : stop - first] for start, stop in ranges], there)


def _ranges(tree: tuple[Any, ...], format: str) -> list[tuple[int, int]]:
    length, offset = tree[0], tree[1]
    if format.startswith("+w:"):
        size = int(format[3:])
        return [(at * size, (at + 1) * size) for at in range(offset, offset + length)]
    if length == 0:
        return []
    code = "i" if format in ("+l", "+m", "+vl") else "q"
    offsets = _cast(tree[5], code)
    if format.startswith("+v"):
        sizes = _cast(tree[6], code)
        return [(offsets[at], offsets[at] + sizes[at]) for at in range(offset, offset + length)]
    starts = offsets[offset : offset + length + 1].tolist()
    return list(zip(starts, starts[1:]))
