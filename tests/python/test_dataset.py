"""Datasets: partitioned directories, written in four modes, none of which leaves half a write behind."""
import datetime as dt
import os
import pathlib
import re
import signal
import urllib.parse

import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.dataset as ds
import pytest

import lamella

ROWS = [
    {"id": 1, "city": "Oslo", "day": dt.date(2020, 1, 1)},
    {"id": 2, "city": "Bergen", "day": dt.date(2020, 1, 1)},
    {"id": 3, "city": None, "day": dt.date(2020, 1, 2)},
    {"id": 4, "city": "a/b =%ø", "day": dt.date(2020, 1, 2)},
    {"id": 5, "city": "Oslo", "day": dt.date(2020, 1, 3)},
]
SCHEMA = "id: int64 not null, city: utf8, day: date32"


def tree(path="d"):
    return sorted(str(file.relative_to(path)) for file in pathlib.Path(path).rglob("*") if file.is_file())


def ids(path="d", **options):
    return sorted(lamella.read_parquet(path, "table", columns=["id"], **options).to_pydict()["id"])


def test_one_file(nothing_left):
    result = lamella.write_to_dataset(ROWS, "d", SCHEMA)
    (name,) = tree()
    assert re.fullmatch(r"[0-9a-f-]{36}\.parquet", name)
    assert result.rows == 5 and [os.path.basename(file) for file in result.files] == [name]
    lamella.write_to_dataset(ROWS, "d", SCHEMA)
    assert len(tree()) == 2 and ids() == sorted([1, 2, 3, 4, 5] * 2)
    nothing_left("d")


def test_partitions():
    lamella.write_to_dataset(ROWS, "d", SCHEMA, partition_cols=["day", "city"])
    directories = sorted(os.path.dirname(name) for name in tree())
    assert directories == [
        "day=2020-01-01/city=Bergen",
        "day=2020-01-01/city=Oslo",
        "day=2020-01-02/city=__HIVE_DEFAULT_PARTITION__",
        "day=2020-01-02/city=a%2Fb %3D%25%C3%B8",
        "day=2020-01-03/city=Oslo",
    ]
    assert ids(filters="city = 'Oslo'") == [1, 5] and ids(filters="city is null") == [3]
    assert ids(filters=[("day", ">=", dt.date(2020, 1, 2))]) == [3, 4, 5]
    back = lamella.read_parquet("d", "table").to_pylist()
    assert sorted(back, key=lambda row: row["id"]) == ROWS
    partitioning = ds.partitioning(pa.schema([("day", pa.date32()), ("city", pa.string())]), flavor="hive")
    theirs = ds.dataset("d", partitioning=partitioning).to_table(columns=["id", "city", "day"]).to_pylist()
    assert sorted(theirs, key=lambda row: row["id"]) == ROWS


@pytest.mark.parametrize(
    "type, values",
    [
        ("int64", [1, -5, None]),
        ("bool", [True, False, None]),
        ("float64", [0.5, 1e300]),
        ("utf8", ["", "__HIVE_DEFAULT_PARTITION__", "..", "%", "a=b", "grün", "x" * 100, None, "\n"]),
        ("timestamp[us]", [dt.datetime(2020, 1, 1, 12, 30, 0, 5)]),
        ("decimal128(5, 2)", [__import__("decimal").Decimal("1.50")]),
        ("dictionary<int32, utf8>", ["a", "b", None]),
    ],
)
def test_keys_come_back_as_they_were(type, values):
    rows = [{"id": i, "k": value} for i, value in enumerate(values)]
    lamella.write_to_dataset(rows, "d", f"id: int64, k: {type}", partition_cols=["k"])
    assert len(tree()) == len(values)
    for name in tree():
        place, key = name.split("/")[0].partition("=")[::2]
        assert place == "k"
        number = lamella.read_parquet(os.path.join("d", name), "table").to_pydict()["id"][0]
        found = None if key == "__HIVE_DEFAULT_PARTITION__" else urllib.parse.unquote(key)
        if type == "utf8":
            assert found == values[number]
        else:
            assert (found is None) == (values[number] is None)
    if type in ("int64", "utf8"):
        back = lamella.read_parquet("d", "table").to_pylist()
        assert sorted(back, key=lambda row: row["id"]) == rows


@pytest.mark.parametrize("kind", ["pandas", "polars", "arrow", "iterator"])
def test_data_of_each_kind(kind):
    frame = pd.DataFrame({"id": range(1000), "k": [f"k{i % 3}" for i in range(1000)]})
    data = {
        "pandas": frame, "polars": pl.from_pandas(frame), "arrow": pa.table(frame),
        "iterator": (frame[i : i + 100] for i in range(0, 1000, 100)),
    }[kind]  # fmt: skip
    result = lamella.write_to_dataset(data, "d", "id: int64, k: utf8", ["k"])
    assert result.rows == 1000 and len(result.files) == 3 and set(result.partitions) == {"k=k0", "k=k1", "k=k2"}
    assert ids() == list(range(1000)) and ids(filters="k = 'k1'") == list(range(1, 1000, 3))


def test_overwrite(nothing_left):
    lamella.write_to_dataset(ROWS, "d", SCHEMA, ["day"])
    lamella.write_to_dataset(ROWS[:1], "d", SCHEMA, ["city"], mode="overwrite")
    assert len(tree()) == 1 and ids() == [1]
    lamella.write_to_dataset(ROWS[:0], "d", SCHEMA, mode="overwrite")
    assert ids() == [] and str(lamella.scan("d").schema) == SCHEMA.replace(", ", "\n")
    nothing_left("d")


def test_create(nothing_left):
    lamella.write_to_dataset(ROWS, "d", SCHEMA, mode="create")
    with pytest.raises(FileExistsError):
        lamella.write_to_dataset(ROWS, "d", SCHEMA, mode="create")
    assert len(ids()) == 5
    nothing_left("d")


def test_overwrite_partitions(nothing_left):
    lamella.write_to_dataset(ROWS, "d", SCHEMA, ["day"])
    new = [{"id": 10, "city": "x", "day": dt.date(2020, 1, 1)}, {"id": 11, "city": "y", "day": dt.date(2020, 2, 1)}]
    lamella.write_to_dataset(new, "d", SCHEMA, ["day"], mode="overwrite_partitions")
    assert ids() == [3, 4, 5, 10, 11]
    with pytest.raises(ValueError):
        lamella.write_to_dataset(new, "d", SCHEMA, mode="overwrite_partitions")
    nothing_left("d")


def test_a_reader_of_the_directory_never_finds_it_missing(child):
    """Overwritten again and again, while another process lists it."""
    import subprocess
    import sys

    lamella.write_to_dataset(ROWS, "d", SCHEMA, ["day"], durability="none")
    code = "import lamella\nfor _ in range(30):\n lamella.write_to_dataset([{'id': 1}], 'd', mode='overwrite', durability='none')"
    writer = subprocess.Popen([sys.executable, "-c", code])
    while writer.poll() is None:
        # A list that was begun before the exchange may end after the old files are gone.
        assert os.listdir("d") or os.listdir("d")
    assert writer.returncode == 0


@pytest.mark.parametrize("mode", ["append", "overwrite", "create", "overwrite_partitions"])
@pytest.mark.parametrize("failure", ["exception", "schema", "disk", "kill"])
def test_failures(mode, failure, child, nothing_left):
    """What stood there stands there still, and nothing lies beside it."""
    if mode != "create":
        lamella.write_to_dataset(ROWS, "d", SCHEMA, ["day"])
    before = tree() if mode != "create" else []
    code = """
        import datetime as dt, lamella, os, resource, signal, sys
        mode, failure = sys.argv[1:]
        def rows():
            for i in range(40):
                yield [{"id": i * 1000 + k, "city": os.urandom(20).hex(), "day": dt.date(2020, 1, 1 + k % 4)} for k in range(1000)]
            if failure == "exception":
                raise RuntimeError("in the middle")
            if failure == "schema":
                yield [{"id": "text", "city": "x", "day": dt.date(2020, 1, 1)}]
            if failure == "kill":
                os.kill(os.getpid(), signal.SIGKILL)
        if failure == "disk":
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
        lamella.write_to_dataset(rows(), "d", "id: int64 not null, city: utf8, day: date32", ["day"], mode)
    """
    done = child(code, mode, failure)
    if failure == "kill":
        assert done.returncode == -signal.SIGKILL
        lamella.gc(".", recursive=True)
    else:
        word = {"exception": "in the middle", "schema": "column id", "disk": "File too large"}[failure]
        assert done.returncode == 1 and word in done.stderr, done.stderr
    assert (tree() if os.path.exists("d") else []) == before
    if before:
        assert ids() == [1, 2, 3, 4, 5]
        nothing_left("d")
    elif failure != "kill":
        nothing_left()


def test_refused(nothing_left):
    cases = [
        ({"mode": "apend"}, ValueError),
        ({"partition_cols": ["nowhere"]}, lamella.SchemaValidationError),
        ({"partition_cols": ["id", "city", "day"]}, ValueError),
        ({"partition_cols": ["id"], "max_partitions": 2}, ValueError),
        ({"compresion": "zstd"}, TypeError),
    ]
    for options, error in cases:
        with pytest.raises(error):
            lamella.write_to_dataset(ROWS, "d", SCHEMA, **options)
    nothing_left()


def test_stamp_and_options():
    result = lamella.write_to_dataset(ROWS, "d", SCHEMA, ["day"], stamp=True, run_id="r", compression="zstd")
    back = lamella.read_parquet("d", "arrow")
    assert set(back["run_id"].to_pylist()) == {"r"} == {result.run_id}
