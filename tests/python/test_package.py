"""What the wheel is: one file that needs nothing, quick to import, typed."""
import pathlib
import subprocess
import sys
import sysconfig

import pytest

import lamella

PACKAGE = pathlib.Path(lamella.__file__).parent
ROOT = pathlib.Path(__file__).resolve().parents[2]
OLDER = any(path.endswith("older") for path in sys.path)


def test_the_extension_needs_the_c_library_alone():
    (extension,) = PACKAGE.glob("_core*.so")
    assert extension.name == "_core.abi3.so"
    told = subprocess.run(["readelf", "-d", extension], capture_output=True, text=True, check=True).stdout
    needed = [line.split("[")[1].rstrip("]") for line in told.splitlines() if "NEEDED" in line]
    assert set(needed) <= {"libc.so.6", "libm.so.6", "libpthread.so.0", "libdl.so.2", "ld-linux-x86-64.so.2"}
    shown = subprocess.run(["nm", "-D", "--defined-only", extension], capture_output=True, text=True, check=True)
    assert [line.split()[-1] for line in shown.stdout.splitlines()] == ["PyInit__core"]


def test_the_import_brings_nothing_heavy(child):
    """What takes milliseconds is imported when it is needed."""
    code = """
        import sys
        before = set(sys.modules)
        import lamella
        print(*sorted(set(sys.modules) - before))
    """
    done = child(code)
    assert done.returncode == 0, done.stderr
    assert {name.split(".")[0] for name in done.stdout.split()} <= {"lamella", "__future__"}


def test_the_version_is_the_cores():
    import importlib.metadata

    assert lamella.__version__ == importlib.metadata.version("lamella")


def test_all_is_there():
    assert all(hasattr(lamella, name) for name in lamella.__all__)


@pytest.mark.skipif(OLDER, reason="checked once, with the newer packages")
@pytest.mark.parametrize("checker", [["mypy"], ["pyright", "--project"]])
def test_types(checker):
    if not (ROOT / ".venv/bin" / checker[0]).exists():
        pytest.skip(f"{checker[0]} is not there")
    words = ["mypy", "--config-file"] if checker[0] == "mypy" else checker
    done = subprocess.run(
        [ROOT / ".venv/bin" / words[0], *words[1:], "pyproject.toml"], cwd=ROOT, capture_output=True, text=True
    )
    if "could not be downloaded" in done.stdout or "ENOTFOUND" in done.stdout:
        pytest.skip("pyright needs the network the first time")
    assert done.returncode == 0, done.stdout + done.stderr


def test_each_error_is_also_a_builtin():
    builtins = (OSError, ValueError, NotImplementedError, MemoryError, RuntimeError, KeyboardInterrupt)
    kinds = [kind for kind in vars(lamella).values() if isinstance(kind, type) and issubclass(kind, lamella.Error)]
    assert len(kinds) > 15
    assert all(issubclass(kind, builtins) for kind in kinds if kind is not lamella.Error)


def test_the_tag_is_that_of_the_stable_interface():
    text = next(pathlib.Path(sysconfig.get_path("purelib")).glob("lamella-*.dist-info/WHEEL")).read_text()
    assert "Tag: cp311-abi3-" in text
