"""lamella head, count and schema."""

import json
import os
import pty
import shutil
import subprocess

import pytest

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")


@pytest.fixture
def table(tmp_path):
    table = pa.table(
        {
            "id": pa.array([1, 20, None], pa.int32()),
            "text": ["plain", "日本", "e\u0301"],
            "list": [[1.5], None, []],
            "long": ["x" * 100, "a\tb\nc", '"quoted"'],
        }
    )
    pq.write_table(table, tmp_path / "t.parquet")
    with pa.ipc.new_file(tmp_path / "t.arrow", table.schema) as writer:
        writer.write_table(table)
    return table


def test_head_is_aligned(run, table):
    done = run("head", "t.parquet")
    assert done.returncode == 0, done.stderr
    assert done.stdout.decode().split("\n") == [
        "   id  text   list                 long",
        "int32  utf8   list<item: float64>  utf8",
        "-----  -----  -------------------  ----------------------------------------",
        "    1  plain  [1.5]                " + "x" * 39 + "…",
        "   20  日本   null                 a b c",
        " null  e\u0301      []                   \"quoted\"",
        "(3 of 3 rows, 4 columns)",
        "",
    ]


def test_head_takes_a_part(run, table):
    done = run("head", "t.arrow", "-n", "1", "--columns", "text,id", "--offset", "1")
    assert done.stdout.decode() == "text     id\nutf8  int32\n----  -----\n日本     20\n(1 of 3 rows, 2 columns)\n"
    done = run("head", "t.parquet", "--width", "0", "--columns", "long")
    assert b"x" * 100 in done.stdout
    assert run("head", "t.parquet", "--limit", "0").stdout.decode().endswith("(0 of 3 rows, 4 columns)\n")
    done = json.loads(run("head", "t.parquet", "--json", "--limit", "2").stdout)
    assert done["rows"] == table.slice(0, 2).to_pylist() and done["status"] == "ok"


def test_head_fits_a_terminal(lamella, tmp_path):
    pq.write_table(pa.table({f"column_{i}": [i] for i in range(30)}), tmp_path / "wide.parquet")
    ours, theirs = pty.openpty()
    import fcntl
    import struct
    import termios

    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 40, 0, 0))
    done = subprocess.run([lamella, "head", tmp_path / "wide.parquet"], stdout=theirs, timeout=60)
    os.close(theirs)
    text = os.read(ours, 65536).decode()
    os.close(ours)
    assert done.returncode == 0
    assert "4 of 30 columns" in text and all(len(line) <= 40 for line in text.splitlines()[:-1])


def test_count(run, tmp_path, table):
    assert run("count", "t.parquet").stdout == b"3\n"
    assert run("count", "t.arrow").stdout == b"3\n"
    assert run("count", "t.parquet", "t.arrow").stdout == b"3\tt.parquet\n3\tt.arrow\n6\ttotal\n"
    assert run("count", "t.parquet", "--offset", "1").stdout == b"2\n"
    assert run("count", "t.arrow", "--limit", "2").stdout == b"2\n"
    told = json.loads(run("count", "t.parquet", "t.arrow", "--json").stdout)
    assert told["rows"] == 6 and told["paths"] == [{"path": "t.parquet", "rows": 3}, {"path": "t.arrow", "rows": 3}]
    done = run("count", "t.parquet", "nowhere.parquet")
    assert done.returncode == 9 and b"nowhere.parquet" in done.stderr
    pq.write_table(table.select([]), tmp_path / "none.parquet")
    assert run("count", "none.parquet").returncode == 0


def test_directories_and_patterns(run, tmp_path, table):
    for key in ("1", "2"):
        (tmp_path / "d" / f"k={key}").mkdir(parents=True)
        pq.write_table(table, tmp_path / "d" / f"k={key}" / "t.parquet")
    assert run("count", "d").stdout == b"6\n"
    assert run("count", "d", "--where", "k = 2").stdout == b"3\n"
    assert run("count", "d/*/t.parquet").stdout == b"6\n"
    assert run("schema", "d").stdout.endswith(b"long: utf8\nk: int64\n")
    assert run("head", "d", "--columns", "k,id", "--limit", "4").stdout.decode().splitlines()[-2:] == [
        "    2      1",
        "(4 of 6 rows, 2 columns)",
    ]
    assert run("put", "d", "all.parquet").returncode == 0
    assert pq.read_table(tmp_path / "all.parquet").column("k").to_pylist() == [1, 1, 1, 2, 2, 2]
    (tmp_path / "none").mkdir()
    for missing in ("none", "d/*.csv", "nowhere"):
        done = run("count", missing)
        assert done.returncode == 9 and missing.encode() in done.stderr


def test_schema(run, tmp_path, table):
    text = run("schema", "t.parquet").stdout.decode()
    assert text == "id: int32\ntext: utf8\nlist: list<item: float64>\nlong: utf8\n"
    assert run("schema", "t.arrow").stdout.decode() == text
    assert run("schema", "t.parquet", "--columns", "list").stdout == b"list: list<item: float64>\n"
    done = run("put", "t.parquet", "again.parquet", "--schema", text.strip().replace("\n", ", "), "--json")
    told = json.loads(run("schema", "t.parquet", "--json").stdout)
    assert told["schema_hash"] == json.loads(done.stdout)["schema_hash"]
    alone = json.loads(run("schema", "t.parquet", "--format", "json").stdout)
    assert alone["columns"] == told["columns"]
    assert alone["columns"][2] == {
        "name": "list", "type": "list<item: float64>", "nullable": True,
        "children": [{"name": "item", "type": "float64", "nullable": True}],
    }  # fmt: skip
    message = run("schema", "t.parquet", "--format", "arrow").stdout
    assert pa.ipc.read_schema(pa.py_buffer(message)).equals(table.schema)
    assert run("schema", "t.arrow", "--format", "parquet").returncode == 3
    assert run("schema", "t.parquet", "--format", "arrow", "--json").returncode == 2


def test_schema_in_parquets_notation(run, tmp_path):
    schema = pa.schema(
        [
            pa.field("id", pa.int64(), nullable=False, metadata={"PARQUET:field_id": "7"}),
            pa.field("price", pa.decimal128(10, 2)),
            pa.field("at", pa.timestamp("us", "UTC")),
            pa.field("small", pa.uint8()),
            pa.field("key", pa.binary(16)),
            pa.field("tags", pa.list_(pa.string())),
            pa.field("m", pa.map_(pa.string(), pa.date32())),
        ]
    )
    pq.write_table(schema.empty_table(), tmp_path / "t.parquet")
    assert run("schema", "t.parquet", "--format", "parquet").stdout.decode() == (
        "message schema {\n"
        "  required int64 id = 7;\n"
        "  optional fixed_len_byte_array(5) price (DECIMAL(10,2));\n"
        "  optional int64 at (TIMESTAMP(MICROS,true));\n"
        "  optional int32 small (INTEGER(8,false));\n"
        "  optional fixed_len_byte_array(16) key;\n"
        "  optional group tags (LIST) {\n"
        "    repeated group list {\n"
        "      optional binary element (STRING);\n"
        "    }\n"
        "  }\n"
        "  optional group m (MAP) {\n"
        "    repeated group key_value {\n"
        "      required binary key (STRING);\n"
        "      optional int32 value (DATE);\n"
        "    }\n"
        "  }\n"
        "}\n"
    )


@pytest.mark.skipif(not shutil.which("strace"), reason="there is no strace")
@pytest.mark.parametrize("command", ["count", "schema"])
def test_neither_threads_nor_codecs_are_started(lamella, tmp_path, table, command):
    trace = tmp_path / "trace"
    words = ["strace", "-f", "-o", trace, "-e", "trace=clone,clone3,openat", lamella, command, tmp_path / "t.parquet"]
    done = subprocess.run(words, capture_output=True, timeout=60, env={**os.environ, "ASAN_OPTIONS": "detect_leaks=0"})
    if done.returncode != 0:
        pytest.skip("strace cannot trace here")
    calls = trace.read_text()
    assert "clone" not in calls and "zstd" not in calls and "snappy" not in calls and "lz4" not in calls
