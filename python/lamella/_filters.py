"""Filters of every form as the one text that the core reads (docs/expressions.md).

Text goes as it is. DNF tuples and expressions of pyarrow.compute mean what they mean there: a comparison with null is
not true, and NaN is neither less nor greater than anything (in the core it is greater than all)."""
from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from ._schema import Field, Schema


def filter_text(filters: Any, schema: Callable[[], Schema]) -> str | None:
    """The text of a filter; `schema` is asked for where the form needs it. NotImplementedError where an expression of
    pyarrow has no counterpart."""
    if filters is None:
        return None
    if isinstance(filters, str):
        return filters
    if type(filters).__module__.startswith("pyarrow"):
        return _Substrait(filters, schema()).text()
    if isinstance(filters, (list, tuple)):
        return _disjunction(filters, schema())
    raise TypeError(
        "filters is text ('a > 5 and b is not null'), a list of tuples ([('a', '>', 5)]), or an expression of "
        f"pyarrow.compute, not {type(filters).__name__}"
    )


# ---- pieces of the text ----


def name_text(*path: str) -> str:
    return ".".join('"' + part.replace('"', '""') + '"' for part in path)


def literal(value: Any) -> str:
    """A value as the text form has it."""
    import datetime
    import decimal
    import uuid

    if hasattr(value, "as_py"):
        value = value.as_py()
    elif hasattr(value, "item") and not isinstance(value, (str, bytes)) and type(value).__module__ == "numpy":
        unit = getattr(value.dtype, "kind", "")
        if unit == "M":
            import numpy

            return f"timestamp '{str(numpy.datetime_as_string(value)).replace('T', ' ')}'"
        value = value.item()
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(int(value))
    if isinstance(value, float):
        return f"'{value!r}'" if value != value or value in (float("inf"), float("-inf")) else repr(float(value))
    if isinstance(value, decimal.Decimal):
        return format(value, "f")
    if isinstance(value, (bytes, bytearray)):
        return f"x'{value.hex()}'"
    if isinstance(value, datetime.datetime):
        return f"timestamp '{value.isoformat(sep=' ')}'"
    if isinstance(value, datetime.date):
        return f"date '{value.isoformat()}'"
    if isinstance(value, datetime.time):
        return f"time '{value.isoformat()}'"
    if isinstance(value, datetime.timedelta):
        micros = value.days * 86_400_000_000 + value.seconds * 1_000_000 + value.microseconds
        return f"duration '{micros}us'"
    if isinstance(value, (str, uuid.UUID)):
        return "'" + str(value).replace("'", "''") + "'"
    raise TypeError(f"no filter compares with {value!r} ({type(value).__name__})")


def _is_float(column: Field | None) -> bool:
    return column is not None and (column.dictionary or column).format in ("e", "f", "g")


def comparison(name: str, column: Field | None, sign: str, value: str) -> str:
    text = f"{name} {sign} {value}"
    return f"({text} and {name} <> 'nan')" if sign in (">", ">=") and _is_float(column) else text


# ---- tuples ----

_SIGNS = {"=": "=", "==": "=", "!=": "<>", "<>": "<>", "<": "<", "<=": "<=", ">": ">", ">=": ">="}


def _disjunction(filters: Any, schema: Schema) -> str:
    """[[a and b], [c]]; a plain list of tuples is one conjunction."""
    if not filters:
        raise ValueError("filters is empty; None means no filter")
    if isinstance(filters, tuple) and len(filters) == 3 and isinstance(filters[0], str):
        return _condition(filters, schema)
    if all(isinstance(part, (tuple, list)) and len(part) == 3 and isinstance(part[0], str) for part in filters):
        return " and ".join(_condition(part, schema) for part in filters)
    return " or ".join("(" + " and ".join(_condition(part, schema) for part in group) + ")" for group in filters)


def _field(schema: Schema, path: list[str]) -> Field | None:
    fields, found = schema.fields, None
    for part in path:
        found = next((field for field in fields if field.name == part), None)
        if found is None:
            return None
        fields = found.children
    return found


def _condition(part: Any, schema: Schema) -> str:
    try:
        column, sign, value = part
    except (TypeError, ValueError):
        raise ValueError(f"a filter is (column, operator, value), not {part!r}") from None
    sign = str(sign).lower().strip()
    whole = _field(schema, [column])
    path = [column] if whole is not None else str(column).split(".")
    name, field = name_text(*path), whole or _field(schema, path)
    if sign in ("in", "not in"):
        if isinstance(value, (str, bytes)) or not hasattr(value, "__iter__"):
            raise TypeError(f"{column} {sign}: a list of values is needed, not {value!r}")
        values = [literal(one) for one in value]
        if not values:
            return "false" if sign == "in" else "true"
        return f"{name} {sign} ({', '.join(values)})"
    if sign in ("is", "is not") and value is None:
        return f"{name} {sign} null"
    if sign not in _SIGNS:
        raise ValueError(f"no operator is called {part[1]!r}; there are {', '.join(_SIGNS)}, in, not in")
    if isinstance(value, float) and value != value:  # equal to nothing
        return f"{name} is not null" if _SIGNS[sign] == "<>" else "false"
    return comparison(name, field, _SIGNS[sign], literal(value))


# ---- expressions of pyarrow, through their Substrait form ----


def _fields(data: bytes) -> Iterator[tuple[int, Any]]:
    """(number, value) of a protobuf message: an int, or bytes of what has a length or a width."""
    at = 0

    def varint() -> int:
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 127) << shift
            if byte < 128:
                return value
            shift += 7

    while at < len(data):
        key = varint()
        number, kind = key >> 3, key & 7
        if kind == 0:
            yield number, varint()
            continue
        size = varint() if kind == 2 else {1: 8, 5: 4}[kind]
        yield number, data[at : at + size]
        at += size


def _signed(value: int) -> int:
    return value - (1 << 64) if value >= 1 << 63 else value


class _Substrait:
    """An ExtendedExpression with one expression (substrait/extended_expression.proto)."""

    _COMPARE = {"equal": "=", "not_equal": "<>", "lt": "<", "lte": "<=", "gt": ">", "gte": ">="}
    _TURNED = {"=": "=", "<>": "<>", "<": ">", "<=": ">=", ">": "<", ">=": "<="}

    def __init__(self, expression: Any, schema: Schema) -> None:
        self._schema = schema
        self._said = str(expression)
        try:
            self._data = bytes(expression.to_substrait(schema.to_arrow()))
        except Exception as error:
            if type(error).__name__ == "ArrowInvalid" and "No match for FieldRef" in str(error):
                raise
            raise NotImplementedError(f"{self._said}: {error}") from None
        self._functions: dict[int, str] = {}

    def text(self) -> str:
        root = b""
        for number, value in _fields(self._data):
            if number == 2:
                self._function(value)
            elif number == 3:
                root = dict(_fields(value))[1]
        return self._condition(root)

    def _function(self, data: bytes) -> None:
        mapping = dict(_fields(dict(_fields(data)).get(3, b"")))
        name = mapping.get(3, b"").decode()
        self._functions[mapping.get(2, 0)] = name.partition(":")[0]

    def _unknown(self, what: str) -> NotImplementedError:
        return NotImplementedError(f"{self._said}: {what}")

    def _condition(self, data: bytes) -> str:
        ((kind, value),) = list(_fields(data))[:1]
        if kind == 1:
            return self._literal(value)
        if kind == 2:
            return self._column(value)[0]
        if kind == 8:
            return self._in(value)
        if kind == 3:
            return self._call(value)
        raise self._unknown("a kind of expression that is not known here")

    def _call(self, data: bytes) -> str:
        name, arguments = "", []
        reference = 0
        for number, value in _fields(data):
            if number == 1:
                reference = value
            elif number == 4:
                arguments.append(dict(_fields(value))[3])
        name = self._functions.get(reference, "")
        if name in ("and", "or"):
            return "(" + f" {name} ".join(map(self._condition, arguments)) + ")"
        if name == "not":
            return f"not ({self._condition(arguments[0])})"
        if name in ("is_null", "is_not_null"):
            return f"{self._operand(arguments[0])[0]} is {'not ' * (name == 'is_not_null')}null"
        if name in self._COMPARE:
            return self._comparison(self._COMPARE[name], *arguments)
        raise self._unknown(f"the function {name}")

    def _comparison(self, sign: str, left: bytes, right: bytes) -> str:
        (one, column), (other, second) = self._operand(left), self._operand(right)
        if column is None and second is not None:
            one, column, other, second, sign = other, second, one, None, self._TURNED[sign]
        if column is None:
            raise self._unknown("it compares no column")
        if second is not None and (_is_float(column) or _is_float(second)) and sign in ("<", "<=", ">", ">="):
            return f"({one} {sign} {other} and {one} <> 'nan' and {other} <> 'nan')"
        if other == "'nan'" and _is_float(column):
            return f"{one} is not null" if sign == "<>" else f"{one} <> {one}"
        return comparison(one, column, sign, other)

    def _operand(self, data: bytes) -> tuple[str, Field | None]:
        ((kind, value),) = list(_fields(data))[:1]
        if kind == 2:
            return self._column(value)
        if kind == 1:
            return self._literal(value), None
        raise self._unknown("a comparison of more than columns and values")

    def _column(self, data: bytes) -> tuple[str, Field]:
        segment = dict(_fields(data)).get(1, b"")
        fields, path = self._schema.fields, []
        column: Field | None = None
        while segment:
            place = dict(_fields(dict(_fields(segment)).get(2, b"")))
            found = fields[place.get(1, 0)]
            path.append(found.name)
            column, fields, segment = found, found.children, place.get(2, b"")
        if column is None:
            raise self._unknown("a reference that is no column")
        return name_text(*path), column

    def _in(self, data: bytes) -> str:
        name, values = "", []
        column: Field | None = None
        for number, value in _fields(data):
            if number == 1:
                name, column = self._operand(value)
            else:
                values.append(self._operand(value)[0])
        if column is None:
            raise self._unknown("it looks for no column")
        return f"{name} in ({', '.join(values)})"

    def _literal(self, data: bytes) -> str:
        import datetime
        import struct

        for kind, value in _fields(data):
            if kind == 1:
                return "true" if value else "false"
            if kind in (2, 3, 5, 7):
                return str(_signed(value))
            if kind in (10, 11):
                number = struct.unpack("<f" if kind == 10 else "<d", value)[0]
                return literal(number)
            if kind in (12, 21):
                return literal(value.decode())
            if kind == 22:
                return literal(dict(_fields(value))[1].decode())
            if kind in (13, 23):
                return literal(bytes(value))
            if kind in (14, 27):
                return self._instant(_signed(value), 6, kind == 27)
            if kind in (34, 35):
                parts = dict(_fields(value))
                return self._instant(_signed(parts.get(2, 0)), parts.get(1, 0), kind == 35)
            if kind == 16:
                return literal(datetime.date(1970, 1, 1) + datetime.timedelta(_signed(value)))
            if kind == 24:
                parts = dict(_fields(value))
                unscaled = int.from_bytes(parts[1], "little", signed=True)
                return f"{unscaled}e{-parts.get(3, 0)}"
            if kind == 29:
                return "null"
        if not data:
            return "false"
        raise self._unknown("a kind of value that is not known here")

    @staticmethod
    def _instant(value: int, digits: int, has_zone: bool) -> str:
        import datetime

        seconds, part = divmod(value, 10**digits)
        when = datetime.datetime(1970, 1, 1) + datetime.timedelta(seconds=seconds)
        fraction = f".{part:0{digits}d}" if digits else ""
        return f"timestamp '{when.isoformat(sep=' ')}{fraction}{'+00:00' if has_zone else ''}'"
