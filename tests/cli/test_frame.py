"""The frame of the command: flags, help, usage errors, documentation."""
import json
import pathlib

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
COMMANDS = ["write", "publish-dir", "guard", "undo", "verify", "gc", "version", "help"]


def test_help_names_every_command(run):
    done = run("--help")
    assert done.returncode == 0 and done.stderr == b""
    for name in COMMANDS:
        assert f"\n  {name} ".encode() in done.stdout


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_helps(run, name):
    done = run(name, "--help")
    assert done.returncode == 0
    assert done.stdout.startswith(f"Usage: lamella {name}".encode())
    assert b"--json" in done.stdout
    assert run("help", name).stdout == done.stdout
    assert run(name, "-h").stdout == done.stdout


def test_version(run):
    assert run("version").stdout == run("--version").stdout
    told = json.loads(run("version", "--json").stdout)
    assert told["status"] == "ok" and told["exit"] == 0
    assert run("version").stdout.decode() == f"lamella {told['version']}\n"


def test_no_command_and_unknown_command(run):
    assert run().returncode == 2
    done = run("wriet")
    assert done.returncode == 2
    assert done.stderr.startswith(b"lamella: there is no command 'wriet'\n")


def test_every_mistake_is_told(run):
    done = run("write", "--foo", "--durability=x", "--keep", "many", "--json=1", "a", "b", "--run-id")
    assert done.returncode == 2 and done.stdout == b""
    lines = done.stderr.decode().splitlines()
    assert lines == [
        "lamella: write has no option '--foo'",
        "lamella: --durability is one of full, file, none, not 'x'",
        "lamella: --keep takes a whole number, not 'many'",
        "lamella: --json takes no value",
        "lamella: --run-id needs ID",
        "lamella: write has no use for 'b'",
        "lamella: see `lamella write --help`",
    ]


def test_missing_word(run):
    done = run("write")
    assert done.returncode == 2 and b"write needs DST" in done.stderr


def test_flags_that_exclude_each_other(run):
    done = run("write", "--if-absent", "--if-match", "crc32c:00000000", "x")
    assert done.returncode == 2 and b"exclude each other" in done.stderr
    assert run("write", "--run-id", "r", "x").returncode == 2


def test_options_anywhere_and_double_dash(run, tmp_path):
    assert run("write", "--durability", "none", "a", "--json", stdin=b"1").returncode == 0
    assert run("write", "--durability=none", "--", "--json", stdin=b"2").returncode == 0
    assert (tmp_path / "--json").read_bytes() == b"2"


def test_pairs_end_at_what_is_no_pair(run, tmp_path):
    assert run("write", "--manifest", "a=1", "b.c-d=2=3", "./x=y", stdin=b"1").returncode == 0
    manifest = json.loads((tmp_path / "x=y.manifest.json").read_bytes())
    assert manifest["user"] == {"a": "1", "b.c-d": "2=3"}
    assert run("write", "--manifest=a=1", "--manifest=z=", "x", stdin=b"1").returncode == 0
    assert json.loads((tmp_path / "x.manifest.json").read_bytes())["user"] == {"a": "1", "z": ""}
    assert run("write", "--manifest=a", "x", stdin=b"1").returncode == 2


def test_documentation_is_what_the_command_says(run):
    assert run("help", "--markdown").stdout == (ROOT / "docs" / "commands.md").read_bytes()


def test_messages_are_printable(run):
    done = run("wri\nte\x1b[31m")
    assert done.stderr.splitlines()[0] == rb"lamella: there is no command 'wri\x0ate\x1b[31m'"


def test_standard_output_that_is_full(lamella, tmp_path):
    import subprocess

    with open("/dev/full", "wb") as full:
        done = subprocess.run([lamella, "version"], stdout=full, stderr=subprocess.PIPE)
    assert done.returncode == 1 and b"could not be written" in done.stderr


@pytest.mark.parametrize("words", [["--help"], ["version"], ["count", "a.csv"], ["write", "b"]])
def test_local_commands_load_no_libcurl(run, tmp_path, words):
    (tmp_path / "a.csv").write_text("a,b\n1,2\n")
    done = run(*words, LD_DEBUG="files")
    assert done.returncode == 0
    assert b"libc.so.6" in done.stderr  # the loader tells what it loads
    assert b"libcurl" not in done.stderr
