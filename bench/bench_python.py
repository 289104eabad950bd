"""One line of Lamella against one line of the library that the frame came from: ratios of wall time, the best of five
turns each, in one run. Durability is none in the comparison, since the others sync nothing; ours in full is told beside it.

    ./dev bench python [rows]
"""
import os
import pathlib
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]


def needed():
    """The installed wheel, in an environment of its own; ./dev test python makes it."""
    full = ROOT / "build/python/full/bin/python"
    if not full.exists():
        sys.exit("run ./dev test python first: the wheel is measured as it is installed")
    if pathlib.Path(sys.prefix) != full.parents[1]:
        os.execv(full, [str(full), *sys.argv])


def best(call, turns=5):
    times = []
    for _ in range(turns):
        begun = time.perf_counter()
        call()
        times.append(time.perf_counter() - begun)
    return min(times)


def imports():
    code = "import time; t = time.perf_counter(); import lamella; print(time.perf_counter() - t)"
    return min(float(subprocess.check_output([sys.executable, "-c", code])) for _ in range(10))


def main():
    needed()
    import numpy as np
    import pandas as pd
    import polars as pl
    import pyarrow as pa
    import pyarrow.parquet as pq

    import lamella

    print(f"import lamella: {imports() * 1000:.1f} ms")
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    rng = np.random.default_rng(1)
    frame = pd.DataFrame(
        {
            "id": np.arange(rows),
            "price": rng.random(rows).round(2),
            "when": pd.Timestamp("2026-01-01") + pd.to_timedelta(rng.integers(0, 10**7, rows), "s"),
            "city": rng.choice(["Oslo", "Bergen", "Paris", "Tokyo"], rows),
            "note": [f"order {number}" for number in rng.integers(0, 10**6, rows)],
        }
    )
    objects = frame.astype({"city": object, "note": object})
    polars, arrow = pl.from_pandas(frame), pa.Table.from_pandas(frame)
    os.chdir(tempfile.mkdtemp())
    none = {"durability": "none", "checksum": "none"}
    cases = [
        ("pandas, parquet", lambda **o: lamella.write_parquet(frame, "a", **o), lambda: frame.to_parquet("b")),
        ("objects, parquet", lambda **o: lamella.write_parquet(objects, "a", **o), lambda: objects.to_parquet("b")),
        ("pyarrow, parquet", lambda **o: lamella.write_parquet(arrow, "a", **o), lambda: pq.write_table(arrow, "b")),
        (
            "polars, parquet zstd",
            lambda **o: lamella.write_parquet(polars, "a", compression="zstd", **o),
            lambda: polars.write_parquet("b"),
        ),
        ("pandas, csv", lambda **o: lamella.atomic_write_csv("a", frame, **o), lambda: frame.to_csv("b", index=False)),
        ("polars, csv", lambda **o: lamella.atomic_write_csv("a", polars, **o), lambda: polars.write_csv("b")),
    ]
    print(f"{rows:,} rows; times of the peer over ours")
    for name, ours, theirs in cases:
        mine, other, full = best(lambda: ours(**none)), best(theirs, 3), best(ours)
        size = os.path.getsize("a") / os.path.getsize("b")
        print(f"{name:22} {other / mine:5.2f} x   (ours {mine * 1000:6.0f} ms, durable {full * 1000:6.0f} ms, "
              f"size {size:.2f} of theirs)", flush=True)  # fmt: skip
    lamella.write_parquet(frame, "a", **none)
    pq.write_table(arrow, "b")
    for name, ours, theirs in [
        ("read to arrow", lambda: lamella.read_parquet("a", "arrow"), lambda: pq.read_table("a")),
        ("read to pandas", lambda: lamella.read_parquet("a"), lambda: pd.read_parquet("a")),
    ]:
        mine, other = best(ours), best(theirs)
        print(f"{name:22} {other / mine:5.2f} x   (ours {mine * 1000:6.0f} ms)", flush=True)


main()
