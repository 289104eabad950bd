"""Writing Parquet: Lamella against pyarrow, Polars and DuckDB, in turn, in one run.

    bench/bench_parquet_write.py [shape ...] [--codec snappy,zstd,none] [--threads all,1] [--runs 5] [--scale 1.0]
                                 [--tables DIR] [--durable]

Every writer starts from the same Arrow table in memory and writes a file on the same disk without syncing it
(Lamella with durability none), or, with --durable, has it on the disk at the end: the peers by an fsync after them. --tables
takes the tables from DIR/<shape>.arrow. The figures are the least wall and CPU seconds of the runs, the file's size and
the memory that writing took above the table; read the ratios.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "tests" / "interop")]

WRITERS = ["lamella", "pyarrow", "polars", "duckdb"]


def _lamella(table, codec, threads, durable):
    import lamella_c

    made = lamella_c.options(codec=codec, threads=threads)
    if codec == "zstd":
        made.level = 3
    return lambda path: lamella_c.write_parquet(table, path, made, durability=0 if durable else 2)


def _pyarrow(table, codec, threads, durable):
    import pyarrow as pa
    import pyarrow.parquet as pq

    pa.set_cpu_count(threads or os.cpu_count())
    level = 3 if codec == "zstd" else None
    return lambda path: pq.write_table(table, path, compression=codec, compression_level=level)


def _polars(table, codec, threads, durable):
    import polars as pl

    frame = pl.from_arrow(table)
    name = "uncompressed" if codec == "none" else codec
    level = 3 if codec == "zstd" else None
    return lambda path: frame.write_parquet(path, compression=name, compression_level=level)


def _duckdb(table, codec, threads, durable):
    import duckdb

    connection = duckdb.connect()
    if threads:
        connection.execute(f"set threads to {threads}")
    connection.register("t", table)
    name = "uncompressed" if codec == "none" else codec
    return lambda path: connection.execute(f"copy t to '{path}' (format parquet, compression {name})")


def _peak_mib():
    with open("/proc/self/status") as status:
        return int(next(line for line in status if line.startswith("VmHWM")).split()[1]) / 1024


def _sync(path):
    file = os.open(path, os.O_RDONLY)
    os.fsync(file)
    os.close(file)


def one(writer, source, codec, threads, runs, folder, durable):
    """A process of its own: loads the table, writes it `runs` times, prints what it took."""
    if threads:
        os.environ["POLARS_MAX_THREADS"] = str(threads)
    import pyarrow as pa

    table = pa.ipc.open_file(pa.OSFile(source)).read_all().combine_chunks()
    write = globals()["_" + writer](table, codec, threads, durable)
    path = Path(folder) / f"{writer}.parquet"
    held = _peak_mib()
    best = None
    for _ in range(runs):
        path.unlink(missing_ok=True)
        cpu, wall = time.process_time(), time.perf_counter()
        write(str(path))
        if durable and writer != "lamella":
            _sync(path)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        best = (wall, cpu) if best is None else (min(wall, best[0]), min(cpu, best[1]))
    print(json.dumps([best[0], best[1], path.stat().st_size, _peak_mib() - held]))
    path.unlink()


def save(shape, rows, folder):
    """The table as an Arrow file, so that every process has the same without making it again."""
    import pyarrow as pa
    import shapes

    path = str(Path(folder) / f"{shape}.arrow")
    table = shapes.shape(shape, rows)
    with pa.ipc.new_file(path, table.schema) as out:
        out.write_table(table)
    return path


def main():
    import shapes

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("shapes", nargs="*", default=list(shapes.ROWS))
    parser.add_argument("--codec", default="snappy,zstd,none")
    parser.add_argument("--threads", default="all,1")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--writers", default=",".join(WRITERS))
    parser.add_argument("--tables")
    parser.add_argument("--durable", action="store_true")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        return one(*json.loads(options.one))
    writers = options.writers.split(",")
    heads = [f"{w}: wall, CPU s (MB, +MiB)" for w in writers]
    print("| shape, codec, threads | " + " | ".join(heads) + " | wall, fastest peer / ours |")
    print("|---" * (len(writers) + 2) + "|")
    with tempfile.TemporaryDirectory(dir=os.environ.get("LAMELLA_BENCH_DIR", ".")) as folder:
        for shape in options.shapes:
            ready = Path(options.tables or folder) / f"{shape}.arrow"
            source = str(ready) if options.tables else save(shape, int(shapes.ROWS[shape] * options.scale), folder)
            for codec in options.codec.split(","):
                for threads in options.threads.split(","):
                    count = 0 if threads == "all" else int(threads)
                    cells, walls = [], {}
                    for writer in writers:
                        call = json.dumps([writer, source, codec, count, options.runs, folder, options.durable])
                        run = subprocess.run(
                            [sys.executable, __file__, "--one", call], capture_output=True, text=True
                        )
                        if run.returncode:
                            last = (run.stderr.strip() or f"status {run.returncode}").splitlines()[-1]
                            cells.append("failed: " + last[:60])
                            continue
                        wall, cpu, size, extra = json.loads(run.stdout)
                        walls[writer] = wall
                        cells.append(f"{wall:.3f}, {cpu:.2f} ({size / 1e6:.0f}, {extra:.0f})")
                    peers = [w for n, w in walls.items() if n != "lamella"]
                    ratio = f"{min(peers) / walls['lamella']:.2f}" if peers and "lamella" in walls else ""
                    print(f"| {shape}, {codec}, {threads} | " + " | ".join(cells) + f" | {ratio} |", flush=True)


if __name__ == "__main__":
    main()
