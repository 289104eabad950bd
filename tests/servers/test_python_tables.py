"""lamella.tables and versions on a real store: every function once, the rows told from the log each time."""
import lamella
from lamella import tables
from lamella.tables import Column, IoSettings, Registry, TableDescriptor

TABLE = TableDescriptor("ticks", [Column("tick", "int64", nullable=False), Column("x", "float64")], ["bucket"])


def test_a_table(place):
    settings = IoSettings(f"{place}/runs", 10, registry=Registry([TABLE]))
    name = (settings, "run-1", "ticks")
    for batch in range(3):
        told = tables.append(*name, [{"tick": batch}, {"tick": 10 + batch, "x": 2}], batch=batch)
        assert told["buckets"] == [0, 1] and told["parts"][0]["path"].startswith(f"{place}/runs/run-1/ticks/bucket=0/")
    assert tables.append(*name, [{"tick": 0}], batch=2).repeated
    assert tables.scan(*name, where="bucket = 1").count_rows() == 3
    assert tables.load_manifest(*name)["rows"] == 6
    assert tables.compact(*name)["parts_removed"] == 6
    assert tables.verify(*name)["rows"] == 6
    assert tables.delete(settings.table_path("run-1", "ticks"), where="bucket = 1")["rows_removed"] == 3
    assert tables.overwrite(*name, [{"tick": 5}]).version == 5
    assert [entry["version"] for entry in tables.history(*name)] == [5, 4, 3, 2, 1, 0]
    assert tables.scan(*name, version=2).count_rows() == 6
    assert tables.vacuum(*name, dry_run=True)["files"] == 0
    assert tables.repair(*name)["version"] == 5


def test_versions(place, tmp_path):
    (tmp_path / "a.txt").write_text("a")
    for number in range(2):
        lamella.cp(tmp_path, f"{place}/staged", recursive=True)
        made = lamella.publish_dir(f"{place}/staged", f"{place}/out", versioned=True, run_id=f"run-{number}", keep=1)
        assert (made.number, made.removed) == (number, number)
    assert lamella.resolve(f"{place}/out").run_id == "run-1"
    assert [one.is_there for one in lamella.versions(f"{place}/out")] == [True, False]
