"""`lamella inspect` against pyarrow's own look at the same footers: files made here, and those of every origin."""
import datetime
import decimal
import json
import os
import pathlib
import subprocess

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from test_parquet_files import FILES, READABLE, cases

ROOT = pathlib.Path(__file__).resolve().parents[2]
COMMAND = pathlib.Path(os.environ.get("LAMELLA_COMMAND") or ROOT / "build" / "lamella")
CODECS = {"LZ4": "lz4_raw", "UNKNOWN": "lz4"}  # the old LZ4 has no name there


def run(*words):
    return subprocess.run([COMMAND, "inspect", *words], capture_output=True, timeout=120)


def inspect(*words):
    done = run("--json", *words)
    assert done.returncode == 0, done.stderr.decode()
    return json.loads(done.stdout)


def same_chunk(told, chunk):
    assert told["values"] == chunk.num_values
    assert (told["bytes"], told["compressed_bytes"]) == (chunk.total_uncompressed_size, chunk.total_compressed_size)
    assert told["data_page_offset"] == chunk.data_page_offset
    assert told["codec"] == CODECS.get(chunk.compression, chunk.compression.lower())
    assert {e for e in told["encodings"] if e != "BIT_PACKED"} == {e for e in chunk.encodings if e != "BIT_PACKED"}
    assert ("offset_index" in told) == chunk.has_offset_index
    assert ("column_index" in told) == chunk.has_column_index
    if chunk.statistics is not None and chunk.statistics.has_null_count:
        assert told["statistics"]["null_count"] == chunk.statistics.null_count
    if chunk.statistics is not None and chunk.statistics.has_min_max:
        assert {"min", "max"} <= told["statistics"].keys()


@pytest.mark.parametrize("entry", cases(READABLE))
def test_a_file_of_any_origin_is_told_as_pyarrow_tells_it(entry):
    path = FILES / "data" / entry["name"]
    told = inspect(path)
    try:
        metadata = pq.ParquetFile(path).metadata
    except Exception as problem:
        pytest.skip(f"pyarrow cannot read the footer: {problem}")
    assert (told["rows"], len(told["row_groups"])) == (metadata.num_rows, metadata.num_row_groups)
    assert told["version"] == (2 if metadata.format_version != "1.0" else 1)
    assert told.get("created_by", "") == metadata.created_by
    schema = metadata.schema
    for i, column in enumerate(told["columns"]):
        leaf = schema.column(i)
        assert (column["path"], column["physical"]) == (leaf.path, leaf.physical_type)
        assert column["definition_max"] == leaf.max_definition_level
        assert column["repetition_max"] == leaf.max_repetition_level
    for i, group in enumerate(told["row_groups"]):
        assert group["rows"] == metadata.row_group(i).num_rows
        for k, chunk in enumerate(group["columns"]):
            same_chunk(chunk, metadata.row_group(i).column(k))


@pytest.fixture
def typed(tmp_path):
    day = datetime.date(2024, 2, 29)
    moment = datetime.datetime(2024, 2, 29, 12, 30, 15, 250000, tzinfo=datetime.timezone.utc)
    table = pa.table({
        "u": pa.array([1, 2**32 - 1], pa.uint32()),
        "day": pa.array([day, None]),
        "at": pa.array([moment, None], pa.timestamp("us", "UTC")),
        "price": pa.array([decimal.Decimal("-1.50"), decimal.Decimal("20.25")], pa.decimal128(20, 2)),
        "name": pa.array(["b\nc", "Æ"]),
        "raw": pa.array([b"\x00\xff", b"\x01"]),
        "half": pa.array([1.5, -2.0], pa.float32()).cast(pa.float16()),
        "on": pa.array([True, False]),
    })
    path = tmp_path / "typed.parquet"
    pq.write_table(table, path, write_page_index=True, write_page_checksum=True,
                   sorting_columns=[pq.SortingColumn(0, descending=True, nulls_first=True)])
    return path


def test_values_read_as_their_type_says(typed):
    told = inspect(typed)
    bounds = {c["path"]: (c["statistics"]["min"], c["statistics"]["max"]) for c in told["row_groups"][0]["columns"]}
    assert bounds == {
        "u": ("1", "4294967295"),
        "day": ("2024-02-29", "2024-02-29"),
        "at": ("2024-02-29T12:30:15.250000Z",) * 2,
        "price": ("-1.50", "20.25"),
        "name": ("b\nc", "Æ"),
        "raw": ("00ff", "01"),
        "half": ("-2.0", "1.5"),
        "on": ("false", "true"),
    }
    types = {c["path"]: c.get("type") for c in told["columns"]}
    assert types == {"u": "UINT32", "day": "DATE", "at": "TIMESTAMP(us, UTC)", "price": "DECIMAL(20, 2)",
                     "name": "STRING", "raw": None, "half": "FLOAT16", "on": None}
    assert told["row_groups"][0]["sorting"] == [
        {"path": "u", "column": 0, "descending": True, "nulls_first": True}]


def test_pages_are_told_with_their_places(typed):
    told = inspect(typed, "--pages", "--column", "name")
    assert [c["path"] for c in told["columns"]] == ["name"]
    chunk = told["row_groups"][0]["columns"][0]
    kinds = [page["kind"] for page in chunk["pages"]]
    assert kinds == ["DICTIONARY_PAGE", "DATA_PAGE"]
    assert chunk["pages"][1]["offset"] == chunk["data_page_offset"]
    assert chunk["pages"][1]["first_row"] == 0 and "crc" in chunk["pages"][1]
    assert sum(page["header_bytes"] + page["compressed_bytes"] for page in chunk["pages"]) == chunk["compressed_bytes"]


def test_the_text_has_all_of_it(typed):
    text = run("--pages", typed).stdout.decode()
    for part in ["2 rows, 1 row groups, 8 columns", "created by parquet-cpp-arrow", "ARROW:schema = ",
                 "sorted by u descending nulls first", "DECIMAL(20, 2)", "2024-02-29T12:30:15.250000Z", "b\\x0ac",
                 "pages of price", "RLE_DICTIONARY"]:
        assert part in text, part
    assert run("--column", "name", typed).stdout.decode().count("price") == 0


def test_a_group_names_the_columns_in_it(tmp_path):
    path = tmp_path / "nested.parquet"
    pq.write_table(pa.table({"s": [{"x": 1, "y": "a"}], "sx": [1]}), path)
    assert [c["path"] for c in inspect(path, "--column", "s")["columns"]] == ["s.x", "s.y"]


def test_what_is_not_there_is_said(typed):
    done = run("--row-group", "1", typed)
    assert done.returncode == 2 and b"there is no row group 1: the file has 1" in done.stderr
    done = run("--column", "nam", typed)
    assert done.returncode == 2 and b"there is no column 'nam'" in done.stderr


def test_an_encrypted_column_is_said_to_be(tmp_path):
    path = FILES / "data" / "duckdb" / "encryption__encrypted_column.parquet"
    if not path.exists():
        pytest.skip(f"{path} is not there")
    told = inspect("--pages", path)
    assert any(chunk.get("encrypted") for chunk in told["row_groups"][0]["columns"])
