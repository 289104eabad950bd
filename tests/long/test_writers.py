"""Files that other writers make, of languages that the other tests have none of, and of years ago: parquet-rs, arrow-go,
parquet-go, parquet-java of four ages; pyarrow, Polars, DuckDB and fastparquet as they were.

The programs in writers/ write a Parquet file again, value by value, in a way that they are asked for; the old libraries
write rows of their own. What is not there (a compiler, a registry) is told of, and its tests are skipped. Rows that we
read must be those of the first file; of old libraries, what pyarrow reads.
"""

import gzip
import hashlib
import json
import os
import pathlib
import random
import re
import shutil
import subprocess
import sys

import pyarrow as pa
import pyarrow.ipc as ipc
import pyarrow.parquet as pq
import pytest
import test_parquet_bytes as made
from parquet_bytes import Ways, canonical, file_bytes, meaning, root
from parquet_tables import NESTED, NULLS, TYPES, column
from test_parquet_files import FILES, READABLE
from test_parquet_filter import check_pruning
from test_parquet_read_grid import equal

import lamella_c as lamella

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
PROGRAMS, BUILD, CACHE = HERE / "writers", ROOT / "build" / "writers", ROOT / ".cache" / "writers"
pytestmark = pytest.mark.timeout(3600)  # programs are built, libraries fetched
COMMAND = pathlib.Path(os.environ.get("LAMELLA_COMMAND") or ROOT / "build" / "lamella")
FILES_EACH = int(os.environ.get("LAMELLA_WRITERS_FILES") or 200)
BYTES_MAX = 60_000  # of files of ../shared/parquet that are written again
JAVA = ["1.6.0", "1.8.3", "1.10.1", "1.12.3"]
OLD = JAVA[:3]  # which know no logical types

WAYS = {
    "rust": "version=1,2 codec=none,snappy,gzip,brotli,lz4,lz4_raw,zstd dictionary=0,1 dictionary_bytes=30,300 page_rows=1,10,100"
    " page_bytes=50,1000 batch=1,7,64 statistics=none,chunk,page header_statistics=0,1 index_truncate=none,1,8 truncate=none,1,8"
    " bloom=0,1 offset_index=0,1 distinct=0,1 paths=0,1",
    "arrowgo": "version=1,2 codec=none,snappy,gzip,brotli,lz4_raw,zstd dictionary=0,1 dictionary_bytes=30,300 page_bytes=50,1000"
    " statistics=0,1 index=0,1 bloom=0,1",
    "parquetgo": "version=1,2 codec=none,snappy,gzip,brotli,lz4_raw,zstd page_bytes=50,1000 header_statistics=0,1 old_statistics=0,1"
    " encoding=PLAIN,RLE,RLE_DICTIONARY,DELTA_BINARY_PACKED,DELTA_LENGTH_BYTE_ARRAY,DELTA_BYTE_ARRAY,BYTE_STREAM_SPLIT"
    " index_truncate=1,16,1000 bloom=0,1",
    "java": "version=1,2 codec=none,snappy,gzip dictionary=0,1 dictionary_bytes=70,1000 page_bytes=80,1000 group_bytes=1000,100000",
}

# What they are known to tell wrongly, as `verify` says it.
UNTRUE = {
    "rust": r"nulls only|bloom_filter",
    "arrowgo": r"rows: it tells of \d+ nulls|bloom_filter",
    "parquetgo": r"statistics|column_index|bloom_filter|sizes",
    "java": r"rows: it tells of \d+ rows|statistics",
}

# What they are known to write so that it is refused, by others too: pages v2 that lack the nulls at their end;
# unsigned numbers out of their range.
BROKEN = {"1.6.0": r"fewer rows", "1.8.3": r"fewer rows", "1.10.1": r"fewer rows", "parquetgo": r"ends before|an empty run"}

# What they are known to change: rows without columns are dropped, booleans in lists and numbers that are out of their range.
WRONG = {("arrowgo", "no_columns_new.parquet"), ("parquetgo", "complex.parquet"), ("parquetgo", "out_of_range_stats.parquet")}


def run(*words, **more):
    return subprocess.run([str(word) for word in words], capture_output=True, text=True, **more)


def built(*words, **more):
    if not shutil.which(words[0]):
        pytest.skip(f"there is no {words[0]}")
    done = run(*words, timeout=1800, **more)
    if done.returncode:
        pytest.skip(f"{words[0]} does not build it here: {done.stderr.strip()[-200:]}")


class Program:
    """One that takes IN OUT KEY=VALUE..."""

    def __init__(self, name, *words):
        self.name, self.ways, self.words = name, name, words

    def write(self, todo):
        """[(in, out, ways)] to what went wrong with each, or None."""
        for source, path, ways in todo:
            done = run(*self.words, source, path, *ways, timeout=120)
            yield done.stderr.strip() if done.returncode else None


class Java(Program):
    """All at once: a Java machine takes a second to start."""

    def __init__(self, version, classes):
        super().__init__(version, "java", "-Xmx600m", "-cp", classes, "Writes")
        self.ways = "java"

    def write(self, todo):
        words = [word for source, path, ways in todo for word in (source, path, ",".join(ways) or "-")]
        said = [line for line in run(*self.words, *words, timeout=900).stdout.split("\n") if line.startswith("= ")]
        assert len(said) == len(todo)
        return [None if line == "= ok" else line for line in said]


def rust():
    target = BUILD / "cargo"
    environment = {**os.environ, "CARGO_TARGET_DIR": str(target)}
    built("cargo", "build", "--quiet", cwd=PROGRAMS / "rust", env=environment)
    return target / "debug" / "writers_rust"


def go(name):
    built("go", "build", "-p", "2", "-o", f"{BUILD}/", f"./{name}", cwd=PROGRAMS / "go")
    return Program(name, BUILD / name)


def java(version):
    """parquet-java as one jar, and what it needs of Hadoop. Before 1.7 its packages had another name."""
    place, classes = CACHE / "java" / version, BUILD / "java" / version
    if not (place / "done").exists():
        pom = (PROGRAMS / "java" / "pom.xml").read_text().replace("VERSION", version)
        old = version == "1.6.0"
        place.mkdir(parents=True, exist_ok=True)
        (place / "pom.xml").write_text(pom.replace("GROUP", "com.twitter" if old else "org.apache.parquet"))
        plugin = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies"
        built("mvn", "-q", "-B", "-f", place / "pom.xml", f"-Dmaven.repo.local={ROOT}/.cache/maven", plugin, f"-DoutputDirectory={place}")
        (place / "done").touch()
    source = (PROGRAMS / "java" / "Writes.java").read_text()
    classes.mkdir(parents=True, exist_ok=True)
    (classes / "Writes.java").write_text(source.replace("org.apache.parquet", "parquet") if version == "1.6.0" else source)
    built("javac", "-nowarn", "-cp", f"{place}/*", "-d", classes, classes / "Writes.java")
    return Java(version, f"{classes}:{place}/*")


MAKE = {
    "rust": lambda: Program("rust", rust(), "raw"),
    "arrowgo": lambda: go("arrowgo"),
    "parquetgo": lambda: go("parquetgo"),
    **{version: (lambda version=version: java(version)) for version in JAVA},
}


@pytest.fixture(scope="module", params=list(MAKE))
def writer(request):
    return MAKE[request.param]()


def ways_of(writer, rng, ways=None):
    kinds = [way.split("=") for way in (ways or WAYS[writer.ways]).split()]
    return [f"{key}={rng.choice(values.split(','))}" for key, values in kinds if rng.random() < 0.7]


def text_of(path, *words):
    done = subprocess.run([COMMAND, *words, path], capture_output=True, timeout=120)
    return done.stdout if done.returncode == 0 else None


def schema_of(path):
    return text_of(path, "schema", "--format", "parquet")


def has_twins(fields):
    """Whether a name is that of two columns, whole or within a group: no filter can tell which."""
    names = [field.name for field in fields]
    return len(set(names)) < len(names) or any(has_twins(field.type) for field in fields if pa.types.is_struct(field.type))


def tally(writer, todo):
    """Writes, reads and compares: todo is [(in, out, ways, rows, readable)]. Gives how many files there were of what kind."""
    counts = {"same": 0, "not written": 0, "changed": 0, "broken": 0, "wrong": 0, "tried": 0, "pruned": 0}
    for (source, path, ways, rows, sound), problem in zip(todo, writer.write([each[:3] for each in todo])):
        told = (writer.name, source.name, ways)
        if problem is not None:
            counts["not written"] += 1
            path.unlink(missing_ok=True)
            continue
        done = subprocess.run([COMMAND, "cat", "--format", "canonical", path], capture_output=True, timeout=120)
        if done.returncode and re.search(BROKEN.get(writer.name, "$^"), done.stderr.decode()):
            counts["broken"] += 1
            continue
        assert done.returncode == 0, (told, done.stderr.decode())
        if schema_of(path) != schema_of(source):  # an annotation that the writer has no word for
            counts["changed"] += 1
            continue
        if hashlib.sha256(done.stdout).hexdigest() != rows:
            assert (writer.name, source.name) in WRONG, told
            counts["wrong"] += 1
            continue
        lines = run(COMMAND, "verify", path, timeout=120).stdout.split("\n")
        wrong = [line for line in lines if ": row group" in line and not re.search(UNTRUE[writer.ways], line)]
        assert not wrong or not sound, (told, wrong)
        counts["same"] += 1
        try:
            whole = lamella.read_parquet(path)
            whole.to_pylist()
        except (lamella.LamellaError, pa.ArrowException, OverflowError, ValueError):
            continue  # what Arrow has no type or Python no value for
        if not has_twins(whole.schema):
            more = check_pruning(path, whole)
            counts["tried"] += more[0]
            counts["pruned"] += more[1]
        path.unlink()
    return counts


# Schemas of every shape (tests/interop/test_parquet_bytes.py), of types that every writer takes.


def sane(physical, how):
    """How a leaf is annotated where the annotation goes with the type; None where it does not."""
    converted, logical = how.get("converted"), how.get("logical")
    name, said = logical if isinstance(logical, tuple) else (logical, how)
    if name in ("UNKNOWN", "FILE") or isinstance(name, int) or converted and name and name not in (converted, "STRING"):
        return None
    if "DECIMAL" in (converted, name):
        most = {"INT32": 9, "INT64": 18, "FIXED": min(38, int(how.get("width", 0) * 2.4)), "BYTE_ARRAY": 38}
        fits = said["precision"] <= most.get(physical, 0)
        return {**how, "precision": said["precision"], "scale": said["scale"]} if fits else None
    if physical == "FIXED" and (converted or name):
        return how if how["width"] == {"INTERVAL": 12, "UUID": 16, "FLOAT16": 2}.get(converted or name) else None
    return None if physical == "INT32" and converted == "UTF8" else how


def random_value(rng, leaf, otherwise):
    if meaning(leaf)[0] != "DECIMAL":
        return otherwise(rng, leaf)
    number = rng.randint(1 - 10**leaf.precision, 10**leaf.precision - 1) >> rng.choice([0, 0, 8, 40])
    if leaf.type in ("INT32", "INT64"):
        return number
    return number.to_bytes(leaf.width or (number.bit_length() + 8) // 8 + rng.choice([0, 0, 1, 3]), "big", signed=True)


def in_old_words(node):
    """Of lists and maps that are annotated in the new way only, the old way."""
    if node.converted is None and node.logical in ("LIST", "MAP"):
        node.converted, node.logical = node.logical, None
    for child in node.children or []:
        in_old_words(child)


@pytest.fixture
def shapes(writer, monkeypatch):
    """By a seed, a schema that the writer has the words for, and rows."""
    old = writer.name in OLD
    kinds = [(physical, fit) for physical, how in made.KINDS if (fit := sane(physical, how)) is not None]
    kinds = [(physical, how) for physical, how in kinds if not old or not how.get("logical") or how.get("converted")]
    original = made.random_value
    monkeypatch.setattr(made, "KINDS", kinds)
    monkeypatch.setattr(made, "NAMES", [name for name in made.NAMES if name.replace("_", "").isalpha()])
    monkeypatch.setattr(made, "random_value", lambda rng, leaf: random_value(rng, leaf, original))

    def file(seed):
        rng = random.Random(seed)
        schema = root(*(made.random_node(rng, rng.choice(made.NAMES), rng.choice([0, 0, 1, 3])) for _ in range(rng.choice([1, 2, 3, 5]))))
        if old:
            in_old_words(schema)
        nulls, count = rng.choice([0, 0.1, 0.5, 0.9, 1]), rng.choice([1, 2, 7, 8, 9, 60, 300])
        rows = [[made.random_field(rng, column, nulls) for column in schema.children] for _ in range(count)]
        if rng.random() < 0.3:
            rows = [rng.choice(rows[: len(rows) // 5 + 1]) for _ in rows]
        return schema, rows

    return file


PLAIN = {"codecs": ["NONE"], "encodings": ["PLAIN"], "v2": False, "group_rows": [1000]}


def test_random_shapes_give_their_rows(writer, shapes, tmp_path):
    todo = []
    for seed in range(FILES_EACH):
        schema, rows = shapes(seed)
        source, path = tmp_path / f"{seed}.source", tmp_path / f"{seed}.parquet"
        source.write_bytes(file_bytes(schema, rows, random.Random(seed), Ways(**PLAIN)))
        text = canonical(schema, rows)
        sound = b'{"$invalid_utf8":' not in text
        todo.append((source, path, ways_of(writer, random.Random(seed)), hashlib.sha256(text).hexdigest(), sound))
    counts = tally(writer, todo)
    assert counts["same"] > FILES_EACH // 3 and counts["pruned"] > FILES_EACH // 10, counts


@pytest.mark.skipif(not READABLE, reason=f"no Parquet files at {FILES}")
def test_files_of_every_origin_give_their_rows_again(writer, tmp_path):
    todo = []
    for at, entry in enumerate(READABLE):
        source = FILES / "data" / entry["name"]
        if source.stat().st_size < BYTES_MAX and "malformed" not in source.name:
            todo.append((source, tmp_path / f"{at}.parquet", ways_of(writer, random.Random(at)), entry["expected"]["sha256"], False))
    counts = tally(writer, todo)
    assert counts["same"] > len(todo) // 8, counts


# parquet-rs from Arrow, with its schema.


@pytest.mark.parametrize("name", [*TYPES, *NESTED])
def test_arrow_types_come_back_from_rust(name, tmp_path):
    program, rng, files = rust(), random.Random(name), 0
    kinds = WAYS["rust"] + " coerce=0,0,0,1 chunking=1 group_rows=100"
    for nulls in NULLS:
        for count in (1, 65, 700):
            table = pa.table({"v": column(name, count, nulls)})
            with ipc.new_file(tmp_path / "in.arrow", table.schema) as out:
                out.write_table(table)
            ways = [way for way in ways_of(Program("rust"), rng, kinds) if not way.startswith("paths")]
            done = run(program, "arrow", tmp_path / "in.arrow", tmp_path / "out.parquet", *ways)
            if done.returncode:  # settings that it does not take together
                continue
            got = lamella.read_parquet(tmp_path / "out.parquet", threads=1)
            got.validate(full=True)
            assert got.schema.equals(table.schema), ways
            assert equal(got.column(0), table.column(0)), ways
            check_pruning(tmp_path / "out.parquet", got)
            files += 1
    assert files > 3


# ALP, which parquet-rs alone writes as yet.


def test_alp_gives_what_plain_gives(tmp_path):
    program, rng = rust(), random.Random(3)
    odd = [float("nan"), float("inf"), -float("inf"), -0.0, 5e-324, 2.2250738585072014e-308, 1.7976931348623157e308, 9007199254740993.0]
    makes = [
        lambda: round(rng.uniform(-1e4, 1e4), 2), lambda: 3.25, lambda: rng.random(), lambda: float(rng.randint(-(2**40), 2**40)),
        lambda: rng.choice(odd), lambda: rng.choice(odd) if rng.random() < 0.1 else round(rng.random(), 3), lambda: rng.randint(-9, 9) / 10.0 ** rng.randint(0, 17),
    ]  # fmt: skip
    for kind in (pa.float64(), pa.float32()):
        for count in (1, 7, 1023, 1024, 1025, 5000):
            for nulls in (0, 0.3):
                columns = {f"c{i}": pa.array([None if rng.random() < nulls else make() for _ in range(count)]).cast(kind, safe=False) for i, make in enumerate(makes)}
                table = pa.table({**columns, "l": pa.array([[rng.choice(odd), round(rng.random(), 1)]] * count, pa.list_(kind))})
                with ipc.new_file(tmp_path / "in.arrow", table.schema) as out:
                    out.write_table(table)
                for ways in (["version=1"], ["version=2", "codec=zstd"], ["page_rows=700", "codec=snappy"], ["version=2", "page_rows=1500", "bloom=1"]):
                    done = run(program, "arrow", tmp_path / "in.arrow", tmp_path / "out.parquet", "encoding=ALP", "dictionary=0", "batch=64", *ways)
                    assert done.returncode == 0, done.stderr
                    got = lamella.read_parquet(tmp_path / "out.parquet")
                    assert got.schema.equals(table.schema)
                    for name, a, b in zip(table.column_names, got.columns, table.columns):
                        assert bits(a) == bits(b), (name, kind, count, ways)
                    assert run(COMMAND, "verify", tmp_path / "out.parquet").returncode == 0


def bits(array):
    """The bytes of every float, for NaNs of all kinds and both zeros."""
    array = array.combine_chunks()
    if pa.types.is_list(array.type):
        array = array.flatten()
    return array.is_null().to_pylist(), array.drop_null().to_numpy().tobytes()


# Variants by parquet-go, whole and shredded.


def random_json(rng, depth):
    kind = rng.randrange(11 if depth else 7)
    if kind < 2:
        return rng.choice([0, 1, -1, 127, 128, -129, 2**31, -(2**63), 2**63 - 1, 0.5, -1.25, 1e300, 1e-9])
    if kind < 5:
        return rng.choice(["", "a", "wört", "x" * 63, "y" * 64, "z" * 300, 'q"\\', True, False, None])
    if kind < 7:
        return rng.choice([{"a": 1, "b": "t", "c": 0.25}, {"a": "odd", "b": None, "z": 5}, [1, 2, 3], ["s"], {"o": {"x": 1, "y": "q"}, "l": ["a", None]}])
    if kind < 9:
        return {name: random_json(rng, depth - 1) for name in rng.sample(["a", "b", "c", "o", "l", "x", "é", f"k{rng.randrange(300)}"], rng.randrange(6))}
    return [random_json(rng, depth - 1) for _ in range(rng.choice([0, 1, 2, 3, 20]))]


def test_variants_are_put_together(tmp_path):
    program, rng = go("variants").words[0], random.Random(4)
    rows = [random_json(rng, 3) for _ in range(1000)]
    (tmp_path / "rows").write_text("".join(json.dumps(row) + "\n" for row in rows))
    done = run(program, tmp_path / "rows", tmp_path)
    assert done.returncode == 0, done.stderr
    files = sorted(tmp_path.glob("*.parquet"))
    assert len(files) > 8
    for path in files:
        lines = text_of(path, "cat", "--format", "canonical").decode().splitlines()
        assert [json.loads(line)["data"] for line in lines] == rows, path.name


# Libraries of years ago. {name: what pip is asked for}

LIBRARIES = {
    "pyarrow-10": "pyarrow==10.0.1 numpy==1.24.4",
    "pyarrow-13": "pyarrow==13.0.0 numpy==1.24.4",
    "polars-0.16": "polars==0.16.18 pyarrow==10.0.1 numpy==1.24.4",
    "polars-0.20": "polars==0.20.2 pyarrow==13.0.0 numpy==1.24.4",
    "polars-1.31": "polars==1.31.0 pyarrow==16.1.0 numpy==1.26.4",
    "duckdb-0.6": "duckdb==0.6.1 numpy==1.24.4",
    "duckdb-0.10": "duckdb==0.10.3 numpy==1.26.4",
    "fastparquet-2022.12": "fastparquet==2022.12.0 pandas==1.5.3 numpy==1.24.4 cramjam==2.6.2",
    "fastparquet-2024.2": "fastparquet==2024.2.0 pandas==2.1.4 numpy==1.26.4",
}
LATER = {"string_view", "binary_view", "decimal32_7_2", "decimal64_16_4", "null", "float16"}
NOT_POLARS = ("decimal", "time32", "fixed", "map", "date64", "timestamp_s", "dictionary_int", "duration_s")


def library(name):
    """A Python that has only that library."""
    place = CACHE / name
    if not (place / "done").exists():
        shutil.rmtree(place, ignore_errors=True)
        built(sys.executable, "-m", "venv", place)
        built(str(place / "bin" / "pip"), "-q", "--disable-pip-version-check", "install", *LIBRARIES[name].split())
        (place / "done").touch()
    return place / "bin" / "python"


def tables(kind):
    """What an old library can take; DuckDB and fastparquet make rows of their own."""
    if kind not in ("pyarrow", "polars"):
        yield "own", None
        return
    for nulls in NULLS:
        for what, names in (("flat", TYPES), ("nested", NESTED)):
            names = [name for name in names if name not in LATER and not (kind == "polars" and name.startswith(NOT_POLARS))]
            yield f"{what}_{nulls}", pa.table({name: column(name, 1000, nulls) for name in names})


@pytest.mark.parametrize("name", LIBRARIES)
def test_old_libraries(name, tmp_path):
    python, kind = library(name), name.split("-")[0]
    files = tried = pruned = 0
    for what, table in tables(kind):
        place, source = tmp_path / what, tmp_path / f"{what}.arrow"
        place.mkdir()
        if table is not None:
            with ipc.new_file(source, table.schema) as out:
                out.write_table(table)
        run(python, PROGRAMS / "old.py", kind, source, place, timeout=900)
        for path in sorted(place.glob("*.parquet")):
            try:
                want = pq.ParquetFile(path).read()
            except (OSError, pa.ArrowException):
                continue  # what the library itself broke off
            got = lamella.read_parquet(path, threads=1)
            got.validate(full=True)
            assert got.column_names == want.column_names
            for of, a, b in zip(want.column_names, got.columns, want.columns):
                assert equal(a, b) if a.type == b.type else a.to_pylist() == b.to_pylist() or "interval" in str(a.type), (path.name, of)
            files += 1
            if files % 5 == 0:
                more = check_pruning(path, got, values_most=10)
                tried, pruned = tried + more[0], pruned + more[1]
    assert files > 50 and tried > 100 and pruned > 10, (files, tried, pruned)
