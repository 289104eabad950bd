"""write --keep N and lamella undo."""
import json
import os
import re

KEPT = re.compile(r"\.a\.keep-\d{8}T\d{6}\.\d{9}Z")


def kept(path):
    return sorted(name for name in os.listdir(path) if name != "a")


def test_keeps_the_newest(run, tmp_path):
    for i in range(6):
        assert run("write", "a", "--keep", "3", stdin=b"%d" % i).returncode == 0
    assert all(KEPT.fullmatch(name) for name in kept(tmp_path))
    assert [(tmp_path / name).read_bytes() for name in kept(tmp_path)] == [b"2", b"3", b"4"]


def test_nothing_is_kept_of_nothing(run, tmp_path):
    assert run("write", "a", "--keep", "1", stdin=b"1").returncode == 0
    assert kept(tmp_path) == []


def test_each_undo_goes_one_further_back(run, tmp_path):
    for i in range(4):
        run("write", "a", "--keep", "9", stdin=b"%d" % i)
    for i in (2, 1, 0):
        told = json.loads(run("undo", "a", "--json").stdout)
        assert (tmp_path / "a").read_bytes() == b"%d" % i
        assert told["left"] == i and KEPT.fullmatch(told["kept"]) and told["path"] == "a"
    done = run("undo", "a")
    assert done.returncode == 9 and b"no older file is kept" in done.stderr
    assert os.listdir(tmp_path) == ["a"]


def test_undo_of_a_file_that_is_gone(run, tmp_path):
    run("write", "a", stdin=b"1")
    run("write", "a", "--keep", "1", stdin=b"2")
    os.unlink(tmp_path / "a")
    assert run("undo", "a").returncode == 0 and (tmp_path / "a").read_bytes() == b"1"


def test_a_link_to_the_standing_file_is_no_older_file(run, tmp_path):
    run("write", "a", stdin=b"1")
    run("write", "a", "--keep", "5", stdin=b"2")
    os.link(tmp_path / "a", tmp_path / ".a.keep-29990101T000000.000000000Z")  # a commit that did not come
    assert run("undo", "a").returncode == 0
    assert (tmp_path / "a").read_bytes() == b"1" and kept(tmp_path) == []


def test_the_order_holds_when_the_clock_goes_back(run, tmp_path):
    (tmp_path / ".a.keep-29990101T000000.999999999Z").write_bytes(b"future")
    run("write", "a", stdin=b"1")
    run("write", "a", "--keep", "5", stdin=b"2")
    assert kept(tmp_path)[-1] == ".a.keep-29990101T000001.000000000Z"
    run("undo", "a")
    assert (tmp_path / "a").read_bytes() == b"1"


def test_names_that_only_look_kept(run, tmp_path):
    others = [".a.keep-", ".a.keep-20260101T000000.00000000Z", ".a.keep-2026010100000000.000000000Z", ".b.keep-29990101T000000.000000000Z"]
    for name in others:
        (tmp_path / name).write_bytes(b"x")
    run("write", "a", stdin=b"1")
    run("write", "a", "--keep", "1", stdin=b"2")
    run("write", "a", "--keep", "1", stdin=b"3")
    assert len(kept(tmp_path)) == len(others) + 1


def test_a_name_too_long_to_keep(run, tmp_path):
    name = "n" * 222
    run("write", name, stdin=b"1")
    assert run("write", name, "--keep", "1", stdin=b"2").returncode == 0
    assert len(os.listdir(tmp_path)) == 2
    done = run("write", name + "n", "--keep", "1", stdin=b"2")
    assert done.returncode == 2 and b"too long" in done.stderr and len(os.listdir(tmp_path)) == 2


def test_a_failed_publication_keeps_nothing(run, tmp_path):
    run("write", "a", stdin=b"1")
    assert run("write", "a", "--keep", "1", "--if-match", "crc32c:00000000", stdin=b"2").returncode == 4
    assert os.listdir(tmp_path) == ["a"]


def test_undo_through_a_symlink(run, tmp_path):
    os.mkdir(tmp_path / "d")
    os.symlink("d/a", tmp_path / "link")
    run("write", "link", stdin=b"1")
    run("write", "link", "--keep", "1", stdin=b"2")
    assert run("undo", "link").returncode == 0
    assert (tmp_path / "d/a").read_bytes() == b"1" and os.path.islink(tmp_path / "link")


def test_undo_and_the_manifest(run, tmp_path):
    run("write", "a", "--manifest", stdin=b"1")
    run("write", "a", "--manifest", "--keep", "1", stdin=b"2")
    run("undo", "a")
    done = run("verify", "a")
    assert done.returncode == 0 and done.stdout.startswith(b"previous")
