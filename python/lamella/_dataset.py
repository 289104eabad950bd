"""Datasets: directories of Parquet files, partitioned as Hive has it.

Every part is staged before the first one appears. `append` then publishes the parts one after another, under names that
nobody else has, and takes those back that it published when a later one fails. `overwrite` and `create` stage a whole
directory and put it in place in one step. `overwrite_partitions` does that for one partition after another, under a lock."""
from __future__ import annotations

import os

from . import _core
from ._data import check, open_data, raise_from_feed
from ._errors import (
    Error, ExistsError, NotFoundError, SchemaValidationError, UnknownDurabilityError, UnknownOutcomeError, UnsupportedError,
)  # fmt: skip
from ._files import exists
from ._options import DURABILITY, choice, local, parquet_options, path_bytes, storage_pairs
from ._parquet import progress_of, stamped
from ._schema import Schema, as_schema, quoted
from ._table import _read

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    from ._options import PathLike

MODES = {"append": 0, "overwrite": 1, "overwrite_partitions": 2, "create": 3}
_OWN = ("index", "progress", "stamp", "run_id", "source_snapshot", "durability", "max_partitions", "storage_options")
_NULL = "__HIVE_DEFAULT_PARTITION__"
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.,+@ ()!~")


class DatasetResult:
    """What write_to_dataset came to: the directory, the rows, the files that were added, and their bytes."""

    __slots__ = ("path", "rows", "files", "bytes", "partitions", "run_id", "state")

    path: str
    rows: int
    files: tuple[str, ...]
    bytes: int
    partitions: tuple[str, ...]
    run_id: str | None
    state: str

    def __init__(self, path: str, rows: int, files: tuple[str, ...], size: int, partitions: tuple[str, ...]) -> None:
        self.path, self.rows, self.files, self.bytes, self.partitions = path, rows, files, size, partitions
        self.run_id, self.state = None, "committed"

    def __fspath__(self) -> str:
        return self.path

    def __repr__(self) -> str:
        return (
            f"DatasetResult(path={self.path!r}, rows={self.rows}, files={len(self.files)}, bytes={self.bytes}, "
            f"state={self.state!r})"
        )


def escaped(value: str | None) -> str:
    """A value as the name of a directory has it: percent-encoded where it is more than plain letters."""
    if value is None:
        return _NULL
    if value == _NULL:
        return "%5F" + value[1:]
    return "".join(
        letter if letter in _PLAIN else "".join(f"%{byte:02X}" for byte in letter.encode("utf-8")) for letter in value
    )


class _Parts:
    """Writers of the parts, one for each partition that has rows."""

    def __init__(
        self, root: str, schema: Schema, columns: list[str], file: dict[str, Any], parquet: dict[str, Any], most: int
    ) -> None:
        self._root, self._columns, self._file, self._parquet, self._most = root, columns, file, parquet, most
        for name in columns:
            if name not in schema.names:
                raise SchemaValidationError(f"column {name}: it is missing, and the dataset is partitioned by it")
        self._kept = [place for place, name in enumerate(schema.names) if name not in columns]
        if not self._kept:
            raise ValueError("partition_cols are all columns: nothing is left for the files")
        self._schema = Schema._of(_core.schema_select(schema._capsule, self._kept))
        # The text of the keys is the core's, whose reader turns it back.
        self._keys = Schema("\n".join(f"{quoted(name)}: utf8" for name in columns)) if columns else None
        self._made: list[str] = []
        self.writers: dict[str, _core.Writer] = {}
        self.paths: dict[str, str] = {}
        self.rows = 0

    def writer(self, partition: str) -> _core.Writer:
        found = self.writers.get(partition)
        if found is None:
            import uuid

            if len(self.writers) >= self._most:
                raise ValueError(
                    f"more than {self._most} partitions in one call: is {', '.join(self._columns)} meant? "
                    "max_partitions= allows more"
                )
            directory = os.path.join(self._root, partition) if partition else self._root
            self._note(directory)
            path = os.path.join(directory, f"{uuid.uuid4()}.parquet")
            found = _core.Writer(path_bytes(path), self._schema._capsule, dict(self._file), dict(self._parquet))
            self.writers[partition] = found
            self.paths[partition] = path
        return found

    def _note(self, directory: str) -> None:
        """Remembers which directories are not there yet; other stores make no empty ones."""
        missing: list[str] = []
        while local(directory) is not None and directory and not os.path.isdir(directory):
            missing.append(directory)
            directory = os.path.dirname(directory)
        self._made += [one for one in reversed(missing) if one not in self._made]

    def write(self, batch: _core.Batch) -> None:
        self.rows += len(batch)
        if self._keys is None:
            self._append("", batch)
            return
        from array import array

        columns = array("i", self._kept)
        for partition, ranges in self._split(batch).items():
            self._append(partition, batch.pick(columns, ranges))

    def _append(self, partition: str, batch: _core.Batch) -> None:
        self.writer(partition).write(_core.stream_of(self._schema._capsule, iter([batch])), None)

    def _split(self, batch: _core.Batch) -> dict[str, Any]:
        """For each partition the rows that belong to it, as pairs of start and count."""
        from array import array

        from ._values import values

        assert self._keys is not None
        stream = _core.stream_of(batch.schema(), iter([batch]))
        keys = next(_read(_core.Reader(_core.stream_cast(stream, self._keys._capsule, True, True))))
        rows = list(zip(*(values(tree, field) for tree, field in zip(keys.tree(), self._keys.fields))))
        found: dict[tuple[str | None, ...], Any] = {}
        start, count = 0, len(rows)
        while start < count:
            key, stop = rows[start], start + 1
            while stop < count and rows[stop] == key:
                stop += 1
            found.setdefault(key, array("q")).extend((start, stop - start))
            start = stop
        return {self._directory(key): ranges for key, ranges in found.items()}

    def _directory(self, key: tuple[str | None, ...]) -> str:
        return os.path.join(*(f"{escaped(name)}={escaped(value)}" for name, value in zip(self._columns, key)))

    def finish(self) -> tuple[tuple[str, ...], int]:
        """Publishes all parts; when one fails, those before it are taken back."""
        size, published = 0, []
        try:
            for partition, writer in self.writers.items():
                try:
                    size += int(writer.finish()["bytes"])
                except (UnknownDurabilityError, UnknownOutcomeError):
                    published.append(self.paths[partition])
                    raise
                published.append(self.paths[partition])
        except BaseException:
            for path in published:
                try:
                    _core.rm(path_bytes(path), False, self._file.get("storage"))
                except Error:
                    pass
            raise
        return tuple(published), size

    def close(self) -> None:
        for writer in self.writers.values():
            writer.close()

    def tidy(self) -> None:
        """Directories that were made for parts that did not come."""
        for directory in reversed(self._made):
            try:
                os.rmdir(directory)
            except OSError:
                pass


def _tables(feed: Any, schema: Schema) -> Iterator[_core.Batch]:
    capsule = feed.capsule if schema == feed.schema else _core.stream_cast(feed.capsule, schema._capsule, True, False)
    reader = _core.Reader(capsule)
    yield from _read(reader)


def write_to_dataset(
    data: Any, output_dir: PathLike, schema: Any = None, partition_cols: Sequence[str] | None = None,
    mode: str = "append", **options: Any,
) -> DatasetResult:  # fmt: skip
    """Writes a table into a directory of Parquet files, with a directory for each value of the partition columns.

    mode="append" adds files, "overwrite" puts a new directory in place of the old one in one step, "create" refuses if
    anything is there, and "overwrite_partitions" replaces the partitions that the data has rows of, each in one step."""
    how = choice("mode", mode, MODES)
    own = {name: options.pop(name) for name in _OWN if name in options}
    parquet = parquet_options("write_to_dataset", options, (*_OWN, "partition_cols", "mode"))
    columns = [partition_cols] if isinstance(partition_cols, str) else [str(name) for name in partition_cols or ()]
    if how == 2 and not columns:
        raise ValueError("mode='overwrite_partitions' needs partition_cols")
    if columns:  # each partition has a writer, and what that holds until a row group is full
        parquet.setdefault("threads", 1)
        parquet.setdefault("row_group_bytes_max", 16 << 20)
    here, storage = local(output_dir), storage_pairs(own.get("storage_options"))
    root = os.fsdecode(output_dir).rstrip("/") if here is None else os.path.abspath(here)
    stands = how != 0 and exists(root, storage)
    if how == 3 and stands:
        raise ExistsError(17, f"{os.fsdecode(output_dir)} exists already")
    if here is None and stands:
        raise UnsupportedError(
            f"{root}: this store cannot exchange one directory for another: write to a new one (mode='create'), or add "
            "files (mode='append')"
        )
    ids = {"run_id": own.get("run_id"), "source_snapshot": own.get("source_snapshot")}
    data, schema = stamped(data, ids, bool(own.get("stamp")), schema, own.get("index"))
    feed = open_data(data, schema, own.get("index"))
    wanted = feed.schema if schema is None else as_schema(schema)
    check(feed.schema, wanted)
    durability = choice("durability", own.get("durability", "full"), DURABILITY)
    work = _Work(root, wanted, columns, parquet, durability, int(own.get("max_partitions", 1024)), storage)
    try:
        result = work.run(feed, how, progress_of(own.get("progress")))
    except Error as error:
        raise_from_feed(feed, error)
        raise
    result.path, result.run_id = os.fsdecode(output_dir), ids["run_id"]
    return result


class _Work:
    def __init__(
        self, root: str, schema: Schema, columns: list[str], parquet: dict[str, Any], durability: int, most: int,
        storage: list[tuple[str, str]] | None,
    ) -> None:  # fmt: skip
        self._root, self._schema, self._columns, self._storage = root, schema, columns, storage
        self._parquet, self._durability, self._most = parquet, durability, most

    def run(self, feed: Any, how: int, progress: Any) -> DatasetResult:
        if how == 0:
            parts = self._parts(self._root, self._durability)
            try:
                self._fill(parts, feed, progress)
                files, size = parts.finish()
            except BaseException:
                parts.close()
                parts.tidy()
                raise
            return DatasetResult(self._root, parts.rows, files, size, tuple(parts.writers))
        return self._staged(feed, how, progress)

    def _parts(self, root: str, durability: int) -> _Parts:
        file = {"durability": durability, "mode": 1, "checksum": "none", "storage": self._storage}
        return _Parts(root, self._schema, self._columns, file, self._parquet, self._most)

    def _fill(self, parts: _Parts, feed: Any, progress: Any) -> None:
        if not self._columns:
            parts.writer("")  # a table without rows still has its schema
        for batch in _tables(feed, self._schema):
            parts.write(batch)
            if progress is not None:
                progress(parts.rows, False)
        if progress is not None:
            progress(parts.rows, True)

    def _staged(self, feed: Any, how: int, progress: Any) -> DatasetResult:
        """A whole tree beside the directory, which then takes its place."""
        if local(self._root) is None:
            return self._staged_elsewhere(feed, how, progress)
        staging, place = _core.staging_open(path_bytes(self._root))
        try:
            os.mkdir(place)
            parts = self._parts(place, DURABILITY["none"])
            try:
                self._fill(parts, feed, progress)
                files, size = parts.finish()
            finally:
                parts.close()
            if how == 2:
                self._exchange(place, list(parts.writers))
            else:
                options = {"durability": self._durability, "mode": 1 if how == 3 else 0}
                _core.publish_directory(path_bytes(place), path_bytes(self._root), options)
        finally:
            _core.staging_close(staging)
        names = tuple(os.path.join(self._root, os.path.relpath(file, place)) for file in files)
        return DatasetResult(self._root, parts.rows, names, size, tuple(parts.writers))

    def _staged_elsewhere(self, feed: Any, how: int, progress: Any) -> DatasetResult:
        """The same on another store, where nothing stands yet."""
        import uuid

        above = self._root.rsplit("/", 1)[0]
        place = f"{above}/.lamella-{uuid.uuid4().hex}.tree"
        parts = self._parts(place, self._durability)
        try:
            self._fill(parts, feed, progress)
            files, size = parts.finish()
            options = {"durability": self._durability, "mode": 1, "storage": self._storage}
            _core.publish_directory(path_bytes(place), path_bytes(self._root), options)
        except BaseException:
            parts.close()
            try:
                _core.rm(path_bytes(place), True, self._storage)
            except NotFoundError:
                pass
            raise
        names = tuple(self._root + file[len(place) :] for file in files)
        return DatasetResult(self._root, parts.rows, names, size, tuple(parts.writers))

    def _exchange(self, place: str, partitions: list[str]) -> None:
        """One partition after another, while no other writer of Lamella's replaces any."""
        import fcntl

        lock = os.open(os.path.dirname(self._root) or "/", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            for partition in partitions:
                _core.publish_directory(
                    path_bytes(os.path.join(place, partition)), path_bytes(os.path.join(self._root, partition)),
                    {"durability": self._durability},
                )  # fmt: skip
        finally:
            os.close(lock)
