"""What counts the tests must itself count right: a crash or a silence is never a pass."""
import json
import pathlib
import subprocess
import sys

import pytest

TALLY = pathlib.Path(__file__).resolve().parents[2] / "tools" / "tally.py"


def tally(place, *words):
    return subprocess.run([sys.executable, TALLY, *words], cwd=place, capture_output=True, text=True)


def meson(name, result, stdout, **more):
    return json.dumps({"name": name, "result": result, "stdout": stdout, "returncode": 0, **more}) + "\n"


@pytest.mark.parametrize(
    "log, wanted, status",
    [
        (meson("a", "OK", "ok 1 - x\nok 2 - y\n1..2\n"), "2 passed, 0 failed", 0),
        (meson("a", "FAIL", "ok 1 - x\n# a.c:1: no\nnot ok 2 - y\n1..2\n"), "1 passed, 1 failed", 1),
        (meson("a", "OK", "ok 1 - x # SKIP no disk\n1..1\n"), "0 passed, 0 failed, 1 skipped", 0),
        (meson("a", "ERROR", "ok 1 - x\n", returncode=-11, stderr="boom"), "1 passed, 1 failed", 1),
        (meson("a", "TIMEOUT", ""), "0 passed, 1 failed", 1),
        (meson("a", "OK", "ok 1 - x\n") + meson("b", "ERROR", "ok 1 - y\n"), "2 passed, 1 failed", 1),
        (meson("a", "OK", ""), "1 passed, 0 failed", 0),
        (meson("a", "SKIP", "1..0\n"), "0 passed, 0 failed, 1 skipped", 0),
        ("", "0 passed, 1 failed", 1),
        ("not json", "0 passed, 1 failed", 1),
        (None, "0 passed, 1 failed", 1),
    ],
)
def test_c_results_are_counted(tmp_path, log, wanted, status):
    if log is not None:
        (tmp_path / "log.json").write_text(log)
    assert tally(tmp_path, "suite", "unit", "log.json").stdout.splitlines()[-1] == f"unit: {wanted}"
    done = tally(tmp_path, "total", "unit")
    assert done.stdout.splitlines()[-1] == wanted
    assert done.returncode == status


def test_pytest_results_are_counted(tmp_path):
    (tmp_path / "log.xml").write_text(
        """<testsuites><testsuite>
        <testcase classname="t" name="good"/>
        <testcase classname="t" name="bad"><failure message="m">why it failed</failure></testcase>
        <testcase classname="t" name="broken"><error message="m">fixture</error></testcase>
        <testcase classname="t" name="left"><skipped message="no disk"/></testcase>
        </testsuite></testsuites>"""
    )
    done = tally(tmp_path, "suite", "cli", "log.xml")
    assert "why it failed" in done.stdout
    done = tally(tmp_path, "total", "cli")
    assert "skipped: cli: t: left: no disk" in done.stdout
    assert done.stdout.splitlines()[-1] == "1 passed, 2 failed, 1 skipped"
    assert done.returncode == 1


def test_a_suite_that_left_nothing_fails_the_whole(tmp_path):
    (tmp_path / "log.json").write_text(meson("a", "OK", "ok 1 - x\n"))
    tally(tmp_path, "suite", "unit", "log.json")
    done = tally(tmp_path, "total", "unit", "asan")
    assert done.stdout.splitlines()[-1] == "1 passed, 1 failed"
    assert done.returncode == 1
