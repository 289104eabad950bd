"""What we write is read back equal by pyarrow, DuckDB, Polars and fastparquet: every type, encoding, codec and
page version, with no, some and all nulls, at the row counts where something changes."""

import datetime as dt
import decimal
import io
import math
import random
import uuid

import lamella_c as lamella
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

CODECS = ["none", "snappy", "gzip", "brotli", "zstd", "lz4_raw"]
COUNTS = [0, 1, 7, 8, 9, 63, 64, 65, 1000]


def _words(rng, n):
    return ["", "a", "żółw", "日本", "x" * 300, "line\nbreak", "\U0001f422"][rng.randrange(7)] + str(
        rng.randrange(n or 1)
    )


def _int(bits, signed):
    low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
    return lambda rng, n: rng.choice([low, high, 0, 1, rng.randint(low, high)])


def _float(rng, n):
    return rng.choice([0.0, -0.0, 1.5, math.inf, -math.inf, math.nan, 1e-300, rng.random()])


def _decimal(precision, scale):
    top = 10**precision - 1
    context = decimal.Context(prec=100)
    return lambda rng, n: decimal.Decimal(rng.choice([0, top, -top, rng.randint(-top, top)])).scaleb(
        -scale, context
    )


TYPES = {
    "bool": (pa.bool_(), lambda rng, n: rng.random() < 0.5),
    **{f"int{b}": (getattr(pa, f"int{b}")(), _int(b, True)) for b in (8, 16, 32, 64)},
    **{f"uint{b}": (getattr(pa, f"uint{b}")(), _int(b, False)) for b in (8, 16, 32, 64)},
    "float16": (pa.float16(), lambda rng, n: np.float16(rng.choice([0.0, -0.0, 1.5, 65504.0, rng.random()]))),
    "float32": (pa.float32(), lambda rng, n: float(np.float32(rng.choice([0.0, -0.0, 1.5, rng.random()])))),
    "float64": (pa.float64(), _float),
    "string": (pa.string(), _words),
    "large_string": (pa.large_string(), _words),
    "string_view": (pa.string_view(), _words),
    "binary": (pa.binary(), lambda rng, n: rng.randbytes(rng.randrange(40))),
    "large_binary": (pa.large_binary(), lambda rng, n: rng.randbytes(rng.randrange(40))),
    "binary_view": (pa.binary_view(), lambda rng, n: rng.randbytes(rng.randrange(40))),
    "fixed3": (pa.binary(3), lambda rng, n: rng.randbytes(3)),
    "fixed16": (pa.binary(16), lambda rng, n: rng.randbytes(16)),
    "date32": (pa.date32(), lambda rng, n: dt.date(1970, 1, 1) + dt.timedelta(rng.randint(-40000, 40000))),
    "date64": (pa.date64(), lambda rng, n: dt.date(1970, 1, 1) + dt.timedelta(rng.randint(-40000, 40000))),
    **{
        f"time32_{u}": (pa.time32(u), lambda rng, n, k=k: rng.randrange(86400 * k))
        for u, k in [("s", 1), ("ms", 1000)]
    },
    **{
        f"time64_{u}": (pa.time64(u), lambda rng, n, k=k: rng.randrange(86400 * k))
        for u, k in [("us", 10**6), ("ns", 10**9)]
    },
    **{
        f"timestamp_{u}{z or ''}": (pa.timestamp(u, z), lambda rng, n, k=k: rng.randint(-(10**9) * k, 10**9 * k))
        for u, k in [("s", 1), ("ms", 1000), ("us", 10**6), ("ns", 10**9)]
        for z in (None, "UTC", "Europe/Oslo")
    },
    **{
        f"duration_{u}": (pa.duration(u), lambda rng, n: rng.randint(-(10**12), 10**12))
        for u in ("s", "ms", "us", "ns")
    },
    "decimal32_7_2": (pa.decimal32(7, 2), _decimal(7, 2)),
    "decimal64_16_4": (pa.decimal64(16, 4), _decimal(16, 4)),
    "decimal128_9_0": (pa.decimal128(9, 0), _decimal(9, 0)),
    "decimal128_18_5": (pa.decimal128(18, 5), _decimal(18, 5)),
    "decimal128_38_10": (pa.decimal128(38, 10), _decimal(38, 10)),
    "decimal256_76_20": (pa.decimal256(76, 20), _decimal(76, 20)),
    "null": (pa.null(), lambda rng, n: None),
    "dictionary": (pa.dictionary(pa.int8(), pa.string()), lambda rng, n: "abcdefgh"[rng.randrange(8)]),
    "dictionary_int": (pa.dictionary(pa.int32(), pa.int64()), lambda rng, n: rng.randrange(9)),
}
NESTED = {
    "list": (pa.list_(pa.int32()), lambda rng, n: [None if rng.random() < 0.2 else rng.randrange(9) for _ in range(rng.randrange(4))]),
    "large_list": (pa.large_list(pa.string()), lambda rng, n: [_words(rng, n) for _ in range(rng.randrange(4))]),
    "fixed_list": (pa.list_(pa.int16(), 3), lambda rng, n: [1, None, 3]),
    "struct": (
        pa.struct([("x", pa.int64()), ("y", pa.struct([("z", pa.string())]))]),
        lambda rng, n: {"x": rng.randrange(5), "y": None if rng.random() < 0.3 else {"z": _words(rng, n)}},
    ),
    "list_struct": (
        pa.list_(pa.struct([("a", pa.int8()), ("b", pa.list_(pa.float64()))])),
        lambda rng, n: [
            None if rng.random() < 0.2 else {"a": rng.randrange(5), "b": None if rng.random() < 0.3 else [0.5] * rng.randrange(3)}
            for _ in range(rng.randrange(3))
        ],
    ),
    "list_list": (
        pa.list_(pa.list_(pa.int32())),
        lambda rng, n: [None if rng.random() < 0.2 else [7] * rng.randrange(3) for _ in range(rng.randrange(3))],
    ),
    "map": (
        pa.map_(pa.string(), pa.int32()),
        lambda rng, n: [(f"k{i}", None if rng.random() < 0.3 else i) for i in range(rng.randrange(4))],
    ),
    "map_list": (
        pa.map_(pa.int32(), pa.list_(pa.string())),
        lambda rng, n: [(i, None if rng.random() < 0.3 else ["v"] * i) for i in range(rng.randrange(3))],
    ),
}
ENCODINGS = {
    "RLE": {"bool"},
    "DELTA_BINARY_PACKED": {"int8", "int32", "int64", "uint16", "uint64", "date32", "timestamp_us", "decimal128_9_0"},
    "DELTA_LENGTH_BYTE_ARRAY": {"string", "large_binary", "string_view"},
    "DELTA_BYTE_ARRAY": {"string", "large_string", "binary_view", "fixed16", "decimal128_38_10"},
    "BYTE_STREAM_SPLIT": {"float16", "float32", "float64", "int32", "int64", "fixed3", "decimal256_76_20"},
    "RLE_DICTIONARY": {"int8", "uint16", "int64", "float64", "string", "fixed16", "decimal128_38_10", "dictionary"},
    "PLAIN": set(TYPES) - {"null"},
}


def _column(name, count, nulls, seed=0):
    kind, make = {**TYPES, **NESTED}[name]
    rng = random.Random(f"{name}{count}{nulls}{seed}")
    share = {"none": 0.0, "some": 0.3, "all": 1.0}[nulls]
    values = [None if rng.random() < share else make(rng, count) for _ in range(count)]
    if pa.types.is_dictionary(kind):
        return pa.array(values, kind.value_type).dictionary_encode().cast(kind)
    return pa.array(values, kind)


def _as_pyarrow_reads(table):
    """The table with the types that pyarrow gives back of what it wrote itself (seconds become milliseconds,
    date64 is date32, dictionaries of numbers are numbers)."""
    empty = io.BytesIO()
    pq.write_table(table.slice(0, 0), empty)
    schema = pq.read_table(empty).schema
    columns = [
        column if column.type == field.type else column.cast(field.type)
        for column, field in zip(table.columns, schema)
    ]
    return pa.table(columns, schema=schema)


def _same(got, table):
    """Equal values and types, NaN being equal to NaN."""
    want = _as_pyarrow_reads(table)
    if got.schema != want.schema or got.num_rows != want.num_rows:
        return False
    return all(
        left.equals(right) or repr(left.to_pylist()) == repr(right.to_pylist())
        for left, right in zip(got.columns, want.columns)
    )


def _read(data):
    return pq.read_table(io.BytesIO(data))


@pytest.mark.parametrize("nulls", ["none", "some", "all"])
@pytest.mark.parametrize("name", [*TYPES, *NESTED])
def test_every_type_comes_back(name, nulls):
    for count in COUNTS:
        for version in (1, 2):
            table = pa.table({"v": _column(name, count, nulls)})
            data = lamella.parquet_bytes(table, lamella.options(data_page_version=version, page_rows_max=50))
            assert _same(_read(data), table), (count, version)


@pytest.mark.parametrize("codec", CODECS)
def test_every_codec(codec):
    table = pa.table({n: _column(n, 3000, "some") for n in ("int64", "string", "float64", "list_struct", "bool")})
    for version in (1, 2):
        made = lamella.options(codec=codec, data_page_version=version, page_rows_max=700)
        data = lamella.parquet_bytes(table, made)
        assert _same(_read(data), table)
        written = {
            pq.ParquetFile(io.BytesIO(data)).metadata.row_group(0).column(i).compression for i in range(5)
        }
        assert written == {{"none": "UNCOMPRESSED", "lz4_raw": "LZ4"}.get(codec, codec.upper())}


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_every_encoding(encoding):
    for name in sorted(ENCODINGS[encoding]):
        for nulls in ("none", "some", "all"):
            for version in (1, 2):
                table = pa.table({"v": _column(name, 2500, nulls)})
                made = lamella.options(
                    columns={"v": {"encoding": encoding}}, data_page_version=version, page_rows_max=600
                )
                data = lamella.parquet_bytes(table, made)
                assert _same(_read(data), table), (name, nulls, version)
                chunk = pq.ParquetFile(io.BytesIO(data)).metadata.row_group(0).column(0)
                if nulls != "all":
                    assert encoding in chunk.encodings, (name, chunk.encodings)


def test_a_dictionary_that_is_full_falls_back():
    table = pa.table({"v": pa.array([f"value {i}" for i in range(5000)])})
    made = lamella.options(
        columns={"v": {"encoding": "RLE_DICTIONARY"}}, dictionary_bytes_max=20000, page_rows_max=400
    )
    data = lamella.parquet_bytes(table, made)
    assert _same(_read(data), table)
    assert set(pq.ParquetFile(io.BytesIO(data)).metadata.row_group(0).column(0).encodings) == {
        "PLAIN",
        "RLE",
        "RLE_DICTIONARY",
    }


def test_batches_and_threads_do_not_change_the_bytes():
    table = pa.table({n: _column(n, 20000, "some") for n in ("int64", "string", "list_struct", "dictionary")})
    made = lamella.options(row_group_rows_max=7000, page_rows_max=1000, threads=1)
    want = lamella.parquet_bytes(table, made)
    for rows in (1, 333, 7000, 20000):
        if rows == 1:
            small = table.slice(0, 500)
            one = lamella.parquet_bytes(small, made)
            reader = pa.RecordBatchReader.from_batches(small.schema, small.to_batches(max_chunksize=1))
            assert lamella.parquet_bytes(reader, made) == one
            continue
        reader = pa.RecordBatchReader.from_batches(table.schema, table.to_batches(max_chunksize=rows))
        assert lamella.parquet_bytes(reader, made) == want
        made.threads = 4
        assert lamella.parquet_bytes(table, made) == want
        made.threads = 1


def test_slices_with_offsets():
    table = pa.table({n: _column(n, 1000, "some") for n in [*TYPES, *NESTED]})
    for start, length in ((1, 998), (7, 64), (63, 130), (999, 1)):
        part = table.slice(start, length)
        assert _same(_read(lamella.parquet_bytes(part)), part)


def test_types_that_pyarrow_does_not_give_back_as_they_were():
    """Parquet's own view of them, without ARROW:schema."""
    table = pa.table({"v": _column("timestamp_s", 20, "some")})
    data = lamella.parquet_bytes(table, lamella.options(arrow_schema=False))
    assert _read(data).schema.field("v").type == pa.timestamp("ms")
    values = pa.array([None if i % 3 == 0 else uuid.UUID(int=i).bytes for i in range(20)], pa.binary(16))
    table = pa.table({"v": pa.ExtensionArray.from_storage(pa.uuid(), values)})
    data = lamella.parquet_bytes(table)
    assert pq.ParquetFile(io.BytesIO(data)).schema.column(0).logical_type.type == "UUID"
    assert _read(data).column("v").type == pa.uuid()


def test_run_ends_and_list_views_are_written_as_what_they_say():
    runs = pa.RunEndEncodedArray.from_arrays(pa.array([3, 5, 9], pa.int32()), pa.array(["a", None, "b"]))
    views = pa.array([[1, 2], None, [], [3]] * 2 + [[4]], pa.list_view(pa.int32()))
    table = pa.table({"runs": runs, "views": views})
    back = _read(lamella.parquet_bytes(table, lamella.options(arrow_schema=False)))
    assert back.column("runs").to_pylist() == ["a"] * 3 + [None] * 2 + ["b"] * 4
    assert back.column("views").to_pylist() == views.to_pylist()


def test_statistics_are_true():
    table = pa.table(
        {
            "i": pa.array([3, None, -5, 9], pa.int32()),
            "u": pa.array([3, 2**32 - 1, 7, None], pa.uint32()),
            "f": pa.array([1.5, math.nan, -0.0, 0.0]),
            "s": pa.array(["b", "ä", None, "a"]),
            "long": pa.array(["x" * 100, "y" * 100, "x" * 99, None]),
            "d": pa.array([decimal.Decimal("-1.5"), None, decimal.Decimal("2.0"), None], pa.decimal128(30, 1)),
            "z": pa.array([0.0, 0.0, 0.0, 0.0]),
        }
    )
    meta = pq.ParquetFile(io.BytesIO(lamella.parquet_bytes(table))).metadata.row_group(0)
    got = {meta.column(i).path_in_schema: meta.column(i).statistics for i in range(meta.num_columns)}
    assert (got["i"].min, got["i"].max, got["i"].null_count) == (-5, 9, 1)
    assert (got["u"].min, got["u"].max) == (3, 2**32 - 1)
    assert (got["f"].min, got["f"].max) == (0.0, 1.5) and math.copysign(1, got["f"].min) == -1
    assert (got["s"].min, got["s"].max) == ("a", "ä")
    assert got["long"].min == "x" * 64 and got["long"].max == "y" * 63 + "z"
    assert (got["d"].min, got["d"].max) == (decimal.Decimal("-1.5"), decimal.Decimal("2.0"))
    assert math.copysign(1, got["z"].min) == -1 and math.copysign(1, got["z"].max) == 1


def test_metadata_field_ids_sorting_and_created_by():
    schema = pa.schema(
        [pa.field("a", pa.int32(), metadata={b"PARQUET:field_id": b"7"}), pa.field("b", pa.string())],
        metadata={b"pandas": b"{}"},
    )
    table = pa.table({"a": [1, 2], "b": ["x", "y"]}, schema=schema)
    made = lamella.options(metadata={"made": "here"}, sorting=[("a", False, True)], columns={"b": {"field_id": 9}})
    file = pq.ParquetFile(io.BytesIO(lamella.parquet_bytes(table, made)))
    assert file.metadata.metadata[b"made"] == b"here" and file.metadata.metadata[b"pandas"] == b"{}"
    assert [file.schema_arrow.field(i).metadata[b"PARQUET:field_id"] for i in (0, 1)] == [b"7", b"9"]
    assert file.metadata.row_group(0).sorting_columns == (pq.SortingColumn(0, False, True),)
    assert file.metadata.created_by.startswith("lamella version ")


def test_page_index_and_page_sizes():
    table = pa.table({"v": pa.array(range(100000), pa.int64())})
    made = lamella.options(page_rows_max=10000, dictionary=False)
    file = pq.ParquetFile(io.BytesIO(lamella.parquet_bytes(table, made)))
    chunk = file.metadata.row_group(0).column(0)
    assert chunk.has_column_index and chunk.has_offset_index


def test_bloom_filters_answer(tmp_path):
    duckdb = pytest.importorskip("duckdb")
    table = pa.table({"k": pa.array([i * 7 for i in range(5000)]), "s": pa.array([f"s{i}" for i in range(5000)])})
    made = lamella.options(columns={"k": {"bloom": 1}, "s": {"bloom": 1}}, dictionary=True)
    data = lamella.parquet_bytes(table, made)
    path = tmp_path / "bloom.parquet"
    path.write_bytes(data)
    probe = f"select row_group_id, bloom_filter_excludes from parquet_bloom_probe('{path}', '%s', %s)"
    assert duckdb.sql(probe % ("k", 7 * 4999)).fetchall() == [(0, False)]
    assert duckdb.sql(probe % ("k", 7 * 2500 + 1)).fetchall() == [(0, True)]
    assert duckdb.sql(probe % ("s", "'s17'")).fetchall() == [(0, False)]
    assert duckdb.sql(probe % ("s", "'nowhere to be found'")).fetchall() == [(0, True)]


def test_nothing_is_written_of_bad_input():
    table = pa.table({"v": pa.array([1, None])}, schema=pa.schema([pa.field("v", pa.int64(), nullable=False)]))
    with pytest.raises(lamella.LamellaError, match="LM_SCHEMA.*column v.*row 1"):
        lamella.parquet_bytes(table)
    bad = pa.Array.from_buffers(pa.string(), 1, [None, pa.py_buffer(b"\0\0\0\0\1\0\0\0"), pa.py_buffer(b"\xff")])
    with pytest.raises(lamella.LamellaError, match="UTF-8"):
        lamella.parquet_bytes(pa.table({"t": bad}))
    with pytest.raises(lamella.LamellaError, match="LM_INVALID.*nowhere"):
        lamella.parquet_bytes(pa.table({"v": [1]}), lamella.options(columns={"nowhere": {"dictionary": 2}}))
    with pytest.raises(lamella.LamellaError, match="LM_INVALID.*BYTE_STREAM_SPLIT"):
        lamella.parquet_bytes(pa.table({"v": ["a"]}), lamella.options(columns={"v": {"encoding": "BYTE_STREAM_SPLIT"}}))
    with pytest.raises(lamella.LamellaError, match="LM_UNSUPPORTED.*without fields"):
        lamella.parquet_bytes(pa.table({"v": pa.array([{}], pa.struct([]))}))


@pytest.fixture
def mixed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = ["bool", "int8", "int32", "int64", "float32", "float64", "string", "binary", "date32", "timestamp_us",
             "timestamp_usUTC", "decimal128_18_5", "list", "struct"]
    return pa.table({n: _column(n, 5000, "some") for n in names})


@pytest.mark.parametrize("codec", ["snappy", "zstd"])
@pytest.mark.parametrize("version", [1, 2])
def test_duckdb_reads_it(mixed, codec, version):
    duckdb = pytest.importorskip("duckdb")
    with open("t.parquet", "wb") as f:
        f.write(lamella.parquet_bytes(mixed, lamella.options(codec=codec, data_page_version=version)))
    got = duckdb.sql("select * from 't.parquet'").to_arrow_table()
    for name in mixed.column_names:
        want = mixed.column(name).to_pylist()
        assert repr(got.column(name).cast(mixed.schema.field(name).type).to_pylist()) == repr(want), name


@pytest.mark.parametrize("codec", ["snappy", "zstd"])
@pytest.mark.parametrize("version", [1, 2])
def test_polars_reads_it(mixed, codec, version):
    pl = pytest.importorskip("polars")
    data = lamella.parquet_bytes(mixed, lamella.options(codec=codec, data_page_version=version))
    got = pl.read_parquet(io.BytesIO(data)).to_arrow()
    for name in mixed.column_names:
        want = mixed.column(name).to_pylist()
        assert repr(got.column(name).cast(mixed.schema.field(name).type).to_pylist()) == repr(want), name


def test_fastparquet_reads_it(mixed):
    fastparquet = pytest.importorskip("fastparquet")
    flat = mixed.select(["int32", "int64", "float32", "float64", "string", "timestamp_us"])
    with open("t.parquet", "wb") as f:
        f.write(lamella.parquet_bytes(flat))
    got = fastparquet.ParquetFile("t.parquet").to_pandas()
    for name in flat.column_names:
        want, mine = flat.column(name).to_pandas(), got[name]
        assert list(mine.isna()) == list(want.isna()), name
        assert list(mine.dropna()) == list(want.dropna()), name


@pytest.mark.parametrize("seed", range(200))
def test_generated_tables(seed):
    """Any columns, any null share, any page and row group sizes, any slicing into batches."""
    rng = random.Random(seed)
    names = rng.sample([*TYPES, *NESTED], rng.randint(1, 5))
    count = rng.choice([0, 1, 2, rng.randrange(300), rng.randrange(3000)])
    table = pa.table({n: _column(n, count, rng.choice(["none", "some", "all"]), seed) for n in names})
    made = lamella.options(
        codec=rng.choice(CODECS),
        data_page_version=rng.choice([1, 2]),
        page_rows_max=rng.choice([1, 10, 1000, 100000]),
        page_bytes_max=rng.choice([1, 100, 10000, 1 << 20]),
        row_group_rows_max=rng.choice([100, 1000, 1 << 20]),
        dictionary=rng.random() < 0.7,
        dictionary_bytes_max=rng.choice([50, 1000, 1 << 20]),
        statistics=rng.random() < 0.8,
        page_index=rng.random() < 0.8,
        page_crc=rng.random() < 0.8,
        threads=rng.choice([1, 3]),
    )
    rows = rng.choice([1, 7, 64, 1000, 10000])
    reader = pa.RecordBatchReader.from_batches(table.schema, table.to_batches(max_chunksize=rows))
    data = lamella.parquet_bytes(reader, made)
    verified = pq.read_table(io.BytesIO(data), page_checksum_verification=True)
    assert _same(verified.combine_chunks(), table.combine_chunks()), names
