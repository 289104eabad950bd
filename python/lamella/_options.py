"""Options by the names that people know, checked, and turned into what the core takes."""
from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Any

    StorageOptions = Mapping[str, Any]
    PathLike = str | bytes | os.PathLike[str] | os.PathLike[bytes]

DURABILITY = {"full": 0, "file": 1, "none": 2}
DIRECT = {"auto": 0, "never": 1, "always": 2}
CODECS = {
    "none": 0, "uncompressed": 0, "snappy": 1, "gzip": 2, "brotli": 4, "zstd": 6, "lz4": 7, "lz4_raw": 7,
}  # fmt: skip
ENCODINGS = {
    "PLAIN": 0, "RLE": 3, "DELTA_BINARY_PACKED": 5, "DELTA_LENGTH_BYTE_ARRAY": 6, "DELTA_BYTE_ARRAY": 7,
    "RLE_DICTIONARY": 8, "PLAIN_DICTIONARY": 8, "BYTE_STREAM_SPLIT": 9,
}  # fmt: skip

# What every function that publishes a file takes.
FILE_OPTIONS = (
    "durability", "overwrite", "if_match", "manifest", "keep", "checksum", "direct", "run_id", "source_snapshot",
    "keep_xattrs", "follow_symlinks", "storage_options",
)  # fmt: skip


def path_bytes(path: PathLike) -> bytes:
    """The path as the system takes it."""
    return os.fsencode(path)


def local(path: PathLike) -> str | None:
    """The path on this system, or None where it leads to another store."""
    text = os.fsdecode(path)
    scheme, found, rest = text.partition("://")
    if text[:6].lower() == "file:/" and not found:
        return text[5:]
    if not found or len(scheme) < 2 or not scheme[0].isalpha() or not scheme.isascii():
        return text
    if not all(letter.isalnum() or letter in "+-." for letter in scheme):
        return text
    if scheme.lower() != "file":
        return None
    return rest[9:] if rest[:10].lower() == "localhost/" else rest


def storage_pairs(options: StorageOptions | None) -> list[tuple[str, str]] | None:
    """How stores are reached, as the core takes it."""
    if options is None:
        return None
    if not hasattr(options, "items"):
        raise TypeError(f"storage_options is a dict of texts, not {type(options).__name__}")
    pairs = []
    for key, value in options.items():
        if not isinstance(key, str):
            raise TypeError(f"storage_options: {key!r} is no name of an option")
        if value is not None:
            pairs.append((key, str(value).lower() if isinstance(value, bool) else str(value)))
    return pairs


def choice(name: str, value: Any, choices: Mapping[str, int]) -> int:
    if not isinstance(value, str):
        raise TypeError(f"{name} is one of {', '.join(map(repr, choices))}, not {type(value).__name__}")
    if value not in choices:
        raise ValueError(f"{name} is one of {', '.join(map(repr, choices))}, not {value!r}{nearest(value, choices)}")
    return choices[value]


_ALSO_CALLED = {"separator": "sep"}


def nearest(name: str, known: Iterable[str]) -> str:
    """": did you mean …?", or nothing when no name is near."""
    import difflib

    close = difflib.get_close_matches(name, list(known), 1, 0.6)
    return f"; did you mean {_ALSO_CALLED.get(close[0], close[0])!r}?" if close else ""


def unknown(function: str, name: str, known: Iterable[str]) -> TypeError:
    return TypeError(f"{function}() got an unexpected keyword argument {name!r}{nearest(name, known)}")


def file_options(function: str, options: dict[str, Any]) -> dict[str, Any]:
    """Takes what belongs to the publication out of `options`, and gives the core's."""
    made: dict[str, Any] = {"durability": choice("durability", options.pop("durability", "full"), DURABILITY)}
    overwrite, match = options.pop("overwrite", True), options.pop("if_match", None)
    if match is not None:
        if not overwrite:
            raise ValueError("overwrite=False and if_match= exclude each other")
        made["mode"], made["match"] = 2, str(match)
    elif not overwrite:
        made["mode"] = 1
    keep = options.pop("keep", 0)
    if not isinstance(keep, int) or keep < 0:
        raise ValueError(f"keep is how many replaced files are kept, not {keep!r}")
    made["keep"] = keep
    checksum = options.pop("checksum", None)
    if checksum is not None:
        made["checksum"] = str(checksum)
    made["direct"] = choice("direct", options.pop("direct", "auto"), DIRECT)
    made["keep_xattrs"] = bool(options.pop("keep_xattrs", False))
    made["no_follow"] = not options.pop("follow_symlinks", True)
    storage = storage_pairs(options.pop("storage_options", None))
    if storage is not None:
        made["storage"] = storage
    run_id, snapshot = options.pop("run_id", None), options.pop("source_snapshot", None)
    manifest = options.pop("manifest", None)
    if manifest is not None and manifest is not False:
        made["manifest"] = manifest_options(manifest, run_id, snapshot)
    return made


def manifest_options(manifest: Any, run_id: Any, snapshot: Any) -> dict[str, Any]:
    pairs = {} if manifest is True else dict(manifest)
    run_id = pairs.pop("run_id", run_id)
    snapshot = pairs.pop("source_snapshot", snapshot)
    if run_id is None:
        import uuid

        run_id = str(uuid.uuid4())
    return {
        "run_id": str(run_id),
        "source_snapshot": None if snapshot is None else str(snapshot),
        "pairs": [(str(key), str(value)) for key, value in pairs.items()],
    }


# ---- Parquet: pyarrow's names, and ours ----


def count(name: str, value: Any, least: int = 1) -> int:
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise TypeError(f"{name} is a whole number, not {value!r}")
    number = int(value)
    if number < least:
        raise ValueError(f"{name} is at least {least}, not {number}")
    return number


def _codec(name: str, value: Any) -> int:
    return CODECS["none"] if value is None else choice(name, str(value).lower(), CODECS)


class _Columns(dict[str, "dict[str, Any]"]):
    """What single columns do otherwise."""

    def __missing__(self, path: str) -> dict[str, Any]:
        made: dict[str, Any] = {}
        self[path] = made
        return made


def _compression(made: dict[str, Any], columns: _Columns, value: Any) -> None:
    if isinstance(value, dict):
        for path, codec in value.items():
            columns[path]["codec"] = _codec("compression", codec)
    else:
        made["codec"] = _codec("compression", value)


def _level(made: dict[str, Any], columns: _Columns, value: Any) -> None:
    if isinstance(value, dict):
        for path, level in value.items():
            columns[path].setdefault("codec", made.get("codec", CODECS["snappy"]))
            columns[path]["level"] = int(level)
    elif value is not None:
        made["level"] = int(value)


def _dictionary(made: dict[str, Any], columns: _Columns, value: Any) -> None:
    if isinstance(value, (list, tuple, set)):
        made["dictionary"] = False
        for path in value:
            columns[path]["dictionary"] = 1
    else:
        made["dictionary"] = bool(value)


def _statistics(made: dict[str, Any], columns: _Columns, value: Any) -> None:
    if isinstance(value, (list, tuple, set)):
        made["statistics"] = False
        for path in value:
            columns[path]["statistics"] = 1
    elif isinstance(value, dict):
        for path, wanted in value.items():
            columns[path]["statistics"] = 1 if wanted else 2
    else:
        made["statistics"] = bool(value)


def _encoding(made: dict[str, Any], columns: _Columns, value: Any) -> None:
    if isinstance(value, str):
        raise TypeError("column_encoding is a dict of columns and encodings")
    for path, encoding in (value or {}).items():
        columns[path]["encoding"] = choice("column_encoding", str(encoding).upper(), ENCODINGS)
        if columns[path]["encoding"] != ENCODINGS["RLE_DICTIONARY"]:
            columns[path]["dictionary"] = 2


def _split(made: dict[str, Any], columns: _Columns, value: Any) -> None:
    if isinstance(value, (list, tuple, set)):
        for path in value:
            columns[path]["encoding"] = ENCODINGS["BYTE_STREAM_SPLIT"]
            columns[path]["dictionary"] = 2
    elif value:
        raise TypeError("use_byte_stream_split is a list of columns here")


def _bloom(made: dict[str, Any], columns: _Columns, value: Any) -> None:
    wanted: dict[str, Any] = value if isinstance(value, dict) else dict.fromkeys(value or (), True)
    for path, how in wanted.items():
        if how is False or how is None:
            continue
        columns[path]["bloom"] = 1
        if isinstance(how, dict):
            columns[path]["bloom_false_share"] = float(how.get("fpp", 0.0))
            columns[path]["bloom_distinct"] = int(how.get("ndv", 0))
        elif how is not True:
            columns[path]["bloom_false_share"] = float(how)


def _sorting(made: dict[str, Any], columns: _Columns, value: Any) -> None:
    made["sorting"] = []
    for entry in value or ():
        name, order = (entry, "ascending") if isinstance(entry, str) else (entry[0], entry[1])
        made["sorting"].append((str(name), choice("sorting_columns", order, {"ascending": 0, "descending": 1})))


def _metadata(made: dict[str, Any], columns: _Columns, value: Any) -> None:
    made["metadata"] = [
        tuple(part.decode() if isinstance(part, bytes) else str(part) for part in pair)
        for pair in dict(value or {}).items()
    ]


def _version(made: dict[str, Any], columns: _Columns, value: Any) -> None:
    """Of the format: types are written as 2.6 has them; older ones are refused, not half kept."""
    if value not in ("2.6", "2.4", "2.0"):
        raise ValueError(f"version is '2.6', not {value!r}: older files lack types that are written here")


def _timestamps(made: dict[str, Any], columns: _Columns, value: Any) -> None:
    if value not in (None, False):
        raise ValueError("timestamps are written in the unit that they have; cast them with schema=")


def _ignored(made: dict[str, Any], columns: _Columns, value: Any) -> None:
    """Names that users of pyarrow and pandas pass, and that change nothing here."""


def _number(key: str, least: int = 1) -> Callable[[dict[str, Any], _Columns, Any], None]:
    def put(made: dict[str, Any], columns: _Columns, value: Any) -> None:
        if value is not None:
            made[key] = count(key, value, least)

    return put


def _flag(key: str) -> Callable[[dict[str, Any], _Columns, Any], None]:
    def put(made: dict[str, Any], columns: _Columns, value: Any) -> None:
        made[key] = bool(value)

    return put


def _created_by(made: dict[str, Any], columns: _Columns, value: Any) -> None:
    if value is not None:
        made["created_by"] = str(value)


def _page_version(made: dict[str, Any], columns: _Columns, value: Any) -> None:
    made["data_page_version"] = choice("data_page_version", str(value), {"1.0": 1, "1": 1, "2.0": 2, "2": 2})


PARQUET_OPTIONS: dict[str, Callable[[dict[str, Any], _Columns, Any], None]] = {
    "compression": _compression,
    "compression_level": _level,
    "row_group_size": _number("row_group_rows_max"),
    "row_group_bytes": _number("row_group_bytes_max"),
    "use_dictionary": _dictionary,
    "dictionary_pagesize_limit": _number("dictionary_bytes_max"),
    "write_statistics": _statistics,
    "data_page_size": _number("page_bytes_max"),
    "max_rows_per_page": _number("page_rows_max"),
    "data_page_version": _page_version,
    "column_encoding": _encoding,
    "use_byte_stream_split": _split,
    "bloom_filter_options": _bloom,
    "sorting_columns": _sorting,
    "write_page_index": _flag("page_index"),
    "write_page_checksum": _flag("page_crc"),
    "store_schema": _flag("arrow_schema"),
    "key_value_metadata": _metadata,
    "created_by": _created_by,
    "threads": _number("threads", 0),
    "version": _version,
    "coerce_timestamps": _timestamps,
    "use_deprecated_int96_timestamps": _timestamps,
    "write_batch_size": _ignored,
    "allow_truncated_timestamps": _ignored,
    "use_compliant_nested_type": _ignored,
    "flavor": _ignored,
    "engine": _ignored,
}


def parquet_options(function: str, options: dict[str, Any], more: Iterable[str] = ()) -> dict[str, Any]:
    """The core's options; whatever else is in `options` is a TypeError that suggests the nearest name."""
    made: dict[str, Any] = {}
    columns = _Columns()
    for name in options:
        if name not in PARQUET_OPTIONS:
            raise unknown(function, name, (*PARQUET_OPTIONS, *FILE_OPTIONS, *more))
    for name, put in PARQUET_OPTIONS.items():
        if name in options:
            put(made, columns, options[name])
    if columns:
        made["columns"] = list(columns.items())
    return made


# ---- which format ----

_PURPOSES = {
    "internal": "parquet", "pipeline": "parquet", "analytics": "parquet", "storage": "parquet", "archive": "parquet",
    "exchange": "csv", "external": "csv", "text": "csv", "interoperability": "csv",
    "report": "xlsx", "business": "xlsx", "excel": "xlsx", "audit": "xlsx",
    "cache": "pickle", "temporary": "pickle",
}  # fmt: skip


def choose_format(purpose: str) -> str:
    """The format for a purpose, by the rule of docs/formats.md: "parquet" inside, "csv" or "xlsx" outside, "pickle" for
    short-lived caches of one's own only."""
    word = purpose.strip().lower() if isinstance(purpose, str) else purpose
    if word not in _PURPOSES:
        raise ValueError(f"purpose is one of {', '.join(_PURPOSES)}, not {purpose!r}{nearest(str(word), _PURPOSES)}")
    return _PURPOSES[word]
