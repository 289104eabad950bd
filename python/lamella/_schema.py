"""Schemas: from text, from whatever speaks Arrow, from Polars; and what their trees say."""
from __future__ import annotations

import sys

from . import _core

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Field:
    """A column, or what lies in one. `format` is that of the Arrow C interface, `type` the same as text."""

    __slots__ = ("name", "format", "nullable", "children", "dictionary", "type", "extension")

    def __init__(
        self, name: str, format: str, nullable: bool, children: tuple[Field, ...], dictionary: Field | None, type: str,
        extension: str | None,
    ) -> None:  # fmt: skip
        self.name, self.format, self.nullable, self.children = name, format, nullable, children
        self.dictionary, self.type, self.extension = dictionary, type, extension

    def __repr__(self) -> str:
        return f"Field({self.name!r}, {self.type!r}{'' if self.nullable else ', nullable=False'})"


def field(tree: tuple[Any, ...]) -> Field:
    name, format, nullable, children, dictionary, type, extension = tree
    inner = tuple(field(child) for child in children)
    return Field(name, format, nullable, inner, dictionary and field(dictionary), type, extension)


class Schema:
    """Columns with names, types and nullability. `Schema("id: int64 not null, name: utf8")` reads the text form of
    docs/schema-text.md; anything with `__arrow_c_schema__` and a Polars schema are taken too."""

    __slots__ = ("_capsule", "_root")

    def __init__(self, source: Any) -> None:
        self._capsule: Any = _capsule_of(source)
        self._root: Field | None = None

    @classmethod
    def _of(cls, capsule: Any) -> Schema:
        made = cls.__new__(cls)
        made._capsule, made._root = capsule, None
        return made

    def __reduce__(self) -> tuple[Any, ...]:
        return Schema, (str(self),)

    def __arrow_c_schema__(self) -> Any:
        return _core.schema_copy(self._capsule)

    @property
    def fields(self) -> tuple[Field, ...]:
        """The columns: name, format (of the Arrow C interface), nullable, children, dictionary, type (as text)."""
        if self._root is None:
            self._root = field(_core.schema_tree(self._capsule))
        return self._root.children

    @property
    def names(self) -> list[str]:
        return [column.name for column in self.fields]

    @property
    def hash(self) -> str:
        """ "sha256:…" of the canonical text, as manifests have it."""
        return _core.schema_hash(self._capsule)

    def select(self, names: list[str]) -> Schema:
        places = {name: place for place, name in enumerate(self.names)}
        return Schema._of(_core.schema_select(self._capsule, [places[name] for name in names]))

    def to_arrow(self) -> Any:
        import pyarrow

        return pyarrow.schema(self)

    def __len__(self) -> int:
        return len(self.fields)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Schema):
            return str(self) == str(other)
        try:
            return str(self) == str(Schema(other))
        except (TypeError, ValueError):
            return NotImplemented

    def __hash__(self) -> int:
        return hash(str(self))

    def __str__(self) -> str:
        return _core.schema_text(self._capsule).rstrip("\n")

    def __repr__(self) -> str:
        return f"Schema({str(self)!r})"


def _capsule_of(source: Any) -> Any:
    if isinstance(source, Schema):
        return source._capsule
    if isinstance(source, str):
        return _core.schema_parse(source)
    if hasattr(source, "__arrow_c_schema__"):
        return _core.schema_copy(source.__arrow_c_schema__())
    if type(source).__module__.startswith("polars") or (
        isinstance(source, dict) and any(type(one).__module__.startswith("polars") for one in source.values())
        or isinstance(source, dict) and any(getattr(one, "__module__", "").startswith("polars") for one in source.values())
    ):  # fmt: skip
        frame = sys.modules["polars"].DataFrame(schema=source)
        return _core.Reader(frame.__arrow_c_stream__()).schema()
    if isinstance(source, dict):
        return _core.schema_parse("\n".join(f"{quoted(name)}: {type}" for name, type in source.items()))
    raise TypeError(
        "a schema is a pyarrow.Schema, a Polars schema, anything with __arrow_c_schema__, or text such as "
        f"'id: int64 not null, name: utf8', not {type(source).__name__}"
    )


def as_schema(source: Any) -> Schema:
    return source if isinstance(source, Schema) else Schema(source)


def quoted(name: str) -> str:
    """A name for the text form."""
    import json

    return json.dumps(str(name))


# ---- what may become what without asking: kinds of types, by the first letters of their formats ----

_KINDS = {
    "n": "null", "b": "boolean", "c": "number", "C": "number", "s": "number", "S": "number", "i": "number",
    "I": "number", "l": "number", "L": "number", "e": "number", "f": "number", "g": "number", "d": "number",
    "u": "text", "U": "text", "z": "binary", "Z": "binary", "w": "binary", "t": "time", "+": "nested", "v": "text",
}  # fmt: skip


def kind(column: Field) -> str:
    if column.dictionary is not None:
        return kind(column.dictionary)
    if column.format in ("vu", "vz"):
        return "text" if column.format == "vu" else "binary"
    if column.format == "+r":
        return kind(column.children[1])
    return _KINDS.get(column.format[:1], "other")


def kind_problems(source: tuple[Field, ...], target: tuple[Field, ...], within: str = "") -> list[str]:
    """What the core would convert by parsing or printing, which nobody asked for: text to numbers and the like."""
    wanted = {column.name: column for column in target}
    found = []
    for column in source:
        other = wanted.get(column.name)
        if other is None:
            continue
        here, there = kind(column), kind(other)
        path = f"{within}{column.name}"
        if here == there == "nested" and column.format[:2] == other.format[:2]:
            if column.format == "+s":
                found += kind_problems(column.children, other.children, path + ".")
        elif here != there and "null" not in (here, there) and {here, there} & {"text", "boolean", "nested"}:
            if {here, there} != {"text", "binary"}:
                found.append(f"column {path}: {column.type} does not become {other.type}")
    return found
