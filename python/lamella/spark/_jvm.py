"""Merging through the JVM's own client of HDFS, where WebHDFS cannot be reached: concat, or a copy within the JVM.

Of the parts nothing comes to Python but first lines and last bytes. The result is put together in a hidden file beside the
parts (concat) or beside the destination (copy), its length is held against the parts, and one FileContext.rename
publishes it. That rename is atomic over hdfs:// only; other schemes are refused.
"""
from __future__ import annotations

import re

from .._errors import ConflictError, DataError, Error, UnknownOutcomeError, UnsupportedError
from .._merge import MergeResult
from ._session import Place, hidden, java, java_error

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

_CONCAT_MAX = 1000  # sources in one call
_LINE_MAX = 1 << 16  # bytes of a header
_DEFINITE = ("LM_NOT_FOUND", "LM_EXISTS", "LM_PERMISSION")


class Part:
    __slots__ = ("place", "bytes", "block_bytes", "mtime", "cut", "lacks_end")

    def __init__(self, place: Place, status: Any) -> None:
        self.place = place
        self.bytes, self.block_bytes = int(status.getLen()), int(status.getBlockSize())
        self.mtime = int(status.getModificationTime())
        self.cut, self.lacks_end = 0, False


def require_hdfs(dst: Place) -> None:
    if dst.scheme == "hdfs":
        return
    why = "is not atomic over webhdfs://: write hdfs://, or say via='webhdfs'" if "webhdfs" in dst.scheme else (
        f"is not known to be atomic over {dst.scheme}://: only hdfs:// is taken"
    )  # fmt: skip
    raise UnsupportedError(f"{dst}: renaming through the JVM {why}")


def _natural(name: str) -> list[tuple[int, int, str]]:
    return [(0, int(piece), "") if piece.isdigit() else (1, 0, piece) for piece in re.findall(r"[0-9]+|[^0-9]+", name)]


def find_parts(source: Place, require_success: bool = False, allow_unfinished: bool = False) -> list[Part]:
    """The files in a directory whose names do not begin with _ or ., in natural order."""
    with java(f"listing {source}"):
        found = [(str(status.getPath().getName()), status) for status in source.fs.listStatus(source.java)]
    names = {name for name, _ in found}
    if "_temporary" in names and not allow_unfinished:
        raise ConflictError(f"{source}: a job is still writing, or died (_temporary): allow_unfinished=True merges it")
    if ".lamella-merge.journal" in names:
        raise ConflictError(f"{source}: another merge was cut short; carry it on by lamella merge --resume")
    if require_success and "_SUCCESS" not in names:
        raise ConflictError(f"{source} has no _SUCCESS: its job did not finish")
    parts = []
    for name, status in sorted(found, key=lambda entry: _natural(entry[0])):
        if name.startswith(("_", ".")):
            continue
        if status.isDirectory():
            raise UnsupportedError(f"{source.child(name)} is a directory: through the JVM one directory is merged")
        parts.append(Part(source.child(name), status))
    return parts


def _read(part: Part, begin: int, size: int) -> bytes:
    with java(f"reading {part.place}"):
        stream = part.place.fs.open(part.place.java)
        try:
            stream.seek(begin)
            return bytes(part.place.session.jvm.org.apache.commons.io.IOUtils.toByteArray(stream, size))
        finally:
            stream.close()


def _first_line(part: Part, quote: int) -> bytes:
    """With its end; quoted line breaks belong to it."""
    text, is_quoted = _read(part, 0, min(part.bytes, _LINE_MAX)), False
    for at, byte in enumerate(text):
        if byte == quote:
            is_quoted = not is_quoted
        elif byte == 0x0A and not is_quoted:
            return text[: at + 1]
    if len(text) == part.bytes:
        return text
    raise DataError(f"{part.place}: its first line is too long for a header")


def cut_headers(parts: Sequence[Part], quote: str = '"') -> None:
    """The header stays in the first part, and has to stand in all."""
    first, filled = b"", [part for part in parts if part.bytes]
    for part in filled:
        line = _first_line(part, ord(quote))
        if not first:
            first = line
        elif line.rstrip(b"\r\n") != first.rstrip(b"\r\n"):
            raise DataError(
                f"{part.place} begins with {line[:200]!r}, and {filled[0].place} with {first[:200]!r}: with header=True "
                "all parts begin with the same line; header=False takes it for data"
            )
        else:
            part.cut = len(line)


def find_ends(parts: Sequence[Part]) -> None:
    for part in parts:
        if part.bytes:
            part.lacks_end = _read(part, part.bytes - 1, 1) != b"\n"


def _create(place: Place, prefix: bytes, block_bytes: int) -> Any:
    replication = int(place.fs.getDefaultReplication(place.java))
    block_bytes = block_bytes or int(place.fs.getDefaultBlockSize(place.java))
    stream = place.fs.create(place.java, False, 1 << 16, replication, block_bytes)
    if prefix:
        stream.write(bytearray(prefix))
    return stream


def _unchanged(part: Part) -> None:
    status = part.place.status()
    if status is None or (int(status.getLen()), int(status.getModificationTime())) != (part.bytes, part.mtime):
        raise ConflictError(f"{part.place} was changed while it was merged")


def _concat(target: Place, prefix: bytes, parts: Sequence[Part]) -> None:
    """The parts are consumed; HDFS refuses sources of larger blocks than the target's."""
    for part in parts:
        _unchanged(part)
    session = target.session
    with java(f"joining into {target}"):
        _create(target, prefix, max(part.block_bytes for part in parts)).close()
        for begin in range(0, len(parts), _CONCAT_MAX):
            batch = parts[begin : begin + _CONCAT_MAX]
            array = session.spark.sparkContext._gateway.new_array(session.jvm.org.apache.hadoop.fs.Path, len(batch))
            for at, part in enumerate(batch):
                array[at] = part.place.java
            target.fs.concat(target.java, array)


def _copy(target: Place, prefix: bytes, parts: Sequence[Part]) -> None:
    """Through the JVM, a buffer at a time."""
    utilities = target.session.jvm.org.apache.hadoop.io.IOUtils
    with java(f"copying into {target}"):
        stream = _create(target, prefix, 0)
        try:
            for number, part in enumerate(parts):
                source = part.place.fs.open(part.place.java)
                try:
                    source.seek(part.cut)
                    utilities.copyBytes(source, stream, 1 << 18, False)
                finally:
                    source.close()
                if part.lacks_end and number + 1 < len(parts):
                    stream.write(bytearray(b"\n"))
        finally:
            stream.close()
    for part in parts:
        _unchanged(part)


def _keep_mode(target: Place, old: Any) -> tuple[str, ...]:
    """Permissions and group of the file that is replaced, where the cluster allows it."""
    try:
        with java(f"setting the permissions of {target}"):
            target.fs.setPermission(target.java, old.getPermission())
            new = target.fs.getFileStatus(target.java)
            if str(new.getGroup()) != str(old.getGroup()):
                target.fs.setOwner(target.java, None, old.getGroup())
    except Error as error:
        return (f"not kept from the replaced file: {error}",)
    return ()


def _publish(target: Place, dst: Place, overwrite: bool) -> None:
    session = dst.session
    kind = session.jvm.org.apache.hadoop.fs.Options.Rename
    options = session.spark.sparkContext._gateway.new_array(kind, 1)
    options[0] = kind.OVERWRITE if overwrite else kind.NONE
    with java(f"renaming to {dst}"):
        context = session.jvm.org.apache.hadoop.fs.FileContext.getFileContext(dst.fs.getUri(), session.configuration)
    try:
        context.rename(target.java, dst.java, options)
    except Exception as error:
        if not hasattr(error, "java_exception"):
            raise
        made = java_error(error, f"renaming to {dst}")
        if made.code in _DEFINITE or made.code.endswith("RemoteException"):
            raise made from error
        unknown = UnknownOutcomeError(f"{made}: nobody can say whether {dst} is the new file; look at it, and at {target}")
        unknown.code = "LM_UNKNOWN_OUTCOME"
        raise unknown from error


def run(
    parts: Sequence[Part], dst: Place, *, prefix: bytes, delete_sources: bool, overwrite: bool, old: Any,
    warnings: tuple[str, ...] = (), is_staged: bool = False,
) -> MergeResult:  # fmt: skip
    """Joins the parts as they were found, and publishes. Staged parts are the caller's to remove."""
    require_hdfs(dst)
    filled = [part for part in parts if part.bytes > part.cut]
    whole = not any(part.cut for part in filled) and not any(part.lacks_end for part in filled[:-1])
    one_place = len({(part.place.authority, part.place.parent.path) for part in filled}) == 1
    fits = delete_sources and whole and one_place and filled[0].place.authority == dst.authority
    is_joined = fits and filled[0].place.scheme == "hdfs"
    expected = len(prefix) + sum(part.bytes - part.cut + part.lacks_end for part in filled)
    expected -= filled[-1].lacks_end if filled else 0
    target = hidden(filled[0].place.parent if is_joined else dst.parent, "merge")
    try:
        dst.parent.make_directory()
        (_concat if is_joined else _copy)(target, prefix, filled)
        size = int(target.fs.getFileStatus(target.java).getLen())
        if size != expected:
            raise DataError(f"{target} has {size} bytes, and the parts have {expected}: a part was changed meanwhile")
        if old is not None:
            warnings += _keep_mode(target, old)
        _publish(target, dst, overwrite)
    except BaseException as error:
        if is_joined and not is_staged:  # it may hold what the parts were
            status = target.status()
            if status is not None and int(status.getLen()) > len(prefix):
                error.add_note(f"parts that were joined already are in {target}, in order")
                raise
        if not isinstance(error, UnknownOutcomeError):
            target.remove()
        raise
    if delete_sources and not is_staged:
        for part in parts:
            if not (is_joined and part in filled):
                part.place.remove()
    total = sum(part.bytes for part in parts)
    told = {
        "path": str(dst), "bytes": expected, "state": 1, "replaced": old is not None, "warnings": warnings,
        "strategy": "concat" if is_joined else "stream", "parts": len(parts), "blank_parts": len(parts) - len(filled),
        "source_bytes": total, "client_bytes": 0 if is_joined else total,
        "deleted": len(parts) if delete_sources else 0, "left": 0,
    }  # fmt: skip
    return MergeResult(told, {})
