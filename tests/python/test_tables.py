"""Delta tables are read by every function that reads, as they are now and as they were."""
import datetime

import pytest

import lamella

deltalake = pytest.importorskip("deltalake", reason="deltalake is not installed")
pa = pytest.importorskip("pyarrow", reason="pyarrow is not installed")


@pytest.fixture
def table(tmp_path):
    path = str(tmp_path / "t")
    for i in range(3):
        rows = pa.table({"id": pa.array([2 * i, 2 * i + 1], pa.int64()), "p": ["a", "b"]})
        deltalake.write_deltalake(path, rows, mode="append", partition_by=["p"])
    return path


def ids(scan):
    return sorted(pa.table(scan.to_table())["id"].to_pylist())


def test_a_scan_of_a_table(table):
    assert ids(lamella.scan(table)) == [0, 1, 2, 3, 4, 5]
    assert lamella.scan(table).count_rows() == 6
    assert ids(lamella.scan(table, filters="p = 'b'")) == [1, 3, 5]
    assert ids(lamella.scan(table, version=0)) == [0, 1]
    assert ids(lamella.scan(table, version=1).filter("id > 0").select(["id"])) == [1, 2, 3]
    assert lamella.read_parquet(table, "arrow", version=1).num_rows == 4
    assert str(lamella.inspect_schema(table).names) == "['id', 'p']"


def test_versions_by_time(table):
    soon = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=1)
    assert lamella.scan(table, as_of=soon).count_rows() == 6
    assert lamella.scan(table, as_of=soon.isoformat()).count_rows() == 6
    assert lamella.scan(table, as_of=soon.replace(tzinfo=None)).count_rows() == 6
    with pytest.raises(FileNotFoundError, match="no version yet"):
        lamella.scan(table, as_of="2001-01-01")
    with pytest.raises(FileNotFoundError, match="the last is 2"):
        lamella.scan(table, version=3)
    with pytest.raises(ValueError, match="one of them"):
        lamella.scan(table, version=1, as_of=soon)
