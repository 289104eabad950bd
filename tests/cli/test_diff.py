"""lamella diff: what differs between two tables."""
import json
import random

import pytest

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")


@pytest.fixture
def put(tmp_path):
    def call(name, table, **options):
        path = tmp_path / name
        if name.endswith(".arrow"):
            with pa.ipc.new_file(path, table.schema) as out:
                out.write_table(table)
        else:
            pq.write_table(table, path, **options)
        return name

    return call


@pytest.fixture
def diff(run):
    def call(*words):
        done = run("diff", *words)
        return done.stdout.decode().splitlines(), done.returncode

    return call


@pytest.fixture
def told(run):
    def call(*words):
        done = run("diff", *words, "--json")
        result = json.loads(done.stdout)
        assert done.returncode == result["exit"]
        return result

    return call


TABLE = pa.table({
    "id": [1, 2, 3, 4],
    "name": ["a", "b", None, "d"],
    "x": [1.0, float("nan"), 3.0, -0.0],
    "tags": [[1], [], None, [4, None]],
    "s": [{"k": 1}, None, {"k": None}, {"k": 4}],
    "raw": [b"\x00", b"\xff", None, b""],
    "kind": pa.array(["p", "q", "p", None]).dictionary_encode(),
})


def changed(table, row, column, value):
    values = table.column(column).to_pylist()
    values[row] = value
    at = table.schema.get_field_index(column)
    return table.set_column(at, table.schema.field(column), pa.array(values, table.schema.field(column).type))


def test_the_same_table_is_equal_however_it_is_stored(put, diff):
    put("a.parquet", TABLE)
    put("b.parquet", TABLE, row_group_size=1, compression="zstd", data_page_version="2.0", use_dictionary=False)
    put("c.arrow", TABLE)
    for other in ["a.parquet", "b.parquet", "c.arrow"]:
        assert diff("a.parquet", other) == ([], 0)
        assert diff("a.parquet", other, "--key", "id") == ([], 0)


@pytest.mark.parametrize("column,value,texts", [
    ("name", None, '"b" -> null'), ("name", "B", '"b" -> "B"'), ("x", 2.0, '"NaN" -> 2.0'),
    ("tags", None, "[] -> null"), ("tags", [1], "[] -> [1]"), ("s", {"k": 2}, 'null -> {"k":2}'),
    ("kind", "r", '"q" -> "r"'), ("raw", b"", '"/w==" -> ""'),
])
def test_one_value_that_differs_is_told_with_both(put, diff, column, value, texts):
    put("a.parquet", TABLE)
    put("b.parquet", changed(TABLE, 1, column, value))
    summary = "0 differences of columns; rows: 1 changed, 0 added, 0 removed"
    assert diff("a.parquet", "b.parquet") == ([f"~ row 1: {column}: {texts}", summary], 1)
    assert diff("a.parquet", "b.parquet", "--key", "id") == ([f'~ row 1 {{"id":2}}: {column}: {texts}', summary], 1)


def test_zeros_of_two_signs_differ(put, told):
    put("a.parquet", TABLE)
    put("b.parquet", changed(TABLE, 3, "x", 0.0))
    assert told("a.parquet", "b.parquet")["rows_changed"] == 1


def test_columns_are_compared_by_name(put, diff):
    put("a.parquet", pa.table({"a": [1], "b": ["x"], "c": [1.5]}))
    put("b.parquet", pa.table(
        {"c": [1.5], "a": pa.array([1], pa.int32()), "d": [True]},
        schema=pa.schema([pa.field("c", pa.float64(), False), ("a", pa.int32()), ("d", pa.bool_())])))
    lines, status = diff("a.parquet", "b.parquet")
    assert status == 1
    assert lines == [
        "~ column a: int64 -> int32",
        "- column b: utf8",
        "~ column c: nullable -> not null",
        "+ column d: bool",
        "~ columns: they stand in another order",
        "5 differences of columns; rows: 0 changed, 0 added, 0 removed",
    ]
    assert diff("a.parquet", "b.parquet", "--schema") == (lines, 1)


def test_rows_that_one_has_more(put, diff):
    put("a.parquet", TABLE.select(["id", "name"]))
    put("b.parquet", TABLE.select(["id", "name"]).slice(0, 2))
    assert diff("a.parquet", "b.parquet")[0][:2] == ['- row 2: {"id":3,"name":null}', '- row 3: {"id":4,"name":"d"}']
    assert diff("b.parquet", "a.parquet")[0][:2] == ['+ row 2: {"id":3,"name":null}', '+ row 3: {"id":4,"name":"d"}']


def test_rows_are_paired_by_keys(put, told):
    put("a.parquet", pa.table({"k": [1, 2, 3], "l": ["x", None, "x"], "v": [10, 20, 30]}))
    put("b.parquet", pa.table({"k": pa.array([3, 9, 2], pa.int8()), "l": ["x", "x", None], "v": [30, 90, 21]}))
    result = told("a.parquet", "b.parquet", "--key", "k,l")
    rows = [d for d in result["differences"] if d["kind"].startswith("row")]
    assert rows == [
        {"kind": "row_added", "row_b": 1, "key": {"k": 9, "l": "x"}, "row": {"k": 9, "l": "x", "v": 90}},
        {"kind": "row_changed", "row_a": 1, "row_b": 2, "key": {"k": 2, "l": None},
         "changes": [{"column": "v", "a": 20, "b": 21}]},
        {"kind": "row_removed", "row_a": 0, "key": {"k": 1, "l": "x"}, "row": {"k": 1, "l": "x", "v": 10}},
    ]


def test_keys_that_rows_share_are_refused(put, diff, run):
    put("a.parquet", pa.table({"k": [1, 2, 2]}))
    put("b.parquet", pa.table({"k": [1, 2]}))
    for words, name in ((["a.parquet", "b.parquet"], b"a.parquet"), (["b.parquet", "a.parquet"], b"a.parquet")):
        done = run("diff", *words, "--key", "k")
        assert done.returncode == 3
        assert name in done.stderr and b'{"k":2}' in done.stderr


def test_keys_against_a_model(put, told):
    random.seed(7)
    for _ in range(8):
        a = {random.randrange(400): random.randrange(3) for _ in range(300)}
        b = {k: v for k, v in a.items() if random.random() < 0.9} | {random.randrange(500): 1 for _ in range(20)}
        rows = list(b.items())
        random.shuffle(rows)
        put("a.parquet", pa.table({"k": list(a), "v": list(a.values())}), row_group_size=100)
        put("b.parquet", pa.table({"k": [k for k, _ in rows], "v": [v for _, v in rows]}), row_group_size=70)
        result = told("a.parquet", "b.parquet", "--key", "k", "--limit", "1000")
        assert result["rows_added"] == len(b.keys() - a.keys())
        assert result["rows_removed"] == len(a.keys() - b.keys())
        assert result["rows_changed"] == sum(a[k] != b[k] for k in a.keys() & b.keys())
        assert result["equal"] == (a == b)


def test_order_against_a_model(put, told):
    random.seed(8)
    for _ in range(5):
        n = random.randrange(2000, 5000)
        a = [random.choice([None, 1, 2, 3]) for _ in range(n)]
        b = [v if random.random() < 0.999 else random.choice([None, 9]) for v in a][:random.randrange(n - 5, n)]
        put("a.parquet", pa.table({"v": a}), row_group_size=777)
        put("b.parquet", pa.table({"v": b}), row_group_size=1000)
        result = told("a.parquet", "b.parquet", "--limit", "100000")
        want = [i for i, (x, y) in enumerate(zip(a, b)) if x != y]
        assert [d["row_a"] for d in result["differences"] if d["kind"] == "row_changed"] == want
        assert result["rows_removed"] == len(a) - len(b)


def test_the_limit_bounds_what_is_told_and_not_what_is_counted(put, told, diff):
    put("a.parquet", pa.table({"v": list(range(50))}))
    put("b.parquet", pa.table({"v": [-1 - i for i in range(50)]}))
    result = told("a.parquet", "b.parquet", "--limit", "3")
    assert len(result["differences"]) == 3 and result["rows_changed"] == 50
    assert diff("a.parquet", "b.parquet", "--brief") == ([], 1)


def test_trouble_is_told_apart_from_differences(put, run, tmp_path):
    put("a.parquet", pa.table({"v": [1]}))
    assert run("diff", "a.parquet", "none.parquet").returncode == 9
    assert run("diff", "a.parquet").returncode == 2
    assert run("diff", "a.parquet", "a.parquet", "--key", "w").returncode == 2
    (tmp_path / "bad.parquet").write_bytes(b"PAR1" + bytes(20) + b"PAR1")
    assert run("diff", "a.parquet", "bad.parquet").returncode == 3
    (tmp_path / "locked.parquet").write_bytes(b"PARE" + bytes(20) + b"PARE")
    done = run("diff", "a.parquet", "locked.parquet")
    assert done.returncode == 2 and b"encrypted" in done.stderr


def test_a_table_at_two_versions(run, tmp_path):
    (tmp_path / "t.json").write_text(json.dumps({
        "name": "t", "schema_version": "1.0@2026-01-01", "partitioning": ["bucket"],
        "columns": [{"name": "tick", "type": "int64"}],
    }))  # fmt: skip
    words = ["t", "-", "--root", ".", "--run-id", "r", "--registry", ".", "--tick-bucket-size", "10", "--from", "jsonl"]
    for tick in (1, 2):
        assert run("append", *words, stdin=b'{"tick": %d}\n' % tick).returncode == 0
    assert run("overwrite", *words, stdin=b'{"tick": 2}\n{"tick": 3}\n').returncode == 0

    def diff(*more):
        done = run("diff", "r/t", *more, "--key", "tick", "--json")
        told = json.loads(done.stdout)
        assert done.returncode == (told["exit"])
        return sorted((d["kind"], d["row"]["tick"]) for d in told.get("differences", [])), done.returncode

    assert diff("--version-a", "0", "--version-b", "1") == ([("row_added", 2)], 1)
    assert diff("--version-a", "0") == ([("row_added", 2), ("row_added", 3), ("row_removed", 1)], 1)
    assert diff("--version-b", "1") == ([("row_added", 1), ("row_removed", 3)], 1)
    assert diff("r/t", "--version-a", "1", "--version-b", "1") == ([], 0)
    assert diff("--as-of-a", "2100-01-01", "--version-b", "2") == ([], 0)
    for wrong, status in [
        ([], 2),
        (["--version-a", "0", "--as-of-a", "2100-01-01"], 2),
        (["--as-of-b", "then"], 2),
        (["--version-a", "7"], 9),
    ]:
        done = run("diff", "r/t", *wrong)
        assert done.returncode == status and done.stderr, (wrong, done)
    assert b"--version-a" in run("diff", "r/t").stderr
