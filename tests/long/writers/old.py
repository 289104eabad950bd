"""Writes Parquet by a library as it was years ago: `old.py LIBRARY IN.arrow PLACE`, run by a Python that has only that
library, makes files in PLACE. DuckDB and fastparquet make up their own rows."""

import itertools
import sys


def by_pyarrow(source, place):
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.ipc.open_file(source).read_all()
    ways = {"dictionary": {"use_dictionary": True}, "plain": {"use_dictionary": False}}
    for (way, how), version, page, codec in itertools.product(ways.items(), ("1.0", "2.4", "2.6"), ("1.0", "2.0"), ("none", "snappy", "zstd", "lz4", "gzip", "brotli")):
        if codec != "none" and (version, page) not in (("1.0", "1.0"), ("2.6", "2.0")):
            continue
        path = f"{place}/{way}_{version}_{page}_{codec}.parquet"
        pq.write_table(table, path, version=version, data_page_version=page, compression=codec, data_page_size=700, row_group_size=700, **how)
    more = {
        "int96": {"use_deprecated_int96_timestamps": True}, "two_levels": {"use_compliant_nested_type": False},
        "bare": {"store_schema": False}, "flavor": {"flavor": "spark"},
    }  # fmt: skip
    for name, how in more.items():
        try:
            pq.write_table(table, f"{place}/{name}.parquet", **how)
        except TypeError:  # an option of later
            pass
    for kind, encoding in ((pa.int64(), "DELTA_BINARY_PACKED"), (pa.int32(), "DELTA_BINARY_PACKED"), (pa.string(), "DELTA_LENGTH_BYTE_ARRAY"), (pa.string(), "DELTA_BYTE_ARRAY"), (pa.float64(), "BYTE_STREAM_SPLIT"), (pa.float32(), "BYTE_STREAM_SPLIT"), (pa.bool_(), "RLE")):
        names = [field.name for field in table.schema if field.type == kind]
        try:
            pq.write_table(table.select(names), f"{place}/{encoding}_{kind}.parquet", use_dictionary=False, column_encoding=encoding, data_page_size=700, version="2.6")
        except (OSError, TypeError, ValueError):  # what it has not yet
            pass


def by_polars(source, place):
    import polars as pl

    frame = pl.read_ipc(source, use_pyarrow=True)
    for codec, statistics, rows in itertools.product(("uncompressed", "snappy", "gzip", "brotli", "zstd", "lz4"), (True, False), (None, 300)):
        frame.write_parquet(f"{place}/{codec}_{statistics}_{rows}.parquet", compression=codec, statistics=statistics, row_group_size=rows)
    for name in frame.columns:
        frame.select(name).write_parquet(f"{place}/one_{frame.columns.index(name)}.parquet", statistics=True)


DUCK = {
    "boolean": "i % 3 = 0", "tinyint": "i % 100", "smallint": "i * 3", "integer": "i * 1000", "bigint": "i * 10000000000",
    "utinyint": "i % 200", "usmallint": "i", "uinteger": "i * 1000", "ubigint": "i * 10000000000", "float": "i / 7",
    "double": "i / 7", "decimal(4,1)": "i / 10", "decimal(9,2)": "i / 10", "decimal(18,3)": "i", "decimal(38,10)": "i / 7",
    "varchar": "repeat('ä', (i % 4)::int) || i", "blob": "repeat('b', (i % 5)::int)::blob", "uuid": "uuid()",
    "date": "date '1999-12-30' + i::int", "time": "time '00:00:00' + i * interval 1 second",
    "timestamp": "timestamp '1969-12-30' + i * interval 1 hour", "timestamp_s": "timestamp '1969-12-30' + i * interval 1 hour",
    "timestamp_ms": "timestamp '1969-12-30' + i * interval 1 hour", "timestamp_ns": "timestamp '1969-12-30' + i * interval 1 hour",
    "timestamptz": "timestamptz '1969-12-30 00:00:00+00' + i * interval 1 hour", "interval": "interval (i) month + interval (i) day",
    "integer[]": "range(i % 4)", "hugeint": "i::hugeint * 10000000000",
    "struct(a integer, b varchar[])": "{'a': i, 'b': ['y' || i]}", "map(varchar, integer)": "map(['k' || i], [i])",
}  # fmt: skip


def by_duckdb(_, place):
    import duckdb

    connection = duckdb.connect()
    codecs = itertools.cycle(("uncompressed", "snappy", "gzip", "zstd"))
    for at, (kind, text) in enumerate(DUCK.items()):
        for nulls, condition in (("none", "true"), ("some", "i % 7 <> 3"), ("all", "false")):
            for count in (1, 65, 5000):
                path = f"{place}/{at}_{nulls}_{count}.parquet"
                what = f"select case when {condition} then ({text})::{kind} end as v from range({count}) r(i)"
                try:
                    connection.execute(f"copy ({what}) to '{path}' (format parquet, codec '{next(codecs)}', row_group_size 2048)")
                except Exception as error:  # a type or a cast of later
                    print(f"{kind}: {error}", file=sys.stderr)


def by_fastparquet(_, place):
    import fastparquet
    import numpy as np
    import pandas as pd

    for count, nulls, codec, times, version in itertools.product((1, 65, 1000), (0, 0.3, 1), (None, "SNAPPY", "GZIP", "ZSTD", "BROTLI", "LZ4"), ("int64", "int96"), ("v1", "v2")):
        rng = np.random.default_rng(count)
        frame = pd.DataFrame({
            "i8": rng.integers(-100, 100, count).astype("int8"), "u32": rng.integers(0, 2**32, count).astype("uint32"),
            "i64": rng.integers(-2**60, 2**60, count), "f32": rng.random(count).astype("float32"), "f64": rng.random(count),
            "b": rng.random(count) < 0.5, "s": [f"ä{i % 9}" for i in range(count)], "raw": [b"x" * (i % 5) for i in range(count)],
            "at": pd.to_datetime(rng.integers(0, 2**60, count)), "cat": pd.Categorical([f"c{i % 4}" for i in range(count)]),
            "nint": pd.array(rng.integers(0, 9, count), dtype="Int64"), "gone": pd.to_timedelta(rng.integers(0, 2**36, count), unit="us"),
            "json": [{"a": i} for i in range(count)],
        })  # fmt: skip
        for name in ["f64", "s", "raw", "at", "cat", "nint"] if nulls else []:
            frame.loc[rng.random(count) < nulls, name] = None
        fastparquet.writer.DATAPAGE_VERSION = 2 if version == "v2" else 1
        kinds = {name: "infer" for name in frame} | {"s": "utf8", "raw": "bytes", "json": "json"}
        try:
            fastparquet.write(
                f"{place}/{count}_{nulls}_{codec}_{times}_{version}.parquet", frame, compression=codec, times=times, write_index=False,
                row_group_offsets=300, object_encoding=kinds, stats=True,
            )  # fmt: skip
        except Exception as error:
            print(f"{codec} {times} {nulls}: {error!r}", file=sys.stderr)


globals()["by_" + sys.argv[1]](sys.argv[2], sys.argv[3])
