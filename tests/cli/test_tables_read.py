"""Tables are read by every command that reads: live parts as the log has them, at any version."""
import datetime
import decimal
import json
import operator

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

deltalake = pytest.importorskip("deltalake", reason="deltalake is not installed")

UTC = datetime.timezone.utc


def rows(first, count, **more):
    ids = list(range(first, first + count))
    return pa.table(
        {
            "id": pa.array(ids, pa.int64()),
            "city": [None if i % 3 == 0 else ("æ/b", "x y")[i % 2] for i in ids],
            "day": [datetime.date(2026, 1, 1 + i % 2) for i in ids],
            "at": pa.array([datetime.datetime(2026, 1, 1, i % 2, tzinfo=UTC) for i in ids], pa.timestamp("us", "UTC")),
            "n": pa.array(ids, pa.int32()),
            **more,
        }
    )


@pytest.fixture
def table(tmp_path):
    path = str(tmp_path / "table")
    deltalake.write_deltalake(path, rows(0, 20), partition_by=["city", "day", "at"])
    deltalake.write_deltalake(path, rows(100, 10), mode="append")
    deltalake.write_deltalake(path, rows(200, 5, new=["a"] * 5), mode="append", schema_mode="merge")
    return path


def ids(text):
    return sorted(json.loads(line)["id"] for line in text.splitlines())


def test_columns_and_types_are_the_logs(told, table):
    assert told("schema", table).splitlines() == [
        "id: int64", "n: int32", "city: utf8", "day: date32", "at: timestamp[us, UTC]", "new: utf8",
    ]  # fmt: skip


def test_rows_are_those_that_delta_rs_reads(told, table):
    lines = [json.loads(line) for line in told("cat", table).splitlines()]
    theirs = deltalake.DeltaTable(table).to_pyarrow_dataset().to_table().sort_by("id").to_pylist()
    for row in theirs:
        row["day"] = row["day"].isoformat()
        row["at"] = row["at"].strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    assert sorted(lines, key=lambda row: row["id"]) == theirs


def test_what_the_log_removed_is_not_read(told, table):
    deltalake.DeltaTable(table).delete("city is null")
    want = [i for i in [*range(20), *range(100, 110), *range(200, 205)] if i % 3]
    assert ids(told("cat", table)) == want
    assert told("count", table).strip() == str(len(want))


def test_versions_and_times(told, table):
    assert [told("count", table, "--version", v).strip() for v in (0, 1, 2)] == ["20", "30", "35"]
    assert "new" not in told("schema", table, "--version", 1)
    log = deltalake.DeltaTable(table).history()
    moment = datetime.datetime.fromtimestamp(log[1]["timestamp"] / 1000 + 0.001, UTC)
    assert told("count", table, "--as-of", "2999-01-01").strip() == "35"
    assert told("count", table, "--as-of", moment.isoformat()).strip() in ("20", "30")
    assert "the last is 2" in told("count", table, "--version", 3, status=9)
    assert "no version yet" in told("count", table, "--as-of", "2001-01-01", status=9)
    assert "is no time" in told("count", table, "--as-of", "soon", status=2)
    assert "one of them" in told("count", table, "--as-of", "2026-01-01", "--version", 0, status=2)


def test_a_version_of_what_is_no_table_is_refused(told, tmp_path):
    pq.write_table(rows(0, 3), tmp_path / "a.parquet")
    assert "no table" in told("count", tmp_path / "a.parquet", "--version", 0, status=2)


@pytest.mark.parametrize(
    "where, left",
    [
        ("city is null", lambda i: i % 3 == 0),
        ("city = 'æ/b' and id > 100", lambda i: i % 3 and i % 2 == 0 and i > 100),
        ("day = '2026-01-02' or n < 4", lambda i: i % 2 == 1 or i < 4),
        ("at = '2026-01-01T01:00:00Z'", lambda i: i % 2 == 1),
        ("new = 'a'", lambda i: i >= 200),
        ("n between 100 and 103", lambda i: 100 <= i <= 103),
    ],
)
def test_filters(told, table, where, left):
    want = [i for i in [*range(20), *range(100, 110), *range(200, 205)] if left(i)]
    assert ids(told("cat", table, "--where", where, "--columns", "id")) == want
    assert told("count", table, "--where", where).strip() == str(len(want))


def test_parts_that_are_ruled_out_are_not_opened(told, table, tmp_path):
    for path in (tmp_path / "table").rglob("*.parquet"):
        if "__HIVE" in str(path) or pq.read_table(path)["id"][0].as_py() < 200:
            path.unlink()
    assert ids(told("cat", table, "--where", "id >= 200 and city is not null")) == [200, 202, 203]
    assert told("count", table).strip() == "35", "the log tells the rows"
    assert ".parquet" in told("cat", table, status=9), "the part that is missing is named"


def test_put_diff_and_head_take_tables(told, table, tmp_path):
    copy = tmp_path / "copy.parquet"
    told("put", table, copy)
    assert pq.read_table(copy).num_rows == 35
    told("diff", table, copy, "--key", "id")
    assert "(3 of 30 rows" in told("head", table, "--version", 1, "--limit", 3)


def test_features_are_refused_by_name(told, tmp_path):
    path = str(tmp_path / "table")
    deltalake.write_deltalake(path, rows(0, 3))
    log = tmp_path / "table/_delta_log" / f"{1:020}.json"
    log.write_text(json.dumps({"protocol": {
        "minReaderVersion": 3, "minWriterVersion": 7, "readerFeatures": ["variantType"],
        "writerFeatures": ["variantType"]}}) + "\n")  # fmt: skip
    assert "variantType" in told("cat", path, status=1)
    assert len(ids(told("cat", path, "--version", 0))) == 3


@pytest.mark.parametrize("by", [None, ["v"]])
@pytest.mark.parametrize("shortest", [False, True])
def test_filters_of_floats(told, tmp_path, by, shortest):
    """Their values in the log are texts of doubles, or as Spark tells them the shortest of the floats."""
    values = pa.array([0.1, 0.7, 16777216.0, -3.4e38, None], pa.float32())
    for value in values:
        deltalake.write_deltalake(str(tmp_path / "t"), pa.table({"id": [1], "v": pa.array([value])}), mode="append", partition_by=by)
    for log in (tmp_path / "t/_delta_log").glob("*.json") if shortest else ():
        log.write_text(log.read_text().replace("0.10000000149011612", "0.1").replace("0.699999988079071", "0.7"))
    for where, count in {"v = 0.1": 1, "v >= 0.7": 2, "v = 0.7": 1, "v <= 0.1": 2, "v = 16777217": 1, "v < 0": 1, "v > 0.1": 2}.items():
        assert told("count", tmp_path / "t", "--where", where).strip() == str(count), where
    assert told("verify", tmp_path / "t")


def test_filters_of_decimals(told, tmp_path):
    """delta-rs tells their bounds as doubles."""
    values = [decimal.Decimal(text) for text in ("8155497432.4896629260", "-6054251122.0390988224", "-4377665400.1388892086", "12345678901234567890.1234567891")]
    for value in values:
        deltalake.write_deltalake(str(tmp_path / "t"), pa.table({"v": pa.array([value], pa.decimal128(38, 10))}), mode="append")
    for value in values:
        for word in ("=", "<=", ">="):
            count = sum({"=": operator.eq, "<=": operator.le, ">=": operator.ge}[word](v, value) for v in values)
            assert told("count", tmp_path / "t", "--where", f"v {word} {value}").strip() == str(count)


OLD = {
    "byte": (pa.int8(), [-128, 127]),
    "short": (pa.int16(), [-32768, 32767]),
    "integer": (pa.int32(), [-(2**31), 2**31 - 1]),
    "long": (pa.int64(), [-(2**63), 2**63 - 1]),
    "float": (pa.float32(), [1.5, -(2.0**127), 0.1]),
    "date": (pa.date32(), [datetime.date(1900, 1, 1), datetime.date(2024, 2, 29)]),
    "decimal(5,2)": (pa.decimal128(5, 2), [decimal.Decimal("-999.99"), decimal.Decimal("0.01")]),
    "decimal(18,3)": (pa.decimal128(18, 3), [decimal.Decimal("-999999999999999.999"), decimal.Decimal(1)]),
}
NEW = {"short": pa.int16(), "integer": pa.int32(), "long": pa.int64(), "double": pa.float64(), "timestamp_ntz": pa.timestamp("us")}
WIDENED = [
    *(("byte", new) for new in ("short", "integer", "long", "double", "decimal(10,0)", "decimal(11,1)")),
    *(("short", new) for new in ("integer", "long", "double", "decimal(12,2)")),
    *(("integer", new) for new in ("long", "double", "decimal(10,0)", "decimal(14,4)")),
    *(("long", new) for new in ("decimal(20,0)", "decimal(38,10)")),
    ("float", "double"),
    ("date", "timestamp_ntz"),
    *(("decimal(5,2)", new) for new in ("decimal(10,2)", "decimal(20,2)", "decimal(10,5)")),
    ("decimal(18,3)", "decimal(38,10)"),
]


@pytest.mark.parametrize("within", [None, "struct", "array", "map"])
@pytest.mark.parametrize("old, new", WIDENED)
def test_types_that_were_widened(told, tmp_path, old, new, within):
    """Parts of before are read in the type that the table has now, and filtered in it."""
    old_type, values = OLD[old]
    new_type = NEW.get(new) or pa.decimal128(*map(int, new[8:-1].split(",")))
    values = [*values, None]
    shape = {None: lambda t: t, "struct": lambda t: pa.struct({"a": t}), "array": pa.list_, "map": lambda t: pa.map_(pa.string(), t)}[within]
    fill = {None: lambda v: v, "struct": lambda v: {"a": v}, "array": lambda v: [v], "map": lambda v: [("k", v)]}[within]
    column = pa.array(list(map(fill, values)), shape(old_type))
    deltalake.write_deltalake(str(tmp_path / "t"), pa.table({"id": range(len(values)), "v": column}))
    log = tmp_path / "t/_delta_log"
    (metadata,) = [a["metaData"] for a in map(json.loads, (log / f"{0:020}.json").read_text().splitlines()) if "metaData" in a]
    schema = json.loads(metadata["schemaString"])
    field = schema["fields"][1]
    if within is None:
        field["type"] = new
    elif within == "struct":
        field["type"]["fields"][0]["type"] = new
    else:
        field["type"]["elementType" if within == "array" else "valueType"] = new
    features = ["typeWidening", "timestampNtz"]
    protocol = {"minReaderVersion": 3, "minWriterVersion": 7, "readerFeatures": features, "writerFeatures": features}
    changed = {"metaData": {**metadata, "schemaString": json.dumps(schema)}}
    (log / f"{1:020}.json").write_text("\n".join(map(json.dumps, ({"protocol": protocol}, changed))))
    exact = [pa.scalar(v, old_type).as_py() for v in values]
    if old == "date":
        exact = [v and datetime.datetime(v.year, v.month, v.day) for v in exact]
    told("put", tmp_path / "t", tmp_path / "all.parquet")
    assert pq.read_table(tmp_path / "all.parquet")["v"].combine_chunks() == pa.array(list(map(fill, exact)), shape(new_type))
    assert told("verify", tmp_path / "t")
    for wanted in exact[:-1] if within is None else ():
        said = f"'{wanted}'" if old == "date" else str(wanted)
        for word, holds in {"=": operator.eq, "<=": operator.le, ">": operator.gt}.items():
            count = sum(holds(value, wanted) for value in exact if value is not None)
            assert told("count", tmp_path / "t", "--where", f"v {word} {said}").strip() == str(count)
    assert "typeWidening" in told("compact", tmp_path / "t", status=1)


def test_a_table_without_parts(told, tmp_path):
    path = str(tmp_path / "none")
    deltalake.write_deltalake(path, rows(0, 3), partition_by=["city"])
    deltalake.DeltaTable(path).delete()
    assert told("count", path).strip() == "0"
    assert told("cat", path) == ""
    assert "id: int64" in told("schema", path)
