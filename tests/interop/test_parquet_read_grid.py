"""Files of pyarrow, Polars, DuckDB and fastparquet over a grid of types, encodings, codecs, page versions, nulls and
nesting: read as pyarrow reads them, values and types, and sound by `lamella verify`."""
import json
import os
import pathlib
import subprocess

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from parquet_tables import ENCODINGS, NESTED, NULLS, TYPES, column

import lamella_c as lamella

ROOT = pathlib.Path(__file__).resolve().parents[2]
COMMAND = pathlib.Path(os.environ.get("LAMELLA_COMMAND") or ROOT / "build" / "lamella")
COUNTS = [1, 65, 1000]


def values(array):
    """As Python has them, so that NaN is NaN and both zeros are what they are."""
    array = array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
    if pa.types.is_timestamp(array.type) or pa.types.is_duration(array.type) or pa.types.is_time(array.type):
        array = array.cast(pa.int32() if array.type.bit_width == 32 else pa.int64())
    return repr(array.to_pylist())


def equal(got, want):
    return got.equals(want) or values(got) == values(want)


def is_sound(*paths):
    done = subprocess.run([COMMAND, "verify", *paths], capture_output=True, timeout=120)
    assert done.returncode == 0, done.stdout.decode()


def check(path, want=None):
    """What pyarrow reads of the file, or `want`."""
    want = pq.ParquetFile(path).read() if want is None else want
    got = lamella.read_parquet(path, threads=1)
    got.validate(full=True)
    assert got.schema.equals(want.schema), f"{got.schema}\n\nnot\n\n{want.schema}"
    for name, a, b in zip(want.column_names, got.columns, want.columns):
        assert equal(a, b), name


# pyarrow.


def arrow_cells():
    for name in [*TYPES, *NESTED]:
        yield pytest.param(name, "DICTIONARY", id=f"{name}-dictionary")
        yield pytest.param(name, "PLAIN", id=f"{name}-plain")
    for encoding in ["DELTA_BINARY_PACKED", "DELTA_LENGTH_BYTE_ARRAY", "DELTA_BYTE_ARRAY", "BYTE_STREAM_SPLIT", "RLE"]:
        for name in sorted(ENCODINGS[encoding]):
            yield pytest.param(name, encoding, id=f"{name}-{encoding.lower()}")


@pytest.mark.parametrize("name,encoding", list(arrow_cells()))
def test_pyarrow(tmp_path, name, encoding):
    made = []
    for nulls in NULLS:
        for count in COUNTS:
            table = pa.table({"v": column(name, count, nulls)})
            for version in ("1.0", "2.0"):
                path = tmp_path / f"{nulls}{count}{version}.parquet"
                how = {"use_dictionary": True} if encoding == "DICTIONARY" else {"use_dictionary": False}
                if encoding not in ("DICTIONARY", "PLAIN"):
                    how["column_encoding"] = encoding
                try:
                    pq.write_table(table, path, data_page_version=version, data_page_size=300, write_batch_size=16,
                                   row_group_size=700, write_page_index=True, compression="none", **how)
                except OSError as problem:
                    pytest.skip(f"pyarrow: {problem}")
                check(path, table)
                made.append(path)
    if encoding != "DELTA_BYTE_ARRAY":  # parquet-cpp loses bytes where it counts those of BYTE_ARRAY in it
        is_sound(*made)


@pytest.mark.parametrize("name", [*TYPES, *NESTED])
def test_pyarrow_without_its_schema(tmp_path, name):
    path = tmp_path / "x.parquet"
    for nulls in NULLS:
        pq.write_table(pa.table({"v": column(name, 200, nulls)}), path, store_schema=False)
        check(path)


@pytest.mark.parametrize("codec", ["none", "snappy", "gzip", "brotli", "lz4", "zstd"])
@pytest.mark.parametrize("version", ["1.0", "2.0"])
def test_pyarrow_codecs(tmp_path, codec, version):
    path = tmp_path / "x.parquet"
    names = ["int64", "string", "float64", "bool", "fixed16", "decimal128_38_10", *NESTED]
    table = pa.table({name: column(name, 3000, "some") for name in names})
    pq.write_table(table, path, compression=codec, data_page_version=version, data_page_size=5000,
                   write_page_checksum=True, write_page_index=True)
    check(path)
    is_sound(path)


def test_pyarrow_int96(tmp_path):
    path = tmp_path / "x.parquet"
    table = pa.table({"v": column("timestamp_ns", 500, "some")})
    pq.write_table(table, path, use_deprecated_int96_timestamps=True, use_dictionary=False)
    check(path)
    is_sound(path)


def test_pyarrow_old_lists(tmp_path):
    path = tmp_path / "x.parquet"
    table = pa.table({name: column(name, 500, "some") for name in NESTED})
    pq.write_table(table, path, use_compliant_nested_type=False)
    check(path)
    is_sound(path)


# Polars.

POLARS_TYPES = [
    name for name in [*TYPES, *NESTED]
    if name.split("_")[0] not in ("decimal32", "decimal64", "decimal256", "map", "dictionary", "null")
    and name not in ("date64", "fixed3", "fixed16")
]


@pytest.mark.parametrize("name", POLARS_TYPES)
def test_polars(tmp_path, name):
    pl = pytest.importorskip("polars")
    made = []
    for nulls in NULLS:
        for count in COUNTS:
            path = tmp_path / f"{nulls}{count}.parquet"
            frame = pl.from_arrow(pa.table({"v": column(name, count, nulls)}))
            frame.write_parquet(path, compression="uncompressed", data_page_size=400, row_group_size=600)
            check(path)
            assert pl.from_arrow(lamella.read_parquet(path, threads=1)).equals(frame)
            made.append(path)
    is_sound(*made)


@pytest.mark.parametrize("codec", ["uncompressed", "snappy", "gzip", "brotli", "lz4", "zstd"])
def test_polars_codecs(tmp_path, codec):
    pl = pytest.importorskip("polars")
    path = tmp_path / "x.parquet"
    table = pa.table({name: column(name, 3000, "some") for name in ["int64", "string", "float64", "bool", "list_struct"]})
    frame = pl.from_arrow(table)
    frame.write_parquet(path, compression=codec, statistics="full", row_group_size=1000)
    check(path)
    is_sound(path)


def test_polars_categories(tmp_path):
    """Our type is the one that was written; pyarrow makes its text shorter."""
    pl = pytest.importorskip("polars")
    path = tmp_path / "x.parquet"
    frame = pl.DataFrame({"v": pl.Series(["a", None, "b", "a"] * 50, dtype=pl.Categorical)})
    frame.write_parquet(path)
    got = lamella.read_parquet(path, threads=1)
    assert got.schema.field("v").type == pa.dictionary(pa.uint32(), pa.large_string())
    assert got.column("v").to_pylist() == pq.read_table(path).column("v").to_pylist() == frame["v"].to_list()
    is_sound(path)


# DuckDB.

DUCK_TYPES = {
    "boolean": "i % 3 = 0", "tinyint": "i % 100", "smallint": "i * 3", "integer": "i * 1000", "bigint": "i * 10000000000",
    "utinyint": "i % 200", "usmallint": "i", "uinteger": "i * 1000", "ubigint": "i * 10000000000", "float": "i / 7",
    "double": "i / 7", "decimal(4,1)": "i / 10", "decimal(9,2)": "i / 10", "decimal(18,3)": "i", "decimal(38,10)": "i / 7",
    "varchar": "repeat('ä', i % 4) || i", "blob": "repeat('b', i % 5)::blob", "uuid": "uuid()", "date": "date '1999-12-30' + i::int",
    "time": "time '00:00:00' + i * interval 1 second", "timestamp": "timestamp '1969-12-30' + i * interval 1 hour",
    "timestamp_s": "timestamp '1969-12-30' + i * interval 1 hour",
    "timestamp_ms": "timestamp '1969-12-30' + i * interval 1 hour",
    "timestamp_ns": "timestamp '1969-12-30' + i * interval 1 hour",
    "timestamptz": "timestamptz '1969-12-30 00:00:00+00' + i * interval 1 hour",
    "mood": "(['sad', 'ok', 'happy'])[i % 3 + 1]", "integer[]": "range(i % 4)", "varchar[][]": "[['x', null], [], null]",
    "struct(a integer, b varchar[])": "{'a': i, 'b': ['y' || i]}", "map(varchar, integer)": "map {'k' || i: i}",
}


@pytest.mark.parametrize("kind", DUCK_TYPES)
@pytest.mark.parametrize("version", ["V1", "V2"])
def test_duckdb(tmp_path, kind, version):
    duckdb = pytest.importorskip("duckdb")
    made = []
    with duckdb.connect() as connection:
        connection.execute("create type mood as enum ('sad', 'ok', 'happy'); set timezone = 'UTC'")
        for nulls, condition in [("none", "true"), ("some", "i % 7 <> 3"), ("all", "false")]:
            for count in [1, 65, 5000]:
                path = tmp_path / f"{nulls}{count}.parquet"
                connection.execute(
                    f"copy (select case when {condition} then ({DUCK_TYPES[kind]})::{kind} end as v from "
                    f"range({count}) r(i)) to '{path}' (format parquet, parquet_version {version}, row_group_size 2048)")
                check(path)
                made.append(path)
    if kind != "mood":  # DuckDB tells of all words of an enum as distinct values, there or not
        is_sound(*made)


@pytest.mark.parametrize("kind", ["tinyint", "smallint", "integer", "bigint", "utinyint", "usmallint", "uinteger", "ubigint", "date"])
@pytest.mark.parametrize("version", ["V1", "V2"])
def test_duckdb_numbers_from_end_to_end(tmp_path, kind, version):
    """In V2 the deltas of 32 bits take 33, which pyarrow does not read."""
    duckdb = pytest.importorskip("duckdb")
    path, kept = tmp_path / "x.parquet", "integer" if kind == "date" else kind
    bits = {"tinyint": 8, "smallint": 16, "integer": 32, "bigint": 64}[kept.removeprefix("u")]
    low, high = (0, 2**bits) if kept[0] == "u" else (-(2 ** (bits - 1)), 2 ** (bits - 1))
    with duckdb.connect() as connection:
        of = f"case when i % 5 = 0 then {low}::hugeint when i % 5 = 1 then {high - 1} else {low} + hash(i) % {high - low}::hugeint end::{kept}"
        made = f"date '1970-01-01' + least(greatest({of}, -700000), 2900000)::integer" if kind == "date" else of
        connection.execute(
            f"create table t as select case when i % 7 <> 3 then {made} end as v from range(5000) r(i); "
            f"copy t to '{path}' (format parquet, parquet_version {version}, row_group_size 2048)")
        want = connection.execute("select v from t").fetchall()
    assert lamella.read_parquet(path, threads=1).column("v").to_pylist() == [v for (v,) in want]
    is_sound(path)


ARRAYS = {
    "integer[3]": "[i, null, i + 2]", "varchar[2]": "['a' || i, 'b']", "integer[2][3]": "[[i, 1], null, [null, 2]]",
    "integer[][2]": "[range(i % 3), null]", "struct(a integer, b varchar)[2]": "[{'a': i, 'b': 'x'}, null]",
    "struct(a integer[2], b integer)": "{'a': case when i % 2 = 0 then [i, 1] end, 'b': i}",
}


@pytest.mark.parametrize("kind", ARRAYS)
@pytest.mark.parametrize("version", ["V1", "V2"])
def test_duckdb_arrays_that_are_null(tmp_path, kind, version):
    """DuckDB writes as many entries for them as for others, of which pyarrow makes lists that are none."""
    duckdb = pytest.importorskip("duckdb")
    path = tmp_path / "x.parquet"
    for condition in ["i % 3 <> 1", "i < 5", "i >= 2000", "false"]:
        with duckdb.connect() as connection:
            connection.execute(
                f"create or replace table t as select case when {condition} then ({ARRAYS[kind]})::{kind} end as v, i as n from range(3000) r(i); "
                f"copy t to '{path}' (format parquet, parquet_version {version}, row_group_size 2048)")
            want = [v for (v,) in connection.execute("select v from t").fetchall()]
        want = [list(v) if isinstance(v, tuple) else v for v in want]
        got = lamella.read_parquet(path, threads=1).column("v")
        assert repr(got.to_pylist()) == repr(want).replace("(", "[").replace(")", "]").replace(",]", "]")
        told = subprocess.run([COMMAND, "cat", "--format", "canonical", path], capture_output=True, check=True).stdout
        assert [json.loads(line)["v"] for line in told.splitlines()] == got.to_pylist()
        assert lamella.read_parquet(path, where="n >= 1500 and n < 1510", threads=1).column("v").to_pylist() == got.to_pylist()[1500:1510]
        assert lamella.read_parquet(path, row_first=2040, row_count=20, threads=1).column("v").to_pylist() == got.to_pylist()[2040:2060]


@pytest.mark.parametrize("codec", ["uncompressed", "snappy", "gzip", "brotli", "lz4_raw", "zstd"])
def test_duckdb_codecs(tmp_path, codec):
    duckdb = pytest.importorskip("duckdb")
    path = tmp_path / "x.parquet"
    with duckdb.connect() as connection:
        connection.execute(
            f"copy (select i, i / 7 as d, 't' || i % 100 as s, [i, null] as l from range(5000) r(i)) to '{path}' "
            f"(format parquet, codec '{codec}', row_group_size 2048)")
    check(path)
    is_sound(path)


def test_duckdb_intervals(tmp_path):
    """pyarrow has no such type and gives their bytes."""
    duckdb = pytest.importorskip("duckdb")
    path = tmp_path / "x.parquet"
    with duckdb.connect() as connection:
        connection.execute(
            f"copy (select case when i % 3 > 0 then interval (i) month + interval (i * 2) day + interval (i * 5) second "
            f"end as v from range(100) r(i)) to '{path}' (format parquet)")
    got = lamella.read_parquet(path, threads=1).column("v")
    assert got.type == pa.month_day_nano_interval()
    want = [None if i % 3 == 0 else (i, i * 2, i * 5 * 10**9) for i in range(100)]
    assert [None if v is None else tuple(v) for v in got.to_pylist()] == want
    is_sound(path)


# fastparquet.


def frame_of(pd, np, nulls, count):
    rng = np.random.default_rng(count)
    frame = pd.DataFrame({
        "i8": rng.integers(-100, 100, count).astype("int8"), "u32": rng.integers(0, 2**32, count).astype("uint32"),
        "i64": rng.integers(-2**60, 2**60, count), "f32": rng.random(count).astype("float32"), "f64": rng.random(count),
        "b": rng.random(count) < 0.5, "s": [f"ä{i % 9}" for i in range(count)], "raw": [b"x" * (i % 5) for i in range(count)],
        "at": pd.to_datetime(rng.integers(0, 2**60, count)), "cat": pd.Categorical([f"c{i % 4}" for i in range(count)]),
        "nint": pd.array(rng.integers(0, 9, count), dtype="Int64"),
    })
    for name in ["f64", "s", "raw", "at", "cat", "nint"] if nulls != "none" else []:
        frame.loc[(rng.random(count) < 0.3) | (nulls == "all"), name] = None
    return frame


@pytest.mark.parametrize("codec", [None, "SNAPPY", "GZIP", "ZSTD", "BROTLI", "LZ4"])
@pytest.mark.parametrize("nulls", NULLS)
@pytest.mark.parametrize("times", ["int64", "int96"])
def test_fastparquet(tmp_path, codec, nulls, times):
    fastparquet = pytest.importorskip("fastparquet")
    pd, np = pytest.importorskip("pandas"), pytest.importorskip("numpy")
    made = []
    for count in COUNTS:
        path = tmp_path / f"{count}.parquet"
        try:
            fastparquet.write(str(path), frame_of(pd, np, nulls, count), compression=codec, times=times, write_index=False,
                              row_group_offsets=300, object_encoding={"s": "utf8", "raw": "bytes"}, stats=True)
        except Exception as problem:
            pytest.skip(f"fastparquet: {problem}")
        check(path)
        made.append(path)
    is_sound(*made)
