"""Filters of the Parquet reader against DuckDB: generated tables, written by pyarrow, DuckDB and us with small row
groups and pages, and generated predicates; equal rows with pruning and without, and less is read with it.

LAMELLA_FILTER_TABLES says how many tables there are (the suite `long` has many more).
"""

import datetime as dt
import decimal
import math
import os
import pathlib
import random

import duckdb
import lamella_c as lamella
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

TABLES = 18
PREDICATES = 24
DAY = dt.date(2024, 1, 1)
NOON = dt.datetime(2024, 1, 1, 12)


def _quoted(text):
    return "'" + text.replace("'", "''") + "'"


class Kind:
    """A type of column: its values, and its literals as we write them and as DuckDB does."""

    def __init__(self, name, type_, value, literal, sql=None, like=False):
        self.name, self.type, self.value, self.like = name, type_, value, like
        self.literal, self.sql = literal, sql or (lambda v: literal(v))


def _ints(bits, signed):
    low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
    name = f"{'' if signed else 'u'}int{bits}"

    def value(rng, near):
        some = rng.choice([near, near, near, low, high, rng.randint(low, high)])
        return min(max(some, low), high)

    # Without the cast DuckDB compares some of them as doubles.
    return Kind(name, getattr(pa, name)(), value, str, lambda v: f"'{v}'::DECIMAL(38, 4)")


def _float_literal(v):
    return f"'{v}'" if isinstance(v, float) and not math.isfinite(v) else repr(v)


def _floats(bits):
    type_, sql = (pa.float32(), "FLOAT") if bits == 32 else (pa.float64(), "DOUBLE")
    specials = [math.nan, math.inf, -math.inf, 0.0, -0.0]

    def value(rng, near):
        return rng.choice(specials) if rng.random() < 0.03 else near / 4 + rng.choice([0, 0.5])

    return Kind(f"float{bits}", type_, value, _float_literal, lambda v: f"'{v}'::{sql}")


def _decimals(precision, scale):
    step = decimal.Decimal(1).scaleb(-scale)

    def value(rng, near):
        return (decimal.Decimal(near) * step * rng.choice([1, 1, -1])).quantize(step)

    return Kind(f"decimal{precision}", pa.decimal128(precision, scale), value, lambda v: str(v))


def _times(unit, zone):
    def value(rng, near):
        micros = {"s": 1000000, "ms": 1000, "us": 1, "ns": 1}[unit]
        return NOON + dt.timedelta(minutes=near % 5000, microseconds=micros * rng.randint(0, 999999 // micros))

    def literal(v):
        return f"'{v}+00:00'" if zone else f"'{v}'"

    sql = "TIMESTAMPTZ" if zone else "TIMESTAMP_NS" if unit == "ns" else "TIMESTAMP"
    return Kind(f"timestamp_{unit}", pa.timestamp(unit, zone), value, literal, lambda v: literal(v) + "::" + sql)


def _word(rng, near):
    return rng.choice(["", "a", "żółw", "日本", "k", "k", "k", "it's", "x" * 80]) + str(near % 300)


KINDS = [
    *[_ints(bits, signed) for bits in (8, 16, 32, 64) for signed in (True, False)],
    _floats(32),
    _floats(64),
    _decimals(5, 2),
    _decimals(18, 3),
    _decimals(38, 10),
    Kind("bool", pa.bool_(), lambda rng, near: rng.random() < 0.5, lambda v: str(v).lower()),
    Kind("text", pa.string(), _word, _quoted, like=True),
    Kind("words", pa.dictionary(pa.int32(), pa.string()), _word, _quoted, like=True),
    Kind(
        "bytes",
        pa.binary(),
        lambda rng, near: _word(rng, near).encode()[:20] + rng.choice([b"", b"\xff", b"\x00"]),
        lambda v: f"x'{v.hex()}'",
        lambda v: "'" + "".join(f"\\x{b:02X}" for b in v) + "'::BLOB",
    ),
    Kind("date", pa.date32(), lambda rng, near: DAY + dt.timedelta(days=near % 2000), lambda v: f"date '{v}'"),
    Kind(
        "time",
        pa.time64("us"),
        lambda rng, near: (dt.datetime.min + dt.timedelta(seconds=near % 86400, microseconds=near % 7)).time(),
        lambda v: f"time '{v}'",
    ),
    _times("s", None),
    _times("ms", None),
    _times("us", None),
    _times("us", "UTC"),
    _times("ns", None),
]


class Table:
    def __init__(self, seed):
        self.rng = rng = random.Random(seed)
        self.rows = rng.choice([0, 1, 700, 3000, 5000])
        self.kinds = {f"c{i}": kind for i, kind in enumerate(rng.sample(KINDS, 6))}
        self.values, columns = {}, {"row": pa.array(range(self.rows), pa.int64())}
        for name, kind in self.kinds.items():
            values = self._column(kind)
            self.values[name] = [v for v in values if v is not None] or [kind.value(rng, 7)]
            columns[name] = pa.array(values, kind.type)
        inner = rng.choice(list(self.kinds))
        mask = pa.array([rng.random() < 0.1 for _ in range(self.rows)], pa.bool_())
        plain = columns[inner]
        if pa.types.is_dictionary(plain.type):
            plain = plain.dictionary_decode()
        columns["st"] = pa.StructArray.from_arrays([plain, columns["row"]], ["f", "g"], mask=mask)
        self.paths = {**self.kinds, "st.f": self.kinds[inner]}
        self.values["st.f"] = self.values[inner]
        columns["items"] = pa.array(
            [None if i % 7 == 3 else list(range(i % 4)) for i in range(self.rows)], pa.list_(pa.int32())
        )
        self.arrow = pa.table(columns)
        self.duck = duckdb.connect()
        self.duck.execute("set TimeZone = 'UTC'")
        arrow = self.arrow
        self.duck.execute("create table t as select * from arrow")

    def _column(self, kind):
        rng, order = self.rng, self.rng.choice(["ascending", "descending", "near", "random"])
        nulls = rng.choice([0, 0, 0.1, 0.9, "runs"])
        values = []
        for i in range(self.rows):
            near = {"ascending": i, "descending": self.rows - i, "near": i // 10 + rng.randint(0, 20)}.get(
                order, rng.randint(0, 3000)
            )
            empty = (i // 400) % 2 == 1 if nulls == "runs" else rng.random() < nulls
            values.append(None if empty else kind.value(rng, near))
        return values

    # Predicates, as (ours, DuckDB's).

    def _literal(self, path):
        kind, rng = self.paths[path], self.rng
        if rng.random() < 0.04:
            return "null", "null"
        value = rng.choice(self.values[path])
        odd = rng.random()
        if kind.name.startswith(("int", "uint")) and odd < 0.2:
            value = rng.choice([f"{value}.5", "-1", "1000", "-0.25", "99999", "1e3", "12345678901234567890"])
        if kind.name.startswith("decimal") and odd < 0.2:
            value = rng.choice([f"{value}1", "0", "-7", "1234567"])
        if isinstance(value, dt.datetime):
            value = value.replace(tzinfo=None)
        return kind.literal(value), kind.sql(value)

    def _leaf(self):
        rng = self.rng
        path = rng.choice(list(self.paths))
        kind, form = self.paths[path], rng.random()
        if form < 0.45:
            ours, theirs = self._literal(path)
            sign = rng.choice(["=", "<>", "<", "<=", ">", ">="])
            return f"{path} {sign} {ours}", f"{path} {sign} {theirs}"
        if form < 0.6:
            pairs = [self._literal(path) for _ in range(rng.choice([1, 3, 20]))]
            word = rng.choice(["in", "in", "not in"])
            return tuple(f"{path} {word} ({', '.join(side)})" for side in zip(*pairs))
        if form < 0.7:
            low, high = self._literal(path), self._literal(path)
            word = rng.choice(["between", "not between"])
            return tuple(f"{path} {word} {low[i]} and {high[i]}" for i in (0, 1))
        if form < 0.82:
            path = rng.choice([path, "st", "items", "st.f"])
            text = f"{path} is {rng.choice(['', 'not '])}null"
            return text, text
        if kind.like:
            text = rng.choice(self.values[path])
            pattern = rng.choice([text[:2] + "%", "%" + text[-2:], "%" + text[1:2] + "%", text, "_" + text[1:], "k%1%"])
            text = f"{path} {rng.choice(['like', 'not like'])} {_quoted(pattern)}"
            return text, text
        ours, theirs = self._literal(path)
        return f"not {path} >= {ours}", f"not {path} >= {theirs}"

    def predicate(self, depth=0):
        rng = self.rng
        form = rng.random()
        if depth >= 3 or form < 0.5:
            return self._leaf()
        if form < 0.6:
            ours, theirs = self.predicate(depth + 1)
            return f"not ({ours})", f"not ({theirs})"
        parts = [self.predicate(depth + 1) for _ in range(rng.choice([2, 2, 3]))]
        word = rng.choice([" and ", " or "])
        return tuple("(" + word.join(side) + ")" for side in zip(*parts))

    def rows_of(self, sql):
        return [row for (row,) in self.duck.execute(f"select row from t where {sql} order by row").fetchall()]

    def write(self, path):
        rng = self.rng
        writer = rng.choice(["pyarrow", "pyarrow", "ours", "ours", "duckdb"])
        group = rng.choice([300, 1000, 100000])
        if writer == "duckdb":
            self.duck.execute(f"copy (select * from t order by row) to '{path}' (format parquet, row_group_size 2048)")
        elif writer == "pyarrow":
            names = [name for name in self.arrow.column_names if rng.random() < 0.5]
            bloom = {
                name: True
                for name, kind in self.kinds.items()
                if kind.name != "bool" and rng.random() < 0.3
            }
            pq.write_table(
                self.arrow,
                path,
                row_group_size=group,
                use_dictionary=rng.choice([True, False, names]),
                write_statistics=rng.choice([True, True, False]),
                write_page_index=rng.random() < 0.7,
                data_page_size=rng.choice([256, 2000, 1 << 20]),
                write_batch_size=rng.choice([32, 1024]),
                data_page_version=rng.choice(["1.0", "2.0"]),
                version=rng.choice(["1.0", "2.6"]) if not self._has_nanos() else "2.6",
                compression=rng.choice(["snappy", "none", "zstd"]),
                bloom_filter_options=bloom or None,
            )
        else:
            columns = {
                name: {"bloom": 1} for name, kind in self.kinds.items() if kind.name != "bool" and rng.random() < 0.3
            }
            made = lamella.options(
                columns=columns or None,
                row_group_rows_max=group,
                page_rows_max=rng.choice([50, 333, 20000]),
                dictionary=rng.random() < 0.6,
                data_page_version=rng.choice([1, 2]),
                statistics_bytes_max=rng.choice([8, 64]),
            )
            path.write_bytes(lamella.parquet_bytes(self.arrow, made))
        return writer

    def _has_nanos(self):
        return any(pa.types.is_timestamp(f.type) and f.type.unit == "ns" for f in self.arrow.schema)


def _same(got, wanted):
    """Equal values, whatever the writer made of their types."""
    return repr(got.to_pylist()) == repr(wanted.to_pylist())


def check(seed, path):
    """A table of that seed, written to `path`: each predicate gives the rows that DuckDB gives."""
    table = Table(seed)
    writer = table.write(path)
    everything = lamella.read_parquet(path)
    for number in range(PREDICATES):
        ours, theirs = table.predicate()
        expected = table.rows_of(theirs)
        others = table.rng.sample(everything.column_names[1:], table.rng.choice([0, 1, 3]))
        columns = ["row", *others]
        told = f"seed {seed}, {writer}: {ours}"
        for no_pruning in (False, True):
            counts = lamella.ReadCounts()
            got = lamella.read_parquet(
                path,
                columns=columns,
                where=ours,
                counts=counts,
                no_pruning=no_pruning,
                threads=table.rng.choice([1, 2]),
                batch_rows=table.rng.choice([0, 0, 7]),
                memory_bytes_max=table.rng.choice([0, 20000]),
            )
            assert got["row"].to_pylist() == expected, (told, no_pruning)
            assert counts.rows_selected == len(expected), told
            if others:
                assert _same(got.select(others), everything.select(others).take(pa.array(expected, pa.int64()))), told
        if expected and number % 6 == 0:
            first, count = table.rng.randrange(len(expected)), table.rng.randint(1, len(expected))
            got = lamella.read_parquet(path, columns=["row"], where=ours, row_first=first, row_count=count)
            assert got["row"].to_pylist() == expected[first : first + count], told


@pytest.mark.parametrize("seed", range(TABLES))
def test_a_filter_gives_the_rows_that_duckdb_gives(seed, tmp_path):
    check(seed, tmp_path / "t.parquet")


# What is left unread.


def _counted(path, where, **settings):
    counts = lamella.ReadCounts()
    rows = lamella.read_parquet(path, where=where, counts=counts, **settings)
    return rows, counts


@pytest.fixture(scope="module")
def ascending(tmp_path_factory):
    path = tmp_path_factory.mktemp("filter") / "ascending.parquet"
    count = 100000
    table = pa.table(
        {
            "id": pa.array(range(count), pa.int64()),
            "word": pa.array([f"w{2 * (i * 7919 % 1000):04}" for i in range(count)]),
            "noise": pa.array([i * 2654435761 % 2**32 for i in range(count)], pa.int64()),
            "real": pa.array([i / 8 for i in range(count)], pa.float64()),
            "deep": pa.array([{"list": [i, i + 1]} for i in range(count)]),
        }
    )
    pq.write_table(
        table,
        path,
        row_group_size=20000,
        data_page_size=4096,
        write_batch_size=256,
        write_page_index=True,
        use_dictionary=["word"],
        bloom_filter_options={"noise": True},
    )
    return path


def test_statistics_leave_out_row_groups(ascending):
    rows, counts = _counted(ascending, "id < 30000")
    assert rows.num_rows == 30000
    assert counts.row_groups == 5 and counts.row_groups_by_statistics == 3


def test_the_page_index_leaves_out_pages_of_all_columns(ascending):
    rows, counts = _counted(ascending, "id between 50000 and 50010")
    whole = _counted(ascending, "id between 50000 and 50010", no_pruning=True)[1]
    assert rows["id"].to_pylist() == list(range(50000, 50011))
    assert rows["deep"].to_pylist() == [{"list": [i, i + 1]} for i in range(50000, 50011)]
    assert counts.rows_filtered < 2000
    assert counts.pages_read <= 12 < whole.pages_read
    assert counts.bytes_read * 4 < whole.bytes_read


def test_only_the_pages_of_selected_rows_are_read_of_other_columns(ascending):
    found = 77777 * 2654435761 % 2**32
    everything = _counted(ascending, "true")[1]
    rows, counts = _counted(ascending, f"noise = {found} or noise = -1", no_pruning=False)
    assert rows["id"].to_pylist() == [77777]
    assert counts.pages_read * 2 < everything.pages_read


def test_a_bloom_filter_leaves_out_row_groups(ascending):
    rows, counts = _counted(ascending, f"noise = {12345 * 2654435761 % 2**32}")
    assert rows["id"].to_pylist() == [12345]
    assert counts.row_groups_by_bloom + counts.row_groups_by_statistics == 4 and counts.row_groups_by_bloom >= 3
    assert _counted(ascending, "noise in (2147483001, 2147483003)")[1].row_groups_by_bloom == 5


def test_a_dictionary_leaves_out_row_groups(ascending):
    rows, counts = _counted(ascending, "word = 'w0001'")
    assert rows.num_rows == 0 and counts.row_groups_by_dictionary == 5
    assert counts.rows_filtered == 0


# The literal of row `found`, and how its column is encoded.
SEARCHED = {
    "plain": (pa.int64(), lambda i: i * 7919 % 40009, str),
    "plain_text": (pa.string(), lambda i: f"wört {i * 7919 % 40009}", _quoted),
    "plain_short": (pa.string(), lambda i: f"{i * 7919 % 40009}", _quoted),
    "plain_wide": (pa.binary(9), lambda i: f"{i * 7919 % 40009:09}".encode(), lambda v: f"x'{v.hex()}'"),
    "indices": (pa.int32(), lambda i: i * 7919 % 40009, str),
    "indices_text": (pa.string(), lambda i: f"w{i * 7919 % 40009}", _quoted),
    "packed": (pa.int32(), lambda i: i * 7919 % 40009, str),
    "delta_text": (pa.string(), lambda i: f"w{i * 7919 % 40009}", _quoted),
    "split": (pa.float64(), lambda i: i * 7919 % 40009 / 8, str),
    "decimal": (pa.decimal128(30, 2), lambda i: decimal.Decimal(i * 7919 % 40009), str),
}


@pytest.mark.parametrize("codec", ["snappy", "none"])
@pytest.mark.parametrize("version", ["1.0", "2.0"])
@pytest.mark.parametrize("nulls", [False, True])
def test_pages_without_a_value_that_fits_are_not_decoded(tmp_path, codec, version, nulls):
    """Nothing but the values themselves tells where one of them is."""
    path, count, found = tmp_path / "t.parquet", 40000, 23456
    columns = {
        name: pa.array([None if nulls and i % 3 == 1 else value(i) for i in range(count)], type_)
        for name, (type_, value, _) in SEARCHED.items()
    }
    names = ["indices", "indices_text"]
    encodings = {"packed": "DELTA_BINARY_PACKED", "delta_text": "DELTA_BYTE_ARRAY", "split": "BYTE_STREAM_SPLIT"}
    pq.write_table(
        pa.table({"row": range(count), **columns}),
        path,
        use_dictionary=names,
        column_encoding=encodings,
        data_page_size=4096,
        write_batch_size=500,
        data_page_version=version,
        write_statistics=False,
        compression=codec,
        dictionary_pagesize_limit=1 << 30,
    )
    for name, (_, value, literal) in SEARCHED.items():
        for threads in (1, 2):
            rows, counts = _counted(path, f"{name} = {literal(value(found))}", columns=["row", name], threads=threads)
            assert rows.to_pylist() == [{"row": found, name: value(found)}], name
            assert counts.rows_by_values > count * 0.8 and counts.rows_filtered < count * 0.2, name
            assert counts.rows_by_values + counts.rows_filtered == count
        rows, counts = _counted(path, f"{name} in ({literal(value(found))}, {literal(value(3))}) and row > 9", columns=["row"])
        assert rows["row"].to_pylist() == [found] and counts.rows_by_values > count * 0.7, name
        missing = literal(value(-1) if name != "split" else 1e9)
        rows, counts = _counted(path, f"{name} = {missing}")
        assert rows.num_rows == 0, name
        assert counts.rows_filtered == 0 or name.startswith("indices"), name


def test_of_two_pages_the_damaged_one_is_told(tmp_path):
    """Pages are decompressed two at a time; each is answered for by itself."""
    path = tmp_path / "t.parquet"
    table = pa.table({"x": pa.array([i * 7919 % 400009 for i in range(40000)], pa.int64())})
    pq.write_table(table, path, use_dictionary=False, data_page_size=4096, write_batch_size=4000, compression="snappy")
    chunk = pq.read_metadata(path).row_group(0).column(0)
    good = path.read_bytes()
    for page in range(10):
        at = chunk.data_page_offset + int(chunk.total_compressed_size * (page + 0.5) / 10)
        path.write_bytes(good[:at] + b"\xfb\xff\xff" * 20 + good[at + 60 :])
        with pytest.raises(pa.ArrowInvalid, match=f"page {page}: snappy: .* damaged"):
            lamella.read_parquet(path, threads=1)


def test_a_search_in_vain_is_given_up(tmp_path):
    path = tmp_path / "t.parquet"
    table = pa.table({"row": range(40000), "often": [i % 3 for i in range(40000)]})
    pq.write_table(table, path, row_group_size=20000, use_dictionary=False, data_page_size=4096, write_batch_size=500)
    pages = _counted(path, "true", columns=["often"])[1].pages_read
    rows, counts = _counted(path, "often = 1", columns=["often"], threads=2)
    assert rows.num_rows == 13333 and counts.rows_by_values == 0
    assert pages >= 40 and counts.pages_read <= pages + 8
    rows, counts = _counted(path, "often in (0, 2) and row in (7, 30000)", columns=["row"])
    assert rows["row"].to_pylist() == [30000] and counts.rows_by_values > 36000


def test_bounds_say_nothing_of_nan(tmp_path):
    path = tmp_path / "nan.parquet"
    pq.write_table(pa.table({"x": [1.0, math.nan, 2.0]}), path)
    assert _counted(path, "x > 5")[0].num_rows == 1
    assert _counted(path, "x <> 1")[0].num_rows == 2
    rows, counts = _counted(path, "x < 1")
    assert rows.num_rows == 0 and counts.row_groups_by_statistics == 1


def test_the_number_of_nans_lets_floats_be_left_out(tmp_path):
    """Ours tell it of chunks and of pages: what NaN would pass is left out where there is none."""
    path = tmp_path / "nan.parquet"
    values = [float(i) for i in range(2000)]
    values[1050] = math.nan
    for type_ in [pa.float64(), pa.float32(), pa.float16()]:
        table = pa.table({"x": pa.array(values, pa.float64()).cast(type_), "i": range(2000)})
        lamella.write_parquet(table, path, lamella.options(row_group_rows_max=500, page_rows_max=50), durability=2)
        for where, rows, left_out in [("x > 1800", 200, 2), ("x <> 7", 1999, 0), ("x >= 4000", 1, 3), ("x < 0", 0, 4)]:
            got, counts = _counted(path, where)
            assert (got.num_rows, counts.row_groups_by_statistics) == (rows, left_out), where
        got, counts = _counted(path, "x >= 4000")
        assert got["i"].to_pylist() == [1050] and counts.rows_filtered == 50


def test_nothing_is_read_for_what_cannot_be(ascending):
    rows, counts = _counted(ascending, "id > 1 and false")
    assert rows.num_rows == 0 and rows.column_names == ["id", "word", "noise", "real", "deep"]
    assert counts.row_groups == 0 and counts.pages_read == 0


def test_what_does_not_fit_the_file_is_named(ascending):
    for where, words in [
        ("nobody = 1", "there is no column nobody"),
        ("word = 5", "column word (string) cannot be compared with a number '5'"),
        ("deep.list = 5", "column deep.list (list"),
    ]:
        with pytest.raises(lamella.LamellaError, match="LM_SCHEMA") as failure:
            lamella.read_parquet(ascending, where=where)
        assert words.split(" (")[0] in str(failure.value)


# Files of every origin: statistics, indexes and bloom filters as other writers of all times make them.

FILES = next(
    (
        place
        for place in [
            pathlib.Path(os.environ.get("LAMELLA_PARQUET_FILES", "/nowhere")),
            *(parent / "shared" / "parquet" for parent in pathlib.Path(__file__).resolve().parents),
        ]
        if (place / "inventory.json").exists()
    ),
    None,
)
ORIGINS = sorted(path for path in (FILES / "data").rglob("*") if path.is_file()) if FILES else []


def _text_of(value):
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, bytes):
        return f"x'{value.hex()}'"
    if isinstance(value, float):
        return _float_literal(value)
    if isinstance(value, int) or isinstance(value, decimal.Decimal):
        return f"{value}"
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, dt.timedelta) or str(value) == "NaT":
        return None
    return f"'{value}'" if isinstance(value, (dt.date, dt.time, dt.datetime)) else None


def _paths(prefix, kind):
    if pa.types.is_struct(kind):
        for field in kind:
            yield from _paths([*prefix, field.name], field.type)
    elif not pa.types.is_nested(kind):
        yield prefix


def _value_at(row, path):
    for name in path:
        row = None if row is None else row.get(name)
    return row


def check_pruning(path, whole, values_most=3):
    """Predicates over the first rows' values of a file that was read before, with pruning and without, in place and by
    ranges: equal rows.
    Gives how many were tried, and how many left something out."""
    tried = pruned = 0
    rows = whole.slice(0, 2000).to_pylist()
    for names in [found for field in whole.schema for found in _paths([field.name], field.type)][:12]:
        column = ".".join('"' + name.replace('"', '""') + '"' for name in names)
        values = [_text_of(value) for value in {repr(v): v for v in (_value_at(r, names) for r in rows)}.values()]
        values = sorted({value for value in values if value and "\x00" not in value})
        predicates = [f"{column} is null", f"{column} is not null"]
        for value in values if len(values) <= values_most else [values[0], values[len(values) // 2], values[-1]]:
            predicates += [f"{column} {sign} {value}" for sign in ("=", "<>", "<", ">=")]
            predicates.append(f"{column} in ({value}, null)")
        for where in predicates:
            counts = lamella.ReadCounts()
            got = lamella.read_parquet(path, where=where, counts=counts)
            plain = lamella.read_parquet(path, where=where, no_pruning=True, threads=1)
            by_ranges = lamella.read_parquet(path, where=where, no_views=True)
            assert got.num_rows == plain.num_rows == by_ranges.num_rows, (path.name, where)
            first = repr(plain.slice(0, 20).to_pylist())
            assert first == repr(got.slice(0, 20).to_pylist()), (path.name, where)
            assert first == repr(by_ranges.slice(0, 20).to_pylist()), (path.name, where)
            if where.endswith("not null"):
                present = sum(_value_at(r, names) is not None for r in rows)
                assert got.num_rows >= present, (path.name, where)
            tried += 1
            pruned += counts.rows_filtered < counts.rows
    return tried, pruned


@pytest.mark.skipif(not ORIGINS, reason="no Parquet files in ../shared/parquet")
def test_pruning_changes_nothing_in_files_of_every_origin():
    tried = pruned = 0
    for path in ORIGINS:
        try:
            whole = lamella.read_parquet(path)
            if whole.num_rows > 50000 or len(set(whole.column_names)) < whole.num_columns:
                continue
            whole.slice(0, 2000).to_pylist()
        except (lamella.LamellaError, pa.ArrowException, OverflowError, ValueError):
            continue
        more = check_pruning(path, whole)
        tried, pruned = tried + more[0], pruned + more[1]
    assert tried > 1000 and pruned > 100, (tried, pruned)
