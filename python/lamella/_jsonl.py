"""JSON lines."""
from __future__ import annotations

from . import _core
from ._csv import packing, publish_text, text_bytes
from ._files import Result
from ._options import FILE_OPTIONS, unknown

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
    return publish_text("atomic_write_jsonl", dst, df, _core.jsonl, _jsonl_options, options)


def df_to_jsonl_bytes(df: Any, **options: Any) -> bytes:
    """The same as bytes in memory."""
    return text_bytes(df, _core.jsonl, _jsonl_options("df_to_jsonl_bytes", options), options)
