"""Reading Parquet that pyarrow wrote: Lamella against pyarrow, Polars and DuckDB, in turn, in one run.

    bench/bench_parquet_read.py [shape ...] [--what whole,two,percent,row] [--codec snappy,zstd] [--threads all,1]
                                [--runs 5] [--scale 1.0] [--tables DIR]

Every reader has the file in the page cache and ends with the whole result in memory, as Arrow data. Each run is a process
of its own, the readers' in turn; it reads the file twice, first into fresh memory and then again, where readers that keep
what was freed need not ask the kernel for it. The figures are the least wall and CPU seconds of the runs, and the memory
that the first read took above the result's own (its bytes as Arrow has them without views). Read the ratios. `--tables` is
a folder with <shape>.arrow, so that the tables are not made anew.
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

READERS = ["lamella", "keeping", "pyarrow", "polars", "duckdb"]
TWO = {
    "taxi": ["pickup", "total"],
    "recs": ["product_id", "score"],
    "strings": ["url", "kind"],
    "floats": ["f0", "f5"],
    "nested": ["ints", "point"],
}


# The columns that a filter may be on: 1 % of the rows by an ascending one, one row by a value with a bloom filter.
PERCENT = {"taxi": "pickup", "recs": "user_id", "strings": "id"}
ROW = {"taxi": "dropoff", "strings": "uuid", "floats": "f3"}


def _lamella(path, columns, bounds, threads, **settings):
    import lamella_c

    where = None
    if bounds:
        name, low, high = bounds
        where = f"{name} >= {_literal(low)} and {name} <= {_literal(high)}" if low != high else f"{name} = {_literal(low)}"
    return lambda: lamella_c.read(path, columns=columns, where=where, threads=threads, **settings)


def _keeping(*call):
    """Lamella with an allocator that keeps what is freed, as those of pyarrow and Polars do."""
    import lamella_c

    return _lamella(*call, allocator=lamella_c.keeping_allocator(2**31))


def _pyarrow(path, columns, bounds, threads):
    import pyarrow as pa
    import pyarrow.parquet as pq

    pa.set_cpu_count(threads or os.cpu_count())
    filters = None
    if bounds:
        kind = pq.read_schema(path).field(bounds[0]).type
        name, low, high = bounds[0], *(_value(text, kind) for text in bounds[1:])
        filters = [(name, "==", low)] if low == high else [(name, ">=", low), (name, "<=", high)]
    return lambda: pq.read_table(path, columns=columns, filters=filters, use_threads=threads != 1)


def _polars(path, columns, bounds, threads):
    import polars as pl
    import pyarrow.parquet as pq

    if not bounds:
        return lambda: pl.read_parquet(path, columns=columns)
    kind = pq.read_schema(path).field(bounds[0]).type
    low, high = (pl.lit(_value(text, kind)) for text in bounds[1:])
    return lambda: pl.scan_parquet(path).filter(pl.col(bounds[0]).is_between(low, high)).collect()


def _duckdb(path, columns, bounds, threads):
    import duckdb

    connection = duckdb.connect()
    if threads:
        connection.execute(f"set threads to {threads}")
    query = f"select {', '.join(columns or ['*'])} from read_parquet('{path}')"
    if bounds:
        name, low, high = bounds
        query += f" where {name} between {_literal(low)} and {_literal(high)}"
    return lambda: connection.execute(query).to_arrow_table()


def _literal(text):
    """As SQL has it: a number, or text and times in quotes."""
    return text if text.lstrip("-").replace(".", "").replace("e-", "").isdigit() else f"'{text}'"


def _value(text, kind):
    import pyarrow as pa

    return pa.array([text]).cast(kind)[0].as_py()


def _memory(field):
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith(field))


def one(reader, path, columns, bounds, threads):
    """A process of its own: reads the file twice and prints what each took, the first in fresh memory."""
    if threads:
        os.environ["POLARS_MAX_THREADS"] = str(threads)
    read = globals()["_" + reader](path, columns, bounds, threads)
    small = Path(path).with_name("small.parquet")
    globals()["_" + reader](str(small), None, None, threads)()  # what is loaded at the first call
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    held, took = _memory("VmRSS"), []
    for _ in range(2):
        cpu, wall = time.process_time(), time.perf_counter()
        table = read()
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        took += [wall, cpu]
        rows = len(table)
        del table
        if len(took) == 2:
            peak = _memory("VmHWM") - held
    print(json.dumps([*took, peak, rows]))


def write(shape, rows, codecs, tables, folder):
    """Writes the files, and tells what is read of them: by name the columns, the bounds of a filter, rows and bytes."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq
    import shapes

    saved = Path(tables or folder) / f"{shape}.arrow"
    if tables and saved.exists():
        table = pa.ipc.open_file(pa.memory_map(str(saved))).read_all().slice(0, rows)
    else:
        table = shapes.shape(shape, rows)
    pq.write_table(pa.table({"x": [1]}), Path(folder) / "small.parquet")
    bloom = {ROW[shape]: True} if shape in ROW else None
    for codec in codecs:
        path = Path(folder) / f"{shape}-{codec}.parquet"
        pq.write_table(table, path, compression=codec, write_page_index=True, bloom_filter_options=bloom)
    whole = {
        "whole": (None, None, rows, table.nbytes),
        "two": (TWO[shape], None, rows, table.select(TWO[shape]).nbytes),
    }
    for what, names, first, last in (("percent", PERCENT, rows // 2, rows // 2 + rows // 100), ("row", ROW, 7, 7)):
        if shape not in names:
            continue
        column = table[names[shape]]
        low, high = column[first], column[last]
        some = table.filter(pc.and_(pc.greater_equal(column, low), pc.less_equal(column, high)))
        bounds = [names[shape], *(pa.array([v]).cast(pa.string())[0].as_py() for v in (low, high))]
        whole[what] = (None, bounds, len(some), some.nbytes)
    return whole


def runs_of(readers, call, runs):
    """By reader the least of each figure, over runs that are taken in turn; a text where it failed."""
    best = {}
    for _ in range(runs):
        for reader in readers:
            words = [sys.executable, __file__, "--one", json.dumps([reader, *call])]
            quiet = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}  # NumPy's threads spin for a while
            run = subprocess.run(words, capture_output=True, text=True, env=quiet)
            if run.returncode:
                last = (run.stderr.strip() or f"status {run.returncode}").splitlines()[-1]
                best[reader] = "failed: " + last[:60]
            elif not isinstance(best.get(reader), str):
                figures = json.loads(run.stdout)
                best[reader] = list(map(min, best.get(reader, figures), figures))
    return best


def line_of(best, rows, bytes_held):
    """The cells of a line, and how many times faster we are than the fastest peer in each figure."""
    cells, peers = [], []
    for reader, figures in best.items():
        if isinstance(figures, str) or figures[5] != rows:
            cells.append(figures if isinstance(figures, str) else f"failed: {figures[5]} rows")
            continue
        wall, cpu, wall_again, cpu_again, peak, _ = figures
        extra = (peak - bytes_held) / 2**20
        cells.append(f"{wall:.3f} {cpu:.3f}, {wall_again:.3f} {cpu_again:.3f} ({extra:+.0f})")
        if reader not in ("lamella", "keeping"):
            peers.append(figures)
    for reader in ("lamella", "keeping"):
        ours = best.get(reader)
        if peers and isinstance(ours, list):
            ratios = ", ".join(f"{min(p[i] for p in peers) / ours[i]:.2f}" for i in range(4))
            cells.append(ratios if reader == "lamella" else f"{reader}: {ratios}")
    return " | ".join(cells)


def main():
    import shapes

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("shapes", nargs="*", default=list(shapes.ROWS))
    parser.add_argument("--what", default="whole,two,percent,row")
    parser.add_argument("--codec", default="snappy,zstd")
    parser.add_argument("--threads", default="all,1")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--readers", default=",".join(READERS))
    parser.add_argument("--tables")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        return one(*json.loads(options.one))
    readers, codecs = options.readers.split(","), options.codec.split(",")
    heads = [f"{r}: first wall, CPU; again wall, CPU (+MiB)" for r in readers]
    print("| shape, what, codec, threads | " + " | ".join(heads) + " | least of the peers / ours, each" + " |" * readers.count("keeping") + " |")
    print("|---" * (len(readers) + 2 + readers.count("keeping")) + "|")
    for shape in options.shapes:
        with tempfile.TemporaryDirectory(dir=os.environ.get("LAMELLA_BENCH_DIR", ".")) as folder:
            rows = int(shapes.ROWS[shape] * options.scale)
            reads = write(shape, rows, codecs, options.tables, folder)
            for what in options.what.split(","):
                if what not in reads:
                    continue
                columns, bounds, rows, held = reads[what]
                for codec in codecs:
                    path = str(Path(folder) / f"{shape}-{codec}.parquet")
                    for threads in options.threads.split(","):
                        call = [path, columns, bounds, 0 if threads == "all" else int(threads)]
                        best = runs_of(readers, call, options.runs)
                        line = line_of(best, rows, held)
                        print(f"| {shape}, {what}, {codec}, {threads} | {line} |", flush=True)


if __name__ == "__main__":
    main()
