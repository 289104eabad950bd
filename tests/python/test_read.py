"""Reading: columns, filters of every form, batches, and each kind of result."""
import datetime as dt
import decimal

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

import lamella

N = 1000
TABLE = pa.table(
    {
        "a": list(range(N)),
        "b": [None if i % 3 == 0 else f"v{i % 4}" for i in range(N)],
        "t": [None if i % 7 == 0 else i % 2 == 0 for i in range(N)],
        "d": [dt.date(2020, 1, 1) + dt.timedelta(i) for i in range(N)],
        "f": [float("nan") if i % 5 == 0 else i / 2 for i in range(N)],
        "ts": pa.array([dt.datetime(2020, 1, 1) + dt.timedelta(0, i) for i in range(N)], pa.timestamp("us")),
        "tz": pa.array([dt.datetime(2020, 1, 1) + dt.timedelta(0, i) for i in range(N)], pa.timestamp("us", "UTC")),
        "dec": pa.array([decimal.Decimal(i) / 4 for i in range(N)], pa.decimal128(9, 2)),
        "st": [{"x": i % 10} for i in range(N)],
        "cat": pa.array([f"c{i % 5}" for i in range(N)]).dictionary_encode(),
        "bin": [bytes([i % 256]) for i in range(N)],
    }
)
f = pc.field


@pytest.fixture(autouse=True)
def file(in_tmp_path):
    lamella.write_parquet(TABLE, "x.parquet", row_group_size=100, durability="none")


def rows(filters, **options):
    return lamella.read_parquet("x.parquet", "arrow", columns=["a"], filters=filters, **options)["a"].to_pylist()


EXPRESSIONS = [
    f("t") == True,  # noqa: E712
    f("t"),
    ~f("t"),
    (f("a") > 3) & ~(f("b") == "v1"),
    (f("a") < 5) | (f("a") >= 990),
    f("a").isin([1, 2, 5000]),
    f("b").isin(["v1", "v'2"]),
    f("b").is_null(),
    f("b").is_valid(),
    f("b") != "v1",
    f("d") >= dt.date(2020, 1, 5),
    f("st", "x") == 3,
    f("ts") < dt.datetime(2020, 1, 1, 0, 1),
    f("tz") < pa.scalar(dt.datetime(2020, 1, 1, 0, 1, tzinfo=dt.timezone.utc), pa.timestamp("us", "UTC")),
    f("dec") > decimal.Decimal("1.25"),
    f("dec") > decimal.Decimal("-1.25"),
    f("f") > 2.5,
    ~(f("f") > 2.5),
    f("f") <= 2.5,
    f("f") != 2.5,
    f("f") == float("nan"),
    f("f") < float("inf"),
    f("bin") == b"\x05",
    f("a") == f("st", "x"),
    f("f") > f("a"),
    pc.scalar(5) > f("a"),
    f("a") > -5,
    # These have no counterpart, and are pyarrow's to evaluate:
    f("a") * 2 > 4,
    f("a") > 2.5,
    pc.starts_with(f("b"), "v"),
]


@pytest.mark.parametrize("expression", EXPRESSIONS, ids=str)
def test_expressions_of_pyarrow_mean_what_they_mean_there(expression):
    assert rows(expression) == TABLE.filter(expression)["a"].to_pylist()


def test_most_expressions_are_pushed_down():
    pushed = [lamella.scan("x.parquet", filters=one)._filter is not None for one in EXPRESSIONS[:6]]
    assert all(pushed)


@pytest.mark.parametrize(
    "tuples, expression",
    [
        ([("a", ">", 990)], f("a") > 990),
        (("a", "==", 3), f("a") == 3),
        ([("a", "<", 20), ("b", "=", "v1")], (f("a") < 20) & (f("b") == "v1")),
        ([[("a", "<", 3)], [("a", ">", 996), ("b", "!=", "v1")]], (f("a") < 3) | ((f("a") > 996) & (f("b") != "v1"))),
        ([("b", "in", ["v1", "v2"])], f("b").isin(["v1", "v2"])),
        ([("b", "not in", {"v1"})], ~(f("b") == "v1")),
        ([("f", ">", 3.5)], f("f") > 3.5),
        ([("d", ">=", dt.date(2022, 1, 1))], f("d") >= dt.date(2022, 1, 1)),
        ([("cat", "=", "c1")], f("b").is_valid() | f("b").is_null()),
        ([("st.x", "=", 3)], f("st", "x") == 3),
        ([("a", "in", [])], f("a") < 0),
    ],
)
def test_tuples(tuples, expression):
    want = TABLE.filter(expression)["a"].to_pylist()
    if tuples == [("cat", "=", "c1")]:
        want = [a for a in want if a % 5 == 1]
    assert rows(tuples) == want


def test_text():
    assert rows("a between 3 and 5 or b is null and a < 4") == [0, 3, 4, 5]
    assert rows("d >= '2022-09-20'") == [a for a in range(N) if dt.date(2020, 1, 1) + dt.timedelta(a) >= dt.date(2022, 9, 20)]


@pytest.mark.parametrize(
    "filters, error, word",
    [
        ("a >", ValueError, ""),
        ("nowhere > 3", ValueError, "nowhere"),
        ([("nowhere", ">", 3)], ValueError, "nowhere"),
        (f("nowhere") > 3, ValueError, "nowhere"),
        ([("a", "~", 3)], ValueError, "'~'"),
        ([("a", ">")], ValueError, ""),
        ([("a", "in", "text")], TypeError, "a list"),
        ([], ValueError, "empty"),
        (5, TypeError, "filters is text"),
        ([("a", ">", object())], TypeError, "compares"),
    ],
)
def test_filters_that_are_none(filters, error, word):
    with pytest.raises(error, match=word):
        rows(filters)


def test_results():
    names = [name for name in TABLE.column_names if name != "f"]  # NaN is not equal to itself
    assert lamella.read_parquet("x.parquet", "arrow", columns=names).equals(TABLE.select(names))
    assert lamella.read_parquet("x.parquet").shape == (N, TABLE.num_columns)
    assert lamella.read_parquet("x.parquet", "polars", columns=["b", "a"]).columns == ["b", "a"]
    stream = lamella.read_parquet("x.parquet", "stream", columns=["a"])
    assert isinstance(stream, pa.RecordBatchReader) and stream.read_all().num_rows == N
    assert len(lamella.read_parquet("x.parquet", "table")) == N
    with pytest.raises(ValueError, match="output_format"):
        lamella.read_parquet("x.parquet", "panda")
    with pytest.raises(TypeError, match="did you mean 'columns'"):
        lamella.read_parquet("x.parquet", column=["a"])
    with pytest.raises(TypeError):
        lamella.read_parquet("x.parquet", columns="a")
    with pytest.raises(ValueError, match="nowhere"):
        lamella.read_parquet("x.parquet", columns=["nowhere"])
    with pytest.raises(FileNotFoundError):
        lamella.read_parquet("y.parquet")


def test_iter():
    batches = list(lamella.read_parquet_iter("x.parquet", 64, ["a"], "a < 500"))
    assert all(isinstance(batch, pa.RecordBatch) and 0 < len(batch) <= 64 for batch in batches)
    assert sum(map(len, batches)) == 500
    with pytest.raises(FileNotFoundError):
        lamella.read_parquet_iter("y.parquet")
    with pytest.raises(ValueError):
        lamella.read_parquet_iter("x.parquet", 0)


def test_inspect_schema():
    assert lamella.inspect_schema("x.parquet").equals(TABLE.schema)


def test_scan():
    scan = lamella.scan("x.parquet", ["a", "b"])
    assert scan.schema.names == ["a", "b"] and scan.count_rows() == N
    narrow = scan.filter("a >= 10").filter([("a", "<", 20)]).select(["b"])
    for _ in range(2):  # a fresh stream for each
        assert pa.table(narrow)["b"].to_pylist() == TABLE["b"].to_pylist()[10:20]
    assert pl.from_arrow(pa.table(scan)).shape == (N, 2) and scan.to_polars().shape == (N, 2)
    assert len(scan.to_table()) == N
    assert sum(map(len, scan.batches())) == N and "x.parquet" in repr(narrow)
    duckdb = pytest.importorskip("duckdb")
    assert duckdb.sql("select sum(a) from scan").fetchall() == [(sum(range(N)),)]
    lamella.write_parquet(scan, "y.parquet")
    assert lamella.inspect_schema("y.parquet").names == ["a", "b"]
    pushed = lamella.scan("x.parquet", ["b"], filters=f("a") * 2 > 1990)
    assert pushed.count_rows() == 4 and pushed.schema.names == ["b"] and pa.table(pushed).column_names == ["b"]


def test_a_lazy_frame_of_polars():
    pytest.importorskip("polars.io.plugins", reason="this Polars has no IO plugins")
    lazy = lamella.scan("x.parquet").to_polars_lazy()
    found = lazy.filter(pl.col("a") >= 990).select("b", "a").collect()
    assert found["a"].to_list() == list(range(990, N)) and found.columns == ["b", "a"]
    assert lazy.select("a").head(7).collect()["a"].to_list() == list(range(7))
    assert lazy.collect().height == N and lazy.select(pl.col("a").sum()).collect().item() == sum(range(N))


def test_times_in_int96_beyond_nanoseconds():
    times = [dt.datetime(9999, 12, 31, 23, 59), None, dt.datetime(1, 1, 1)]
    pq.write_table(pa.table({"t": pa.array(times, pa.timestamp("us"))}), "t.parquet", use_deprecated_int96_timestamps=True, store_schema=False)
    with pytest.raises(lamella.Error, match="coarser"):
        lamella.read_parquet("t.parquet", "arrow")
    got = lamella.read_parquet("t.parquet", "arrow", coerce_int96_timestamp_unit="us")
    assert got.equals(pq.read_table("t.parquet", coerce_int96_timestamp_unit="us")) and got["t"].to_pylist() == times
    with pytest.raises(ValueError, match="coerce_int96_timestamp_unit is one of"):
        lamella.scan("t.parquet", coerce_int96_timestamp_unit="s")


def test_a_damaged_file():
    data = open("x.parquet", "rb").read()
    open("cut.parquet", "wb").write(data[:-20])
    with pytest.raises(lamella.CorruptError):
        lamella.read_parquet("cut.parquet")


def test_without_any_other_package(child):
    """In an environment that has the wheel and nothing else."""
    import pathlib

    bare = pathlib.Path(lamella.__file__).parents[5] / "bare/bin/python"
    if not bare.exists():
        pytest.skip("no bare environment: ./dev test python makes it")
    code = """
        import lamella, datetime
        rows = [{"a": i, "b": str(i), "d": datetime.date(2020, 1, 1 + i)} for i in range(9)]
        lamella.write_parquet(rows, "y.parquet", "a: int64 not null, b: utf8, d: date32", compression="zstd")
        lamella.write_parquet(rows, "z.parquet", compression="gzip")
        assert lamella.read_parquet("y.parquet", "arrow", filters=[("a", ">", 6)]).to_pylist() == rows[7:]
        assert [len(part) for part in lamella.read_parquet_iter("z.parquet", 4)] == [4, 4, 1]
        assert lamella.inspect_schema("y.parquet") == "a: int64 not null, b: utf8, d: date32"
        assert len(lamella.read_parquet("x.parquet", "stream").to_table()) == 1000
        assert lamella.df_to_csv_bytes(rows[:1]) == b"a,b,d\\n0,0,2020-01-01\\n"
        with lamella.ParquetStreamWriter("y.parquet", "a: int64") as writer:
            writer.write_chunk({"a": [1, 2]})
        with lamella.atomic_open("t", "w") as file:
            file.write("x")
        try:
            lamella.read_parquet("y.parquet")
        except ImportError as error:
            assert "pandas" in str(error)
        else:
            raise AssertionError
        import sys
        assert "numpy" not in sys.modules
        print("done")
    """
    done = child(code, python=bare)
    assert done.stdout == "done\n", done.stderr
