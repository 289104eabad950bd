"""Many Parquet files into one: `lamella merge` against pyarrow, Polars and DuckDB, in turn, in one run.

    bench/bench_merge_parquet.py [--files 100] [--mib 700] [--codec snappy] [--runs 3] [--folder DIR] [--rewrite]

The parts have the rows of the table taxi (shapes.py), with page indexes, as pyarrow writes them. Lamella carries their row
groups over (with --rewrite it encodes them again, as its peers do) and publishes with durability none, since the peers sync
nothing; `cp` copies the parts into one file, which is what the bytes alone take. Each run is a process of its own. The
figures are the least wall and CPU seconds of the runs and the greatest memory; read the ratios.
"""

import argparse
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
COMMAND = Path(os.environ.get("LAMELLA_COMMAND") or HERE.parent / "build" / "lamella")

PYARROW = """
import sys, pyarrow.parquet as pq
out, *parts = sys.argv[1:]
with pq.ParquetWriter(out, pq.read_schema(parts[0]), compression={codec!r}) as writer:
    for part in parts:
        writer.write_table(pq.read_table(part))
"""
POLARS = """
import sys, polars as pl
out, *parts = sys.argv[1:]
pl.scan_parquet(parts).sink_parquet(out, compression={codec!r})
"""
DUCKDB = """
import sys, duckdb
out, *parts = sys.argv[1:]
duckdb.execute("set enable_progress_bar = false")
duckdb.execute(f"copy (from read_parquet({parts})) to '{out}' (format parquet, compression {codec})")
"""
CP = "import sys, shutil\nout = open(sys.argv[1], 'wb')\nfor part in sys.argv[2:]: shutil.copyfileobj(open(part, 'rb'), out, 1 << 20)"


def make_parts(folder, files, mib, codec):
    """In a process of its own: what a process has once used counts for those that it starts."""
    sys.path.insert(0, str(HERE))
    import pyarrow.parquet as pq
    import shapes

    row_bytes = 21  # of the table, packed
    rows = max(1000, mib * 2**20 // files // row_bytes)
    different = max(1, min(files, 5_000_000 // rows))  # the others repeat them
    table = shapes.taxi(rows * different)
    paths = [folder / f"part-{i:05d}.parquet" for i in range(files)]
    for i, path in enumerate(paths):
        if i < different:
            pq.write_table(table.slice(i * rows, rows), path, compression=codec, write_page_index=True)
        else:
            shutil.copyfile(paths[i % different], path)


def run(words):
    """Wall seconds, CPU seconds and MiB of a process."""
    start = time.monotonic()
    pid = os.posix_spawn(words[0], words, os.environ)
    _, status, used = os.wait4(pid, 0)
    if status:
        sys.exit(f"{words[:3]} ended with status {os.waitstatus_to_exitcode(status)}")
    return time.monotonic() - start, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=100)
    parser.add_argument("--mib", type=int, default=700)
    parser.add_argument("--codec", default="snappy")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--folder")
    parser.add_argument("--rewrite", action="store_true")
    parser.add_argument("--make", help=argparse.SUPPRESS)
    wanted = parser.parse_args()
    if wanted.make:
        return make_parts(Path(wanted.make), wanted.files, wanted.mib, wanted.codec)
    with tempfile.TemporaryDirectory(dir=wanted.folder) as name:
        folder = Path(name)
        run([sys.executable, *sys.argv, "--make", name])
        parts = sorted(folder.iterdir())
        size = sum(part.stat().st_size for part in parts)
        print(f"{wanted.files} files, {size / 2**20:.0f} MiB, {wanted.codec}")
        out = str(folder / "out")
        python = [sys.executable, "-c"]
        programs = {
            "cp": [*python, CP, out],
            "lamella": [str(COMMAND), "merge", "--durability", "none", *(["--rewrite"] if wanted.rewrite else [])],
            **{
                peer: [*python, text.replace("{codec!r}", repr(wanted.codec)).replace("{codec}", wanted.codec), out]
                for peer, text in {"pyarrow": PYARROW, "polars": POLARS, "duckdb": DUCKDB}.items()
            },
        }
        figures = {}
        for who, words in programs.items():
            whole = words + [str(part) for part in parts] + ([out] if who == "lamella" else [])
            runs = [run(whole) for _ in range(wanted.runs)]
            figures[who] = min(r[0] for r in runs), min(r[1] for r in runs), max(r[2] for r in runs)
            os.unlink(out)
        ours, copy = figures["lamella"][0], figures["cp"][0]
        print("           wall s   CPU s    MiB  against lamella")
        for who, (wall, cpu, mib) in figures.items():
            print(f"{who:9} {wall:7.2f} {cpu:7.2f} {mib:6.0f} {wall / ours:8.2f} x")
        fastest = min(figures[who][0] for who in ("pyarrow", "polars", "duckdb"))
        print(f"the fastest peer takes {fastest / ours:.1f} x; the bytes alone {copy / ours:.2f} x")


if __name__ == "__main__":
    main()
