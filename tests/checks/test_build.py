"""The tree builds without a warning, and what it installs can be used."""
import os
import shutil
import subprocess

import pytest

CONSUMER = """
#include <lamella/lamella.h>
#include <stdio.h>
int main(void)
{
    puts(lm_version());
    return lm_version_number() == LAMELLA_WANTED ? 0 : 1;
}
"""


def warnings_of(root, directory, compiler, *options):
    """Builds everything with -Werror; returns "" or the compiler's words."""
    environment = {**os.environ, "CC": compiler}
    if not (directory / "build.ninja").exists():
        shutil.rmtree(directory, ignore_errors=True)
        command = ["meson", "setup", directory, root, "-Dwerror=true", "-Db_colorout=never", *options]
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
    jobs = os.environ.get("LAMELLA_JOBS") or str(os.cpu_count())
    done = subprocess.run(["ninja", "-C", directory, "-k", "0", "-j", jobs], capture_output=True, text=True)
    if done.returncode == 0:
        return ""
    return "\n".join(line for line in done.stdout.splitlines() if "error:" in line) or done.stdout + done.stderr


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("compiler, level", [("gcc", "3"), ("clang", "1")])
def test_builds_without_warnings(root, compiler, level):
    directory = root / "build" / f"warnings-{compiler}"
    assert warnings_of(root, directory, compiler, f"-Doptimization={level}", "-Db_ndebug=true") == ""


@pytest.mark.parametrize("compiler", ["gcc", "clang"])
@pytest.mark.parametrize(
    "code",
    ["int f(long n) { return n; }", "int f(void) { int unused = 1; return 0; }", "int f() { return 0; }"],
)
def test_a_warning_is_found(root, tmp_path, compiler, code):
    """The warnings of meson.build, on a tree of one file."""
    text = (root / "meson.build").read_text()
    head = text[: text.index("include_public")]
    (tmp_path / "meson.build").write_text(head + "\nstatic_library('case', 'case.c')\n")
    (tmp_path / "case.c").write_text(f"int f(long n);\n{code}\n" if "long" in code else f"{code}\n")
    assert "error" in warnings_of(tmp_path, tmp_path / "build", compiler)


@pytest.fixture(scope="session")
def installed(root, release, run, tmp_path_factory):
    """A place into which the library is installed."""
    place = tmp_path_factory.mktemp("installed")
    run("meson", "install", "-C", release, "--no-rebuild", "--quiet", "--destdir", place)
    return place


def flags(place, *options):
    directory = next(place.rglob("lamella.pc")).parent
    environment = {**os.environ, "PKG_CONFIG_LIBDIR": str(directory), "PKG_CONFIG_SYSROOT_DIR": str(place)}
    system = subprocess.run(
        ["pkg-config", "--variable", "pc_path", "pkg-config"], capture_output=True, text=True, check=True
    )
    environment["PKG_CONFIG_LIBDIR"] += ":" + system.stdout.strip()
    done = subprocess.run(["pkg-config", *options, "lamella"], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.mark.parametrize("kind", ["shared", "static"])
def test_a_consumer_finds_the_library_by_pkg_config(installed, run, tmp_path, kind):
    source = tmp_path / "consumer.c"
    source.write_text(CONSUMER)
    place = tmp_path / "place"
    shutil.copytree(installed, place, symlinks=True)
    libraries = next(place.rglob("liblamella.a")).parent
    if kind == "static":
        for shared in libraries.glob("liblamella.so*"):
            shared.unlink()
    major, minor, patch = flags(place, "--modversion")[0].split(".")
    wanted = int(major) * 10000 + int(minor) * 100 + int(patch)
    options = flags(place, "--cflags", "--libs", *(["--static"] if kind == "static" else []))
    program = tmp_path / "consumer"
    run("gcc", "-Wall", "-Werror", f"-DLAMELLA_WANTED={wanted}", source, "-o", program, *options)
    assert ("liblamella" in run("ldd", program)) == (kind == "shared")
    run(program, env={**os.environ, "LD_LIBRARY_PATH": str(libraries)})


@pytest.mark.parametrize("compiler", ["gcc", "clang"])
def test_each_public_header_stands_alone(root, run, tmp_path, compiler):
    for header in sorted((root / "include" / "lamella").glob("*.h")):
        source = tmp_path / "alone.c"
        source.write_text(f"#include <lamella/{header.name}>\n#include <lamella/{header.name}>\n")
        run(compiler, "-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fsyntax-only",
            "-I", root / "include", source)  # fmt: skip


def test_the_compiler_is_told_to_hide_symbols(root):
    commands = (root / "build" / "release" / "compile_commands.json").read_text()
    assert "-fvisibility=hidden" in commands
