"""CSV, by the names that pandas has for its options."""
from __future__ import annotations

from . import _core
from ._data import check, open_data, raise_from_feed
from ._files import Result
from ._options import FILE_OPTIONS, choice, file_options, path_bytes, unknown
from ._parquet import progress_of, stamped
from ._schema import Schema, as_schema

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ._data import Feed
    from ._options import PathLike

_CSV_OPTIONS = (
    "sep", "na_rep", "columns", "header", "index", "encoding", "line_terminator", "lineterminator", "float_format",
    "quoting", "quotechar", "escapechar", "doublequote", "date_format", "compression", "compression_level", "decimal",
    "index_label", "mode",
    "guard_formulas", "threads", "true_text", "false_text", "schema", "progress", "stamp",
)  # fmt: skip
_IGNORED = ("engine", "chunksize", "errors")
_COMPRESSION = {"infer": 0, "none": 1, "gzip": 2, "zstd": 3}
_QUOTING = {0: 0, 1: 1, 2: 2, 3: 3}


def _csv_options(function: str, options: dict[str, Any]) -> dict[str, Any]:
    for name in options:
        if name not in _CSV_OPTIONS and name not in _IGNORED:
            more = () if function.endswith("_bytes") else FILE_OPTIONS
            raise unknown(function, name, (*_CSV_OPTIONS, "separator", *more))
    if options.get("mode", "w") not in ("w", "wt", "wb"):
        raise ValueError(f"mode is 'w', not {options['mode']!r}: the file is replaced in one step, and nothing is added to it")
    made: dict[str, Any] = {"true_text": options.get("true_text", "True"), "false_text": options.get("false_text", "False")}
    encoding = str(options.get("encoding") or "utf-8").lower().replace("_", "-")
    if encoding not in ("utf-8", "utf8", "utf-8-sig", "ascii"):
        raise ValueError(f"encoding is 'utf-8' or 'utf-8-sig', not {options['encoding']!r}")
    made["bom"] = encoding == "utf-8-sig"
    end = options.get("lineterminator") or options.get("line_terminator") or "\n"
    if end not in ("\n", "\r\n"):
        raise ValueError(f"lineterminator is '\\n' or '\\r\\n', not {end!r}")
    made["crlf"] = end == "\r\n"
    if options.get("decimal", ".") != ".":
        raise ValueError("decimal is '.'")
    for name, key in (("sep", "sep"), ("quotechar", "quotechar"), ("escapechar", "escapechar"), ("threads", "threads"),
                      ("guard_formulas", "guard_formulas")):  # fmt: skip
        if options.get(name) is not None:
            made[key] = options[name]
    made["null_text"] = str(options.get("na_rep", ""))
    made["nan_text"] = str(options["na_rep"]) if options.get("na_rep") else "nan"
    quoting = int(options.get("quoting") or 0)
    if quoting not in _QUOTING:
        raise ValueError(f"quoting is one of the csv module's QUOTE_MINIMAL to QUOTE_NONE, not {quoting!r}")
    made["quoting"] = _QUOTING[quoting]
    if options.get("doublequote", True) is False and "escapechar" not in made:
        raise ValueError("doublequote=False needs an escapechar")
    made["no_header"] = options.get("header", True) is False
    made.update(packing(options))
    if options.get("date_format") is not None:
        made["date_format"] = made["timestamp_format"] = str(options["date_format"])
    if options.get("float_format") is not None:
        made["float_places"] = _places(options["float_format"])
    return made


def packing(options: dict[str, Any]) -> dict[str, Any]:
    """The compression of text: a name, or pandas' dict of a method and its level."""
    compression, level = options.get("compression", "infer"), options.get("compression_level")
    if isinstance(compression, dict):
        given = dict(compression)
        compression = given.pop("method", "infer")
        level = given.pop("compresslevel", given.pop("level", level))
        if given:
            raise ValueError(f"compression is {{'method': …, 'level': …}}; {', '.join(map(repr, given))} is no part of it")
    made = {"compression": choice("compression", "none" if compression is None else str(compression), _COMPRESSION)}
    return made if level is None else {**made, "level": int(level)}


def _places(format: Any) -> int:
    import re

    found = re.fullmatch(r"%?\.?(\d+)f|\{:\.(\d+)f\}", format if isinstance(format, str) else "")
    if not found:
        raise ValueError(f"float_format is '%.2f' or the like, not {format!r}")
    return int(found[1] or found[2])


def open_picked(df: Any, options: dict[str, Any]) -> Feed:
    """The data, with the columns that are asked for and the names that the header gives them."""
    schema, header = options.get("schema"), options.get("header", True)
    feed = open_data(df, schema, options.get("index"))
    wanted = None if schema is None else as_schema(schema)
    if wanted is not None:
        check(feed.schema, wanted)
    if options.get("columns") is not None:
        names = [str(name) for name in options["columns"]]
        have = wanted or feed.schema
        for name in names:
            if name not in have.names:
                raise KeyError(f"no column is called {name!r}")
        wanted = have.select(names)
    capsule = feed.capsule
    if wanted is not None:
        capsule = _core.stream_cast(capsule, wanted._capsule, True, options.get("columns") is not None)
    names = list((wanted or feed.schema).names)
    labels = _index_labels(options.get("index_label"), names)
    if isinstance(header, (list, tuple)):  # pandas' are those of the columns, without the index
        given = [str(name) for name in header]
        names = given if len(given) == len(names) else [*labels, *given]
    if labels or isinstance(header, (list, tuple)):
        capsule = _renamed(capsule, [*labels, *names[len(labels) :]])
    feed.capsule = capsule
    return feed


def _index_labels(given: Any, names: list[str]) -> list[str]:
    """The names of the first columns, where they are an index that has none, or is to have other ones."""
    unnamed = [name for name in names if name.startswith("__index_level_") and name.endswith("__")]
    if given is None or given is False:
        return [""] * len(unnamed) if names[: len(unnamed)] == unnamed else []
    return [str(label) for label in given] if isinstance(given, (list, tuple)) else [str(given)]


def _renamed(capsule: Any, names: list[str]) -> Any:
    from ._schema import quoted
    from ._table import _read, node_of

    reader = _core.Reader(capsule)
    have = Schema._of(reader.schema())
    if len(names) != len(have):
        raise ValueError(f"header has {len(names)} names for {len(have)} columns")
    target = Schema("\n".join(f"{quoted(name)}: {field.type}" for name, field in zip(names, have.fields)))

    def batches() -> Any:
        for batch in _read(reader):
            nodes = tuple(node_of(tree, field) for tree, field in zip(batch.tree(), have.fields))
            yield _core.make_batch(target._capsule, len(batch), nodes)

    return _core.stream_of(target._capsule, batches())


def publish_text(function: str, dst: PathLike, df: Any, format: int, read_options: Any, options: dict[str, Any]) -> Result:
    """What CSV and JSON lines have in common; read_options(function, options) takes what the format knows."""
    index, progress = options.get("index"), progress_of(options.pop("progress", None))
    stamp = bool(options.pop("stamp", False))
    ids = {"run_id": options.get("run_id"), "source_snapshot": options.get("source_snapshot")}
    df, schema = stamped(df, ids, stamp, options.get("schema"), index)
    if stamp:
        options.update(schema=schema, run_id=ids["run_id"])
    file = file_options(function, options)
    text = read_options(function, options)
    feed = open_picked(df, options)
    try:
        told = _core.put(path_bytes(dst), feed.capsule, format, None, file, {}, text, progress)
    except BaseException as error:
        raise_from_feed(feed, error)
        raise
    return Result(told, {"run_id": ids["run_id"], **file})


def text_bytes(df: Any, format: int, text: dict[str, Any], options: dict[str, Any]) -> bytes:
    """The same in memory, where no name tells how it is to be compressed."""
    if text["compression"] == _COMPRESSION["infer"]:
        text["compression"] = _COMPRESSION["none"]
    feed = open_picked(df, options)
    try:
        return _core.text_bytes(feed.capsule, format, text)
    except BaseException as error:
        raise_from_feed(feed, error)
        raise


def atomic_write_csv(dst: PathLike, df: Any, **options: Any) -> Result:
    """Publishes a table as CSV. Options are pandas' (sep, na_rep, columns, header, index, encoding="utf-8" or
    "utf-8-sig", lineterminator, float_format, quoting, date_format, compression, …), and those of every publication."""
    return publish_text("atomic_write_csv", dst, df, _core.csv, _csv_options, options)


def df_to_csv_bytes(df: Any, **options: Any) -> bytes:
    """The same as bytes in memory."""
    return text_bytes(df, _core.csv, _csv_options("df_to_csv_bytes", options), options)
