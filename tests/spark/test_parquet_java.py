"""What we write is read by parquet-java: every type, encoding, codec and page version, nested tables, filters."""

import decimal
import random
import struct

import pytest
from test_write_generated import make_options, make_table
from test_write_grid import CELLS, GROUP, PAGE

import lamella_c as lamella
import pyarrow as pa
from parquet_tables import CODECS, column

# parquet-java has brotli only with a library that Maven Central lacks.
READABLE = [codec for codec in CODECS if codec != "brotli"]


def signed(value, bits):
    return value - (1 << bits) if value >= 1 << bits - 1 else value


def stored_number(kind):
    """(Arrow's integers of the type, what they are multiplied with) for types that are stored as integers."""
    if pa.types.is_date64(kind):
        return pa.date32(), pa.int32(), 1
    if pa.types.is_date(kind) or pa.types.is_time32(kind):
        return kind, pa.int32(), 1000 if pa.types.is_time(kind) and kind.unit == "s" else 1
    if pa.types.is_temporal(kind):
        return kind, pa.int64(), 1000 if pa.types.is_timestamp(kind) and kind.unit == "s" else 1
    return None


def numbers(column):
    first, integer, factor = stored_number(column.type)
    return [None if v is None else v * factor for v in column.cast(first).cast(integer).to_pylist()]


def leaf(values, kind):
    """Python's values of a column without nesting, as Reads prints what is stored."""
    if stored_number(kind):
        return numbers(pa.array(values, kind))

    def one(v):
        if v is None:
            return None
        if pa.types.is_decimal(kind):
            unscaled = int(v.scaleb(kind.scale, decimal.Context(prec=100)))
            width = next(n for n in range(1, 33) if 10**kind.precision <= 1 << 8 * n - 1)
            return unscaled if kind.precision <= 18 else unscaled.to_bytes(width, "big", signed=True).hex()
        if pa.types.is_unsigned_integer(kind):
            return signed(v, max(kind.bit_width, 32)) if kind.bit_width >= 32 else v
        if pa.types.is_float16(kind):
            return struct.pack("<e", v).hex()
        if pa.types.is_float32(kind):
            return struct.pack(">f", v).hex()
        if pa.types.is_float64(kind):
            return struct.pack(">d", v).hex()
        if isinstance(v, str):
            return v.encode().hex()
        return v.hex() if isinstance(v, bytes) else v

    return [one(v) for v in values]


def stored(values, kind):
    if pa.types.is_dictionary(kind):
        return stored(values, kind.value_type)
    if pa.types.is_struct(kind):
        fields = {f.name: stored([None if v is None else v[f.name] for v in values], f.type) for f in kind}
        return [None if v is None else {name: fields[name][i] for name in fields} for i, v in enumerate(values)]
    if pa.types.is_map(kind):
        pairs = [p for v in values if v is not None for p in v]
        keys = iter(stored([k for k, _ in pairs], kind.key_type))
        items = iter(stored([i for _, i in pairs], kind.item_type))
        return [
            None if v is None else {"key_value": [{"key": next(keys), "value": next(items)} for _ in v]} for v in values
        ]
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        items = iter(stored([item for v in values if v is not None for item in v], kind.value_type))
        return [None if v is None else {"list": [{"element": next(items)} for _ in v]} for v in values]
    return leaf(values, kind)


def check(java, path, table):
    rows = java.rows(path)
    assert len(rows) == table.num_rows
    wrong = []
    for name in table.column_names:
        kind = table.schema.field(name).type
        # Python's times have no nanoseconds.
        want = numbers(table.column(name)) if stored_number(kind) else stored(table.column(name).to_pylist(), kind)
        got = [row[name] for row in rows]
        for row, (left, right) in enumerate(zip(got, want)):
            if left != right:
                wrong.append(f"{name} {table.schema.field(name).type} row {row}: {left}, not {right}")
                break
    assert not wrong, "\n".join(wrong[:20])


@pytest.mark.parametrize("count", [0, 1, 8, 63, 64, 65, 501])
@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("codec", READABLE)
def test_grid(java, codec, version, count, tmp_path):
    table = pa.table({cell: column(name, count, nulls) for cell, (name, _, nulls) in CELLS.items()})
    path = str(tmp_path / "grid.parquet")
    options = lamella.options(
        codec=codec,
        data_page_version=version,
        page_rows_max=PAGE,
        row_group_rows_max=GROUP,
        columns={cell: {"encoding": encoding} for cell, (_, encoding, _) in CELLS.items()},
    )
    with open(path, "wb") as file:
        file.write(lamella.parquet_bytes(table, options))
    check(java, path, table)


@pytest.mark.parametrize("block", range(20))
def test_generated_tables(java, block, tmp_path):
    path = str(tmp_path / "t.parquet")
    for seed in range(block * 20, (block + 1) * 20):
        rng = random.Random(seed)
        table, _ = make_table(rng)
        _, options = make_options(rng, table)
        if options.codec == lamella.CODECS["brotli"]:
            options.codec = lamella.CODECS["zstd"]
        with open(path, "wb") as file:
            file.write(lamella.parquet_bytes(table, options))
        try:
            check(java, path, table)
        except Exception as error:
            raise AssertionError(f"seed {seed}: {table.schema}: {error}") from error


@pytest.mark.parametrize("dictionary", [False, True])
@pytest.mark.parametrize("version", [1, 2])
def test_filters_find_what_is_there(java, version, dictionary, tmp_path):
    """By statistics, dictionaries, bloom filters and page indexes no row is lost, and none is made up."""
    rng, path = random.Random(7), str(tmp_path / "f.parquet")
    numbers = [None if rng.random() < 0.1 else rng.randrange(-400, 400) for _ in range(5000)]
    texts = [None if n is None else f"text {n // 3}" for n in numbers]
    table = pa.table({"n": sorted(numbers, key=lambda n: (n is None, n)), "t": texts})
    options = lamella.options(
        data_page_version=version,
        dictionary=dictionary,
        page_rows_max=100,
        row_group_rows_max=1500,
        columns={"n": {"bloom": 1}, "t": {"bloom": 1}},
    )
    with open(path, "wb") as file:
        file.write(lamella.parquet_bytes(table, options))
    pairs = list(zip(table.column("n").to_pylist(), texts))
    for value in [-400, -1, 0, 399, 5000, -7, 12]:
        got = [(row["n"], row["t"] and bytes.fromhex(row["t"]).decode()) for row in java.rows(path, "n", "int64", str(value))]
        assert got == [pair for pair in pairs if pair[0] == value]
    for value in ["text 0", "text -134", "text 133", "nowhere", "text 5"]:
        got = [(row["n"], row["t"] and bytes.fromhex(row["t"]).decode()) for row in java.rows(path, "t", "text", value)]
        assert got == [pair for pair in pairs if pair[1] == value]


@pytest.mark.parametrize("settings", [{}, {"rewrite": True}, {"small_rows": 300}], ids=str)
def test_merged_files_are_read_and_filtered(java, settings, tmp_path):
    """Parts of several row groups, one of which lacks columns, by pages and bloom filters."""
    path, parts, rows = str(tmp_path / "m.parquet"), [], []
    options = lamella.options(page_rows_max=50, row_group_rows_max=400, columns={"n": {"bloom": 1}})
    for part in range(4):
        at = range(part * 1000, (part + 1) * 1000)
        table = pa.table(
            {
                "n": pa.array(at, pa.int64()),
                "x": pa.array([None if i % 9 == 0 else i / 4 for i in at], pa.float64()),
                "l": pa.array([None if i % 7 == 0 else list(range(i % 3)) for i in at], pa.list_(pa.int32())),
                "s": pa.array([None if i % 5 == 0 else {"a": i, "b": str(i)} for i in at]),
            }
        )
        if part == 2:
            short = pa.array([v and {"a": v["a"]} for v in table["s"].to_pylist()], pa.struct([("a", pa.int64())]))
            table = table.select(["n", "x"]).append_column("s", short)
        parts.append(lamella.parquet_bytes(table, options))
        rows.append(table)
    data, _ = lamella.merge_parquet(parts, **settings)
    with open(path, "wb") as file:
        file.write(data)
    whole = pa.concat_tables([rows[0].slice(0, 0), *rows], promote_options="permissive")
    check(java, path, whole)
    for value in [0, 999, 1000, 2345, 3999, 4000, -1]:
        assert [row["n"] for row in java.rows(path, "n", "int64", str(value))] == [value] * (0 <= value < 4000)
