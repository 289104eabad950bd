"""Parquet files that are made byte by byte (parquet_bytes.py): random ones of every shape, type, encoding, codec and page, and
those that once were read wrongly or refused."""
import os
import pathlib
import random
import resource
import struct
import subprocess

import pyarrow as pa
import pyarrow.ipc as ipc
import pyarrow.parquet as pq
import pytest
from parquet_bytes import PER_SECOND, Node, Ways, canonical, file_bytes, lz4_of_old, meaning, root

ROOT = pathlib.Path(__file__).resolve().parents[2]
COMMAND = pathlib.Path(os.environ.get("LAMELLA_COMMAND") or ROOT / "build" / "lamella")
FILES_EACH = int(os.environ.get("LAMELLA_PARQUET_BYTES_FILES") or 60)


def run(*words):
    done = subprocess.run([COMMAND, *words], capture_output=True, timeout=120)
    assert done.returncode >= 0 and b"Sanitizer" not in done.stderr and b"runtime error" not in done.stderr, done.stderr
    return done


# Random files.

NAMES = ["a", "b", "list", "element", "array", "bag", "map", "key_value", "key", "value", "item", "a.b", "", "Ærø", 'x"y', "a_tuple", "漢字"]


def leaf_kinds():
    for physical in ("BOOLEAN", "INT32", "INT64", "INT96", "FLOAT", "DOUBLE", "BYTE_ARRAY"):
        yield physical, {}
        yield physical, {"logical": "UNKNOWN"}
        yield physical, {"logical": 23}  # of the future
    for width in (1, 2, 3, 5, 8, 12, 16, 17, 33):
        yield "FIXED", {"width": width}
    for name in ("INT_8", "INT_16", "INT_32", "UINT_8", "UINT_16", "UINT_32", "DATE", "TIME_MILLIS", "UTF8"):
        yield "INT32", {"converted": name}
    for name in ("INT_64", "UINT_64", "TIME_MICROS", "TIMESTAMP_MILLIS", "TIMESTAMP_MICROS"):
        yield "INT64", {"converted": name}
    for name in ("UTF8", "ENUM", "JSON", "BSON"):
        yield "BYTE_ARRAY", {"converted": name}
        yield "BYTE_ARRAY", {"converted": "UTF8", "logical": "STRING" if name == "UTF8" else name}
        yield "FIXED", {"width": 5, "converted": name}  # which counts for nothing
    for name in ("GEOMETRY", "GEOGRAPHY", "FILE"):
        yield "BYTE_ARRAY", {"logical": name}
    for width, name in ((12, "INTERVAL"), (16, "UUID"), (2, "FLOAT16")):
        for has in (width, 7):
            yield "FIXED", {"width": has, "converted" if name == "INTERVAL" else "logical": name}
    yield "FIXED", {"width": 12, "converted": "INTERVAL", "logical": "UNKNOWN"}  # parquet-java
    for bits in (8, 16, 32, 64):
        for sign in (True, False):
            yield "INT64" if bits == 64 else "INT32", {"logical": ("INTEGER", {"bits": bits, "signed": sign})}
    yield "INT32", {"logical": "DATE"}
    for unit in ("ms", "us", "ns"):
        for utc in (True, False):
            yield "INT32" if unit == "ms" else "INT64", {"logical": ("TIME", {"utc": utc, "unit": unit})}
            yield "INT64", {"logical": ("TIMESTAMP", {"utc": utc, "unit": unit})}
            yield "FIXED", {"width": 12, "logical": ("TIMESTAMP", {"utc": utc, "unit": unit})}
            yield "FIXED", {"width": 8, "logical": ("TIMESTAMP", {"utc": utc, "unit": unit})}
    for precision, scale in ((9, 2), (5, 5), (18, 3), (38, 10), (76, 20), (200, 100)):
        widths = [("FIXED", {"width": width}) for width in (1, 2, 4, 7, 8, 11, 15, 16, 17, 20, 32)]
        for physical, how in [("INT32", {}), ("INT64", {}), ("BYTE_ARRAY", {}), ("DOUBLE", {}), *widths]:
            yield physical, {**how, "converted": "DECIMAL", "precision": precision, "scale": scale}
            yield physical, {**how, "logical": ("DECIMAL", {"precision": precision, "scale": scale})}


KINDS = list(leaf_kinds())


def random_node(rng, name, depth, mode=None):
    mode = mode or rng.choices("ro*", [3, 5, 1])[0]
    shape = rng.random() if depth > 0 else 0
    below = lambda names, modes=None: random_node(rng, rng.choice(names), depth - 1, rng.choice(modes) if modes else None)  # noqa: E731
    if shape < 0.55:
        physical, how = rng.choice(KINDS)
        return Node(name, mode, physical, **how)
    if shape < 0.8:
        inner = [below(["element", "item", "array"], "ro")] if rng.random() < 0.7 else [below(NAMES) for _ in range(rng.randint(1, 3))]
        called = rng.choice(["list", "bag", "array", name + "_tuple"])
        repeated = Node(called, "*", children=inner) if rng.random() < 0.8 else below(["element", "array"], "*")
        converted, logical = rng.choice([("LIST", None), (None, "LIST"), ("LIST", "LIST")])
        return Node(name, mode, converted=converted, logical=logical, children=[repeated])
    if shape < 0.9:
        inner = [random_node(rng, "key", 0, rng.choice("rro")), below(["value", "v"], "ro*")][: rng.choice([1, 2, 2])]
        entries = Node(rng.choice(["key_value", "map"]), "*", children=inner, converted=rng.choice([None, "MAP_KEY_VALUE"]))
        converted, logical = rng.choice([("MAP", None), (None, "MAP"), ("MAP", "MAP"), ("MAP_KEY_VALUE", None)])
        return Node(name, mode, converted=converted, logical=logical, children=[entries])
    converted = rng.choice(["LIST", "MAP", None, None, None])
    return Node(name, mode, converted=converted, children=[below(NAMES) for _ in range(rng.randint(1, 3))])


def random_integer(rng, bits):
    most = (1 << bits - 1) - 1
    return rng.choice([rng.randint(-5, 100), 0, -1, most, -most - 1, rng.randint(-most - 1, most) >> rng.randint(0, bits - 1)])


def random_real(rng, single):
    value = rng.choice([0.0, -0.0, 1.5, 1e16, 1e15, 1e-4, 1e-5, round(rng.uniform(-99, 99), 2), rng.uniform(-1, 1), rng.gauss(0, 1) * 10.0 ** rng.randint(-37, 37)])
    value = rng.choice([value] * 6 + [float("nan"), float("inf"), -float("inf")])
    return struct.unpack("<f", struct.pack("<f", value))[0] if single else value


def random_bytes(rng, leaf):
    if meaning(leaf)[0] == "DECIMAL":
        return rng.randbytes(rng.choice([0, 1, 2, 3, 4, 7, 8, 9, 12, 16, 17, 40]))
    text = rng.choice(["", "a", "Æ", "hello", "hello world", "x" * 50, 'tab\t"q\\', "\0", "漢字", "😀", "\x1f\x7f"])
    text += str(rng.randint(0, 30)) if rng.random() < 0.5 else ""
    return rng.choice([text.encode()] * 12 + [b"\xff\xfe" + rng.randbytes(3)])


def random_value(rng, leaf):
    if leaf.type == "BOOLEAN":
        return rng.random() < 0.5
    if leaf.type in ("INT32", "INT64"):
        return random_integer(rng, int(leaf.type[3:]))
    if leaf.type in ("FLOAT", "DOUBLE"):
        return random_real(rng, leaf.type == "FLOAT")
    if leaf.type == "INT96":
        wild = rng.random() < 0.2
        day = rng.randint(-(2**31), 2**31 - 1) if wild else rng.randint(2440000, 2470000)
        return struct.pack("<qi", random_integer(rng, 64) if wild else rng.randint(0, 86400 * PER_SECOND["ns"] - 1), day)
    if leaf.type == "FIXED":
        return rng.choice([rng.randbytes(leaf.width), bytes(leaf.width)])
    return random_bytes(rng, leaf)


def random_field(rng, node, nulls):
    def one():
        return random_value(rng, node) if node.children is None else [random_field(rng, child, nulls) for child in node.children]

    if node.mode == "*":
        return [one() for _ in range(rng.choice([0, 0, 1, 2, 3, 12]))]
    return None if node.mode == "o" and rng.random() < nulls else one()


def random_file(seed):
    rng = random.Random(seed)
    schema = root(*(random_node(rng, rng.choice(NAMES), rng.choice([0, 0, 1, 3])) for _ in range(rng.choice([0, 1, 1, 2, 3, 5]))))
    nulls = rng.choice([0, 0.1, 0.5, 0.9, 1])
    rows = [[random_field(rng, column, nulls) for column in schema.children] for _ in range(rng.choice([0, 1, 2, 7, 8, 9, 60, 300]))]
    if rng.random() < 0.3:
        rows = [rng.choice(rows[: len(rows) // 5 + 1]) for _ in rows]
    chance = lambda share: rng.random() < share  # noqa: E731
    ways = Ways(
        v2=rng.choice([None, True, False]), mixed=chance(0.4), empty_pages=chance(0.3), empty_groups=chance(0.15),
        rows_in_pieces=chance(0.2), bit_packed_levels=chance(0.3), index_pages=chance(0.1), crc=chance(0.3), long_ids=chance(0.1),
    )  # fmt: skip
    ways.offset_index = not ways.rows_in_pieces and chance(0.3)
    ways.column_index, ways.statistics = ways.offset_index and chance(0.7), chance(0.5)
    ways.orders = [3 if leaf.type == "INT96" else 1 for leaf in schema.leaves()] if chance(0.8) else None
    return schema, rows, file_bytes(schema, rows, rng, ways)


def is_text_bad(schema, rows):
    """Whether there is text that is not UTF-8, by its canonical form."""
    return b'{"$invalid_utf8":' in canonical(schema, rows)


@pytest.mark.parametrize("first", range(0, 4))
def test_random_files_give_their_rows_and_are_sound(tmp_path, first):
    path = tmp_path / "file.parquet"
    for seed in range(first * 100000, first * 100000 + FILES_EACH):
        schema, rows, data = random_file(seed)
        path.write_bytes(data)
        done = run("cat", "--format", "canonical", path)
        assert done.returncode == 0, (seed, done.stderr)
        assert done.stdout == canonical(schema, rows), seed
        done = run("verify", path)
        assert done.returncode == (3 if is_text_bad(schema, rows) else 0), (seed, done.stdout, done.stderr)
        assert run("count", path).stdout.split() == [b"%d" % len(rows)], seed


# Those of their own.


def write(path, schema, rows, **ways):
    path.write_bytes(file_bytes(schema, rows, ways=Ways(**{"codecs": ["NONE"], "encodings": ["PLAIN"], "v2": False, **ways})))
    return path


def bounded(memory):
    return None if "asan" in COMMAND.parts else lambda: resource.setrlimit(resource.RLIMIT_AS, (memory, memory))


def columns_of(path, *names):
    done = run("cat", "--format", "arrows", "--columns", ",".join(names), path)
    assert done.returncode == 0, done.stderr
    return ipc.open_stream(done.stdout).read_all()


def test_a_column_is_not_another_whose_name_begins_with_it_and_a_dot(tmp_path):
    schema = root(Node("a.b", "r", "INT32"), Node("a", "r", "INT32"), Node("", "r", children=[Node("c", "r", "INT32")]), Node("c", "r", "INT32"))
    path = write(tmp_path / "dots.parquet", schema, [[1, 2, [3], 4]])
    assert columns_of(path, "a").to_pylist() == [{"a": 2}]
    assert columns_of(path, "a.b").to_pylist() == [{"a.b": 1}]
    assert columns_of(path, "c").to_pylist() == [{"c": 4}]
    assert columns_of(path, ".c").to_pylist() == [{"": {"c": 3}}]


@pytest.mark.parametrize("how", ["block", "frame", "hadoop", "pieces", "parts"])
def test_lz4_of_old_is_read_whatever_is_around_its_blocks(tmp_path, how, monkeypatch):
    schema, rows = root(Node("a", "r", "INT64")), [[i] for i in range(100)]
    monkeypatch.setattr("parquet_bytes.compressed", lambda codec, data, rng: lz4_of_old(data, how, 100))
    path = write(tmp_path / "lz4.parquet", schema, rows, codecs=["LZ4"])
    assert run("cat", "--format", "canonical", path).stdout == canonical(schema, rows)


def test_times_in_int96_beyond_nanoseconds_need_a_coarser_unit(tmp_path):
    """As Spark and Hive wrote them: 9999-12-31, and the first day of the year 1."""
    schema = root(Node("t", "o", "INT96"))
    rows = [[struct.pack("<qi", 86399999999000, 5373484)], [None], [struct.pack("<qi", 0, 1721426)]]
    path = write(tmp_path / "int96.parquet", schema, rows)
    done = run("cat", path)
    assert done.returncode == 3 and b"--int96 us" in done.stderr
    done = run("cat", "--int96", "us", path)
    assert done.stdout.splitlines() == [b'{"t":"9999-12-31T23:59:59.999999"}', b'{"t":null}', b'{"t":"0001-01-01T00:00:00.000000"}']
    assert run("schema", "--int96", "ms", path).stdout == b"t: timestamp[ms]\n"
    assert run("count", "--int96", "us", "--where", "t > timestamp '9000-01-01 00:00:00'", path).stdout == b"1\n"


@pytest.mark.parametrize("v2", [False, True])
def test_dictionaries_of_booleans_are_read(tmp_path, v2, monkeypatch):
    """As parquet-go writes them when it is told to."""
    monkeypatch.setattr("parquet_bytes.stored", lambda leaf, value: value)
    schema, rows = root(Node("a", "o", "BOOLEAN")), [[[True, False, None][i * i % 3 if i % 7 else 2]] for i in range(9000)]
    path = write(tmp_path / "bools.parquet", schema, rows, encodings=["DICTIONARY"], v2=v2, page_entries=(5000,))
    assert run("cat", "--format", "canonical", path).stdout == canonical(schema, rows)
    assert run("verify", path).returncode == 0
    assert columns_of(path, "a")["a"].to_pylist() == [row[0] for row in rows]
    assert run("count", "--where", "a = true", path).stdout == b"%d\n" % rows.count([True])


def test_columns_of_one_name_are_shown_beside_each_other(tmp_path):
    path = write(tmp_path / "names.parquet", root(Node("a", "r", "INT32"), Node("a", "r", "INT32")), [[1, 2]])
    assert run("head", path).stdout.splitlines()[-2].split() == [b"1", b"2"]
    assert run("head", "--json", path).returncode == 3


def test_pages_without_values_count_in_a_chunk_also_at_its_end(tmp_path):
    """They are counted in the sizes, and an index tells of them."""
    schema, rows = root(Node("a", "o", "INT32")), [[i] for i in range(20)]
    for seed in range(12):
        ways = Ways(empty_pages=True, offset_index=True, codecs=["NONE"], page_entries=(10,))
        path = tmp_path / f"{seed}.parquet"
        path.write_bytes(file_bytes(schema, rows, random.Random(seed), ways))
        done = run("verify", path)
        assert done.returncode == 0, (seed, done.stdout)


def test_bounds_of_long_values_are_not_kept_whole(tmp_path):
    """Values of 2 MiB in 40 pages: verify holds their first bytes against what the file tells, canonical prints them in pieces."""
    schema = root(Node("a", "r", "BYTE_ARRAY", converted="UTF8"))
    rows = [[("é\n%02d" % i).encode() * 400000] for i in range(40)]
    path = write(tmp_path / "long.parquet", schema, rows, page_entries=(1,))
    done = subprocess.run([COMMAND, "verify", path], capture_output=True, preexec_fn=bounded(100 << 20))
    assert done.returncode == 0, done.stderr
    assert run("cat", "--format", "canonical", path).stdout == canonical(schema, rows)


def test_a_dictionary_that_makes_much_of_few_bytes_is_printed_in_bounded_memory(tmp_path):
    """A value of 1 MiB, 600 times: 1,200 MiB of text, a few rows at a time."""
    schema, rows = root(Node("a", "r", "BYTE_ARRAY")), [[b"x" * (1 << 20)]] * 600
    path = write(tmp_path / "much.parquet", schema, rows, encodings=["DICTIONARY"], codecs=["ZSTD"])
    words = [COMMAND, "cat", "--format", "canonical", path]
    done = subprocess.run(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, preexec_fn=bounded(256 << 20))
    assert done.returncode == 0, done.stderr


def test_dictionaries_beneath_nulls_alone_have_a_value_for_their_indices(tmp_path):
    """A required field of structs that are all null has slots, and no value."""
    for value in (pa.array(["x"]), pa.array([1], pa.int64()), pa.array([b"abcde"], pa.binary(5))):
        beneath = pa.DictionaryArray.from_arrays(pa.array([0, 0, 0], pa.int32()), value)
        field = pa.field("d", beneath.type, nullable=False)
        path = tmp_path / "null.parquet"
        pq.write_table(pa.table({"s": pa.StructArray.from_arrays([beneath], fields=[field], mask=pa.array([True] * 3))}), path)
        got = columns_of(path, "s")
        got.validate(full=True)
        assert got.schema.field("s").type.field("d") == field
        assert got["s"].to_pylist() == [None] * 3


def shredded_array(element_mode):
    pair = [Node("value", "o", "BYTE_ARRAY"), Node("typed_value", "o", "INT32", converted="INT_32")]
    element = Node("element", element_mode, children=pair)
    array = Node("typed_value", "o", logical="LIST", children=[Node("list", "*", children=[element])])
    return root(Node("v", "o", logical="VARIANT", children=[Node("metadata", "r", "BYTE_ARRAY"), Node("value", "o", "BYTE_ARRAY"), array]))


def test_elements_of_a_shredded_array_may_be_null_groups(tmp_path):
    metadata = b"\x01\x00\x00"
    for mode, missing in (("r", [[None, None]]), ("o", [None])):
        rows = [[[metadata, None, [[[[None, 7]], missing, [[b"\x0c\x05", None]]]]]]]
        path = write(tmp_path / f"{mode}.parquet", shredded_array(mode), rows)
        done = run("cat", "--format", "canonical", path)
        assert (done.returncode, done.stdout) == (0, b'{"v":[7,null,5]}\n'), done.stderr


# Floats in ALP: values of few digits, of many, none of them whole; NaNs of their own bits; page by page and in pieces.


def alp_values(rng, single):
    values = [round(rng.uniform(-10, 10), rng.choice([0, 2, 4])) for _ in range(3000)]
    for i in range(0, 3000, 7):
        values[i] = rng.choice([random_real(rng, single), 5e-324, 1e-45, rng.uniform(-8e18, 8e18)])
    values[1000:1500] = [7.77] * 500
    return [struct.unpack("<f", struct.pack("<f", v))[0] for v in values] if single else values


def bits_of(path, *words):
    done = run("cat", "--format", "arrows", *words, path)
    assert done.returncode == 0, done.stderr
    columns = ipc.open_stream(done.stdout).read_all().combine_chunks().columns
    return [(column.is_null().to_pylist(), column.fill_null(0).to_numpy().tobytes()) for column in columns]


@pytest.mark.parametrize("physical", ["FLOAT", "DOUBLE"])
def test_floats_in_alp_are_those_in_plain(tmp_path, physical):
    rng = random.Random(5)
    schema = root(Node("x", "o", physical), Node("id", "r", "DOUBLE"))
    rows = [[None if rng.random() < 0.1 else value, float(i)] for i, value in enumerate(alp_values(rng, physical == "FLOAT"))]
    for number, ways in enumerate([{"page_entries": (700,)}, {"page_entries": (100000,), "v2": True}, {"group_rows": (1000,), "codecs": ["ZSTD"]}]):
        alp = write(tmp_path / f"alp{number}.parquet", schema, rows, encodings=["ALP", "PLAIN"], mixed=True, **ways)
        plain = write(tmp_path / "plain.parquet", schema, rows)
        wheres = ["id in (5, 699, 700, 1401, 2999)", "id > 2500", "x > 7.76 and x < 7.78", "x is null"]
        for words in [[], *(["--where", where] for where in wheres), ["--offset", "1234", "--limit", "77"]]:
            assert bits_of(alp, *words) == bits_of(plain, *words), words
        assert run("verify", alp).returncode == 0
        assert b"ALP" in run("inspect", alp).stdout


def test_alp_of_a_kind_to_come_is_named(tmp_path):
    path = tmp_path / "mode.parquet"
    data = file_bytes(root(Node("x", "r", "DOUBLE")), [[1.5], [2.5]], ways=Ways(["NONE"], ["ALP"], page_entries=(9,), v2=False))
    at = data.index(b"\2\0\0\0") - 3  # two values, said in the header of ALP
    path.write_bytes(data[:at] + b"\1" + data[at + 1 :])
    done = run("cat", path)
    assert done.returncode != 0 and b"ALP data: mode 1" in done.stderr and b"column x" in done.stderr, done.stderr


def test_alp_is_for_floats_alone(tmp_path):
    path = tmp_path / "ints.parquet"
    schema = root(Node("x", "r", "INT64"))
    path.write_bytes(file_bytes(schema, [[1]], ways=Ways(codecs=["NONE"], encodings=["BYTE_STREAM_SPLIT"], v2=True)))
    data = path.read_bytes()
    head = data.index(b"\x15\x02\x15\x00\x15\x02\x15\x12")  # one value, no nulls, one row, the encoding
    path.write_bytes(data[: head + 7] + b"\x14" + data[head + 8 :])
    done = run("cat", path)
    assert done.returncode != 0 and b"INT64 in encoding 10 (ALP)" in done.stderr, done.stderr


def test_long_strings_of_a_dictionary_take_their_room_once(tmp_path):
    """A gigabyte of them, by a thousand indices: to be verified, and to be written from Arrow's own dictionaries, as text too."""
    table = pa.table({"s": pa.DictionaryArray.from_arrays(pa.array([0, 1] * 500, pa.int32()), ["x" * 10**6, "y" * 10**6])})
    with ipc.new_file(tmp_path / "s.arrow", table.schema) as writer:
        writer.write_table(table)
    pq.write_table(table, tmp_path / "s.parquet", store_schema=False)
    as_csv = ["put", "s.arrow", "-", "--to", "csv"]
    for words in (["verify", "s.parquet"], ["put", "s.arrow", "t.parquet"], ["verify", "t.parquet"], as_csv):
        done = subprocess.run(
            [COMMAND, *words], cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, timeout=120, preexec_fn=bounded(700 << 20)
        )
        assert done.returncode == 0, (words, done.stderr)
    assert pq.read_table(tmp_path / "t.parquet").equals(table)
