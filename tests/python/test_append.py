"""lamella.tables and versions: the call, its summary and its errors; what the core does is held by tests/unit and
tests/interop."""
import datetime
import enum
import inspect
import json
import os
import pathlib
import pickle
import signal
import subprocess
import textwrap
import threading
import time

import pytest

import lamella
from lamella import tables
from lamella.tables import (
    Column,
    IoManifestError,
    IoSchemaError,
    IoSettings,
    IoWriteError,
    Registry,
    TableDescriptor,
    append,
    load_manifest,
    scan,
)

TRADES = TableDescriptor(
    "trades",
    columns=[
        Column("tick", "int64", nullable=False, rules={"min": 0}),
        Column("price", "float64", description="in crowns"),
        Column("venue", "utf8", rules={"set": {"oslo", "bergen"}}),
    ],
    partitioning=["bucket"],
    schema_version="1.0@2026-01-01",
)
ROWS = [{"tick": 1, "price": 1.0, "venue": "oslo"}, {"tick": 12, "price": 2, "venue": None}, {"tick": 13}]


class TableName(enum.Enum):
    TRADES = "trades"


@pytest.fixture
def settings(tmp_path):
    return IoSettings(tmp_path / "out", 10, registry=[TRADES])


def test_the_call_and_its_summary_are_those_of_the_seed(settings):
    words = list(inspect.signature(append).parameters.values())
    assert [word.name for word in words[:4]] == ["settings", "run_id", "table", "df"]
    assert [(word.name, word.default) for word in words[4:6]] == [("validate_schema", True), ("validate_rows", False)]
    assert all(word.kind is word.KEYWORD_ONLY for word in words[4:])
    told = append(settings, "run-1", TableName.TRADES, ROWS)
    assert list(told) == ["table", "run_id", "parts", "rows", "buckets"] and isinstance(told, dict)
    assert (told["table"], told["run_id"], told["rows"], told["buckets"]) == ("trades", "run-1", 3, [0, 1])
    assert [list(part) for part in told["parts"]] == [["bucket_id", "path", "rows", "bytes", "tick_min", "tick_max"]] * 2
    part = told["parts"][1]
    assert (part["bucket_id"], part["rows"], part["tick_min"], part["tick_max"]) == (1, 2, 12, 13)
    assert part["path"].startswith(os.path.join(settings.root_dir, "run-1/trades/bucket=1/part-"))
    assert os.path.getsize(part["path"]) == part["bytes"]
    assert told.version == 0 and not told.repeated
    json.dumps(told)


def test_no_rows_are_nothing_to_do(settings):
    nothing = {"table": "trades", "run_id": "r", "parts": [], "rows": 0, "buckets": []}
    assert append(settings, "r", "trades", []) == nothing
    empty = append(settings, "r", "trades", lamella.Table({"tick": []}, schema="tick: int64"))
    assert empty == nothing and empty.version is None
    assert not os.path.exists(settings.root_dir)
    with pytest.raises(IoSchemaError, match="no table 'tradse'; did you mean 'trades'"):
        append(settings, "r", "tradse", [])


def test_what_does_not_fit_is_an_io_schema_error(settings):
    for frame, message in (
        ({"price": [1.0]}, "column tick: it is missing"),
        ({"tick": [1], "x": [1]}, "column x: it is not in the schema"),
        ({"tick": [1], "bucket": [3]}, "bucket"),
        ({"tick": [None]}, "tick"),
        ({"tick": ["7"]}, "column tick: utf8 does not become int64"),
        ([{"tick": 1, "price": "1.5"}], "column price: utf8 does not become float64"),
    ):
        with pytest.raises(IoSchemaError, match=message) as caught:
            append(settings, "r", "trades", frame)
        assert isinstance(caught.value, lamella.SchemaValidationError) and caught.value.code.startswith("LM_")
    typed = lamella.Table({"tick": [1]}, schema="tick: int32")
    with pytest.raises(IoSchemaError, match="column tick: it is int32, not int64"):
        append(settings, "r", "trades", typed)
    assert load_manifest(settings, "r", "trades") is None
    assert append(settings, "r", "trades", typed, validate_schema=False)["rows"] == 1
    settings.strict_schema = False
    assert append(settings, "r", "trades", typed)["rows"] == 1
    assert append(settings, "r", "trades", {"tick": [1], "x": [1]}, drop_extra=True)["rows"] == 1


def test_rules_of_rows(settings):
    with pytest.raises(IoSchemaError, match="column tick: row 1: -1 breaks the rule min 0"):
        append(settings, "r", "trades", {"tick": [1, -1]}, validate_rows=True)
    assert not load_manifest(settings, "r", "trades")
    assert append(settings, "r", "trades", {"tick": [1, -1]})["buckets"] == [-1, 0]


def test_the_parts_tell_what_they_are(settings):
    parquet = pytest.importorskip("pyarrow.parquet")
    settings.metadata_prefix = "my_"
    for given, prefix in ((IoSettings(settings.root_dir, 10, "gzip", 1, registry=[TRADES]), b"crv_"), (settings, b"my_")):
        (part,) = append(given, "run-1", "trades", {"tick": [1, 2]})["parts"]
        told = parquet.read_metadata(part["path"])
        assert told.metadata[prefix + b"schema_version"] == b"1.0@2026-01-01"
        assert told.metadata[prefix + b"table_name"] == b"trades" and told.metadata[prefix + b"run_id"] == b"run-1"
        assert told.num_row_groups == (2 if prefix == b"crv_" else 1)
        assert told.row_group(0).column(0).compression == ("GZIP" if prefix == b"crv_" else "ZSTD")


def test_a_batch_is_appended_once(settings):
    first = append(settings, "r", "trades", ROWS, batch=0)
    again = append(settings, "r", "trades", ROWS, batch=0)
    assert again == first and again.repeated and not first.repeated and again.version == 0
    assert scan(settings, "r", "trades").count_rows() == 3
    for wrong in (-1, True, "1"):
        with pytest.raises((ValueError, TypeError), match="batch is"):
            append(settings, "r", "trades", ROWS, batch=wrong)


def test_all_kinds_of_frames(settings):
    count = 0
    for kind in ("polars", "pandas", "pyarrow", "duckdb"):
        try:
            module = __import__(kind)
        except ImportError:
            continue
        columns = {"tick": [1, 12, 13], "price": [1.0, 2.0, None]}
        frame = {"polars": lambda: module.DataFrame(columns), "pandas": lambda: module.DataFrame(columns),
                 "pyarrow": lambda: module.table(columns),
                 "duckdb": lambda: module.sql("select 1::bigint as tick, 1.0::double as price")}[kind]()  # fmt: skip
        count += append(settings, "r", "trades", frame)["rows"]
    pieces = (lamella.Table({"tick": [n]}, schema="tick: int64") for n in range(5))
    count += append(settings, "r", "trades", pieces)["rows"]
    assert scan(settings, "r", "trades").count_rows() == count


def test_other_engines_read_it(settings):
    append(settings, "r", "trades", ROWS)
    append(settings, "r", "trades", {"tick": [-5]})
    tables.compact(settings, "r", "trades")
    path = settings.table_path("r", "trades")
    want = [(-5, -1), (1, 0), (12, 1), (13, 1)]
    assert sorted(zip(*(scan(path).to_table().to_pydict()[name] for name in ("tick", "bucket")))) == want
    deltalake = pytest.importorskip("deltalake")
    polars = pytest.importorskip("polars")
    assert sorted(polars.read_delta(path).select("tick", "bucket").rows()) == want
    assert deltalake.DeltaTable(path).version() == 1


def test_an_exception_of_the_source_goes_on_and_leaves_the_table_as_it_was(settings):
    def pieces():
        yield {"tick": [1]}
        raise KeyError("the source")

    with pytest.raises(KeyError, match="the source"):
        append(settings, "r", "trades", pieces())
    assert load_manifest(settings, "r", "trades") is None


def test_an_interrupt_ends_it(settings):
    def pieces():
        for number in range(10_000):
            if number == 3:
                threading.Timer(0.1, signal.raise_signal, [signal.SIGINT]).start()
            time.sleep(0.005)
            yield {"tick": [number]}

    with pytest.raises(KeyboardInterrupt):
        append(settings, "r", "trades", pieces())
    assert load_manifest(settings, "r", "trades") is None


def test_what_cannot_be_written_is_an_io_write_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(IoWriteError) as caught:
        append(IoSettings(tmp_path / "file", 10, registry=[TRADES]), "r", "trades", ROWS)
    assert isinstance(caught.value, lamella.IOError) and isinstance(caught.value.__cause__, lamella.Error)
    assert caught.value.code.startswith("LM_") and str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


def test_a_manifest_that_cannot_be_written_is_told(settings):
    path = pathlib.Path(settings.table_path("r", "trades"))
    append(settings, "r", "trades", ROWS)
    (path / "manifest.json").unlink()
    (path / "manifest.json").mkdir()
    with pytest.raises(IoManifestError, match="do not append them again") as caught:
        append(settings, "r", "trades", ROWS)
    assert caught.value.summary["rows"] == 3 and caught.value.summary.version == 1
    assert scan(path).count_rows() == 6


def test_no_table_is_made_over_files(settings):
    path = pathlib.Path(settings.table_path("r", "trades"))
    path.mkdir(parents=True)
    (path / "old.csv").write_text("tick\n1\n")
    with pytest.raises(IoWriteError, match="old.csv"):
        append(settings, "r", "trades", ROWS)
    assert [entry.name for entry in path.iterdir()] == ["old.csv"]


def test_a_url(tmp_path):
    settings = IoSettings(f"file://{tmp_path}/out", 10, registry=[TRADES], storage_options={"user": "etl"})
    (part,) = append(settings, "r", "trades", {"tick": [1]})["parts"]
    assert part["path"].startswith(f"file://{tmp_path}/out/r/trades/bucket=0/")
    assert scan(settings, "r", "trades").count_rows() == tables.verify(settings, "r", "trades")["rows"] == 1
    with pytest.raises(TypeError, match="the settings'"):
        scan(settings, "r", "trades", storage_options={})


def test_a_declared_bucket_is_computed_where_rows_lack_it(tmp_path):
    table = TableDescriptor("t", [Column("tick", int), Column("bucket", int)], ["bucket"])
    settings = IoSettings(tmp_path, 10, registry=[table])
    assert append(settings, "r", "t", [{"tick": 25}])["buckets"] == [2]
    assert append(settings, "r", "t", [{"tick": 25, "bucket": 2}])["buckets"] == [2]


def test_the_manifest(settings):
    assert load_manifest(settings, "r", "trades") is None
    append(settings, "r", "trades", ROWS)
    (pathlib.Path(settings.table_path("r", "trades")) / "manifest.json").unlink()
    told = load_manifest(settings, "r", "trades")
    assert told == load_manifest(settings.table_path("r", "trades"))
    assert (told["rows"], told["tick_min"], told["tick_max"]) == (3, 1, 13)
    assert [bucket["bucket_id"] for bucket in told["buckets"]] == [0, 1]
    assert set(told["buckets"][0]["parts"][0]) >= {"path", "rows", "bytes", "tick_min", "tick_max", "created_at"}


def test_reading(settings):
    append(settings, "r", "trades", ROWS)
    append(settings, "r", "trades", {"tick": [25]})
    found = scan(settings, "r", "trades", columns=["tick"], where="bucket = 1")
    assert found.to_table().to_pydict() == {"tick": [12, 13]}
    assert scan(settings, "r", "trades", filters=[("tick", ">", 12)]).count_rows() == 2
    assert scan(settings, "r", "trades", version=0).count_rows() == 3
    later = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=1)
    assert scan(settings, "r", "trades", as_of=later).count_rows() == 4
    with pytest.raises(TypeError, match="run_id and table"):
        scan(settings)
    with pytest.raises(TypeError, match="go with IoSettings"):
        scan("out", "r", "trades")


def test_operations(settings):
    place = (settings, "r", "trades")
    for number in range(4):
        append(*place, {"tick": [number, 10 + number]})
    assert tables.compact(*place)["parts_removed"] == 8
    assert tables.compact(*place)["version"] is None
    told = tables.delete(*place, where=[("bucket", "=", 1)])
    assert (told["rows_removed"], told["version"]) == (4, 5)
    for wrong in ({}, {"where": "bucket = 1", "all": True}):
        with pytest.raises(ValueError, match="all=True"):
            tables.delete(*place, **wrong)
    replaced = tables.overwrite(*place, {"tick": [5]}, where="bucket = 0")
    assert (replaced["rows"], replaced.parts_removed) == (1, 1)
    with pytest.raises(IoSchemaError):
        tables.overwrite(*place, {"tick": [15]}, where="bucket = 0")
    assert scan(*place).to_table().to_pydict()["tick"] == [5]
    assert tables.overwrite(*place, []).version == 7 and scan(*place).count_rows() == 0
    log = tables.history(*place, limit=3)
    assert [entry["version"] for entry in log] == [7, 6, 5]
    assert isinstance(log[0]["time"], datetime.datetime) and log[2]["operation"] == "DELETE" and log[1]["run_id"] == "r"
    assert isinstance(log[1]["parameters"], dict) and log[1]["rows_added"] == 1
    dry = tables.vacuum(*place, retention=datetime.timedelta(0), force=True, dry_run=True)
    assert dry["files"] == len(dry["paths"]) == 11 and {one["reason"] for one in dry["paths"]} == {"removed"}
    assert tables.vacuum(*place)["files"] == 0
    with pytest.raises(lamella.Error, match="force|retention"):
        tables.vacuum(*place, retention=1)
    assert tables.vacuum(*place, retention=0, force=True)["files"] == 11


def test_verify_and_repair(settings):
    place = (settings, "r", "trades")
    parts = append(*place, ROWS)["parts"]
    assert tables.verify(*place)["rows"] == 3
    with open(parts[0]["path"], "r+b") as file:
        file.seek(20)
        file.write(b"??")
    os.remove(parts[1]["path"])
    with pytest.raises(lamella.CorruptError) as caught:
        tables.verify(settings.table_path("r", "trades"))
    assert {problem["kind"] for problem in caught.value.problems} >= {"missing"}
    manifest = pathlib.Path(settings.table_path("r", "trades")) / "manifest.json"
    manifest.unlink()
    assert tables.repair(*place)["manifest"] and manifest.exists()


def test_convert(tmp_path):
    for year in (2025, 2026):
        lamella.write_parquet([{"id": year}], tmp_path / f"old/year={year}/a.parquet")
    assert tables.convert(tmp_path / "old", dry_run=True)["version"] == -1
    assert tables.convert(tmp_path / "old")["parts"] == 2
    assert scan(tmp_path / "old", where="year = 2026").to_table().to_pydict() == {"id": [2026], "year": [2026]}


# ---- descriptors ----


def test_descriptors(tmp_path):
    (tmp_path / "tables").mkdir()
    (tmp_path / "tables/trades.json").write_text(TRADES.to_json())
    registry = Registry.from_dir(tmp_path / "tables")
    assert list(registry) == ["trades"] and registry[TableName.TRADES] == TRADES and "trade" not in registry
    with pytest.raises(KeyError, match="did you mean 'trades'"):
        registry["trade"]
    found = registry["trades"]
    assert (found.name, found.schema_version, found.partitioning) == ("trades", "1.0@2026-01-01", ["bucket"])
    assert [column.name for column in found.columns] == ["tick", "price", "venue"] and found.columns[1].description
    assert str(found.schema) == "tick: int64 not null\nprice: float64\nvenue: utf8" and "bucket" in found.stored.names
    assert TableDescriptor.from_json(found.to_json()) == found and hash(found) == hash(TRADES)
    wider = TableDescriptor("trades", [*TRADES.columns, Column("size", "int32")], ["bucket"], "1.1@2026-02-01")
    assert TRADES.compare(wider)[0] == "minor" and wider.compare(TRADES)[0] == "major"
    assert TRADES.compare(TRADES) == ("same", "")
    assert append(IoSettings(tmp_path, 10, registry=tmp_path / "tables"), "r", "trades", {"tick": [1]})["rows"] == 1
    assert append(IoSettings(tmp_path), "r", "trades", {"tick": [2], "price": [1]})["rows"] == 1  # the table has its own
    with pytest.raises(IoSchemaError, match="utf8 does not become int64"):
        append(IoSettings(tmp_path), "r", "trades", [{"tick": "3"}])


def test_mistakes_in_descriptors_are_told_at_once():
    for make, message in (
        (lambda: TableDescriptor("Trades", [Column("a", "int64")]), "lower_snake"),
        (lambda: TableDescriptor("trades", [Column("a", "int65")]), r"columns\[0\]: type: .*int65"),
        (lambda: TableDescriptor("trades", [Column("a", "int64", rules={"mix": 1})]), "mix"),
        (lambda: Registry([TRADES, TRADES]), "described already"),
    ):
        with pytest.raises(lamella.Error, match=message):
            make()
    with pytest.raises(TypeError, match="column a: a type is text"):
        Column("a", 5)
    with pytest.raises(ValueError, match="did you mean 'zstd'"):
        IoSettings("out", 10, "zstdd")
    for wrong in ({"tick_bucket_size": 0}, {"threads": -1}, {"memory_bytes_max": 1.5}):
        with pytest.raises((ValueError, TypeError), match=next(iter(wrong))):
            IoSettings("out", **wrong)


def test_types_of_python_and_others():
    assert [Column("a", type).type for type in (int, float, str, bool, bytes)] == [
        "int64", "float64", "utf8", "bool", "binary"]  # fmt: skip
    assert Column("a", datetime.date).type == "date32" and "nullable=False" in repr(Column("a", int, nullable=False))
    pyarrow = pytest.importorskip("pyarrow")
    assert Column("a", pyarrow.timestamp("us", "UTC")).type == "timestamp[us, UTC]"
    polars = pytest.importorskip("polars")
    assert Column("a", polars.Int32).type == "int32"
    assert Column("a", polars.List(polars.Float64)).type == "large_list<item: float64>"


# ---- versions ----


def test_versions(tmp_path):
    for number in range(3):
        with lamella.atomic_dir("staged") as place:
            (place / "a.txt").write_text(str(number))
        made = lamella.publish_dir("staged", "out", versioned=True, run_id=f"run-{number}", keep=2)
        assert (made.number, made.run_id, made.files, made.removed) == (number, f"run-{number}", 1, int(number == 2))
        assert not os.path.exists("staged")
    newest = lamella.resolve("out")
    assert pathlib.Path(newest, "a.txt").read_text() == "2" and newest.run_id == "run-2" and newest.warnings == ()
    assert lamella.resolve("out", number=1).path == lamella.resolve("out", run_id="run-1").path
    assert [(one.number, one.is_there) for one in lamella.versions("out")] == [(2, True), (1, True), (0, False)]
    with pytest.raises(lamella.NotFoundError):
        lamella.resolve("out", number=0)
    with pytest.raises(ValueError, match="one of them"):
        lamella.resolve("out", number=0, run_id="a")
    lamella.verify("out")


def test_publish_dir_without_versions(tmp_path):
    os.mkdir("staged")
    assert lamella.publish_dir("staged", "out", manifest=True, run_id="a").run_id == "a"
    with pytest.raises(ValueError, match="versioned=True"):
        lamella.publish_dir("staged", "out", keep=2)
    with pytest.raises(TypeError, match="did you mean 'manifest'"):
        lamella.publish_dir("staged", "out", versioned=True, manifst=True)


def test_without_any_package():
    """In the bare place, where nothing but the wheel is."""
    python = pathlib.Path(__file__).resolve().parents[2] / "build/python/bare/bin/python"
    if not python.exists():
        pytest.skip("there is no bare place: ./dev test python makes it")
    code = """
        from lamella.tables import *
        table = TableDescriptor("t", [Column("tick", int, nullable=False)], ["bucket"])
        settings = IoSettings("out", 10, registry=Registry([table]))
        append(settings, "r", "t", {"tick": [1, 11]})
        print(scan(settings, "r", "t", where="bucket = 1").to_table().to_pydict(), load_manifest(settings, "r", "t")["rows"])
    """
    done = subprocess.run([python, "-c", textwrap.dedent(code)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "{'tick': [11], 'bucket': [1]} 2\n"
