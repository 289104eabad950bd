"""lamella publish-dir: a staged directory becomes DST, whole or not at all."""
import hashlib
import json
import os
import shutil
import stat

import pytest


def stage(path, text="new", files=("a", "sub/b", "sub/deep/c")):
    for name in files:
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_text(text)
    return path


def texts(path):
    return sorted({file.read_text() for file in path.rglob("*") if file.is_file() and file.name != "_manifest.json"})


def publish(run, *words):
    done = run("publish-dir", *words, "--json")
    return done.returncode, json.loads(done.stdout)


def test_put_and_exchanged(run, tmp_path):
    stage(tmp_path / "s", "1")
    assert publish(run, "s", "d") == (
        0,
        {"command": "publish-dir", "path": "d", "replaced": False, "old_left": False, "status": "ok", "exit": 0},
    )
    stage(tmp_path / "s", "2", ["x", "y/z"])
    status, told = publish(run, "s/", "d/")
    assert status == 0 and told["replaced"] is True and told["old_left"] is False
    assert texts(tmp_path / "d") == ["2"] and sorted(os.listdir(tmp_path / "d")) == ["x", "y"]
    assert os.listdir(tmp_path) == ["d"]


def test_makes_parents_and_takes_absolute_paths(run, tmp_path):
    stage(tmp_path / "x/s")
    assert publish(run, str(tmp_path / "x/s"), str(tmp_path / "y/z/d"))[0] == 0
    stage(tmp_path / "x/s", "2")
    assert publish(run, str(tmp_path / "x/s"), "y/z/d")[0] == 0
    assert texts(tmp_path / "y/z/d") == ["2"] and os.listdir(tmp_path / "x") == []


def test_if_absent(run, tmp_path):
    stage(tmp_path / "s")
    stage(tmp_path / "d", "old")
    status, told = publish(run, "s", "d", "--if-absent")
    assert status == 5 and told["status"] == "exists"
    assert texts(tmp_path / "d") == ["old"] and texts(tmp_path / "s") == ["new"]
    assert publish(run, "s", "e", "--if-absent")[0] == 0


def test_what_a_manifest_tells(run, tmp_path):
    stage(tmp_path / "s")
    os.symlink("a", tmp_path / "s/link")
    status, told = publish(run, "s", "d", "--manifest", "k=v", "--run-id", "r")
    assert status == 0 and told["files"] == 4 and told["bytes"] == 9
    manifest = json.loads((tmp_path / "d/_manifest.json").read_bytes())
    sha = "sha256:" + hashlib.sha256(b"new").hexdigest()
    assert manifest.pop("created_at") and manifest.pop("lamella_version")
    assert manifest == {
        "lamella_manifest": 1,
        "run_id": "r",
        "user": {"k": "v"},
        "file_count": 4,
        "bytes": 9,
        "files": [
            {"path": "a", "bytes": 3, "checksum": sha},
            {"path": "link", "symlink": "a"},
            {"path": "sub/b", "bytes": 3, "checksum": sha},
            {"path": "sub/deep/c", "bytes": 3, "checksum": sha},
        ],
    }


def test_verify(run, tmp_path):
    def verdicts(*options):
        done = run("verify", "d", "--json", *options)
        told = json.loads(done.stdout)["results"][0]
        return done.returncode, told["verdict"], {file["path"]: file["verdict"] for file in told.get("files", [])}

    names = [f"f{i:03}" for i in range(100)]
    stage(tmp_path / "s", "text", names)
    os.symlink("f000", tmp_path / "s/link")
    publish(run, "s", "d", "--manifest", "--checksum=crc32c")
    status, verdict, files = verdicts()
    assert (status, verdict) == (0, "ok") and list(files) == [*names, "link"] and set(files.values()) == {"ok"}

    (tmp_path / "d/more").write_text("x")
    status, verdict, files = verdicts()
    assert (status, verdict) == (8, "stale") and files["more"] == "extra"
    assert verdicts("--extra-ok")[:2] == (0, "ok")
    (tmp_path / "d/more").unlink()

    (tmp_path / "d/f001").unlink()
    status, verdict, files = verdicts()
    assert (status, verdict) == (9, "missing") and files["f001"] == "missing"

    (tmp_path / "d/f002").write_text("tex")
    (tmp_path / "d/f003").write_text("texx")
    (tmp_path / "d/f004").unlink()
    (tmp_path / "d/f004").mkdir()
    (tmp_path / "d/link").unlink()
    os.symlink("f001", tmp_path / "d/link")
    status, verdict, files = verdicts()
    assert (status, verdict) == (3, "corrupt")
    assert {path: said for path, said in files.items() if said != "ok"} == {
        "f001": "missing",
        "f002": "corrupt",
        "f003": "corrupt",
        "f004": "missing",
        "link": "corrupt",
    }
    (tmp_path / "d/_manifest.json").unlink()
    assert verdicts()[:2] == (9, "manifest_missing")
    for text in ("", "[]", '{"lamella_manifest": 1}', '{"lamella_manifest": 1, "files": [{}]}'):
        (tmp_path / "d/_manifest.json").write_text(text)
        assert verdicts()[:2] == (3, "corrupt")


def test_a_manifest_that_names_a_file_twice(run, tmp_path):
    stage(tmp_path / "s", files=["a"])
    publish(run, "s", "d", "--manifest")
    path = tmp_path / "d/_manifest.json"
    manifest = json.loads(path.read_bytes())
    manifest["files"] *= 2
    path.write_text(json.dumps(manifest))
    assert run("verify", "d").returncode == 3


def test_names_that_are_not_utf8(run, tmp_path):
    staged = os.fsencode(tmp_path) + b"/\xff"
    os.mkdir(staged)
    with open(staged + b"/\xfe", "wb") as file:
        file.write(b"1")
    os.symlink(b"\xfe", staged + b"/\xfd")
    done = run("publish-dir", staged, b"\xfc", "--manifest", "--json")
    assert done.returncode == 0 and json.loads(done.stdout)["path_hex"] == "fc"
    files = json.loads(open(os.fsencode(tmp_path) + b"/\xfc/_manifest.json", "rb").read())["files"]
    assert files[0]["path_hex"] == "fd" and files[0]["symlink_hex"] == "fe" and files[1]["path_hex"] == "fe"
    assert run("verify", b"\xfc").returncode == 0


def test_a_manifest_is_written_anew(run, tmp_path):
    stage(tmp_path / "s", "1")
    publish(run, "s", "d", "--manifest")
    shutil.copytree(tmp_path / "d", tmp_path / "s")
    (tmp_path / "s/more").write_text("2")
    assert publish(run, "s", "d", "--manifest")[1]["files"] == 4
    assert run("verify", "d").returncode == 0


def test_what_cannot_be_published_is_refused(run, tmp_path):
    stage(tmp_path / "s")
    stage(tmp_path / "d", "old")
    (tmp_path / "file").write_text("x")
    os.symlink("d", tmp_path / "link")
    os.symlink("s", tmp_path / "staged-link")
    for staged, path, status, what in [
        ("s", "file", 1, b"not a directory"),
        ("s", "link", 1, b"a symlink"),
        ("s", "link/", 1, b"a symlink"),
        ("file", "d", 1, b"not a directory"),
        ("staged-link", "d", 1, b"not a directory"),
        ("nothing", "d", 9, b"nothing"),
        ("s", "s", 2, b"same directory"),
        ("s", "s/sub/x", 2, b"one in the other"),
        ("s/sub", "s", 2, b"one in the other"),
        ("s", ".", 1, b""),
    ]:
        done = run("publish-dir", staged, path)
        assert (done.returncode, what in done.stderr) == (status, True), (staged, path, done.stderr)
    os.mkfifo(tmp_path / "s/pipe")
    for options in ([], ["--manifest"]):
        done = run("publish-dir", "s", "d", *options)
        assert done.returncode == 1 and b"pipe" in done.stderr
    assert texts(tmp_path / "d") == ["old"]
    assert sorted(os.listdir(tmp_path)) == ["d", "file", "link", "s", "staged-link"]


def test_another_file_system_is_refused_with_the_remedy(run, tmp_path):
    if not os.path.isdir("/dev/shm") or os.stat("/dev/shm").st_dev == os.stat(tmp_path).st_dev:
        pytest.skip("no second file system")
    stage(tmp_path / "d", "old")
    import tempfile

    with tempfile.TemporaryDirectory(dir="/dev/shm") as other:
        (stage_at := tmp_path.__class__(other) / "s").mkdir()
        stage(stage_at)
        for path in ("d", "fresh"):
            done = run("publish-dir", str(stage_at), path)
            assert done.returncode == 1 and b"beside the destination" in done.stderr
        assert texts(stage_at) == ["new"]
    assert texts(tmp_path / "d") == ["old"]


@pytest.mark.parametrize("durability", ["full", "file", "none"])
def test_durabilities(run, tmp_path, durability):
    for text in "12":
        stage(tmp_path / "s", text)
        assert publish(run, "s", "d", "--durability", durability)[0] == 0
    assert texts(tmp_path / "d") == ["2"] and os.listdir(tmp_path) == ["d"]


def test_many_files(run, tmp_path):
    for text in "12":
        stage(tmp_path / "s", text, [f"d{i % 7}/e{i % 3}/f{i}" for i in range(500)])
        assert publish(run, "s", "d", "--manifest")[1]["files"] == 500
    assert run("verify", "d").returncode == 0 and texts(tmp_path / "d") == ["2"]


def test_an_old_tree_that_cannot_be_removed_is_left_for_gc(run_without_rights, run, tmp_path):
    if os.geteuid() == 0 and not shutil.which("setpriv"):
        pytest.skip("no setpriv")
    stage(tmp_path / "d", "old")
    os.chmod(tmp_path / "d/sub", 0o555)
    stage(tmp_path / "s", "new")
    done = run_without_rights("publish-dir", "s", "d", "--json")
    told = json.loads(done.stdout)
    assert done.returncode == 0 and told["old_left"] is True and b"lamella gc" in done.stderr
    assert texts(tmp_path / "d") == ["new"]
    (left,) = set(os.listdir(tmp_path)) - {"d"}
    assert left.endswith(".tree")
    os.chmod(tmp_path / left / "sub", 0o755)
    assert run("gc", ".").returncode == 0 and os.listdir(tmp_path) == ["d"]


def test_the_staged_mode_is_the_new_one(run, tmp_path):
    stage(tmp_path / "s")
    os.chmod(tmp_path / "s", 0o750)
    publish(run, "s", "d")
    assert stat.S_IMODE(os.stat(tmp_path / "d").st_mode) == 0o750


def test_many_publishers_at_once(lamella, tmp_path):
    """One comes after the other; whoever looks by one descriptor sees one of them, whole."""
    import multiprocessing
    import subprocess

    target, files = tmp_path / "d", [f"f{i}" for i in range(20)]
    stage(target, "0", files)
    fork = multiprocessing.get_context("fork")
    over, bad = fork.Event(), fork.Value("i", 0)

    def look():
        while not over.is_set():
            top = os.open(target, os.O_RDONLY)
            seen = set()
            try:
                for name in files:
                    fd = os.open(name, os.O_RDONLY, dir_fd=top)
                    seen.add(os.read(fd, 100))
                    os.close(fd)
            except FileNotFoundError:  # exchanged and removed while we looked
                continue
            finally:
                os.close(top)
            if len(seen) != 1:
                bad.value += 1
                print("seen together:", seen, flush=True)

    def publish(number):
        for i in range(10):
            staged = stage(tmp_path / f"s{number}", f"{number}-{i}", files)
            words = ["publish-dir", staged, target, "--durability", "none"]
            done = subprocess.run([lamella, *words], capture_output=True)
            if done.returncode != 0 or staged.exists():
                bad.value += 1
                print(done, staged.exists(), flush=True)

    readers = [fork.Process(target=look) for _ in range(2)]
    writers = [fork.Process(target=publish, args=(i,)) for i in range(6)]
    for process in readers + writers:
        process.start()
    for process in writers:
        process.join()
    over.set()
    for process in readers:
        process.join()
    assert bad.value == 0 and {process.exitcode for process in readers + writers} == {0}
    assert os.listdir(tmp_path) == ["d"] and len(texts(target)) == 1


def test_of_many_only_one_where_nothing_is(lamella, tmp_path):
    import subprocess

    for round in range(10):
        staged = [stage(tmp_path / f"s{i}", str(i)) for i in range(6)]
        running = [
            subprocess.Popen([lamella, "publish-dir", path, tmp_path / "d", "--if-absent"], stderr=subprocess.DEVNULL)
            for path in staged
        ]
        statuses = sorted(process.wait() for process in running)
        assert statuses == [0] + [5] * 5
        (winner,) = texts(tmp_path / "d")
        assert [path.exists() for path in staged] == [str(i) != winner for i in range(6)]
        for path in [*staged, tmp_path / "d"]:
            shutil.rmtree(path, ignore_errors=True)
