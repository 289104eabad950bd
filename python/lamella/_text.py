"""How text is read: CSV by the names that pandas has for its options."""
from __future__ import annotations

from ._options import choice, count, unknown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

FORMATS = {"auto": 0, "parquet": 1, "arrow": 2, "arrows": 3, "jsonl": 4, "csv": 5}
CSV_OPTIONS = (
    "sep", "delimiter", "quotechar", "quoting", "escapechar", "header", "na_values", "dtype", "infer_types", "on_bad_lines",
    "encoding", "encoding_errors", "max_row_bytes", "skiprows",
)  # fmt: skip
_RAGGED = {"error": 0, "pad": 1, "skip": 2}
_INFER = {"sample": 0, "all": 1, "none": 2}
_INVALID = {"strict": 0, "replace": 1}


def csv_options(function: str, options: dict[str, Any]) -> dict[str, Any]:
    """The core's, of a dict of pandas' names."""
    for name in options:
        if name not in CSV_OPTIONS:
            raise unknown(function, name, (*CSV_OPTIONS, "separator"))
    made: dict[str, Any] = {}
    sep = options.get("sep", options.get("delimiter"))
    if sep is not None:
        made["sep"] = str(sep)
    for name in ("quotechar", "escapechar"):
        if options.get(name) is not None:
            made[name] = str(options[name])
    if options.get("quoting") == 3:
        made["no_quotes"] = True
    elif options.get("quoting") not in (None, 0, 1, 2):
        raise ValueError(f"quoting is one of the csv module's QUOTE_MINIMAL to QUOTE_NONE, not {options['quoting']!r}")
    made["header"] = _header(options.get("header", "infer"))
    nulls = options.get("na_values")
    if nulls is not None:
        made["nulls"] = [nulls] if isinstance(nulls, str) else [str(text) for text in nulls]
    how = "none" if options.get("dtype") in (str, "str", "string", "object", object) else options.get("infer_types", "sample")
    inferred = choice("infer_types", how, _INFER)
    made["whole_sample"], made["all_text"] = inferred == 1, inferred == 2
    made["ragged"] = choice("on_bad_lines", options.get("on_bad_lines", "error"), _RAGGED)
    encoding = str(options.get("encoding") or "utf-8").lower().replace("_", "-")
    if encoding not in ("utf-8", "utf8", "utf-8-sig", "ascii"):
        raise ValueError(f"encoding is 'utf-8', with a byte order mark or without, not {options['encoding']!r}")
    made["replace_invalid"] = choice("encoding_errors", options.get("encoding_errors", "strict"), _INVALID) == 1
    if options.get("skiprows") is not None:
        made["lines_skipped"] = count("skiprows", options["skiprows"], 0)
    if options.get("max_row_bytes") is not None:
        made["row_bytes_max"] = count("max_row_bytes", options["max_row_bytes"])
    return made


def _header(header: Any) -> int:
    if header == "infer":
        return 0
    if header is True or (header == 0 and header is not False):
        return 1
    if header is None or header is False:
        return 2
    raise ValueError(f"header is 'infer', 0 (the first row) or None, not {header!r}")


def given_types(options: dict[str, Any]) -> Any:
    """`dtype`, where it says the types of columns."""
    dtype = options.get("dtype")
    return None if dtype is None or dtype in (str, "str", "string", "object", object) else dtype
