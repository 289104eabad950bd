"""Writing XLSX: Lamella against pandas (openpyxl, xlsxwriter), Polars and, on request, rust_xlsxwriter, in one run.

    bench/bench_xlsx_write.py [--rows 200000] [--runs 3] [--writers lamella,lamella-1,polars,xlsxwriter,pandas-xlsxwriter,pandas-openpyxl]

12 mixed columns from an Arrow table in memory: wall and CPU seconds (the least of the runs), the file's size and the memory above the table. The
slow ones run once. What is not installed is named and left out. `rust` is built by cargo first, from xlsx_rust, into build/cargo.
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
WRITERS = ["lamella", "lamella-1", "polars", "xlsxwriter", "pandas-xlsxwriter", "pandas-openpyxl"]
COMMAND = Path(os.environ.get("LAMELLA_COMMAND") or HERE.parent / "build" / "lamella")


def make(rows, path):
    import numpy as np
    import pyarrow as pa

    random = np.random.default_rng(1)
    table = pa.table(
        {
            "id": np.arange(rows),
            "small": random.integers(0, 1000, rows),
            "price": np.round(random.random(rows) * 100, 2),
            "x": random.random(rows),
            "stamp": pa.array((1.6e15 + random.random(rows) * 1e14).astype("i8"), pa.timestamp("us")),
            "day": pa.array(random.integers(15000, 20000, rows).astype("i4"), pa.date32()),
            "kind": np.array(["cash", "card", "none", "dispute"])[random.integers(0, 4, rows)],
            "user": [f"user{i}" for i in random.integers(0, 1000000, rows)],
            "hash": [random.bytes(16).hex() for _ in range(rows)],
            "flag": random.integers(0, 2, rows).astype(bool),
            "normal": random.normal(size=rows),
            "large": random.integers(0, 10**9, rows),
        }
    )
    with pa.ipc.new_file(path, table.schema) as out:
        out.write_table(table)


def lamella(source, threads):
    # The command as a whole, with its start and the reading of the Arrow file.
    return lambda path: subprocess.run(
        [COMMAND, "put", "--durability", "none", "--threads", str(threads), source, path], check=True
    )


def peer(writer, table):
    if writer == "polars":
        import polars as pl

        frame = pl.from_arrow(table)
        return lambda path: frame.write_excel(path)
    if writer == "xlsxwriter":
        import xlsxwriter

        def write(path):
            book = xlsxwriter.Workbook(path, {"constant_memory": True, "default_date_format": "yyyy-mm-dd hh:mm:ss"})
            sheet = book.add_worksheet()
            sheet.write_row(0, 0, table.column_names)
            row = 0
            for batch in table.to_batches(10000):
                for values in zip(*batch.to_pydict().values()):
                    row += 1
                    sheet.write_row(row, 0, values)
            book.close()

        return write
    frame = table.to_pandas()
    return lambda path: frame.to_excel(path, index=False, engine=writer.removeprefix("pandas-"))


def rust(source, runs, path):
    """rust_xlsxwriter in constant memory, from rows that are made alike."""
    import pyarrow as pa

    target = HERE.parent / "build" / "cargo"
    command = ["cargo", "build", "--release", "--quiet", "--target-dir", target]
    subprocess.run(command, cwd=HERE / "xlsx_rust", check=True)
    rows = pa.ipc.open_file(source).read_all().num_rows
    words = [target / "release" / "xlsx_rust", str(rows), str(runs), path]
    wall, cpu = json.loads(subprocess.run(words, check=True, capture_output=True).stdout)
    print(json.dumps([wall, cpu, Path(path).stat().st_size, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024]))


def one(writer, source, runs, folder):
    import pyarrow as pa

    path = str(Path(folder) / "t.xlsx")
    if writer == "rust":
        return rust(source, runs, path)
    children = writer.startswith("lamella")
    write = lamella(source, 1 if writer.endswith("-1") else 2) if children else None
    if not children:
        write = peer(writer, pa.ipc.open_file(source).read_all())
    who = resource.RUSAGE_CHILDREN if children else resource.RUSAGE_SELF
    held = 0 if children else resource.getrusage(who).ru_maxrss / 1024
    best = None
    for _ in range(runs if writer in ("lamella", "lamella-1") else 1):
        Path(path).unlink(missing_ok=True)
        before, wall = resource.getrusage(who), time.perf_counter()
        write(path)
        wall, after = time.perf_counter() - wall, resource.getrusage(who)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        best = (wall, cpu) if best is None else (min(wall, best[0]), min(cpu, best[1]))
    print(json.dumps([*best, Path(path).stat().st_size, resource.getrusage(who).ru_maxrss / 1024 - held]))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=200000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--writers", default=",".join(WRITERS))
    parser.add_argument("--one", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        return one(*json.loads(options.one))
    print("| writer | wall s | CPU s | MB | +MiB |\n|---|---|---|---|---|")
    with tempfile.TemporaryDirectory(dir=os.environ.get("LAMELLA_BENCH_DIR", ".")) as folder:
        source = str(Path(folder) / "t.arrow")
        make(options.rows, source)
        for writer in options.writers.split(","):
            call = json.dumps([writer, source, options.runs, folder])
            run = subprocess.run([sys.executable, __file__, "--one", call], capture_output=True, text=True)
            if run.returncode:
                last = (run.stderr.strip() or f"status {run.returncode}").splitlines()[-1]
                print(f"| {writer} | left out: {last[:80]} | | | |", flush=True)
                continue
            wall, cpu, size, extra = json.loads(run.stdout)
            print(f"| {writer} | {wall:.2f} | {cpu:.2f} | {size / 1e6:.1f} | {extra:.0f} |", flush=True)


if __name__ == "__main__":
    main()
