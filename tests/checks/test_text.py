"""The text of the tree: formatting, limits, machine names, links, length of files."""
import re
import subprocess
import sys

import pytest

LINES_MAX = 1500
MACHINE = re.compile(r"(?<![\w./~-])/(?:home|root|work|workspace|Users|mnt)/[\w.-]+")


def tracked(root):
    done = subprocess.run(["git", "-c", f"safe.directory={root}", "-C", root, "ls-files", "-z"], capture_output=True)
    if done.returncode:
        pytest.skip("not a git checkout")
    return [root / name for name in done.stdout.decode().split("\0") if name and (root / name).is_file()]


def text_of(path):
    data = path.read_bytes()
    return "" if b"\0" in data else data.decode("utf-8", "replace")


def c_files(root):
    folders = ("include", "src", "tests", "fuzz", "bench", "examples", "python")
    return sorted(file for folder in folders for file in (root / folder).rglob("*.[ch]"))


def badly_formatted(files, style):
    command = ["clang-format-14", f"--style=file:{style}", "--dry-run", "-Werror", *map(str, files)]
    done = subprocess.run(command, capture_output=True, text=True)
    return sorted({line.split(":")[0] for line in done.stderr.splitlines() if "error:" in line})


def test_c_is_formatted(root):
    assert badly_formatted(c_files(root), root / ".clang-format") == []


def test_bad_formatting_is_found(root, make_tree):
    tree = make_tree({"bad.c": "int  f( void ){return 1 ;}\n", "good.c": "int g(void) { return 1; }\n"})
    files = [tree / "bad.c", tree / "good.c"]
    assert badly_formatted(files, root / ".clang-format") == [str(tree / "bad.c")]


def unused_limits(root):
    limits = root / "src" / "base" / "limits.h"
    names = re.findall(r"^#define (LM_\w+)", limits.read_text(), flags=re.MULTILINE)
    text = "".join(file.read_text() for folder in ("src", "include") for file in (root / folder).rglob("*.[ch]"))
    guard = "LM_BASE_LIMITS_H"
    return [name for name in names if name != guard and len(re.findall(rf"\b{name}\b", text)) < 2]


def test_every_limit_is_used(root):
    assert unused_limits(root) == []


def test_an_unused_limit_is_found(make_tree):
    tree = make_tree(
        {
            "src/base/limits.h": "#define LM_A_MAX 1\n#define LM_B_MAX 2\n#define LM_B_MAX_MORE 3\n",
            "src/base/a.c": "int a = LM_A_MAX + LM_B_MAX_MORE;\n",
        }
    )
    assert unused_limits(tree) == ["LM_B_MAX"]


def machine_names(files):
    return [f"{file}: {name}" for file in files for name in MACHINE.findall(text_of(file))]


def test_no_file_names_the_machine_it_was_written_on(root):
    assert machine_names(tracked(root)) == []


def test_a_machine_name_is_found(make_tree):
    home = "/".join(["", "home", "someone", "lamella"])
    tree = make_tree({"a.md": f"see {home}/x\n", "b.md": "https://example.org/home/page and ./work/x\n"})
    assert len(machine_names([tree / "a.md"])) == 1
    assert machine_names([tree / "b.md"]) == []


def too_long(files):
    return [str(file) for file in files if text_of(file).count("\n") > LINES_MAX]


def test_no_source_file_is_too_long(root):
    assert too_long(c_files(root)) == []


def test_a_long_file_is_found(make_tree):
    tree = make_tree({"long.c": "\n" * (LINES_MAX + 1), "short.c": "\n" * LINES_MAX})
    assert too_long(sorted(tree.glob("*.c"))) == [str(tree / "long.c")]


def broken_links(files):
    found = []
    for file in files:
        for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text_of(file)):
            if "://" not in target and not (file.parent / target).exists():
                found.append(f"{file.name}: {target}")
    return found


def test_links_in_documents_lead_somewhere(root):
    assert broken_links(sorted(root.glob("*.md")) + sorted(root.glob("docs/**/*.md"))) == []


def test_a_broken_link_is_found(make_tree):
    tree = make_tree({"a.md": "[b](b.md) [c](c.md#part) [web](https://example.org/x)\n", "b.md": ""})
    assert broken_links([tree / "a.md"]) == ["a.md: c.md"]


def test_the_powers_of_ten_are_what_their_script_prints(root):
    printed = subprocess.run([sys.executable, root / "tools" / "pow10.py"], capture_output=True, text=True, check=True)
    assert printed.stdout == (root / "src" / "base" / "number_pow10.c").read_text()
