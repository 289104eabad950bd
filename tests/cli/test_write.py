"""lamella write: standard input becomes a file, whole or not at all."""
import hashlib
import json
import os
import stat

import pytest


def names(path):
    return sorted(os.listdir(path))


def test_writes_and_replaces(run, tmp_path):
    assert run("write", "a", stdin=b"one").returncode == 0
    done = run("write", "a", stdin=b"two")
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert (tmp_path / "a").read_bytes() == b"two"
    assert names(tmp_path) == ["a"]


@pytest.mark.parametrize("size", [0, 1, 65535, 65536, 65537, 5_000_000])
def test_sizes_and_checksums(run, tmp_path, size):
    data = os.urandom(size)
    done = run("write", "a", "--checksum", "sha256", "--json", stdin=data)
    told = json.loads(done.stdout)
    assert told["bytes"] == size and told["checksum"] == "sha256:" + hashlib.sha256(data).hexdigest()
    assert told["path"] == "a" and told["replaced"] is False and told["warnings"] == []
    assert (told["command"], told["status"], told["exit"]) == ("write", "ok", 0)
    assert (tmp_path / "a").read_bytes() == data


def test_makes_parents(run, tmp_path):
    assert run("write", "x/y/z/a", stdin=b"1").returncode == 0
    assert (tmp_path / "x/y/z/a").read_bytes() == b"1"


def test_if_absent(run, tmp_path):
    assert run("write", "a", "--if-absent", stdin=b"1").returncode == 0
    done = run("write", "a", "--if-absent", "--json", stdin=b"2")
    told = json.loads(done.stdout)
    assert done.returncode == 5 and told["status"] == "exists" and told["exit"] == 5
    assert told["message"].startswith("a exists")
    assert done.stderr.startswith(b"lamella: a exists")
    assert (tmp_path / "a").read_bytes() == b"1" and names(tmp_path) == ["a"]


def test_if_match(run, tmp_path):
    sum_1 = json.loads(run("write", "a", "--json", stdin=b"1").stdout)["checksum"]
    assert run("write", "a", "--if-match", sum_1, stdin=b"2").returncode == 0
    assert run("write", "a", "--if-match", sum_1, stdin=b"3").returncode == 4
    assert (tmp_path / "a").read_bytes() == b"2" and names(tmp_path) == ["a"]
    assert run("write", "a", "--if-match", "md5:00", stdin=b"3").returncode == 2


def test_the_mode_is_kept(run, tmp_path):
    (tmp_path / "a").write_bytes(b"old")
    os.chmod(tmp_path / "a", 0o640)
    assert run("write", "a", stdin=b"new").returncode == 0
    assert stat.S_IMODE(os.stat(tmp_path / "a").st_mode) == 0o640


def test_a_symlink_is_followed_or_replaced(run, tmp_path):
    os.mkdir(tmp_path / "d")
    os.symlink("d/target", tmp_path / "link")
    done = run("write", "link", "--json", stdin=b"1")
    assert json.loads(done.stdout)["path"] == "d/target"
    assert os.path.islink(tmp_path / "link") and (tmp_path / "d/target").read_bytes() == b"1"
    assert run("write", "link", "--no-follow", stdin=b"2").returncode == 0
    assert not os.path.islink(tmp_path / "link") and (tmp_path / "d/target").read_bytes() == b"1"


def test_other_names_of_a_hard_link_keep_the_old_content(run, tmp_path):
    (tmp_path / "a").write_bytes(b"old")
    os.link(tmp_path / "a", tmp_path / "b")
    assert run("write", "a", stdin=b"new").returncode == 0
    assert (tmp_path / "b").read_bytes() == b"old"


def test_what_cannot_be_replaced_is_refused(run, tmp_path):
    os.mkdir(tmp_path / "d")
    os.mkfifo(tmp_path / "p")
    for name, what in (("d", b"a directory"), ("p", b"a FIFO"), ("/dev/null", b"a device"), ("d/", b"name")):
        done = run("write", name, stdin=b"1")
        assert done.returncode == 1 and what in done.stderr, name
    assert names(tmp_path) == ["d", "p"]


def test_a_name_of_255_bytes(run, tmp_path):
    assert run("write", "n" * 255, stdin=b"1").returncode == 0
    done = run("write", "n" * 256, stdin=b"1")
    assert done.returncode == 2 and b"too long" in done.stderr
    assert names(tmp_path) == ["n" * 255]


def test_a_name_that_is_not_utf8(run, tmp_path):
    name = b"\xff\xfe-\xc3\xa9"
    done = run("write", name, "--json", stdin=b"1")
    told = json.loads(done.stdout)
    assert done.returncode == 0 and os.listdir(os.fsencode(tmp_path)) == [name]
    assert told["path"] == "\ufffd\ufffd-é" and bytes.fromhex(told["path_hex"]) == name


@pytest.mark.parametrize("durability", ["full", "file", "none"])
def test_durabilities(run, tmp_path, durability):
    assert run("write", "a", "--durability", durability, stdin=b"1").returncode == 0
    assert (tmp_path / "a").read_bytes() == b"1"


def test_a_read_only_directory(run_without_rights, tmp_path):
    (tmp_path / "a").write_bytes(b"old")
    os.chmod(tmp_path, 0o555)
    try:
        done = run_without_rights("write", "a", stdin=b"new")
    finally:
        os.chmod(tmp_path, 0o755)
    assert done.returncode == 1 and b"ermission" in done.stderr
    assert (tmp_path / "a").read_bytes() == b"old" and names(tmp_path) == ["a"]


def test_standard_input_that_cannot_be_read(lamella, tmp_path):
    import subprocess

    fd = os.open(tmp_path, os.O_RDONLY)  # a directory
    try:
        done = subprocess.run([lamella, "write", "a"], stdin=fd, cwd=tmp_path, capture_output=True)
    finally:
        os.close(fd)
    assert done.returncode == 1 and b"standard input" in done.stderr and names(tmp_path) == []


def test_progress_only_when_asked_or_on_a_terminal(run):
    assert run("write", "a", "--progress", "auto", stdin=b"1" * 1000).stderr == b""


def test_the_progress_line(lamella, tmp_path):
    """On a terminal, only for work longer than a second, and wiped away at the end."""
    import pty
    import subprocess
    import time

    def shown(seconds, *options):
        terminal, stderr = pty.openpty()
        writer = subprocess.Popen([lamella, "write", "a", *options], cwd=tmp_path, stdin=subprocess.PIPE, stderr=stderr)
        os.close(stderr)
        end = time.monotonic() + seconds
        while True:
            writer.stdin.write(b"x" * 100_000)
            writer.stdin.flush()
            if time.monotonic() > end:
                break
            time.sleep(0.05)
        writer.stdin.close()
        assert writer.wait() == 0
        text = b""
        try:
            while piece := os.read(terminal, 4096):
                text += piece
        except OSError:  # the other side is closed
            pass
        os.close(terminal)
        return text

    line = shown(1.6)
    assert line.startswith(b"\rreading ") and b"MB, " in line and b"B/s\x1b[K" in line and line.endswith(b"\r\x1b[K")
    assert shown(1.6, "--progress", "never") == b""
    assert shown(0) == b""
