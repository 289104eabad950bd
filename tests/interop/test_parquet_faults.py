"""Statistics and page indexes as writers are known to have got them wrong, in files made byte by byte (parquet_bytes.py): a
filter gives the same rows with pruning and without.

A *fault* says of which columns it is, who made it (`by`), and what the bounds of some values become. Those that a reader can
see (bounds the wrong way round, NaN, another order than the column's) are made under any name; the others are known by the
writer's name, and the same files under another name do lose rows, else the test would show nothing.
"""
import dataclasses
import os
import random
import shutil
import struct

import lamella_c as lamella
import parquet_bytes
import pytest
from parquet_bytes import BOOL, BYTES, I32, I64, LIST, Node, Ways, file_bytes, meaning, order_of, plain_one, root, stored, thrift
from test_parquet_bytes import run

FILES = int(os.environ.get("LAMELLA_PARQUET_FAULTS_FILES") or 6)
DAY = 86400 * 10**9


def decimal(physical, width=None):
    return lambda name: Node(name, "o", physical, width, logical=("DECIMAL", {"precision": 9, "scale": 2}))


def integer(bits, signed):
    return lambda name: Node(name, "o", f"INT{bits}", logical=("INTEGER", {"bits": bits, "signed": signed}))


KINDS = {
    "int32": lambda name: Node(name, "o", "INT32"),
    "uint32": integer(32, False),
    "uint64": integer(64, False),
    "bool": lambda name: Node(name, "o", "BOOLEAN"),
    "float": lambda name: Node(name, "o", "FLOAT"),
    "double": lambda name: Node(name, "o", "DOUBLE"),
    "half": lambda name: Node(name, "o", "FIXED", 2, logical="FLOAT16"),
    "text": lambda name: Node(name, "o", "BYTE_ARRAY", logical="STRING"),
    "bytes": lambda name: Node(name, "o", "BYTE_ARRAY"),
    "fixed": lambda name: Node(name, "o", "FIXED", 3),
    "decimal32": decimal("INT32"),
    "decimal_fixed": decimal("FIXED", 5),
    "decimal_bytes": decimal("BYTE_ARRAY"),
    "timestamp": lambda name: Node(name, "o", "INT64", logical=("TIMESTAMP", {"utc": False, "unit": "us"})),
    "timestamp96": lambda name: Node(name, "o", "FIXED", 12, logical=("TIMESTAMP", {"utc": False, "unit": "us"})),
    "int96": lambda name: Node(name, "o", "INT96"),
}
FLOATS = ("float", "double", "half")


def value_of(rng, kind):
    n = rng.randint(-300, 300)
    if kind in ("uint32", "uint64"):
        n = n if n >= 0 else n + (1 << int(kind[4:]))
        return n - (1 << int(kind[4:])) if n >> int(kind[4:]) - 1 else n
    if kind == "bool":
        return n % 2 == 0
    if kind in FLOATS:
        real = rng.choice([n / 4, n / 4, n / 4, 0.0, -0.0, float("nan")])
        return struct.pack("<e", real) if kind == "half" else real
    if kind in ("text", "bytes"):
        return rng.choice(["", "a", "é", "zz", "\x7f", "b\U0001f600"]).encode() + b"%d" % (n % 20)
    if kind == "fixed":
        return struct.pack(">I", n % 2000 * 8000 % (1 << 24))[1:]
    if kind == "decimal_fixed":
        return n.to_bytes(5, "big", signed=True)
    if kind == "decimal_bytes":
        return n.to_bytes(rng.randint(2, 4), "big", signed=True)
    if kind == "timestamp96":
        return n.to_bytes(12, "little", signed=True)
    if kind == "int96":
        return struct.pack("<qi", n * DAY // 100, 2440588 + n % 3)
    return n


def literal(kind, value):
    """As the expressions have it; None where they have none for it."""
    if kind in ("uint32", "uint64"):
        return str(value & (1 << int(kind[4:])) - 1)
    if kind in FLOATS:
        real = struct.unpack("<e", value)[0] if kind == "half" else value
        return f"'{real}'"
    if kind == "bool":
        return str(value).lower()
    if kind == "text":
        return "'" + value.decode() + "'"
    if kind in ("bytes", "fixed"):
        return f"x'{value.hex()}'"
    if kind.startswith("decimal"):
        cents = value if isinstance(value, int) else int.from_bytes(value, "big", signed=True)
        return f"{'-' if cents < 0 else ''}{abs(cents) // 100}.{abs(cents) % 100:02d}"
    if kind.startswith("timestamp"):
        micros = value if isinstance(value, int) else int.from_bytes(value, "little", signed=True)
        return parquet_bytes.timestamp_text(micros, "us", False).replace('"', "'").replace("T", " ")
    if kind == "int96":
        nanos, day = struct.unpack("<qi", value)
        return parquet_bytes.timestamp_text((day - 2440588) * DAY + nanos, "ns", False).replace('"', "'").replace("T", " ")
    return str(value)


# What is told.


@dataclasses.dataclass
class Told:
    """Of a chunk or a page: the bounds as they are stored, and how many nulls there are; None is left out."""

    least: bytes | None
    most: bytes | None
    nulls: int | None
    deprecated: bool = False
    null_page: bool | None = None


def real_of(value):
    return struct.unpack("<e", value)[0] if isinstance(value, bytes) else value


def truth(leaf, entries):
    values = [value for _, definition, value in entries if definition == leaf.levels()[0]]
    kind = leaf.name
    key = (lambda v: v) if kind == "bool" else real_of if kind in FLOATS else order_of(leaf)
    some = [v for v in values if real_of(v) == real_of(v)] if kind in FLOATS else values
    bounds = [plain_one(leaf, pick(some, key=key)) for pick in (min, max)] if some else [None, None]
    return values, Told(*bounds, len(entries) - len(values))


def by_key(leaf, values, key):
    return [plain_one(leaf, pick(values, key=key)) for pick in (min, max)] if values else [None, None]


def signed_bytes(value):
    return [byte - 256 if byte > 127 else byte for byte in value]


def old_order(leaf, values, told, rng):
    """min and max as parquet-mr made them before there were orders: bytes signed, integers signed."""
    told.deprecated = True
    if leaf.type in ("BYTE_ARRAY", "FIXED", "INT96"):
        told.least, told.most = by_key(leaf, values, signed_bytes)
    elif leaf.type in ("INT32", "INT64"):
        told.least, told.most = by_key(leaf, values, lambda value: value)


def raw_bytes(leaf, values, told, rng):
    told.least, told.most = by_key(leaf, values, lambda value: stored(leaf, value) if leaf.type != "BOOLEAN" else value)


def nan_bounds(leaf, values, told, rng):
    nan = plain_one(leaf, struct.pack("<e", float("nan")) if leaf.name == "half" else float("nan"))
    told.least, told.most = rng.choice([(nan, nan), (told.least, nan), (nan, told.most)])


def zero_bounds(leaf, values, told, rng):
    """-0.0 where the greatest is 0.0, and the other way round."""
    zero, minus = ((struct.pack("<e", z) if leaf.name == "half" else plain_one(leaf, z)) for z in (0.0, -0.0))
    told.least = zero if told.least == minus else told.least
    told.most = minus if told.most == zero else told.most


def cut(leaf, values, told, rng):
    """Shorter bounds, of which nothing says that they are not exact."""
    if told.least is not None:
        told.least = told.least[:1]
        whole = told.most[:1].rstrip(b"\xff")
        told.most = whole[:-1] + bytes([whole[-1] + 1]) if whole and len(told.most) > 1 else told.most


def swapped(leaf, values, told, rng):
    told.least, told.most = told.most, told.least


def one_bound(leaf, values, told, rng):
    told.least, told.most = rng.choice([(told.least, None), (None, told.most)])


def another_width(leaf, values, told, rng):
    told.least, told.most = rng.choice([(b"", b""), (b"\0", b"\0"), (b"\0" * 13, b"\0" * 13)])


def no_count(leaf, values, told, rng):
    told.nulls = None


def null_pages(leaf, values, told, rng):
    """Pages with values are called null pages, and those without are not; the counts tell better."""
    told.null_page = rng.random() < 0.5
    if told.null_page:
        told.least = told.most = None


def no_nulls(leaf, values, told, rng):
    told.nulls = 0


def too_many_nulls(leaf, values, told, rng):
    """Counted once for each page, and so at times as many as there are entries; bounds are not always told."""
    if told.nulls:
        told.nulls += len(values)
        if rng.random() < 0.5:
            told.least = told.most = None


def unsigned_pages(leaf, values, told, rng):
    """The bounds of pages are right, and joined as bytes without a sign."""
    key = (lambda v: struct.unpack("<e", v)[0]) if leaf.name == "half" else order_of(leaf)
    values = [v for v in values if leaf.name != "half" or key(v) == key(v)]
    pages = [values[at : at + 4] for at in range(0, len(values), 4)]
    if pages:
        told.least, told.most = min(min(page, key=key) for page in pages), max(max(page, key=key) for page in pages)


def as_floats(leaf, values, told, rng):
    if values:
        told.least, told.most = struct.pack("<f", min(values) / 100), struct.pack("<f", max(values) / 100)


def first_part(leaf, values, told, rng):
    """Of dictionaries that come in parts, the first; their nulls are not counted."""
    told.least, told.most = by_key(leaf, values[: len(values) // 3 or 1], order_of(leaf))
    told.nulls = 0


def garbage(leaf, values, told, rng):
    told.least = told.most = plain_one(leaf, rng.choice(values)) if values else None


@dataclasses.dataclass
class Fault:
    tell: object
    kinds: tuple = tuple(KINDS)
    by: tuple = ("tests",)
    order: int | None = 1
    named: bool = False  # seen by the name alone
    pages: bool = True  # in the page index too
    chunks: bool = True


WIDTHS = tuple(kind for kind in KINDS if kind not in ("text", "bytes", "fixed", "decimal_bytes"))
FAULTS = {
    "none": Fault(lambda *_: None),
    "old order": Fault(old_order, by=("parquet-mr version 1.6.0 (build x)", ""), order=None),
    "old order, new fields": Fault(old_order, order=None, pages=False),
    "bytes without order": Fault(raw_bytes, kinds=("text", "bytes", "fixed", "decimal_fixed", "decimal_bytes", "timestamp96", "int96"), order=None),
    "an unknown order": Fault(garbage, order=7),
    "the order of INT96 for others": Fault(garbage, kinds=tuple(kind for kind in KINDS if kind != "int96"), order=3),
    "total order for others": Fault(garbage, kinds=tuple(kind for kind in KINDS if kind not in FLOATS), order=2),
    "INT96 in the order of its type": Fault(raw_bytes, kinds=("int96",)),
    "INT96 in its order": Fault(lambda *_: None, kinds=("int96",), order=3),
    "NaN": Fault(nan_bounds, kinds=FLOATS),
    "zeros": Fault(zero_bounds, kinds=FLOATS),
    "cut": Fault(cut, kinds=("text", "bytes", "fixed")),
    "swapped": Fault(swapped),
    "one bound": Fault(one_bound),
    "another width": Fault(another_width, kinds=tuple(kind for kind in WIDTHS if kind != "bool")),
    "no count": Fault(no_count),
    "null pages": Fault(null_pages, chunks=False),
    "Arrow's decimals": Fault(
        old_order, kinds=("decimal_fixed", "decimal_bytes"), by=("parquet-cpp-arrow version 3.0.0", "parquet-cpp version 1.5.1-SNAPSHOT"), named=True
    ),
    "Rust's decimals": Fault(raw_bytes, kinds=("decimal_bytes",), by=("parquet-rs version 56.0.0",), named=True),
    "Polars' joined pages": Fault(unsigned_pages, kinds=("decimal_fixed", "half"), by=("Polars", "Polars (python) version 1.30.0 (build x)"), named=True),
    "Polars' nulls": Fault(too_many_nulls, by=("Polars",), named=True, pages=False),
    "nulls that are not counted": Fault(no_nulls, by=("Arrow2 - Native Rust implementation of Arrow", "parquet-rs version 4.4.0"), named=True),
    "Arrow's dictionaries": Fault(first_part, kinds=("text", "bytes"), by=("parquet-cpp-arrow version 11.0.0",), named=True),
    "hyparquet's decimals": Fault(as_floats, kinds=("decimal32",), by=("hyparquet",), named=True),
}


def faulty_file(monkeypatch, rng, fault, kind, by):
    def tell(leaf, entries, wrong):
        values, told = truth(leaf, entries)
        if leaf.name == kind and wrong:
            fault.tell(leaf, values, told, rng)
        return values, told

    def statistics(leaf, entries):
        _, told = tell(leaf, entries, fault.chunks)
        old = told.deprecated and fault.by != ("tests",)
        return thrift(
            (1, BYTES, told.most if old else None), (2, BYTES, told.least if old else None), (3, I64, told.nulls),
            (5, BYTES, None if old else told.most), (6, BYTES, None if old else told.least),
        )  # fmt: skip

    def column_index(leaf, pages):
        all_told = [tell(leaf, entries, fault.pages) for entries in pages]
        if any(values and told.least is None and told.null_page is not True for values, told in all_told):
            return None
        empty = [not values if told.null_page is None else told.null_page for values, told in all_told]
        counts = [told.nulls for _, told in all_told]
        return thrift(
            (1, LIST, (BOOL, empty)), (2, LIST, (BYTES, [told.least or b"" for _, told in all_told])),
            (3, LIST, (BYTES, [told.most or b"" for _, told in all_told])), (4, I32, rng.randint(0, 2)),
            (5, LIST, (I64, counts)) if None not in counts else (5, I64, None),
        )  # fmt: skip

    monkeypatch.setattr("parquet_bytes.statistics", statistics)
    monkeypatch.setattr("parquet_bytes.column_index", column_index)
    nulls = rng.choice([0, 0.2, 0.5, 0.9])
    values = [None if rng.random() < nulls else value_of(rng, kind) for _ in range(rng.choice([8, 60, 200]))]
    if rng.random() < 0.6:
        known = [value for value in values if value is not None and kind != "bool"]
        known.sort(key=lambda v: real_of(v) if kind in FLOATS else order_of(KINDS[kind]("x"))(v))
        values = [None if value is None or not known else known.pop(0) for value in values]
    schema = root(Node("id", "r", "INT32"), KINDS[kind](kind))
    ways = Ways(
        codecs=["NONE"], encodings=["PLAIN"], v2=False, page_entries=rng.choice([(3,), (10,)]), group_rows=rng.choice([(7,), (50,)]), statistics=True,
        offset_index=True, column_index=rng.random() < 0.7, created_by=by, orders=fault.order and [1, fault.order],
    )  # fmt: skip
    return file_bytes(schema, [[i, value] for i, value in enumerate(values)], rng, ways), [value for value in values if value is not None]


def predicates(rng, kind, values):
    yield f"{kind} is null"
    yield f"{kind} is not null"
    words = [word for word in (literal(kind, value) for value in rng.sample(values, min(3, len(values)))) if word]
    for word in words:
        for sign in ("=", "<>", "<", ">="):
            yield f"{kind} {sign} {word}"
        yield f"not ({kind} = {word})"
    if words:
        yield f"{kind} in ({', '.join(words)})"
        yield f"id >= 3 and ({kind} > {words[0]} or {kind} is null)"


def lost_and_pruned(monkeypatch, path, seed, fault, kind, by):
    """The predicates that pruning gives other rows for, and how often it passed over any."""
    rng = random.Random(seed)
    data, values = faulty_file(monkeypatch, rng, fault, kind, by)
    path.write_bytes(data)
    lost, pruned = [], 0
    for where in predicates(rng, kind, values):
        counts = lamella.ReadCounts()
        got = lamella.read_parquet(path, columns=["id"], where=where, counts=counts)["id"].to_pylist()
        if got != lamella.read_parquet(path, columns=["id"], where=where, no_pruning=True)["id"].to_pylist():
            lost.append(where)
        pruned += counts.rows_filtered < counts.rows
    return lost, pruned


@pytest.mark.parametrize("name", FAULTS)
def test_what_writers_got_wrong_loses_no_rows(tmp_path, monkeypatch, name):
    fault, pruned, caught = FAULTS[name], 0, 0
    for kind in fault.kinds:
        for seed in range(FILES):
            of = f"{name} {kind} {seed}"
            for by in fault.by:
                lost, some = lost_and_pruned(monkeypatch, tmp_path / "f.parquet", of, fault, kind, by)
                assert not lost, (of, by, lost)
                pruned += some
            if fault.named:
                caught += bool(lost_and_pruned(monkeypatch, tmp_path / "f.parquet", of, fault, kind, "tests")[0])
    assert caught > 0 or not fault.named
    assert pruned > 0 or name not in ("none", "zeros", "cut", "no count", "INT96 in its order", "null pages")


@pytest.mark.parametrize("name", ["none", "old order", "an unknown order", "swapped", "Polars' nulls", "nulls that are not counted", "Arrow's dictionaries"])
def test_tables_made_of_such_files_lose_no_rows(tmp_path, monkeypatch, name):
    """A conversion takes the bounds of footers into the log, where all readers believe them."""
    fault = FAULTS[name]
    for kind in sorted({"int32", "text", "timestamp"} & set(fault.kinds)):
        for seed in range(4):
            rng, table = random.Random(f"{name} {kind} {seed}"), tmp_path / "table"
            table.mkdir()
            data, values = faulty_file(monkeypatch, rng, fault, kind, fault.by[0])
            (table / "f.parquet").write_bytes(data)
            assert run("convert", table).returncode == 0
            for where in predicates(rng, kind, values):
                rows = lamella.read_parquet(table / "f.parquet", columns=["id"], where=where, no_pruning=True).num_rows
                assert run("count", "--where", where, table).stdout == b"%d\n" % rows, (kind, seed, where)
            shutil.rmtree(table)
