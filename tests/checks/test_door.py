"""The door itself, on a made-up tree of small programs: what each suite must call a failure, it does."""
import os
import pathlib
import re
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]

MESON = """
project('case', 'c', default_options: ['buildtype=release'])
threads = dependency('threads')
foreach name : ['good', 'bad', 'crash', 'hang', 'short', 'leak', 'overflow', 'bounds', 'race']
  test(name, executable(name, name + '.c', dependencies: threads), protocol: 'tap', timeout: 2,
       suite: name in ['good', 'race'] ? ['unit', 'threads'] : ['unit'])
endforeach
"""

PROGRAM = """
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
volatile int number = 2147483647, place = 4;
void *volatile kept;
static int shared;
static void *count(void *word) { for (int i = 0; i < 10000; i++) shared++; return word; }
int main(void)
{
    pthread_t thread;
    puts("1..2");
    puts("ok 1 - first");
    fflush(stdout);
    BODY
    puts("ok 2 - second");
    (void)count, (void)thread;
    return 0;
}
"""

BODIES = {
    "good": "",
    "bad": 'puts("not ok 2 - second"); return 1;',
    "crash": "abort();",
    "hang": "sleep(60);",
    "short": "return 0;",
    "leak": "kept = malloc(10); kept = NULL;",
    "overflow": 'printf("# %d\\n", number + place);',
    "bounds": 'char *four = malloc(4); kept = four; four[place] = 1; free(four);',
    "race": "pthread_create(&thread, NULL, count, NULL); count(NULL); pthread_join(thread, NULL);",
}
ALWAYS = {"bad", "crash", "hang", "short"}


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    place = tmp_path_factory.mktemp("door")
    shutil.copy(ROOT / "dev", place)
    shutil.copytree(ROOT / "tools", place / "tools")
    (place / "meson.build").write_text(MESON)
    for name, body in BODIES.items():
        (place / f"{name}.c").write_text(PROGRAM.replace("BODY", body))
    return place


def door(tree, *words):
    # Nothing of the run that this test is a part of.
    environment = {name: os.environ[name] for name in ("PATH", "HOME", "CCACHE_DIR") if name in os.environ}
    return subprocess.run(["./dev", *words], cwd=tree, env=environment, capture_output=True, text=True)


@pytest.mark.parametrize(
    "suite, caught", [("unit", ALWAYS), ("asan", ALWAYS | {"leak", "overflow", "bounds"}), ("tsan", {"race"})]
)
def test_a_suite_catches(tree, suite, caught):
    done = door(tree, "test", suite)
    found = set(re.findall(rf"^FAILED: {suite}: (\w+)", done.stdout, flags=re.MULTILINE))
    assert found == caught, done.stdout + done.stderr
    assert done.returncode == 1
    assert re.fullmatch(rf"\d+ passed, {len(caught)} failed", done.stdout.splitlines()[-1])


def test_a_suite_that_does_not_build_fails(tree):
    (tree / "good.c").rename(tree / "kept.c")
    (tree / "good.c").write_text("int main(void) { return undeclared; }\n")
    try:
        done = door(tree, "test", "unit")
    finally:
        (tree / "kept.c").replace(tree / "good.c")
    assert done.stdout.splitlines()[-1] == "0 passed, 1 failed"
    assert "undeclared" in done.stderr
    assert done.returncode == 1


def test_missing_packages_are_named_in_one_line(tree, tmp_path):
    """dpkg-query as on a machine where one package is missing, for a user with no rights."""
    (tmp_path / "dpkg-query").write_text(
        "#!/bin/sh\nshift 3\nfor name; do [ $name = meson ] || printf '%s=installed ' $name; done\n"
    )
    (tmp_path / "id").write_text("#!/bin/sh\necho 1000\n")
    (tmp_path / "sudo").write_text("#!/bin/sh\nexit 1\n")
    for name in ("dpkg-query", "id", "sudo"):
        (tmp_path / name).chmod(0o755)
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    done = subprocess.run(
        ["./dev", "test", "unit"], cwd=tree, env=environment, capture_output=True, text=True, stdin=subprocess.DEVNULL
    )
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.splitlines() == [
        "dev: these Debian packages are missing, and this user may not install them: meson"
    ]


@pytest.mark.parametrize("words", [("test", "attic"), ("attic",)])
def test_unknown_words_are_refused(tree, words):
    done = door(tree, *words)
    assert done.returncode != 0
    assert "Traceback" not in done.stderr and done.stderr
