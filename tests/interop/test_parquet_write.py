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
from parquet_tables import CODECS, COUNTS, ENCODINGS, NESTED, TYPES, column, same

def _read(data):
    return pq.read_table(io.BytesIO(data))


@pytest.mark.parametrize("nulls", ["none", "some", "all"])
@pytest.mark.parametrize("name", [*TYPES, *NESTED])
def test_every_type_comes_back(name, nulls):
    for count in COUNTS:
        for version in (1, 2):
            table = pa.table({"v": column(name, count, nulls)})
            data = lamella.parquet_bytes(table, lamella.options(data_page_version=version, page_rows_max=50))
            assert same(_read(data), table), (count, version)


@pytest.mark.parametrize("codec", CODECS)
def test_every_codec(codec):
    table = pa.table({n: column(n, 3000, "some") for n in ("int64", "string", "float64", "list_struct", "bool")})
    for version in (1, 2):
        made = lamella.options(codec=codec, data_page_version=version, page_rows_max=700)
        data = lamella.parquet_bytes(table, made)
        assert same(_read(data), table)
        written = {
            pq.ParquetFile(io.BytesIO(data)).metadata.row_group(0).column(i).compression for i in range(5)
        }
        assert written == {{"none": "UNCOMPRESSED", "lz4_raw": "LZ4"}.get(codec, codec.upper())}


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_every_encoding(encoding):
    for name in sorted(ENCODINGS[encoding]):
        for nulls in ("none", "some", "all"):
            for version in (1, 2):
                table = pa.table({"v": column(name, 2500, nulls)})
                made = lamella.options(
                    columns={"v": {"encoding": encoding}}, data_page_version=version, page_rows_max=600
                )
                data = lamella.parquet_bytes(table, made)
                assert same(_read(data), table), (name, nulls, version)
                chunk = pq.ParquetFile(io.BytesIO(data)).metadata.row_group(0).column(0)
                if nulls != "all":
                    assert encoding in chunk.encodings, (name, chunk.encodings)


def test_a_dictionary_that_is_full_falls_back():
    table = pa.table({"v": pa.array([f"value {i}" for i in range(5000)])})
    made = lamella.options(
        columns={"v": {"encoding": "RLE_DICTIONARY"}}, dictionary_bytes_max=20000, page_rows_max=400
    )
    data = lamella.parquet_bytes(table, made)
    assert same(_read(data), table)
    assert set(pq.ParquetFile(io.BytesIO(data)).metadata.row_group(0).column(0).encodings) == {
        "PLAIN",
        "RLE",
        "RLE_DICTIONARY",
    }


def test_batches_and_threads_do_not_change_the_bytes():
    table = pa.table({n: column(n, 20000, "some") for n in ("int64", "string", "list_struct", "dictionary")})
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
    table = pa.table({n: column(n, 1000, "some") for n in [*TYPES, *NESTED]})
    for start, length in ((1, 998), (7, 64), (63, 130), (999, 1)):
        part = table.slice(start, length)
        assert same(_read(lamella.parquet_bytes(part)), part)


def test_types_that_pyarrow_does_not_give_back_as_they_were():
    """Parquet's own view of them, without ARROW:schema."""
    table = pa.table({"v": column("timestamp_s", 20, "some")})
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
    return pa.table({n: column(n, 5000, "some") for n in names})


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
    table = pa.table({n: column(n, count, rng.choice(["none", "some", "all"]), seed) for n in names})
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
    assert same(verified.combine_chunks(), table.combine_chunks()), names
