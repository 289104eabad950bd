"""The commands that README.md and docs/ show run as they stand there."""

import json
import os
import pathlib
import re
import shutil
import subprocess

import pytest

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")

ROOT = pathlib.Path(__file__).resolve().parents[2]
REMOTE = re.compile(r"(webhdfs://namenode:9870|hdfs://ns)(?=/)")  # for which a directory stands here


def commands(document):
    """The shown lines that begin with a command, without remarks."""
    for line in (ROOT / document).read_text().splitlines():
        shown = re.match(r"(?:    |)((?:lamella|producer) .*)$", line)
        if shown and not shown[1].startswith("lamella merge 1"):  # that one is a journal's first line
            yield REMOTE.sub("remote", re.sub(r"\s+#.*$|   +.*$", "", shown[1]))


def trades(ticks, venues=("oslo", "bergen")):
    return pa.table({
        "tick": pa.array(ticks, pa.int64()),
        "venue": pa.array([venues[tick % len(venues)] for tick in ticks]),
        "price": pa.array([tick + 1 for tick in ticks], pa.int64()).cast(pa.decimal128(38, 2)).cast(pa.decimal128(10, 2)),
    })  # fmt: skip


def arrow(path, table):
    with pa.ipc.new_file(path, table.schema) as writer:
        writer.write_table(table)


def descriptor(place):
    """The one that docs/tables.md shows."""
    shown = re.search(r"^    \{\n.*?^    \}\n", (ROOT / "docs" / "tables.md").read_text(), re.MULTILINE | re.DOTALL)[0]
    (place / "tables").mkdir()
    (place / "tables" / "trades.json").write_text(shown)
    return json.loads(shown)


def readme(place):
    # A day of trades that the tour's columns are added to.
    descriptor(place)
    wider = json.loads((place / "tables" / "trades.json").read_text())
    wider["columns"] += [{"name": "amount", "type": "int64"}, {"name": "city", "type": "utf8"}]
    wider["partitioning"] = [{"bucket": {"column": "tick", "size": 1000}}, "venue"]
    (place / "tables" / "trades.json").write_text(json.dumps(wider))
    table = trades(range(20)).append_column("amount", pa.array(range(20))).append_column("city", pa.array(["Oslo"] * 20))
    arrow(place / "day.arrow", table)
    users = pa.table({"user_id": [1, 2, 3]})
    arrow(place / "new.arrow", users)
    (place / "out").mkdir()
    pq.write_table(users, place / "out" / "users.parquet")
    pq.write_table(table, place / "q1.parquet")
    (place / "q2.csv").write_text("a,b\n1,x\n")
    (place / "daily.csv").write_text("a,b\n1,2\n")
    (place / "staged").mkdir()
    (place / "staged" / "part-0.csv").write_text("a\n1\n")
    (place / "remote" / "out").mkdir(parents=True)
    producer = place / "bin" / "producer"
    producer.write_text('#!/bin/sh\nif [ "$1" = --to ]; then echo a,b >"$2"; else echo a,b; fi\n')
    producer.chmod(0o755)


def datasets(place):
    for day in ("2026-01-01", "2026-01-02"):
        (place / "sales" / f"day={day}").mkdir(parents=True)
        pq.write_table(pa.table({"city": ["Oslo", "Bergen"], "amount": [1, 2]}), place / "sales" / f"day={day}" / "x.parquet")


def expectations(place):
    for name in ("new", "users"):
        pq.write_table(pa.table({"user_id": [1, 2, 3]}), place / f"{name}.parquet")


def merge(place):
    for tree, header in (("out", "a,b\n"), ("remote/out", "")):
        for day in (1, 2):
            (place / tree / f"day={day}").mkdir(parents=True)
            (place / tree / f"day={day}" / "part-00000.csv").write_text(header + "1,2,3\n"[: 4 if header else 6].rstrip(",") + "\n")


def storage(place):
    (place / "remote" / "out").mkdir(parents=True)
    (place / "remote" / "out" / "x").write_text("x")
    pq.write_table(pa.table({"a": [1]}), place / "day.parquet")
    pq.write_table(pa.table({"a": [1]}), place / "remote" / "out" / "day.parquet")


def tables(place):
    descriptor(place)
    pq.write_table(trades(range(42_000, 45_000, 7)), place / "day.parquet")
    pq.write_table(trades([1000, 2001]), place / "fixed.parquet")


def versions(place):
    (place / "staged").mkdir()
    (place / "staged" / "part-0.csv").write_text("a\n1\n")


PLACES = {
    "README.md": readme,
    "docs/datasets.md": datasets,
    "docs/expectations.md": expectations,
    "docs/merge.md": merge,
    "docs/storage.md": storage,
    "docs/tables.md": tables,
    "docs/versions.md": versions,
}
# Whether a command that fails shows what the document says: there is no version 3 yet, nor a time that is past.
TO_COME = ("--version 3", "--as-of 2026-01-31T12:00:00Z")


def test_no_document_is_left_out():
    having = {str(path.relative_to(ROOT)) for path in (ROOT / "README.md", *(ROOT / "docs").glob("*.md"))
              if any(commands(path.relative_to(ROOT)))} - {"docs/commands.md"}  # fmt: skip
    assert having == set(PLACES)


@pytest.mark.parametrize("document", PLACES)
def test_commands_run(lamella, tmp_path, document):
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "lamella").symlink_to(lamella)
    PLACES[document](tmp_path)
    shown = list(commands(document))
    assert shown
    for line in shown:
        done = subprocess.run(["bash", "-euo", "pipefail", "-c", f"PATH=$PWD/bin:$PATH; {line}"], cwd=tmp_path,
                              capture_output=True, text=True, timeout=60)  # fmt: skip
        if any(words in line for words in TO_COME):
            assert done.returncode == 9 and "version" in done.stderr, (line, done.stderr)
        else:
            assert done.returncode == 0, (line, done.stderr)


def test_the_c_of_the_readme_compiles_and_runs(tmp_path):
    cc = shutil.which("cc")
    library = pathlib.Path(os.environ.get("LAMELLA_LIBRARY") or ROOT / "build" / "liblamella.so").absolute().parent
    if cc is None or not (library / "liblamella.so").exists():
        pytest.skip("there is no C compiler, or no shared library")
    shown = re.search(r"^```c\n(.*?)^```", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL)[1]
    include, _, body = shown.partition("\n\n")
    (tmp_path / "out").mkdir()
    (tmp_path / "x.c").write_text(
        f"{include}\n#include <stdio.h>\nint main(void)\n{{\nconst char data[] = \"a,b\\n\";\nsize_t size = 4;\n{body}return 0;\n}}\n"
    )
    subprocess.run([cc, "-Wall", "-Werror", f"-I{ROOT / 'include'}", "x.c", "-o", "x", f"-L{library}", "-llamella",
                    f"-Wl,-rpath,{library}"], cwd=tmp_path, check=True)  # fmt: skip
    subprocess.run([tmp_path / "x"], cwd=tmp_path, check=True)
    assert (tmp_path / "out" / "daily.csv").read_text() == "a,b\n"
