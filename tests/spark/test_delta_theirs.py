"""Tables that Delta Lake in Spark made: read, appended to, compacted, vacuumed and verified by us, or refused by name."""

import datetime
import os
import pathlib

import pytest

lamella = pytest.importorskip("lamella", reason="the wheel is not installed here: ./dev test spark does it")
pytest.importorskip("pyarrow")
from delta_rows import Ours, entries, equal, read_by_spark, read_by_us, same  # noqa: E402
from lamella import tables  # noqa: E402

pytestmark = pytest.mark.timeout(1800)
NO_TIME = datetime.timedelta(0)
SCHEMA = """tick bigint not null, small tinyint, short smallint, number int, real float, double double, flag boolean, day date,
    moment timestamp, price decimal(9, 2), long decimal(38, 10), text string, bytes binary, list array<int>,
    point struct<x: double, name: string>, names map<string, bigint>, deep array<struct<a: int, b: array<string>>>"""
COLUMNS = [
    ("tick", "int64", False),
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
    ("text", "utf8"),
    ("bytes", "binary"),
    ("list", "list<int32>"),
    ("point", "struct<x: float64, name: utf8>"),
    ("names", "map<utf8, int64>"),
    ("deep", "list<struct<a: int32, b: list<utf8>>>"),
]
ROWS = """select id, cast(id as tinyint), cast(-id as smallint), cast(id * 1000 as int), cast(id / 10 as float),
    if(id % 5 = 0, double('nan'), id / 3), id % 2 = 0, date_add(date'2024-02-27', cast(id % 4 as int)),
    timestamp_micros(id * 86400000000 - 1000 + id % 3), cast(id % 3 - 1.05 as decimal(9, 2)),
    cast('1234567890123456789012345678.0123456789' as decimal(38, 10)) - id,
    element_at(array('oslo', 'a b', 'a/b', '%41', 'ü', "x=y'", '#?*:+&', null), cast(id % 8 + 1 as int)), unhex('00ff'),
    if(id % 2 = 0, array(1, null), array()), if(id % 3 = 0, null, struct(id / 2, null)), if(id % 2 = 0, map('ü', id, 'b', null), map()),
    if(id % 2 = 0, array(struct(1, array('x', null)), null), null) from range({}, {})"""
PARTITIONS = {
    "plain": [],
    "text": ["text"],
    "values": ["flag", "day", "moment", "price", "small"],
}


@pytest.fixture
def theirs(sql):
    """A table of all types, partitioned in one of three ways, two parts at least in each entry."""

    def make(kind, **properties):
        by = f"partitioned by ({', '.join(PARTITIONS[kind])})" if PARTITIONS[kind] else ""
        sql(f"create table {{t}} ({SCHEMA}) using delta {by}")
        if properties:
            sql.set(**properties)
        sql("insert into {t} " + ROWS.format(0, 20), "insert into {t} " + ROWS.format(20, 30))

    return make


@pytest.mark.parametrize("kind", PARTITIONS)
def test_we_write_what_spark_made(delta, tmp_path, place, sql, theirs, kind):
    theirs(kind)
    sql("insert into {t} (tick) values (100)", "delete from {t} where tick = 7", "optimize {t}")
    live = same(delta, place, count=30)
    for column, at in (("moment", 3), ("price", 4), ("text", 1), ("day", 5), ("real", 4), ("double", 6), ("long", 8), ("flag", 2), ("bytes", 3)):
        value = live[at][column]
        wanted = sum(repr(r[column]) == repr(value) for r in live)
        assert tables.scan(str(place), where=(column, "=", value) if value is not None else f"{column} is null").count_rows() == wanted

    ours = Ours(tmp_path, COLUMNS, PARTITIONS[kind])
    assert ours.path == str(place)
    ours.append(tables.scan(str(place), where="tick < 10"), batch=4)
    same(delta, place, count=39)
    assert tables.compact(ours.path)["version"] is not None or kind == "values"
    same(delta, place, count=39)
    where = {"plain": None, "text": "text = 'a/b'", "values": "flag"}[kind]
    if where:
        tables.delete(ours.path, where=where)
        same(delta, place)
    tables.vacuum(ours.path, retention=NO_TIME, force=True)
    live = same(delta, place)
    ours.overwrite(tables.scan(str(place), where="tick = 8"))
    assert tables.repair(ours.path)["version"] == sql("describe history {t} limit 1")[0].version
    same(delta, place, [r for r in live if r["tick"] == 8])
    told = tables.history(ours.path)
    assert [entry["operation"] for entry in told][-5:] == ["DELETE", "WRITE", "WRITE", "WRITE", "CREATE TABLE"]
    assert all("Apache-Spark" in entry["engine"] for entry in told[-5:])


CHECKPOINTS = {
    "one file": {},
    "several files": {},
    "statistics as structs": {"checkpoint.writeStatsAsJson": "false", "checkpoint.writeStatsAsStruct": "true"},
}


@pytest.mark.parametrize("how", CHECKPOINTS)
def test_checkpoints_of_spark(delta, place, sql, theirs, how):
    """They do alone, for us; and Spark goes on from ours. Statistics as structs tell nothing, and nothing is lost by it."""
    if how == "several files":
        delta.conf.set("spark.databricks.delta.checkpoint.partSize", "4")
    try:
        theirs("text", checkpointInterval=2, **CHECKPOINTS[how])
        sql("insert into {t} " + ROWS.format(30, 40), "delete from {t} where text = 'oslo' or tick = 9")
    finally:
        delta.conf.unset("spark.databricks.delta.checkpoint.partSize")
    numbers, checkpoints = entries(place)
    log = place / "_delta_log"
    files = [path.name for path in log.glob(f"{checkpoints[-1]:020}.checkpoint*")]
    assert (len(files) > 1) == (how == "several files")
    for path in (*log.glob("*.crc"), *(log / f"{n:020}.json" for n in numbers if n <= checkpoints[-1])):
        path.unlink()
    live = same(delta, place)
    assert tables.scan(str(place), where="tick between 30 and 33").count_rows() == sum(30 <= r["tick"] <= 33 for r in live)
    sql.set(checkpointInterval=1)
    tables.delete(str(place), where="text = 'ü'")
    assert entries(place)[1][-1] > checkpoints[-1]
    same(delta, place, [r for r in live if r["text"] != "ü"])


@pytest.mark.parametrize("sidecars", ["one", "several"])
@pytest.mark.parametrize("form", ["json", "parquet"])
def test_v2_checkpoints(delta, tmp_path, place, sql, theirs, form, sidecars):
    """Spark's, whose parts are in files beside them, do alone for us; and ours, which have all in one, for Spark."""
    said = {"checkpointV2.topLevelFileFormat": form, **({"checkpoint.partSize": "4"} if sidecars == "several" else {})}
    for key, value in said.items():
        delta.conf.set(f"spark.databricks.delta.{key}", value)
    try:
        theirs("text", checkpointPolicy="v2", checkpointInterval=2)
        sql("insert into {t} " + ROWS.format(30, 40), "delete from {t} where text = 'oslo' or tick = 9", "insert into {t} (tick) values (50)")
    finally:
        for key in said:
            delta.conf.unset(f"spark.databricks.delta.{key}")
    log = place / "_delta_log"
    last = sorted(log.glob("*.checkpoint.*"))[-1]
    assert last.suffix == f".{form}" and len(last.name.split(".")[2]) == 36
    assert (len(list((log / "_sidecars").glob("*.parquet"))) > 4) == (sidecars == "several")
    version = int(last.name[:20])  # its entry stays: Spark wants that of the last version
    for path in (*log.glob("*.crc"), *(path for path in log.glob("*.json") if path.stem.isdigit() and int(path.stem) < version)):
        path.unlink()
    live = same(delta, place)
    assert tables.scan(str(place), where="tick between 30 and 33").count_rows() == sum(30 <= r["tick"] <= 33 for r in live)

    ours = Ours(tmp_path, COLUMNS, PARTITIONS["text"])
    ours.append([{"tick": 200}, {"tick": 201}])
    ours.append([{"tick": 202}])
    tables.delete(str(place), where="text = 'a/b'")
    left = sum(r["text"] != "a/b" for r in live)
    made = [path for path in log.glob("*.checkpoint.*.parquet") if int(path.name[:20]) > version]
    assert made, "none of ours"
    newest = max(int(path.name[:20]) for path in made)
    for path in log.glob("*.json"):
        if path.stem.isdigit() and int(path.stem) < newest:
            path.unlink()
    same(delta, place, count=left + 3)
    sql("insert into {t} (tick) values (60)", "optimize {t}")
    tables.compact(str(place))
    tables.vacuum(str(place), retention=NO_TIME, force=True)
    same(delta, place, count=left + 4)
    tables.repair(str(place))
    same(delta, place, count=left + 4)


def test_many_small_entries_of_spark(delta, place, sql):
    """With what an entry of Spark's may have: transactions, tags, comments, user metadata, properties that mean nothing to us."""
    sql("create table {t} (id bigint comment 'ü', `a.c` varchar(4), `D` varchar(9)) using delta tblproperties ('a b' = 'c')")
    frame = delta.range(3).selectExpr("id", "'x' as `a.c`", "'y' as D")
    for version in (1, 1, 2):
        frame.write.format("delta").mode("append").options(txnAppId="app", txnVersion=version, userMetadata='{"a": [1]}').save(str(place))
    sql("comment on table {t} is 'the table'", "alter table {t} change column D comment 'more'")
    same(delta, place, [{"id": n, "a.c": "x", "D": "y"} for n in range(3)] * 2)
    tables.compact(str(place))
    frame.write.format("delta").mode("append").options(txnAppId="app", txnVersion=2).save(str(place))
    same(delta, place, count=6)
    detail = sql("describe detail {t}")[0]
    assert (detail.description, detail.properties["a b"], detail.numFiles) == ("the table", "c", 1)


def test_append_only_and_not_null_are_kept(delta, tmp_path, place, sql):
    sql("create table {t} (id bigint not null, s struct<a: int not null>) using delta tblproperties ('delta.appendOnly' = 'true')")
    ours = Ours(tmp_path, [("id", "int64", False), ("s", "struct<a: int32 not null>")])
    sql("insert into {t} values (1, struct(1))")
    ours.append([{"id": 2, "s": {"a": 2}}])
    for call in (lambda: tables.delete(ours.path, all=True), lambda: ours.overwrite([{"id": 3}])):
        with pytest.raises(lamella.UnsupportedError, match="append-only"):
            call()
    loose = Ours(tmp_path, [("id", "int64"), ("s", "struct<a: int32>")])
    for rows in ([{"id": None}], [{"id": 3, "s": {"a": None}}]):
        with pytest.raises(lamella.Error, match="null"):
            loose.append(rows)
    tables.compact(ours.path)  # changes no data
    same(delta, place, [{"id": 1, "s": {"a": 1}}, {"id": 2, "s": {"a": 2}}])


def builder(delta, place, *columns):
    """For what SQL has no words: each column is a name, a type and calls of the builder's."""
    made = delta._jvm.io.delta.tables
    table = made.DeltaTable.create(delta._jsparkSession).location(str(place))
    for name, type_name, *calls in columns:
        column = made.DeltaTable.columnBuilder(delta._jsparkSession, name).dataType(type_name)
        for call, words in calls:
            column = getattr(column, call)(*words)
        table = table.addColumn(column.build())
    table.execute()


def make(name, value="true"):
    return lambda sql: sql(f"create table {{t}} (id bigint, v int) using delta tblproperties ('delta.{name}' = '{value}')")


def generated(sql):
    builder(sql.spark, sql.path, ("id", "bigint"), ("v", "int"), ("g", "bigint", ("generatedAlwaysAs", ["id * 2"])))


def identity(sql):
    builder(sql.spark, sql.path, ("id", "bigint"), ("v", "int"), ("g", "bigint", ("generatedAlwaysAsIdentity", [1, 1])))


def constraint(sql):
    sql("create table {t} (id bigint, v int) using delta", "alter table {t} add constraint positive check (id >= 0)")


def default(sql):
    sql("create table {t} (id bigint, v int default 7) using delta tblproperties ('delta.feature.allowColumnDefaults' = 'supported')")


def clustering(sql):
    sql("create table {t} (id bigint, v int) using delta cluster by (id)")


UNREADABLE = {
    "columnMapping": make("columnMapping.mode", "name"),
    "columnMapping by id": make("columnMapping.mode", "id"),
    "icebergCompatV2": lambda sql: sql(
        "create table {t} (id bigint, v int) using delta tblproperties "
        "('delta.enableIcebergCompatV2' = 'true', 'delta.columnMapping.mode' = 'name')"
    ),
}


def refused(call, name):
    with pytest.raises(lamella.UnsupportedError, match=name):
        call()


def writing(tmp_path, place, *more):
    ours = Ours(tmp_path, [("id", "int64"), ("v", "int32"), *more])
    return (
        lambda: ours.append([{"id": 1}]),
        lambda: ours.overwrite([{"id": 1}]),
        lambda: tables.compact(str(place)),
        lambda: tables.delete(str(place), all=True),
        lambda: tables.vacuum(str(place), retention=NO_TIME, force=True),
    )


@pytest.mark.parametrize("feature", UNREADABLE)
def test_what_cannot_be_read_is_refused_by_name(tmp_path, place, sql, feature):
    UNREADABLE[feature](sql)
    sql("insert into {t} values (1, 1)", "insert into {t} values (2, 2)")
    before = sorted(os.listdir(place))
    name = "columnMapping" if feature == "icebergCompatV2" else feature.split()[0]
    reading = (
        lambda: read_by_us(place),
        lambda: tables.verify(str(place)),
        lambda: tables.load_manifest(str(place)),
        lambda: tables.convert(str(place)),
    )
    for call in reading[:3] + writing(tmp_path, place):
        refused(call, name)
    assert sorted(os.listdir(place)) == before


UNWRITABLE = {
    "generatedColumns": generated,
    "identityColumns": identity,
    "checkConstraints": constraint,
    "changeDataFeed": make("enableChangeDataFeed"),
    "deletionVectors": make("enableDeletionVectors"),
    "inCommitTimestamp": make("enableInCommitTimestamps"),
    "allowColumnDefaults": default,
    "rowTracking": make("enableRowTracking"),
    "typeWidening": make("enableTypeWidening"),
    "clustering": clustering,
}


@pytest.mark.parametrize("feature", UNWRITABLE)
def test_what_cannot_be_written_is_read_and_refused_by_name(delta, tmp_path, place, sql, feature):
    UNWRITABLE[feature](sql)
    for number in (1, 2):
        sql(f"insert into {{t}} (id, v) values ({number}, {number})")
    sql("update {t} set v = 5 where id = 2")
    rows, more = [{"id": 1, "v": 1}, {"id": 2, "v": 5}], []
    if feature in ("generatedColumns", "identityColumns"):
        more = [("g", "int64")]
        rows = [{**r, "g": r["id"] * (2 if feature == "generatedColumns" else 1)} for r in rows]
    same(delta, place, rows)
    files = sorted(str(path) for path in pathlib.Path(place).rglob("*.parquet"))
    for call in writing(tmp_path, place, *more):
        refused(call, feature)
    assert sorted(str(path) for path in pathlib.Path(place).rglob("*.parquet")) == files
    same(delta, place, rows)


def test_features_that_ask_nothing_of_us(delta, tmp_path, place, sql):
    """Reader 3 and writer 7 with features that are listed and not in use."""
    sql("create table {t} (id bigint) using delta tblproperties ('delta.minReaderVersion' = '3', 'delta.minWriterVersion' = '7')")
    for feature in ("vacuumProtocolCheck", "columnMapping", "checkConstraints", "generatedColumns", "changeDataFeed"):
        sql(f"alter table {{t}} set tblproperties ('delta.feature.{feature}' = 'supported')")
    sql("insert into {t} select id from range(10)")
    Ours(tmp_path, [("id", "int64")]).append([{"id": 11}])
    tables.compact(str(place))
    same(delta, place, count=11)


def test_times_within_commits(delta, place, sql):
    """Where entries have a time of their own (inCommitTimestamp), those of the files tell nothing."""
    make("enableInCommitTimestamps")(sql)
    sql("insert into {t} values (1, 1)", "insert into {t} values (2, 2)")
    for version in range(3):
        equal(read_by_us(place, version=version), read_by_spark(delta, place, versionAsOf=version))
    times = {entry.version: entry.timestamp for entry in sql("describe history {t}")}
    for entry in tables.history(str(place)):
        assert entry["time"].replace(tzinfo=None) == times[entry["version"]]
    refused(lambda: read_by_us(place, as_of=times[1]), "inCommitTimestamp")
