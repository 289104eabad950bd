"""lamella.merge: thin over what tests/cli and tests/unit hold to the rules."""
import gzip
import os

import pytest

import lamella


@pytest.fixture
def parts(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "out"
    folder.mkdir()
    for number in (10, 9, 1):
        (folder / f"part-{number}.csv").write_text(f"id,name\n{number},x\n")
    (folder / "part-11.csv").write_text("")
    (folder / "_SUCCESS").write_text("")
    return folder


def test_merge(parts):
    result = lamella.merge("out", "all.csv", require_success=True, count_rows=True, manifest={"by": "test"})
    assert open("all.csv").read() == "id,name\n1,x\n9,x\n10,x\n"
    assert (result.rows, result.parts, result.blank_parts, result.bytes) == (3, 4, 1, 21)
    assert result.strategy == "stream" and result.checksum.startswith("sha256:") and result.run_id
    assert os.fspath(result).endswith("all.csv") and "strategy='stream'" in repr(result)
    lamella.verify("all.csv")
    assert len(os.listdir(parts)) == 5
    with pytest.raises(lamella.ExistsError):
        lamella.merge("out", "all.csv", overwrite=False)


def test_a_plan(parts):
    plan = lamella.merge(parts, "all.csv", dry_run=True)
    assert plan.format == "csv" and plan.order == "part" and plan.header == "id,name" and plan.bytes == 21
    assert [part.path for part in plan.parts] == [str(parts / f"part-{n}.csv") for n in (1, 9, 10, 11)]
    assert plan.parts[3].blank and plan.parts[1].cut == 8 and plan.strategy == "copy" and plan.client_bytes == 0
    assert not os.path.exists("all.csv") and "parts=4" in repr(plan) and "part-1.csv" in repr(plan.parts[0])


def test_headers_and_sources(parts):
    with pytest.raises(lamella.SchemaValidationError, match="a header of their own"):
        lamella.merge("out", "all.csv", header=["a", "b"])
    lamella.merge(["out/part-9.csv", parts / "part-1.csv"], "all.csv", header=False, order="listed")
    assert open("all.csv").read() == "id,name\n9,x\nid,name\n1,x\n"
    for number in (1, 9, 10):
        (parts / f"part-{number}.csv").write_text(f"{number},x\n")
    lamella.merge(["out/part-*"], "all.csv.gz", header=["id", 'a "b", c'], level=9)
    assert gzip.open("all.csv.gz", "rt").read() == 'id,"a ""b"", c"\n1,x\n9,x\n10,x\n'
    result = lamella.merge("out", "all.csv", header="id,name", delete_sources=True)
    assert result.deleted == 4 and os.listdir(parts) == ["_SUCCESS"]


def test_what_is_wrong_is_told(parts):
    with pytest.raises(lamella.NotFoundError):
        lamella.merge("nowhere", "all.csv")
    with pytest.raises(lamella.NotFoundError):
        lamella.merge("nowhere", "all.csv", resume=True)
    with pytest.raises(ValueError, match="order is one of"):
        lamella.merge("out", "all.csv", order="size")
    with pytest.raises(TypeError, match="merge"):
        lamella.merge("out", "all.csv", headers=True)
    with pytest.raises(ValueError, match="at least one name"):
        lamella.merge("out", "all.csv", header=[])
    (parts / "_temporary").mkdir()
    with pytest.raises(lamella.ConflictError, match="_temporary"):
        lamella.merge("out", "all.csv")


def test_parquet_is_carried_over_or_written_anew(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    os.mkdir("in")
    for number in range(3):
        rows = [{"a": number, "b": "x"}] * (10 if number else 500)
        lamella.write_parquet(rows, f"in/part-{number}.parquet", key_value_metadata={"own": str(number)})
    plan = lamella.merge("in", "out.parquet", small_rows=100, dry_run=True)
    assert plan.format == "parquet" and any("2 of" in note for note in plan.notes)
    result = lamella.merge("in", "out.parquet", small_rows=100, parquet={"compression": "zstd"}, count_rows=True)
    assert result.rows == 520
    lamella.merge("in", "out.parquet", rewrite=True, parquet={"row_group_size": 100}, kv_conflict="first")
    with pytest.raises(lamella.SchemaValidationError, match="own"):
        lamella.merge("in", "out.parquet", kv_conflict="refuse")
    with pytest.raises(TypeError, match="compresion"):
        lamella.merge("in", "out.parquet", rewrite=True, parquet={"compresion": "zstd"})
    with pytest.raises(ValueError, match="kv_conflict"):
        lamella.merge("in", "out.parquet", kv_conflict="keep")
