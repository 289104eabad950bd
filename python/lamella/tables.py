"""Tables: append-only homes for rows that a descriptor describes (docs/tables.md).

    trades = TableDescriptor("trades", [Column("tick", "int64")], ["bucket"])
    settings = IoSettings("out", 1000, registry=Registry([trades]))
    append(settings, "run-7", "trades", frame)"""
from __future__ import annotations

from . import _core
from ._data import open_data, raise_from_feed
from ._descriptors import Column as Column, Registry as Registry, TableDescriptor as TableDescriptor, name_of
from ._errors import CorruptError, Error, NotFoundError, SchemaValidationError
from ._filters import filter_text
from ._options import count, nearest, path_bytes, storage_pairs
from ._read import Scan, scan as _scan
from ._schema import kind_problems
from ._settings import (
    IoManifestError as IoManifestError,
    IoSchemaError as IoSchemaError,
    IoSettings as IoSettings,
    IoWriteError as IoWriteError,
    Summary as Summary,
    place,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime, timedelta
    from typing import Any

    from ._data import Feed
    from ._options import PathLike, StorageOptions

__all__ = [
    "append",
    "Column",
    "compact",
    "convert",
    "delete",
    "history",
    "IoManifestError",
    "IoSchemaError",
    "IoSettings",
    "IoWriteError",
    "load_manifest",
    "overwrite",
    "Registry",
    "repair",
    "scan",
    "Summary",
    "TableDescriptor",
    "vacuum",
    "verify",
]


def _made(kind: type[Error], error: Error) -> Any:
    made = kind(*error.args)
    made.code, made.retryable = error.code, error.retryable
    return made


def _schema_error(message: str) -> IoSchemaError:
    error = IoSchemaError(message)
    error.code = "LM_SCHEMA"
    return error


def _is_plain(df: Any) -> bool:
    """Values of Python's, which have no exact types: they take those of the table."""
    if isinstance(df, dict):
        return all(isinstance(values, (list, tuple)) for values in df.values())
    return isinstance(df, (list, tuple)) and (not df or isinstance(df[0], dict))


def _open_plain(settings: IoSettings, run: str, name: str, df: Any) -> Feed:
    """An int may stand where the table has floats, but no text where it has numbers."""
    try:
        path, storage = settings.table_path(run, name), settings.storage_options
        known = settings.registry
        schema = known[name].schema if known is not None else Scan(path, storage_options=storage).schema
    except Error:  # the append tells what is wrong
        return open_data(df)
    if not df:
        return open_data([], schema)
    there = set(map(str, df)) if isinstance(df, dict) else {str(key) for row in df for key in row}
    schema = schema.select([column for column in schema.names if column in there])
    feed = open_data(df, schema)
    problems = kind_problems(feed.schema.fields, schema.fields)
    if problems:
        raise _schema_error("; ".join(problems))
    return feed


def _write(
    settings: IoSettings, run_id: Any, table: Any, df: Any, options: dict[str, Any], validate_schema: bool
) -> Summary:
    name, run, registry = name_of(table), name_of(run_id), settings.registry
    if registry is not None and name not in registry:
        raise _schema_error(f"the registry describes no table {name!r}{nearest(name, registry)}")
    plain = _is_plain(df)
    made = {
        **settings._common(), **options, "tick_bucket_size": settings.tick_bucket_size,
        "check": 0 if settings.strict_schema and validate_schema and not plain else 1,
        "metadata_prefix": settings.metadata_prefix,
        "open_parts_max": settings.open_parts_max, "part_bytes_max": settings.part_bytes_max,
    }  # fmt: skip
    told = Summary(table=name, run_id=run, parts=[], rows=0, buckets=[])
    feed = None
    try:
        feed = _open_plain(settings, run, name, df) if plain else open_data(df)
        if feed.rows == 0 and not options.get("replace"):
            return told
        parts, rows, buckets, version, told.repeated, behind, told.parts_removed = _core.table_append(
            path_bytes(settings.root_dir), name, run, feed.capsule, registry and registry._capsule, made,
            settings._parquet(),
        )  # fmt: skip
    except Error as error:
        if feed is not None:
            raise_from_feed(feed, error)
        if isinstance(error, IoSchemaError):
            raise
        if isinstance(error, SchemaValidationError):
            raise _made(IoSchemaError, error) from None
        if isinstance(error, OSError):
            raise _made(IoWriteError, error) from error
        raise
    told.update(parts=parts, rows=rows, buckets=buckets)
    told.version = None if version < 0 else version
    if behind:
        failed = IoManifestError(
            f"{settings.table_path(run, name)}: manifest.json could not be written; the rows are in the table (version "
            f"{version}), so do not append them again"
        )
        failed.code, failed.summary = "LM_IO", told
        raise failed
    return told


def append(
    settings: IoSettings, run_id: Any, table: Any, df: Any, *, validate_schema: bool = True, validate_rows: bool = False,
    batch: int | None = None, any_order: bool = False, drop_extra: bool = False,
) -> Summary:  # fmt: skip
    """Appends rows to a table: all of them, or none. Gives a dict: table, run_id, parts (each with bucket_id, path, rows,
    bytes, tick_min, tick_max), rows, buckets.

    `df` is a DataFrame of any kind, or whatever else a table can be made of. `bucket` is computed from `tick`, and checked
    where it is there. Types are those of the descriptor, unless the settings' strict_schema or validate_schema is False:
    then values are converted where nothing is lost. With validate_rows the descriptor's row rules must hold. With a
    `batch` number the same run_id and batch is appended once, however often it is tried; numbers of a run rise, unless
    any_order is given for all of them. Rows that do not fit are IoSchemaError, a failure to write is IoWriteError."""
    options: dict[str, Any] = {"validate_rows": validate_rows, "drop_extra": drop_extra, "any_order": any_order}
    if batch is not None:
        options.update(has_batch=True, batch=count("batch", batch, 0))
    return _write(settings, run_id, table, df, options, validate_schema)


def overwrite(
    settings: IoSettings, run_id: Any, table: Any, df: Any, *, where: Any = None, validate_schema: bool = True,
    validate_rows: bool = False, drop_extra: bool = False,
) -> Summary:  # fmt: skip
    """As append(), but the rows replace all that the table has, in one step, or the partitions for which `where` is true:
    rows of other partitions are refused then. No rows empty them."""
    text = filter_text(where, lambda: Scan(settings.table_path(run_id, table), None, None, None, 0,
                                           settings.storage_options).schema)  # fmt: skip
    options = {"replace": True, "replace_where": text, "validate_rows": validate_rows, "drop_extra": drop_extra}
    return _write(settings, run_id, table, df, options, validate_schema)


# ---- tables that are there: by path, or by settings, run_id and table ----


def scan(
    source: PathLike | IoSettings, run_id: Any = None, table: Any = None, *, columns: Sequence[str] | None = None,
    where: Any = None, filters: Any = None, version: int | None = None, as_of: str | datetime | None = None,
    batch_size: int | None = None, threads: int = 0, storage_options: StorageOptions | None = None,
) -> Scan:  # fmt: skip
    """The rows of a table, as lamella.scan() gives them: as it is now, at a `version`, or at a time. Parts that the filter
    (`where`, or `filters`: the same) rules out are not opened."""
    if where is not None and filters is not None:
        raise ValueError("where and filters are the same: one of them")
    path, how = place(source, run_id, table, storage_options)
    storage = None if how["storage"] is None else dict(how["storage"])
    return _scan(path, columns, filters if where is None else where, batch_size=batch_size,
                 threads=threads or how.get("threads", 0), storage_options=storage, version=version, as_of=as_of)  # fmt: skip


def load_manifest(
    source: PathLike | IoSettings, run_id: Any = None, table: Any = None, *,
    storage_options: StorageOptions | None = None,
) -> dict[str, Any] | None:  # fmt: skip
    """The live parts of a table by bucket, as of the log's last version (manifest.json, made anew where it shows another
    one); None when there is no table."""
    import json

    path, how = place(source, run_id, table, storage_options)
    try:
        told: dict[str, Any] = json.loads(_core.table_manifest(path_bytes(path), how["storage"]))
    except NotFoundError:
        return None
    except Error as error:
        if isinstance(error, (OSError, CorruptError)):
            raise _made(IoManifestError, error) from error
        raise
    return told


def _condition(path: str, how: dict[str, Any], where: Any) -> str | None:
    storage = None if how["storage"] is None else dict(how["storage"])
    return filter_text(where, lambda: Scan(path, None, None, None, 0, storage).schema)


def delete(
    source: PathLike | IoSettings, run_id: Any = None, table: Any = None, *, where: Any = None, all: bool = False,
    storage_options: StorageOptions | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Takes the partitions for which `where` is true out of the table, or, with all=True, all rows: {version, …}. version is
    None where there was nothing to do."""
    if (where is None) != bool(all):
        raise ValueError("delete: where=, or all=True for all rows")
    path, how = place(source, run_id, table, storage_options)
    return _changed(_core.table_delete(path_bytes(path), {**how, "where": _condition(path, how, where)}))


def compact(
    source: PathLike | IoSettings, run_id: Any = None, table: Any = None, *, where: Any = None,
    target_bytes: int | None = None, storage_options: StorageOptions | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Makes large parts (of target_bytes, 128 MiB) of small ones, in the partitions for which `where` is true or in all;
    the rows stay as they are."""
    path, how = place(source, run_id, table, storage_options)
    how.update(where=_condition(path, how, where), target_bytes=target_bytes and count("target_bytes", target_bytes))
    return _changed(_core.table_compact(path_bytes(path), how))


def _changed(told: dict[str, Any]) -> dict[str, Any]:
    if told["version"] < 0:
        told["version"] = None
    return told


def vacuum(
    source: PathLike | IoSettings, run_id: Any = None, table: Any = None, *, retention: timedelta | float | None = None,
    force: bool = False, dry_run: bool = False, storage_options: StorageOptions | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Removes Parquet files that no version of the last 7 days has (`retention`: another time, or seconds; a shorter one
    than the table's needs `force`): {files, bytes, kept, paths}. dry_run only tells."""
    path, how = place(source, run_id, table, storage_options)
    seconds = retention if retention is None or isinstance(retention, (int, float)) else retention.total_seconds()
    if seconds is not None:
        if seconds < 0:
            raise ValueError("retention is a time, not less than nothing")
        how.update(has_retention=True, retention_ms=int(seconds * 1000))
    how.update(force=force, dry_run=dry_run)
    files, size, kept, items = _core.table_vacuum(path_bytes(path), how)
    reasons = ("removed", "unknown")
    paths = [{"path": texts[0], "bytes": told[0], "reason": reasons[told[2]]} for texts, told in items]
    return {"files": files, "bytes": size, "kept": kept, "paths": paths}


def history(
    source: PathLike | IoSettings, run_id: Any = None, table: Any = None, *, limit: int | None = None,
    storage_options: StorageOptions | None = None,
) -> list[dict[str, Any]]:  # fmt: skip
    """The versions of a table, newest first."""
    import json
    from datetime import datetime, timedelta, timezone

    path, how = place(source, run_id, table, storage_options)
    start = datetime(1970, 1, 1, tzinfo=timezone.utc)
    told = []
    for texts, numbers in _core.table_history(path_bytes(path), {**how, "limit": limit and count("limit", limit)}):
        one: dict[str, Any] = {"version": numbers[0]}
        one["time"] = None if numbers[1] < 0 else start + timedelta(milliseconds=numbers[1])
        one.update((key, text or None) for key, text in zip(("operation", "run_id", "engine"), texts))
        one["parameters"] = json.loads(texts[3] or "{}")
        one.update(zip(("parts_added", "parts_removed", "bytes_added", "bytes_removed"), numbers[2:]))
        one.update(rows_added=None if numbers[6] < 0 else numbers[6], changes_data=bool(numbers[7]))
        told.append(one)
    return told


def verify(
    source: PathLike | IoSettings, run_id: Any = None, table: Any = None, *, without_reading: bool = False,
    storage_options: StorageOptions | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Holds every live part, and manifest.json, against the log: {version, parts, rows, bytes, …}. What is wrong is a
    CorruptError, NotFoundError (parts are missing) or StaleError (only the manifest is wrong), whose `problems` is a list of
    dicts: part, kind, message."""
    path, how = place(source, run_id, table, storage_options)
    try:
        return _core.table_verify(path_bytes(path), {**how, "without_reading": without_reading})
    except Error as error:
        found = getattr(error, "_items", None)
        if found is not None:
            problems = [dict(zip(("part", "kind", "message"), texts)) for texts, _ in found]
            error.__dict__["problems"] = problems
        raise


def repair(
    source: PathLike | IoSettings, run_id: Any = None, table: Any = None, *,
    storage_options: StorageOptions | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Makes anew what is made from the log, and removes what dead writers staged: {version, manifest, checkpoint,
    leftovers}."""
    path, how = place(source, run_id, table, storage_options)
    return _core.table_repair(path_bytes(path), how)


def convert(
    path: PathLike, *, dry_run: bool = False, run_id: str | None = None, storage_options: StorageOptions | None = None
) -> dict[str, Any]:
    """Makes a table of a directory of Parquet files, without rewriting one: {version, parts, rows, bytes,
    partition_columns}."""
    how = {"storage": storage_pairs(storage_options), "dry_run": dry_run, "run_id": run_id}
    return _core.table_convert(path_bytes(path), how)
