"""Appends to tables: Lamella, deltalake's write_deltalake, and pyarrow's write + rename + a JSON manifest, in one run.

    bench/bench_tables.py [--appends 200] [--rows 5000000] [--directory DIR]

Small appends have 1,000 rows in one bucket; the large one has its rows over fifty buckets. Lamella's figures are those of
bench/bench_append.c (durable, and against the floor of its own syncs); the peers sync nothing, except that the plain sequence is
told with an fsync of file and directory too. Prints milliseconds an append (median; the first and the last tenth, since a
log grows) and seconds for the large one. Planning over a long log is bench/bench_delta_log.py.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import tempfile
import time
import uuid
from pathlib import Path

import deltalake
import numpy
import pyarrow as pa
import pyarrow.compute
import pyarrow.parquet as pq

ROOT = Path(__file__).resolve().parents[1]
BENCH = ROOT / "build/release/bench/bench_append"
VENUES = ["oslo", "bergen", "trondheim", "stavanger"]


def rows(count, ticks, first=None):
    chance = numpy.random.default_rng(count)
    tick = chance.integers(0, ticks, count) if first is None else numpy.arange(first, first + count)
    return pa.table(
        {
            "tick": tick,
            "price": chance.random(count),
            "size": chance.integers(0, 1000, count).astype("int32"),
            "venue": pa.DictionaryArray.from_arrays(chance.integers(0, 4, count).astype("int32"), VENUES).cast("string"),
            "bucket": tick // (1000 if first is not None else ticks // 50),
        }
    )


def plain(directory, table, durable):
    """A part for each bucket, renamed into place, and a manifest of all of them, replaced."""
    manifest = directory / "manifest.json"
    parts = json.loads(manifest.read_text()) if manifest.exists() else []
    for bucket in table["bucket"].unique().to_pylist():
        part = table.filter(pa.compute.equal(table["bucket"], bucket)).drop_columns("bucket")
        place = directory / f"bucket={bucket}"
        place.mkdir(parents=True, exist_ok=True)
        path, staged = place / f"part-{uuid.uuid4()}.parquet", place / ".staged"
        pq.write_table(part, staged, compression="zstd")
        if durable:
            sync(staged)
        staged.rename(path)
        if durable:
            sync(place)
        parts.append({"path": str(path.relative_to(directory)), "rows": part.num_rows, "bytes": path.stat().st_size})
    staged = directory / ".manifest"
    staged.write_text(json.dumps(parts))
    if durable:
        sync(staged)
    staged.rename(manifest)
    if durable:
        sync(directory)


def sync(path):
    handle = os.open(path, os.O_RDONLY)
    os.fsync(handle)
    os.close(handle)


def delta(directory, table):
    deltalake.write_deltalake(str(directory), table, mode="append", partition_by=["bucket"])


def small(name, call, directory, appends):
    times = []
    for i in range(appends):
        table = rows(1000, 0, first=i * 1000)
        start = time.perf_counter()
        call(directory, table)
        times.append((time.perf_counter() - start) * 1000)
    tenth = max(1, appends // 10)
    first, last = statistics.median(times[:tenth]), statistics.median(times[-tenth:])
    print(f"small  {name:28} {statistics.median(times):8.2f} ms  first {first:.2f}  last {last:.2f}", flush=True)


def large(name, call, directory, table):
    start = time.perf_counter()
    call(directory, table)
    print(f"large  {name:28} {time.perf_counter() - start:8.2f} s", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--appends", type=int, default=200)
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--directory", default=None, help="where the tables are made; their disk is what is measured")
    options = parser.parse_args()
    place = Path(tempfile.mkdtemp(prefix="bench-tables-", dir=options.directory))
    peers = {
        "write_deltalake": delta,
        "pyarrow + rename + JSON": lambda directory, table: plain(directory, table, False),
        "the same, with fsync": lambda directory, table: plain(directory, table, True),
    }
    try:
        print("lamella (bench_append)", flush=True)
        words = [str(place / "ours"), str(options.appends), str(options.rows)]
        subprocess.run([BENCH, *words], check=True)
        table = rows(options.rows, 50_000)
        for i, (name, call) in enumerate(peers.items()):
            for kind in ("small", "large"):
                directory = place / f"{kind}{i}"
                directory.mkdir()
                if kind == "small":
                    small(name, call, directory, options.appends)
                else:
                    large(name, call, directory, table)
    finally:
        shutil.rmtree(place)


if __name__ == "__main__":
    main()
