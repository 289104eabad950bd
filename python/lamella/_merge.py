"""Many parts into one file."""
from __future__ import annotations

import os

from . import _core
from ._files import Result, only_file_options
from ._options import choice, parquet_options, path_bytes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any

    from ._options import PathLike

_FORMATS = {"auto": 0, "csv": 1, "jsonl": 2, "text": 3, "parquet": 4}
_ORDERS = {"auto": 0, "part": 1, "natural": 2, "name": 3, "time": 4, "listed": 5}
_COMPRESSIONS = {"auto": 0, "none": 1, "gzip": 2, "zstd": 3}
_KV_CONFLICTS = {"drop": 0, "first": 1, "refuse": 2}
_HEADERS = {"auto": 0, "infer": 0, True: 1, "yes": 1, False: 2, None: 2, "no": 2}


class MergeResult(Result):
    """What a merge came to: a publication's result, and how it was done."""

    __slots__ = ("strategy", "parts", "blank_parts", "source_bytes", "client_bytes", "deleted", "left")

    strategy: str
    parts: int
    blank_parts: int
    source_bytes: int
    client_bytes: int
    deleted: int
    left: int

    def __init__(self, told: dict[str, Any], options: dict[str, Any]) -> None:
        super().__init__(told, options)
        for name in MergeResult.__slots__:
            setattr(self, name, told[name])

    def __repr__(self) -> str:
        names = (*Result.__slots__, *MergeResult.__slots__)
        said = [f"{name}={getattr(self, name)!r}" for name in names if getattr(self, name) not in (None, ())]
        return f"MergeResult({', '.join(said)})"


class MergePart:
    """A part, as the plan has it."""

    __slots__ = ("path", "bytes", "mtime_ns", "compression", "line_end", "blank", "bom", "lacks_end", "cut", "way")

    path: str
    bytes: int
    mtime_ns: int
    compression: str
    line_end: str
    blank: bool
    bom: bool
    lacks_end: bool
    cut: int
    way: str

    def __init__(self, told: tuple[Any, ...]) -> None:
        for name, value in zip(MergePart.__slots__, told):
            setattr(self, name, os.fsdecode(value) if name == "path" else value)

    def __repr__(self) -> str:
        return f"MergePart({self.path!r}, bytes={self.bytes}, way={'blank' if self.blank else self.way!r})"


class MergePlan:
    """What a merge would do (dry_run=True)."""

    __slots__ = (
        *("format", "order", "strategy", "compression", "header", "bom", "blank_parts", "source_bytes"),
        *("client_bytes", "line_ends", "bytes", "hint", "notes", "resumes", "parts"),
    )

    format: str
    order: str
    strategy: str
    compression: str
    header: str | None
    bom: bool
    blank_parts: int
    source_bytes: int
    client_bytes: int
    line_ends: int
    bytes: int | None
    hint: str | None
    notes: tuple[str, ...]
    resumes: bool
    parts: list[MergePart]

    def __init__(self, told: dict[str, Any]) -> None:
        for name in MergePlan.__slots__:
            setattr(self, name, told[name])
        self.header = told["header"].decode(errors="replace") if told["has_header"] else None
        self.bytes = told["bytes"] if told["bytes_known"] else None
        self.notes = tuple(told["notes"])
        self.parts = [MergePart(part) for part in told["parts"]]

    def __repr__(self) -> str:
        said = ", ".join(f"{name}={getattr(self, name)!r}" for name in MergePlan.__slots__ if name != "parts")
        return f"MergePlan({said}, parts={len(self.parts)})"


def _header(header: Any) -> dict[str, Any]:
    """True, False, "auto", the text of a header, or a sequence of names."""
    if isinstance(header, (bool, str, type(None))):
        known = _HEADERS.get(header)
        return {"header_text": header} if known is None else {"header": known}
    names = [str(name) for name in header]
    if not names:
        raise ValueError("a header has at least one name")
    quoted = ['"' + name.replace('"', '""') + '"' if any(c in name for c in ',"\r\n') else name for name in names]
    return {"header_text": ",".join(quoted)}


def merge(
    sources: PathLike | Iterable[PathLike],
    dst: PathLike,
    *,
    header: bool | str | Sequence[str] | None = "auto",
    order: str = "auto",
    format: str = "auto",
    compression: str = "auto",
    level: int | None = None,
    require_success: bool = False,
    allow_unfinished: bool = False,
    trust_parts: bool = False,
    count_rows: bool = False,
    delete_sources: bool = False,
    resume: bool = False,
    rewrite: bool = False,
    small_rows: int = 0,
    small_bytes: int = 0,
    parquet: Mapping[str, Any] | None = None,
    kv_conflict: str = "drop",
    threads: int = 0,
    dry_run: bool = False,
    **options: Any,
) -> MergeResult | MergePlan:
    """Joins the parts that `sources` names (files, directories, patterns; one or many) into the one file `dst`, all or
    nothing: CSV with one header, JSON lines, other text, plain or as .gz and .zst, and Parquet. docs/merge.md has the
    rules. header= is "auto", True, False, or the header (a text, or names) of parts that have none. With
    delete_sources=True the parts may be consumed, and HDFS joins them without moving a byte; resume=True carries on what
    was cut short. Of Parquet, rewrite=True writes all row groups anew, small_rows=N those of fewer rows, as `parquet`
    says, with the options of write_parquet. dry_run=True gives the plan. Other options are those of publications."""
    made = only_file_options("merge", options)
    wanted: dict[str, Any] = {
        **_header(header),
        "order": choice("order", order, _ORDERS),
        "format": choice("format", format, _FORMATS),
        "compression": choice("compression", compression, _COMPRESSIONS),
        "level_set": level is not None,
        "level": level or 0,
        "require_success": require_success,
        "allow_unfinished": allow_unfinished,
        "trust_parts": trust_parts,
        "count_rows": count_rows,
        "delete_sources": delete_sources or resume,
        "resume": resume,
        "rewrite": rewrite,
        "small_rows": small_rows,
        "small_bytes": small_bytes,
        "kv_conflict": choice("kv_conflict", kv_conflict, _KV_CONFLICTS),
        "threads": threads,
    }
    if isinstance(sources, (str, bytes, os.PathLike)):
        paths = [path_bytes(sources)]
    else:
        paths = [path_bytes(source) for source in sources]
    anew = parquet_options("merge", {"threads": threads, **(parquet or {})})
    told = _core.merge(paths, path_bytes(dst), made, anew, wanted, dry_run)
    return MergePlan(told) if dry_run else MergeResult(told, made)
