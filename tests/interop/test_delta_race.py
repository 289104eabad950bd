"""Many processes on one table's log: writers that are killed, checkpoints, cleaning up, readers, and delta-rs."""

import json
import os
import random
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pyarrow as pa
import pytest
from test_delta_log import DRIVER, Failed, drive, head, live

deltalake = pytest.importorskip("deltalake")
pytestmark = pytest.mark.skipif(not DRIVER.exists(), reason=f"{DRIVER} is not built")


def add(path):
    return {
        "add": {
            "path": path,
            "partitionValues": {"bucket": "1", "where": None},
            "size": 1,
            "modificationTime": 1,
            "dataChange": True,
        }
    }


def commit_killed(root, actions, mean_ms):
    """One commit by a process that may be killed at any moment; its answer, or None."""
    text = "".join(json.dumps(a) + "\n" for a in actions)
    process = subprocess.Popen(
        [DRIVER, str(root), "commit"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    process.stdin.write(text)
    process.stdin.close()
    if mean_ms:
        time.sleep(random.expovariate(1000 / mean_ms))
        process.kill()
    out, err = process.stdout.read(), process.stderr.read()
    status = process.wait(timeout=60)
    if status == 0:
        return json.loads(out)
    assert status == -9 or out == "", err  # what was printed is acknowledged
    if status not in (-9, 4, 8):
        raise Failed(err)
    return json.loads(out) if out.endswith("\n") else None


def write(root, name, commits):
    """Each commit is tried until it is acknowledged; a transaction makes it happen once."""
    made = {}
    for i in range(commits):
        path = f"{name}-{i}.parquet"
        actions = [{"txn": {"appId": path, "version": 1}}, add(path)]
        answer = None
        while answer is None:
            answer = commit_killed(root, actions, random.choice([0, 0, 4, 12]))
        made[path] = answer["version"]
    return made


def entries(root):
    for path in sorted((root / "_delta_log").glob("*.json")):
        for line in path.read_text().splitlines():
            yield int(path.stem), json.loads(line)


def test_writers_that_are_killed_beside_readers_and_checkpoints(tmp_path):
    random.seed(int(os.environ.get("LAMELLA_SEED", "1")))
    drive(tmp_path, "commit", "create", actions=head())
    done = threading.Event()

    def keep_up():
        while not done.is_set():
            try:
                drive(tmp_path, "checkpoint")
                drive(tmp_path, "cleanup", 0)  # nothing is old enough
            except Failed as failed:  # a version later than the listing's
                assert "NOT_FOUND" in str(failed), failed
            time.sleep(0.01)

    def read():
        seen = 0
        while not done.is_set():
            state = drive(tmp_path, "state")
            assert state[0]["version"] >= seen  # never back
            assert len(live(state)) == state[0]["version"]  # each entry but the first adds one part
            seen = state[0]["version"]

    with ThreadPoolExecutor(8) as pool:
        beside = [pool.submit(keep_up), pool.submit(read)]
        writers = [pool.submit(write, tmp_path, f"w{i}", 12) for i in range(5)]
        try:
            made = {path: version for writer in writers for path, version in writer.result().items()}
        finally:
            done.set()
        for other in beside:
            other.result()
    found = [(version, line["add"]["path"]) for version, line in entries(tmp_path) if "add" in line]
    assert sorted(path for _, path in found) == sorted(made)  # each once
    assert {path: version for version, path in found} == made  # where it was said to be
    assert sorted({version for version, _ in entries(tmp_path)}) == list(range(len(made) + 1))
    assert set(live(drive(tmp_path, "state"))) == set(made)
    table = deltalake.DeltaTable(str(tmp_path))
    assert table.version() == len(made)
    assert pa.table(table.get_add_actions()).num_rows == len(made)


def test_beside_delta_rs(tmp_path):
    """Both make entries by a hard link, which is exclusive among all processes."""
    drive(tmp_path, "commit", "create", actions=head())
    rows = pa.table({"id": [1], "text": ["x"], "bucket": [1], "where": ["y"]})
    rows = rows.cast(pa.schema([pa.field("id", pa.int64(), False), *list(rows.schema)[1:]]))

    def theirs():
        for _ in range(15):
            deltalake.write_deltalake(str(tmp_path), rows, mode="append")

    with ThreadPoolExecutor(3) as pool:
        others = pool.submit(theirs)
        ours = [pool.submit(write, tmp_path, f"w{i}", 10) for i in range(2)]
        others.result()
        made = {path: version for writer in ours for path, version in writer.result().items()}
    state = drive(tmp_path, "state")
    assert state[0]["version"] == 15 + 20
    parts = live(state)
    assert set(made) <= set(parts) and len(parts) == 35
    assert deltalake.DeltaTable(str(tmp_path)).version() == 35
