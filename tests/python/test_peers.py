"""What is left of the old file when a write fails: docs/formats.md has this table, and it is measured here."""
import pathlib
import re
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
OLDER = any(path.endswith("older") for path in sys.path)

WRITES = {
    "lamella.write_parquet": "lamella.write_parquet(frame, 'x')",
    "lamella.atomic_write_csv": "lamella.atomic_write_csv('x', frame)",
    "lamella.atomic_write_xlsx": "lamella.atomic_write_xlsx('x', frame)",
    "lamella.atomic_open": "with lamella.atomic_open('x', 'w') as file: frame.to_csv(file)",
    "DataFrame.to_parquet": "frame.to_parquet('x')",
    "DataFrame.to_csv": "frame.to_csv('x')",
    "pyarrow.parquet.write_table": "pq.write_table(pa.Table.from_pandas(frame), 'x')",
    "Polars write_parquet": "pl.from_pandas(frame).write_parquet('x')",
    "Polars write_csv": "pl.from_pandas(frame).write_csv('x')",
    "DuckDB COPY TO parquet": "duckdb.sql(\"copy frame to 'x' (format parquet)\")",
    "pickle.dump": "pickle.dump(frame, open('x', 'wb'))",
}
CODE = """
    import lamella, pickle, resource, signal, sys
    import duckdb, numpy as np, pandas as pd, polars as pl, pyarrow as pa, pyarrow.parquet as pq
    frame = pd.DataFrame({"a": np.random.default_rng(1).random(400_000)})
    if sys.argv[1] == "disk":
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))
    try:
        exec(sys.argv[2])
    except BaseException as error:
        print(type(error).__name__)
"""


def outcome(child, name, place):
    (place / "x").write_text("the old file")
    done = child(CODE, "disk", WRITES[name])
    assert done.stdout.strip() or done.returncode, f"{name} did not fail"
    left = (place / "x").read_bytes() if (place / "x").exists() else None
    state = "whole" if left == b"the old file" else "gone" if left is None else "overwritten by a part"
    extra = sorted(path.name for path in place.iterdir() if path.name != "x")
    for path in place.iterdir():
        path.unlink()
    return state, "nothing" if not extra else "a temporary file"


@pytest.mark.parametrize("name", [name for name in WRITES if name.startswith("lamella")])
def test_the_old_file_is_whole(name, child, tmp_path):
    assert outcome(child, name, tmp_path) == ("whole", "nothing")


@pytest.mark.skipif(OLDER, reason="the table is that of the newer packages")
def test_the_table_in_the_documents(child, tmp_path):
    rows = re.findall(r"^\| `?([\w. ]+)`? \| ([^|]+) \| ([^|]+) \|$", (ROOT / "docs/formats.md").read_text(), re.MULTILINE)
    table = {name.strip("`"): (state.strip(), left.strip()) for name, state, left in rows if name in WRITES}
    assert table == {name: outcome(child, name, tmp_path) for name in WRITES}
