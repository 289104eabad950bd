"""lamella merge on a real HDFS: joined where the bytes lie, and carried on from every request that fails."""

import gzip
import json
import os
import pathlib
import signal
import subprocess
import time

import proxy
import pytest

ROWS = 40


def part(number, rows=ROWS, header=b""):
    return header + b"".join(b"%d,%d\n" % (number, row) for row in range(rows))


def put_parts(run, place, count=8, rows=ROWS, header=b""):
    """Parts of different sizes; one of them has nothing in it. Gives what the result has to be, without a header."""
    expected = b""
    for number in range(count):
        body = b"" if number == 2 else part(number, rows + number)
        data = header + body if body else b""
        expected += body
        assert run("write", f"{place}/in/part-{number:05d}.csv", stdin=data).returncode == 0
    assert run("write", f"{place}/in/_SUCCESS").returncode == 0
    return expected


def listed(run, url):
    done = run("ls", url)
    assert done.returncode == 0, done.stderr
    return sorted(line.rsplit("/", 1)[1] for line in done.stdout.decode().splitlines())


def merge(run, place, *words, **how):
    done = run("merge", f"{place}/in", f"{place}/out/all.csv", *words, "--json", **how)
    return done, json.loads(done.stdout) if done.stdout else {}


def get(run, url):
    done = run("cp", url, "got")
    assert done.returncode == 0, done.stderr
    with open("got", "rb") as file:
        return file.read()


def command():
    return os.environ.get("LAMELLA_COMMAND") or pathlib.Path(__file__).parents[2] / "build" / "lamella"


@pytest.mark.parametrize("header", [None, "part,row"])
def test_parts_are_joined_without_a_byte_moved(run, hdfs, place, header):
    expected = put_parts(run, place)
    words = ["--delete-sources", "--require-success", *(["--header", header] if header else [])]
    plan = merge(run, place, *words, "--dry-run")[1]
    assert plan["strategy"] == "concat" and plan["client_bytes"] == 0
    done, told = merge(run, place, *words)
    assert done.returncode == 0, done.stderr
    assert told["strategy"] == "concat" and told["deleted"] == 8 and told["client_bytes"] == 0
    expected = (header + "\n").encode() + expected if header else expected
    assert get(run, f"{place}/out/all.csv") == expected
    assert listed(run, f"{place}/in") == ["_SUCCESS"]


def test_without_leave_the_parts_stay(run, hdfs, place):
    expected = put_parts(run, place)
    plan = merge(run, place, "--dry-run")[1]
    assert plan["strategy"] == "stream" and "--delete-sources" in plan["hint"]
    assert plan["client_bytes"] == plan["source_bytes"] == len(expected)
    done, _ = merge(run, place)
    assert done.returncode == 0, done.stderr
    assert get(run, f"{place}/out/all.csv") == expected
    assert len(listed(run, f"{place}/in")) == 9


def test_headers_are_streamed(run, hdfs, place):
    expected = put_parts(run, place, header=b"part,row\n")
    done, told = merge(run, place, "--delete-sources", "--rows")
    assert done.returncode == 0, done.stderr
    assert told["strategy"] == "stream" and told["rows"] == expected.count(b"\n")
    assert get(run, f"{place}/out/all.csv") == b"part,row\n" + expected
    assert listed(run, f"{place}/in") == ["_SUCCESS"]


def test_between_stores(run, hdfs, place, tmp_path):
    expected = put_parts(run, place)
    assert run("merge", f"{place}/in", "here.csv.gz").returncode == 0
    assert gzip.decompress((tmp_path / "here.csv.gz").read_bytes()) == expected
    assert run("merge", "here.csv.gz", f"{place}/back.csv").returncode == 0
    assert get(run, f"{place}/back.csv") == expected


def test_large_parts_of_many_blocks(run, hdfs, place):
    body = b"0123456789abcdef\n" * 200_000  # more than three blocks of 1 MiB
    for number in range(3):
        assert run("write", f"{place}/in/part-{number}.csv", stdin=b"%d\n" % number + body).returncode == 0
    done, told = merge(run, place, "--delete-sources", "--header", "name")
    assert done.returncode == 0 and told["strategy"] == "concat", done.stderr
    assert get(run, f"{place}/out/all.csv") == b"name\n" + b"".join(b"%d\n" % n + body for n in range(3))


def test_names_that_cannot_be_joined_are_streamed(run, hdfs, place):
    """CONCAT cannot say a name with a comma in it."""
    assert run("write", f"{place}/in/a,b.csv", stdin=b"1\n").returncode == 0
    assert run("write", f"{place}/in/c.csv", stdin=b"2\n").returncode == 0
    done, told = merge(run, place, "--delete-sources")
    assert done.returncode == 0, done.stderr
    assert get(run, f"{place}/out/all.csv") == b"1\n2\n"
    assert listed(run, f"{place}/in") == []


def test_1200_parts_past_the_limit_of_a_url(run, hdfs, place, tmp_path):
    local = tmp_path / "in"
    local.mkdir()
    for number in range(1200):
        (local / f"part-{number:05d}-6f0e6d5e-7f1c-4a8e-9d55-3f3f1a0b8f9d-c000.csv").write_bytes(b"%d\n" % number)
    assert run("cp", "in", f"{place}/in", "--recursive").returncode == 0
    done, told = merge(run, place, "--delete-sources")
    assert done.returncode == 0, done.stderr
    assert told["strategy"] == "concat" and told["deleted"] == 1200
    assert get(run, f"{place}/out/all.csv") == b"".join(b"%d\n" % n for n in range(1200))


def test_killed_and_resumed(run, hdfs, place):
    """At moments that spread over the whole of it."""
    for turn in range(12):
        here = f"{place}/{turn}"
        expected = put_parts(run, here, count=5)
        words = ["merge", f"{here}/in", f"{here}/out/all.csv", "--delete-sources", "--header", "a,b"]
        process = subprocess.Popen([command(), *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        time.sleep(0.01 + 0.012 * turn)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        if listed(run, f"{here}/in") != ["_SUCCESS"]:
            done = run(*words, "--resume")
            assert done.returncode == 0, done.stderr
        assert get(run, f"{here}/out/all.csv") == b"a,b\n" + expected
        assert listed(run, f"{here}/in") == ["_SUCCESS"]


@pytest.mark.parametrize("fault, for_good", [("cut-before", False), ("cut-after", False), ("cut-after", True), ("500", True)])
def test_every_request_may_fail(run, hdfs, place, tmp_path, fault, for_good):
    """Once, or from then on, as if the network had gone for good. Then --resume: the result whole, no row lost."""
    local = tmp_path / "local"
    local.mkdir()
    for number in range(4):
        (local / f"part-{number}.csv").write_bytes(part(number, 3) if number != 1 else b"")
    expected = b"p,r\n" + b"".join(part(number, 3) for number in (0, 2, 3))
    done_at = None
    with proxy.Proxy(hdfs) as through:
        for turn in range(200):
            here = f"{place}/{turn}".replace(hdfs.url, through.url)
            assert run("cp", local, f"{here}/in", "--recursive").returncode == 0
            assert run("write", f"{here}/out/all.csv", stdin=b"old").returncode == 0
            words = ["merge", f"{here}/in", f"{here}/out/all.csv", "--delete-sources", "--header", "p,r"]
            words += ["--storage", "attempts=1"]  # so that failures are met here, not mended below
            through.plan(turn + 1, fault, for_good=for_good)
            done = run(*words)
            reached = through.struck > 0
            through.plan()
            out = get(run, f"{here}/out/all.csv")
            assert out in (b"old", expected), (turn, done.stderr)
            assert done.returncode != 0 or out == expected, turn
            if listed(run, f"{here}/in"):
                again = run(*words, "--resume")
                assert again.returncode == 0, (turn, done.stderr, again.stderr)
            assert get(run, f"{here}/out/all.csv") == expected, turn
            assert listed(run, f"{here}/in") == [], turn
            if not reached:
                done_at = turn
                break
    assert done_at and done_at > 10
