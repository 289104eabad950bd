"""XLSX: one sheet, or a dict of them."""
from __future__ import annotations

import os

from . import _core
from ._csv import open_picked
from ._data import raise_from_feed
from ._files import Result
from ._options import FILE_OPTIONS, choice, file_options, path_bytes, unknown
from ._parquet import progress_of, stamped

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from ._options import PathLike

_XLSX_OPTIONS = (
    "columns", "header", "index", "freeze_panes", "autofilter", "table_name", "date_format", "datetime_format",
    "number_formats", "type_formats", "column_widths", "split_sheets", "cut_text", "exact", "nonfinite", "level", "threads", "schema",
    "progress", "stamp", "na_rep", "startrow", "startcol",
)  # fmt: skip
_IGNORED = ("engine", "merge_cells", "inf_rep", "engine_kwargs")
_EXACT = {"auto": 0, "text": 1, "number": 2}
_KINDS = ("integer", "float", "decimal", "date", "timestamp", "time", "duration")
_NONFINITE = {"blank": 0, "error": 1, "refuse": 2}


def _sheet_options(function: str, options: dict[str, Any]) -> dict[str, Any]:
    for name in options:
        if name not in _XLSX_OPTIONS and name not in _IGNORED:
            raise unknown(function, name, (*_XLSX_OPTIONS, *FILE_OPTIONS, "sheet_name"))
    if options.get("na_rep") or options.get("startrow") or options.get("startcol"):
        raise ValueError("a null is a blank cell, and a sheet begins in its first: na_rep, startrow and startcol are not")
    freeze = options.get("freeze_panes", (1, 0))
    if freeze not in ((1, 0), (0, 0), True, False, None):
        raise ValueError(f"freeze_panes is (1, 0), the header, or None, not {freeze!r}")
    formats, widths = dict(options.get("number_formats") or {}), dict(options.get("column_widths") or {})
    columns = [
        {"name": str(name), "format": formats.get(name), "width": widths.get(name)} for name in {**formats, **widths}
    ]
    kinds = dict(options.get("type_formats") or {})
    for kind in kinds:
        if kind not in _KINDS:
            raise ValueError(f"type_formats has formats of {', '.join(_KINDS)}, not of {kind!r}")
    return {
        "no_header": options.get("header", True) is False,
        "no_freeze": freeze in ((0, 0), False, None),
        "filter": bool(options.get("autofilter", False)),
        "table": options.get("table_name"),
        "split": bool(options.get("split_sheets", False)),
        "cut": bool(options.get("cut_text", False)),
        "exact": choice("exact", options.get("exact", "auto"), _EXACT),
        "nonfinite": choice("nonfinite", options.get("nonfinite", "blank"), _NONFINITE),
        **{f"{kind}_format": kinds.get(kind) for kind in _KINDS},
        "date_format": options.get("date_format") or kinds.get("date"),
        "timestamp_format": options.get("datetime_format") or kinds.get("timestamp"),
        "columns": columns,
    }


def _is_table(value: Any) -> bool:
    """Rather than a column."""
    if isinstance(value, (list, tuple)):
        return bool(value) and isinstance(value[0], dict)
    return isinstance(value, dict) or any(hasattr(value, name) for name in ("columns", "column_names", "schema"))


def _sheets(df: Any, sheet_name: str) -> Iterator[tuple[str, Any]]:
    if isinstance(df, dict) and df and all(map(_is_table, df.values())):
        yield from ((str(name), table) for name, table in df.items())
    else:
        yield sheet_name, df


def _write(function: str, dst: bytes | None, df: Any, sheet_name: str, options: dict[str, Any]) -> Any:
    progress, stamp = progress_of(options.pop("progress", None)), bool(options.pop("stamp", False))
    ids = {"run_id": options.get("run_id"), "source_snapshot": options.get("source_snapshot")}
    file = file_options(function, options) if dst is not None else {}
    sheet = _sheet_options(function, options)
    book = _core.Workbook(dst, file, int(options.get("level") or 0), int(options.get("threads") or 0))
    try:
        for name, table in _sheets(df, sheet_name):
            table, schema = stamped(table, ids, stamp, options.get("schema"), options.get("index"))
            feed = open_picked(table, {**options, "schema": schema})
            try:
                book.sheet(feed.capsule, {**sheet, "name": name}, progress)
            except BaseException as error:
                raise_from_feed(feed, error)
                raise
        told = book.finish()
    finally:
        book.close()
    if dst is None:
        return told
    if stamp and "manifest" in file:
        file["manifest"]["run_id"] = ids["run_id"]
    return Result(told, {"run_id": ids["run_id"], **file})


def atomic_write_xlsx(dst: PathLike, df: Any, sheet_name: str = "data", **options: Any) -> Result:
    """Publishes a table as a workbook, or a dict of tables as its sheets, in constant memory. Options are pandas'
    (columns, header, index, freeze_panes), and autofilter, table_name, number_formats={column: format},
    type_formats={kind: format}, column_widths={column: characters}, split_sheets, exact; and those of every
    publication."""
    suffix = os.path.splitext(os.fsdecode(dst))[1].lower()
    if suffix in (".xls", ".xlsb", ".xlsm", ".xltx", ".xltm", ".ods", ".csv"):
        raise ValueError(f"{os.fsdecode(dst)}: this is a workbook of the kind .xlsx, which Excel does not open as {suffix}")
    result = _write("atomic_write_xlsx", path_bytes(dst), df, sheet_name, options)
    assert isinstance(result, Result)
    return result


def df_to_xlsx_bytes(df: Any, sheet_name: str = "data", **options: Any) -> bytes:
    """The same as bytes in memory."""
    return bytes(_write("df_to_xlsx_bytes", None, df, sheet_name, options))
