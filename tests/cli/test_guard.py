"""lamella guard: any program writes to {}, and what it wrote is published if it ends well."""
import json
import os
import signal
import subprocess
import time

import pytest


def sh(script):
    """A command that runs `script` with {} as $1."""
    return ["--", "sh", "-c", script, "sh", "{}"]


def names(path):
    return sorted(os.listdir(path))


def test_publishes_what_a_program_wrote(run, tmp_path):
    done = run("guard", "out.csv.gz", "--json", *sh('printf data > "$1"; basename "$1"'))
    first, _, rest = done.stdout.partition(b"\n")
    told = json.loads(rest)
    assert done.returncode == 0 and first == b"out.csv.gz"
    assert (told["program_exit"], told["bytes"], told["path"], told["status"]) == (0, 4, "out.csv.gz", "ok")
    assert (tmp_path / "out.csv.gz").read_bytes() == b"data" and names(tmp_path) == ["out.csv.gz"]


def test_nothing_is_published_when_it_fails(run, tmp_path):
    (tmp_path / "a").write_text("old")
    for status in (1, 2, 77, 255):
        done = run("guard", "a", "--json", *sh(f'echo half > "$1"; exit {status}'))
        assert done.returncode == status and json.loads(done.stdout)["program_exit"] == status
    done = run("guard", "a", *sh('echo half > "$1"; kill -9 $$'))
    assert done.returncode == 128 + 9
    assert (tmp_path / "a").read_text() == "old" and names(tmp_path) == ["a"]


def test_programs_that_cannot_be_run(run, tmp_path):
    assert run("guard", "a", "--", "no-such-program-anywhere", "{}").returncode == 127
    (tmp_path / "plain").write_text("x")
    assert run("guard", "a", "--", "./plain", "{}").returncode == 126
    assert names(tmp_path) == ["plain"]


def test_wrong_command_lines(run, tmp_path):
    assert run("guard", "a").returncode == 2
    assert run("guard", "a", "--").returncode == 2
    done = run("guard", "a", "--", "true")
    assert done.returncode == 2 and b"{}" in done.stderr
    assert names(tmp_path) == []


def test_every_mark_is_replaced(run, tmp_path):
    done = run("guard", "a", "--", "sh", "-c", 'echo "$@"; echo x > {}', "sh", "--out={}", "{}{}", "{", "}")
    words = done.stdout.decode().split()
    path = words[0].removeprefix("--out=")
    assert words == [f"--out={path}", path * 2, "{", "}"] and os.path.basename(path) == "a" and path[0] == "/"


def test_a_program_that_replaces_its_own_file(run, tmp_path):
    done = run("guard", "a", *sh('echo 1 > "$1.tmp" && mv "$1.tmp" "$1" && echo junk > "$1.log"'))
    assert done.returncode == 0 and (tmp_path / "a").read_text() == "1\n" and names(tmp_path) == ["a"]


def test_a_program_that_works_elsewhere(run, tmp_path):
    os.mkdir(tmp_path / "x")
    assert run("guard", "x/a", *sh('cd / && echo 1 > "$1"')).returncode == 0
    assert (tmp_path / "x/a").read_text() == "1\n" and names(tmp_path / "x") == ["a"]


def test_directories(run, tmp_path):
    for i in (1, 2):
        done = run("guard", "d", "--manifest", "--json", *sh(f'mkdir "$1" && echo {i} > "$1/f{i}"'))
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["replaced"] is (i == 2)
    assert names(tmp_path / "d") == ["_manifest.json", "f2"] and names(tmp_path) == ["d"]
    assert run("verify", "d").returncode == 0
    assert run("guard", "d", "--keep", "1", *sh('mkdir "$1"')).returncode == 2
    assert run("guard", "d", *sh('echo x > "$1"')).returncode == 1
    assert names(tmp_path / "d") == ["_manifest.json", "f2"] and names(tmp_path) == ["d"]


def test_what_is_no_file_is_refused(run, tmp_path):
    done = run("guard", "a", "--", "true", "{}")
    assert done.returncode == 9 and b"wrote nothing" in done.stderr
    assert run("guard", "a", *sh('ln -s /etc/passwd "$1"')).returncode == 1
    assert run("guard", "a", *sh('mkfifo "$1"')).returncode == 1
    assert names(tmp_path) == []


def test_options_of_write(run, tmp_path):
    (tmp_path / "a").write_text("old")
    os.chmod(tmp_path / "a", 0o640)
    assert run("guard", "a", "--if-absent", *sh('echo x > "$1"')).returncode == 5
    assert run("guard", "a", "--if-match", "crc32c:00000000", *sh('echo x > "$1"')).returncode == 4
    done = run("guard", "a", "--keep", "2", "--manifest", "k=v", "--checksum=sha256", *sh('echo new > "$1"'))
    assert done.returncode == 0
    assert (tmp_path / "a").read_text() == "new\n" and os.stat(tmp_path / "a").st_mode & 0o777 == 0o640
    assert run("verify", "a").returncode == 0
    assert run("undo", "a").returncode == 0 and (tmp_path / "a").read_text() == "old"


def test_through_a_symlink(run, tmp_path):
    os.mkdir(tmp_path / "d")
    os.symlink("d/a", tmp_path / "link")
    assert run("guard", "link", *sh('echo 1 > "$1"')).returncode == 0
    assert os.path.islink(tmp_path / "link") and (tmp_path / "d/a").read_text() == "1\n"
    assert run("guard", "link", "--no-follow", *sh('echo 2 > "$1"')).returncode == 0
    assert not os.path.islink(tmp_path / "link") and names(tmp_path / "d") == ["a"]


def test_standard_streams_are_the_programs(run, tmp_path):
    done = run("guard", "a", *sh('cat > "$1"; echo out; echo err >&2'), stdin=b"in")
    assert (done.stdout, done.stderr) == (b"out\n", b"err\n") and (tmp_path / "a").read_bytes() == b"in"


def test_the_program_gets_signals_as_usual(run):
    def ignored(*command):
        done = run(*command) if command[0] == "guard" else subprocess.run(command, capture_output=True)
        return int(done.stdout.split()[1], 16) & 0x7FFFFFFF  # the C library has its own ways with 32 and 33

    ask = ["sh", "-c", "grep SigIgn /proc/self/status; : > $1", "sh"]
    assert ignored("guard", "a", "--", *ask, "{}") == ignored(*ask, os.devnull)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_are_handed_on(lamella, tmp_path, number):
    (tmp_path / "a").write_text("old")
    script = 'trap "echo told > told; exit 0" INT TERM; echo half > "$1"; touch ready; while :; do sleep 0.05; done'
    guard = subprocess.Popen(
        [lamella, "guard", "a", *sh(script)],
        cwd=tmp_path,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        stderr=subprocess.PIPE,
    )
    while not (tmp_path / "ready").exists():
        time.sleep(0.01)
    guard.send_signal(number)
    assert guard.wait(10) == 130 and b"interrupted" in guard.stderr.read()
    assert (tmp_path / "a").read_text() == "old" and names(tmp_path) == ["a", "ready", "told"]


def test_a_killed_guard_leaves_what_gc_removes(lamella, run, tmp_path):
    guard = subprocess.Popen([lamella, "guard", "a", *sh('echo half > "$1"; touch ready; sleep 60')], cwd=tmp_path)
    while not (tmp_path / "ready").exists():
        time.sleep(0.01)
    assert json.loads(run("gc", ".", "--json").stdout)["live"] == 1
    child = int(subprocess.run(["pgrep", "-P", str(guard.pid)], capture_output=True).stdout.split()[0])
    guard.kill()
    guard.wait()
    os.kill(child, signal.SIGKILL)
    assert json.loads(run("gc", ".", "--json").stdout)["removed"] == 1
    assert names(tmp_path) == ["ready"]
