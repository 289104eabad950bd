"""What tables are: columns, descriptors, registries (docs/tables.md)."""
from __future__ import annotations

import os

from . import _core
from ._options import nearest, path_bytes, storage_pairs
from ._schema import Schema

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from typing import Any

    from ._options import PathLike, StorageOptions

_PYTHON_TYPES = {
    "int": "int64", "float": "float64", "str": "utf8", "bool": "bool", "bytes": "binary", "date": "date32",
    "datetime": "timestamp[us]",
}  # fmt: skip


def name_of(name: Any) -> str:
    """A table's name: text, or a member of an enum, whose value it is."""
    return str(getattr(name, "value", name))


def _type_text(name: str, type: Any) -> str:
    """A type as text: of pyarrow, of Polars, of Python, or text already."""
    if isinstance(type, str):
        return type
    module = getattr(type, "__module__", "").partition(".")[0]
    if module in ("builtins", "datetime") and type.__name__ in _PYTHON_TYPES:
        return _PYTHON_TYPES[type.__name__]
    if type.__class__.__module__.startswith("pyarrow"):
        import pyarrow

        schema = Schema(pyarrow.schema([pyarrow.field(name, type)]))
    elif "polars" in (module, type.__class__.__module__.partition(".")[0]):
        schema = Schema({name: type})
    else:
        raise TypeError(f"column {name}: a type is text such as 'int64', or one of pyarrow or Polars, not {type!r}")
    return schema.fields[0].type


def _plain(value: Any) -> Any:
    """A value of a rule, as JSON has it."""
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    if hasattr(value, "isoformat"):
        return value.isoformat(*([" "] if hasattr(value, "hour") and hasattr(value, "year") else []))
    return str(value)


class Column:
    """A column of a table. `rules` is a dict: min, max, set, like, pattern, unique."""

    __slots__ = ("name", "type", "nullable", "description", "rules")

    name: str
    type: str
    nullable: bool
    description: str | None
    rules: dict[str, Any]

    def __init__(
        self, name: str, type: Any, nullable: bool = True, rules: Mapping[str, Any] | None = None,
        description: str | None = None,
    ) -> None:  # fmt: skip
        self.name, self.type = name, _type_text(name, type)
        self.nullable, self.rules, self.description = bool(nullable), dict(rules or {}), description

    def _json(self) -> dict[str, Any]:
        made: dict[str, Any] = {"name": self.name, "type": self.type, "nullable": self.nullable}
        if self.description is not None:
            made["description"] = self.description
        if self.rules:
            made["rules"] = self.rules
        return made

    def __repr__(self) -> str:
        said = [repr(self.name), repr(self.type)] + ([] if self.nullable else ["nullable=False"])
        said += [f"{name}={value!r}" for name in ("rules", "description") if (value := getattr(self, name))]
        return f"Column({', '.join(said)})"


class TableDescriptor:
    """What a table is: its columns, partitions and rules, under a version. A mistake is told when it is made.

    `partitioning` has names of columns, "bucket", and dicts such as {"year": "when"}; `rules` are those of whole rows,
    {"check": […], "unique": [[…]]}; `sort` and `parquet` are as docs/tables.md has them."""

    __slots__ = ("_capsule", "_said")

    def __init__(
        self, name: Any, columns: Iterable[Column], partitioning: Sequence[Any] = (),
        schema_version: str = "1.0@1970-01-01", *, description: str | None = None,
        rules: Mapping[str, Any] | None = None, sort: Sequence[Any] = (), parquet: Mapping[str, Any] | None = None,
    ) -> None:  # fmt: skip
        import json

        if isinstance(partitioning, str) or isinstance(sort, str):
            raise TypeError("partitioning and sort are lists")
        made: dict[str, Any] = {
            "name": name_of(name), "schema_version": str(schema_version),
            "columns": [column._json() for column in columns],
        }  # fmt: skip
        more = {"description": description, "rules": rules, "partitioning": list(partitioning), "sort": list(sort),
                "parquet": parquet}  # fmt: skip
        made.update((key, value) for key, value in more.items() if value)
        self._take(json.dumps(made, default=_plain), made["name"])

    def _take(self, text: str, file: str) -> None:
        self._capsule: Any = _core.descriptor_parse(text, file)
        self._said: dict[str, Any] | None = None

    @classmethod
    def _of(cls, capsule: Any) -> TableDescriptor:
        made = cls.__new__(cls)
        made._capsule, made._said = capsule, None
        return made

    @classmethod
    def from_json(cls, text: str, file: str = "descriptor") -> TableDescriptor:
        """Of the text of a file; `file` is its name in messages."""
        made = cls.__new__(cls)
        made._take(text, file)
        return made

    def __reduce__(self) -> tuple[Any, ...]:
        return TableDescriptor.from_json, (self.to_json(),)

    def to_json(self) -> str:
        return _core.descriptor_json(self._capsule)

    def _get(self, key: str, otherwise: Any) -> Any:
        said = self._said
        if said is None:
            import json

            said = self._said = dict(json.loads(self.to_json()))
        return said.get(key, otherwise)

    @property
    def name(self) -> str:
        return str(self._get("name", ""))

    @property
    def schema_version(self) -> str:
        return str(self._get("schema_version", ""))

    @property
    def description(self) -> str | None:
        said = self._get("description", None)
        return None if said is None else str(said)

    @property
    def partitioning(self) -> list[Any]:
        return list(self._get("partitioning", ()))

    @property
    def columns(self) -> list[Column]:
        return [Column(**one) for one in self._get("columns", ())]

    @property
    def schema(self) -> Schema:
        """The columns as they are declared."""
        return Schema._of(_core.descriptor_schema(self._capsule, False))

    @property
    def stored(self) -> Schema:
        """The columns as the table has them, computed partition columns among them."""
        return Schema._of(_core.descriptor_schema(self._capsule, True))

    def compare(self, newer: TableDescriptor) -> tuple[str, str]:
        """How `newer` differs from this one: "same", "minor" or "major", and the first difference."""
        kind, why = _core.descriptor_compare(self._capsule, newer._capsule)
        return ("same", "minor", "major")[kind], why

    def __eq__(self, other: object) -> bool:
        return self.to_json() == other.to_json() if isinstance(other, TableDescriptor) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.to_json())

    def __repr__(self) -> str:
        return f"TableDescriptor({self.name!r}, schema_version={self.schema_version!r})"


class Registry:
    """Descriptors by name."""

    __slots__ = ("_capsule", "_tables")

    def __init__(self, descriptors: Iterable[TableDescriptor] = ()) -> None:
        descriptors = list(descriptors)
        self._capsule: Any = _core.registry_of([one._capsule for one in descriptors])
        self._tables = {one.name: one for one in descriptors}

    def __reduce__(self) -> tuple[Any, ...]:
        return Registry, (list(self._tables.values()),)

    @classmethod
    def from_dir(cls, path: PathLike, *, storage_options: StorageOptions | None = None) -> Registry:
        """Of a directory of files NAME.json."""
        found = _core.registry_read(path_bytes(path), storage_pairs(storage_options))
        return cls(TableDescriptor._of(capsule) for capsule in found)

    def __getitem__(self, name: Any) -> TableDescriptor:
        text = name_of(name)
        if text not in self._tables:
            raise KeyError(f"the registry describes no table {text!r}{nearest(text, self._tables)}")
        return self._tables[text]

    def __contains__(self, name: Any) -> bool:
        return name_of(name) in self._tables

    def __iter__(self) -> Iterator[str]:
        return iter(self._tables)

    def __len__(self) -> int:
        return len(self._tables)

    def __repr__(self) -> str:
        return f"Registry({list(self._tables)!r})"


def as_registry(source: Any) -> Registry | None:
    if source is None or isinstance(source, Registry):
        return source
    if isinstance(source, (str, bytes, os.PathLike)):
        return Registry.from_dir(source)
    return Registry(source)
