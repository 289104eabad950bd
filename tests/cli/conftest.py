"""Tests of the command, run as a user runs it: tests/cli/test_<command>.py.

lamella         the path of build/lamella
run             run("write", path, stdin=b"...") -> CompletedProcess with bytes; never raises on a status
"""
import os
import pathlib
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def lamella():
    command = ROOT / "build" / "lamella"
    assert command.exists(), "run ./dev build first"
    return command


@pytest.fixture
def run(lamella, tmp_path):
    def call(*words, stdin=b"", cwd=tmp_path, timeout=120, **environment):
        return subprocess.run(
            [lamella, *words],
            input=stdin,
            cwd=cwd,
            timeout=timeout,
            capture_output=True,
            env={**os.environ, **environment},
        )

    return call
