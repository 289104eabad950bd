"""Tests of the Python package, run against the installed wheel: ./dev test python.

child       child(code, **limits) runs Python in a process of its own and returns the CompletedProcess
nothing_left   asserts that a directory holds these names and no others
"""
import os
import pathlib
import signal
import subprocess
import sys
import sysconfig
import textwrap

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]


def pytest_sessionstart(session):
    import lamella

    assert sysconfig.get_path("purelib") in lamella.__file__, "lamella must be the installed wheel: ./dev test python"
    signal.signal(signal.SIGINT, signal.default_int_handler)  # what runs in the background may have it ignored


@pytest.fixture(autouse=True)
def in_tmp_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def child():
    def call(code, *words, python=sys.executable, **options):
        return subprocess.run(
            [python, "-c", textwrap.dedent(code), *map(str, words)], capture_output=True, text=True, timeout=120,
            **options,
        )  # fmt: skip

    return call


@pytest.fixture
def nothing_left(tmp_path):
    def check(*names):
        assert sorted(os.listdir(tmp_path)) == sorted(names)

    return check
