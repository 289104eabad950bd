"""What is written as CSV is read back equal by pandas, Polars, DuckDB and pyarrow: generated tables full of what CSV is
bad at, every digit of floats, extreme dates, compressed blocks."""

import csv
import datetime as dt
import decimal
import io
import math
import os
import random
import struct

import lamella_c as lamella
import pyarrow as pa
import pyarrow.csv as pacsv
import pytest

NASTY = [
    "", "a", ",", '"', '""', "a,b", 'say "hi"', "line\nbreak", "cr\rlf\r\n", " lead", "trail ", "\ufeffbom", "ü", "日本",
    "שלום", "مرحبا", "👩‍👩‍👧", "NA", "null", "nan", "1e5", "'", ";", "\t", "x" * 5000, "a\\b", "-", "=1+1", "\u2028", "\x0b",
]
FLOATS = [0.0, -0.0, 5e-324, -2.2250738585072014e-308, 1.7976931348623157e308, 0.1, 1 / 3, 1e16, 1e-5, 123456.78,
          2.0**53, math.inf, -math.inf]


def _table(seed, rows):
    rng = random.Random(seed)

    def column(make, share=0.1):
        return [None if rng.random() < share else make() for _ in range(rows)]

    def anything():
        return struct.unpack("<d", rng.randbytes(8))[0]

    def number():
        value = rng.choice([rng.choice(FLOATS), anything(), round(rng.random() * 1000, 2)])
        return 0.5 if math.isnan(value) else value

    day = dt.date(1, 1, 1)
    return pa.table(
        {
            "id": pa.array(range(rows), pa.int64()),
            "text": pa.array(column(lambda: rng.choice(NASTY) + rng.choice(NASTY)), pa.string()),
            "x": pa.array(column(number), pa.float64()),
            "flag": pa.array(column(lambda: rng.random() < 0.5), pa.bool_()),
            "day": pa.array(column(lambda: day + dt.timedelta(rng.randrange(3652059))), pa.date32()),
            "when": pa.array(
                column(lambda: rng.randrange(-9_000_000_000_000_000, 9_000_000_000_000_000)), pa.timestamp("us")
            ),
            "money": pa.array(
                column(lambda: decimal.Decimal(rng.randrange(-(10**17), 10**17)).scaleb(-3)), pa.decimal128(18, 3)
            ),
            "kind": pa.array(column(lambda: rng.choice(NASTY)), pa.string()).dictionary_encode(),
        }
    )


def _plain(table):
    """Dictionaries as their values."""
    if "kind" not in table.column_names:
        return table
    at = table.schema.get_field_index("kind")
    return table.set_column(at, "kind", table["kind"].cast(pa.string()))


def _same(a, b):
    """Equal, floats by their bits."""
    return a == b and (not isinstance(a, float) or math.copysign(1, a) == math.copysign(1, b))


def _check(table, names, columns):
    for name, got in zip(names, columns):
        for row, (want, have) in enumerate(zip(_plain(table)[name].to_pylist(), got, strict=True)):
            assert _same(want, have), (name, row, want, have)


@pytest.mark.parametrize("seed", range(4))
def test_pyarrow_reads_it_back(seed):
    table = _table(seed, 700)
    data = lamella.csv_bytes(table, threads=1 + seed % 3, bom=seed == 1)
    convert = pacsv.ConvertOptions(
        column_types=_plain(table).schema, strings_can_be_null=True, quoted_strings_can_be_null=False, null_values=[""]
    )
    got = pacsv.read_csv(
        io.BytesIO(data), parse_options=pacsv.ParseOptions(newlines_in_values=True), convert_options=convert
    )
    _check(table, table.column_names, [got[name].to_pylist() for name in table.column_names])


@pytest.mark.parametrize("seed", range(3))
def test_duckdb_reads_it_back(seed, tmp_path):
    duckdb = pytest.importorskip("duckdb")
    table = _table(seed, 700)
    suffix = ["", ".gz", ".zst"][seed]
    path = tmp_path / f"t.csv{suffix}"
    lamella.write_csv(table, path, compression=[0, 2, 3][seed])
    types = {"id": "BIGINT", "text": "VARCHAR", "x": "DOUBLE", "flag": "BOOLEAN", "day": "DATE", "when": "TIMESTAMP",
             "money": "DECIMAL(18,3)", "kind": "VARCHAR"}
    connection = duckdb.connect()
    got = connection.execute(
        "select * from read_csv(?, columns=?, header=true, new_line='\\n', quote='\"', escape='\"', nullstr='',"
        " allow_quoted_nulls=false, auto_detect=false, delim=',', strict_mode=false, max_line_size=100000)",
        [str(path), types],
    ).to_arrow_table()
    _check(table, table.column_names, [got[name].to_pylist() for name in table.column_names])


@pytest.mark.parametrize("seed", range(3))
def test_polars_reads_it_back(seed, tmp_path):
    pl = pytest.importorskip("polars")
    table = _table(seed, 700)
    path = tmp_path / ("t.csv" + ["", ".gz", ".zst"][seed])
    lamella.write_csv(table, path, null_text=b"~null~", compression=[0, 2, 3][seed])
    got = pl.read_csv(
        path,
        null_values="~null~",
        schema_overrides={"text": pl.String, "x": pl.Float64, "flag": pl.Boolean, "kind": pl.String, "money": pl.String,
                          "day": pl.String, "when": pl.String},
    ).to_arrow()
    names = ["id", "text", "x", "flag", "kind"]
    _check(table, names, [got[name].to_pylist() for name in names])


@pytest.mark.parametrize("seed", range(3))
def test_pandas_reads_it_back(seed, tmp_path):
    pandas = pytest.importorskip("pandas")
    table = _table(seed, 700)
    path = tmp_path / ("t.csv" + ["", ".gz", ".zst"][seed])
    compression = "infer" if seed < 2 else None
    lamella.write_csv(table, path, null_text=b"~null~", compression=[0, 2, 0][seed])
    got = pandas.read_csv(
        path, na_values=["~null~"], keep_default_na=False, dtype={"text": object, "kind": object},
        compression=compression, encoding="utf-8",
    )
    for name in ("text", "kind", "x"):
        have = [None if value is None or value != value else value for value in got[name].tolist()]
        _check(table, [name], [have])


@pytest.mark.parametrize("quoting", [0, 1, 2])
@pytest.mark.parametrize("dialect", [(b",", b'"', b"\0"), (b";", b"'", b"\0"), (b"\t", b'"', b"\\"), (b"|", b"^", b"!")])
def test_the_csv_module_sees_the_same_cells(dialect, quoting):
    table = _table(9, 300).select(["id", "text", "kind"])
    separator, quote, escape = dialect
    data = lamella.csv_bytes(
        table, separator=separator, quote=quote, escape=escape, quoting=quoting, crlf=quoting == 1, null_text=b"~null~"
    )
    rows = list(
        csv.reader(
            io.StringIO(data.decode(), newline=""), delimiter=separator.decode(), quotechar=quote.decode(),
            escapechar=escape.decode().strip("\0") or None, doublequote=escape == b"\0", strict=True,
        )
    )
    assert rows[0] == table.column_names
    want = [["~null~" if v is None else str(v) for v in row.values()] for row in _plain(table).to_pylist()]
    assert rows[1:] == want


def test_no_quotes_but_escapes():
    table = _table(9, 300).select(["id", "text", "kind"])
    data = lamella.csv_bytes(table, quoting=3, escape=b"\\", null_text=b"~null~")
    rows = list(csv.reader(io.StringIO(data.decode(), newline=""), quoting=csv.QUOTE_NONE, escapechar="\\"))
    assert rows[1:] == [["~null~" if v is None else str(v) for v in row.values()] for row in _plain(table).to_pylist()]


def test_floats_are_python_s_repr():
    rng = random.Random(5)
    values = FLOATS + [struct.unpack("<d", rng.randbytes(8))[0] for _ in range(20000)]
    values += [round(rng.random() * 10**rng.randrange(15), rng.randrange(12)) for _ in range(20000)]
    values = [v for v in values if math.isfinite(v)]
    lines = lamella.csv_bytes(pa.table({"x": pa.array(values, pa.float64())})).decode().split("\n")
    assert lines[1:-1] == [repr(v) for v in values]


def test_zones_are_those_of_python(tmp_path):
    """Instants over seven centuries, and the seconds around changes, in many zones; read back they are the same."""
    zoneinfo = pytest.importorskip("zoneinfo")
    names = sorted(zoneinfo.available_timezones())
    if "Europe/Berlin" not in names or not os.path.exists("/usr/share/zoneinfo/Europe/Berlin"):
        pytest.skip("there are no time zones here (tzdata)")
    rng = random.Random(4)
    epoch = dt.datetime(1970, 1, 1, tzinfo=dt.timezone.utc)
    chosen = ["Europe/Berlin", "Europe/Dublin", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe",
              "Africa/Casablanca", "America/Nuuk", "Pacific/Apia"]
    for name in dict.fromkeys(chosen + rng.sample(names, 40)):
        if not os.path.exists(f"/usr/share/zoneinfo/{name}"):
            continue
        zone = zoneinfo.ZoneInfo(name)
        seconds = [rng.randrange(-3_000_000_000, 19_000_000_000) for _ in range(300)]
        for year in (1975, 2007, 2026, 2038, 2100):  # to the second: where the offset changes within a day
            for day in range(365):
                start = int(dt.datetime(year, 1, 1, tzinfo=dt.timezone.utc).timestamp()) + 86400 * day
                if _offset(zone, epoch, start) != _offset(zone, epoch, start + 86400):
                    low, high = start, start + 86400
                    while high - low > 1:
                        middle = (low + high) // 2
                        if _offset(zone, epoch, middle) == _offset(zone, epoch, start):
                            low = middle
                        else:
                            high = middle
                    seconds += [low - 1, low, high, high + 1]
        table = pa.table({"t": pa.array(seconds, pa.timestamp("s", tz=name))})
        for how in (name, "column"):
            lamella.write_csv(table, tmp_path / "t.csv", timezone=how.encode())
            text = (tmp_path / "t.csv").read_bytes()
            lines = text.decode().splitlines()[1:]
            for second, line in zip(seconds, lines, strict=True):
                offset = dt.timedelta(seconds=_offset(zone, epoch, second))
                want = (epoch + dt.timedelta(seconds=second)).astimezone(dt.timezone(offset))
                assert line == want.isoformat(" "), (name, second)
        back = lamella.read_csv(text).column("t")
        assert back.cast(pa.int64()).to_pylist() == [1_000_000 * s for s in seconds], name


def _offset(zone, epoch, second):
    """In whole minutes, as docs/csv.md has it."""
    seconds = int((epoch + dt.timedelta(seconds=second)).astimezone(zone).utcoffset().total_seconds())
    return int(seconds / 60) * 60
