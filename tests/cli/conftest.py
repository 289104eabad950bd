"""Tests of the command, run as a user runs it: tests/cli/test_<command>.py.

lamella         the path of build/lamella, or what LAMELLA_COMMAND names
run             run("write", path, stdin=b"...") -> CompletedProcess with bytes; never raises on a status
told            told("count", path, status=0) -> its output as text, or its message where it is to fail so
run_without_rights   as run, bound by permissions even when the tests run as root
"""
import os
import pathlib
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def lamella():
    command = pathlib.Path(os.environ.get("LAMELLA_COMMAND") or ROOT / "build" / "lamella")
    assert command.exists(), "run ./dev build first"
    return command


def runner(command, place):
    def call(*words, stdin=b"", cwd=place, timeout=120, **environment):
        return subprocess.run(
            [*command, *words],
            input=stdin,
            cwd=cwd,
            timeout=timeout,
            capture_output=True,
            env={**os.environ, **environment},
        )

    return call


@pytest.fixture
def run(lamella, tmp_path):
    return runner([lamella], tmp_path)


@pytest.fixture
def told(run):
    def call(*words, status=0):
        done = run(*map(str, words))
        assert done.returncode == status, done.stderr
        return (done.stdout if status == 0 else done.stderr).decode()

    return call


@pytest.fixture
def run_without_rights(lamella, tmp_path):
    """Root stays root, so that it reaches its own files, but may not override their modes."""
    drop = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-all"]
    return runner([*(drop if os.geteuid() == 0 else []), lamella], tmp_path)
