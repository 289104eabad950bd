"""The command on a cluster that has its troubles: NameNodes that take over, DataNodes that end, writers that live."""

import json
import os
import pathlib
import subprocess
import time

import pytest
import server


@pytest.fixture
def cluster():
    """One that a test may spoil: cluster(options of server.Hdfs)."""
    if os.environ.get("LAMELLA_NO_HDFS"):
        pytest.skip(os.environ["LAMELLA_NO_HDFS"])
    started = []

    def start(**options):
        started.append(server.Hdfs(**options))
        return started[-1]

    yield start
    for one in started:
        one.close()


def done(answer):
    assert answer.returncode == 0, answer.stderr.decode()
    return answer.stdout


def test_a_trace_tells_each_request(run, place):
    lines = run("write", "--trace", f"{place}/a", stdin=b"x").stderr.decode().splitlines()
    steps = ["GETFILESTATUS", "CREATE", "CREATE", "GETFILESTATUS", "RENAME"]
    assert [line.split("op=")[1].split("&")[0] for line in lines][: len(steps)] == steps
    assert all(" ms, attempt 1" in line for line in lines)


def test_a_token_stands_in_no_trace_and_no_message(run, place):
    for url in f"{place}/a", "webhdfs://127.0.0.1:1/a":
        words = ["--trace", "--storage", "token=SECRET0123", "--storage", "attempts=1", url]
        told = run("write", *words, stdin=b"x").stderr
        assert b"SECRET0123" not in told and b"delegation=***" in told


def test_gc_knows_an_open_file_and_goes_by_age(run, place, hdfs):
    done(run("write", f"{place}/a", stdin=b"x"))
    command = os.environ.get("LAMELLA_COMMAND") or str(pathlib.Path(__file__).parents[2] / "build" / "lamella")
    with subprocess.Popen([command, "write", f"{place}/b"], stdin=subprocess.PIPE) as writer:
        writer.stdin.write(b"y" * 5_000_000)
        writer.stdin.flush()
        deadline = time.time() + 20
        while b".lamella-" not in hdfs.shell("-ls", "/" + place.rsplit("/", 1)[1])[1]:
            assert time.time() < deadline
        time.sleep(1.1)
        for options, counts in ([], (0, 0, 1)), (["--older-than", "1s"], (0, 1, 0)):
            told = json.loads(done(run("gc", "--json", *options, place)))
            assert (told["removed"], told["live"], told["spared"]) == counts, told
        writer.stdin.close()
        assert writer.wait(60) == 0
    assert done(run("ls", place)).split() == [f"{place}/a".encode(), f"{place}/b".encode()]


def test_a_name_service_fails_over(run, cluster):
    pair = cluster(data_nodes=1, pair=True)
    data = os.urandom(3_000_000)
    for turn in range(3):
        done(run("write", f"hdfs://pair/d/{turn}", stdin=data, **pair.environment))
        pair.fail_over()
        done(run("cp", f"hdfs://pair/d/{turn}", "back", **pair.environment))
        assert pathlib.Path("back").read_bytes() == data
        pathlib.Path("back").unlink()
    assert len(done(run("ls", "hdfs:///d", **pair.environment)).split()) == 3


def test_a_file_is_read_though_a_data_node_ended(run, cluster):
    hdfs = cluster(data_nodes=3, block_bytes=1 << 20)
    data = os.urandom(12_000_000)
    done(run("write", "--storage", "replication=2", f"{hdfs.url}/a", stdin=data))
    hdfs.stop_data_node(0)
    for _ in range(3):
        done(run("cp", f"{hdfs.url}/a", "back"))
        assert pathlib.Path("back").read_bytes() == data
    for turn in range(5):  # and written
        done(run("write", f"{hdfs.url}/b{turn}", stdin=data[:100_000]))
