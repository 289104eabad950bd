"""What the format got lately, in files made byte by byte (parquet_bytes.py): types, column orders, and what may be left out."""
import json
import random
import struct

import lamella_c as lamella
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from parquet_bytes import PER_SECOND, Node, Ways, canonical, file_bytes, root
from test_parquet_bytes import run

PLAIN = {"codecs": ["NONE"], "encodings": ["PLAIN"], "v2": False}
BOUNDS = {"offset_index": True, "column_index": True, "statistics": True}


def write(path, schema, rows, **ways):
    path.write_bytes(file_bytes(schema, rows, random.Random(1), Ways(**{**PLAIN, **ways})))
    return path


def wide(count):
    return count.to_bytes(12, "little", signed=True)


def time96(name, unit="ns", utc=True, mode="o", width=12):
    return Node(name, mode, "FIXED", width, logical=("TIMESTAMP", {"utc": utc, "unit": unit}))


def pruned(path, where, **settings):
    """The rows for which it is true, which pruning does not change, and the counts of what was passed over."""
    counts = lamella.ReadCounts()
    got = lamella.read_parquet(path, where=where, counts=counts, **settings)
    assert got.equals(lamella.read_parquet(path, where=where, no_pruning=True, **settings)), where
    return got, counts


# Timestamps of 12 bytes.

SECONDS = [0, 1, -1, 9223372036, 253402300799, -62135596800]  # those of parquet-testing's flba12_timestamp.parquet


@pytest.mark.parametrize("encoding", ["PLAIN", "DICTIONARY", "DELTA_BYTE_ARRAY", "BYTE_STREAM_SPLIT"])
@pytest.mark.parametrize("utc", [True, False])
def test_timestamps_of_12_bytes_are_timestamps(tmp_path, encoding, utc):
    schema = root(*(time96(unit, unit, utc) for unit in PER_SECOND), Node("l", "r", logical="LIST", children=[
        Node("list", "*", children=[time96("element", "us", utc)])]))  # fmt: skip
    rows = [[*(wide(s * PER_SECOND[unit]) for unit in PER_SECOND), [[[wide(s * 10**6)], [None]]]] for s in SECONDS]
    path = write(tmp_path / "wide.parquet", schema, [*rows, [None, None, None, [[]]]], encodings=[encoding], orders=[1] * 4, **BOUNDS)
    assert run("cat", "--format", "canonical", path).stdout == canonical(schema, [*rows, [None, None, None, [[]]]])
    assert run("verify", path).returncode == 0
    zone = "UTC" if utc else None
    got = lamella.read_parquet(path, columns=["ms", "us", "l"])
    assert got.schema.types == [pa.timestamp("ms", zone), pa.timestamp("us", zone), pa.list_(pa.timestamp("us", zone))]
    assert got["ms"].cast(pa.int64()).to_pylist() == [*(s * 1000 for s in SECONDS), None]
    assert got["l"].cast(pa.list_(pa.int64())).to_pylist() == [*([s * 10**6, None] for s in SECONDS), []]
    with pytest.raises(pa.ArrowInvalid, match="column ns, page .*: a time of 96 bits .* --int96 us"):
        lamella.read_parquet(path, columns=["ns"])
    for unit in ("us", "ms"):
        got = lamella.read_parquet(path, columns=["ns", "ms"], int96_per_second=PER_SECOND[unit])
        assert got.schema.types == [pa.timestamp(unit, zone), pa.timestamp("ms", zone)]
        assert got["ns"].cast(pa.int64()).to_pylist() == [*(s * PER_SECOND[unit] for s in SECONDS), None]


def test_a_coarser_unit_of_12_bytes_rounds_down(tmp_path):
    path = write(tmp_path / "fine.parquet", root(time96("t")), [[wide(n)] for n in (1999, -1, -1000, -1001)])
    assert lamella.read_parquet(path, int96_per_second=10**6)["t"].cast(pa.int64()).to_pylist() == [1, -1, -1, -2]
    assert run("cat", "--int96", "us", path).stdout.splitlines()[1] == b'{"t":"1969-12-31T23:59:59.999999Z"}'


def test_fixed_bytes_of_another_width_are_no_timestamps(tmp_path):
    schema = root(time96("a", width=8), Node("b", "r", "INT32"))
    path = write(tmp_path / "narrow.parquet", schema, [[b"12345678", 1]])
    assert lamella.read_parquet(path).to_pylist() == [{"a": b"12345678", "b": 1}]
    assert run("cat", "--format", "canonical", path).stdout == canonical(schema, [[b"12345678", 1]])


@pytest.mark.parametrize("encoding", ["PLAIN", "DICTIONARY"])
def test_bounds_of_12_bytes_compare_as_numbers(tmp_path, encoding):
    """The bytes would say -1 > 256 > 255."""
    schema = root(time96("t", "us"), Node("i", "r", "INT32"))
    rows = [[wide(i), i] for i in range(-1000, 1000)]
    ways = {"encodings": [encoding], "page_entries": (50,), "group_rows": (500,), **BOUNDS}
    for orders, skips in (([1, 1], True), ([3, 1], False), (None, False)):
        path = write(tmp_path / "bounds.parquet", schema, rows, orders=orders, **ways)
        assert run("verify", path).returncode == 0
        got, counts = pruned(path, "t >= '1970-01-01 00:00:00.000255Z' and t < '1970-01-01 00:00:00.000258Z'")
        assert got["i"].to_pylist() == [255, 256, 257]
        assert (counts.row_groups_by_statistics == 3) == skips
        got, counts = pruned(path, "t = '1969-12-31 23:59:59.999Z'")
        assert got["i"].to_pylist() == [-1000] and (counts.row_groups_by_statistics == 3) == skips
        got, counts = pruned(path, "t > '1970-01-01 00:00:00Z'", int96_per_second=1000)
        assert len(got) == 0 and (counts.row_groups_by_statistics == 4) == skips


def test_bounds_beyond_64_bits_hide_no_error(tmp_path):
    schema = root(time96("t"))
    path = write(tmp_path / "far.parquet", schema, [[wide(0)], [wide(1 << 70)]], orders=[1], **BOUNDS)
    for pruning in (False, True):
        with pytest.raises(pa.ArrowInvalid, match="a time of 96 bits"):
            lamella.read_parquet(path, where="t > '2000-01-01 00:00:00Z'", no_pruning=not pruning)
    got, _ = pruned(path, "t > '2000-01-01 00:00:00Z'", int96_per_second=10**6)
    assert len(got) == 1


def test_files_with_timestamps_of_12_bytes_are_merged(tmp_path):
    schema = root(time96("t"))
    parts = [write(tmp_path / f"{i}.parquet", schema, [[wide(i + 1)], [None]], orders=[1], **BOUNDS) for i in range(2)]
    narrow = write(tmp_path / "narrow.parquet", root(Node("t", "o", "INT64", logical=("TIMESTAMP", {"utc": True, "unit": "ns"}))), [[7]], orders=[1])
    out = tmp_path / "out.parquet"
    assert run("merge", *parts, out).returncode == 0 and run("verify", out).returncode == 0
    assert run("schema", "--format", "parquet", out).stdout.splitlines()[1] == b"  optional fixed_len_byte_array(12) t (TIMESTAMP(NANOS,true));"
    assert lamella.read_parquet(out)["t"].cast(pa.int64()).to_pylist() == [1, None, 2, None]
    done = run("merge", *parts, narrow, tmp_path / "mixed.parquet")
    assert done.returncode == 3 and b"--rewrite" in done.stderr
    assert run("merge", "--rewrite", *parts, narrow, tmp_path / "mixed.parquet").returncode == 0
    assert lamella.read_parquet(tmp_path / "mixed.parquet")["t"].cast(pa.int64()).to_pylist() == [1, None, 2, None, 7]


def test_a_false_bound_of_12_bytes_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr("parquet_bytes.order_of", lambda leaf: lambda value: value)  # as bytes, which it is not
    path = write(tmp_path / "false.parquet", root(time96("t")), [[wide(n)] for n in (255, 256)], orders=[1], statistics=True)
    done = run("verify", path)
    assert done.returncode == 3 and b"there is the value 1970-01-01T00:00:00.000000256Z" in done.stdout + done.stderr


def test_timestamps_of_12_bytes_are_no_tables(tmp_path):
    (tmp_path / "d").mkdir()
    write(tmp_path / "d" / "1.parquet", root(time96("t", "us")), [[wide(1)]])
    done = run("convert", tmp_path / "d")
    assert done.returncode == 3 and b"column t has times of 12 bytes" in done.stderr


# INT96_TIMESTAMP_ORDER.

DAY = 86400 * 10**9
EPOCH = 2440588


def int96(day, nanos):
    return struct.pack("<qi", nanos, EPOCH + day)


def test_the_order_of_int96_is_verified_and_told(tmp_path):
    """The values of parquet-testing's int96_timestamp_order.parquet, whose bytes are in another order."""
    rows = [[int96(*at)] for at in ((0, DAY - 1), (1, 0), (-588, 123), (0, 1000))]
    path = write(tmp_path / "order.parquet", root(Node("ts", "r", "INT96")), rows, orders=[3], page_entries=(2,), **BOUNDS)
    assert run("verify", path).returncode == 0
    told = json.loads(run("inspect", "--json", path).stdout)
    assert told["columns"][0]["order"] == "INT96_TIMESTAMP_ORDER"
    assert told["row_groups"][0]["columns"][0]["statistics"]["min"] == "1968-05-23T00:00:00.000000123"
    assert told["row_groups"][0]["columns"][0]["statistics"]["max"] == "1970-01-02T00:00:00.000000000"
    assert b"INT96_TIMESTAMP_ORDER" in run("inspect", path).stdout


def test_false_bounds_of_int96_are_told_where_they_have_an_order(tmp_path, monkeypatch):
    monkeypatch.setattr("parquet_bytes.order_of", lambda leaf: lambda value: value)
    rows = [[int96(0, 256)], [int96(0, 1)]]
    for order, status in ((3, 3), (1, 0)):
        path = write(tmp_path / "false.parquet", root(Node("ts", "r", "INT96")), rows, orders=[order], statistics=True)
        assert run("verify", path).returncode == status


def test_bounds_of_int96_are_believed_within_one_day(tmp_path):
    """Nanoseconds may be of more than a day: (1, -1) is before (0, DAY + 1), which comes first in that order."""
    schema = root(Node("t", "r", "INT96"), Node("i", "r", "INT32"))
    days = [[int96(0, hour * DAY // 24 + day * DAY), 0] for day in (0, 1) for hour in range(24)]
    odd = [[int96(0, 0), 1], [int96(1, -3 * DAY), 2], [int96(0, 5 * DAY), 3], [int96(3, 0), 4]]
    rows = days + [[int96(0, -5), 5]] * 24 + odd * 6
    for order, skipped in ((3, 3), (1, 0), (None, 0)):
        path = write(tmp_path / "days.parquet", schema, rows, orders=order and [order, 1], group_rows=(24,), page_entries=(6,), **BOUNDS)
        assert run("verify", path).returncode == 0
        for unit in (0, 10**6):
            got, counts = pruned(path, "t < '1969-12-31 00:00:00'", int96_per_second=unit)
            assert got["i"].to_pylist() == [2] * 6 and counts.row_groups_by_statistics == skipped
            got, counts = pruned(path, "t > '1970-01-05 00:00:00'", int96_per_second=unit)
            assert got["i"].to_pylist() == [3] * 6
            got, counts = pruned(path, "t = '1970-01-01 00:00:00'", int96_per_second=unit)
            assert got["i"].to_pylist() == [0, *[1] * 6]


# What is not known spoils no other column.


def of_the_future():
    """A column of physical type 9, one of 8 in a struct, and a group that is repeated in a way 3, as VECTOR is to be."""
    vector = Node("list", "r", repetition=3, children=[Node("element", "r", "FLOAT")])
    return root(
        Node("a", "o", "INT32"), Node("x", "o", "INT32", number=9), Node("s", "o", children=[Node("b", "r", "INT32"), Node("y", "r", "INT32", number=8)]),
        Node("v", "o", logical=20, children=[vector]),
    )  # fmt: skip


REFUSED = {"x": b"column x: its physical type 9", "s": b"column s.y: its physical type 8", "v": b"column v.list.element: its repetition type 3"}


def test_columns_of_unknown_types_leave_the_others_readable(tmp_path):
    rows = [[1, 2, [3, 4], [[5.0]]], [None, None, None, None]]
    path = write(tmp_path / "future.parquet", of_the_future(), rows, orders=[1] * 5, **BOUNDS)
    assert run("count", path).stdout == b"2\n"
    assert run("schema", "--format", "parquet", path).stdout.decode().splitlines()[2:8] == [
        "  optional unknown(9) x;", "  optional group s {", "    required int32 b;", "    required unknown(8) y;", "  }",
        "  optional group v (unknown(20)) {",
    ]  # fmt: skip
    assert b"    unknown(3) group list {" in run("schema", "--format", "parquet", path).stdout
    assert run("schema", path).stdout.splitlines()[1] == b"x: extension<arrow.opaque: binary>"
    told = json.loads(run("inspect", "--pages", "--json", path).stdout)["columns"]
    assert [(c["physical"], c.get("physical_number")) for c in told] == [("INT32", None), ("?", 9), ("INT32", None), ("?", 8), ("FLOAT", None)]
    assert lamella.read_parquet(path, columns=["a", "s.b"]).to_pylist() == [{"a": 1, "s": {"b": 3}}, {"a": None, "s": None}]
    assert pruned(path, "a = 1", columns=["a"])[0].to_pylist() == [{"a": 1}]
    assert lamella.read_parquet(path, columns=["a"], where="s is null").to_pylist() == [{"a": None}]  # s.b tells it
    for column, words in REFUSED.items():
        done = run("cat", "--columns", column, path)
        assert done.returncode == 1 and words in done.stderr and b"--columns" in done.stderr
        for where in (f"{column} is null", f"{column} is not null") if column != "s" else ():
            done = run("cat", "--columns", "a", "--where", where, path)
            assert done.returncode == 1 and words in done.stderr
    for where in ("x = x'02000000'", "x > x'09'", "not (x = x'')"):
        for pruning in (False, True):
            with pytest.raises(pa.ArrowException, match="column x: its physical type 9"):
                lamella.read_parquet(path, columns=["a"], where=where, no_pruning=not pruning)
    for command in (["cat"], ["cat", "--format", "canonical"], ["verify"]):
        done = run(*command, path)
        assert done.returncode == 1 and REFUSED["x"] in done.stderr


def test_columns_of_unknown_types_are_carried_over_by_merges(tmp_path):
    schema, rows = root(Node("a", "o", "INT32"), Node("x", "o", "INT32", number=9)), [[1, 2], [None, None]]
    parts = [write(tmp_path / f"{i}.parquet", schema, rows, orders=[1, 1], **BOUNDS) for i in range(2)]
    known = write(tmp_path / "known.parquet", root(Node("a", "o", "INT32"), Node("x", "o", "INT32")), rows, orders=[1, 1])
    lacking = write(tmp_path / "lacking.parquet", root(Node("a", "o", "INT32")), [[7]], orders=[1])
    assert run("merge", *parts, lacking, tmp_path / "out.parquet").returncode == 0
    assert lamella.read_parquet(tmp_path / "out.parquet", columns=["a"])["a"].to_pylist() == [1, None, 1, None, 7]
    told = json.loads(run("inspect", "--json", tmp_path / "out.parquet").stdout)
    assert told["columns"][1]["physical_number"] == 9 and told["row_groups"][2]["columns"][1]["values"] == 1
    assert run("merge", *parts, known, tmp_path / "mixed.parquet").returncode == 3
    done = run("merge", "--rewrite", *parts, tmp_path / "new.parquet")
    assert done.returncode == 1 and b"column x is of a type that is not written here" in done.stderr


def test_columns_of_unknown_types_are_no_tables(tmp_path):
    (tmp_path / "d").mkdir()
    write(tmp_path / "d" / "1.parquet", of_the_future(), [[1, 2, [3, 4], [[5.0]]]])
    done = run("convert", tmp_path / "d")
    assert done.returncode == 3 and b"column x is of a type that is not known here" in done.stderr


def test_lists_of_groups_without_columns_are_passed_over(tmp_path):
    """Nothing is stored of them. Groups without columns among others are structs without fields."""
    nothing = lambda name: Node(name, "*", children=[])  # noqa: E731
    schema = root(
        Node("a", "o", "INT32"), Node("l", "o", logical="LIST", children=[Node("list", "*", children=[Node("element", "r", children=[])])]),
        Node("s", "o", children=[Node("b", "r", "INT32"), nothing("r"), Node("e", "r", children=[])]),
        Node("m", "r", logical="MAP", children=[Node("kv", "*", children=[Node("key", "r", "INT32"), Node("value", "r", children=[nothing("r")])])]),
        Node("d", "r", logical="LIST", children=[Node("list", "*", children=[Node("c", "o", "INT32"), Node("e", "r", children=[])])]), nothing("n"),
    )  # fmt: skip
    rows = [[1, [[]], [3, [], []], [[[5, [[]]]]], [[[6, []], [None, []]]], []], [None, [[]], None, [[]], [[]], []]]
    path, again = (write(tmp_path / f"{i}.parquet", schema, rows, statistics=True) for i in range(2))
    want = [
        {"a": 1, "s": {"b": 3, "e": {}}, "m": [{"key": 5}], "d": [{"c": 6, "e": {}}, {"c": None, "e": {}}]},
        {"a": None, "s": None, "m": [], "d": []},
    ]
    assert lamella.read_parquet(path).to_pylist() == want
    assert pruned(path, "a = 1")[0].to_pylist() == want[:1]
    assert lamella.read_parquet(path, columns=["d", "s.b", "m.kv.key"]).select(["d", "m"]).to_pylist() == [
        {"d": row["d"], "m": row["m"]} for row in want
    ]
    assert run("cat", "--format", "canonical", path).stdout == canonical(schema, rows)
    assert run("verify", path).returncode == 0
    done = run("cat", "--columns", "l", path)
    assert done.returncode == 2 and b"there is no column 'l'" in done.stderr
    assert run("merge", path, again, tmp_path / "out.parquet").returncode == 0
    done = run("merge", "--rewrite", path, again, tmp_path / "new.parquet")
    assert done.returncode == 1 and b"a list of groups without columns" in done.stderr


def test_annotations_of_the_future_are_named(tmp_path):
    file = Node("f", "o", logical="FILE", children=[Node("path", "r", "BYTE_ARRAY", logical="STRING"), Node("size", "o", "INT64")])
    schema = root(file, Node("b", "r", "BYTE_ARRAY", logical=23), Node("c", "r", "BYTE_ARRAY", logical="FILE"))
    rows = [[[b"p", 4], b"\x01", b"\x02"], [None, b"", b""]]
    path = write(tmp_path / "names.parquet", schema, rows)
    assert lamella.read_parquet(path).to_pylist() == [{"f": {"path": "p", "size": 4}, "b": b"\x01", "c": b"\x02"}, {"f": None, "b": b"", "c": b""}]
    lines = run("schema", "--format", "parquet", path).stdout.decode().splitlines()
    assert lines[1] == "  optional group f (FILE) {" and lines[5:7] == ["  required binary b (unknown(23));", "  required binary c (FILE);"]
    told = json.loads(run("inspect", "--json", path).stdout)["columns"]
    assert [column.get("type") for column in told] == ["STRING", None, "unknown(23)", "FILE"]


# ColumnMetaData without path_in_schema.


def test_footers_may_leave_out_the_paths_of_columns(tmp_path):
    schema = root(Node("a", "o", "INT32"), Node("l", "o", logical="LIST", children=[Node("list", "*", children=[Node("element", "o", "INT64")])]))
    rows = [[i, [[[i], [None]]]] for i in range(100)]
    without, lacking = (tmp_path / name for name in ("without.parquet", "lacking.parquet"))
    for path, of, some in ((without, schema, rows), (lacking, root(schema.children[0]), [[7]])):
        write(path, of, some, paths=False, orders=[1] * len(of.leaves()), page_entries=(10,), **BOUNDS)
    schema.children[0].parent = schema
    assert run("cat", "--format", "canonical", without).stdout == canonical(schema, rows)
    assert run("verify", without).returncode == 0
    got, counts = pruned(without, "a = 7")
    assert got.to_pylist() == [{"a": 7, "l": [7, None]}] and counts.rows_filtered < 100
    told = json.loads(run("inspect", "--pages", "--json", without).stdout)
    assert [column["path"] for column in told["row_groups"][0]["columns"]] == ["a", "l.list.element"]
    out = tmp_path / "out.parquet"
    assert run("merge", without, lacking, out).returncode == 0 and run("verify", out).returncode == 0
    assert pq.read_table(out).to_pylist() == [*({"a": a, "l": [a, None]} for a, _ in rows), {"a": 7, "l": None}]  # now it has paths
