"""Parquet files of every origin, damaged ones among them: each to its expected rows, or to its verdict.

The files are no part of the project. They lie in ../shared/parquet, or where LAMELLA_PARQUET_FILES says.
"""
import gzip
import hashlib
import json
import os
import pathlib
import resource
import subprocess
import time

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
COMMAND = pathlib.Path(os.environ.get("LAMELLA_COMMAND") or ROOT / "build" / "lamella")
SANITIZED = "asan" in COMMAND.parts
MEMORY_MAX = 256 << 20
SECONDS_MAX = 20 if SANITIZED else 1


def place():
    said = os.environ.get("LAMELLA_PARQUET_FILES")
    if said:
        return pathlib.Path(said)
    beside = [ROOT.parent / "shared" / "parquet", ROOT.parent.parent / "shared" / "parquet"]
    return next((path for path in beside if (path / "inventory.json").exists()), beside[0])


FILES = place()
INVENTORY = json.loads((FILES / "inventory.json").read_text()) if (FILES / "inventory.json").exists() else []
READABLE = [entry for entry in INVENTORY if entry["cls"] == "data" and not entry["encrypted"]]
ENCRYPTED = [entry for entry in INVENTORY if entry["cls"] == "data" and entry["encrypted"]]
DAMAGED = [entry for entry in INVENTORY if entry["cls"] == "bad"]


def cases(entries):
    if not entries:
        return [pytest.param(None, marks=pytest.mark.skip(reason=f"no Parquet files at {FILES}"), id="none")]
    return [pytest.param(entry, id=entry["name"]) for entry in entries]


def bounded():
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if not SANITIZED:
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_MAX, MEMORY_MAX))


def cat(entry):
    path = FILES / entry["cls"] / entry["name"]
    start = time.monotonic()
    done = subprocess.run(
        [COMMAND, "cat", "--format", "canonical", path],
        capture_output=True,
        timeout=120,
        preexec_fn=bounded,
        env={"LSAN_OPTIONS": f"suppressions={ROOT}/tests/lsan.txt:print_suppressions=0", **os.environ},
    )
    seconds = time.monotonic() - start
    said = done.stderr.decode(errors="replace")
    crashed = done.returncode < 0 or "Sanitizer" in said or "runtime error" in said
    assert not crashed, f"status {done.returncode}: {said}"
    return done, seconds


def expected(entry):
    path = FILES / "expected" / entry["expected"]["file"]
    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()


def first_difference(got, wanted):
    for number, (a, b) in enumerate(zip(got.split(b"\n"), wanted.split(b"\n")), 1):
        if a != b:
            at = next((i for i, (x, y) in enumerate(zip(a, b)) if x != y), min(len(a), len(b)))
            return f"row {number}, byte {at}: {a[max(0, at - 40):at + 80]!r}, not {b[max(0, at - 40):at + 80]!r}"
    return f"{len(got)} bytes, not {len(wanted)}"


def is_expected(entry, got):
    return hashlib.sha256(got).hexdigest() == entry["expected"]["sha256"]


@pytest.mark.parametrize("entry", cases(READABLE))
def test_a_readable_file_gives_its_rows(entry):
    done, _ = cat(entry)
    assert done.returncode == 0, done.stderr.decode()
    same = is_expected(entry, done.stdout)
    assert same, first_difference(done.stdout, expected(entry))


@pytest.mark.parametrize("entry", cases(ENCRYPTED))
def test_an_encrypted_file_is_refused_as_such(entry):
    done, _ = cat(entry)
    assert done.returncode == 1
    assert "encrypted" in done.stderr.decode()


@pytest.mark.parametrize("entry", cases(DAMAGED))
def test_a_damaged_file_meets_its_verdict(entry):
    done, seconds = cat(entry)
    verdict = entry["verdict"]
    assert seconds < SECONDS_MAX
    if verdict == "READABLE":
        same = is_expected(entry, done.stdout)
        assert done.returncode == 0 and same, done.stderr.decode()
    elif verdict == "MAY":
        assert done.returncode in (0, 1, 3)
    else:
        assert done.returncode in (1, 3)
        assert done.stderr.startswith(b"lamella: ")


def test_a_page_that_is_larger_than_asked_for_is_refused(tmp_path):
    """A few KiB that decompress to hundreds of MiB: refused before any room is made, read where it is allowed."""
    path, rows = tmp_path / "bomb.parquet", 30_000_000
    large = {"data_page_size": 1 << 30, "write_batch_size": rows, "row_group_size": rows, "max_rows_per_page": rows}
    table = pa.table({"a": pa.array(np.zeros(rows, np.int64))})
    pq.write_table(table, path, use_dictionary=False, compression="zstd", **large)
    assert path.stat().st_size < 200_000
    start = time.monotonic()
    for words in (["cat"], ["cat", "--format", "canonical"], ["verify"], ["count", "--where", "a = 0"]):
        done = subprocess.run(
            [COMMAND, *words, "--read-page-bytes", "1000000", path], capture_output=True, preexec_fn=bounded, timeout=60
        )
        assert done.returncode == (3 if words == ["verify"] else 1), (words, done.stderr)
        assert b"column a" in done.stderr and b"--read-page-bytes" in done.stderr, (words, done.stderr)
    assert time.monotonic() - start < SECONDS_MAX
    done = subprocess.run([COMMAND, "count", "--where", "a = 0", "--read-page-bytes", "300000000", path], capture_output=True, timeout=120)
    assert done.returncode == 0 and done.stdout.split() == [str(rows).encode()], done
