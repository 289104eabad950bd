"""Where tables are and how their parts are written, and the errors of writing them; public in tables.py."""
from __future__ import annotations

import os

from ._descriptors import Registry, as_registry, name_of
from ._errors import IOError, SchemaValidationError
from ._options import DURABILITY, choice, count, parquet_options, storage_pairs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from ._descriptors import TableDescriptor
    from ._options import PathLike, StorageOptions


class IoSchemaError(SchemaValidationError):
    """The rows do not fit the table's descriptor, or nobody describes the table. Nothing was appended."""


class IoWriteError(IOError):
    """The rows could not be written. `code` has the core's name of the reason, `errno` the system's, and the exception
    that it comes from is its `__cause__`. Nothing was appended, unless `code` is "LM_UNKNOWN_OUTCOME" or
    "LM_UNKNOWN_DURABILITY"."""


class IoManifestError(IOError):
    """manifest.json could not be written, or made. After an append its `summary` tells what *was* appended: the log has
    the rows, and every reader that goes by the log; repair() or the next append makes the manifest anew."""

    summary: Summary | None = None


class Summary(dict[str, "Any"]):
    """What an append came to: table, run_id, parts, rows, buckets. As attributes: the `version` of the table that has the
    rows (None: there were none), whether run_id and batch were a repetition (`repeated`), and `parts_removed` by an
    overwrite."""

    version: int | None = None
    repeated: bool = False
    parts_removed: int = 0


class IoSettings:
    """Where tables are and how their parts are written: the table is root_dir/run_id/table."""

    __slots__ = (
        *("root_dir", "tick_bucket_size", "compression", "row_group_size", "strict_schema", "registry"),
        *("metadata_prefix", "storage_options", "durability", "checksum", "threads", "memory_bytes_max"),
        *("open_parts_max", "part_bytes_max"),
    )

    def __init__(
        self, root_dir: PathLike, tick_bucket_size: int | None = None, compression: str | None = "zstd",
        row_group_size: int | None = None, strict_schema: bool = True, *,
        registry: Registry | Iterable[TableDescriptor] | PathLike | None = None, metadata_prefix: str = "crv_",
        storage_options: StorageOptions | None = None, durability: str = "full", checksum: str = "crc32c",
        threads: int = 0, memory_bytes_max: int = 0, open_parts_max: int = 0, part_bytes_max: int = 0,
    ) -> None:  # fmt: skip
        self.root_dir = os.fsdecode(root_dir)
        self.tick_bucket_size = None if tick_bucket_size is None else count("tick_bucket_size", tick_bucket_size)
        self.compression, self.row_group_size = compression, row_group_size
        self.strict_schema = bool(strict_schema)
        self.registry: Registry | None = as_registry(registry)
        self.metadata_prefix = str(metadata_prefix)
        self.storage_options = storage_options
        self.durability, self.checksum, self.threads = durability, checksum, count("threads", threads, 0)
        self.memory_bytes_max = count("memory_bytes_max", memory_bytes_max, 0)
        self.open_parts_max = count("open_parts_max", open_parts_max, 0)
        self.part_bytes_max = count("part_bytes_max", part_bytes_max, 0)
        self._parquet()
        self._common()

    def _parquet(self) -> dict[str, Any]:
        codec, colon, level = str(self.compression or "none").partition(":")
        given: dict[str, Any] = {"compression": codec, "row_group_size": self.row_group_size}
        if colon:
            given["compression_level"] = int(level)
        return parquet_options("IoSettings", given)

    def _common(self) -> dict[str, Any]:
        return {
            "durability": choice("durability", self.durability, DURABILITY),
            "checksum": self.checksum,
            "threads": self.threads,
            "memory_bytes_max": self.memory_bytes_max,
            "storage": storage_pairs(self.storage_options),
        }

    def table_path(self, run_id: Any, table: Any) -> str:
        """Where a table is."""
        return f"{self.root_dir.rstrip('/')}/{name_of(run_id)}/{name_of(table)}"

    def __repr__(self) -> str:
        said = [f"{name}={value!r}" for name in self.__slots__ if (value := getattr(self, name)) is not None]
        return f"IoSettings({', '.join(said)})"


def place(source: Any, run_id: Any, table: Any, storage_options: StorageOptions | None) -> tuple[str, dict[str, Any]]:
    """A table that is there, by path, or by settings, run_id and table; with the options of operations on it."""
    if isinstance(source, IoSettings):
        if run_id is None or table is None:
            raise TypeError("with settings run_id and table are needed")
        if storage_options is not None:
            raise TypeError("storage_options are the settings'")
        return source.table_path(run_id, table), {**source._common(), "run_id": name_of(run_id)}
    if run_id is not None or table is not None:
        raise TypeError("run_id and table go with IoSettings; a path is that of the table")
    return os.fsdecode(source), {"storage": storage_pairs(storage_options)}
