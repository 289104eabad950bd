"""Data of every kind goes in, and comes out as it was."""
import datetime as dt
import decimal
import uuid
import zoneinfo

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import lamella

UTC = dt.timezone.utc
BERLIN = zoneinfo.ZoneInfo("Europe/Berlin")

VALUES = {
    "bool": ("bool", [True, False]),
    "int": ("int64", [1, -(2**63), 2**63 - 1]),
    "large": ("uint64", [0, 2**64 - 1]),
    "float": ("float64", [1.5, -0.0, float("inf")]),
    "str": ("utf8", ["", "grün", "a\0b"]),
    "bytes": ("binary", [b"", b"\xff\0"]),
    "date": ("date32", [dt.date(1, 1, 1), dt.date(9999, 12, 31)]),
    "datetime": ("timestamp[us]", [dt.datetime(1, 1, 1), dt.datetime(9999, 12, 31, 23, 59, 59, 999999)]),
    "utc": ("timestamp[us, UTC]", [dt.datetime(2020, 1, 1, tzinfo=UTC)]),
    "zone": ("timestamp[us, Europe/Berlin]", [dt.datetime(2020, 7, 1, tzinfo=BERLIN)]),
    "offset": ("timestamp[us, +05:30]", [dt.datetime(2020, 7, 1, tzinfo=dt.timezone(dt.timedelta(hours=5.5)))]),
    "time": ("time64[us]", [dt.time(0), dt.time(23, 59, 59, 999999)]),
    "timedelta": ("duration[us]", [dt.timedelta(-1, 3, 7)]),
    "decimal": ("decimal128(6, 3)", [decimal.Decimal("-123.456"), decimal.Decimal("1E+2")]),
    "wide": ("decimal256(40, 0)", [decimal.Decimal(10**39)]),
    "uuid": ("extension<arrow.uuid: fixed_binary[16]>", [uuid.UUID(int=2**127 + 5)]),
    "list": ("list<item: int64>", [[], [1, None, 3]]),
    "lists": ("list<item: list<item: utf8>>", [[["a"], [], None], []]),
    "struct": ('struct<a: int64, b: utf8>', [{"a": 1, "b": None}, {"a": None, "b": "x"}]),
    "structs": ('list<item: struct<a: list<item: int64>>>', [[{"a": [1]}], [{"a": None}, None]]),
    "null": ("null", [None]),
}


@pytest.mark.parametrize("name", VALUES)
@pytest.mark.parametrize("nulls", [False, True])
def test_python_values(name, nulls):
    type, values = VALUES[name]
    values = [*values, None, *values] if nulls else values
    table = lamella.Table({"x": values})
    assert str(table.schema) == f"x: {type}"
    assert table.to_pydict() == {"x": values}
    assert lamella.Table([{"x": value} for value in values]) == table
    if name not in ("uuid",):
        assert pa.table(table).to_pydict() == {"x": values}


def test_a_map_needs_a_schema_that_says_so():
    rows = [{"m": {"a": 1, "b": None}}, {"m": None}, {"m": {}}]
    table = lamella.Table(rows, "m: map<key: utf8 not null, value: int32>")
    assert table.to_pydict() == {"m": [[("a", 1), ("b", None)], None, []]}
    assert lamella.Table([{"m": {}}], "m: map<key: utf8 not null, value: int32>").to_pydict() == {"m": [[]]}


@pytest.mark.parametrize(
    "values, row, word",
    [
        ([1, "x"], 1, "'x' (str)"),
        ([None, "a", b"b"], 2, "(bytes)"),
        ([1, 2**64], 1, "18446744073709551616"),
        ([1, object()], 1, "object"),
        ([2**53 + 1, 0.5], 0, "9007199254740993"),
        (["\ud800"], 0, "surrogate"),
        ([decimal.Decimal("NaN")], 0, "NaN"),
        ([dt.datetime(2020, 1, 1), dt.datetime(2020, 1, 1, tzinfo=UTC)], 1, "zone"),
        ([True, 1], 1, "(int)"),
    ],
)
def test_what_does_not_fit_is_told_with_row_and_column(values, row, word):
    with pytest.raises(lamella.SchemaValidationError) as told:
        lamella.Table({"colour": values})
    message = str(told.value)
    assert message.startswith(f"column colour, row {row}: ")
    assert word in message or word == "surrogate"


def test_no_table():
    for thing in (3, "text", object()):
        with pytest.raises(TypeError, match="no table can be made of"):
            lamella.Table(thing)
    with pytest.raises(lamella.SchemaValidationError, match="column b has 1 rows"):
        lamella.Table({"a": [1, 2], "b": [1]})


def test_rows_may_leave_fields_out():
    table = lamella.Table([{"a": 1}, {"b": "x"}, {}])
    assert table.to_pydict() == {"a": [1, None, None], "b": [None, "x", None]}


def test_nothing_at_all():
    for empty in ([], {}, iter([])):
        assert len(lamella.Table(empty)) == 0
    assert str(lamella.Table([], "a: int64").schema) == "a: int64"


# ---- NumPy ----


@pytest.mark.parametrize("dtype", ["i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8", ">i4", ">f8", "?"])
def test_numpy(dtype):
    values = np.array([0, 1, 0, 1, 1], dtype)
    assert lamella.Table({"x": values}).to_pydict() == {"x": values.tolist()}
    assert lamella.Table({"x": values[::2]}).to_pydict() == {"x": values[::2].tolist()}
    masked = np.ma.array(values, mask=[0, 1, 0, 0, 1])
    assert lamella.Table({"x": masked}).to_pydict() == {"x": masked.tolist()}


def test_numpy_times_and_text():
    days = np.array(["2020-01-01", "NaT"], "M8[D]")
    data = {
        "day": days, "ns": days.astype("M8[ns]"), "week": days.astype("M8[W]"), "span": np.array([1, 2], "m8[s]"),
        "text": np.array(["a", "bc"]), "bytes": np.array([b"a", b"bc"]), "matrix": np.arange(4).reshape(2, 2),
        "nan": np.array([1.0, np.nan]),
    }  # fmt: skip
    table = lamella.Table(data)
    assert [field.type for field in table.schema.fields] == [
        "date32", "timestamp[ns]", "date32", "duration[s]", "utf8", "binary", "fixed_list<item: int64>[2]", "float64",
    ]  # fmt: skip
    found = table.to_pydict()
    assert found["day"] == [dt.date(2020, 1, 1), None] and found["ns"] == [dt.datetime(2020, 1, 1), None]
    assert found["matrix"] == [[0, 1], [2, 3]] and found["nan"][1] != found["nan"][1]


def test_structured_arrays():
    data = np.array([(1, 2.5), (3, 4.5)], [("a", "i4"), ("b", "f8")])
    assert lamella.Table(data).to_pydict() == {"a": [1, 3], "b": [2.5, 4.5]}


# ---- pandas ----


def frame():
    return pd.DataFrame(
        {
            "int": [1, 2, 3],
            "float": [1.5, None, np.inf],
            "text": ["a", None, "c"],
            "object": pd.Series(["a", None, np.nan], dtype=object),
            "dates": [dt.date(2020, 1, 1), None, dt.date(2020, 1, 3)],
            "decimals": [decimal.Decimal("1.5"), None, decimal.Decimal("2")],
            "category": pd.Categorical(["x", None, "y"], ["y", "x"], ordered=True),
            "naive": pd.to_datetime(["2020-01-01", None, "2020-01-03"]),
            "zoned": pd.to_datetime(["2020-01-01", None, "2020-07-03"]).tz_localize("Europe/Berlin"),
            "span": pd.to_timedelta([1, None, 3], unit="s"),
            "Int8": pd.array([1, None, 3], "Int8"),
            "Float32": pd.array([1, None, 3], "Float32"),
            "boolean": pd.array([True, None, False], "boolean"),
            "string": pd.array(["a", None, "c"], "string"),
            "sparse": pd.arrays.SparseArray([0, 0, 1]),
            "lists": [[1, 2], None, np.array([3])],
        }
    )


TEXT = {"utf8", "large_utf8", "utf8_view"}


def test_pandas():
    table = lamella.Table(frame())
    types = {field.name: field.type for field in table.schema.fields}
    assert {types.pop(name) for name in ("text", "string")} <= TEXT
    unit = types["naive"][10:-1]
    assert types == {
        "int": "int64", "float": "float64", "object": "utf8", "dates": "date32", "decimals": "decimal128(2, 1)",
        "category": "dictionary<int8, utf8>[ordered]", "naive": f"timestamp[{unit}]",
        "zoned": f"timestamp[{unit}, Europe/Berlin]", "span": f"duration[{types['span'][9:-1]}]", "Int8": "int8",
        "Float32": "float32", "boolean": "bool", "sparse": "int64", "lists": "list<item: int64>",
    } or types["category"].endswith("utf8>[ordered]")  # fmt: skip
    found = table.to_pydict()
    assert found["float"] == [1.5, None, np.inf] and found["object"] == ["a", None, None]
    assert found["category"] == ["x", None, "y"] and found["lists"] == [[1, 2], None, [3]]
    assert found["zoned"][2] == dt.datetime(2020, 7, 3, tzinfo=BERLIN) and found["zoned"][1] is None
    assert found["Int8"] == [1, None, 3] and found["boolean"] == [True, None, False]
    assert found["string"] == ["a", None, "c"] and found["dates"][0] == dt.date(2020, 1, 1)


def test_pandas_and_back():
    """Through pyarrow, and without it, the same."""
    from lamella import _frames

    have = frame().drop(columns=["lists", "sparse", "object"])
    table = lamella.Table(have)
    back = _frames.to_pandas(table.schema, table._batches)
    theirs = table.to_pandas()
    pd.testing.assert_frame_equal(back, theirs, check_dtype=False, check_categorical=False)
    for name in ("int", "float", "dates", "decimals", "naive", "zoned", "span"):
        assert str(back[name].dtype) == str(theirs[name].dtype), name
    pd.testing.assert_series_equal(back["zoned"], have["zoned"], check_dtype=False)


def test_pandas_arrow_dtypes():
    have = pd.DataFrame(
        {
            "text": pd.array(["a", None], pd.ArrowDtype(pa.string())),
            "list": pd.array([[1], None], pd.ArrowDtype(pa.list_(pa.int8()))),
            "int": pd.array([1, None], "int32[pyarrow]"),
        }
    )
    table = lamella.Table(have)
    assert table.to_pydict() == {"text": ["a", None], "list": [[1], None], "int": [1, None]}


def test_pandas_index():
    have = pd.DataFrame({"x": [1, 2]})
    assert lamella.Table(have).column_names == ["x"]
    assert lamella.Table(have, index=True).column_names == ["__index_level_0__", "x"]
    assert lamella.Table(have.iloc[[1]]).column_names == ["x"]
    named = have.set_index(pd.Index(["a", "b"], name="key"))
    assert lamella.Table(named).to_pydict() == {"key": ["a", "b"], "x": [1, 2]}
    assert lamella.Table(named, index=False).column_names == ["x"]
    assert lamella.Table(named, "x: int64").column_names == ["x"]
    both = have.set_index(pd.MultiIndex.from_tuples([("a", 1), ("b", 2)], names=["k", "n"]))
    assert lamella.Table(both).to_pydict() == {"k": ["a", "b"], "n": [1, 2], "x": [1, 2]}
    with pytest.raises(lamella.SchemaValidationError, match="two columns are called x"):
        lamella.Table(pd.DataFrame([[1, 2]], columns=["x", "x"]))
    with pytest.raises(lamella.SchemaValidationError, match="column p"):
        lamella.Table(pd.DataFrame({"p": pd.period_range("2020", periods=2)}))


def test_pandas_without_pyarrow(child):
    code = """
        import sys
        sys.modules["pyarrow"] = None
        import pandas as pd, lamella, datetime as dt
        frame = pd.DataFrame({"a": [1, 2], "s": ["x", None], "d": [dt.date(2020, 1, 1)] * 2})
        table = lamella.Table(frame)
        assert table.to_pydict() == {"a": [1, 2], "s": ["x", None], "d": [dt.date(2020, 1, 1)] * 2}, table.to_pydict()
        print(lamella.write_parquet(frame, "a.parquet").rows)
        back = table.to_pandas()
        assert back["s"].tolist()[0] == "x" and back["s"].isna().tolist() == [False, True]
        pd.testing.assert_series_equal(back["a"], frame["a"])
    """
    done = child(code)
    assert done.stdout == "2\n", done.stderr


def test_large_frames_are_converted_in_pieces():
    rows = 300_000
    have = pd.DataFrame({"s": pd.Series([f"row {i}" for i in range(rows)], dtype=object), "n": np.arange(rows)})
    table = lamella.Table(have)
    assert len(table._batches) == 3 and len(table) == rows
    assert table.to_pydict()["s"][200_000] == "row 200000" and table.to_pydict()["n"][-1] == rows - 1


# ---- Arrow, Polars, DuckDB ----


def test_arrow_objects():
    table = pa.table({"a": [1, None], "b": ["x", "y"]})
    want = table.to_pydict()
    assert lamella.Table(table).to_pydict() == want
    assert lamella.Table(table.to_batches()[0]).to_pydict() == want
    assert lamella.Table(table.to_reader()).to_pydict() == want
    assert lamella.Table({"a": pa.array([1, None]), "b": table["b"]}).to_pydict() == want
    assert lamella.Table(lamella.Table(table)) == lamella.Table(table)
    assert lamella.Table(iter(table.to_batches())).to_pydict() == want


def test_polars():
    have = pl.DataFrame({"a": [1, None], "b": ["x", "y"], "c": [[1], []]})
    want = have.to_dict(as_series=False)
    assert lamella.Table(have).to_pydict() == want
    assert lamella.Table(have.lazy().filter(pl.col("b") == "x")).to_pydict()["b"] == ["x"]
    assert lamella.Table(have.lazy()).to_polars().equals(have)
    assert lamella.Table({"a": have["a"], "b": ["x", "y"]}).to_pydict()["a"] == [1, None]
    assert str(lamella.Schema(have.schema)).startswith("a: int64\nb: ")


def test_duckdb():
    duckdb = pytest.importorskip("duckdb")
    assert lamella.Table(duckdb.sql("select 1 as a, 'x' as b")).to_pydict() == {"a": [1], "b": ["x"]}
    have = lamella.Table({"n": [1, 2, 3]})  # noqa: F841: DuckDB looks it up by its name
    assert duckdb.sql("select sum(n) from have").fetchall() == [(6,)]
    assert duckdb.sql("select sum(n) from have").fetchall() == [(6,)]


def test_iterators():
    pieces = [{"a": [1]}, pd.DataFrame({"a": [2.0]}), [{"a": 3}], pa.table({"a": [4]})]
    assert lamella.Table(iter(pieces)).to_pydict() == {"a": [1, 2, 3, 4]}
    assert lamella.Table({"a": i} for i in range(10_000)).to_pydict() == {"a": list(range(10_000))}
    with pytest.raises(lamella.SchemaValidationError, match="piece 2"):
        lamella.Table(iter([{"a": [1]}, {"a": ["x"]}]))

    def fails():
        yield {"a": [1]}
        raise LookupError("the source is gone")

    with pytest.raises(LookupError, match="the source is gone"):
        lamella.Table(fails())


# ---- schemas ----


def test_schemas():
    text = "id: int64 not null\nwhen: timestamp[us, UTC]"
    schema = lamella.Schema(text)
    assert str(schema) == text and schema == text and schema.names == ["id", "when"] and len(schema) == 2
    arrow = pa.schema(schema)
    assert arrow.field("id").nullable is False and lamella.Schema(arrow) == schema
    assert lamella.Schema({"id": "int64 not null", "when": "timestamp[us, UTC]"}) == schema
    assert schema.hash.startswith("sha256:") and hash(schema) == hash(lamella.Schema(arrow))
    with pytest.raises(ValueError):
        lamella.Schema("id: nonsense")
    with pytest.raises(TypeError):
        lamella.Schema(3)


def test_all_problems_at_once():
    with pytest.raises(lamella.SchemaValidationError) as told:
        lamella.write_parquet(
            [{"a": "1", "b": 1, "extra": 1}], "x", "a: int64, b: utf8, c: int32 not null, d: date32"
        )
    problems = told.value.problems
    assert [problem.split(":")[0] for problem in problems] == ["column a", "column b", "column c", "column extra"]
    with pytest.raises(lamella.SchemaValidationError) as told:
        lamella.write_parquet({"a": [1, None, 3], "b": [1, 2, 300]}, "x.parquet", "a: int64 not null, b: int8")
    assert len(told.value.problems) == 2
    assert "row 1" in told.value.problems[0] and "row 2" in told.value.problems[1] and "300" in told.value.problems[1]


# ---- whatever hypothesis thinks of ----

CELLS = {
    "bool": st.booleans(),
    "int": st.integers(-(2**63), 2**63 - 1),
    "float": st.floats(allow_nan=False),
    "text": st.text(st.characters(exclude_categories=["Cs"])),
    "bytes": st.binary(),
    "date": st.dates(),
    "datetime": st.datetimes(),
    "utc": st.datetimes(timezones=st.just(UTC)),
    "time": st.times(),
    "span": st.timedeltas(dt.timedelta(-(10**6)), dt.timedelta(10**6)),
    "decimal": st.decimals(-(10**9), 10**9, places=3),
    "list": st.lists(st.none() | st.integers(-5, 5), max_size=3),
    "struct": st.fixed_dictionaries({"a": st.none() | st.integers(-5, 5), "b": st.none() | st.text("xyz")}),
}


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_round_trips(data):
    """Python, Lamella, Parquet, pyarrow and Lamella's own table agree on every value."""
    import pyarrow.parquet as pq

    names = data.draw(st.lists(st.sampled_from(list(CELLS)), min_size=1, max_size=4, unique=True))
    size = data.draw(st.integers(0, 8))
    columns = {
        name: data.draw(st.lists(st.none() | CELLS[name], min_size=size, max_size=size)) for name in names
    }
    table = lamella.Table(columns)
    assert table.to_pydict() == columns
    lamella.write_parquet(columns, "x.parquet", durability="none", checksum="none")
    assert pq.read_table("x.parquet").to_pydict() == columns
