"""overwrite, delete, compact, vacuum, history: before delta-rs, Polars and DuckDB, and after delta-rs' own operations."""
import json
import os
import time

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

deltalake = pytest.importorskip("deltalake", reason="deltalake is not installed")

DESCRIPTOR = {
    "name": "t",
    "schema_version": "1.0@2026-01-01",
    "columns": [
        {"name": "tick", "type": "int64", "nullable": False},
        {"name": "venue", "type": "utf8"},
        {"name": "x", "type": "float64"},
    ],
    "partitioning": ["bucket"],
}


def rows(*ticks):
    return pa.table(
        {
            "tick": pa.array(ticks, pa.int64()),
            "venue": pa.array([("oslo", "bergen", None)[t % 3] for t in ticks], pa.string()),
            "x": pa.array([t / 4 for t in ticks], pa.float64()),
        }
    )


class Table:
    def __init__(self, run, place, **keys):
        self._run, self.place, self.path = run, place, str(place / "r/t")
        (place / "registry").mkdir()
        (place / "registry/t.json").write_text(json.dumps({**DESCRIPTOR, **keys}))

    def run(self, *words, status=0, json_out=False):
        done = self._run(*map(str, words), *(["--json"] if json_out else []))
        assert done.returncode == status, done.stderr.decode()
        if json_out:
            return json.loads(done.stdout)
        return (done.stdout if status == 0 else done.stderr).decode()

    def write(self, command, ticks, *words, status=0):
        pq.write_table(rows(*ticks), self.place / "src.parquet")
        return self.run(
            command, "t", "src.parquet", "--root", ".", "--run-id", "r", "--registry", "registry",
            "--tick-bucket-size", "10", *words, status=status, json_out=status == 0,
        )  # fmt: skip

    def append(self, *ticks, **more):
        return self.write("append", ticks, **more)

    def ticks(self, *words):
        return sorted(json.loads(line)["tick"] for line in self.run("cat", self.path, *words).splitlines())

    def delta(self):
        return deltalake.DeltaTable(self.path)

    def parts(self):
        return self.delta().get_add_actions(flatten=True)

    def check(self, *ticks):
        """Everybody reads these rows, and the manifest tells of them."""
        want = rows(*sorted(ticks)).to_pylist()
        want = [{**row, "bucket": row["tick"] // 10} for row in want]
        names = ["tick", "venue", "x", "bucket"]

        def same(table):
            assert table.select(names).sort_by("tick").to_pylist() == want

        assert self.ticks() == sorted(ticks)
        assert self.run("count", self.path).strip() == str(len(ticks))
        same(self.delta().to_pyarrow_dataset().to_table())
        polars = pytest.importorskip("polars")
        if ticks:
            same(polars.scan_delta(self.path).collect().to_arrow())
        manifest = json.loads((self.place / "r/t/manifest.json").read_text())
        assert (manifest["version"], manifest["rows"]) == (self.delta().version(), len(ticks))
        assert manifest["part_count"] == len(self.delta().file_uris())


@pytest.fixture
def table(run, tmp_path):
    return Table(run, tmp_path)


def test_the_whole_table_is_overwritten(table):
    table.append(1, 2, 33)
    told = table.write("overwrite", (5, 6, 77))
    assert (told["version"], told["parts_removed"], told["rows"]) == (1, 2, 3)
    table.check(5, 6, 77)
    assert table.ticks("--version", 0) == [1, 2, 33]
    last = table.delta().history()[0]
    assert last["operation"] == "WRITE" and last["operationParameters"]["mode"] == "Overwrite"
    table.append(100)
    table.check(5, 6, 77, 100)


def test_partitions_are_overwritten(table):
    table.append(1, 11, 21, 31)
    table.write("overwrite", (12, 13), "--partitions", "bucket in (1, 2)")
    table.check(1, 12, 13, 31)
    error = table.write("overwrite", (12, 41), "--partitions", "bucket in (1, 2)", status=3)
    assert "bucket=4" in error and "not among those that are replaced" in error
    error = table.write("overwrite", (12,), "--partitions", "tick > 3", status=3)
    assert "tick is no partition column" in error
    table.check(1, 12, 13, 31)
    assert len(list((table.place / "r/t").rglob("*.parquet"))) == 5, "what was refused left no part"


def test_an_overwrite_by_nothing_empties(table):
    table.append(1, 11)
    table.write("overwrite", (), "--partitions", "bucket = 1")
    table.check(1)
    table.write("overwrite", ())
    table.check()


def test_an_overwrite_makes_a_table(table):
    table.write("overwrite", (1, 2))
    table.check(1, 2)


def test_partitions_are_deleted(table):
    table.append(1, 11, 21)
    told = table.run("delete", table.path, "--where", "bucket between 1 and 5", "--run-id", "tidy", json_out=True)
    assert (told["version"], told["parts_removed"], told["rows_removed"]) == (1, 2, 2)
    table.check(1)
    assert table.delta().history()[0]["runId"] == "tidy"
    assert "x is no partition column (these are: bucket)" in table.run(
        "delete", table.path, "--where", "x > 1", status=3
    )
    assert "nothing to do" in table.run("delete", table.path, "--where", "bucket = 7")
    table.run("delete", table.path, status=2)
    table.run("delete", table.path, "--all")
    table.check()
    table.append(7)
    table.check(7)


def test_small_parts_become_large_ones(table):
    for tick in (1, 2, 3, 11, 12, 21):
        table.append(tick)
    told = table.run("compact", table.path, json_out=True)
    assert (told["parts_removed"], told["parts_added"], told["rows_removed"]) == (5, 2, 5)
    table.check(1, 2, 3, 11, 12, 21)
    assert sorted(table.parts()["num_records"].to_pylist()) == [1, 2, 3]
    assert "nothing to do" in table.run("compact", table.path)
    entry = (table.place / "r/t/_delta_log" / f"{6:020}.json").read_text().splitlines()
    changes = [line for line in map(json.loads, entry) if "add" in line or "remove" in line]
    assert not any((line.get("add") or line["remove"])["dataChange"] for line in changes)
    assert table.ticks("--version", 5) == [1, 2, 3, 11, 12, 21], "older versions are as they were"


def test_compaction_of_some_partitions_and_to_a_size(table):
    for tick in range(8):
        table.append(tick, 10 + tick)
    table.run("compact", table.path, "--where", "bucket = 1")
    buckets = table.parts()["partition.bucket"].to_pylist()
    assert (buckets.count(0), buckets.count(1)) == (8, 1)
    size = os.path.getsize(table.place / "r/t" / table.delta().file_uris()[0].split("/r/t/")[1])
    table.run("compact", table.path, "--target-size", 3 * size)
    assert table.parts()["partition.bucket"].to_pylist().count(0) in (3, 4)
    table.check(*range(8), *range(10, 18))


def test_sorted_parts_stay_sorted(run, tmp_path):
    table = Table(run, tmp_path, sort=[{"column": "tick", "descending": True}])
    for ticks in ((3, 9), (1, 5), (2, 8)):
        table.append(*ticks)
    table.run("compact", table.path)
    (uri,) = table.delta().file_uris()
    part = pq.ParquetFile(uri)
    assert part.read()["tick"].to_pylist() == [9, 8, 5, 3, 2, 1]
    assert part.metadata.row_group(0).sorting_columns[0].descending
    assert part.schema_arrow.metadata.get(b"crv_table_name") == b"t" or b"crv_table_name" in part.metadata.metadata


def test_vacuum(table):
    table.append(1, 2)
    table.append(3)
    table.run("compact", table.path)
    directory = table.place / "r/t"
    (directory / "bucket=0/part-dead.parquet").write_bytes(b"x")
    (directory / "bucket=0/part-young.parquet").write_bytes(b"x")
    (directory / "README.txt").write_text("stays")
    old = time.time() - 30 * 86400
    for name in ("bucket=0/part-dead.parquet", "README.txt", "manifest.json"):
        os.utime(directory / name, (old, old))
    told = table.run("vacuum", table.path, "--dry-run", json_out=True)
    assert [f["path"] for f in told["files"]] == ["bucket=0/part-dead.parquet"] and told["spared"] == 3
    assert (directory / "bucket=0/part-dead.parquet").exists()
    assert "must be forced" in table.run("vacuum", table.path, "--retention", "0s", status=2)
    time.sleep(0.01)
    told = table.run("vacuum", table.path, "--retention", "0s", "--force", json_out=True)
    assert told["removed"] == 3 and told["spared"] == 1, "what may be a writer's stays"
    left = sorted(p.name for p in directory.rglob("*.parquet") if "_delta_log" not in str(p))
    assert "part-young.parquet" in left and len(left) == 2
    assert (directory / "README.txt").exists() and (directory / "manifest.json").exists()
    table.check(1, 2, 3)


def test_vacuum_keeps_what_retained_versions_need(table):
    table.append(1, 2)
    table.write("overwrite", (3,))
    for path in (table.place / "r/t").rglob("*.parquet"):
        old = time.time() - 30 * 86400
        os.utime(path, (old, old))
    assert table.run("vacuum", table.path, json_out=True)["removed"] == 0
    assert table.ticks("--version", 0) == [1, 2]


def test_history(table):
    table.append(1, 2)
    table.append(11)
    table.run("delete", table.path, "--where", "bucket = 1")
    versions = table.run("history", table.path, json_out=True)["versions"]
    assert [(v["version"], v["operation"], v["rows_added"], v["parts_added"], v["parts_removed"]) for v in versions] == [
        (2, "DELETE", 0, 0, 1), (1, "WRITE", 1, 1, 0), (0, "WRITE", 2, 1, 0),
    ]  # fmt: skip
    assert versions[1]["run_id"] == "r" and versions[0]["parameters"]["predicate"]
    text = table.run("history", table.path, "--limit", 2).splitlines()
    assert len(text) == 2 and "DELETE" in text[0] and "+1 rows" in text[1]
    table.run("history", table.place, status=9)


def test_after_operations_of_delta_rs(table):
    table.append(1, 11, 21)
    delta = table.delta()
    more = rows(31, 32).append_column("bucket", pa.array([3, 3], pa.int64()))
    deltalake.write_deltalake(delta, more, mode="append")
    assert table.ticks() == [1, 11, 21, 31, 32]
    table.append(33)
    table.delta().delete("bucket = 1")
    assert table.ticks() == [1, 21, 31, 32, 33]
    table.append(34)
    table.delta().optimize.compact()
    assert table.ticks() == [1, 21, 31, 32, 33, 34]
    over = rows(2).append_column("bucket", pa.array([0], pa.int64()))
    deltalake.write_deltalake(table.delta(), over, mode="overwrite", predicate="bucket = 0")
    assert table.ticks() == [2, 21, 31, 32, 33, 34]
    table.delta().vacuum(retention_hours=0, enforce_retention_duration=False, dry_run=False)
    assert table.ticks() == [2, 21, 31, 32, 33, 34]
    table.run("compact", table.path)
    table.append(35)
    table.run("vacuum", table.path)
    table.check(2, 21, 31, 32, 33, 34, 35)


def test_operations_on_a_table_that_delta_rs_made(run, tmp_path):
    path = str(tmp_path / "theirs")
    for i in range(4):
        batch = rows(*range(10 * i, 10 * i + 10)).append_column("p", pa.array([i % 2] * 10, pa.int32()))
        deltalake.write_deltalake(path, batch, mode="append", partition_by=["p"])

    def call(*words):
        done = run(*map(str, words))
        assert done.returncode == 0, done.stderr
        return done.stdout.decode()

    call("compact", path)
    assert deltalake.DeltaTable(path).to_pyarrow_dataset().count_rows() == 40
    assert len(deltalake.DeltaTable(path).file_uris()) == 2
    call("delete", path, "--where", "p = 0")
    assert deltalake.DeltaTable(path).to_pyarrow_dataset().count_rows() == 20
    call("vacuum", path)
    assert call("count", path).strip() == "20"
    assert call("count", path, "--version", 3).strip() == "40"


def test_duckdb_reads_a_table_after_operations(table):
    duckdb = pytest.importorskip("duckdb")
    try:
        duckdb.sql("load delta")
    except Exception as why:
        pytest.skip(f"DuckDB has no delta extension here: {str(why).splitlines()[0]}")
    table.append(1, 11)
    table.append(2)
    table.run("compact", table.path)
    table.write("overwrite", (12,), "--partitions", "bucket = 1")
    got = duckdb.sql(f"select tick from delta_scan('{table.path}') order by 1").fetchall()
    assert [t for (t,) in got] == [1, 2, 12]


def log_of(table, version):
    return table.place / "r/t/_delta_log" / f"{version:020}.json"


def edit(table, version, change):
    """The adds of an entry are changed, as by a writer that lies."""
    lines = [json.loads(line) for line in log_of(table, version).read_text().splitlines()]
    for line in lines:
        if "add" in line:
            stats = json.loads(line["add"]["stats"])
            change(line["add"], stats)
            line["add"]["stats"] = json.dumps(stats)
    log_of(table, version).write_text("".join(json.dumps(line) + "\n" for line in lines))


def test_verify_finds_nothing_in_what_is_whole(table):
    table.append(1, 2, 31)
    table.append(3, 12)
    table.run("compact", table.path)
    deltalake.write_deltalake(
        table.delta(), rows(5, 6).append_column("bucket", pa.array([0, 0], pa.int64())), mode="append"
    )
    result = table.run("verify", table.path, json_out=True)["results"][0]
    assert result["status"] == "ok" and result["verdict"] == "ok"
    assert (result["table"]["rows"], result["table"]["problems"], result["table"]["unreferenced"]) == (7, 0, 2)


@pytest.mark.parametrize(
    "kind, exit_status, damage",
    [
        ("missing", 9, lambda t, part: part.unlink()),
        ("size", 3, lambda t, part: part.write_bytes(part.read_bytes() + b"x")),
        ("checksum", 3, lambda t, part: part.write_bytes(part.read_bytes().replace(b"oslo", b"OSLO"))),
        ("rows", 3, lambda t, part: edit(t, 0, lambda add, stats: stats.update(numRecords=7))),
        ("statistics", 3, lambda t, part: edit(t, 0, lambda add, stats: stats["minValues"].update(tick=4))),
        ("statistics", 3, lambda t, part: edit(t, 0, lambda add, stats: stats["maxValues"].update(x=0.5))),
        ("statistics", 3, lambda t, part: edit(t, 0, lambda add, stats: stats["maxValues"].update(venue="a"))),
        ("statistics", 3, lambda t, part: edit(t, 0, lambda add, stats: stats["nullCount"].update(venue=2))),
        ("partition", 3, lambda t, part: edit(t, 0, lambda add, stats: add["partitionValues"].update(bucket="x"))),
    ],
)
def test_verify_tells_what_is_not_so(table, kind, exit_status, damage):
    table.append(1, 2, 3)
    (part,) = (table.place / "r/t").rglob("*.parquet")
    damage(table, part)
    done = table._run("verify", table.path, "--json")
    result = json.loads(done.stdout)["results"][0]
    assert (done.returncode, {p["kind"] for p in result["problems"]} >= {kind}) == (exit_status, True), result
    text = table._run("verify", table.path)
    assert kind.encode() in text.stdout and text.returncode == exit_status


def test_verify_and_repair_the_manifest(table):
    table.append(1, 2)
    table.append(12)
    manifest = table.place / "r/t/manifest.json"
    good = manifest.read_text()
    assert "as it should be" in table.run("repair", table.path)
    for bad, status in ((good.replace('"rows":3', '"rows":4'), 8), ("{", 8), (good.replace('"version":1', '"version":7'), 8)):
        manifest.write_text(bad)
        table.run("verify", table.path, status=status)
        assert table.run("repair", table.path, json_out=True)["manifest"]
        assert manifest.read_text() == good
    manifest.unlink()
    table.run("verify", table.path)
    table.run("repair", table.path)
    assert manifest.read_text() == good


def test_repair_makes_a_checkpoint_and_removes_leftovers(table):
    for tick in range(12):
        table.append(tick)
    hint = table.place / "r/t/_delta_log/_last_checkpoint"
    hint.unlink()
    left = table.place / "r/t/bucket=0" / (".lamella-" + "0" * 32 + ".tmp")
    left.write_bytes(b"x")
    told = table.run("repair", table.path, json_out=True)
    assert told["checkpoint"] and told["leftovers"] == 1 and not left.exists()
    assert json.loads(hint.read_text())["version"] == 11
    table.check(*range(12))
