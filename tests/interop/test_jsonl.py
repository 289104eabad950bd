"""JSON lines between Lamella and other programs."""

import gzip
import json
import os
import pathlib
import random
import subprocess

import pytest

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")
duckdb = pytest.importorskip("duckdb")
polars = pytest.importorskip("polars")

ROOT = pathlib.Path(__file__).resolve().parents[2]
COMMAND = pathlib.Path(os.environ.get("LAMELLA_COMMAND") or ROOT / "build" / "lamella")


def lamella(*words, stdin=None):
    done = subprocess.run([COMMAND, *words], input=stdin, capture_output=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def value(kind):
    if random.random() < 0.15:
        return None
    if kind == "int":
        return random.choice([0, -1, 2**63 - 1, -(2**63), random.randint(-1000, 1000)])
    if kind == "real":
        return random.choice([0.0, -0.0, 1.5, 1e300, 5e-324, random.random(), random.random() * 1e17])
    if kind == "text":
        return "".join(random.choice("aé€\U0001f600\"\\\n\t\x01/ ") for _ in range(random.randint(0, 12)))
    if kind == "bool":
        return random.random() < 0.5
    if kind == "list":
        return [value("int") for _ in range(random.randint(0, 3))]
    return {"x": value("real"), "y": [{"z": value("text")} for _ in range(random.randint(0, 2))]}


def sample(count, seed):
    random.seed(seed)
    kinds = {"a": "int", "b": "real", "c": "text", "d": "bool", "e": "list", "f": "struct"}
    return [{name: value(kind) for name, kind in kinds.items()} for _ in range(count)]


@pytest.mark.parametrize("ascii_only", [False, True])
def test_lines_of_python(tmp_path, ascii_only):
    rows = sample(2000, 1)
    path = tmp_path / "in.jsonl"
    path.write_text("".join(json.dumps(row, ensure_ascii=ascii_only) + "\n" for row in rows), encoding="utf-8")
    got = pa.ipc.open_stream(lamella("cat", path, "--format", "arrows")).read_all()
    assert got.to_pylist() == rows
    assert [json.loads(line) for line in lamella("cat", path).splitlines()] == rows


def test_lines_for_polars_and_duckdb(tmp_path):
    rows = [{**row, "f": None if row["f"] is None else {"x": row["f"]["x"]}} for row in sample(500, 2)]
    for row in rows:
        row["b"] = 1.0 if row["b"] is None else row["b"]
    table = pa.Table.from_pylist(rows)
    pq.write_table(table, tmp_path / "in.parquet")
    (tmp_path / "out.jsonl").write_bytes(lamella("cat", tmp_path / "in.parquet"))
    assert polars.read_ndjson(tmp_path / "out.jsonl", infer_schema_length=None).to_dicts() == rows
    got = duckdb.sql(f"select a, b, c, d, e from read_json('{tmp_path}/out.jsonl', sample_size=-1)").to_arrow_table()
    assert got.to_pylist() == [{k: v for k, v in row.items() if k != "f"} for row in rows]


def test_lines_of_polars(tmp_path):
    rows = sample(300, 3)
    polars.DataFrame(rows, infer_schema_length=None).write_ndjson(tmp_path / "in.ndjson")
    assert [json.loads(line) for line in lamella("cat", tmp_path / "in.ndjson").splitlines()] == rows


def test_back_by_a_schema(tmp_path):
    """What has no type of its own in JSON comes back where the schema is told."""
    table = pa.table(
        {
            "d": pa.array(["1.50", None, "-0.01"]).cast(pa.decimal128(10, 2)),
            "t": pa.array([0, None, -1], pa.timestamp("ns", "UTC")),
            "u": pa.array([10**15, None, -1], pa.timestamp("us")),
            "day": pa.array([0, None, -700000], pa.date32()),
            "b": pa.array([b"\x00\xff", None, b""]),
            "f": pa.array([0.1, float("nan"), float("-inf")], pa.float32()),
            "k": pa.array(["x", None, "y"]).dictionary_encode(),
            "m": pa.array([[("a", 1)], None, []], pa.map_(pa.string(), pa.int8())),
            "i": pa.array([-128, None, 127], pa.int8()),
            "p": pa.array([5, None, -7], pa.duration("ms")),
        }
    )
    pq.write_table(table, tmp_path / "in.parquet")
    (tmp_path / "out.jsonl").write_bytes(lamella("cat", tmp_path / "in.parquet"))
    schema = lamella("schema", tmp_path / "in.parquet").decode()
    got = pa.ipc.open_stream(
        lamella("cat", tmp_path / "out.jsonl", "--read-schema", schema, "--format", "arrows")
    ).read_all()
    assert got.schema.equals(table.schema)
    assert str(got.to_pylist()) == str(table.to_pylist())


def test_directories_of_lines(tmp_path):
    for i, lines in enumerate(['{"a":1,"b":"x"}\n', '{"a":2.5}\n{"c":[1],"a":null}\n', '{"b":null,"a":3}\n']):
        (tmp_path / f"day=2026-01-0{i + 1}").mkdir()
        (tmp_path / f"day=2026-01-0{i + 1}" / "x.jsonl").write_text(lines)
    got = [json.loads(line) for line in lamella("cat", tmp_path).splitlines()]
    assert [list(row.values()) for row in got] == [
        [1.0, "x", None, "2026-01-01"],
        [2.5, None, None, "2026-01-02"],
        [None, None, [1], "2026-01-02"],
        [3.0, None, None, "2026-01-03"],
    ]
    assert lamella("count", tmp_path, "--where", "day > '2026-01-01' and a > 2.7") == b"1\n"
    want = b'{"b":"x"}\n{"b":null}\n{"b":null}\n{"b":null}\n'
    assert lamella("cat", tmp_path, "--read-schema", "b: utf8") == want


@pytest.mark.parametrize("suffix", ["gz", "zst"])
def test_packed_lines(tmp_path, suffix):
    lines = b"".join(b'{"i":%d,"t":"%s"}\n' % (i, b"x" * (i % 50)) for i in range(200000))
    half = len(lines) // 2
    if suffix == "gz":
        data = gzip.compress(lines[:half]) + gzip.compress(lines[half:])  # members one after another
    else:
        data = pa.compress(lines, codec="zstd", asbytes=True)
    path = tmp_path / f"in.jsonl.{suffix}"
    path.write_bytes(data)
    assert lamella("cat", path) == lines
    assert lamella("count", "-", "--from", "jsonl", stdin=data) == b"200000\n"
    path.write_bytes(data[: len(data) * 2 // 3])
    done = subprocess.run([COMMAND, "count", path], capture_output=True, timeout=60)
    assert done.returncode == 3 and b"in.jsonl." in done.stderr
    out = tmp_path / f"out.jsonl.{suffix}"
    subprocess.run([COMMAND, "put", "-", out, "--from", "jsonl"], input=lines, check=True, timeout=60)
    assert lamella("cat", out) == lines
    assert len(polars.read_ndjson(out)) == 200000
    assert duckdb.sql(f"select i from '{out}'").to_arrow_table()["i"].to_pylist() == list(range(200000))


def test_a_pipe_and_its_errors(tmp_path):
    assert lamella("count", "-", stdin=b'{"a":1}\n{"a":2}') == b"2\n"
    done = subprocess.run([COMMAND, "cat", "-"], input=b'{"a":1}\n{"a":}\n', capture_output=True, timeout=60)
    assert done.returncode == 3 and b"standard input: line 2: column a: no value" in done.stderr
