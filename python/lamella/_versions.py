"""Directories published: one in the place of another, or each as a version of a prefix (docs/versions.md)."""
from __future__ import annotations

from . import _core
from ._files import Result, atomic_replace_dir
from ._options import DURABILITY, choice, manifest_options, path_bytes, storage_pairs, unknown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ._options import PathLike, StorageOptions

_OPTIONS = ("durability", "manifest", "checksum", "source_snapshot", "storage_options")


class Version:
    """A version of a prefix; os.fspath() of it is its directory."""

    __slots__ = (
        *("number", "run_id", "path", "created_at", "files", "bytes", "manifest", "is_there"),
        *("removed", "warnings"),
    )

    number: int
    run_id: str
    path: str
    created_at: str
    files: int
    bytes: int
    manifest: str
    is_there: bool
    removed: int
    warnings: tuple[str, ...]

    def __init__(self, told: dict[str, Any], removed: int = 0, warnings: tuple[str, ...] = ()) -> None:
        for name, value in told.items():
            setattr(self, name, value)
        self.removed, self.warnings = removed, warnings

    def __fspath__(self) -> str:
        return self.path

    def __repr__(self) -> str:
        gone = "" if self.is_there else ", is_there=False"
        return f"Version({self.number}, run_id={self.run_id!r}, path={self.path!r}, files={self.files}{gone})"


def publish_dir(
    staged: PathLike, dst: PathLike, *, versioned: bool = False, run_id: str | None = None, keep: int = 0,
    **options: Any,
) -> Result | Version:  # fmt: skip
    """The directory `staged` becomes `dst` in one step, as atomic_replace_dir() does it; or, versioned, the newest version
    of the prefix `dst`, on any store: `run_id` names it, and only the `keep` newest stay (0: all)."""
    if not versioned:
        if keep:
            raise ValueError("keep= is for versioned=True")
        return atomic_replace_dir(staged, dst, **({} if run_id is None else {"run_id": run_id}), **options)
    for name in options:
        if name not in _OPTIONS:
            raise unknown("publish_dir", name, (*_OPTIONS, "versioned", "run_id", "keep"))
    if isinstance(keep, bool) or not isinstance(keep, int) or keep < 0:
        raise ValueError(f"keep is how many versions stay, not {keep!r}")
    manifest = options.get("manifest")
    made = {
        "durability": choice("durability", options.get("durability", "full"), DURABILITY),
        "checksum": options.get("checksum"),
        "keep": keep,
        "storage": storage_pairs(options.get("storage_options")),
        "manifest": manifest_options(manifest if manifest else True, run_id, options.get("source_snapshot")),
    }
    told, latest_left, removed, removal_left = _core.version_publish(path_bytes(staged), path_bytes(dst), made)
    warnings = []
    if latest_left:
        warnings.append("the file latest could not be replaced, and names an older version until the next one")
    if removal_left:
        warnings.append("not all versions that are too many could be removed")
    return Version(told, removed, tuple(warnings))


def resolve(
    prefix: PathLike, *, run_id: str | None = None, number: int | None = None,
    storage_options: StorageOptions | None = None,
) -> Version:  # fmt: skip
    """The newest version of a prefix, or that of a run, or number N. NotFoundError when it is not there."""
    if run_id is not None and number is not None:
        raise ValueError("run_id and number: one of them")
    (told,) = _core.version_look(path_bytes(prefix), False, run_id, number, storage_pairs(storage_options))
    return Version(told)


def versions(prefix: PathLike, *, storage_options: StorageOptions | None = None) -> list[Version]:
    """All versions of a prefix, the newest first; those that keep= removed are told with is_there=False."""
    told = _core.version_look(path_bytes(prefix), True, None, None, storage_pairs(storage_options))
    return [Version(one) for one in told]
