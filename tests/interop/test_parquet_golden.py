"""Small files of writers that are not at hand everywhere, most of them for what they got wrong (golden/README.md): to
their rows, and to the same ones through a filter, pruned or not."""

import gzip
import os
import pathlib
import subprocess

import pyarrow as pa
import pytest
from test_parquet_filter import check_pruning

import lamella_c as lamella

ROOT = pathlib.Path(__file__).resolve().parents[2]
COMMAND = pathlib.Path(os.environ.get("LAMELLA_COMMAND") or ROOT / "build" / "lamella")
FILES = sorted((pathlib.Path(__file__).parent / "golden").glob("*.parquet"))


def expected(path):
    rows = path.with_suffix(".jsonl")
    return rows.read_bytes() if rows.exists() else gzip.decompress(path.with_suffix(".jsonl.gz").read_bytes())


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_file_of_another_writer_gives_its_rows(path):
    done = subprocess.run([COMMAND, "cat", "--format", "canonical", path], capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr.decode()
    assert done.stdout == expected(path)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_what_it_tells_of_its_rows_misleads_no_filter(path):
    tried, _ = check_pruning(path, lamella.read_parquet(path), values_most=10)
    assert tried


def test_untrue_counts_and_bounds_lose_no_row():
    """What was wrong, by name: rows that were there were left out."""
    golden = FILES[0].parent
    for name, where, rows in [
        ("polars_0_16", "x = 'inf'", 8),
        ("polars_0_20_2", "text is null", 10),
        ("polars_1_31", "nans is not null", 35),
        ("polars_2_0", "nans is not null", 35),
        ("duckdb_0_8", "v is not null", 2048),
        ("parquet_go_0_32_bounds", "money < 0", 13),
        ("parquet_go_0_32_bounds", f"raw > x'{'ff' * 17}'", 20),
    ]:
        got = lamella.read_parquet(golden / f"{name}.parquet", where=where)
        assert got.num_rows == rows, (name, where)


def test_prefixes_that_go_on_from_page_to_page_are_read_from_any_row():
    """PARQUET-246: a page is not to be read without those before it."""
    path = FILES[0].parent / "parquet_java_1_6_prefixes.parquet"
    whole = lamella.read_parquet(path)
    for _ in range(100):  # side by side, in any order
        assert lamella.read_parquet(path, where="\"path\" = '/srv/data/tromso/02993'", threads=2).num_rows == 1
    for start in range(0, whole.num_rows, 37):
        got = lamella.read_parquet(path, where=f"row >= {start} and row < {start + 41}")
        assert got.equals(whole.slice(start, 41)), start
    for column in whole.column_names:
        done = subprocess.run(
            [COMMAND, "cat", "--format", "arrow", "--columns", column, "--offset", "901", path], capture_output=True, timeout=60
        )
        assert done.returncode == 0, done.stderr.decode()
        got = pa.ipc.open_stream(done.stdout).read_all() if done.stdout[:6] != b"ARROW1" else pa.ipc.open_file(done.stdout).read_all()
        assert got.column(0).combine_chunks().equals(whole.column(column).combine_chunks().slice(901)), column


def test_the_types_are_those_that_were_written():
    kinds = {
        "parquet_rs_60_alp": {"money": pa.float64(), "single": pa.float32()},
        "polars_1_31": {"x": pa.float64(), "nans": pa.float32(), "u": pa.uint32(), "text": pa.large_string()},
        "parquet_rs_60_seconds": {
            "date64": pa.date64(), "time32_s": pa.time32("s"), "timestamp_s": pa.timestamp("s"), "duration_s": pa.duration("s"),
            "timestamp_sEurope_Oslo": pa.timestamp("s", "Europe/Oslo"),
        },  # fmt: skip
        "parquet_java_1_6": {"span": pa.month_day_nano_interval(), "two": pa.list_(pa.field("array", pa.int32(), False))},
        "parquet_java_1_12": {"span": pa.month_day_nano_interval(), "money": pa.decimal128(18, 2)},
        "parquet_go_0_32_bounds": {"money": pa.decimal128(18, 2), "gone": pa.null()},
    }
    for name, columns in kinds.items():
        schema = lamella.read_parquet(FILES[0].parent / f"{name}.parquet").schema
        assert {column: schema.field(column).type for column in columns} == columns
