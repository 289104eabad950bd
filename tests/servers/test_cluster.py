"""Clusters that are not one NameNode in good health: a pair of which one stands by, safe mode, HttpFS in between."""

import os
import subprocess

import proxy as faulty
import pytest
import server
from httpfs import Facade
from web import Web

BIG = os.urandom(3_500_000)


@pytest.fixture(scope="module")
def pair():
    if os.environ.get("LAMELLA_NO_HDFS"):
        pytest.skip(os.environ["LAMELLA_NO_HDFS"])
    with server.Hdfs(data_nodes=1, pair=True) as made:
        yield made


@pytest.fixture(scope="module")
def facade(hdfs):
    with Facade(hdfs) as made:
        yield made


def test_the_active_one_of_a_pair_is_found(run, pair):
    for i in range(3):  # whichever of them it is
        for _ in range(2):
            done = run("write", f"hdfs://pair/found/{i}", stdin=b"%d" % i, HADOOP_CONF_DIR=str(pair.configuration))
            assert (done.returncode, done.stderr) == (0, b"")
        assert pair.shell("-cat", f"/found/{i}") == (0, b"%d" % i)
        pair.fail_over()


@pytest.mark.parametrize("mode", [[], ["--if-absent"]])
def test_the_other_takes_over_during_an_upload(run, pair, mode, tmp_path):
    """Between any two requests of a publication, and in the middle of its body."""
    with faulty.Proxy(pair) as proxy:
        pair.configure(tmp_path / "conf", proxy.http_ports)
        command = ["write", *mode, "hdfs://pair/over/a"]

        def write():
            if mode:
                pair.shell("-rm", "-skipTrash", "/over/a")
            proxy.seen.clear()
            return run(*command, stdin=BIG, HADOOP_CONF_DIR=str(tmp_path / "conf"))

        assert write().returncode == 0
        for number in range(1, len(proxy.seen) + 1):
            proxy.plan(number, "pause", half_way=lambda port: pair.fail_over())
            done = write()
            proxy.plan()
            assert (done.returncode, done.stderr) == (0, b""), number
            assert pair.shell("-cat", "/over/a") == (0, BIG)
            assert pair.shell("-ls", "-C", "/over") == (0, b"/over/a\n")


def test_safe_mode_is_told(run, hdfs, place):
    assert run("write", f"{place}/a", stdin=b"old").returncode == 0
    hdfs.safe_mode(True)
    try:
        done = run("write", "--storage", "attempts=2", f"{place}/a", stdin=b"new")
        assert done.returncode == 1 and b"safe mode" in done.stderr.lower()
        assert run("ls", place).returncode == 0
        assert run("cp", f"{place}/a", "read").returncode == 0
    finally:
        hdfs.safe_mode(False)
    assert Web(hdfs).look("/" + place.split("/", 3)[3]) == {"a": b"old"}
    assert run("write", f"{place}/a", stdin=b"new").returncode == 0


def test_by_httpfs_what_is_new_is_put(run, hdfs, facade, tmp_path):
    (tmp_path / "big").write_bytes(BIG)
    for name, mode in (("a b%20+#", []), ("ünïcode", ["--if-absent"])):
        url = f"{facade.url}/httpfs/{name}"
        done = run("cp", *mode, "big", url)
        assert (done.returncode, done.stderr) == (0, b"")
        assert hdfs.shell("-cat", f"/httpfs/{name}") == (0, BIG)
        assert run("cp", url, "back").returncode == 0
        assert (tmp_path / "back").read_bytes() == BIG
        assert run("write", "--if-absent", url, stdin=b"late").returncode == 5
    assert len(run("ls", f"{facade.url}/httpfs").stdout.splitlines()) == 2
    assert run("rm", "--recursive", f"{facade.url}/httpfs").returncode == 0
    assert Web(hdfs).look("/httpfs") is None


def test_by_httpfs_parts_are_merged(run, hdfs, facade):
    """It tells no inodes: parts are known by their length and time."""
    web, count = Web(hdfs), 12
    for i in range(count):
        web.put(f"/httpfs-parts/in/part-{i}.csv", b"k,v\n%d,x\n" % i)
    done = run("merge", f"{facade.url}/httpfs-parts/in", f"{facade.url}/httpfs-parts/all.csv", "--delete-sources")
    assert (done.returncode, done.stderr) == (0, b"")
    assert web.look("/httpfs-parts") == {"in": {}, "all.csv": b"k,v\n" + b"".join(b"%d,x\n" % i for i in range(count))}


def test_by_httpfs_what_stands_cannot_be_replaced(run, hdfs, facade):
    """It renames by the old rules: never into a directory, never over a file."""
    web = Web(hdfs)
    web.put("/httpfs-old/a", b"old")
    web.make("/httpfs-old/d")
    done = run("write", f"{facade.url}/httpfs-old/a", stdin=b"new")
    assert done.returncode == 1 and b"HttpFS" in done.stderr
    assert run("write", f"{facade.url}/httpfs-old/d", stdin=b"new").returncode == 1
    assert run("write", "--if-absent", f"{facade.url}/httpfs-old/d", stdin=b"new").returncode in (1, 5)
    assert web.look("/httpfs-old") == {"a": b"old", "d": {}}


def test_two_clusters_and_this_disk(run, hdfs, pair, tmp_path):
    """A copy from one to the other, checked, and back."""
    (tmp_path / "big").write_bytes(BIG)
    conf = {"HADOOP_CONF_DIR": str(pair.configuration)}
    assert run("cp", "--check", "big", f"{hdfs.url}/two/big").returncode == 0
    assert run("cp", "--check", f"{hdfs.url}/two/big", "hdfs://pair/two/big", **conf).returncode == 0
    assert run("cp", "--recursive", "hdfs://pair/two", "back", **conf).returncode == 0
    assert subprocess.run(["cmp", "big", "back/big"], check=False).returncode == 0
