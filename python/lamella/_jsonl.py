"""JSON lines."""
from __future__ import annotations

from . import _core
from ._csv import open_picked, packing
from ._data import raise_from_feed
from ._files import Result
from ._options import FILE_OPTIONS, file_options, path_bytes, unknown
from ._parquet import progress_of, stamped

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ._options import PathLike

_OPTIONS = ("columns", "index", "schema", "compression", "compression_level", "progress", "stamp")
# Of pandas' to_json: what they ask for is so.
_FIXED = {"orient": "records", "lines": True, "date_format": "iso", "force_ascii": False, "mode": "w"}


def _jsonl_options(function: str, options: dict[str, Any]) -> dict[str, Any]:
    for name in options:
        if name in _FIXED:
            if options[name] != _FIXED[name]:
                raise ValueError(f"{name} is {_FIXED[name]!r}, not {options[name]!r}")
        elif name not in _OPTIONS:
            raise unknown(function, name, (*_OPTIONS, *(() if function.endswith("_bytes") else FILE_OPTIONS)))
    return packing(options)


def atomic_write_jsonl(dst: PathLike, df: Any, **options: Any) -> Result:
    """Publishes a table as JSON lines, an object for each row. Options are columns, index, schema, compression ("gzip",
    "zstd", or by the suffix of `dst`), compression_level, and those of every publication."""
    index, progress = options.get("index"), progress_of(options.pop("progress", None))
    stamp = bool(options.pop("stamp", False))
    ids = {"run_id": options.get("run_id"), "source_snapshot": options.get("source_snapshot")}
    df, schema = stamped(df, ids, stamp, options.get("schema"), index)
    if stamp:
        options.update(schema=schema, run_id=ids["run_id"])
    file = file_options("atomic_write_jsonl", options)
    text = _jsonl_options("atomic_write_jsonl", options)
    feed = open_picked(df, options)
    try:
        told = _core.put(path_bytes(dst), feed.capsule, _core.jsonl, None, file, {}, text, progress)
    except BaseException as error:
        raise_from_feed(feed, error)
        raise
    return Result(told, {"run_id": ids["run_id"], **file})


def df_to_jsonl_bytes(df: Any, **options: Any) -> bytes:
    """The same as bytes in memory."""
    text = _jsonl_options("df_to_jsonl_bytes", options)
    feed = open_picked(df, options)
    try:
        return _core.text_bytes(feed.capsule, _core.jsonl, text)
    except BaseException as error:
        raise_from_feed(feed, error)
        raise
