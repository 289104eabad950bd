"""The structural checks: each looks at the whole tree, and each has a test beside it that proves on a
made-up case that it can fail."""
import pathlib
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def root():
    return ROOT


@pytest.fixture(scope="session")
def release():
    """The directory of the optimised build; ./dev has made it."""
    directory = ROOT / "build" / "release"
    assert (directory / "liblamella.so").exists(), "run ./dev build first"
    return directory


@pytest.fixture(scope="session")
def run():
    """run(command...) returns the standard output; a status other than 0 fails the test."""

    def call(*command, **options):
        done = subprocess.run([str(word) for word in command], capture_output=True, text=True, **options)
        assert done.returncode == 0, f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}"
        return done.stdout

    return call


@pytest.fixture
def make_tree(tmp_path):
    """make_tree({"src/base/a.c": text, ...}) writes a made-up tree and returns where it is."""

    def make(files):
        for name, text in files.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text)
        return tmp_path

    return make


@pytest.fixture
def compile_object(tmp_path):
    """compile_object(source, option...) returns the path of the object, or shared library with -shared."""

    def call(source, *options, name="case"):
        (tmp_path / f"{name}.c").write_text(source)
        made = tmp_path / (f"lib{name}.so" if "-shared" in options else f"{name}.o")
        mode = [] if "-shared" in options else ["-c"]
        subprocess.run(["gcc", *mode, *options, "-o", made, tmp_path / f"{name}.c"], check=True)
        return made

    return call
