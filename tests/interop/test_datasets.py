"""Datasets that other libraries wrote are read as they read them."""

import datetime as dt
import os
import pathlib
import random
import subprocess

import pytest

pa = pytest.importorskip("pyarrow")
pd = pytest.importorskip("pyarrow.dataset")
pc = pytest.importorskip("pyarrow.compute")
pq = pytest.importorskip("pyarrow.parquet")
duckdb = pytest.importorskip("duckdb")

ROOT = pathlib.Path(__file__).resolve().parents[2]
COMMAND = pathlib.Path(os.environ.get("LAMELLA_COMMAND") or ROOT / "build" / "lamella")


def read(path, *words):
    done = subprocess.run([COMMAND, "cat", path, "--format", "arrows", *words], capture_output=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return pa.ipc.open_stream(done.stdout).read_all()


def rows(table):
    return sorted((tuple(sorted(row.items(), key=str)) for row in table.to_pylist()), key=repr)


def sample(count, seed):
    random.seed(seed)
    return pa.table(
        {
            "id": pa.array(range(count), pa.int64()),
            "city": pa.array([random.choice(["Oslo", "a/b", "x=y", "æ ø%å", None]) for _ in range(count)]),
            "day": pa.array([dt.date(2026, 1, random.randint(1, 4)) for _ in range(count)]),
            "n": pa.array([random.choice([1, 22, -3, None]) for _ in range(count)], pa.int64()),
            "amount": pa.array([random.random() * 100 for _ in range(count)]),
        }
    )


@pytest.mark.parametrize("keys", [["day"], ["city"], ["n", "city"], ["day", "n"]])
def test_partitions_written_by_pyarrow(tmp_path, keys):
    table = sample(500, 1)
    schema = pa.schema([table.schema.field(key) for key in keys])
    pd.write_dataset(table, tmp_path / "d", format="parquet", partitioning=pd.partitioning(schema, flavor="hive"))
    got = read(tmp_path / "d")
    assert got.schema.names == [n for n in table.schema.names if n not in keys] + keys
    assert [got.schema.field(key).type for key in keys] == [table.schema.field(key).type for key in keys]
    assert rows(got) == rows(table)


def test_partitions_written_by_duckdb(tmp_path):
    sampled = sample(500, 2)
    sampled = sampled.filter(pc.is_valid(sampled["city"]))
    duckdb.sql(f"copy sampled to '{tmp_path}/d' (format parquet, partition_by (day, city))")
    ours = read(tmp_path / "d")
    theirs = duckdb.sql(f"from read_parquet('{tmp_path}/d/*/*/*.parquet', hive_partitioning=true)").to_arrow_table()
    assert rows(ours) == rows(theirs)


def test_ipc_files(tmp_path):
    table = sample(300, 3)
    pd.write_dataset(table, tmp_path / "d", format="ipc", partitioning=["n"], partitioning_flavor="hive")
    (tmp_path / "d" / "_SUCCESS").write_text("")
    assert rows(read(tmp_path / "d")) == rows(table)


@pytest.mark.parametrize(
    "where",
    ["day = '2026-01-02'", "day > '2026-01-01' and amount < 50", "n in (1, -3) or id < 10", "n is null and city = 'a/b'",
     "n <> 22", "not (day = '2026-01-02' and amount > 10)", "city like 'x%' and id between 10 and 400"],
)  # fmt: skip
def test_filters_as_duckdb(tmp_path, where):
    table = sampled = sample(1000, 4)  # duckdb finds `sampled` by its name
    by = pd.partitioning(pa.schema([("day", pa.date32()), ("n", pa.int64())]), flavor="hive")
    pd.write_dataset(table, tmp_path / "d", format="parquet", partitioning=by)
    want = duckdb.sql(f"select * from sampled where {where}").to_arrow_table()
    assert rows(read(tmp_path / "d", "--where", where)) == rows(want)
    done = subprocess.run([COMMAND, "count", tmp_path / "d", "--where", where], capture_output=True, timeout=60)
    assert done.stdout == b"%d\n" % want.num_rows
    got = read(tmp_path / "d", "--where", where, "--columns", "amount,n")
    assert rows(got) == rows(want.select(["amount", "n"]))


def test_schemas_that_differ_as_union_by_name(tmp_path):
    pq.write_table(pa.table({"a": pa.array([1, 2], pa.int32()), "b": ["x", "y"]}), tmp_path / "1.parquet")
    pq.write_table(pa.table({"c": [1.5], "a": pa.array([2**40], pa.int64())}), tmp_path / "2.parquet")
    pq.write_table(pa.table({"b": ["z"], "a": pa.array([-1], pa.int8()), "d": [[1]]}), tmp_path / "3.parquet")
    ours = read(tmp_path)
    theirs = duckdb.sql(f"from read_parquet('{tmp_path}/*.parquet', union_by_name=true)").to_arrow_table()
    assert ours.schema.names == theirs.schema.names == ["a", "b", "c", "d"]
    assert ours.to_pylist() == theirs.to_pylist()


def test_a_conflict_names_both_files(tmp_path):
    pq.write_table(pa.table({"a": [1]}), tmp_path / "one.parquet")
    pq.write_table(pa.table({"a": ["x"]}), tmp_path / "two.parquet")
    done = subprocess.run([COMMAND, "schema", tmp_path], capture_output=True, timeout=60)
    assert done.returncode == 3
    for word in (b"column a", b"int64", b"one.parquet", b"utf8", b"two.parquet"):
        assert word in done.stderr


def test_many_small_files_in_order(tmp_path):
    for i in range(300):
        pq.write_table(pa.table({"i": range(i * 10, i * 10 + 10)}), tmp_path / f"part-{i}.parquet")
    assert read(tmp_path).column("i").to_pylist() == list(range(3000))
    assert read(f"{tmp_path}/part-29?.parquet", "--offset", "95").column("i").to_pylist() == list(range(2995, 3000))
