"""Arrow IPC against pyarrow and polars: what they write is read as they mean it, and what we write
is read by them."""

import decimal
import io
import random

import pyarrow as pa
import pytest

import ipc_library as ipc


def column(type, values):
    return pa.array(values, type=type)


def columns():
    """A column of every type that is read, with nulls where there can be some."""
    d = decimal.Decimal
    utf8 = ["a", None, "", "é€𝄞", "longer than twelve bytes", "x" * 300]
    binary = [v.encode() if v is not None else None for v in utf8]
    ints = [0, None, 1, 127, 2, 3]
    lists = [[1, 2], None, [], [3, None], [4], [5, 6, 7]]
    yield "null", pa.nulls(6)
    yield "bool", column(pa.bool_(), [True, None, False, True, True, False])
    for name in ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"):
        yield name, column(getattr(pa, name)(), ints)
    yield "float16", column(pa.float16(), [0, None, 1.5, 2, 3, 4])
    yield "float32", column(pa.float32(), [0, None, 1.5, -2, 3, 4])
    yield "float64", column(pa.float64(), [0, None, 1.5, -2, float("inf"), 4])
    yield "decimal32", column(pa.decimal32(7, 2), [d("1.25"), None, d("-99999.99"), d(0), d(1), d(2)])
    yield "decimal64", column(pa.decimal64(15, 3), [d("1.25"), None, d("-9.999"), d(0), d(1), d(2)])
    yield "decimal128", column(pa.decimal128(38, 10), [d("1.25"), None, d("-9.99"), d(0), d(1), d(2)])
    yield "decimal256", column(pa.decimal256(76, 20), [d("1.25"), None, d("-9.99"), d(0), d(1), d(2)])
    for name in ("utf8", "large_utf8", "string_view"):
        yield name, column(getattr(pa, name)(), utf8)
    for name in ("binary", "large_binary", "binary_view"):
        yield name, column(getattr(pa, name)(), binary)
    yield "fixed_binary", column(pa.binary(3), [b"abc", None, b"\0\0\0", b"xyz", b"123", b"456"])
    yield "date32", column(pa.date32(), ints)
    yield "date64", column(pa.date64(), [v * 86400000 if v is not None else None for v in ints])
    yield "time32", column(pa.time32("ms"), ints)
    yield "time64", column(pa.time64("ns"), ints)
    for unit in ("s", "ms", "us", "ns"):
        yield f"timestamp_{unit}", column(pa.timestamp(unit), ints)
        yield f"duration_{unit}", column(pa.duration(unit), ints)
    yield "timestamp_tz", column(pa.timestamp("us", tz="Europe/Vienna"), ints)
    yield "interval", column(pa.month_day_nano_interval(), [(1, 2, 3), None, (0, 0, 0)] + [(4, 5, 6)] * 3)
    yield "list", column(pa.list_(pa.int32()), lists)
    yield "large_list", column(pa.large_list(pa.int32()), lists)
    yield "list_view", column(pa.list_view(pa.int32()), lists)
    yield "large_list_view", column(pa.large_list_view(pa.int32()), lists)
    yield "fixed_list", column(pa.list_(pa.int32(), 2), [[1, 2], None, [3, None], [4, 5], [6, 7], [8, 9]])
    yield "list_of_list", column(pa.list_(pa.list_(pa.utf8())), [[["a"], None], None, [], [[]], [["b", "c"]], [["d"]]])
    yield "struct", column(
        pa.struct([("a", pa.int64()), ("b", pa.utf8())]),
        [{"a": 1, "b": "x"}, None, {"a": None, "b": "y"}, {"a": 2, "b": None}, {"a": 3, "b": ""}, {"a": 4, "b": "z"}])
    yield "map", column(pa.map_(pa.utf8(), pa.int32()), [[("a", 1)], None, [], [("b", None), ("c", 2)], [("d", 3)], [("e", 4)]])
    yield "dictionary", pa.array(utf8).dictionary_encode()
    yield "dictionary_int8", pa.DictionaryArray.from_arrays(
        pa.array([0, None, 1, 1, 0, 2], pa.int8()), pa.array(["p", "q", "r"]), ordered=True)
    yield "dictionary_list", pa.DictionaryArray.from_arrays(
        pa.array([0, None, 1, 1, 0, 0], pa.uint16()), pa.array([[1, 2], [3]]))
    yield "list_of_dictionary", pa.ListArray.from_arrays(
        [0, 1, 1, 2, 3, 4, 4], pa.array(["a", "b", "a", None]).dictionary_encode())
    yield "run_end", pa.RunEndEncodedArray.from_arrays([2, 3, 6], pa.array(["a", None, "b"]))
    yield "run_end_16", pa.RunEndEncodedArray.from_arrays(
        pa.array([1, 6], pa.int16()), pa.array([1, 2]), pa.run_end_encoded(pa.int16(), pa.int64()))


COLUMNS = dict(columns())


def whole_table():
    return pa.table({
        name: values for name, values in COLUMNS.items()
    }).replace_schema_metadata({"k": "v", "empty": ""})


def arrow_bytes(table, file=False, chunk=None, **options):
    sink = io.BytesIO()
    make = pa.ipc.new_file if file else pa.ipc.new_stream
    with make(sink, table.schema, options=pa.ipc.IpcWriteOptions(**options)) as writer:
        writer.write_table(table, max_chunksize=chunk)
    return sink.getvalue()


def assert_same(got, want):
    got.validate(full=True)
    assert got.schema.equals(want.schema, check_metadata=True), f"{got.schema}\n{want.schema}"
    if got.equals(want):
        return
    for name in want.column_names:
        assert got.column(name).to_pylist() == want.column(name).to_pylist(), name


@pytest.mark.parametrize("name", COLUMNS)
@pytest.mark.parametrize("file", [False, True])
def test_each_type_is_read(name, file):
    table = pa.table({"c": COLUMNS[name]})
    assert_same(ipc.read(arrow_bytes(table, file)), table)


@pytest.mark.parametrize("compression", [None, "lz4", "zstd"])
@pytest.mark.parametrize("how", [
    {}, {"shift": 1}, {"shift": 4}, {"pull": 1}, {"pull": 1000000}, {"file": True},
    {"file": True, "shift": 3}, {"file": True, "pull": 7}])
def test_all_types_at_once_by_each_way(how, compression):
    table = whole_table()
    how = dict(how)
    data = arrow_bytes(table, how.pop("file", False), compression=compression)
    assert_same(ipc.read(data, **how), table)


@pytest.mark.parametrize("version", [pa.ipc.MetadataVersion.V4, pa.ipc.MetadataVersion.V5])
@pytest.mark.parametrize("legacy", [False, True])
@pytest.mark.parametrize("how", [{}, {"pull": 64}])
def test_old_formats(version, legacy, how):
    table = whole_table()
    options = {"metadata_version": version, "use_legacy_format": legacy}
    assert_same(ipc.read(arrow_bytes(table, **options), **how), table)
    assert_same(ipc.read(arrow_bytes(table, True, **options)), table)


@pytest.mark.parametrize("size", [0, 1, 1000, 70000, 5000000])
@pytest.mark.parametrize("compression", ["lz4", "zstd"])
def test_large_compressed_buffers(size, compression):
    rand = random.Random(size)
    table = pa.table({
        "same": pa.array([7] * size),
        "random": pa.array(memoryview(rand.randbytes(size))) if size else pa.array([], pa.uint8()),
        "mixed": pa.array([i * i % 1000 for i in range(size)], pa.int32()),
        "text": pa.array([str(i % 977) for i in range(size)]),
    })
    assert_same(ipc.read(arrow_bytes(table, compression=compression)), table)


def test_no_rows_no_columns_no_batches():
    for table in (whole_table().slice(0, 0), pa.table({}), pa.table({"a": pa.array([], pa.utf8())})):
        for file in (False, True):
            assert_same(ipc.read(arrow_bytes(table, file)), table)
    schema = whole_table().schema
    sink = io.BytesIO()
    pa.ipc.new_stream(sink, schema).close()
    assert_same(ipc.read(sink.getvalue()), schema.empty_table())


def dictionary_batches(lists):
    batches = []
    for values, used in lists:
        array = pa.DictionaryArray.from_arrays(pa.array(used, pa.int32()), pa.array(values))
        batches.append(pa.record_batch({"c": array}))
    return batches


REPLACED = [(["a", "b"], [0, 1, None]), (["c"], [0, 0]), (["a", "b"], [1])]
GROWING = [(["a", "b"], [0, 1]), (["a", "b", "c", None], [2, 0, 3]), (["a", "b", "c", None, "d"], [4])]


@pytest.mark.parametrize("deltas", [False, True])
@pytest.mark.parametrize("lists", [REPLACED, GROWING], ids=["replaced", "growing"])
def test_dictionaries_that_change(lists, deltas):
    batches = dictionary_batches(lists)
    sink = io.BytesIO()
    options = pa.ipc.IpcWriteOptions(emit_dictionary_deltas=deltas)
    with pa.ipc.new_stream(sink, batches[0].schema, options=options) as writer:
        for batch in batches:
            writer.write_batch(batch)
    want = [v for batch in batches for v in batch.column(0).to_pylist()]
    for how in ({}, {"pull": 100}):
        held = ipc.Read(sink.getvalue(), **how)
        assert [v for batch in list(held.reader) for v in batch.column(0).to_pylist()] == want
    again = ipc.write(pa.RecordBatchReader.from_batches(batches[0].schema, batches))
    assert [v for b in pa.ipc.open_stream(again) for v in b.column(0).to_pylist()] == want


DELTA_TYPES = ["int32", "bool", "utf8", "large_binary", "string_view", "fixed_binary", "list",
               "large_list", "list_view", "fixed_list", "struct", "map", "decimal128", "null"]


@pytest.mark.parametrize("file", [False, True])
@pytest.mark.parametrize("name", DELTA_TYPES)
def test_deltas_of_each_type(name, file):
    values = COLUMNS[name]
    sink = io.BytesIO()
    indices = [pa.array(i, pa.int32()) for i in ([0, 1, 2], [3, 0, 4], [5, None, 3, 1])]
    arrays = [pa.DictionaryArray.from_arrays(i, values.slice(0, n)) for i, n in zip(indices, (3, 5, 6))]
    batches = [pa.record_batch({"c": a}) for a in arrays]
    make = pa.ipc.new_file if file else pa.ipc.new_stream
    try:
        options = pa.ipc.IpcWriteOptions(emit_dictionary_deltas=True)
        with make(sink, batches[0].schema, options=options) as writer:
            for batch in batches:
                writer.write_batch(batch)
    except pa.ArrowInvalid as error:
        pytest.skip(f"pyarrow does not write it: {error}")
    held = ipc.Read(sink.getvalue())
    got = [v for batch in list(held.reader) for v in batch.column(0).to_pylist()]
    assert got == [v for a in arrays for v in a.to_pylist()]


def test_nested_dictionaries():
    inner = pa.array(["x", "y", "x", None]).dictionary_encode()
    values = pa.StructArray.from_arrays([inner, pa.array([1, 2, 3, 4])], ["s", "i"])
    outer = pa.DictionaryArray.from_arrays(pa.array([3, 0, None, 1, 2]), values)
    table = pa.table({"c": outer})
    for file in (False, True):
        got = ipc.read(arrow_bytes(table, file))
        assert got.column("c").to_pylist() == table.column("c").to_pylist()
    again = pa.ipc.open_stream(ipc.write(table.to_reader())).read_all()
    assert again.column("c").to_pylist() == table.column("c").to_pylist()


@pytest.mark.parametrize("format", [ipc.STREAM, ipc.FILE])
@pytest.mark.parametrize("codec", [ipc.UNCOMPRESSED, ipc.ZSTD, ipc.LZ4])
@pytest.mark.parametrize("slice", [(0, 6), (1, 4), (3, 3), (5, 1), (2, 0)])
def test_what_we_write(format, codec, slice):
    table = whole_table().slice(*slice)
    data = ipc.write(table.to_reader(), format, codec)
    opened = pa.ipc.open_file(data) if format == ipc.FILE else pa.ipc.open_stream(data)
    assert_same(opened.read_all(), table)
    assert_same(ipc.read(data), table)
    if format == ipc.FILE:
        assert_same(ipc.read(data, pull=11), table)


@pytest.mark.parametrize("codec", [ipc.UNCOMPRESSED, ipc.ZSTD, ipc.LZ4])
def test_many_slices_written(codec):
    table = pa.concat_tables([whole_table()] * 50).combine_chunks()
    batches = [b for i in range(0, 300, 7) for b in table.slice(i, 7).to_batches()]
    data = ipc.write(pa.RecordBatchReader.from_batches(table.schema, batches), codec=codec)
    assert_same(pa.ipc.open_stream(data).read_all(), table)


def test_slices_of_views_do_not_grow():
    big = pa.array([f"a long enough text to be apart {i}" for i in range(20000)], pa.string_view())
    table = pa.table({"c": big})
    batches = [b for i in range(0, 20000, 100) for b in table.slice(i, 100).to_batches()]
    data = ipc.write(pa.RecordBatchReader.from_batches(table.schema, batches))
    assert len(data) < 4 * big.nbytes
    assert_same(pa.ipc.open_stream(data).read_all(), table)


def written_to_a_file(arrays, codec=ipc.UNCOMPRESSED):
    batches = [pa.record_batch({"c": array}) for array in arrays]
    return ipc.write(pa.RecordBatchReader.from_batches(batches[0].schema, batches), ipc.FILE, codec)


def rows_of(table):
    return table.column(0).to_pylist()


UNIFIED_TYPES = [
    name for name, values in COLUMNS.items()
    if values.type.num_fields == 0 and name not in ("bool", "null") and not pa.types.is_dictionary(values.type)
]


@pytest.mark.parametrize("index", [pa.int8(), pa.uint16(), pa.int32(), pa.uint64()], ids=str)
@pytest.mark.parametrize("name", UNIFIED_TYPES)
def test_a_file_has_one_dictionary_of_all(name, index):
    values = COLUMNS[name]
    arrays = []
    for used, start, end in [([0, 1, None, 1], 0, 3), ([2, 0, None, 1], 2, 6), ([], 0, 0), ([0, 3, 3, 1], 1, 5), ([5, 0, 4], 0, 6)]:
        part = values.slice(start, end - start)
        arrays.append(pa.DictionaryArray.from_arrays(pa.array(used, index), part))
    arrays.append(arrays[3].slice(1, 2))
    want = [v for array in arrays for v in array.to_pylist()]
    data = written_to_a_file(arrays, ipc.ZSTD)
    got = pa.ipc.open_file(data).read_all()
    got.validate(full=True)
    assert repr(rows_of(got)) == repr(want)  # NaNs are not equal
    assert got.schema.field("c").type == arrays[0].type
    assert repr(rows_of(ipc.read(data))) == repr(want)
    assert repr(rows_of(ipc.read(data, pull=11))) == repr(want)


def test_one_dictionary_of_all_is_read_by_polars():
    polars = pytest.importorskip("polars")
    batches = dictionary_batches(REPLACED + GROWING)
    data = ipc.write(pa.RecordBatchReader.from_batches(batches[0].schema, batches), ipc.FILE)
    got = polars.read_ipc(io.BytesIO(data))
    assert got["c"].to_list() == [v for batch in batches for v in batch.column(0).to_pylist()]


def test_dictionaries_within_are_unified():
    """Below structs and lists; with two columns of their own; with values that a dictionary has twice."""
    rng = random.Random(5)
    batches = []
    for _ in range(12):
        words = [f"word {rng.randrange(30)}" for _ in range(8)]
        dictionary = pa.array(words + [None] if rng.random() < 0.5 else words)
        def some(count):
            used = [rng.choice([None, *range(len(dictionary))]) for _ in range(count)]
            return pa.DictionaryArray.from_arrays(pa.array(used, pa.int16()), dictionary)
        lists = pa.ListArray.from_arrays(pa.array([0, 2, 2, None, 5, 9], pa.int32()), some(9))
        struct = pa.StructArray.from_arrays([some(5), some(5).cast(pa.string())], ["d", "s"])
        batch = pa.record_batch({"l": lists, "s": struct, "a": some(5), "b": some(5)})
        batches.append(batch.slice(rng.randrange(3), rng.randrange(1, 3)))
    table = pa.Table.from_batches(batches)
    data = ipc.write(table.to_reader(), ipc.FILE)
    got = pa.ipc.open_file(data).read_all()
    got.validate(full=True)
    assert got.to_pylist() == table.to_pylist()


def test_a_file_refuses_dictionaries_that_cannot_be_one():
    def changing(first, second, index=None, ordered=False):
        make = pa.DictionaryArray.from_arrays
        index = index or pa.int32()
        return [make(pa.array([0], index), pa.array(values), ordered=ordered) for values in (first, second)]

    for arrays, why in [
        (changing([[1]], [[2]]), "its values are nested"),
        (changing(["a", "b"], ["b", "a"], ordered=True), "with it the order of its values"),
        (changing([str(i) for i in range(100)], [str(i) for i in range(72, 129)], pa.int8()), "more than its indices can tell"),
    ]:
        with pytest.raises(ipc.Failure, match=f"column c: its dictionary changes from batch to batch, and .*{why}"):
            written_to_a_file(arrays)
    for arrays in [
        changing(["a", "b"], ["a", "b", "c"], ordered=True),
        changing([str(i) for i in range(100)], [str(i) for i in range(72, 128)], pa.int8()),
    ]:
        data = written_to_a_file(arrays)
        assert rows_of(pa.ipc.open_file(data).read_all()) == [v for array in arrays for v in array.to_pylist()]


def test_a_file_of_one_dictionary_has_it_once():
    same = dictionary_batches([(["a", "b"], [0, 1]), (["a", "b"], [1])])
    data = ipc.write(pa.RecordBatchReader.from_batches(same[0].schema, same), ipc.FILE)
    assert pa.ipc.open_file(data).read_all().column(0).to_pylist() == ["a", "b", "b"]


def read_quietly(data, **how):
    try:
        held = ipc.Read(data, **how)
        return held.reader.read_all()
    except (ipc.Failure, pa.ArrowException, OSError, ValueError):
        return None


@pytest.mark.parametrize("file", [False, True])
@pytest.mark.parametrize("compression", [None, "lz4", "zstd"])
def test_every_truncation_is_refused(file, compression):
    table = pa.table({n: COLUMNS[n] for n in ("utf8", "dictionary", "list", "string_view", "bool")})
    data = arrow_bytes(table, file, compression=compression)
    assert read_quietly(data) is not None
    for size in range(len(data)):
        assert read_quietly(data[:size]) is None, size
        if size % 5 == 0:
            assert read_quietly(data[:size], pull=97) is None, size


def test_an_open_end_must_be_asked_for():
    data = arrow_bytes(pa.table({"a": [1, 2]}))
    assert data.endswith(b"\xff\xff\xff\xff\0\0\0\0")
    assert read_quietly(data[:-8]) is None
    assert read_quietly(data[:-8], open_end=True).num_rows == 2
    assert read_quietly(data[:-8], open_end=True, pull=5).num_rows == 2
    assert read_quietly(data[:-9], open_end=True) is None
    assert read_quietly(data + b"x") is None
    assert read_quietly(data + data) is None


def test_unions_are_refused_by_name():
    union = pa.UnionArray.from_sparse(pa.array([0, 1], pa.int8()), [pa.array([1, 2]), pa.array(["a", "b"])])
    with pytest.raises(ipc.Failure, match="column u: unions"):
        ipc.Read(arrow_bytes(pa.table({"u": union})))


def test_random_damage_is_survived():
    """Whatever is read then is sound. (pyarrow also looks at what values mean, of these types.)"""
    table = whole_table().drop_columns(["date64", "time32", "time64"])
    for compression in (None, "lz4", "zstd"):
        for file in (False, True):
            data = arrow_bytes(table, file, compression=compression)
            rand = random.Random(1)
            for _ in range(2000):
                damaged = bytearray(data)
                for _ in range(rand.randrange(1, 4)):
                    damaged[rand.randrange(len(damaged))] = rand.randrange(256)
                got = read_quietly(bytes(damaged))
                if got is not None:
                    got.validate(full=True)


class TestPolars:
    def frame(self):
        pl = pytest.importorskip("polars")
        return pl.DataFrame({
            "text": ["a", None, "longer than twelve bytes", ""] * 100,
            "binary": [b"a", None, b"longer than twelve bytes", b""] * 100,
            "int": [1, None, 3, 4] * 100,
            "list": [[1, 2], None, [], [3]] * 100,
            "struct": [{"a": 1, "b": "x"}, None, {"a": None, "b": "y"}, {"a": 2, "b": None}] * 100,
            "bool": [True, None, False, True] * 100,
        }).with_columns(
            pl.col("text").cast(pl.Categorical).alias("categorical"),
            pl.col("text").cast(pl.Enum(["a", "longer than twelve bytes", ""])).alias("enum"),
            pl.col("int").cast(pl.Decimal(20, 3)).alias("decimal"),
            pl.col("int").cast(pl.Datetime("us", "UTC")).alias("when"),
            pl.col("int").cast(pl.Date).alias("date"),
            pl.col("int").cast(pl.Time).alias("time"),
            pl.col("int").cast(pl.Duration("ms")).alias("duration"),
            pl.concat_list(pl.col("int"), pl.col("int")).cast(pl.Array(pl.Int64, 2)).alias("array"),
        )

    @pytest.mark.parametrize("compression", ["uncompressed", "lz4", "zstd"])
    @pytest.mark.parametrize("stream", [False, True])
    def test_polars_files(self, compression, stream):
        pl = pytest.importorskip("polars")
        frame = self.frame()
        sink = io.BytesIO()
        (frame.write_ipc_stream if stream else frame.write_ipc)(sink, compression=compression)
        assert pl.from_arrow(ipc.read(sink.getvalue())).equals(frame)

    @pytest.mark.parametrize("codec", [ipc.UNCOMPRESSED, ipc.ZSTD, ipc.LZ4])
    @pytest.mark.parametrize("format", [ipc.STREAM, ipc.FILE])
    def test_polars_reads_ours(self, format, codec):
        pl = pytest.importorskip("polars")
        frame = self.frame()
        table = frame.to_arrow()
        data = ipc.write(table.to_reader(), format, codec)
        read = pl.read_ipc if format == ipc.FILE else pl.read_ipc_stream
        assert read(io.BytesIO(data)).equals(frame)


def test_random_tables():
    """Random lengths, nulls and slices of nested types, there and back."""
    rand = random.Random(3)
    types = [pa.list_(pa.struct([("a", pa.utf8()), ("b", pa.list_(pa.bool_()))])),
             pa.large_list(pa.string_view()), pa.struct([("m", pa.map_(pa.int8(), pa.binary()))]),
             pa.list_view(pa.float64()), pa.list_(pa.bool_(), 3)]

    def value(t):
        if rand.random() < 0.2:
            return None
        if pa.types.is_struct(t):
            return {f.name: value(f.type) for f in t}
        if pa.types.is_map(t):
            return [(rand.randrange(100), value(t.item_type)) for _ in range(rand.randrange(3))]
        if pa.types.is_fixed_size_list(t):
            return [value(t.value_type) for _ in range(3)]
        if hasattr(t, "value_type"):
            return [value(t.value_type) for _ in range(rand.randrange(4))]
        if pa.types.is_boolean(t):
            return rand.random() < 0.5
        if pa.types.is_floating(t):
            return rand.random()
        text = "t" * rand.randrange(30)
        return text.encode() if t == pa.binary() else text

    for round in range(60):
        rows = rand.randrange(40)
        table = pa.table({f"c{i}": pa.array([value(t) for _ in range(rows)], t) for i, t in enumerate(types)})
        start = rand.randrange(rows + 1)
        table = table.slice(start, rand.randrange(rows - start + 1))
        data = ipc.write(table.to_reader(), round % 2, round % 3)
        assert_same(ipc.read(data), table)
