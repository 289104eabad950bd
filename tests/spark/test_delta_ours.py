"""Delta Lake in Spark reads our tables after each kind of operation, and both write one table by turns."""

import datetime
import decimal
import os
import pathlib
import time

import pytest

lamella = pytest.importorskip("lamella", reason="the wheel is not installed here: ./dev test spark does it")
pa = pytest.importorskip("pyarrow")
import delta_rows  # noqa: E402
from delta_rows import Ours, Sql, entries, equal, read_by_spark, read_by_us, same  # noqa: E402
from lamella import tables  # noqa: E402

pytestmark = pytest.mark.timeout(1800)
NO_TIME = datetime.timedelta(0)
COLUMNS = [
    ("tick", "int64", False),
    ("venue", "utf8"),
    ("small", "int8"),
    ("short", "int16"),
    ("number", "int32"),
    ("real", "float32"),
    ("double", "float64"),
    ("flag", "bool"),
    ("day", "date32"),
    ("moment", "timestamp[us, UTC]"),
    ("price", "decimal128(9, 2)"),
    ("long", "decimal128(38, 10)"),
    ("bytes", "binary"),
    ("list", "list<int32>"),
    ("point", "struct<x: float64, name: utf8>"),
    ("names", "map<utf8, int64>"),
    ("deep", "list<struct<a: int32, b: list<utf8>>>"),
]
VENUES = ["oslo", "a b", "a/b", "%41", "ü", "x=y", "'\"", "#?*:", "+&,;", "{[^]}\\", "\t\n", "日本", "__", ".", None]
FULL = pa.schema(
    [
        pa.field("tick", pa.int64(), False),
        ("venue", pa.string()),
        ("small", pa.int8()),
        ("short", pa.int16()),
        ("number", pa.int32()),
        ("real", pa.float32()),
        ("double", pa.float64()),
        ("flag", pa.bool_()),
        ("day", pa.date32()),
        ("moment", pa.timestamp("us", "UTC")),
        ("price", pa.decimal128(9, 2)),
        ("long", pa.decimal128(38, 10)),
        ("bytes", pa.binary()),
        ("list", pa.list_(pa.int32())),
        ("point", pa.struct([("x", pa.float64()), ("name", pa.string())])),
        ("names", pa.map_(pa.string(), pa.int64())),
        ("deep", pa.list_(pa.struct([("a", pa.int32()), ("b", pa.list_(pa.string()))]))),
    ]
)
KINDS = {
    "plain": [],
    "bucket": ["bucket"],
    "hive": ["venue"],
    "dates": [{"year": "day"}, {"month": "moment"}],
    "values": ["flag", "day", "moment", "price", "short"],
}


def row(tick):
    """A row of its tick; each seventh has nothing but that."""
    made = {"tick": tick, "venue": VENUES[tick % len(VENUES)]}
    if tick % 7 == 3:
        return {**dict.fromkeys(FULL.names), **made}
    when = datetime.datetime(1969, 12, 30, 23, 59, 59, 123456) + datetime.timedelta(days=tick % 3, seconds=tick % 2)
    made |= {
        "small": tick % 256 - 128,
        "short": [-32768, 32767, 0][tick % 3],
        "number": tick * 12345,
        "real": [0.1, -0.0, float("inf")][tick % 3],
        "double": [float("nan"), -1e300, tick / 3][tick % 3],
        "flag": tick % 2 == 0,
        "day": datetime.date(2024, 2, 27) + datetime.timedelta(days=tick % 4),
        "moment": when,
        "price": decimal.Decimal(tick % 3 * 100 - 5) / 100,
        "long": decimal.Decimal(f"12345678901234567890123456{tick % 90 + 10}.0123456789"),
        "bytes": bytes([tick % 256, 0, 255]),
        "list": [tick, None] if tick % 2 else [],
        "point": {"x": tick / 2, "name": None} if tick % 5 else None,
        "names": {"ü": tick, "b": None} if tick % 2 else {},
        "deep": [{"a": tick, "b": ["x", None]}, None, {"a": None, "b": None}] if tick % 2 else None,
    }
    made["real"] = pa.scalar(made["real"], pa.float32()).as_py()
    return made


def frame(rows):
    return pa.Table.from_pylist([{**r, "names": r["names"] and list(r["names"].items())} for r in rows], FULL)


def stored(kind, rows):
    """The rows as the table has them: with the columns that are computed."""
    made = []
    for r in rows:
        more = {}
        if kind == "bucket":
            more = {"bucket": r["tick"] // 10}
        if kind == "dates":
            more = {"year": r["day"] and r["day"].year, "month": r["moment"] and r["moment"].month}
        made.append({**r, **more})
    return made


@pytest.fixture(params=KINDS)
def kind(request):
    return request.param


@pytest.fixture
def ours(tmp_path, kind):
    return Ours(tmp_path / "a b", COLUMNS, KINDS[kind])


def test_each_operation(delta, ours, kind):
    """After each of them: equal rows, the version, and the parts that Spark counts by its statistics."""
    sql, path = Sql(delta, ours.path), ours.path
    rows = [row(tick) for tick in range(-5, 25)]
    ours.append(frame(rows[:20]))
    same(delta, path, stored(kind, rows[:20]))
    ours.append(frame(rows[20:]))
    live = stored(kind, rows)
    same(delta, path, live)

    part = {"bucket": "bucket = 1", "hive": "venue = 'a/b'", "dates": "year is null", "values": "flag = true"}.get(kind)
    if part:
        gone = {
            "bucket": lambda r: r["bucket"] == 1,
            "hive": lambda r: r["venue"] == "a/b",
            "dates": lambda r: r["year"] is None,
            "values": lambda r: r["flag"] is True,
        }[kind]
        again = [r for r in rows if gone(stored(kind, [r])[0])][:2]
        ours.overwrite(frame(again), where=part)
        live = [r for r in live if not gone(r)] + stored(kind, again)
        same(delta, path, live)
        tables.delete(path, where=part)
        live = [r for r in live if not gone(r)]
        same(delta, path, live)

    ours.append(frame(rows[:3]))
    live += stored(kind, rows[:3])
    assert tables.compact(path)["version"] is not None
    same(delta, path, live)
    assert tables.vacuum(path, retention=NO_TIME, force=True)["files"] > 0
    same(delta, path, live)
    ours.overwrite(frame(rows[:2]))
    same(delta, path, stored(kind, rows[:2]))
    tables.delete(path, all=True)
    same(delta, path, [])
    ours.append(frame(rows))
    same(delta, path, stored(kind, rows))
    versions = [entry["version"] for entry in tables.history(path)]
    told = sql("describe history {t}")
    assert [entry.version for entry in told] == versions
    assert all(entry.engineInfo.startswith("lamella/") for entry in told)
    assert {entry.operation for entry in told} >= {"WRITE", "OPTIMIZE", "DELETE"}


def test_spark_skips_parts_by_our_statistics_and_partition_values(delta, tmp_path, request):
    """No row is lost by a bound of the log: each value is found where it is. Parquet's own bounds are not asked: they are
    without NaNs, as its specification has it, and Spark passes over row groups by them all the same."""
    request.addfinalizer(lambda: delta.conf.unset("spark.sql.parquet.filterPushdown"))
    delta.conf.set("spark.sql.parquet.filterPushdown", "false")
    from pyspark.sql import functions

    rows = [row(tick) for tick in range(14)]
    for name, partitioning in (("parts", []), ("values", KINDS["values"])):
        ours = Ours(tmp_path, COLUMNS, partitioning, name)
        for at in range(0, len(rows), 2):
            ours.append(frame(rows[at : at + 2]))
        table = delta.read.format("delta").load(ours.path)
        for column in FULL.names[: FULL.names.index("list")]:
            values = [r[column] for r in rows]
            for at in (0, 5):
                wanted = sum(repr(value) == repr(values[at]) for value in values)
                if values[at] == 0 and column == "real":
                    continue  # two zeros
                value = values[at]
                if column == "real":
                    value = functions.lit(value).cast("float")
                if column == "moment":
                    value = functions.timestamp_micros(functions.lit(int(value.replace(tzinfo=delta_rows.UTC).timestamp() * 10**6)))
                assert table.where(table[column] == value).count() == wanted, (name, column)
            assert table.where(table[column].isNull()).count() == values.count(None), (name, column)


def test_checkpoints_and_the_log_cleaned_up(delta, ours, kind):
    rows = [row(tick) for tick in range(30)]
    for at in range(12):
        ours.append(frame(rows[2 * at : 2 * at + 2]))
    numbers, checkpoints = entries(ours.path)
    assert checkpoints
    log = pathlib.Path(ours.path, "_delta_log")
    for path in log.glob("*.crc"):
        path.unlink()
    for number in numbers:  # the checkpoint must do alone
        if number < checkpoints[-1]:
            (log / f"{number:020}.json").unlink()
    same(delta, ours.path, stored(kind, rows[:24]))
    long_ago = time.time() - 90 * 86400
    for path in log.iterdir():
        os.utime(path, (long_ago, long_ago))
    for at in range(12, 15):
        ours.append(frame(rows[2 * at : 2 * at + 2]))
    Sql(delta, ours.path).set(checkpointInterval=1)
    ours.append(frame(rows[:1]))
    assert entries(ours.path)[0][0] >= checkpoints[-1]
    same(delta, ours.path, stored(kind, rows + rows[:1]))


def test_versions_and_times(delta, tmp_path):
    ours = Ours(tmp_path, COLUMNS, ["bucket"])
    rows = [row(tick) for tick in range(15)]
    for at in range(3):
        ours.append(frame(rows[5 * at : 5 * at + 5]))
    tables.compact(ours.path)
    tables.delete(ours.path, where="bucket = 0")
    start = datetime.datetime(2026, 1, 1, tzinfo=delta_rows.UTC)
    for version in range(5):  # an hour from one to the next
        time_of = start.timestamp() + 3600 * version
        os.utime(f"{ours.path}/_delta_log/{version:020}.json", (time_of, time_of))
    counts = [5, 10, 15, 15, 5]
    for version, count in enumerate(counts):
        theirs = read_by_spark(delta, ours.path, versionAsOf=version)
        equal(read_by_us(ours.path, version=version), theirs)
        assert len(theirs) == count
        for minutes in (0, 30):
            moment = start + datetime.timedelta(minutes=60 * version + minutes)
            if version == 4 and minutes:
                continue  # after the last: Delta refuses it
            theirs = read_by_spark(delta, ours.path, timestampAsOf=moment.strftime("%Y-%m-%d %H:%M:%S"))
            equal(read_by_us(ours.path, as_of=moment), theirs)
        assert len(theirs) == count


def test_evolution(delta, tmp_path):
    """A column more, at the top and in a struct, in parts old and new."""
    ours = Ours(tmp_path, [("tick", "int64"), ("point", "struct<x: int32>")], ["bucket"])
    ours.append([{"tick": 1, "point": {"x": 1}}])
    more = [("tick", "int64"), ("venue", "utf8"), ("point", "struct<x: int32, y: float64>")]
    ours.describe(tmp_path, more, ["bucket"], "1.1@2026-02-01")
    ours.append([{"tick": 2, "venue": "oslo", "point": {"x": 2, "y": 0.5}}])
    want = [
        {"tick": 1, "point": {"x": 1, "y": None}, "bucket": 0, "venue": None},
        {"tick": 2, "point": {"x": 2, "y": 0.5}, "bucket": 0, "venue": "oslo"},
    ]
    same(delta, ours.path, want)
    tables.compact(ours.path)
    same(delta, ours.path, want)
    Sql(delta, ours.path)("alter table {t} add columns (`by_spark` decimal(5, 1))")
    ours.append([{"tick": 3}])
    last = {"tick": 3, "point": None, "bucket": 0, "venue": None}
    same(delta, ours.path, [{**r, "by_spark": None} for r in (*want, last)])


def test_timestamps_without_a_zone(delta, tmp_path):
    ours = Ours(tmp_path, [("tick", "int64"), ("local", "timestamp[us]"), ("day", "timestamp[us]")], ["day"])
    when = datetime.datetime(1969, 12, 31, 23, 59, 59, 999999)
    rows = [{"tick": 1, "local": when, "day": datetime.datetime(2026, 3, 29, 2, 30)}, {"tick": 2, "local": None, "day": None}]
    ours.append(rows)
    same(delta, ours.path, rows)
    sql = Sql(delta, ours.path)
    sql("insert into {t} values (3, timestamp_ntz'2026-10-25 02:30:00.5', timestamp_ntz'2026-03-29 02:30:00.000001')")
    ours.append(rows[:1])
    same(delta, ours.path, count=4)
    assert sql("select count(*) from {t} where local = timestamp_ntz'1969-12-31 23:59:59.999999'")[0][0] == 2
    assert tables.scan(ours.path, where="day = '2026-03-29T02:30:00.000001'").count_rows() == 1


def test_a_converted_directory(delta, tmp_path):
    pq = pytest.importorskip("pyarrow.parquet")
    root = tmp_path / "hive dir"
    rows = [{"id": n, "value": n / 2, "p": value} for n, value in enumerate(["a b", "ü", "1%", None])]
    for r in rows:
        value = "__HIVE_DEFAULT_PARTITION__" if r["p"] is None else r["p"].replace("%", "%25")
        place = root / f"p={value}"
        place.mkdir(parents=True)
        pq.write_table(pa.table({"id": [r["id"]], "value": [r["value"]]}), place / "one file.parquet")
    assert tables.convert(str(root))["rows"] == 4
    same(delta, root, rows)
    Sql(delta, root)("insert into {t} values (9, 9.5, 'ü')")
    same(delta, root, [*rows, {"id": 9, "value": 9.5, "p": "ü"}])


@pytest.mark.parametrize("kind", ["plain", "bucket", "hive"])
def test_by_turns(delta, ours, kind):
    """Each writes what the other left: appends, overwrites, OPTIMIZE, MERGE, UPDATE, DELETE, RESTORE, VACUUM."""
    sql, path = Sql(delta, ours.path), ours.path
    rows = [row(tick) for tick in range(20)]
    ours.append(frame(rows[:10]), batch=0)
    delta.read.format("delta").load(path).write.format("delta").mode("append").save(path)
    same(delta, path, count=20)
    ours.append(frame(rows[10:]), batch=1)
    assert ours.append(frame(rows[10:]), batch=1).repeated
    sql("optimize {t}")
    same(delta, path, count=30)
    ours.append(frame(rows[:2]))
    tables.compact(path)
    same(delta, path, count=32)
    more = ("(tick) values (s.tick)", "(tick, bucket) values (s.tick, 7)") if kind == "bucket" else ("", "")
    sql(
        """merge into {t} as t using (select distinct tick from {t} where tick < 5 or tick = 15 union all select 77) as s
        on t.tick = s.tick when matched and t.tick < 3 then delete when matched then update set t.number = -1
        when not matched then insert (tick) values (s.tick)""".replace(*more)
    )
    live = same(delta, path)
    assert {r["number"] for r in live if r["tick"] in (4, 15)} == {-1}
    assert {r["tick"] for r in live} == {*range(3, 20), 77}
    sql("update {t} set bytes = X'00ff', point = null where tick between 6 and 8")
    sql("delete from {t} where tick = 9")
    live = same(delta, path)
    ours.append(frame(rows[:5]))
    before = tables.history(path, limit=1)[0]["version"]
    same(delta, path, count=len(live) + 5)
    delta.read.format("delta").load(path).where("tick = 11").write.format("delta").mode("overwrite").save(path)
    same(delta, path, count=1)
    ours.overwrite(frame(rows))
    live = same(delta, path, stored(kind, rows))
    sql(f"restore table {{t}} to version as of {before}")
    same(delta, path)
    ours.overwrite(frame(rows))
    sql("vacuum {t} retain 0 hours")
    same(delta, path, live)
    assert tables.load_manifest(path)["rows"] == 20
    sql("insert into {t} select * from {t} where tick > 10")
    tables.vacuum(path, retention=NO_TIME, force=True)
    same(delta, path, count=29)
    tables.delete(path, all=True)
    assert same(delta, path) == []
    assert sql("describe history {t}")[0].operation == "DELETE"


def test_partitions_are_replaced_by_turns(delta, tmp_path):
    ours = Ours(tmp_path, COLUMNS, ["venue"])
    ours.append(frame([row(tick) for tick in range(30)]))
    table = delta.read.format("delta").load(ours.path)
    one = table.where("venue = 'a b'").cache()
    one.write.format("delta").mode("overwrite").option("partitionOverwriteMode", "dynamic").save(ours.path)
    same(delta, ours.path, count=30)
    one.write.format("delta").mode("overwrite").option("replaceWhere", "venue = 'a b'").save(ours.path)
    live = same(delta, ours.path, count=30)
    ours.overwrite(frame([row(1)]), where="venue = 'a b'")
    same(delta, ours.path, [r for r in live if r["venue"] != "a b"] + [row(1)])
    tables.delete(ours.path, where="venue is null")
    same(delta, ours.path, [r for r in live if r["venue"] not in ("a b", None)] + [row(1)])


def test_a_shallow_clone_of_ours(delta, tmp_path):
    """Its parts have absolute paths, in another directory."""
    ours = Ours(tmp_path, COLUMNS, ["venue"])
    rows = [row(tick) for tick in range(16)]
    ours.append(frame(rows))
    clone = tmp_path / "clone"
    delta.sql(f"create table delta.`{clone}` shallow clone delta.`{ours.path}`")
    same(delta, clone, rows)
    tables.delete(str(clone), where="venue = 'ü'")
    tables.compact(str(clone))
    same(delta, clone, [r for r in rows if r["venue"] != "ü"])
    tables.vacuum(str(clone), retention=NO_TIME, force=True)
    same(delta, ours.path, rows)


def test_spark_reads_ours_on_hdfs(delta, hdfs):
    ours = Ours(f"{hdfs.url}/tables", COLUMNS, ["venue"])
    rows = [row(tick) for tick in range(16)]
    ours.append(frame(rows))
    theirs = hdfs.rpc_url + ours.path.removeprefix(hdfs.url)
    equal(read_by_spark(delta, theirs), delta_rows.ordered(rows))
    Sql(delta, theirs)("delete from {t} where tick = 3", "optimize {t}")
    ours.append(frame(rows[:1]))
    equal(read_by_spark(delta, theirs), read_by_us(ours.path))
    assert tables.verify(ours.path)["rows"] == 16
