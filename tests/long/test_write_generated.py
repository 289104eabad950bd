"""Thousands of generated tables, nested to any depth, each written in some way and read by every reader; and
what the footer says of each column is true."""

import random

import pytest
import readers

import lamella_c as lamella
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from parquet_tables import CODECS, TYPES, same

TABLES, BLOCK = 4000, 50
LEAVES = [
    "bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float32", "float64", "string",
    "large_string", "string_view", "binary", "date32", "time64_us", "timestamp_us", "timestamp_usUTC", "timestamp_ms",
    "duration_us", "decimal128_9_0", "decimal128_18_5", "decimal128_38_10",
]  # fmt: skip
# What DuckDB and Polars give back through Arrow, and a cast puts right, within lists and structs too.
EVERYWHERE = {"bool", "int8", "int16", "int32", "int64", "uint32", "uint64", "float32", "float64", "string", "binary",
              "date32", "timestamp_us", "decimal128_18_5"}  # fmt: skip


def make_type(rng, depth, names):
    """(type, a maker of values); `names` collects the leaves."""
    choice = rng.random()
    if depth == 0 or choice < 0.35:
        name = rng.choice(LEAVES)
        names.add(name)
        kind, make = TYPES[name]
        return kind, lambda: make(rng, 30)
    if choice < 0.65:
        kind, make = make_nullable(rng, depth - 1, names)
        large = rng.random() < 0.2
        most = rng.choice([1, 3, 6])
        if large:
            names.add("large_list")
        return (pa.large_list if large else pa.list_)(kind), lambda: [make() for _ in range(rng.randrange(most + 1))]
    if choice < 0.72:
        kind, make = make_nullable(rng, depth - 1, names)
        size = rng.randint(1, 3)
        names.add("fixed_list")
        return pa.list_(kind, size), lambda: [make() for _ in range(size)]
    if choice < 0.9:
        children = [make_nullable(rng, depth - 1, names) for _ in range(rng.randint(1, 3))]
        fields = [pa.field(f"f{i}", kind) for i, (kind, _) in enumerate(children)]
        return pa.struct(fields), lambda: {f"f{i}": make() for i, (_, make) in enumerate(children)}
    kind, make = make_nullable(rng, depth - 1, names)
    names.add("map")
    return pa.map_(pa.string(), kind), lambda: [(f"k{i}", make()) for i in range(rng.randrange(4))]


def make_nullable(rng, depth, names):
    kind, make = make_type(rng, depth, names)
    share = rng.choice([0, 0, 0.1, 0.5, 1])
    return kind, lambda: None if rng.random() < share else make()


def make_table(rng):
    """The table, and the columns that readers other than pyarrow are asked for."""
    count = rng.choice([0, 1, rng.randrange(20), rng.randrange(200), rng.randrange(200)])
    columns, common = {}, []
    for i in range(rng.randint(1, 3)):
        names = set()
        kind, make = make_nullable(rng, rng.choice([0, 0, 1, 2, 3]), names)
        columns[f"c{i}"] = pa.array([make() for _ in range(count)], kind)
        if names <= EVERYWHERE:
            common.append(f"c{i}")
    return pa.table(columns), common


def make_options(rng, table):
    encodings = {}
    for field in table.schema:
        encoding = rng.choice(["AUTO", "AUTO", *readers.ENCODINGS[readers.physical(field.type)]])
        encodings[field.name] = {"encoding": encoding, "bloom": rng.choice([0, 0, 1])}
    return encodings, lamella.options(
        codec=rng.choice(CODECS),
        data_page_version=rng.choice([1, 2]),
        page_rows_max=rng.choice([1, 10, 100, 100000]),
        page_bytes_max=rng.choice([1, 100, 10000, 1 << 20]),
        row_group_rows_max=rng.choice([7, 100, 1 << 20]),
        dictionary=rng.random() < 0.7,
        dictionary_bytes_max=rng.choice([50, 1000, 1 << 20]),
        statistics=rng.random() < 0.8,
        page_index=rng.random() < 0.8,
        page_crc=rng.random() < 0.8,
        threads=rng.choice([1, 3]),
        columns=encodings,
    )


def check_statistics(path, table):
    """Of flat columns: the counts of nulls are exact, and no value lies outside its bounds."""
    meta, start = pq.ParquetFile(path).metadata, 0
    for group in range(meta.num_row_groups):
        rows = meta.row_group(group).num_rows
        for i in range(meta.num_columns):
            chunk = meta.row_group(group).column(i)
            if chunk.path_in_schema not in table.column_names or not chunk.is_stats_set:
                continue
            values = table.column(chunk.path_in_schema).slice(start, rows)
            stats = chunk.statistics
            assert stats.null_count == values.null_count
            if not stats.has_min_max:
                continue
            if pa.types.is_floating(values.type):
                values = values.filter(pc.invert(pc.is_nan(values)))
            bounds = [v for v in values.to_pylist() if v is not None]
            if pa.types.is_duration(values.type):
                bounds = [v for v in values.cast(pa.int64()).to_pylist() if v is not None]
            low, high = stats.min, stats.max
            if isinstance(low, str) or isinstance(low, bytes):
                bounds = [v.encode() if isinstance(v, str) else v for v in bounds]
                low, high = (v.encode("utf-8") if isinstance(v, str) else v for v in (low, high))
            assert low <= min(bounds) and high >= max(bounds), (chunk.path_in_schema, low, high)
        start += rows


def ask(reader, path, table, common, encodings):
    kinds = {}
    for name in common:
        kind, encoding = table.schema.field(name).type, encodings[name]["encoding"]
        if not readers.unsupported(reader, kind, encoding):
            kinds[name] = kind
    if not kinds:
        return
    got = readers.read(reader, path, kinds)
    for name in kinds:
        told = readers.differences(got[name], readers.wanted(reader, table.column(name)))
        assert not told, f"{reader} {name} {kinds[name]}: {told}"


@pytest.mark.parametrize("block", range(TABLES // BLOCK))
def test_generated_tables(block, tmp_path):
    path = str(tmp_path / "t.parquet")
    for seed in range(block * BLOCK, (block + 1) * BLOCK):
        rng = random.Random(seed)
        table, common = make_table(rng)
        encodings, options = make_options(rng, table)
        size = rng.choice([1, 7, 64, 1000])
        stream = pa.RecordBatchReader.from_batches(table.schema, table.to_batches(max_chunksize=size))
        with open(path, "wb") as file:
            file.write(lamella.parquet_bytes(stream, options))
        try:
            verified = pq.read_table(path, page_checksum_verification=True)
            assert same(verified.combine_chunks(), table.combine_chunks()), "pyarrow reads something else"
            check_statistics(path, table)
            ask("duckdb", path, table, common, encodings)
            ask("polars", path, table, common, encodings)
        except Exception as error:
            raise AssertionError(f"seed {seed}: {table.schema}: {error}") from error


@pytest.mark.parametrize("block", range(10))
def test_generated_flat_tables_for_fastparquet(block, tmp_path):
    """It is asked for less: flat columns, pages v1, and chunks that all have a dictionary or none (where some
    have, it makes nulls of the text in the others)."""
    path = str(tmp_path / "t.parquet")
    for seed in range(block * BLOCK, (block + 1) * BLOCK):
        rng = random.Random(seed)
        count = rng.randrange(1, 400)
        names = rng.sample(LEAVES, 3)
        share = rng.choice([0, 0.1, 0.5])
        columns = {
            name: pa.array([None if rng.random() < share else TYPES[name][1](rng, count) for _ in range(count)], TYPES[name][0])
            for name in names
        }
        table = pa.table(columns)
        everything = {
            name: {"encoding": "PLAIN" if name == "bool" else rng.choice(["PLAIN", "RLE_DICTIONARY"])} for name in names
        }
        options = lamella.options(
            columns=everything,
            codec=rng.choice(["none", "snappy", "gzip", "zstd"]),
            page_rows_max=rng.choice([10, 100, 100000]),
            row_group_rows_max=rng.choice([50, 1 << 20]),
        )
        with open(path, "wb") as file:
            file.write(lamella.parquet_bytes(table, options))
        try:
            ask("fastparquet", path, table, names, everything)
        except Exception as error:
            raise AssertionError(f"seed {seed}: {names}: {error}") from error
