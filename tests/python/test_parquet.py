"""Parquet files: written whole or not at all, with the options that people know."""
import os
import pathlib
import signal
import subprocess
import sys
import time

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import lamella

TABLE = pa.table({"a": list(range(1000)), "b": [f"v{i % 7}" for i in range(1000)]})


def meta(path="x.parquet"):
    return pq.ParquetFile(path).metadata


def test_result(nothing_left):
    result = lamella.write_parquet(TABLE, "x.parquet", manifest={"from": "here"}, run_id="r")
    assert (result.rows, result.run_id, result.state) == (1000, "r", "committed")
    assert result.bytes == os.path.getsize("x.parquet") and os.fspath(result) == "x.parquet"
    assert result.schema_hash == lamella.Schema(TABLE.schema).hash
    lamella.verify("x.parquet")
    assert pq.read_table("x.parquet").equals(TABLE)
    nothing_left("x.parquet", "x.parquet.manifest.json")


@pytest.mark.parametrize("codec", ["snappy", "zstd", "gzip", "brotli", "lz4", "none", None])
def test_compression(codec):
    lamella.write_parquet(TABLE, "x.parquet", compression=codec)
    name = {"none": "UNCOMPRESSED", None: "UNCOMPRESSED", "lz4": "LZ4"}.get(codec, str(codec).upper())
    assert meta().row_group(0).column(0).compression == name
    assert pq.read_table("x.parquet").equals(TABLE)


def test_options_of_pyarrow():
    lamella.write_parquet(
        TABLE, "x.parquet", compression={"a": "zstd"}, compression_level={"a": 7}, row_group_size=300,
        use_dictionary=["b"], write_statistics=["a"], data_page_size=1000, version="2.6", data_page_version="2.0",
        sorting_columns=["a"], key_value_metadata={"k": "v"}, write_page_index=True, flavor=None, threads=1,
    )  # fmt: skip
    file = meta()
    assert file.num_row_groups == 4 and file.metadata[b"k"] == b"v"
    a, b = file.row_group(0).column(0), file.row_group(0).column(1)
    assert (a.compression, b.compression) == ("ZSTD", "SNAPPY")
    assert not a.has_dictionary_page and b.has_dictionary_page
    assert a.statistics.has_min_max and not (b.statistics and b.statistics.has_min_max)
    assert pq.read_table("x.parquet").equals(TABLE)
    lamella.write_parquet(TABLE, "x.parquet", column_encoding={"a": "DELTA_BINARY_PACKED"})
    assert "DELTA_BINARY_PACKED" in meta().row_group(0).column(0).encodings


def test_options_that_are_none():
    with pytest.raises(TypeError, match="did you mean 'compression'"):
        lamella.write_parquet(TABLE, "x.parquet", compresion="zstd")
    with pytest.raises(TypeError, match="did you mean 'overwrite'"):
        lamella.atomic_write_parquet("x.parquet", TABLE, overwrit=False)
    with pytest.raises(ValueError, match="'snappy'"):
        lamella.write_parquet(TABLE, "x.parquet", compression="snapy")
    with pytest.raises(ValueError):
        lamella.write_parquet(TABLE, "x.parquet", row_group_size=0)
    with pytest.raises(ValueError):
        lamella.write_parquet(TABLE, "x.parquet", version="1.0")
    assert os.listdir() == []


def test_schema_is_kept_and_enforced():
    schema = pa.schema([pa.field("b", pa.large_string(), False), pa.field("a", pa.int16())])
    lamella.write_parquet(TABLE, "x.parquet", schema)
    assert pq.read_schema("x.parquet").equals(schema)
    lamella.write_parquet([{"a": 1, "b": "x"}, {"b": "y"}], "x.parquet", schema)
    assert pq.read_table("x.parquet").to_pydict() == {"b": ["x", "y"], "a": [1, None]}
    with pytest.raises(lamella.SchemaValidationError):
        lamella.write_parquet([{"a": 1}], "x.parquet", schema)
    assert pq.read_table("x.parquet").num_rows == 2


def test_stamp():
    result = lamella.atomic_write_parquet("x.parquet", TABLE, stamp=True, source_snapshot="s-1")
    back = pq.read_table("x.parquet")
    assert back.column_names == ["a", "b", "extracted_at", "run_id", "source_snapshot"]
    assert set(back["run_id"].to_pylist()) == {result.run_id} and back["source_snapshot"][0].as_py() == "s-1"
    assert back["extracted_at"].null_count == 0
    with pytest.raises(lamella.SchemaValidationError):
        lamella.atomic_write_parquet("x.parquet", back, stamp=True)


def test_bytes():
    data = lamella.df_to_parquet_bytes(TABLE, compression="zstd")
    assert isinstance(data, bytes) and pq.read_table(pa.BufferReader(data)).equals(TABLE)
    lamella.write_parquet(TABLE, "x.parquet", compression="zstd")
    assert pathlib.Path("x.parquet").read_bytes() == data


def test_progress(capfd):
    seen = []
    lamella.write_parquet(iter(TABLE.to_batches(max_chunksize=100)), "x.parquet", progress=seen.append)
    assert seen[0] == 100 and seen[-1] == 1000 and seen == sorted(seen)
    lamella.write_parquet(TABLE, "x.parquet", progress=True)
    assert "1,000 rows" in capfd.readouterr().err

    def stop(rows):
        raise InterruptedError("enough")

    with pytest.raises(InterruptedError, match="enough"):
        lamella.write_parquet(iter(TABLE.to_batches(max_chunksize=100)), "y.parquet", progress=stop)
    assert not os.path.exists("y.parquet")


# ---- chunks ----


def test_stream_writer(nothing_left):
    with lamella.ParquetStreamWriter("x.parquet", TABLE.schema, compression="zstd") as writer:
        writer.write_chunk(TABLE)
        writer.write_chunk(TABLE.to_pandas())
        writer.write_chunk([{"a": 1, "b": "x"}])
        writer.write_chunk([])
        assert not os.path.exists("x.parquet")
    assert writer.result.rows == 2001
    assert pq.read_table("x.parquet").num_rows == 2001
    for fails in ([{"a": "text"}], [{"c": 1}]):
        with pytest.raises(lamella.SchemaValidationError):
            with lamella.ParquetStreamWriter("x.parquet", TABLE.schema) as writer:
                writer.write_chunk(TABLE)
                writer.write_chunk(fails)
    with pytest.raises(KeyError):
        with lamella.ParquetStreamWriter("x.parquet", TABLE.schema) as writer:
            writer.write_chunk(TABLE)
            raise KeyError
    assert pq.read_table("x.parquet").num_rows == 2001
    with pytest.raises(ValueError):
        writer.write_chunk(TABLE)
    nothing_left("x.parquet")


def test_a_failed_chunk_that_was_caught_publishes_nothing(nothing_left):
    with pytest.raises(ValueError):
        with lamella.ParquetStreamWriter("x.parquet", TABLE.schema) as writer:
            with pytest.raises(lamella.SchemaValidationError):
                writer.write_chunk({"a": ["x"], "b": ["x"]})
    nothing_left()


# ---- failures ----


def endless():
    while True:
        yield TABLE


def test_an_exception_in_the_iterator(nothing_left):
    lamella.write_parquet(TABLE, "x.parquet")
    before = pathlib.Path("x.parquet").read_bytes()

    def fails():
        for _ in range(2000):
            yield TABLE
        raise RuntimeError("in the middle")

    with pytest.raises(RuntimeError, match="in the middle"):
        lamella.write_parquet(fails(), "x.parquet", row_group_size=10_000)
    assert pathlib.Path("x.parquet").read_bytes() == before
    nothing_left("x.parquet")


FAILING = {
    "write_parquet": "lamella.write_parquet(endless(), 'x.parquet', row_group_size=10_000)",
    "atomic_write_parquet": "lamella.atomic_write_parquet('x.parquet', endless(), row_group_size=10_000)",
    "ParquetStreamWriter": """
        with lamella.ParquetStreamWriter('x.parquet', TABLE.schema, row_group_size=10_000) as writer:
            while True:
                writer.write_chunk(TABLE)
    """,
}
START = """
import lamella, os, resource, signal, sys
import numpy as np
TABLE = {"a": np.random.default_rng(1).random(5000)}
TABLE = lamella.Table(TABLE)
def endless():
    for turn in range(10**9):
        if turn == 100:
            print("running", flush=True)
        yield TABLE
"""


def started(way):
    import textwrap

    return START + textwrap.dedent(FAILING[way])


@pytest.mark.parametrize("way", FAILING)
def test_a_full_disk(way, child, nothing_left):
    pathlib.Path("x.parquet").write_text("old")
    limit = """
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (3_000_000, 3_000_000))
    """
    import textwrap

    done = child(START + textwrap.dedent(limit) + started(way)[len(START):])
    assert done.returncode == 1 and "File too large" in done.stderr and "lamella" in done.stderr, done.stderr
    assert pathlib.Path("x.parquet").read_text() == "old"
    nothing_left("x.parquet")


def run_until_it_writes(way, signal_number):
    code = started(way).replace("while True:", "print('running', flush=True)\n    while True:")
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout.readline() == b"running\n", process.stderr.read()
    time.sleep(0.05)
    process.send_signal(signal_number)
    out, err = process.communicate(timeout=60)
    return process.returncode, err.decode()


@pytest.mark.parametrize("way", FAILING)
def test_ctrl_c(way, nothing_left):
    pathlib.Path("x.parquet").write_text("old")
    status, error = run_until_it_writes(way, signal.SIGINT)
    assert status == -signal.SIGINT and error.rstrip().endswith("KeyboardInterrupt"), error
    assert pathlib.Path("x.parquet").read_text() == "old"
    nothing_left("x.parquet")


@pytest.mark.parametrize("way", FAILING)
def test_kill(way, nothing_left):
    pathlib.Path("x.parquet").write_text("old")
    assert run_until_it_writes(way, signal.SIGKILL)[0] == -signal.SIGKILL
    assert pathlib.Path("x.parquet").read_text() == "old"
    lamella.gc(".")
    nothing_left("x.parquet")


def test_a_frame_larger_than_the_memory_that_is_left(child):
    """Text of 150 MB in objects; 90 MB more may be taken: neither a copy of it nor the file in memory would fit."""
    code = """
        import resource, lamella, numpy, pandas as pd
        frame = pd.DataFrame({"s": pd.Series([f"{i:0100d}" for i in range(1_000_000)], dtype=object)})
        lamella.write_parquet(frame[:10], "warm.parquet", compression="none")
        used = int(open("/proc/self/statm").read().split()[0]) * 4096
        resource.setrlimit(resource.RLIMIT_AS, (used + 90_000_000, used + 90_000_000))
        print(lamella.write_parquet(frame, "x.parquet", compression="none", threads=1, use_dictionary=False,
                                    row_group_bytes=16 << 20).rows)
    """
    done = child(code)
    assert done.stdout == "1000000\n", done.stderr
    assert os.path.getsize("x.parquet") > 100_000_000


def test_ten_thousand_calls_leave_the_memory_flat(child):
    code = """
        import gc, lamella, resource
        rows = [{"a": i, "b": f"text {i}", "c": [i, None]} for i in range(20)]
        def turn():
            lamella.df_to_parquet_bytes(rows, "a: int64, b: utf8, c: list<item: int64>", threads=1)
            try:
                lamella.Table({"a": [1, "x"]})
            except ValueError:
                pass
            len(lamella.Table(rows).to_pydict())
        def used():
            gc.collect()
            return int(open("/proc/self/statm").read().split()[1]) * 4096
        for _ in range(500):
            turn()
        before = used()
        for _ in range(3334):
            turn()
        print(used() - before)
    """
    done = child(code)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 2_000_000


def test_the_gil_is_free_while_the_core_works():
    import threading

    frame = pd.DataFrame({"a": range(3_000_000)})
    counted = 0
    ready = threading.Event()

    def write():
        ready.set()
        lamella.write_parquet(frame, "x.parquet", compression="zstd", compression_level=15, threads=1)

    thread = threading.Thread(target=write)
    thread.start()
    ready.wait()
    while thread.is_alive():
        counted += 1
        time.sleep(0)
    assert counted > 100
