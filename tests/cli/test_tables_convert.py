"""convert: directories of Parquet files become tables, as they lie."""
import datetime
import json

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

deltalake = pytest.importorskip("deltalake", reason="deltalake is not installed")

ROWS = pa.table(
    {
        "id": pa.array(range(12), pa.int64()),
        "n": pa.array([None, *range(11)], pa.int32()),
        "text": ["é"] * 6 + [None] * 6,
        "x": [0.5] * 12,
        "at": pa.array([datetime.datetime(2026, 1, 1, h) for h in range(12)], pa.timestamp("us", "UTC")),
        "list": [[1, 2]] * 12,
        "city": ["oslo"] * 5 + ["a/b %"] * 4 + [None] * 3,
        "day": [datetime.date(2026, 1, 1 + i % 2) for i in range(12)],
    }
)


@pytest.fixture
def hive(tmp_path):
    path = tmp_path / "hive"
    partitioning = ds.partitioning(pa.schema([("city", pa.string()), ("day", pa.date32())]), flavor="hive")
    ds.write_dataset(ROWS, path, format="parquet", partitioning=partitioning)
    return path


def test_a_hive_directory_becomes_a_table(told, hive):
    before = {p: p.read_bytes() for p in hive.rglob("*.parquet")}
    assert "would make a table of 6 files, 12 rows" in told("convert", hive, "--dry-run")
    assert not (hive / "_delta_log").exists()
    made = json.loads(told("convert", hive, "--json"))
    assert (made["version"], made["parts"], made["rows"], made["partition_columns"]) == (0, 6, 12, 2)
    delta = deltalake.DeltaTable(str(hive))
    theirs = delta.to_pyarrow_dataset().to_table().sort_by("id")
    assert theirs.select(ROWS.schema.names).cast(ROWS.schema).to_pylist() == ROWS.to_pylist()
    assert told("count", hive).strip() == "12"
    assert told("verify", hive).strip() == f"ok               {hive}"
    assert before == {p: p.read_bytes() for p in hive.rglob("*.parquet")}
    actions = pa.table(delta.get_add_actions(flatten=True)).to_pylist()
    assert sum(a["num_records"] for a in actions) == 12 and sum(a["null_count.n"] for a in actions) == 1
    assert min(a["min.id"] for a in actions) == 0 and max(a["max.id"] for a in actions) == 11
    assert {a["max.text"] for a in actions} == {"é", None}
    assert "already" in told("convert", hive, status=5)
    told("compact", hive)
    assert deltalake.DeltaTable(str(hive)).to_pyarrow_dataset().count_rows() == 12


def test_files_may_lack_columns(told, tmp_path):
    (tmp_path / "d").mkdir()
    pq.write_table(pa.table({"a": [1, 2]}), tmp_path / "d/1.parquet")
    pq.write_table(pa.table({"a": [3], "b": ["x"]}), tmp_path / "d/2.parquet")
    told("convert", tmp_path / "d")
    assert deltalake.DeltaTable(str(tmp_path / "d")).to_pyarrow_dataset().to_table().sort_by("a").to_pylist() == [
        {"a": 1, "b": None}, {"a": 2, "b": None}, {"a": 3, "b": "x"},
    ]  # fmt: skip
    assert told("schema", tmp_path / "d").splitlines() == ["a: int64", "b: utf8"]


@pytest.mark.parametrize(
    "first, second, said",
    [
        ({"a": pa.array([1], pa.int64())}, {"a": pa.array([1], pa.int32())}, "column a has another type"),
        ({"a": pa.array([1], pa.int64())}, {"a": ["x"]}, "a"),
        ({"a": pa.array([1], pa.uint32())}, {}, "unsigned"),
        ({"a": pa.array([1], pa.timestamp("ns"))}, {}, "nanoseconds"),
        ({"a": pa.array([1], pa.time64("us"))}, {}, "a"),
    ],
)
def test_what_does_not_fit_is_refused_with_file_and_column(told, tmp_path, first, second, said):
    (tmp_path / "d").mkdir()
    pq.write_table(pa.table(first), tmp_path / "d/1.parquet")
    if second:
        pq.write_table(pa.table(second), tmp_path / "d/2.parquet")
    error = told("convert", tmp_path / "d", status=3)
    assert said in error and ".parquet" in error
    assert not (tmp_path / "d/_delta_log").exists()


def test_other_files_are_refused(told, tmp_path):
    (tmp_path / "d").mkdir()
    pq.write_table(pa.table({"a": [1]}), tmp_path / "d/1.parquet")
    (tmp_path / "d/b.csv").write_text("a\n1\n")
    assert "b.csv" in told("convert", tmp_path / "d", status=3)
