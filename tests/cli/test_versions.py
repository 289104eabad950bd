"""lamella publish-dir --versioned and resolve: each publication a version, the newest one what readers get."""
import json
import os

import pytest


def stage(path, rows, name="part.csv"):
    path.mkdir(parents=True)
    (path / name).write_text("a,b\n" + "".join(f"{i},x\n" for i in range(rows)))


def publish(run, staged, prefix, *words):
    done = run("publish-dir", staged, prefix, "--versioned", "--json", *words)
    return done.returncode, json.loads(done.stdout)


def test_readers_follow_to_the_newest(run, tmp_path):
    for number, rows in enumerate([2, 5, 3]):
        stage(tmp_path / "s", rows, f"part-{number}.csv")
        status, told = publish(run, "s", "out", "--run-id", f"run {number}")
        assert status == 0 and told["number"] == number and told["files"] == 1 and not (tmp_path / "s").exists()
        assert run("count", "out").stdout.decode() == f"{rows}\n"
        assert run("resolve", "out/").stdout.decode() == f"out/_runs/run {number}\n"
    assert run("cat", "out").stdout.decode().startswith('{"a":0,"b":"x"}\n')
    assert run("count", "out", "--version", "1").stdout.decode() == "5\n"
    verified = run("verify", "out", "--contents", "always")
    assert verified.returncode == 0 and verified.stdout.split(None, 1) == [b"ok", run("resolve", "out").stdout]
    assert json.loads((tmp_path / "out/latest").read_text())["path"] == "_runs/run 2"
    assert run("resolve", "out", "--number", "1").stdout.decode() == "out/_runs/run 1\n"
    assert run("resolve", "out", "--run-id", "run 0").stdout.decode() == "out/_runs/run 0\n"
    assert run("resolve", "out", "--number", "3").returncode == 9
    assert [line.split()[0] for line in run("resolve", "out", "--list").stdout.decode().splitlines()] == ["2", "1", "0"]


def test_few_are_kept(run, tmp_path):
    for number in range(5):
        stage(tmp_path / "s", 1)
        status, told = publish(run, "s", "out", "--keep", "2", "--run-id", str(number), "--manifest", "team=a")
        assert status == 0 and told["removed"] == (number > 1)
    assert sorted(os.listdir(tmp_path / "out/_runs")) == ["3", "4", "_log"]
    versions = json.loads(run("resolve", "out", "--list", "--json").stdout)["versions"]
    assert [(v["run_id"], v["is_there"]) for v in versions] == [(str(n), n > 2) for n in range(4, -1, -1)]
    assert run("resolve", "out", "--number", "0").returncode == 9
    assert json.loads((tmp_path / "out/_runs/4/_manifest.json").read_text())["user"] == {"team": "a"}


def test_what_is_refused_leaves_everything(run, tmp_path):
    stage(tmp_path / "s", 1)
    assert publish(run, "s", "out", "--run-id", "a")[0] == 0
    stage(tmp_path / "s", 2)
    assert publish(run, "s", "out", "--run-id", "a")[0] == 5
    assert publish(run, "s", "out", "--run-id", "a/b")[0] == 2
    assert publish(run, "s", "out", "--if-absent")[0] == 2
    assert run("publish-dir", "s", "other", "--keep", "2").returncode == 2
    assert run("resolve", "nowhere").returncode == 9
    assert run("resolve", "s").returncode == 9
    assert run("count", "out").stdout.decode() == "1\n" and (tmp_path / "s/part.csv").exists()


def test_a_version_that_was_changed_is_told(run, tmp_path):
    stage(tmp_path / "s", 3)
    publish(run, "s", "out", "--run-id", "a")
    manifest = tmp_path / "out/_runs/a/_manifest.json"
    text = manifest.read_text()
    manifest.write_text(text.replace('"file_count": 1', '"file_count": 2'))
    done = run("verify", "out")
    assert done.returncode == 3 and "is not the manifest that was published" in done.stderr.decode()
    manifest.write_text(text)
    assert run("verify", "out").returncode == 0
    (tmp_path / "out/_runs/a/part.csv").write_text("a,b\n")
    assert run("verify", "out").returncode in (3, 8)


@pytest.mark.parametrize("latest", ["", "{", '{"lamella_latest": 1, "version": 77}', None])
def test_the_pointer_is_only_a_hint(run, tmp_path, latest):
    for rows in (1, 2):
        stage(tmp_path / "s", rows)
        publish(run, "s", "out")
    (tmp_path / "out/latest").unlink()
    if latest is not None:
        (tmp_path / "out/latest").write_text(latest)
    assert run("count", "out").stdout.decode() == "2\n"
    stage(tmp_path / "s", 3)
    assert publish(run, "s", "out")[1]["number"] == 2
    assert json.loads((tmp_path / "out/latest").read_text())["version"] == 2
