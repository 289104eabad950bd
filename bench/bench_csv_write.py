"""Writing CSV: Lamella against pyarrow, Polars, DuckDB and pandas (a slice, scaled up), in turn, in one run.

    bench/bench_csv_write.py [shape ...] [--threads all,1] [--runs 3] [--scale 1.0] [--tables FOLDER]

Every writer starts from the same Arrow table in memory and writes a file on the same disk without syncing it
(Lamella with durability none). The figures are the least wall and CPU seconds of the runs, the file's size and
the memory that writing took above the table; read the ratios.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "tests" / "interop")]

WRITERS = ["lamella", "pyarrow", "polars", "duckdb", "pandas"]
PANDAS_ROWS = 100_000


def _lamella(table, threads):
    import lamella_c

    return lambda path: lamella_c.write_csv(table, path, durability=2, threads=threads)


def _pyarrow(table, threads):
    import pyarrow as pa
    import pyarrow.csv

    pa.set_cpu_count(threads or os.cpu_count())
    return lambda path: pa.csv.write_csv(table, path)


def _polars(table, threads):
    import polars as pl

    frame = pl.from_arrow(table)
    return lambda path: frame.write_csv(path)


def _duckdb(table, threads):
    import duckdb

    connection = duckdb.connect()
    if threads:
        connection.execute(f"set threads to {threads}")
    connection.register("t", table)
    return lambda path: connection.execute(f"copy t to '{path}' (format csv, header)")


def _pandas(table, threads):
    frame = table.slice(0, PANDAS_ROWS).to_pandas()
    return lambda path: frame.to_csv(path, index=False)


def peak_mib():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def least(call, runs):
    best = None
    for _ in range(runs):
        cpu, wall = time.process_time(), time.perf_counter()
        call()
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        best = (wall, cpu) if best is None else (min(wall, best[0]), min(cpu, best[1]))
    return best


def one(writer, source, threads, runs, folder):
    """A process of its own: loads the table, writes it `runs` times, prints what it took."""
    if threads:
        os.environ["POLARS_MAX_THREADS"] = str(threads)
    import pyarrow as pa

    table = pa.ipc.open_file(pa.OSFile(source)).read_all().combine_chunks()
    scale = table.num_rows / min(table.num_rows, PANDAS_ROWS) if writer == "pandas" else 1
    write = globals()["_" + writer](table, threads)
    path = Path(folder) / f"{writer}.csv"
    held = peak_mib()
    wall, cpu = least(lambda: write(str(path)), runs)
    print(json.dumps([wall * scale, cpu * scale, path.stat().st_size * scale, peak_mib() - held]))
    path.unlink()


def saved(shape, scale, tables, folder):
    """The table as an Arrow file: one of `tables`, or made here."""
    import pyarrow as pa
    import shapes

    if tables and scale == 1:
        return str(Path(tables) / f"{shape}.arrow")
    path = str(Path(folder) / f"{shape}.arrow")
    table = shapes.shape(shape, int(shapes.ROWS[shape] * scale))
    with pa.ipc.new_file(path, table.schema) as out:
        out.write_table(table)
    return path


def compare(script, names, call):
    """The cells of one line and the ratio: `call(name)` are the arguments of `one`."""
    cells, walls = [], {}
    for name in names:
        run = subprocess.run(
            [sys.executable, script, "--one", json.dumps(call(name))], capture_output=True, text=True
        )
        if run.returncode:
            last = (run.stderr.strip() or f"status {run.returncode}").splitlines()[-1]
            cells.append("failed: " + last[:60])
            continue
        wall, cpu, size, extra = json.loads(run.stdout)
        walls[name] = wall
        cells.append(f"{wall:.3f}, {cpu:.2f} ({size / 1e6:.0f}, {extra:.0f})")
    peers = [w for n, w in walls.items() if n != "lamella"]
    ratio = f"{min(peers) / walls['lamella']:.2f}" if peers and "lamella" in walls else ""
    return "| " + " | ".join(cells) + f" | {ratio} |"


def options_of(names):
    parser = argparse.ArgumentParser()
    parser.add_argument("shapes", nargs="*", default=["taxi", "recs", "strings", "floats"])
    parser.add_argument("--threads", default="all,1")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--tables")
    parser.add_argument("--peers", default=",".join(names))
    parser.add_argument("--one", help=argparse.SUPPRESS)
    return parser.parse_args()


def main():
    options = options_of(WRITERS)
    if options.one:
        return one(*json.loads(options.one))
    writers = options.peers.split(",")
    heads = [f"{w}: wall, CPU s (MB, +MiB)" for w in writers]
    print("| shape, threads | " + " | ".join(heads) + " | wall, fastest peer / ours |")
    print("|---" * (len(writers) + 2) + "|")
    with tempfile.TemporaryDirectory(dir=os.environ.get("LAMELLA_BENCH_DIR", ".")) as folder:
        for shape in options.shapes:
            source = saved(shape, options.scale, options.tables, folder)
            for threads in options.threads.split(","):
                count = 0 if threads == "all" else int(threads)
                line = compare(__file__, writers, lambda w: [w, source, count, options.runs, folder])
                print(f"| {shape}, {threads} {line}", flush=True)


if __name__ == "__main__":
    main()
