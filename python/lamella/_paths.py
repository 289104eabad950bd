"""Files and directories as things, on any store: what lies where, copies, removal."""
from __future__ import annotations

import os

from . import _core
from ._files import Result, only_file_options
from ._options import path_bytes, storage_pairs

TYPE_CHECKING = False
if TYPE_CHECKING:
    import datetime
    from typing import Any

    from ._options import PathLike, StorageOptions


class PathInfo:
    """What stands at a path: "file", "directory", "symlink" or "other", with its size and times."""

    __slots__ = ("path", "kind", "bytes", "mtime_ns", "version")

    path: str
    kind: str
    bytes: int
    mtime_ns: int | None
    version: str | None

    def __init__(self, told: tuple[Any, str, int, int, str]) -> None:
        path, self.kind, self.bytes, mtime_ns, version = told
        self.path, self.mtime_ns, self.version = os.fsdecode(path), mtime_ns or None, version or None

    @property
    def modified(self) -> datetime.datetime | None:
        """When it was changed last, in UTC; None where the store does not know."""
        import datetime

        if self.mtime_ns is None:
            return None
        start = datetime.datetime.fromtimestamp(0, datetime.timezone.utc)
        return start + datetime.timedelta(microseconds=self.mtime_ns // 1000)

    @property
    def is_file(self) -> bool:
        return self.kind == "file"

    @property
    def is_dir(self) -> bool:
        return self.kind == "directory"

    def __fspath__(self) -> str:
        return self.path

    def __repr__(self) -> str:
        size = f", bytes={self.bytes}" if self.is_file else ""
        return f"PathInfo({self.path!r}, kind={self.kind!r}{size})"


def ls(path: PathLike, recursive: bool = False, *, storage_options: StorageOptions | None = None) -> list[PathInfo]:
    """What lies in a directory, by whole paths, in natural order (part-9 before part-10); a file is told itself, and so
    are the files that fit a pattern."""
    return [PathInfo(told) for told in _core.ls(path_bytes(path), recursive, storage_pairs(storage_options))]


def stat(path: PathLike, *, storage_options: StorageOptions | None = None) -> PathInfo:
    """What stands at a path; a symlink is followed, unless it leads nowhere."""
    return PathInfo(_core.stat(path_bytes(path), storage_pairs(storage_options)))


def cp(
    src: PathLike, dst: PathLike, recursive: bool = False, *, check: bool = False, threads: int = 0, **options: Any
) -> Result:
    """Copies a file between any two stores; the copy appears whole or not at all. "DIR/" as `dst` is the source's name
    in DIR. With recursive=True a directory, which appears at once. check=True reads the copy again."""
    made = only_file_options("cp", options)
    told = _core.cp(path_bytes(src), path_bytes(dst), made, recursive, check, threads)
    return Result(told, made, None if "path" in told else os.fsdecode(dst))


def rm(
    path: PathLike, recursive: bool = False, *, missing_ok: bool = False, storage_options: StorageOptions | None = None
) -> None:
    """Removes a file or symlink, with recursive=True a directory and all that is in it; never the root of a store."""
    from ._errors import NotFoundError

    try:
        _core.rm(path_bytes(path), recursive, storage_pairs(storage_options))
    except NotFoundError:
        if not missing_ok:
            raise
