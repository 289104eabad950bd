"""lamella append: rows into tables, and what comes out of them in other people's readers."""
import datetime
import decimal
import json
import os
import random
import signal
import subprocess
import time

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

HEAD = {"name": "trades", "schema_version": "1.0@2026-01-01"}
COLUMNS = [
    {"name": "tick", "type": "int64", "nullable": False, "rules": {"min": -1000}},
    {"name": "venue", "type": "utf8"},
    {"name": "price", "type": "decimal128(10, 2)"},
    {"name": "when", "type": "timestamp[us, UTC]"},
    {"name": "n", "type": "uint16"},
]


@pytest.fixture
def registry(tmp_path):
    (tmp_path / "registry").mkdir()

    def write(**keys):
        descriptor = {**HEAD, "columns": COLUMNS, "partitioning": ["bucket", "venue"], **keys}
        (tmp_path / "registry" / f"{descriptor['name']}.json").write_text(json.dumps(descriptor))

    write()
    return write


def rows(ticks, seed=1):
    chance = random.Random(seed)
    moment = datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc)
    return pa.table(
        {
            "tick": pa.array(ticks, pa.int64()),
            "venue": pa.array([chance.choice(["oslo", "bergen", "a/b c", None]) for _ in ticks]),
            "price": pa.array([decimal.Decimal(chance.randrange(-999, 999)) / 100 for _ in ticks], pa.decimal128(10, 2)),
            "when": pa.array([moment + datetime.timedelta(seconds=t) for t in ticks], pa.timestamp("us", "UTC")),
            "n": pa.array([chance.randrange(65536) for _ in ticks], pa.uint16()),
        }
    )


def put(path, table):
    with pa.ipc.new_file(path, table.schema) as writer:
        writer.write_table(table)


WORDS = ("--root", "out", "--run-id", "r1", "--registry", "registry", "--tick-bucket-size", "10", "--json")


def append(run, source, *words, table="trades"):
    result = run("append", table, source, *WORDS, *words)
    return result.returncode, json.loads(result.stdout)


def sorted_rows(table):
    keep = ["tick", "venue", "price", "when", "n"]
    return sorted(table.select(keep).to_pylist(), key=lambda r: (r["tick"], str(r["price"]), r["n"]))


def same_as_delta(path, wanted):
    deltalake = pytest.importorskip("deltalake")
    polars = pytest.importorskip("polars")
    table = deltalake.DeltaTable(str(path)).to_pyarrow_table()
    wanted = sorted_rows(wanted)
    assert sorted_rows(table) == wanted
    assert table.column("bucket").to_pylist() == [t // 10 for t in table.column("tick").to_pylist()]
    assert sorted_rows(polars.scan_delta(str(path)).collect().to_arrow()) == wanted


def test_rows_are_what_delta_rs_and_polars_read(run, registry, tmp_path):
    parts = [rows([random.Random(i).randrange(-99, 99) for _ in range(50)], i) for i in range(4)]
    for i, part in enumerate(parts):
        put(tmp_path / "in.arrow", part)
        status, told = append(run, "in.arrow")
        assert (status, told["rows"], told["version"]) == (0, 50, i)
        ticks = part.column("tick").to_pylist()
        assert told["buckets"] == sorted({t // 10 for t in ticks})
        for p in told["parts"]:
            meta = pq.read_metadata(tmp_path / p["path"])
            assert meta.num_rows == p["rows"]
            assert os.path.getsize(tmp_path / p["path"]) == p["bytes"]
            assert p["tick_min"] // 10 == p["tick_max"] // 10 == p["bucket_id"]
            assert meta.metadata[b"crv_schema_version"] == b"1.0@2026-01-01"
            assert meta.metadata[b"crv_table_name"] == b"trades"
            assert meta.metadata[b"crv_run_id"] == b"r1"
            assert "bucket" not in meta.schema.names and "venue" not in meta.schema.names
        same_as_delta(tmp_path / "out/r1/trades", pa.concat_tables(parts[: i + 1]))


def test_timestamps_without_a_zone_are_a_feature_of_the_table(run, registry, tmp_path):
    registry(columns=[{"name": "tick", "type": "int64"}, {"name": "at", "type": "timestamp[us]"}], partitioning=["bucket"])
    at = datetime.datetime(2026, 1, 1, 12)
    put(tmp_path / "in.arrow", pa.table({"tick": [1], "at": pa.array([at], pa.timestamp("us"))}))
    assert append(run, "in.arrow")[0] == 0
    deltalake = pytest.importorskip("deltalake")
    table = deltalake.DeltaTable(str(tmp_path / "out/r1/trades"))
    assert table.to_pyarrow_table().column("at").to_pylist() == [at]
    assert table.protocol().min_reader_version == 3


@pytest.mark.parametrize("kind", ["date", "timestamp", "timestamp_ntz", "int8", "bool", "decimal"])
def test_partition_values_are_read_by_others(run, registry, tmp_path, kind):
    deltalake = pytest.importorskip("deltalake")
    utc = datetime.timezone.utc
    types = {
        "date": (pa.date32(), "date32", datetime.date(2026, 1, 31)),
        "timestamp": (pa.timestamp("us", "UTC"), "timestamp[us, UTC]", datetime.datetime(2026, 1, 2, 3, 4, 5, 6, utc)),
        "timestamp_ntz": (pa.timestamp("us"), "timestamp[us]", datetime.datetime(2026, 1, 2, 3, 4, 5, 6)),
        "int8": (pa.int8(), "int8", -5),
        "bool": (pa.bool_(), "bool", True),
        "decimal": (pa.decimal128(9, 2), "decimal128(9, 2)", decimal.Decimal("7.50")),  # delta-rs reads negative ones wrongly
    }
    arrow, text, value = types[kind]
    registry(columns=[{"name": "p", "type": text}, {"name": "x", "type": "int64"}], partitioning=["p"])
    put(tmp_path / "in.arrow", pa.table({"p": pa.array([value, None], arrow), "x": [1, 2]}))
    assert append(run, "in.arrow")[0] == 0
    table = deltalake.DeltaTable(str(tmp_path / "out/r1/trades")).to_pyarrow_table()
    assert sorted(table.select(["p", "x"]).to_pylist(), key=lambda r: r["x"]) == [{"p": value, "x": 1}, {"p": None, "x": 2}]


def test_text_is_read_as_the_table_has_it(run, registry, tmp_path):
    registry(columns=[{"name": "tick", "type": "int32"}, {"name": "code", "type": "utf8"}], partitioning=["bucket"])
    (tmp_path / "in.csv").write_text("code,tick\n007,1\n008,-1\n")
    status, told = append(run, "in.csv")
    assert (status, told["rows"], told["buckets"]) == (0, 2, [-1, 0])
    table = pa.concat_tables([pq.ParquetFile(tmp_path / p["path"]).read() for p in told["parts"]])
    assert table.column("code").to_pylist() == ["008", "007"]
    result = run("append", "trades", "-", *WORDS, stdin=b'{"tick": 5, "code": "x"}\n')
    assert result.returncode == 0, result.stderr


def test_failures_leave_the_table_as_it_was(run, registry, tmp_path):
    good = rows([1, 2, 3])
    put(tmp_path / "in.arrow", good)
    assert append(run, "in.arrow")[0] == 0
    before = {p: p.stat().st_mtime_ns for p in (tmp_path / "out").rglob("*") if p.is_file()}
    put(tmp_path / "bad.arrow", good.set_column(4, "n", pa.array([1, 2, 3], pa.int64())))
    status, told = append(run, "bad.arrow")
    assert (status, told["status"]) == (3, "schema") and "column n: it is int64, not uint16" in told["message"]
    put(tmp_path / "bad.arrow", rows([1, -2000]))
    status, told = append(run, "bad.arrow", "--validate-rows")
    assert status == 3 and "column tick: row 1: -2000 breaks the rule min -1000" in told["message"]
    status, told = append(run, "missing.arrow")
    assert status == 9
    status, told = append(run, "in.arrow", table="other")
    assert status == 3 and "describes no table other" in told["message"]
    assert {p: p.stat().st_mtime_ns for p in (tmp_path / "out").rglob("*") if p.is_file()} == before
    assert run("append", "trades", "in.arrow", "--root", "out").returncode == 2


def test_files_that_are_there_are_not_hidden_by_a_new_table(run, registry, tmp_path):
    """table/begin.h 1"""
    place = tmp_path / "out" / "r1" / "trades"
    place.mkdir(parents=True)
    pq.write_table(rows([1, 2]), place / "old.parquet")
    put(tmp_path / "a.arrow", rows([3]))
    refused = run("append", "trades", "a.arrow", *WORDS)
    assert refused.returncode == 4
    assert b"old.parquet" in refused.stderr and b"lamella convert" in refused.stderr
    assert [p.name for p in place.iterdir()] == ["old.parquet"]
    (place / "old.parquet").rename(place / ".hidden")
    append(run, "a.arrow")
    assert os.listdir(place / "_delta_log") == ["00000000000000000000.json"], "the mark has gone"


def test_a_batch_is_appended_once(run, registry, tmp_path):
    put(tmp_path / "in.arrow", rows(range(30)))
    first, again = append(run, "in.arrow", "--batch", "7"), append(run, "in.arrow", "--batch", "7")
    assert first[0] == again[0] == 0
    assert again[1]["repeated"] and not first[1]["repeated"]
    assert again[1]["parts"] == first[1]["parts"]
    same_as_delta(tmp_path / "out/r1/trades", rows(range(30)))


def test_tables_that_others_made_are_appended_to(run, registry, tmp_path):
    deltalake = pytest.importorskip("deltalake")
    registry(partitioning=["venue"], columns=[*COLUMNS[:4], {"name": "n", "type": "int32"}])
    first = rows(range(20), 3)
    first = first.set_column(4, "n", first.column("n").cast(pa.int32()))
    path = tmp_path / "out/r1/trades"
    path.parent.mkdir(parents=True)
    deltalake.write_deltalake(str(path), first, partition_by=["venue"])
    put(tmp_path / "in.arrow", first)
    status, told = append(run, "in.arrow")
    assert status == 0, told
    deltalake.write_deltalake(str(path), first, mode="append")
    assert append(run, "in.arrow")[0] == 0
    table = deltalake.DeltaTable(str(path))
    assert table.version() == 3
    assert sorted_rows(table.to_pyarrow_table()) == sorted_rows(pa.concat_tables([first] * 4))


def test_killed_writers_leave_a_whole_table(lamella, registry, tmp_path):
    """Writers that are killed at random beside one that goes on: each append is there whole or not at all."""
    deltalake = pytest.importorskip("deltalake")
    table = rows(range(200), 5)
    put(tmp_path / "in.arrow", table)
    chance, done = random.Random(11), 0
    words = [str(lamella), "append", "trades", "in.arrow", *WORDS]
    for _ in range(25):
        process = subprocess.Popen(words, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(chance.random() * 0.06)
        process.send_signal(signal.SIGKILL)
        done += process.wait() == 0
        done += subprocess.run(words, cwd=tmp_path, stdout=subprocess.DEVNULL, timeout=60).returncode == 0
    got = deltalake.DeltaTable(str(tmp_path / "out/r1/trades")).to_pyarrow_table()
    assert got.num_rows % table.num_rows == 0
    assert got.num_rows // table.num_rows >= done
    assert got.num_rows // table.num_rows <= done + 25


def test_the_manifest_shows_what_the_log_has(run, registry, tmp_path):
    put(tmp_path / "in.arrow", rows(range(-5, 30)))
    for version in range(3):
        status, told = append(run, "in.arrow")
        assert status == 0
        manifest = json.loads((tmp_path / "out/r1/trades/manifest.json").read_text())
        assert (manifest["version"], manifest["rows"]) == (version, 35 * (version + 1))
        assert (manifest["table"], manifest["run_id"]) == ("trades", "r1")
        assert (manifest["tick_min"], manifest["tick_max"]) == (-5, 29)
        assert [b["bucket_id"] for b in manifest["buckets"]] == [-1, 0, 1, 2]
        paths = {f"out/r1/trades/{p['path']}" for b in manifest["buckets"] for p in b["parts"]}
        assert {p["path"] for p in told["parts"]} <= paths
        for bucket in manifest["buckets"]:
            assert bucket["rows"] == sum(p["rows"] for p in bucket["parts"])
            assert bucket["bytes"] == sum(p["bytes"] for p in bucket["parts"])


def test_many_writers_that_die_and_try_again_append_each_batch_once(lamella, registry, tmp_path):
    """Six writers take batches from one list; some are killed, and whoever comes next takes the batch again."""
    deltalake = pytest.importorskip("deltalake")
    for batch in range(24):
        put(tmp_path / f"{batch}.arrow", rows([100 * batch + i for i in range(20)], batch))
    chance, left, running, kills = random.Random(7), list(range(24)), {}, 30
    while left or running:
        while left and len(running) < 6:
            batch = left.pop(chance.randrange(len(left)))
            words = [lamella, "append", "trades", f"{batch}.arrow", *WORDS, "--batch", str(batch), "--any-order"]
            running[subprocess.Popen(words, cwd=tmp_path, stdout=subprocess.DEVNULL)] = batch
        process = chance.choice(list(running))
        if kills and chance.random() < 0.5:
            time.sleep(chance.random() * 0.02)
            process.send_signal(signal.SIGKILL)
            kills -= 1
        if process.wait(timeout=60) != 0:
            left.append(running[process])
        elif chance.random() < 0.2:
            left.append(running[process])  # its answer was lost
        del running[process]
    got = deltalake.DeltaTable(str(tmp_path / "out/r1/trades")).to_pyarrow_table()
    assert sorted(got.column("tick").to_pylist()) == sorted(100 * b + i for b in range(24) for i in range(20))


def every_type():
    utc = datetime.timezone.utc
    text = ["", "a", "\U0001f600" * 40, "z" * 100, None]
    return {
        "i8": ("int8", pa.array([-128, 0, 127, None, 5], pa.int8())),
        "i16": ("int16", pa.array([-32768, 0, 32767, None, 5], pa.int16())),
        "i32": ("int32", pa.array([-(2**31), 0, 2**31 - 1, None, 5], pa.int32())),
        "i64": ("int64", pa.array([-(2**63), 0, 2**63 - 1, None, 5], pa.int64())),
        "u32": ("uint32", pa.array([0, 2**32 - 1, 7, None, 5], pa.uint32())),
        "f32": ("float32", pa.array([-1.5, 0.1, float("inf"), None, 5], pa.float32())),
        "f64": ("float64", pa.array([-0.0, 1e300, 2.5, None, 5], pa.float64())),
        "d9": ("decimal128(9, 2)", pa.array([decimal.Decimal(x) for x in ("-1.25", "0.00", "9999999.99", "5.00", "7.77")], pa.decimal128(9, 2))),
        "d38": ("decimal128(38, 5)", pa.array([decimal.Decimal(-1).scaleb(32).quantize(decimal.Decimal("0.00001"), context=decimal.Context(40)), None, decimal.Decimal("0.00001"), decimal.Decimal("5.00000"), decimal.Decimal(7)], pa.decimal128(38, 5))),
        "s": ("utf8", pa.array(text)),
        "b": ("binary", pa.array([b"", b"\xff" * 80, b"a", None, b"\x00"])),
        "t": ("bool", pa.array([True, False, None, True, False])),
        "day": ("date32", pa.array([datetime.date(1, 1, 1), datetime.date(9999, 12, 31), datetime.date(1969, 12, 31), None, datetime.date(2026, 1, 1)])),
        "at": ("timestamp[us, UTC]", pa.array([datetime.datetime(1969, 12, 31, 23, 59, 59, 999999, utc), datetime.datetime(2026, 1, 1, 0, 0, 0, 1, utc), None, datetime.datetime(2262, 1, 1, tzinfo=utc), datetime.datetime(1900, 1, 1, tzinfo=utc)], pa.timestamp("us", "UTC"))),
        "l": ("list<item: int32>", pa.array([[1, 2], [], None, [None], [3]], pa.list_(pa.int32()))),
        "st": ("struct<a: int32, b: utf8>", pa.array([{"a": 1, "b": "x"}, None, {"a": None, "b": "y"}, {"a": 9, "b": None}, {"a": -1, "b": ""}], pa.struct([("a", pa.int32()), ("b", pa.string())]))),
        "m": ("map<utf8, int64>", pa.array([[("k", 1)], [], None, [("a", None)], [("b", 2), ("c", 3)]], pa.map_(pa.string(), pa.int64()))),
    }  # fmt: skip


def test_every_type_is_read_by_others_and_their_filters_find_each_row(run, registry, tmp_path):
    """One row a part: a wrong statistic would rule out the part that has the row."""
    deltalake, polars = pytest.importorskip("deltalake"), pytest.importorskip("polars")
    types = every_type()
    registry(
        columns=[{"name": "row", "type": "int64"}, *({"name": k, "type": t} for k, (t, _) in types.items())],
        partitioning=[{"bucket": {"column": "row", "size": 1}}],
    )
    table = pa.table({"row": pa.array(range(5)), **{name: array for name, (_, array) in types.items()}})
    put(tmp_path / "in.arrow", table)
    words = [word for word in WORDS if word not in ("--tick-bucket-size", "10")]
    result = run("append", "trades", "in.arrow", *words)
    assert result.returncode == 0, result.stderr
    path = str(tmp_path / "out/r1/trades")
    got = deltalake.DeltaTable(path).to_pyarrow_table().sort_by("row")
    assert got.select(["row", *types]).to_pylist() == table.to_pylist()
    scan = polars.scan_delta(path)
    for name, (_, array) in types.items():
        if name in ("l", "st", "m", "b"):
            continue
        for row, value in enumerate(array.to_pylist()):
            if value is None:
                found = scan.filter(polars.col(name).is_null())
            else:
                found = scan.filter(polars.col(name) == polars.lit(value, scan.collect_schema()[name]))
            assert row in found.select("row").collect()["row"].to_list(), (name, value)


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
@pytest.mark.parametrize("many", [False, True])
def test_texts_and_decimals_of_formats_without_types_stay_as_they_are(run, tmp_path, kind, many):
    """What looks like a number, a boolean or a time is text where the table says so, to the last character."""
    columns = [{"name": "tick", "type": "int64", "nullable": False}, {"name": "t", "type": "utf8"},
               {"name": "d", "type": "decimal128(30, 2)"}, {"name": "at", "type": "timestamp[us, UTC]"}]  # fmt: skip
    (tmp_path / "tables").mkdir()
    (tmp_path / "tables" / "texts.json").write_text(json.dumps(
        {"name": "texts", "schema_version": "1.0@2026-01-01", "columns": columns, "partitioning": []}))  # fmt: skip
    for place, texts in enumerate((["1.50", "007", "1e5"], ["TRUE", "false"], ["2026-01-01 00:00:00"], ["12345678901234567890"])):
        rows = [(i, text, "12345678901234567890.50", "2026-01-01T12:00:00Z") for i, text in enumerate(texts)]
        if kind == "csv":
            lines = ["tick,t,d,at", *(",".join(map(str, row)) for row in rows)]
        else:
            lines = [f'{{"tick":{tick},"t":"{text}","d":{d},"at":"{at}"}}' for tick, text, d, at in rows]
        source = tmp_path / (f"in{place}" if many else f"in{place}.{kind}")
        if many:
            source.mkdir()
        (source / f"x.{kind}" if many else source).write_text("\n".join(lines) + "\n")
        done = run("append", "texts", source.name, "--root", "out", "--run-id", "r", "--registry", "tables", "--json")
        assert done.returncode == 0, done.stderr
        part = json.loads(done.stdout)["parts"][0]["path"]
        got = [json.loads(line) for line in run("cat", part).stdout.splitlines()]
        assert [row["t"] for row in got] == texts
        assert b'"d":12345678901234567890.50' in run("cat", part).stdout
        assert {row["at"] for row in got} == {"2026-01-01T12:00:00.000000Z"}
