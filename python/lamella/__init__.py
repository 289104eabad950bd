"""Tables and files published all or nothing: a reader sees the old one or the new one, never half of one."""
from __future__ import annotations

from ._core import version as __version__
from ._csv import atomic_write_csv as atomic_write_csv, df_to_csv_bytes as df_to_csv_bytes
from ._dataset import DatasetResult as DatasetResult, write_to_dataset as write_to_dataset
from ._errors import (
    ArgumentError as ArgumentError,
    ConflictError as ConflictError,
    CorruptError as CorruptError,
    DataError as DataError,
    Error as Error,
    ExistsError as ExistsError,
    InternalError as InternalError,
    InterruptedError as InterruptedError,
    IOError as IOError,
    LimitError as LimitError,
    NotFoundError as NotFoundError,
    OutOfMemoryError as OutOfMemoryError,
    PermissionDeniedError as PermissionDeniedError,
    SchemaValidationError as SchemaValidationError,
    StaleError as StaleError,
    UnknownDurabilityError as UnknownDurabilityError,
    UnknownOutcomeError as UnknownOutcomeError,
    UnsuitableError as UnsuitableError,
    UnsupportedError as UnsupportedError,
)
from ._files import (
    Result as Result,
    atomic_dir as atomic_dir,
    atomic_open as atomic_open,
    atomic_replace as atomic_replace,
    atomic_replace_dir as atomic_replace_dir,
    atomic_write_bytes as atomic_write_bytes,
    atomic_write_pickle as atomic_write_pickle,
    atomic_write_text as atomic_write_text,
    gc as gc,
    load_pickle as load_pickle,
    undo as undo,
    verify as verify,
)
from ._merge import MergePart as MergePart, MergePlan as MergePlan, MergeResult as MergeResult, merge as merge
from ._parquet import (
    ParquetStreamWriter as ParquetStreamWriter,
    atomic_write_parquet as atomic_write_parquet,
    df_to_parquet_bytes as df_to_parquet_bytes,
    write_parquet as write_parquet,
)
from ._read import (
    Scan as Scan,
    inspect_schema as inspect_schema,
    read_parquet as read_parquet,
    read_parquet_iter as read_parquet_iter,
    scan as scan,
)
from ._paths import PathInfo as PathInfo, cp as cp, ls as ls, rm as rm, stat as stat
from ._options import choose_format as choose_format
from ._schema import Schema as Schema
from ._table import Table as Table
from ._versions import Version as Version, publish_dir as publish_dir, resolve as resolve, versions as versions
from ._xlsx import atomic_write_xlsx as atomic_write_xlsx, df_to_xlsx_bytes as df_to_xlsx_bytes
from . import tables as tables

__all__ = [
    "ArgumentError",
    "atomic_dir",
    "atomic_open",
    "atomic_replace",
    "atomic_replace_dir",
    "atomic_write_bytes",
    "atomic_write_csv",
    "atomic_write_parquet",
    "atomic_write_pickle",
    "atomic_write_text",
    "atomic_write_xlsx",
    "choose_format",
    "ConflictError",
    "CorruptError",
    "cp",
    "DataError",
    "DatasetResult",
    "df_to_csv_bytes",
    "df_to_parquet_bytes",
    "df_to_xlsx_bytes",
    "Error",
    "ExistsError",
    "gc",
    "inspect_schema",
    "InternalError",
    "InterruptedError",
    "IOError",
    "LimitError",
    "load_pickle",
    "ls",
    "merge",
    "MergePart",
    "MergePlan",
    "MergeResult",
    "NotFoundError",
    "OutOfMemoryError",
    "ParquetStreamWriter",
    "PathInfo",
    "PermissionDeniedError",
    "publish_dir",
    "read_parquet",
    "read_parquet_iter",
    "resolve",
    "Result",
    "rm",
    "Scan",
    "scan",
    "Schema",
    "SchemaValidationError",
    "StaleError",
    "stat",
    "Table",
    "tables",
    "undo",
    "UnknownDurabilityError",
    "UnknownOutcomeError",
    "UnsuitableError",
    "UnsupportedError",
    "verify",
    "Version",
    "versions",
    "write_parquet",
    "write_to_dataset",
]
