"""One file from a Spark job: its parts are written in parallel and then joined where they lie (docs/spark.md).

pyspark is not imported with this: the session or the DataFrame that is given has what is needed.
"""
from __future__ import annotations

import os

from .._errors import Error, InternalError, InterruptedError, UnsupportedError
from .._files import atomic_write_bytes
from .._merge import MergeResult, merge
from .._options import FILE_OPTIONS, nearest, path_bytes
from .._paths import rm
from . import _jvm
from ._session import Place, Session, check_destination, hidden

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any

    from pyspark.sql import DataFrame, SparkSession

    from .._options import PathLike, StorageOptions

__all__ = ["merge_parts", "write_single_csv"]

_MODES = {"overwrite": True, "error": False, "errorifexists": False}
_VIAS = ("auto", "webhdfs", "jvm")
_WEB = ("hdfs", "webhdfs", "swebhdfs")

# Spark's own options of CSV, by their names in small letters; what they do is Spark's matter.
_CSV_OPTIONS = {
    name.lower(): name
    for name in (
        "sep", "delimiter", "quote", "escape", "escapeQuotes", "quoteAll", "nullValue", "emptyValue", "dateFormat",
        "timestampFormat", "timestampNTZFormat", "ignoreLeadingWhiteSpace", "ignoreTrailingWhiteSpace",
        "charToEscapeQuoteEscaping", "encoding", "charset", "lineSep", "locale", "maxRecordsPerFile",
    )
}  # fmt: skip
_ENCODINGS = ("utf-8", "utf8", "us-ascii", "ascii")


def write_single_csv(
    df: DataFrame,
    dst: PathLike,
    header: bool = True,
    *,
    mode: str = "overwrite",
    via: str = "auto",
    shared_files: bool = False,
    storage_options: StorageOptions | None = None,
    **options: Any,
) -> MergeResult:
    """Writes a DataFrame as the one CSV file `dst`, all or nothing: Spark's tasks write their parts in parallel to a hidden
    directory beside it, and the parts are joined there, on HDFS without a byte moved. The rows are as df.write.csv writes
    them, with its options (sep=, quoteAll=, nullValue=, …), in the order of the partitions; a name that ends with .gz makes
    Spark's tasks compress.

    A path without a scheme is on Spark's default file system. mode is "overwrite" or "error". via says how HDFS is
    reached: "webhdfs", "jvm" (py4j), or "auto", which tries the first. Other options are those of publications."""
    overwrite = _overwrite(mode)
    publication, writer = _split_options(options)
    writer["compression"] = _compression(os.fsdecode(dst))
    session = Session(df.sparkSession)
    to = session.place(dst)
    _check_place(to, via, shared_files, session)
    old = check_destination(to, overwrite)
    staging = hidden(to.parent, "spark")
    try:
        staging.make_directory()
        done = _write_and_join(df, to, header, staging, session, via, old, overwrite, writer, storage_options, publication)
    except BaseException:
        _clear(staging)
        raise
    done.warnings += _clear(staging)
    return done


def _write_and_join(
    df: DataFrame, to: Place, header: bool, staging: Place, session: Session, via: str, old: Any, overwrite: bool,
    writer: dict[str, Any], storage_options: StorageOptions | None, publication: dict[str, Any],
) -> MergeResult:  # fmt: skip
    parts = staging.child("parts")
    with session.storage(storage_options) as storage:
        how, warnings = _way(to, via, staging, storage, publication)
        df.write.mode("error").options(**writer, header=False).csv(_for_spark(parts))
        if header:
            _write_header(session, df.columns, staging, parts, writer)
        found = _jvm.find_parts(parts)
        if how == "jvm":
            return _jvm.run(
                found, to, prefix=b"", delete_sources=True, overwrite=overwrite, old=old, warnings=warnings,
                is_staged=True,
            )  # fmt: skip
        _forget_crc(to)
        # Spark ends its lines; they are not looked at, so that no dialect has to be guessed.
        done = merge(
            [str(part.place) for part in found], str(to), order="listed", format="text", trust_parts=True,
            delete_sources=to.scheme in _WEB, overwrite=overwrite, storage_options=storage, **publication,
        )  # fmt: skip
        return _merged(done, warnings)


def _clear(staging: Place) -> tuple[str, ...]:
    """What could not be removed is told: by then the file is published, or another error is on its way."""
    try:
        staging.remove()
    except Error as error:
        return (f"{staging} is left: {error}",)
    return ()


def merge_parts(
    spark: SparkSession,
    src: PathLike | Iterable[PathLike],
    dst: PathLike,
    header: bool | str | Sequence[str] | None = "auto",
    *,
    mode: str = "overwrite",
    via: str = "auto",
    delete_sources: bool = False,
    require_success: bool = True,
    storage_options: StorageOptions | None = None,
    **options: Any,
) -> MergeResult:
    """Joins the parts that a job has written into the one file `dst`, all or nothing, as lamella.merge does and with its
    options; the session says where HDFS is. With delete_sources=True the parts are consumed, and HDFS joins parts that
    have no header without moving a byte.

    Through the JVM (via="jvm", or "auto" where WebHDFS cannot be reached) one directory is merged, as text, and header
    has to say what the parts have: True, False, or the header of parts that have none."""
    overwrite = _overwrite(mode)
    session = Session(spark)
    sources = [src] if isinstance(src, (str, bytes, os.PathLike)) else list(src)
    places = [session.place(source) for source in sources]
    to = session.place(dst)
    for place in (*places, to):
        _check_scheme(place, via)
    old = check_destination(to, overwrite)
    with session.storage(storage_options) as storage:
        how, warnings = _way(to, via, to.parent, storage, options)
        if how != "jvm":
            _forget_crc(to)
            done = merge(
                [str(place) for place in places], str(to), header=header, delete_sources=delete_sources,
                require_success=require_success, overwrite=overwrite, storage_options=storage, **options,
            )  # fmt: skip
            return _merged(done, warnings)
    if len(places) != 1:
        raise UnsupportedError("through the JVM one directory is merged; merge them one by one, or reach WebHDFS")
    parts = _jvm.find_parts(places[0], require_success, bool(options.get("allow_unfinished")))
    prefix = _jvm_header(parts, header, to)
    if not options.get("trust_parts"):
        _jvm.find_ends(parts)
    return _jvm.run(
        parts, to, prefix=prefix, delete_sources=delete_sources, overwrite=overwrite, old=old, warnings=warnings
    )


def _overwrite(mode: str) -> bool:
    if mode not in _MODES:
        raise ValueError(f"mode is one of 'overwrite', 'error' and 'errorifexists', not {mode!r}: one file is written")
    return _MODES[mode]


def _split_options(options: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Those of the publication, and Spark's; Spark itself would pass over what it does not know."""
    publication, writer = {}, {}
    for name, value in options.items():
        if name in FILE_OPTIONS and name != "overwrite":
            publication[name] = value
        elif name.lower() in _CSV_OPTIONS:
            writer[_CSV_OPTIONS[name.lower()]] = value
        elif name.lower() in ("compression", "codec"):
            raise TypeError("the name says how a file is compressed: .csv not at all, .csv.gz by gzip")
        else:
            known = (*_CSV_OPTIONS.values(), *FILE_OPTIONS)
            raise TypeError(f"write_single_csv() got an unexpected keyword argument {name!r}{nearest(name, known)}")
    encoding = writer.get("encoding", writer.get("charset", "UTF-8"))
    if str(encoding).lower() not in _ENCODINGS:
        raise ValueError(f"encoding is 'UTF-8', not {encoding!r}: parts of other encodings are not joined")
    return publication, {name: value for name, value in writer.items() if value is not None}


def _compression(dst: str) -> str:
    name = dst.lower()
    for suffix in (".bz2", ".zst", ".zstd", ".lz4", ".snappy", ".deflate", ".xz", ".zip"):
        if name.endswith(suffix):
            raise UnsupportedError(f"{dst}: Spark's parts are joined plain or as .gz, not as {suffix}")
    return "gzip" if name.endswith((".gz", ".gzip")) else "none"


def _check_scheme(place: Place, via: str) -> None:
    if via not in _VIAS:
        raise ValueError(f"via is one of {', '.join(map(repr, _VIAS))}, not {via!r}{nearest(str(via), _VIAS)}")
    if not place.is_local and place.scheme not in _WEB:
        raise UnsupportedError(f"{place}: there is no store for {place.scheme}://; take a path on HDFS, or file:///…")
    if via == "jvm":
        if place.is_local:
            raise ValueError(f"via='jvm' is about HDFS, and {place} is on this system: leave it away")
        _jvm.require_hdfs(place)


def _check_place(to: Place, via: str, shared_files: bool, session: Session) -> None:
    _check_scheme(to, via)
    if to.is_local and not session.is_one_host and not shared_files:
        raise UnsupportedError(
            f"{to}: Spark's tasks run on other hosts, whose files are not here: write to HDFS, or say shared_files=True if "
            "this path is the same directory on all of them"
        )


def _way(
    to: Place, via: str, directory: Place, storage: Mapping[str, Any], publication: Mapping[str, Any]
) -> tuple[str, tuple[str, ...]]:
    """How the parts are joined: "files", "webhdfs" or "jvm", and why not by WebHDFS where it was tried. A DataNode has to
    take a few bytes: that the NameNode answers is not enough."""
    if to.is_local:
        return "files", ()
    warnings: tuple[str, ...] = ()
    if via == "auto" and to.scheme == "hdfs":
        probe = str(hidden(directory, "probe"))
        hasty = {"connect_timeout": 3, "attempts": 1, "deadline": 10, **storage}
        try:
            atomic_write_bytes(probe, b"?", storage_options=hasty)
            rm(probe, storage_options=hasty)
            return "webhdfs", ()
        except InterruptedError:
            raise
        except Error as error:
            via, warnings = "jvm", (f"WebHDFS was not taken: {error}",)
    if via != "jvm":
        return "webhdfs", ()
    known = ("allow_unfinished", "trust_parts", "require_success")
    refused = sorted(name for name, value in publication.items() if value and name not in known)
    if refused:
        why = f" ({warnings[0]})" if warnings else ""
        raise UnsupportedError(f"through the JVM there is no {', '.join(refused)}=: leave it away, or reach WebHDFS{why}")
    return "jvm", warnings


def _for_spark(place: Place) -> str:
    return f"file://{place.path}" if place.is_local else str(place)


def _write_header(session: Session, names: Sequence[str], staging: Place, parts: Place, writer: dict[str, Any]) -> None:
    """The first of the parts: Spark's own header, so that it is quoted and compressed as the rows are."""
    head = staging.child("head")
    from pyspark.sql.types import StringType, StructField, StructType

    schema = StructType([StructField(name, StringType()) for name in names])
    empty = session.spark.createDataFrame([], schema).coalesce(1)
    empty.write.mode("error").options(**writer, header=True).csv(_for_spark(head))
    found = [part for part in _jvm.find_parts(head) if part.bytes]
    if len(found) != 1:
        raise InternalError(f"Spark wrote {len(found)} headers, and one was expected")
    found[0].place.move_into(parts.child("header" + "".join(found[0].place.name.partition(".csv")[1:])))


def _forget_crc(to: Place) -> None:
    """Hadoop's sums of a local file that it has written: of the new one they would be wrong, and Spark would not read it."""
    if to.is_local:
        directory, name = os.path.split(path_bytes(to.path))
        try:
            os.unlink(os.path.join(directory, b"." + name + b".crc"))
        except FileNotFoundError:
            pass


def _jvm_header(parts: Sequence[_jvm.Part], header: Any, to: Place) -> bytes:
    if to.name.lower().endswith((".gz", ".gzip", ".zst", ".parquet")):
        raise UnsupportedError(f"{to}: through the JVM only plain text is merged; reach WebHDFS for the rest")
    if header is True or header == "yes":
        _jvm.cut_headers(parts)
        return b""
    if header in (False, None, "no"):
        return b""
    if header in ("auto", "infer"):
        raise UnsupportedError(
            "through the JVM nothing is guessed: say header=True (all parts have one), False (none has, and none is "
            "wanted), or the names of the columns"
        )
    if not isinstance(header, str):
        from .._merge import _header

        header = _header(header)["header_text"]
    return f"{header}\n".encode()


def _merged(done: Any, warnings: tuple[str, ...]) -> MergeResult:
    done.warnings += warnings
    result: MergeResult = done
    return result
