"""The log of a table on a real HDFS: entries by rename, checkpoints, cleaning up, several writers at once."""

import json
import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import proxy
import pytest

ROOT = Path(__file__).resolve().parents[2]
DRIVER = Path(os.environ.get("LAMELLA_TABLE_DRIVER", ROOT / "build/release/tests/interop/table_driver"))
pytestmark = pytest.mark.skipif(not DRIVER.exists(), reason=f"{DRIVER} is not built")

HEAD = [
    {"protocol": {"minReaderVersion": 1, "minWriterVersion": 2}},
    {
        "metaData": {
            "id": "i",
            "format": {"provider": "parquet", "options": {}},
            "schemaString": "{}",
            "partitionColumns": [],
            "configuration": {},
        }
    },
]


def drive(table, *words, actions=None):
    text = None if actions is None else "".join(json.dumps(a) + "\n" for a in actions)
    done = subprocess.run([DRIVER, table, *map(str, words)], input=text, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def add(path):
    return {"add": {"path": path, "partitionValues": {}, "size": 1, "modificationTime": 1, "dataChange": True}}


def paths(table, *version):
    return sorted(line["add"]["path"] for line in drive(table, "state", *version) if "add" in line)


def test_entries_checkpoints_and_cleaning_up(place, run):
    drive(place, "commit", "create", actions=HEAD)
    for version in (1, 2, 3):
        assert drive(place, "commit", actions=[add(f"p{version}")]) == [{"version": version, "was_there": False}]
    for version in (2, 3, 3):  # the last one is there
        assert drive(place, "checkpoint", version) == [{"version": version, "actions": version + 2}]
    txn = {"txn": {"appId": "x", "version": 3}}
    assert drive(place, "commit", actions=[txn]) == [{"version": 4, "was_there": False}]
    assert drive(place, "commit", actions=[txn]) == [{"version": 4, "was_there": True}]
    assert drive(place, "state")[0] == {"version": 4, "checkpoint": 3}
    assert paths(place, 1) == ["p1"]
    assert drive(place, "cleanup", 29) == [{"removed": 0}]
    assert drive(place, "cleanup", 32) == [{"removed": 4}]
    assert paths(place) == ["p1", "p2", "p3"]
    listed = run("ls", f"{place}/_delta_log").stdout.decode().split()
    assert [name.rsplit("/", 1)[1] for name in listed] == [
        "00000000000000000003.checkpoint.parquet",
        "00000000000000000003.json",
        "00000000000000000004.json",
        "_last_checkpoint",
    ]


def test_writers_at_once(place):
    drive(place, "commit", "create", actions=HEAD)

    def write(name):
        made = {}
        for i in range(5):
            path = f"{name}-{i}"
            made[path] = drive(place, "commit", actions=[{"txn": {"appId": path, "version": 1}}, add(path)])[0]["version"]
        return made

    with ThreadPoolExecutor(4) as pool:
        made = {path: version for one in pool.map(write, "abcd") for path, version in one.items()}
    assert sorted(made.values()) == list(range(1, 21))
    assert paths(place) == sorted(made)
    for path, version in made.items():
        assert path in paths(place, version) and path not in paths(place, version - 1)


@pytest.mark.parametrize("fault", ["cut-before", "cut-after", "502-after"])
def test_every_request_of_a_commit_failing(hdfs, place, fault):
    """The answer is true, and the same transaction again happens once, whatever became of it."""
    actions = [{"txn": {"appId": "run", "version": 1}}, add("p")]
    text = "".join(json.dumps(a) + "\n" for a in actions)
    with proxy.Proxy(hdfs) as through:
        for turn in range(60):
            table = f"{place}/{turn}"
            there = table.replace(hdfs.url, through.url)
            drive(table, "commit", "create", actions=HEAD)
            through.plan(turn + 1, fault)
            done = subprocess.run(
                [DRIVER, there, "commit"],
                input=text,
                capture_output=True,
                text=True,
                timeout=120,
                env={**os.environ, "TABLE_DRIVER_ATTEMPTS": "1"},
            )
            struck = through.struck > 0
            through.plan()
            found = paths(table).count("p")
            if done.returncode == 0:
                assert found == 1, turn
            elif done.returncode != 7:
                assert found == 0, (turn, done.stderr)
            assert drive(table, "commit", actions=actions) == [{"version": 1, "was_there": found == 1}]
            assert paths(table) == ["p"]
            if not struck:
                assert done.returncode == 0, done.stderr
                return
    raise AssertionError("the commit has more requests than were thought")
