"""tests/cli/test_tables_stress.py in full: 8 processes x 200 appends."""
import os
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("test", ["test_every_append_is_there_once", "test_with_everybody_killed_at_random"])
def test_eight_processes_and_two_hundred_appends(test):
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-c", "tests/pytest.ini", f"tests/cli/test_tables_stress.py::{test}"],
        cwd=ROOT, env={**os.environ, "LAMELLA_STRESS": "200"}, capture_output=True, text=True, timeout=3000,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-4000:]
