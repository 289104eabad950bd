"""Parquet that Spark itself has written is read as Spark reads it: every type, codec, page version and way of timestamps."""

import datetime

import pytest

lamella = pytest.importorskip("lamella", reason="the wheel is not installed here: ./dev test spark does it")
import pyarrow as pa  # noqa: E402

TYPES = {
    "boolean": "n % 2 = 0",
    "tinyint": "n % 100 - 50",
    "smallint": "n % 500 * 60",
    "int": "n * 1000003",
    "bigint": "n * 1000000000039",
    "float": "case n % 9 when 1 then 'NaN' when 2 then '-Infinity' else n / 8 end",
    "double": "case n % 9 when 1 then 'NaN' when 2 then '-0.0' else n / 64 end",
    "decimal(5,2)": "n / 4 % 999",
    "decimal(18,4)": "n * -12345.0625BD",
    "decimal(38,10)": "(n - 9) * 1e20BD",
    "string": "case when n % 5 = 0 then '' else concat('ü', n % 40) end",
    "binary": "cast(concat('b', n) as binary)",
    "date": "date_add(date'1970-01-01', cast(n as int) * 37 - 9000)",
    "timestamp": "timestamp_micros(n * 86400123456 - 1000000000000)",
    "timestamp_ntz": "cast(timestamp_micros(n * 86400123456) as timestamp_ntz)",
    "array<int>": "case when n % 4 = 0 then array() else array(n, null, n + 1) end",
    "array<array<string>>": "array(array(cast(n as string), null), null, array())",
    "map<string,int>": "map(concat('k', n), n, 'null', null)",
    "struct<a:int,b:string>": "named_struct('a', n, 'b', case when n % 3 = 0 then null else cast(n as string) end)",
    "array<struct<x:array<bigint>,m:map<int,double>>>": "array(named_struct('x', array(n, null), 'm', map(n, n / 2)), null)",
    "interval day to second": "make_dt_interval(0, 0, 0, n)",
    "interval year to month": "make_ym_interval(0, cast(n as int))",
}
SETTINGS = [
    {},
    {"compression": "none"},
    {"compression": "gzip", "parquet.writer.version": "v2"},
    {"compression": "zstd", "parquet.enable.dictionary": "false"},
    {"compression": "lz4_raw", "parquet.writer.version": "v2", "parquet.enable.dictionary": "false"},
    {"parquet.page.size": "64", "parquet.block.size": "4096", "parquet.page.row.count.limit": "20"},
    {"session": {"spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS"}},
    {"session": {"spark.sql.parquet.outputTimestampType": "TIMESTAMP_MILLIS"}},
    {"session": {"spark.sql.parquet.writeLegacyFormat": "true"}},
]


def plain(value):
    """Spark's and Arrow's values as the same ones of Python's; NaN and -0.0 by their text."""
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, datetime.timedelta):
        return value // datetime.timedelta(microseconds=1)
    if isinstance(value, bytearray):
        return bytes(value)
    if hasattr(value, "asDict"):
        value = value.asDict()
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, list) else value


def read(path):
    """By column, Python's values; instants as microseconds, maps as dicts."""
    table, columns = lamella.read_parquet(path, "arrow"), {}
    for name, kind in zip(table.column_names, table.schema.types):
        column = table.column(name)
        if name == "timestamp":
            column = column.cast(pa.timestamp("us", getattr(kind, "tz", None))).cast(pa.int64())
        columns[name] = [plain(value) for value in column.to_pylist(maps_as_pydicts="strict")]
    return columns


@pytest.mark.parametrize("count", [0, 1, 501])
@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_grid(spark, tmp_path, settings, count):
    settings = dict(settings)
    nullable = [f"case when n % 7 = 3 then null else cast({text} as {kind}) end as `{kind}`" for kind, text in TYPES.items()]
    df = spark.range(0, count, 1, 1).selectExpr("cast(id as bigint) as n").selectExpr("n", *nullable)
    session = settings.pop("session", {})
    for name, value in session.items():
        spark.conf.set(name, value)
    try:
        df.coalesce(1).write.options(**settings).parquet(f"file://{tmp_path}/out")
    finally:
        for name in session:
            spark.conf.unset(name)
    (path,) = (tmp_path / "out").glob("part-*")
    got = read(str(path))
    back = spark.read.parquet(f"file://{tmp_path}/out")
    rows = back.withColumn("timestamp", back["timestamp"].cast("double")).collect()
    for name in back.columns:
        want = [row[name] for row in rows]
        if name == "timestamp":
            want = [None if value is None else round(value * 1_000_000) for value in want]
        else:
            want = [plain(value) for value in want]
        assert got[name] == want, name
