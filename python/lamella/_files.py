"""Files and directories published whole, or not at all."""
from __future__ import annotations

import os

from . import _core
from ._options import FILE_OPTIONS, file_options, local, path_bytes, storage_pairs, unknown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import IO, Any

    from ._options import PathLike, StorageOptions

_STATES = ("not done", "committed", "visible, durability unknown", "unknown")


class Result:
    """What a publication came to."""

    __slots__ = ("path", "rows", "bytes", "checksum", "run_id", "state", "replaced", "schema_hash", "warnings")

    path: str
    rows: int | None
    bytes: int
    checksum: str
    run_id: str | None
    state: str
    replaced: bool
    schema_hash: str | None
    warnings: tuple[str, ...]

    def __init__(self, told: dict[str, Any], options: dict[str, Any], path: str | None = None) -> None:
        self.path = path or told["path"]
        self.rows = told.get("rows")
        self.bytes = told["bytes"]
        self.checksum = told.get("checksum", "")
        self.run_id = (options.get("manifest") or {}).get("run_id") or options.get("run_id")
        self.state = _STATES[told["state"]]
        self.replaced = told["replaced"]
        self.schema_hash = told.get("schema_hash")
        self.warnings = tuple(told.get("warnings", ()))

    def __fspath__(self) -> str:
        return self.path

    def __repr__(self) -> str:
        said = [f"{name}={getattr(self, name)!r}" for name in self.__slots__ if getattr(self, name) not in (None, ())]
        return f"Result({', '.join(said)})"


def only_file_options(function: str, options: dict[str, Any]) -> dict[str, Any]:
    """The core's options; what is left over is a TypeError."""
    made = file_options(function, options)
    for name in options:
        raise unknown(function, name, FILE_OPTIONS)
    return made


def atomic_write_bytes(dst: PathLike, data: Any, **options: Any) -> Result:
    """Publishes bytes (anything with the buffer interface) at `dst`: a reader sees the old file or the new one."""
    made = only_file_options("atomic_write_bytes", options)
    view = memoryview(data)
    made["size_expected"] = view.nbytes
    publication = _core.Publication(path_bytes(dst), made)
    try:
        publication.write(view)
        return Result(publication.finish(-1), made)
    finally:
        publication.close()


def atomic_write_text(
    dst: PathLike, text: str, encoding: str = "utf-8", errors: str = "strict", newline: str | None = None,
    **options: Any,
) -> Result:  # fmt: skip
    """Publishes text. Line ends are written as they are unless `newline` says otherwise."""
    if not isinstance(text, str):
        raise TypeError(f"atomic_write_text() takes text, not {type(text).__name__}; bytes go to atomic_write_bytes()")
    if newline not in (None, "", "\n"):
        text = text.replace("\n", newline)
    return atomic_write_bytes(dst, text.encode(encoding, errors), **options)


def atomic_open(
    dst: PathLike, mode: str = "wb", encoding: str | None = None, errors: str | None = None,
    newline: str | None = None, buffering: int = -1, **options: Any,
) -> AtomicFile:  # fmt: skip
    """A context manager that gives a file object, and publishes what was written to it on a clean exit only.

    Modes are "wb" and "w" (and "xb", "x": the same as overwrite=False). The file can be sought in, so zip files,
    Excel writers and whatever else goes back in a file can use it."""
    if mode not in ("wb", "w", "wt", "xb", "x", "xt", "w+b", "wb+", "w+"):
        raise ValueError(f"atomic_open() has the modes 'wb', 'w', 'xb' and 'x', not {mode!r}")
    if mode.startswith("x"):
        options["overwrite"] = False
    made = only_file_options("atomic_open", options)
    text = "b" not in mode
    if not text and (encoding or errors or newline is not None):
        raise ValueError("encoding, errors and newline belong to text modes")
    return AtomicFile(dst, made, text, encoding or "utf-8", errors, newline, buffering)


class AtomicFile:
    """What atomic_open gives: enter it for the file object; `result` tells what was published."""

    def __init__(
        self, dst: PathLike, options: dict[str, Any], text: bool, encoding: str, errors: str | None,
        newline: str | None, buffering: int,
    ) -> None:  # fmt: skip
        self._dst, self._options, self._text = dst, options, text
        self._encoding, self._errors, self._newline, self._buffering = encoding, errors, newline, buffering
        self._staging: Any = None
        self._file: IO[Any] | None = None
        self._descriptor = -1
        self._path = ""
        self._owner = 0
        self.result: Result | None = None

    def __enter__(self) -> Any:
        if self._staging is not None:
            raise ValueError("this file was entered already")
        _check_early(self._dst, self._options)
        self._owner = os.getpid()
        self._staging, self._path = _staging_open(self._dst)
        try:
            self._file = open(
                self._path, "w+" if self._text else "w+b", self._buffering,
                self._encoding if self._text else None, self._errors, self._newline,
            )  # fmt: skip
            # A library may close the file that it is given: that is no reason not to publish.
            self._descriptor = os.dup(self._file.fileno())
        except BaseException:
            self._discard()
            raise
        return self._file

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not _own(self._owner, kind):
            return
        try:
            if kind is None and self._file is not None:
                if not self._file.closed:
                    self._file.close()
                if isinstance(self._staging, str):
                    told = _core.cp(
                        path_bytes(self._path), path_bytes(self._dst), self._options, False, False, 0)  # fmt: skip
                else:
                    told = _core.publish_file(path_bytes(self._dst), path_bytes(self._path), self._options)
                self.result = Result(told, self._options)
        finally:
            self._discard()

    def _discard(self) -> None:
        file, descriptor = self._file, self._descriptor
        self._file, self._descriptor = None, -1
        try:
            if file is not None and not file.closed:
                try:
                    file.close()
                except (OSError, ValueError):
                    pass  # what could not be flushed is thrown away with the rest
        finally:
            if descriptor >= 0:
                os.close(descriptor)
            _staging_close(self._staging)


def _own(owner: int, kind: type[BaseException] | None) -> bool:
    """What is under way belongs to the process that began it: a fork of that one leaves it alone."""
    if owner == os.getpid():
        return True
    if kind is None:
        raise ValueError(f"process {owner} opened this, and process {os.getpid()}, which was forked from it, cannot end it")
    return False


def _staging_open(dst: PathLike) -> tuple[Any, str]:
    """Where to write what is to stand at `dst`: beside it, or, for another store, in a temporary directory (whose path
    stands for the staging then), to be copied."""
    if local(dst) is not None:
        return _core.staging_open(path_bytes(dst))
    import tempfile

    place = tempfile.mkdtemp(prefix="lamella-")
    return place, os.path.join(place, os.path.basename(os.fsdecode(dst)) or "file")


def _staging_close(staging: Any) -> None:
    if isinstance(staging, str):
        import shutil

        shutil.rmtree(staging, ignore_errors=True)
    elif staging is not None:
        _core.staging_close(staging)


def exists(path: PathLike, storage: list[tuple[str, str]] | None) -> bool:
    from ._errors import NotFoundError

    try:
        _core.stat(path_bytes(path), storage)
    except NotFoundError:
        return False
    return True


def _check_early(dst: PathLike, options: dict[str, Any]) -> None:
    """What would be refused at the end is better told before the work is done."""
    refuses = options.get("mode") == 1
    if (refuses or local(dst) is None) and exists(dst, options.get("storage")) and refuses:
        from ._errors import ExistsError

        error = ExistsError(17, f"{os.fsdecode(dst)} exists already")
        error.code = "LM_EXISTS"
        raise error


def atomic_replace(tmp: PathLike, dst: PathLike, **options: Any) -> Result:
    """The finished file `tmp`, on the same file system, takes the place of `dst`: synced, and renamed. Where it fails
    `tmp` is still there."""
    made = only_file_options("atomic_replace", options)
    return Result(_core.publish_file(path_bytes(dst), path_bytes(tmp), made), made)


def atomic_write_pickle(dst: PathLike, obj: Any, protocol: int | None = None, **options: Any) -> Result:
    """Pickles into the file, never whole in memory. For caches of your own only: load_pickle() says why."""
    import io
    import pickle

    made = only_file_options("atomic_write_pickle", options)
    publication = _core.Publication(path_bytes(dst), made)
    try:
        pickle.Pickler(_Pipe(publication), pickle.HIGHEST_PROTOCOL if protocol is None else protocol).dump(obj)
        return Result(publication.finish(-1), made)
    finally:
        publication.close()


class _Pipe:
    """What a pickler needs of a file."""

    def __init__(self, publication: _core.Publication) -> None:
        self.write = publication.write


def load_pickle(path: PathLike, *, trusted: bool = False, storage_options: StorageOptions | None = None) -> Any:
    """Reads a pickle, if you say that you trust it: loading one runs whatever code its writer put in."""
    if trusted is not True:
        from ._errors import ArgumentError

        raise ArgumentError(
            f"{os.fsdecode(path)}: loading a pickle runs code that is in it; pass trusted=True if you wrote it yourself"
        )
    import pickle

    here = local(path)
    if here is not None:
        with open(here, "rb") as file:
            return pickle.load(file)
    staging, place = _staging_open(path)
    try:
        copied = {"durability": 2, "storage": storage_pairs(storage_options)}
        _core.cp(path_bytes(path), path_bytes(place), copied, False, False, 0)
        with open(place, "rb") as file:
            return pickle.load(file)
    finally:
        _staging_close(staging)


# ---- directories ----

_DIRECTORY_OPTIONS = (
    "durability", "overwrite", "manifest", "checksum", "run_id", "source_snapshot", "storage_options"
)  # fmt: skip


def _directory_options(function: str, options: dict[str, Any]) -> dict[str, Any]:
    for name in options:
        if name not in _DIRECTORY_OPTIONS:
            raise unknown(function, name, _DIRECTORY_OPTIONS)
    return file_options(function, options)


def atomic_replace_dir(staged: PathLike, dst: PathLike, **options: Any) -> Result:
    """The directory `staged`, on the same file system, takes the place of `dst` in one step."""
    made = _directory_options("atomic_replace_dir", options)
    return Result(_core.publish_directory(path_bytes(staged), path_bytes(dst), made), made, os.fsdecode(dst))


class atomic_dir:
    """A context manager that gives an empty directory (a pathlib.Path) to fill. On a clean exit it takes the place of
    `dst` in one step; otherwise nothing of it stays."""

    result: Result | None

    def __init__(self, dst: PathLike, **options: Any) -> None:
        self._dst = dst
        self._options = _directory_options("atomic_dir", options)
        self._staging: Any = None
        self._path = ""
        self._owner = 0
        self.result = None

    def __enter__(self) -> Any:
        import pathlib

        if self._staging is not None:
            raise ValueError("this directory was entered already")
        _check_early(self._dst, self._options)
        self._owner = os.getpid()
        self._staging, self._path = _staging_open(self._dst)
        try:
            os.mkdir(self._path)
        except BaseException:
            _staging_close(self._staging)
            raise
        return pathlib.Path(self._path)

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not _own(self._owner, kind):
            return
        try:
            if kind is None:
                if isinstance(self._staging, str):
                    told = _core.cp(
                        path_bytes(self._path), path_bytes(self._dst), self._options, True, False, 0)  # fmt: skip
                else:
                    told = _core.publish_directory(path_bytes(self._path), path_bytes(self._dst), self._options)
                self.result = Result(told, self._options, os.fsdecode(self._dst))
        finally:
            _staging_close(self._staging)


# ---- afterwards ----


def undo(path: PathLike, durability: str = "full") -> str:
    """Puts the newest file that keep= kept back in place, and returns its path. Only local files are kept."""
    from ._options import DURABILITY, choice

    return os.fsdecode(_core.undo(path_bytes(path), choice("durability", durability, DURABILITY))[0])


def verify(path: PathLike, *, storage_options: StorageOptions | None = None) -> None:
    """Holds a file or directory against its manifest: StaleError, CorruptError or NotFoundError when it differs."""
    _core.verify(path_bytes(path), storage_pairs(storage_options))


def gc(
    path: PathLike, recursive: bool = False, dry_run: bool = False, *, older_than: float | None = None,
    storage_options: StorageOptions | None = None,
) -> int:  # fmt: skip
    """Removes what dead writers left in a directory, and tells how many things that were. `older_than` spares what was
    changed within so many seconds."""
    age = 0 if older_than is None else int(older_than * 1_000_000_000)
    return _core.gc(path_bytes(path), recursive, dry_run, age, storage_pairs(storage_options))
