"""Reading CSV, types found out, timestamps among them: Lamella against pyarrow, Polars, DuckDB and pandas, in turn.

    bench/bench_csv_read.py [shape ...] [--threads all,1] [--runs 3] [--scale 1.0] [--tables FOLDER]

Every reader makes a whole table of the same file, which pyarrow wrote and which lies in the page cache. Polars is
asked to find dates (it does not by itself); pandas reads a slice and finds none. The figures are the least
wall and CPU seconds of the runs, the file's size and the memory that the process had at most.
"""

import json
import os
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "tests" / "interop")]

from bench_csv_write import PANDAS_ROWS, compare, least, options_of, peak_mib, saved

READERS = ["lamella", "pyarrow", "polars", "duckdb", "pandas"]


def _lamella(path, threads):
    import lamella_c

    return lambda: lamella_c.read_csv(path, threads=threads)


def _pyarrow(path, threads):
    import pyarrow as pa
    import pyarrow.csv

    pa.set_cpu_count(threads or os.cpu_count())
    return lambda: pa.csv.read_csv(path)


def _polars(path, threads):
    import polars as pl

    return lambda: pl.read_csv(path, try_parse_dates=True)


def _duckdb(path, threads):
    import duckdb

    connection = duckdb.connect()
    if threads:
        connection.execute(f"set threads to {threads}")
    return lambda: connection.execute(f"select * from read_csv('{path}')").to_arrow_table()


def _pandas(path, threads):
    import pandas

    return lambda: pandas.read_csv(path, nrows=PANDAS_ROWS)


def one(reader, path, threads, runs, rows):
    """A process of its own: reads the file `runs` times, prints what it took."""
    if threads:
        os.environ["POLARS_MAX_THREADS"] = str(threads)
    scale = rows / min(rows, PANDAS_ROWS) if reader == "pandas" else 1
    wall, cpu = least(globals()["_" + reader](path, threads), runs)
    print(json.dumps([wall * scale, cpu * scale, os.path.getsize(path), peak_mib()]))


def main():
    options = options_of(READERS)
    if options.one:
        return one(*json.loads(options.one))
    import pyarrow as pa
    import pyarrow.csv

    readers = options.peers.split(",")
    heads = [f"{r}: wall, CPU s (MB, MiB)" for r in readers]
    print("| shape, threads | " + " | ".join(heads) + " | wall, fastest peer / ours |")
    print("|---" * (len(readers) + 2) + "|")
    with tempfile.TemporaryDirectory(dir=os.environ.get("LAMELLA_BENCH_DIR", ".")) as folder:
        for shape in options.shapes:
            path = str(Path(folder) / f"{shape}.csv")
            table = pa.ipc.open_file(pa.OSFile(saved(shape, options.scale, options.tables, folder))).read_all()
            pa.csv.write_csv(table, path)
            rows = table.num_rows
            del table
            for threads in options.threads.split(","):
                count = 0 if threads == "all" else int(threads)
                line = compare(__file__, readers, lambda r: [r, path, count, options.runs, rows])
                print(f"| {shape}, {threads} {line}", flush=True)
            os.unlink(path)


if __name__ == "__main__":
    main()
