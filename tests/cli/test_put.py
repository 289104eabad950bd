"""lamella put: a table is published whole, or the destination is as it was."""

import gzip
import io
import json
import os
import resource
import signal
import subprocess
import time

import pytest

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")


@pytest.fixture
def table():
    return pa.table(
        {
            "id": pa.array(range(10000), pa.int64()),
            "name": pa.array([None if i % 7 == 0 else f"name {i % 50}" for i in range(10000)]),
            "tags": pa.array([[i, i + 1] if i % 3 else None for i in range(10000)], pa.list_(pa.int32())),
        }
    )


def _ipc(table, stream=False):
    out = io.BytesIO()
    new = pa.ipc.new_stream if stream else pa.ipc.new_file
    with new(out, table.schema) as writer:
        writer.write_table(table, max_chunksize=1000)
    return out.getvalue()


def _nothing_beside(folder, *names):
    assert sorted(p.name for p in folder.iterdir()) == sorted(names)


@pytest.mark.parametrize("stream", [False, True])
def test_a_file_and_a_pipe(run, tmp_path, table, stream):
    data = _ipc(table, stream)
    (tmp_path / "in.arrow").write_bytes(data)
    for source, stdin in (("in.arrow", b""), ("-", data), ("/dev/stdin", data)):
        done = run("put", source, "out.parquet", "--json", stdin=stdin)
        assert done.returncode == 0, done.stderr
        told = json.loads(done.stdout)
        assert told["rows"] == 10000 and told["row_groups"] == 1
        assert told["bytes"] == (tmp_path / "out.parquet").stat().st_size
        assert told["schema_hash"].startswith("sha256:")
        assert pq.read_table(tmp_path / "out.parquet").equals(table)
    _nothing_beside(tmp_path, "in.arrow", "out.parquet")


def test_arrow_to_arrow(run, tmp_path, table):
    (tmp_path / "in.arrow").write_bytes(_ipc(table))
    assert run("put", "in.arrow", "out.arrows").returncode == 0
    assert pa.ipc.open_stream((tmp_path / "out.arrows").read_bytes()).read_all().equals(table)
    assert run("put", "out.arrows", "again", "--to", "arrow").returncode == 0
    assert pa.ipc.open_file((tmp_path / "again").read_bytes()).read_all().equals(table)


def test_from_parquet(run, lamella, tmp_path, table):
    pq.write_table(table, tmp_path / "in.parquet", row_group_size=3000)
    assert run("put", "in.parquet", "out.arrow").returncode == 0
    assert pa.ipc.open_file((tmp_path / "out.arrow").read_bytes()).read_all().equals(table)
    data = (tmp_path / "in.parquet").read_bytes()
    done = run("put", "-", "out.parquet", stdin=data)  # a pipe has no end to begin from
    assert done.returncode == 1 and b"standard input" in done.stderr and b"file first" in done.stderr
    with open(tmp_path / "in.parquet", "rb") as stdin:  # a file that is standard input has
        done = subprocess.run([lamella, "put", "-", "out.parquet"], stdin=stdin, cwd=tmp_path, timeout=60)
    assert done.returncode == 0
    assert pq.read_table(tmp_path / "out.parquet").equals(table)
    assert run("put", "in.parquet", "in.parquet", "--codec", "zstd").returncode == 0  # onto itself
    assert pq.read_table(tmp_path / "in.parquet").equals(table)


@pytest.mark.parametrize("source", ["in.parquet", "in.arrow"])
def test_a_part_of_the_source(run, tmp_path, source):
    table = pa.table({"a,b": range(1000), "s": [{"x": i, "y": -i} for i in range(1000)], "c": [str(i) for i in range(1000)]})
    pq.write_table(table, tmp_path / "in.parquet", row_group_size=300)
    (tmp_path / "in.arrow").write_bytes(_ipc(table))
    done = run("put", source, "out.parquet", "--columns", "s.y,a\\,b", "--offset", "250", "--limit", "100")
    assert done.returncode == 0, done.stderr
    assert pq.read_table(tmp_path / "out.parquet").to_pydict() == {
        "s": [{"y": -i} for i in range(250, 350)],
        "a,b": list(range(250, 350)),
    }
    assert run("put", source, "out.parquet", "--limit", "0").returncode == 0
    assert pq.read_table(tmp_path / "out.parquet").num_rows == 0
    done = run("put", source, "out.parquet", "--columns", "c,d")
    assert done.returncode == 2 and b"'d'" in done.stderr


def test_options_reach_the_file(run, tmp_path, table):
    (tmp_path / "in.arrow").write_bytes(_ipc(table))
    done = run(
        "put", "in.arrow", "out.parquet", "--codec", "zstd:5", "--row-group-rows", "4000", "--data-page", "v2",
        "--encoding", "id=DELTA_BINARY_PACKED", "--column-codec", "name=none", "--kv", "made=here", "--threads", "2",
        "--no-page-index", "--no-statistics",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    meta = pq.ParquetFile(tmp_path / "out.parquet").metadata
    assert meta.num_row_groups == 3 and meta.metadata[b"made"] == b"here"
    chunk, other = meta.row_group(0).column(0), meta.row_group(0).column(1)
    assert chunk.compression == "ZSTD" and "DELTA_BINARY_PACKED" in chunk.encodings
    assert other.compression == "UNCOMPRESSED"
    assert not chunk.has_offset_index and not (chunk.statistics and chunk.statistics.has_min_max)
    assert pq.read_table(tmp_path / "out.parquet").equals(table)


def test_the_manifest_knows_rows_and_schema(run, tmp_path, table):
    (tmp_path / "in.arrow").write_bytes(_ipc(table))
    assert run("put", "in.arrow", "out.parquet", "--manifest", "job=nightly", "--run-id", "r1").returncode == 0
    manifest = json.loads((tmp_path / "out.parquet.manifest.json").read_text())
    assert manifest["rows"] == 10000 and manifest["run_id"] == "r1"
    assert manifest["schema_hash"].startswith("sha256:") and manifest["user"] == {"job": "nightly"}
    assert run("verify", "out.parquet").returncode == 0


@pytest.mark.parametrize(
    "words, status, message",
    [
        (["in.arrow", "out.txt"], 2, b"no format"),
        (["odd", "out.parquet"], 2, b"say which it is (parquet, arrow"),
        (["nowhere.arrow", "out.parquet"], 9, b"nowhere.arrow"),
        (["broken.arrow", "out.parquet"], 3, b"broken.arrow"),
        (["short.arrows", "out.parquet"], 3, b"short.arrows"),
        (["in.arrow", "out.parquet", "--codec", "lzo"], 1, b"lzo"),
        (["in.arrow", "out.parquet", "--codec", "zstd:99"], 2, b"level"),
        (["in.arrow", "out.parquet", "--encoding", "name=DELTA_BINARY_PACKED"], 2, b"name"),
        (["in.arrow", "out.parquet", "--encoding", "nowhere=PLAIN"], 2, b"nowhere"),
        (["in.arrow", "out.parquet", "--encoding", "id=NONE"], 2, b"NONE"),
        (["in.arrow", "out.parquet", "--if-absent"], 5, b"exists"),
    ],
)
def test_what_fails_leaves_the_old_file(run, tmp_path, table, words, status, message):
    data = _ipc(table)
    (tmp_path / "in.arrow").write_bytes(data)
    (tmp_path / "broken.arrow").write_bytes(data[:8] + os.urandom(100))
    (tmp_path / "short.arrows").write_bytes(_ipc(table, stream=True)[:20000])
    (tmp_path / "odd").write_bytes(b"odd")
    for name in ("out.parquet", "out.txt"):
        (tmp_path / name).write_bytes(b"old")
    done = run("put", *words)
    assert done.returncode == status, done.stderr
    assert message in done.stderr and done.stderr.count(b"\n") == 1
    assert (tmp_path / "out.parquet").read_bytes() == b"old" and (tmp_path / "out.txt").read_bytes() == b"old"
    _nothing_beside(tmp_path, "in.arrow", "broken.arrow", "short.arrows", "odd", "out.parquet", "out.txt")


def test_a_schema_is_given(run, tmp_path, table):
    (tmp_path / "in.arrow").write_bytes(_ipc(table))
    schema = "name: utf8, id: float64, tags: large_list<item: int64>, more: date32"
    done = run("put", "in.arrow", "out.parquet", "--schema", schema)
    assert done.returncode == 0, done.stderr
    got = pq.read_table(tmp_path / "out.parquet")
    assert got.schema.names == ["name", "id", "tags", "more"] and got.column("more").null_count == 10000
    assert got.column("id").to_pylist()[:3] == [0.0, 1.0, 2.0]
    done = run("put", "in.arrow", "out.parquet", "--schema", "id: bool, name: utf8 not null, gone: int8 not null")
    assert done.returncode == 3
    for word in (b"id", b"gone", b"tags"):  # all problems at once
        assert word in done.stderr
    assert pq.read_table(tmp_path / "out.parquet").equals(got)


def test_a_full_disk(lamella, tmp_path, table):
    """RLIMIT_FSIZE stops the file in its middle, as a full disk does."""
    big = pa.table({"v": pa.array(os.urandom(8) for _ in range(200000))})
    (tmp_path / "in.arrow").write_bytes(_ipc(big))
    (tmp_path / "out.parquet").write_bytes(b"old")

    def limit():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (300000, 300000))

    done = subprocess.run(
        [lamella, "put", "in.arrow", "out.parquet"], cwd=tmp_path, capture_output=True, preexec_fn=limit, timeout=60
    )
    assert done.returncode == 1 and b"out.parquet" in done.stderr
    assert (tmp_path / "out.parquet").read_bytes() == b"old"
    _nothing_beside(tmp_path, "in.arrow", "out.parquet")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_interrupted_in_the_middle(lamella, tmp_path, table, number):
    (tmp_path / "out.parquet").write_bytes(b"old")
    data = _ipc(table, stream=True)
    process = subprocess.Popen([lamella, "put", "-", "out.parquet"], cwd=tmp_path, stdin=subprocess.PIPE)
    process.stdin.write(data[: len(data) // 2])
    process.stdin.flush()
    time.sleep(0.2)
    process.send_signal(number)
    assert process.wait(timeout=10) == (130 if number != signal.SIGKILL else -signal.SIGKILL)
    process.stdin.close()
    assert (tmp_path / "out.parquet").read_bytes() == b"old"
    if number == signal.SIGKILL:
        assert subprocess.run([lamella, "gc", "."], cwd=tmp_path, capture_output=True).returncode == 0
    _nothing_beside(tmp_path, "out.parquet")


def test_what_can_be_known_is_told_before_anything_is_staged(run, tmp_path):
    """Columns that are missing or do not fit, all together; then nulls of the first rows, all together."""
    table = pa.table({"id": [1, None, 3], "name": ["a", "b", None], "l": [[1], [None], None], "ok": [1, 2, 3]})
    (tmp_path / "in.arrow").write_bytes(_ipc(table))
    schema = "id: int64 not null, gone: utf8 not null, name: list<int8>, l: list<int64>, far: int8 not null"
    done = run("put", "in.arrow", "made/out.parquet", "--schema", schema)
    assert done.returncode == 3
    assert done.stderr.decode() == (
        "lamella: 4 problems: column gone: it is missing, and not null; column name: utf8 cannot become "
        "list<item: int8>; column far: it is missing, and not null; column ok: it is not in the schema\n"
    )
    schema = "id: int64 not null, name: utf8 not null, l: list<item: int64 not null>, ok: int64 not null"
    done = run("put", "in.arrow", "made/out.parquet", "--schema", schema)
    assert done.returncode == 3
    assert done.stderr.decode() == (
        "lamella: 3 problems: column id: row 1 is null, but the column is not null; column name: row 2 is null, "
        "but the column is not null; column l.item: row 1 is null, but the column is not null\n"
    )
    lies = pa.schema([pa.field("id", pa.int64(), nullable=False), pa.field("name", pa.string(), nullable=False)])
    (tmp_path / "lies.arrow").write_bytes(_ipc(pa.table(table.columns[:2], schema=lies)))
    done = run("put", "lies.arrow", "made/out.parquet")
    assert done.returncode == 3 and b"2 problems: column id: row 1 is null" in done.stderr
    # Not even the directory was made.
    _nothing_beside(tmp_path, "in.arrow", "lies.arrow")


def test_a_schema_may_be_in_a_file(run, tmp_path):
    text = b"id: int32 not null\nname: utf8\n"
    (tmp_path / "in.csv").write_bytes(b"id,name\n1,a\n")
    (tmp_path / "schema.txt").write_bytes(text)
    assert run("put", "in.csv", "a.parquet", "--schema", "@schema.txt").returncode == 0
    assert run("schema", "a.parquet").stdout == text
    assert run("put", "in.csv", "b.parquet", "--schema", "@a.parquet").returncode == 0
    assert run("schema", "b.parquet").stdout == text
    assert run("schema", "in.csv", "--read-schema", "@" + (tmp_path / "a.parquet").as_uri()).stdout == text
    assert run("put", "in.csv", "c.parquet", "--schema", "@none.txt").returncode == 9
    (tmp_path / "bad.txt").write_bytes(b"id: in32\n")
    done = run("put", "in.csv", "c.parquet", "--schema", "@bad.txt")
    assert done.returncode == 2 and b"bad.txt" in done.stderr and not (tmp_path / "c.parquet").exists()


@pytest.mark.parametrize("to", ["csv", "jsonl", "arrow", "arrows", "parquet", "xlsx"])
def test_standard_output_is_a_destination(run, tmp_path, to):
    (tmp_path / "in.csv").write_text("a,b\n1,x\n2,y\n")
    done = run("put", "in.csv", "-", "--to", to)
    assert done.returncode == 0, done.stderr
    assert run("put", "in.csv", f"there.{to}").returncode == 0
    assert done.stdout == (tmp_path / f"there.{to}").read_bytes()
    _nothing_beside(tmp_path, "in.csv", f"there.{to}")
    assert run("put", "-", "-", "--from", "csv", "--to", to, stdin=b"a,b\n1,x\n2,y\n").stdout == done.stdout


def test_standard_output_takes_no_options_of_publications(run, tmp_path):
    (tmp_path / "in.csv").write_text("a\n1\n")
    for options in ([], ["--to", "csv", "--json"], ["--to", "csv", "--if-absent"], ["--to", "csv", "--manifest"],
                    ["--to", "csv", "--expect", "rows > 0"], ["--to", "csv", "--keep", "1"]):  # fmt: skip
        done = run("put", "in.csv", "-", *options)
        assert done.returncode == 2 and b"standard output" in (done.stdout + done.stderr), (options, done)
    done = run("put", "in.csv", "-", "--to", "csv", "--schema", "a: date32")
    assert done.returncode == 3
    _nothing_beside(tmp_path, "in.csv")


@pytest.mark.parametrize("suffix", ["gz", "zst"])
def test_json_lines_are_compressed_by_suffix_or_option(run, tmp_path, suffix):
    lines = b"".join(b'{"a":%d,"b":"text %d"}\n' % (i, i % 7) for i in range(50000))
    (tmp_path / "in.jsonl").write_bytes(lines)
    name = {"gz": "gzip", "zst": "zstd"}[suffix]
    assert run("put", "in.jsonl", f"out.jsonl.{suffix}").returncode == 0
    assert run("put", "in.jsonl", "plain", "--to", "jsonl", "--compression", name, "--compression-level", "9").returncode == 0
    assert run("put", "in.jsonl", f"none.jsonl.{suffix}", "--compression", "none").returncode == 0
    assert (tmp_path / f"none.jsonl.{suffix}").read_bytes() == lines
    for path in (f"out.jsonl.{suffix}", "plain"):
        assert (tmp_path / path).stat().st_size < len(lines) / 4
        packed = (tmp_path / path).read_bytes()
        unpacked = gzip.decompress(packed) if suffix == "gz" else pa.input_stream(pa.py_buffer(packed), "zstd").read()
        assert unpacked == lines
    assert run("cat", f"out.jsonl.{suffix}").stdout == lines
    assert run("put", "in.jsonl", f"empty.jsonl.{suffix}", "--limit", "0").returncode == 0
    packed = (tmp_path / f"empty.jsonl.{suffix}").read_bytes()
    assert packed and (suffix == "zst" or gzip.decompress(packed) == b"")
    done = run("put", "in.jsonl", f"bad.jsonl.{suffix}", "--compression-level", "99")
    assert done.returncode == 2 and not (tmp_path / f"bad.jsonl.{suffix}").exists()


def test_a_compression_of_another_format_is_refused(run, tmp_path):
    (tmp_path / "in.csv").write_text("a\n1\n")
    done = run("put", "in.csv", "out.parquet", "--compression", "zstd")
    assert done.returncode == 2 and b"--codec" in done.stderr
    done = run("put", "in.csv", "out.csv", "--codec", "zstd")
    assert done.returncode == 2 and b"--compression" in done.stderr
    _nothing_beside(tmp_path, "in.csv")
