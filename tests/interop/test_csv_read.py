"""CSV is read as Python's csv module cuts it, over generated dialects and broken quoting, and gives the values that pandas,
Polars, DuckDB and pyarrow give; what all of them write is read back equal."""

import csv
import datetime as dt
import gzip
import io
import random

import lamella_c as lamella
import pyarrow as pa
import pyarrow.csv as pacsv
import pytest

PIECES = ["a", "b c", ",", ";", '"', "'", "\n", "\r\n", "\r", "\t", "|", "\\", "", "ü", "日本", "x" * 40, '""', " "]


def _python(text, **dialect):
    return [row for row in csv.reader(io.StringIO(text, newline=""), **dialect) if row]


def _lamella(text, columns, **settings):
    table = lamella.read_csv(
        text.encode(), header=2, all_text=True, nulls=[b"\1"], ragged=2, separator=settings.pop("separator", b","), **settings
    )
    assert table.num_columns == columns
    return [list(row.values()) for row in table.to_pylist()]


def _differs(got, want):
    """The first row where two columns differ; the whole of both would take pytest an hour to compare."""
    pairs = enumerate(zip(got.to_pylist(), want.to_pylist(), strict=True))
    return next(((row, a, b) for row, (a, b) in pairs if a != b), None)


@pytest.mark.parametrize("seed", range(300))
def test_written_by_the_csv_module(seed):
    rng = random.Random(seed)
    separator, quote = rng.choice(",;\t|"), rng.choice("\"'")
    escape = rng.choice([None, "\\"])
    columns = rng.randrange(2, 6)
    rows = [[f"h{i}" for i in range(columns)]]
    rows += [["".join(rng.choices(PIECES, k=rng.randrange(4))) for _ in range(columns)] for _ in range(rng.randrange(1, 60))]
    out = io.StringIO()
    dialect = dict(delimiter=separator, quotechar=quote, escapechar=escape, doublequote=escape is None)
    writer = csv.writer(
        out, quoting=rng.choice([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]), lineterminator=rng.choice(["\n", "\r\n", "\r"]), **dialect
    )
    writer.writerows(rows)
    text = out.getvalue()
    got = _lamella(
        text, columns, separator=separator.encode(), quote=quote.encode(), escape=(escape or "\0").encode(),
        threads=1 + seed % 2,
    )
    # The writer leaves a CR unquoted where lines end otherwise: such rows are ragged on both sides.
    assert got == [row for row in _python(text, **dialect) if len(row) == columns]


@pytest.mark.parametrize("seed", range(300))
def test_quotes_in_odd_places(seed):
    """Text that no writer makes: quotes anywhere. Rows that are ragged are left out on both sides."""
    rng = random.Random(1000 + seed)
    pieces = ["a", "bb", ",", ",", '"', '"', '""', "\n", "\n", "\r\n", "\r", " "]
    text = "x,y\n" + "".join(rng.choices(pieces, k=rng.randrange(200)))
    if sum(1 for _ in _python(text)) == 0:
        return
    try:
        want = list(csv.reader(io.StringIO(text, newline=""), strict=False))
        closed = True
    except csv.Error:
        return
    want = [row for row in want if len(row) == 2]
    try:
        got = lamella.read_csv(
            text.encode(), header=2, all_text=True, nulls=[b"\1"], ragged=2, separator=b",", quote=b'"'
        ).to_pylist()
    except pa.ArrowInvalid as error:
        assert "a quote is opened and never closed" in str(error)
        return
    assert closed and [list(row.values()) for row in got] == want


def _values(seed, rows):
    rng = random.Random(seed)

    def column(make):
        return [None if rng.random() < 0.1 else make() for _ in range(rows)]

    return pa.table(
        {
            "i": pa.array([0] + column(lambda: rng.randrange(-(2**63), 2**63))[1:], pa.int64()),
            "f": pa.array([0.5] + column(lambda: rng.choice([rng.gauss(0, 1), round(rng.random() * 100, 2), 1e300, 5e-324]))[1:]),
            "b": pa.array([True] + column(lambda: rng.random() < 0.5)[1:]),
            "d": pa.array([dt.date(2020, 2, 29)] + column(lambda: dt.date.fromordinal(rng.randrange(1, 3652059)))[1:]),
            "t": pa.array([0] + column(lambda: rng.randrange(-(10**15), 10**15))[1:], pa.timestamp("us")),
            "z": pa.array([0] + column(lambda: rng.randrange(-(10**15), 10**15))[1:], pa.timestamp("us", "UTC")),
            "s": pa.array(["x"] + column(lambda: rng.choice(["", "a", "b,c", 'q"q', "l\nl", "007", "NA"]))[1:]),
        }
    )


@pytest.mark.parametrize("seed", range(4))
def test_what_we_write_is_read_back(seed):
    table = _values(seed, 5000)
    for settings in ({}, {"quoting": 1}, {"crlf": True, "bom": True}, {"compression": 2}, {"compression": 3}):
        data = lamella.csv_bytes(table, **settings)
        assert lamella.read_csv(data, threads=1 + seed % 3).equals(table), settings


def test_what_pyarrow_writes():
    table = _values(7, 3000)
    out = io.BytesIO()
    pacsv.write_csv(table, out)
    assert lamella.read_csv(out.getvalue()).equals(table)
    assert lamella.read_csv(gzip.compress(out.getvalue())).equals(table)


def test_what_pandas_and_polars_write(tmp_path):
    table = _values(8, 3000)
    pl = pytest.importorskip("polars")
    frame = pl.from_arrow(table)
    frame.write_csv(tmp_path / "p.csv")
    assert lamella.read_csv(tmp_path / "p.csv").select(["i", "f", "b", "d", "t", "s"]).equals(
        table.select(["i", "f", "b", "d", "t", "s"])
    )
    pytest.importorskip("pandas")
    plain = table.select(["f", "t", "s"])
    plain.to_pandas().to_csv(tmp_path / "d.csv", index=False, na_rep="<null>", quoting=csv.QUOTE_NONNUMERIC)
    got = lamella.read_csv(tmp_path / "d.csv", nulls=[b"<null>"])
    for name in ("f", "t"):
        assert _differs(got[name], plain[name]) is None, name


def test_what_duckdb_writes(tmp_path):
    duckdb = pytest.importorskip("duckdb")
    table = _values(9, 3000).select(["i", "f", "b", "d", "t", "s"])
    path = tmp_path / "d.csv"
    connection = duckdb.connect()
    connection.register("written", table)
    connection.execute(f"copy written to '{path}' (format csv, header, nullstr '<null>')")
    got = lamella.read_csv(path, nulls=[b"<null>"])
    for name in table.column_names:
        if name != "d":  # it prints years before 1000 and after 9999 otherwise
            assert _differs(got[name], table[name]) is None, name


def test_the_same_values_as_pyarrow_reads():
    rng = random.Random(3)
    lines = ["a,b,c"]
    for _ in range(5000):
        digits = "".join(rng.choices("0123456789", k=rng.randrange(1, 25)))
        at = rng.randrange(len(digits) + 1)
        number = (digits[:at].lstrip("0") or "0") + "." + (digits[at:] or "0")
        lines.append(f"{number}e{rng.randrange(-330, 270)},{rng.randrange(10**9)},{'-' * rng.randrange(2)}{number}")
    data = "\n".join(lines).encode()
    types = pacsv.ConvertOptions(column_types={"a": pa.float64(), "b": pa.int64(), "c": pa.float64()})
    got, want = lamella.read_csv(data), pacsv.read_csv(io.BytesIO(data), convert_options=types)
    for name in "abc":
        assert _differs(got[name], want[name]) is None, name


def test_floats_are_read_as_python_reads_them():
    rng = random.Random(4)
    texts = []
    for _ in range(20000):
        digits = str(rng.randrange(10 ** rng.randrange(1, 40)))
        texts.append(f"{digits}.{rng.randrange(10 ** rng.randrange(1, 30))}e{rng.randrange(-340, 270)}")
    table = lamella.read_csv(("x,y\n" + "".join(f"{t},1\n" for t in texts)).encode(), schema="x: float64, y: int8")
    assert _differs(table["x"], pa.array([float(t) for t in texts])) is None
