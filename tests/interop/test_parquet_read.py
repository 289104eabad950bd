"""Files that pyarrow writes in many ways come back as it wrote them, whatever the units and batches."""

import random

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import lamella_c as lamella


def _column(rng, kind, n):
    share = rng.choice([0, 0, 0.02, 0.5, 1])
    distinct = rng.choice([1, 7, 300, 10**9])

    def some(make):
        return [None if rng.random() < share else make(rng.randrange(distinct)) for _ in range(n)]

    if kind == "int8":
        return pa.array(some(lambda i: i % 256 - 128), pa.int8())
    if kind == "int32":
        return pa.array(some(lambda i: i), pa.int32())
    if kind == "int64":
        return pa.array(some(lambda i: i << 20), pa.int64())
    if kind == "double":
        return pa.array(some(lambda i: i / 7), pa.float64())
    if kind == "bool":
        return pa.array(some(lambda i: i % 3 == 0))
    if kind == "fixed":
        return pa.array(some(lambda i: b"%07d" % (i % 10**7)), pa.binary(7))
    if kind == "decimal":
        return pa.array(some(lambda i: i), pa.decimal128(20, 0))
    if kind == "string":
        return pa.array(some(lambda i: "ä" * (i % 3) + str(i) * (i % 9)))
    if kind == "large_string":
        return pa.array(some(str), pa.large_string())
    if kind == "string_view":
        return pa.array(some(str), pa.string_view())
    if kind == "list":
        return pa.array(some(lambda i: [None if j % 5 == 4 else i + j for j in range(i % 7)]), pa.list_(pa.int32()))
    if kind == "struct":
        fields = pa.struct([("x", pa.float32()), ("y", pa.string())])
        return pa.array(some(lambda i: {"x": float(i % 99), "y": str(i) if i % 4 else None}), fields)
    items = pa.list_(pa.struct([("a", pa.list_(pa.int64())), ("b", pa.string())]))
    return pa.array(some(lambda i: [{"a": [j] * (i % 3), "b": str(j)} for j in range(i % 4)]), items)


KINDS = ["int8", "int32", "int64", "double", "bool", "fixed", "decimal", "string", "large_string", "string_view"]
NESTED = ["list", "struct", "deep"]


def _write(rng, path, seed):
    n = rng.choice([1, 100, 5000, 30000])
    kinds = rng.sample(KINDS + NESTED, 5)
    columns = {kind: _column(rng, kind, n) for kind in kinds}
    fields = [pa.field(k, a.type, nullable=a.null_count > 0 or rng.random() < 0.5) for k, a in columns.items()]
    table = pa.table(list(columns.values()), schema=pa.schema(fields))
    pq.write_table(
        table,
        path,
        compression=rng.choice(["none", "snappy", "zstd", "lz4", "gzip", "brotli"]),
        use_dictionary=rng.choice([True, True, False]),
        dictionary_pagesize_limit=rng.choice([200, 10_000, 1 << 20]),
        data_page_size=rng.choice([100, 4000, 1 << 20]),
        data_page_version=rng.choice(["1.0", "2.0"]),
        row_group_size=rng.choice([n, max(1, n // 3), 1000]),
        store_schema=True,
        write_page_index=seed % 2 == 0,
    )


@pytest.mark.parametrize("seed", range(150))
def test_rows_come_back(tmp_path, seed):
    rng = random.Random(seed)
    path = str(tmp_path / "x.parquet")
    _write(rng, path, seed)
    expected = pq.read_table(path)
    for settings in (
        {"threads": 1},
        {"threads": 3, "memory_bytes_max": 4096},
        {"batch_rows": 777, "memory_bytes_max": 100_000},
    ):
        got = lamella.read(path, **settings)
        got.validate(full=True)
        assert got.schema == expected.schema
        for name in expected.column_names:
            assert got.column(name).equals(expected.column(name)), (name, settings)
    some = rng.sample(expected.column_names, 2)
    assert lamella.read(path, columns=some).equals(expected.select(some))


def _check_dictionaries(array):
    for chunk in array.chunks:
        chunk.validate(full=True)
        if pa.types.is_dictionary(chunk.type):
            values = chunk.dictionary.to_pylist()
            assert len(set(map(str, values))) == len(values) and chunk.dictionary.null_count == 0


@pytest.mark.parametrize("seed", range(60))
def test_dictionaries_are_kept(tmp_path, seed):
    """Pages with and without a dictionary, many row groups, pieces, filters that pass over most: the same values."""
    rng = random.Random(seed + 1000)
    path = str(tmp_path / "x.parquet")
    _write(rng, path, seed)
    expected = pq.read_table(path)
    for settings in (
        {"threads": 1, "dictionaries": 1},
        {"threads": 3, "memory_bytes_max": 4096, "dictionaries": 1},
        {"batch_rows": 777, "memory_bytes_max": 100_000, "dictionaries": 1},
    ):
        got = lamella.read(path, **settings)
        for name in expected.column_names:
            _check_dictionaries(got.column(name))
            assert got.column(name).to_pylist() == expected.column(name).to_pylist(), (name, settings)


@pytest.mark.parametrize("seed", range(40))
def test_dictionaries_of_all_types_come_back(tmp_path, seed):
    rng = random.Random(seed)
    path, n = str(tmp_path / "x.parquet"), rng.choice([1, 50, 5000, 20000])
    columns = {}
    for kind in ("int8", "int64", "double", "bool", "fixed", "decimal", "string", "large_string"):
        values = _column(rng, kind, n)
        index = rng.choice([pa.int32(), pa.int64(), pa.uint32()])
        columns[kind] = values.dictionary_encode().cast(pa.dictionary(index, values.type))
    texts = columns["string"]
    columns["struct"] = pa.StructArray.from_arrays([texts, columns["int64"]], ["s", "i"])
    columns["list"] = pa.ListArray.from_arrays(pa.array(range(n + 1), pa.int32()), texts)
    table = pa.table({name: pa.chunked_array([a]) for name, a in columns.items()})
    limits = {"row_group_rows_max": rng.choice([n, 1 + n // 3]), "dictionary_bytes_max": rng.choice([100, 5000, 1 << 22])}
    lamella.write_parquet(table, path, lamella.options(**limits))
    for settings in ({"threads": 1}, {"threads": 3, "memory_bytes_max": 4096}, {"batch_rows": 777}, {"dictionaries": 2}):
        got = lamella.read(path, **settings)
        for name in table.column_names:
            _check_dictionaries(got.column(name))
            assert got.column(name).to_pylist() == table.column(name).to_pylist(), (name, settings)
        if "dictionaries" not in settings:
            assert got.schema.types == table.schema.types
