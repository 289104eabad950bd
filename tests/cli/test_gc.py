"""lamella gc: what dead writers left is removed, what a living one has is not."""
import fcntl
import json
import os
import subprocess
import time

DEAD = ".lamella-" + "0" * 32 + ".tmp"


def gc(run, *words):
    done = run("gc", *words, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_removes_the_dead(run, tmp_path):
    (tmp_path / DEAD).write_bytes(b"123")
    told = gc(run, ".")
    assert told["removed"] == 1 and told["found"][0]["path"] == "./" + DEAD
    assert told["found"][0]["what"] == "file" and told["found"][0]["bytes"] == 3
    assert os.listdir(tmp_path) == []


def test_a_dry_run_removes_nothing(run, tmp_path):
    (tmp_path / DEAD).write_bytes(b"")
    told = gc(run, ".", "--dry-run")
    assert told["would_remove"] == 1 and told["found"][0]["done"] == "would_remove"
    assert os.listdir(tmp_path) == [DEAD]


def test_a_lock_is_respected(run, tmp_path):
    with open(tmp_path / DEAD, "wb") as file:
        os.utime(tmp_path / DEAD, (0, 0))
        fcntl.flock(file, fcntl.LOCK_EX)
        told = gc(run, ".")
        assert told["live"] == 1 and told["removed"] == 0
    assert gc(run, ".")["removed"] == 1


def test_other_names_are_left_alone(run, tmp_path):
    others = [".lamella-x.tmp", "lamella-" + "0" * 32 + ".tmp", DEAD + "x", ".lamella-" + "G" * 32 + ".tmp", "a"]
    for name in others:
        (tmp_path / name).write_bytes(b"")
    os.symlink("a", tmp_path / DEAD)
    gc(run, ".")
    assert sorted(os.listdir(tmp_path)) == sorted([*others, DEAD])


def test_older_than(run, tmp_path):
    (tmp_path / DEAD).write_bytes(b"")
    assert gc(run, ".", "--older-than", "1h")["spared"] == 1
    os.utime(tmp_path / DEAD, (time.time() - 7200,) * 2)
    assert gc(run, ".", "--older-than=1h")["removed"] == 1
    assert run("gc", ".", "--older-than", "soon").returncode == 2


def test_recursive(run, tmp_path):
    os.makedirs(tmp_path / "x/y")
    (tmp_path / "x/y" / DEAD).write_bytes(b"")
    assert gc(run, ".")["removed"] == 0
    assert gc(run, ".", "--recursive")["removed"] == 1


def test_dead_trees(run, tmp_path):
    tree = tmp_path / (".lamella-" + "1" * 32 + ".tree")
    os.makedirs(tree / "a/b")
    (tree / "a/b/c").write_bytes(b"1")
    os.symlink("/", tree / "a/root")
    told = gc(run, ".")
    assert told["found"][0]["what"] == "directory" and os.listdir(tmp_path) == []


def test_a_living_writer(run, lamella, tmp_path):
    """The writer blocks in the middle; its temporary file, if it has a name, survives gc."""
    writer = subprocess.Popen([lamella, "write", "a"], stdin=subprocess.PIPE, cwd=tmp_path)
    writer.stdin.write(b"x" * 10_000_000)
    writer.stdin.flush()
    assert gc(run, ".", "--recursive")["removed"] == 0
    writer.stdin.close()
    assert writer.wait() == 0 and (tmp_path / "a").stat().st_size == 10_000_000


def test_a_directory_that_is_not_there(run):
    assert run("gc", "nowhere").returncode == 9
