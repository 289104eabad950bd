"""The readers that what we write is shown to, and what each of them cannot read.

A reader takes a path and names of columns; it gives {name: values}, each value as `wanted` has it.
"""

import decimal
import faulthandler
import math
import os
import pickle

import duckdb
import fastparquet
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

NAMES = ["pyarrow", "duckdb", "polars", "fastparquet"]


def value_type(kind):
    return kind.value_type if pa.types.is_dictionary(kind) else kind


def physical(kind):
    """The kind of Parquet's type that a column has: what encodings it may have."""
    kind = value_type(kind)
    if pa.types.is_boolean(kind):
        return "bool"
    if pa.types.is_decimal(kind):
        return "int" if kind.precision <= 18 else "fixed"
    if pa.types.is_float16(kind) or pa.types.is_fixed_size_binary(kind):
        return "fixed"
    if pa.types.is_floating(kind):
        return "float"
    if kind in (pa.string(), pa.large_string(), pa.string_view(), pa.binary(), pa.large_binary(), pa.binary_view()):
        return "bytes"
    if pa.types.is_null(kind):
        return "null"
    return "nested" if pa.types.is_nested(kind) else "int"


ENCODINGS = {
    "bool": ["PLAIN", "RLE"],
    "int": ["PLAIN", "RLE_DICTIONARY", "DELTA_BINARY_PACKED", "BYTE_STREAM_SPLIT"],
    "float": ["PLAIN", "RLE_DICTIONARY", "BYTE_STREAM_SPLIT"],
    "bytes": ["PLAIN", "RLE_DICTIONARY", "DELTA_LENGTH_BYTE_ARRAY", "DELTA_BYTE_ARRAY"],
    "fixed": ["PLAIN", "RLE_DICTIONARY", "DELTA_BYTE_ARRAY", "BYTE_STREAM_SPLIT"],
    "null": ["PLAIN"],
    "nested": ["AUTO"],
}


def unsupported(reader, kind, encoding, version=1, nulls="some"):
    """Why the reader cannot read such a column; None where it can."""
    kind, stored = value_type(kind), physical(kind)
    wide = pa.types.is_decimal(kind) and kind.precision > 38
    if reader == "pyarrow":
        return None
    if reader == "duckdb":
        if encoding == "BYTE_STREAM_SPLIT" and stored == "fixed":
            return "BYTE_STREAM_SPLIT for 4 and 8 bytes only"
        return "wide decimals become doubles" if wide else None
    if reader == "polars":
        if encoding in ("DELTA_BYTE_ARRAY", "BYTE_STREAM_SPLIT") and stored == "fixed":
            if not (pa.types.is_float16(kind) and encoding == "BYTE_STREAM_SPLIT"):
                return f"no {encoding} of fixed widths"
        return "no decimals of more than 38 digits" if wide else None
    if stored in ("nested", "null"):
        return f"nothing that is {stored}, or not all of it"
    if encoding not in ("PLAIN", "RLE_DICTIONARY"):
        return f"no {encoding}: it is refused, read wrong, or ends the process"
    if version == 2 and nulls != "none":
        return "no pages v2 with nulls, where a chunk has more than one"
    if pa.types.is_float16(kind):
        return "float16 is handed out as bytes"
    if pa.types.is_fixed_size_binary(kind):
        return "zero bytes at the end of fixed values are cut off"
    return None


def wanted(reader, column):
    """The column's values, as the reader should give them."""
    kind = value_type(column.type)
    if reader != "fastparquet":
        return column.to_pylist()
    if pa.types.is_time(kind) or pa.types.is_duration(kind):
        factor = 1000 if pa.types.is_time(kind) and kind.unit == "s" else 1
        integer = pa.int32() if pa.types.is_time32(kind) else pa.int64()
        return [None if v is None else v * factor for v in column.cast(integer).to_pylist()]
    if pa.types.is_timestamp(kind):
        return column.cast(pa.timestamp(kind.unit)).to_pylist()
    if pa.types.is_date(kind):
        return [None if v is None else pd.Timestamp(v) for v in column.to_pylist()]
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return [math.nan if v is None else v for v in column.to_pylist()]
    return column.to_pylist()


def alike(got, want):
    """Equal, NaN to NaN; decimals as the doubles that fastparquet makes of them."""
    if isinstance(want, decimal.Decimal) and isinstance(got, float):
        return math.isclose(got, float(want), rel_tol=1e-12)
    return got == want or repr(got) == repr(want)


def differences(got, want):
    """Where two lists of values differ: the first place, told; None where they do not."""
    if len(got) != len(want):
        return f"{len(got)} rows, not {len(want)}"
    if repr(got) == repr(want):
        return None
    for row, (left, right) in enumerate(zip(got, want)):
        if not alike(left, right):
            return f"row {row}: {left!r}, not {right!r}"
    return None


def _arrow(table, kinds):
    found = {}
    for name, kind in kinds.items():
        column, kind = table.column(name), value_type(kind)
        if pa.types.is_dictionary(column.type):
            column = column.cast(column.type.value_type)
        found[name] = (column if column.type == kind else column.cast(kind)).to_pylist()
    return found


def _fastparquet(path, kinds):
    frame = fastparquet.ParquetFile(path).to_pandas(columns=list(kinds))
    found = {}
    for name in kinds:
        values = frame[name]
        items = [v.item() if hasattr(v, "item") else v for v in values]
        if values.dtype.kind != "f" or not isinstance(values.dtype, np.dtype):
            items = [None if missing else v for v, missing in zip(items, values.isna())]
        found[name] = items
    return found


def _apart(call, *arguments):
    """In a process of its own: what a reader cannot read may end it."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        faulthandler.disable()
        try:
            result = (True, call(*arguments))
        except BaseException as error:
            result = (False, f"{type(error).__name__}: {error}")
        with os.fdopen(writing, "wb") as stream:
            stream.write(pickle.dumps(result))
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as stream:
        data = stream.read()
    os.waitpid(child, 0)
    if not data:
        raise RuntimeError("the reader's process died")
    fine, result = pickle.loads(data)
    if not fine:
        raise RuntimeError(result)
    return result


def read(reader, path, kinds):
    """{name: values} of the columns `kinds`, which is {name: Arrow's type}."""
    if reader == "pyarrow":
        return _arrow(pq.read_table(path, columns=list(kinds), page_checksum_verification=True), kinds)
    if reader == "duckdb":
        names = ", ".join(f'"{name}"' for name in kinds)
        with duckdb.connect() as connection:
            return _arrow(connection.sql(f"select {names} from '{path}'").to_arrow_table(), kinds)
    if reader == "polars":
        return _arrow(pl.read_parquet(path, columns=list(kinds)).to_arrow(), kinds)
    return _apart(_fastparquet, path, kinds)
