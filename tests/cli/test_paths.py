"""lamella ls, stat, cp and rm on files; URLs and --storage where the command takes paths."""
import json
import os

import pytest

TEMP = ".lamella-" + "0" * 32 + ".tmp"


@pytest.fixture
def tree(tmp_path):
    (tmp_path / "d/sub").mkdir(parents=True)
    (tmp_path / "d/part-10").write_bytes(b"ten")
    (tmp_path / "d/part-9").write_bytes(b"nine")
    (tmp_path / "d/sub/a b").write_bytes(b"")
    (tmp_path / "d" / TEMP).write_bytes(b"staged")
    return tmp_path / "d"


def told(done):
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def lines(done):
    assert done.returncode == 0, done.stderr
    return done.stdout.decode().splitlines()


def content(place):
    return {str(file.relative_to(place)): file.read_bytes() for file in place.rglob("*") if file.is_file()}


def test_ls_tells_whole_paths(run, tree):
    assert lines(run("ls", "d")) == ["d/part-9", "d/part-10", "d/sub/"]
    assert lines(run("ls", "d/", "--recursive")) == ["d/part-9", "d/part-10", "d/sub/", "d/sub/a b"]
    assert lines(run("ls", "d/part-9", "d/sub")) == ["d/part-9", "d/sub/a b"]
    assert lines(run("ls", "d/part-*")) == ["d/part-9", "d/part-10"]
    long = [line.split() for line in lines(run("ls", "-l", "d"))]
    assert long[0][:2] == ["file", "4"] and long[0][3] == "d/part-9" and long[2][0] == "directory"
    assert lines(run("ls", "--long", "d")) == lines(run("ls", "-l", "d"))


def test_ls_as_json(run, tree):
    entries = told(run("ls", "d", "--recursive", "--json"))["entries"]
    assert [entry["path"] for entry in entries] == ["d/part-9", "d/part-10", "d/sub", "d/sub/a b"]
    assert entries[1]["bytes"] == 3 and entries[1]["mtime_ns"] == os.stat(tree / "part-10").st_mtime_ns
    assert entries[2]["kind"] == "directory" and "bytes" not in entries[2]


def test_ls_of_what_is_not_there(run, tree):
    done = run("ls", "none", "d/sub")
    assert done.returncode == 9 and b"none" in done.stderr
    assert done.stdout == b"d/sub/a b\n"
    assert run("ls").returncode == 2


def test_stat(run, tree):
    found = told(run("stat", "d/part-10", "--json"))
    assert (found["kind"], found["bytes"]) == ("file", 3)
    assert found["modified"].startswith("20") and found["version"]
    (tree / "part-10").write_bytes(b"new one")
    assert told(run("stat", "d/part-10", "--json"))["version"] != found["version"]
    assert "directory" in run("stat", "d").stdout.decode()
    assert run("stat", "none").returncode == 9


def test_cp_publishes_a_file(run, tree, tmp_path):
    done = told(run("cp", "d/part-9", "x/y/new", "--json"))
    assert done["bytes"] == 4 and done["checksum"].startswith("crc32c:") and not done["replaced"]
    assert (tmp_path / "x/y/new").read_bytes() == b"nine"
    assert run("cp", "d/part-10", "x/y/new", "--if-absent").returncode == 5
    assert told(run("cp", "d/part-10", "x/y/", "--check", "--json"))["path"] == "x/y/part-10"
    assert run("cp", "d/part-10", "x/y/new", "--checksum", "none", "--keep", "1").returncode == 0
    assert run("undo", "x/y/new").returncode == 0
    assert (tmp_path / "x/y/new").read_bytes() == b"nine"
    assert run("cp", "d/part-9", "m", "--manifest", "a=1").returncode == 0
    assert run("verify", "m").returncode == 0
    assert run("cp", "none", "m").returncode == 9
    assert run("cp", "d", "m").returncode == 1
    assert run("cp", "d/part-9").returncode == 2


def test_cp_of_a_directory(run, tree, tmp_path):
    want = {"part-9": b"nine", "part-10": b"ten", "sub/a b": b""}
    assert told(run("cp", "d", "e", "--recursive", "--json"))["files"] == 3
    assert content(tmp_path / "e") == want
    (tmp_path / "e/stray").write_bytes(b"")
    assert told(run("cp", "d/", "e", "--recursive", "--manifest", "--json"))["replaced"]
    assert set(content(tmp_path / "e")) == {*want, "_manifest.json"}
    assert run("verify", "e").returncode == 0
    assert run("cp", "d", "e", "--recursive", "--if-absent").returncode == 5
    assert run("cp", "d", "e/part-9", "--recursive").returncode == 1
    os.mkdir(tmp_path / "nothing")
    assert run("cp", "nothing", "f", "--recursive").returncode == 9
    assert sorted(os.listdir(tmp_path)) == ["d", "e", "nothing"]


def test_a_large_copy_is_the_same(run, tmp_path):
    data = os.urandom(1 << 20) * 5 + b"end"
    (tmp_path / "large").write_bytes(data)
    for how in ([], ["--checksum", "none"], ["--checksum", "sha256", "--check"]):
        assert run("cp", "large", "copy", *how).returncode == 0
        assert (tmp_path / "copy").read_bytes() == data


def test_rm(run, tree, tmp_path):
    assert told(run("rm", "d/part-9", "--json"))["removed"] == [{"path": "d/part-9"}]
    assert run("rm", "d").returncode == 1 and (tree / "part-10").exists()
    done = run("rm", "none", "d/part-10")
    assert done.returncode == 9 and not (tree / "part-10").exists()
    os.symlink("d", tmp_path / "link")
    assert run("rm", "--recursive", "link/").returncode == 0 and tree.exists()
    assert run("rm", "--recursive", "d").returncode == 0
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("path", ["/", "//", ".", "..", "file:///", "../" * 40])
def test_rm_never_removes_a_root(run, tmp_path, path):
    (tmp_path / "a").write_bytes(b"")
    assert run("rm", "--recursive", path).returncode == 2
    assert (tmp_path / "a").exists()


def test_file_urls_are_paths(run, tmp_path):
    url = tmp_path.as_uri().replace("%20", " ") + "/a b.jsonl"
    assert run("write", url, stdin=b'{"a":1}\n').returncode == 0
    assert (tmp_path / "a b.jsonl").exists()
    assert run("count", url).stdout == b"1\n"
    assert run("put", url, tmp_path.as_uri() + "/b.parquet").returncode == 0
    assert lines(run("ls", tmp_path.as_uri())) == [f"{tmp_path}/a b.jsonl", f"{tmp_path}/b.parquet"]
    assert run("inspect", f"file:{tmp_path}/b.parquet").returncode == 0
    assert run("write", "file://elsewhere/a", stdin=b"").returncode == 2


@pytest.mark.parametrize(
    "words",
    [("write",), ("cat",), ("count",), ("head",), ("schema",), ("inspect",), ("verify",), ("gc",), ("ls",), ("stat",),
     ("rm",), ("cp", "a"), ("put", "a.jsonl"), ("diff", "a.jsonl"), ("publish-dir", "a"), ("undo",),
     ("schema", "--format", "parquet"), ("cat", "--format", "canonical")],
)
def test_an_unknown_scheme_is_refused_by_name(run, tmp_path, words):
    (tmp_path / "a.jsonl").write_bytes(b'{"a":1}\n')
    (tmp_path / "a").write_bytes(b"")
    done = run(*words, "gopher://host/x.parquet")
    assert done.returncode in (1, 2) and b"gopher://" in done.stderr
    assert sorted(os.listdir(tmp_path)) == ["a", "a.jsonl"]


def test_guard_is_for_files_of_this_system(run):
    done = run("guard", "gopher://host/x", "--", "true")
    assert done.returncode == 1 and b"cp" in done.stderr


def test_storage_takes_pairs(run):
    assert run("ls", ".", "--storage", "user=a", "--storage=token=b=c", "--trace").returncode == 0
    for wrong in ("user", "=a"):
        done = run("ls", ".", "--storage", wrong)
        assert done.returncode == 2 and b"KEY=VALUE" in done.stderr
