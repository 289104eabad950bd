"""The log of a table before delta-rs, Polars and DuckDB, and theirs before us.

Parts are written by pyarrow here; what is tested is the log: entries, checkpoints, the hint. It is
driven by tests/interop/table_driver.c.
"""

import datetime
import json
import os
import subprocess
import urllib.parse
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

deltalake = pytest.importorskip("deltalake")
ROOT = Path(__file__).resolve().parents[2]
DRIVER = Path(os.environ.get("LAMELLA_TABLE_DRIVER", ROOT / "build/release/tests/interop/table_driver"))
pytestmark = pytest.mark.skipif(not DRIVER.exists(), reason=f"{DRIVER} is not built")

SCHEMA = {
    "type": "struct",
    "fields": [
        {"name": "id", "type": "long", "nullable": False, "metadata": {}},
        {"name": "text", "type": "string", "nullable": True, "metadata": {"comment": "ü"}},
        {"name": "bucket", "type": "long", "nullable": True, "metadata": {}},
        {"name": "where", "type": "string", "nullable": True, "metadata": {}},
    ],
}
ARROW = pa.schema([pa.field("id", pa.int64(), nullable=False), pa.field("text", pa.string())])


class Failed(Exception):
    pass


def drive(root, *args, actions=None):
    text = None if actions is None else "".join(json.dumps(a) + "\n" for a in actions)
    done = subprocess.run([DRIVER, str(root), *map(str, args)], input=text, capture_output=True, text=True, timeout=120)
    if done.returncode:
        raise Failed(done.stderr.strip())
    return [json.loads(line) for line in done.stdout.splitlines()]


def head(configuration=None):
    protocol = {"minReaderVersion": 1, "minWriterVersion": 2}
    metadata = {
        "id": "5fba94ed-9794-4965-ba6e-6ee3c0d22af9",
        "format": {"provider": "parquet", "options": {}},
        "schemaString": json.dumps(SCHEMA),
        "partitionColumns": ["bucket", "where"],
        "configuration": configuration or {},
        "createdTime": 1700000000000,
    }
    return [{"protocol": protocol}, {"metaData": metadata}]


def part(root, name, rows, bucket, where=None):
    """A part on disk, and its add action. (Polars takes partition values from the path.)"""
    directory = "__HIVE_DEFAULT_PARTITION__" if where is None else urllib.parse.quote(where, safe="")
    path = f"bucket={bucket}/where={directory}/{name}"
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    table = pa.table({"id": [r[0] for r in rows], "text": [r[1] for r in rows]}, schema=ARROW)
    pq.write_table(table, root / path)
    ids, texts = [r[0] for r in rows], [r[1] for r in rows if r[1] is not None]
    stats = {
        "numRecords": len(rows),
        "minValues": {"id": min(ids), **({"text": min(texts)} if texts else {})},
        "maxValues": {"id": max(ids), **({"text": max(texts)} if texts else {})},
        "nullCount": {"id": 0, "text": len(rows) - len(texts)},
    }
    return {
        "add": {
            "path": urllib.parse.quote(path, safe="/="),
            "partitionValues": {"bucket": str(bucket), "where": where},
            "size": (root / path).stat().st_size,
            "modificationTime": 1700000000000,
            "dataChange": True,
            "stats": json.dumps(stats),
        }
    }


def remove(add):
    add = add["add"]
    return {
        "remove": {
            "path": add["path"],
            "deletionTimestamp": int(datetime.datetime.now().timestamp() * 1000),
            "dataChange": True,
            "extendedFileMetadata": True,
            "partitionValues": add["partitionValues"],
            "size": add["size"],
        }
    }


def rows_of(table):
    columns = ["id", "text", "bucket", "where"]
    return sorted((tuple(row[c] for c in columns) for row in table.select(columns).to_pylist()), key=repr)


def build(root):
    """A table of several entries; the rows that it has after each."""
    a = part(root, "part one.parquet", [(1, "x y"), (2, None)], 0, "here & there")
    b = part(root, "part+%C3%A9.parquet", [(3, "ü"), (4, "z")], 1, "ü")
    c = part(root, "part#3?.parquet", [(5, "c")], -1)
    drive(root, "commit", "create", actions=head())
    drive(root, "commit", actions=[a, b, {"txn": {"appId": "run", "version": 1}}])
    drive(root, "commit", actions=[c])
    drive(root, "commit", "all", actions=[remove(a)])
    of_a = [(1, "x y", 0, "here & there"), (2, None, 0, "here & there")]
    of_b = [(3, "ü", 1, "ü"), (4, "z", 1, "ü")]
    of_c = [(5, "c", -1, None)]
    return [[], of_a + of_b, of_a + of_b + of_c, of_b + of_c]


def checked_by_others(root, versions):
    for version, rows in enumerate(versions):
        table = deltalake.DeltaTable(str(root), version=version)
        assert rows_of(table.to_pyarrow_table()) == sorted(rows, key=repr), version
    assert deltalake.DeltaTable(str(root)).version() == len(versions) - 1
    polars = pytest.importorskip("polars")
    assert rows_of(polars.scan_delta(str(root)).collect().to_arrow()) == sorted(versions[-1], key=repr)


def test_delta_rs_and_polars_read_our_entries(tmp_path):
    versions = build(tmp_path)
    checked_by_others(tmp_path, versions)
    table = deltalake.DeltaTable(str(tmp_path))
    history = table.history()
    assert [h["operation"] for h in history] == ["WRITE", "WRITE", "WRITE", "CREATE TABLE"]
    assert all(h["engineInfo"].startswith("lamella/") for h in history)
    assert table.metadata().partition_columns == ["bucket", "where"]
    assert table.transaction_version("run") == 1
    assert table.to_pyarrow_table(filters=[("bucket", "=", 1)]).num_rows == 2


def test_delta_rs_and_polars_read_our_checkpoints(tmp_path):
    versions = build(tmp_path)
    assert drive(tmp_path, "checkpoint") == [{"version": 3, "actions": 6}]
    for version in range(4):  # the checkpoint must do alone
        if version < 3:
            (tmp_path / "_delta_log" / f"{version:020}.json").unlink()
    table = deltalake.DeltaTable(str(tmp_path))
    assert rows_of(table.to_pyarrow_table()) == sorted(versions[-1], key=repr)
    assert table.transaction_version("run") == 1
    assert table.schema().to_json() == deltalake.Schema.from_json(json.dumps(SCHEMA)).to_json()
    d = part(tmp_path, "d.parquet", [(6, "d")], 2)
    drive(tmp_path, "commit", actions=[d])
    table = deltalake.DeltaTable(str(tmp_path))
    assert (table.version(), table.to_pyarrow_table().num_rows) == (4, 4)
    # A tombstone kept for it to vacuum by.
    gone = table.vacuum(retention_hours=0, enforce_retention_duration=False, dry_run=True)
    assert [urllib.parse.unquote(Path(g).name) for g in gone] == ["part one.parquet"]


def test_duckdb_reads_our_log(tmp_path):
    duckdb = pytest.importorskip("duckdb")
    connection = duckdb.connect()
    try:
        connection.execute("INSTALL delta; LOAD delta")
    except Exception as error:  # noqa: BLE001
        pytest.skip(f"DuckDB's extension delta cannot be had: {str(error).splitlines()[0]}")
    versions = build(tmp_path)
    drive(tmp_path, "checkpoint")
    table = connection.execute(f"select * from delta_scan('{tmp_path}')").to_arrow_table()
    assert rows_of(table) == sorted(versions[-1], key=repr)


# ---- theirs ----


def live(state):
    return {a["add"]["path"]: a["add"] for a in state if "add" in a}


def same_as_delta_rs(root, version=None):
    state = drive(root, "state", *([] if version is None else [version]))
    table = deltalake.DeltaTable(str(root), version=version)
    assert state[0]["version"] == table.version()
    adds = pa.table(table.get_add_actions(flatten=False)).to_pylist()
    ours = live(state)
    assert {urllib.parse.unquote(p) for p in ours} == {urllib.parse.unquote(a["path"]) for a in adds}
    by_path = {urllib.parse.unquote(p): a for p, a in ours.items()}
    for add in adds:
        mine = by_path[urllib.parse.unquote(add["path"])]
        assert mine["size"] == add["size_bytes"]
        if add.get("num_records") is not None:
            assert json.loads(mine["stats"])["numRecords"] == add["num_records"]
    metadata = next(s["metaData"] for s in state if "metaData" in s)
    assert metadata["id"] == str(table.metadata().id)
    assert json.loads(metadata["schemaString"]) == json.loads(table.schema().to_json())
    assert metadata["partitionColumns"] == table.metadata().partition_columns
    protocol = next(s["protocol"] for s in state if "protocol" in s)
    assert protocol["minReaderVersion"] == table.protocol().min_reader_version
    return state


def frame(start, rows=4):
    day = datetime.date(2024, 2, 28)
    return pa.table(
        {
            "id": pa.array(range(start, start + rows), pa.int64()),
            "day": pa.array([day + datetime.timedelta(days=i % 3) for i in range(rows)]),
            "city": pa.array(["Oslo", "São Paulo/SP", None, "50% & more"][i % 4] for i in range(rows)),
            "amount": pa.array([i / 4 for i in range(rows)], pa.float64()),
        }
    )


def test_a_table_that_delta_rs_has_worked_on_for_long(tmp_path):
    root = str(tmp_path)
    for i in range(30):
        deltalake.write_deltalake(root, frame(i * 4), mode="append", partition_by=["day", "city"])
        if i == 12:
            deltalake.DeltaTable(root).create_checkpoint()
        if i == 15:
            deltalake.DeltaTable(root).delete("city = 'Oslo'")
        if i == 20:
            deltalake.write_deltalake(root, frame(1000), mode="overwrite")
        if i == 23:
            deltalake.DeltaTable(root).optimize.compact()
        if i == 25:
            deltalake.DeltaTable(root).vacuum(retention_hours=0, enforce_retention_duration=False, dry_run=False)
    last = same_as_delta_rs(tmp_path)[0]
    assert last["checkpoint"] == 12
    for version in range(last["version"]):
        try:
            deltalake.DeltaTable(root, version=version)
        except Exception:  # noqa: BLE001
            continue
        same_as_delta_rs(tmp_path, version)


def test_checkpoints_by_turns(tmp_path):
    root = str(tmp_path)
    deltalake.write_deltalake(root, frame(0), partition_by=["day"])
    deltalake.write_deltalake(root, frame(4), mode="append")
    before = live(same_as_delta_rs(tmp_path))
    drive(tmp_path, "checkpoint")
    (tmp_path / "_delta_log" / f"{0:020}.json").unlink()
    after = live(drive(tmp_path, "state"))
    strip = lambda adds: {p: {k: v for k, v in a.items() if k != "dataChange"} for p, a in adds.items()}  # noqa: E731
    assert strip(before) == strip(after)
    deltalake.write_deltalake(root, frame(8), mode="append")
    deltalake.DeltaTable(root).create_checkpoint()
    same_as_delta_rs(tmp_path)
    assert deltalake.DeltaTable(root).to_pyarrow_table().num_rows == 12
    assert drive(tmp_path, "state")[0] == {"version": 2, "checkpoint": 2}


def test_commits_by_turns(tmp_path):
    root = str(tmp_path)
    expected = 0
    deltalake.write_deltalake(root, frame(0), partition_by=["day"])
    for turn in range(1, 6):
        expected = 4 * turn
        path = f"day=2024-03-0{turn}/ours-{turn}.parquet"
        (tmp_path / path).parent.mkdir(exist_ok=True)
        pq.write_table(frame(100 * turn).drop_columns("day"), tmp_path / path)
        add = {
            "path": path,
            "partitionValues": {"day": f"2024-03-0{turn}"},
            "size": (tmp_path / path).stat().st_size,
            "modificationTime": 1,
            "dataChange": True,
        }
        txn = {"txn": {"appId": "ours", "version": turn}}
        version = 2 * turn - 1
        assert drive(tmp_path, "commit", actions=[txn, {"add": add}]) == [{"version": version, "was_there": False}]
        assert drive(tmp_path, "commit", actions=[txn, {"add": add}]) == [{"version": version, "was_there": True}]
        deltalake.write_deltalake(root, frame(1000 * turn), mode="append")
        if turn == 3:
            drive(tmp_path, "checkpoint")
        expected = 4 + 8 * turn
        assert deltalake.DeltaTable(root).to_pyarrow_table().num_rows == expected
        same_as_delta_rs(tmp_path)


def test_what_delta_rs_makes_that_is_not_supported_is_refused_by_name(tmp_path):
    constrained = tmp_path / "constrained"
    deltalake.write_deltalake(str(constrained), frame(0))
    deltalake.DeltaTable(str(constrained)).alter.add_constraint({"positive": "id >= 0"})
    same_as_delta_rs(constrained)
    add = {"add": {"path": "x", "partitionValues": {}, "size": 1, "modificationTime": 1, "dataChange": True}}
    with pytest.raises(Failed, match="UNSUPPORTED.*checkConstraints"):
        drive(constrained, "commit", actions=[add])

    append_only = tmp_path / "append_only"
    deltalake.write_deltalake(str(append_only), frame(0), configuration={"delta.appendOnly": "true"})
    path = next(iter(live(drive(append_only, "state"))))
    with pytest.raises(Failed, match="UNSUPPORTED.*append-only"):
        drive(append_only, "commit", actions=[{"remove": {"path": path, "dataChange": True}}])

    feed = tmp_path / "feed"
    deltalake.write_deltalake(str(feed), frame(0), configuration={"delta.enableChangeDataFeed": "true"})
    same_as_delta_rs(feed)
    with pytest.raises(Failed, match="UNSUPPORTED.*changeDataFeed"):
        drive(feed, "commit", actions=[add])


def test_timestamps_without_a_zone_are_a_feature_that_is_supported(tmp_path):
    table = pa.table({"t": pa.array([datetime.datetime(2024, 1, 1)], pa.timestamp("us")), "id": [1]})
    deltalake.write_deltalake(str(tmp_path), table)
    state = same_as_delta_rs(tmp_path)
    assert "timestampNtz" in state[1]["protocol"]["readerFeatures"]
    drive(tmp_path, "checkpoint")
    (tmp_path / "_delta_log" / f"{0:020}.json").unlink()
    assert deltalake.DeltaTable(str(tmp_path)).to_pyarrow_table().num_rows == 1
    assert state[1:] == [
        {**line, "add": {**line["add"], "dataChange": True}} if "add" in line else line
        for line in drive(tmp_path, "state")[1:]
    ]


def test_delta_rs_takes_our_protocol_for_them(tmp_path):
    moment = datetime.datetime(2024, 1, 1, 12, 30)
    table = pa.table({"t": pa.array([moment], pa.timestamp("us")), "id": pa.array([1], pa.int64())})
    pq.write_table(table, tmp_path / "a.parquet")
    protocol, metadata = head()
    protocol["protocol"] = {
        "minReaderVersion": 3,
        "minWriterVersion": 7,
        "readerFeatures": ["timestampNtz"],
        "writerFeatures": ["timestampNtz", "appendOnly", "invariants"],
    }
    fields = [{"name": n, "type": t, "nullable": True, "metadata": {}} for n, t in (("t", "timestamp_ntz"), ("id", "long"))]
    metadata["metaData"] |= {"schemaString": json.dumps({"type": "struct", "fields": fields}), "partitionColumns": []}
    add = {"path": "a.parquet", "partitionValues": {}, "size": (tmp_path / "a.parquet").stat().st_size}
    add |= {"modificationTime": 1, "dataChange": True}
    drive(tmp_path, "commit", "create", actions=[protocol, metadata, {"add": add}])
    drive(tmp_path, "checkpoint")
    deltalake.write_deltalake(str(tmp_path), table, mode="append")
    assert deltalake.DeltaTable(str(tmp_path)).to_pyarrow_table()["t"].to_pylist() == [moment, moment]
    same_as_delta_rs(tmp_path)


def test_a_log_that_was_cleaned_up_is_read_by_delta_rs(tmp_path):
    versions = build(tmp_path)
    drive(tmp_path, "checkpoint", 2)
    assert drive(tmp_path, "cleanup", 29) == [{"removed": 0}]
    assert drive(tmp_path, "cleanup", 32) == [{"removed": 2}]
    assert sorted(p.name for p in (tmp_path / "_delta_log").iterdir()) == [
        "00000000000000000002.checkpoint.parquet",
        "00000000000000000002.json",
        "00000000000000000003.json",
        "_last_checkpoint",
    ]
    for version in (2, 3):
        table = deltalake.DeltaTable(str(tmp_path), version=version)
        assert rows_of(table.to_pyarrow_table()) == sorted(versions[version], key=repr)
        same_as_delta_rs(tmp_path, version)


def test_checkpoints_in_parts_and_with_columns_of_others(tmp_path):
    """As Spark writes them: parts, parsed statistics beside, columns that are left out."""
    versions = build(tmp_path)
    log = tmp_path / "_delta_log"
    before = drive(tmp_path, "state")
    drive(tmp_path, "checkpoint")
    whole = log / f"{3:020}.checkpoint.parquet"
    table = pq.read_table(whole)
    whole.unlink()
    add = table.column("add").combine_chunks()
    fields = [f for f in add.type if f.name != "tags"]
    parsed = pa.array([{"numRecords": 1, "minValues": {"id": 1}} if a.is_valid else None for a in add])
    richer = pa.StructArray.from_arrays(
        [*(add.field(f.name) for f in fields), parsed], fields=[*fields, pa.field("stats_parsed", parsed.type)],
        mask=add.is_null()
    )  # fmt: skip
    table = table.set_column(table.schema.get_field_index("add"), "add", richer)
    table = table.append_column("domainMetadata", pa.nulls(len(table), pa.struct({"domain": pa.string()})))
    for part in range(3):
        rows = table.slice(part * 2, 2)
        pq.write_table(rows, log / f"{3:020}.checkpoint.{part + 1:010}.{3:010}.parquet", compression="zstd")
    (log / "_last_checkpoint").write_text(json.dumps({"version": 3, "size": 6, "parts": 3}))
    for version in range(3):
        (log / f"{version:020}.json").unlink()
    after = drive(tmp_path, "state")
    assert after[0] == {"version": 3, "checkpoint": 3}
    known = ("path", "partitionValues", "size", "stats")
    assert [{k: v[k] for k in known} for v in live(after).values()] == [
        {k: live(before)[p][k] for k in known} for p in live(after)
    ]
    assert set(live(after)) == set(live(before)) and len(live(after)) == 2
    assert [s for s in after if "txn" in s] == [s for s in before if "txn" in s]
    assert rows_of(deltalake.DeltaTable(str(tmp_path)).to_pyarrow_table()) == sorted(versions[3], key=repr)
    drive(tmp_path, "commit", actions=[part_of_nothing := {"txn": {"appId": "next", "version": 1}}])
    assert part_of_nothing in drive(tmp_path, "state")
    (log / f"{3:020}.checkpoint.{2:010}.{3:010}.parquet").unlink()  # one that is not whole is none
    with pytest.raises(Failed, match="CORRUPT.*entry 0 is missing"):
        drive(tmp_path, "state")


def test_a_damaged_checkpoint_is_named(tmp_path):
    build(tmp_path)
    drive(tmp_path, "checkpoint", 2)
    path = tmp_path / "_delta_log" / f"{2:020}.checkpoint.parquet"
    whole = path.read_bytes()
    for damaged in (b"", whole[:100], b"x" * 100, whole[:-20] + b"\0" * 20):
        path.write_bytes(damaged)
        with pytest.raises(Failed, match="CORRUPT.*00002.checkpoint.parquet"):
            drive(tmp_path, "state")
    table = pq.read_table(pa.BufferReader(whole))
    add = table.column("add").combine_chunks()
    index = add.type.get_field_index("size")
    columns = [add.field(i).cast(pa.string()) if i == index else add.field(i) for i in range(add.type.num_fields)]
    wrong = pa.StructArray.from_arrays(columns, [f.name for f in add.type], mask=add.is_null())
    pq.write_table(table.set_column(table.schema.get_field_index("add"), "add", wrong), path)
    with pytest.raises(Failed, match="CORRUPT.*00002.checkpoint.parquet: column add.size is utf8"):
        drive(tmp_path, "state")
