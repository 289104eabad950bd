"""lamella cat: the rows of a table, in the formats that are written."""

import datetime as dt
import decimal
import io
import json
import os
import signal
import subprocess

import pytest

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")


@pytest.fixture
def table():
    return pa.table(
        {
            "id": pa.array(range(5000), pa.int64()),
            "name": pa.array([None if i % 7 == 0 else f"name {i % 50}" for i in range(5000)]),
            "tags": pa.array([[i, i + 1] if i % 3 else None for i in range(5000)], pa.list_(pa.int32())),
            "s": pa.array([{"x": i, "y": str(i)} for i in range(5000)]),
        }
    )


def _write(table, path):
    if path.suffix == ".parquet":
        pq.write_table(table, path, row_group_size=1000)
    elif path.suffix == ".arrow":
        with pa.ipc.new_file(path, table.schema) as writer:
            writer.write_table(table, max_chunksize=700)
    else:
        with pa.ipc.new_stream(path, table.schema) as writer:
            writer.write_table(table, max_chunksize=700)


def _lines(done):
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize("name", ["in.parquet", "in.arrow", "in.arrows"])
def test_every_format_to_every_format(run, tmp_path, table, name):
    _write(table, tmp_path / name)
    assert _lines(run("cat", name)) == table.to_pylist()
    done = run("cat", name, "--format", "arrow")
    assert done.returncode == 0 and pa.ipc.open_file(done.stdout).read_all().equals(table)
    done = run("cat", name, "--format", "arrows")
    assert done.returncode == 0 and pa.ipc.open_stream(done.stdout).read_all().equals(table)
    done = run("cat", name, "--format", "parquet")
    assert done.returncode == 0 and pq.read_table(io.BytesIO(done.stdout)).equals(table)
    part = ["--columns", "s.y,id", "--offset", "990", "--limit", "30"]
    want = [{"s": {"y": str(i)}, "id": i} for i in range(990, 1020)]
    assert _lines(run("cat", name, *part)) == want
    want = [{"name": f"name {i % 50}"} for i in range(5000) if i % 7 and i > 990 and i % 50 in (3, 4)]
    where = "id > 990 and name in ('name 3', 'name 4')"
    assert _lines(run("cat", name, "--where", where, "--columns", "name")) == want
    assert run("count", name, "--where", where).stdout == b"%d\n" % len(want)
    assert run("count", name, "--where", where, "--limit", "5").stdout == b"5\n"
    assert _lines(run("cat", name, "-n", "2", "--columns", "id")) == [{"id": 0}, {"id": 1}]


def test_pipes_are_read(run, tmp_path, table):
    _write(table, tmp_path / "in.arrows")
    data = (tmp_path / "in.arrows").read_bytes()
    assert _lines(run("cat", "-", "--columns", "id", "--limit", "3", stdin=data)) == [{"id": i} for i in range(3)]
    done = run("cat", "-", stdin=b"what is this")
    assert done.returncode == 2 and b"standard input" in done.stderr
    assert run("cat", "-", stdin=data[: len(data) // 2]).returncode == 3


def test_the_values_of_every_type(run, tmp_path):
    when = dt.datetime(2026, 11, 21, 2, 43, 6, 123456)
    rows = [
        (pa.int64(), -(2**63), "-9223372036854775808"),
        (pa.uint64(), 2**64 - 1, "18446744073709551615"),
        (pa.int8(), -128, "-128"),
        (pa.float64(), 0.1, "0.1"),
        (pa.float64(), float("nan"), '"NaN"'),
        (pa.float64(), float("inf"), '"Infinity"'),
        (pa.float64(), float("-inf"), '"-Infinity"'),
        (pa.float32(), 0.1, "0.1"),
        (pa.decimal128(20, 2), decimal.Decimal("123456789012345678.50"), "123456789012345678.50"),
        (pa.decimal256(76, 5), decimal.Decimal("-0.00001"), "-0.00001"),
        (pa.bool_(), False, "false"),
        (pa.string(), 'a"b\\c\n\t\x01é\U0001f600/', '"a\\"b\\\\c\\n\\t\\u0001é\U0001f600/"'),
        (pa.string_view(), "a text that is longer than twelve", '"a text that is longer than twelve"'),
        (pa.binary(), b"", '""'),
        (pa.binary(), b"a", '"YQ=="'),
        (pa.binary(), b"ab\xff", '"YWL/"'),
        (pa.binary(2), b"\xfb\xf0", '"+/A="'),
        (pa.uuid(), b"\x6b\xa7\xb8\x10\x9d\xad\x11\xd1\x80\xb4\x00\xc0\x4f\xd4\x30\xc8",
         '"6ba7b810-9dad-11d1-80b4-00c04fd430c8"'),
        (pa.date32(), dt.date(1, 1, 1), '"0001-01-01"'),
        (pa.date64(), dt.date(1969, 12, 31), '"1969-12-31"'),
        (pa.time32("s"), dt.time(12, 34, 56), '"12:34:56"'),
        (pa.time64("us"), dt.time(12, 34, 56, 789), '"12:34:56.000789"'),
        (pa.timestamp("us"), when, '"2026-11-21T02:43:06.123456"'),
        (pa.timestamp("ns", "Europe/Oslo"), 1, '"1970-01-01T00:00:00.000000001Z"'),
        (pa.duration("ms"), -90500, '"PT-90.5S"'),
        (pa.duration("s"), 5, '"PT5S"'),
        (pa.month_day_nano_interval(), (1, -2, 500000000), '"P1M-2DT0.5S"'),
        (pa.list_(pa.int32()), [1, None], "[1,null]"),
        (pa.large_list(pa.string()), [], "[]"),
        (pa.list_(pa.int8(), 2), [1, 2], "[1,2]"),
        (pa.struct([("x", pa.int8()), ("y", pa.string())]), {"x": 1, "y": None}, '{"x":1,"y":null}'),
        (pa.map_(pa.string(), pa.int8()), [("k", 1), ("l", None)], '{"k":1,"l":null}'),
        (pa.map_(pa.int32(), pa.int8()), [(5, 1)], '{"5":1}'),
        (pa.dictionary(pa.int8(), pa.string()), "v", '"v"'),
        (pa.null(), None, "null"),
    ]  # fmt: skip
    columns = {}
    for i, (kind, value, _) in enumerate(rows):
        if kind == pa.uuid():
            columns[f"c{i}"] = pa.ExtensionArray.from_storage(kind, pa.array([value], pa.binary(16)))
        else:
            columns[f"c{i}"] = pa.array([value], kind)
    columns["run"] = pa.RunEndEncodedArray.from_arrays(pa.array([1], pa.int32()), pa.array(["r"]))
    _write(pa.table(columns), tmp_path / "in.arrows")
    done = run("cat", "in.arrows")
    want = ",".join(f'"c{i}":{text}' for i, (_, _, text) in enumerate(rows)) + ',"run":"r"'
    assert done.stdout.decode() == "{" + want + "}\n", done.stderr


def test_what_has_no_json_is_refused(run, tmp_path):
    two = pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["a", "a"])
    _write(two, tmp_path / "in.arrow")
    done = run("cat", "in.arrow")
    assert done.returncode == 3 and b"'a'" in done.stderr


def test_rows_without_columns(run, tmp_path, table):
    pq.write_table(table.select([]).slice(0, 0), tmp_path / "none.parquet")
    assert run("cat", "none.parquet").stdout == b""


def test_options_that_do_not_go_together(run, tmp_path, table):
    _write(table, tmp_path / "in.parquet")
    for words in (["--json"], ["--format", "canonical", "--limit", "1"], ["--columns", "nowhere"], ["--limit", "x"], ["--where", "id >"]):
        done = run("cat", "in.parquet", *words)
        assert done.returncode == 2 and b'"id"' not in done.stdout and done.stderr, words
    assert run("cat", "nowhere.parquet").returncode == 9
    done = run("cat", "in.parquet", "--where", "gone = 1")
    assert done.returncode == 3 and b"gone" in done.stderr
    assert run("cat", "in.parquet", "--format", "canonical").returncode == 0


def test_the_reader_goes_away(lamella, tmp_path, table):
    _write(pa.concat_tables([table] * 40), tmp_path / "in.parquet")
    process = subprocess.Popen([lamella, "cat", tmp_path / "in.parquet"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdout.readline()
    process.stdout.close()
    assert process.wait(timeout=60) == 128 + signal.SIGPIPE
    assert process.stderr.read() == b""


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full")
def test_a_full_output(lamella, tmp_path, table):
    _write(table, tmp_path / "in.parquet")
    with open("/dev/full", "wb") as full:
        done = subprocess.run([lamella, "cat", "in.parquet"], cwd=tmp_path, stdout=full, stderr=subprocess.PIPE, timeout=60)
    assert done.returncode == 1 and b"standard output" in done.stderr


def test_damage_in_the_middle(run, tmp_path, table):
    _write(table, tmp_path / "in.parquet")
    data = bytearray((tmp_path / "in.parquet").read_bytes())
    where = pq.ParquetFile(tmp_path / "in.parquet").metadata.row_group(3).column(1).data_page_offset
    data[where : where + 40] = bytes(40)
    (tmp_path / "in.parquet").write_bytes(data)
    done = run("cat", "in.parquet")
    assert done.returncode == 3 and b"in.parquet" in done.stderr
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert rows == table.to_pylist()[: len(rows)] and len(rows) >= 2000
