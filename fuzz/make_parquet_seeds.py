"""Makes the seeds of fuzz_parquet_file, fuzz_parquet_chunk and fuzz_parquet_merge anew, by pyarrow: small files of all types,
encodings, codecs and kinds of pages, the chunks in them, and two of the files in one. Run by .venv/bin/python when a kind is to be added."""
import datetime
import decimal
import io
import pathlib
import struct

import pyarrow as pa
import pyarrow.parquet as pq

CORPUS = pathlib.Path(__file__).parent / "corpus"
PHYSICAL = ["BOOLEAN", "INT32", "INT64", "INT96", "FLOAT", "DOUBLE", "BYTE_ARRAY", "FIXED_LEN_BYTE_ARRAY"]
CODECS = {"UNCOMPRESSED": 0, "SNAPPY": 1, "GZIP": 2, "BROTLI": 4, "LZ4": 7, "ZSTD": 6}

WORDS = ["", "a", None, "Æble", "a" * 20, "b", "a", "c"]
NUMBERS = [1, 2, None, 4, -5, 6, 2**30, 8]
LISTS = [[1, 2], None, [], [None, 4], [5], [6, 7, 8], [], None]


def ints(type_):
    return pa.array([1, 2, None, 4, 5, 6, 7, 8], type_)


SHAPES = {
    "numbers": pa.table({
        "i8": ints(pa.int8()), "u16": ints(pa.uint16()), "i32": pa.array(NUMBERS, pa.int32()),
        "i64": pa.array(NUMBERS, pa.int64()), "f": pa.array([1.5, None, float("nan"), -0.0, 2, 3, 4, 5], pa.float32()),
        "d": pa.array(NUMBERS, pa.float64()), "h": pa.array(range(8), pa.float32()).cast(pa.float16()),
        "b": pa.array([True, False, None, True] * 2)}),
    "texts": pa.table({
        "s": pa.array(WORDS), "bin": pa.array([w and w.encode() for w in WORDS], pa.binary()),
        "fixed": pa.array([b"abc", None, b"xyz", b"abc"] * 2, pa.binary(3)),
        "dict": pa.array(WORDS).dictionary_encode(), "view": pa.array(WORDS, pa.string_view())}),
    "times": pa.table({
        "date": pa.array([datetime.date(2020, 1, 1), None] * 4),
        "ts": pa.array(NUMBERS, pa.timestamp("us", "Europe/Oslo")), "ns": pa.array(NUMBERS, pa.timestamp("ns")),
        "t": pa.array([1, 2, None, 4] * 2, pa.time32("s")), "du": pa.array(NUMBERS, pa.duration("ms")),
        "dec": pa.array([decimal.Decimal("1.50"), None] * 4, pa.decimal128(20, 2)),
        "dec9": pa.array([decimal.Decimal("1.5"), None] * 4, pa.decimal128(5, 1))}),
    "nested": pa.table({
        "l": pa.array(LISTS, pa.list_(pa.int32())),
        "m": pa.array([[("a", 1)], None, [], [("b", None), ("c", 3)]] * 2, pa.map_(pa.string(), pa.int64())),
        "s": pa.array([{"x": 1, "y": ["p", None]}, None, {"x": None, "y": None}, {"x": 4, "y": []}] * 2,
                      pa.struct([("x", pa.int32()), ("y", pa.list_(pa.string()))])),
        "ll": pa.array([[[1], []], None, [None, [2, 3]], []] * 2, pa.list_(pa.list_(pa.int64())))}),
    "required": pa.table(
        [pa.array(range(8), pa.int64()), pa.array(list("abcdefgh"))],
        pa.schema([pa.field("i", pa.int64(), False), pa.field("s", pa.string(), False)])),
    "nulls": pa.table({"n": pa.nulls(8), "i": pa.nulls(8, pa.int32()), "s": pa.nulls(8, pa.string())}),
}


def written(table, **options):
    out = io.BytesIO()
    pq.write_table(table, out, **{"compression": "none", **options})
    return out.getvalue()


def seeds():
    for name, table in SHAPES.items():
        yield name, written(table)
        yield name + "_bare", written(table, store_schema=False, use_dictionary=False, write_statistics=False)
        yield name + "_v2", written(table, data_page_version="2.0", use_dictionary=False, store_schema=False)
        yield name + "_pages", written(table, data_page_size=1, write_batch_size=2, row_group_size=6,
                                       write_page_index=True, write_page_checksum=True, store_schema=False)
    required = SHAPES["required"]
    for encoding in ["DELTA_BINARY_PACKED", "BYTE_STREAM_SPLIT"]:
        yield encoding.lower(), written(required, use_dictionary=False, column_encoding={"i": encoding, "s": "PLAIN"})
    for encoding in ["DELTA_LENGTH_BYTE_ARRAY", "DELTA_BYTE_ARRAY"]:
        yield encoding.lower(), written(SHAPES["texts"].select(["s", "bin"]), use_dictionary=False, store_schema=False,
                                        column_encoding={"s": encoding, "bin": encoding})
    yield "rle_booleans", written(SHAPES["numbers"].select(["b"]), data_page_version="2.0", use_dictionary=False)
    yield "int96", written(SHAPES["times"].select(["ns"]), use_deprecated_int96_timestamps=True)
    yield "old_lists", written(SHAPES["nested"].select(["l"]), use_compliant_nested_type=False, store_schema=False)
    for codec in ["snappy", "gzip", "brotli", "lz4", "zstd"]:
        yield codec, written(SHAPES["numbers"].select(["i32", "b"]), compression=codec, store_schema=False)


def chunks(name, data, oddities=0):
    file = pq.ParquetFile(io.BytesIO(data))
    schema = file.schema
    for group in range(file.metadata.num_row_groups):
        for i in range(file.metadata.num_columns):
            chunk, column = file.metadata.row_group(group).column(i), schema.column(i)
            start = chunk.data_page_offset
            if chunk.has_dictionary_page and chunk.dictionary_page_offset:
                start = min(start, chunk.dictionary_page_offset)
            levels = column.max_definition_level | column.max_repetition_level << 4
            head = struct.pack("<BBBBH", PHYSICAL.index(column.physical_type), max(column.length - 1, 0) & 255, levels,
                               CODECS[chunk.compression] | oddities, chunk.num_values)
            yield f"{name}_{group}_{i}", head + data[start:start + chunk.total_compressed_size]


def pairs():
    """Files to be merged, and how: fuzz_parquet_merge.c has the meaning of the first byte."""
    options = {"store_schema": False, "write_page_index": True, "row_group_size": 6}
    nested, texts = SHAPES["nested"], SHAPES["texts"].select(["s", "bin"])
    apart = nested.select(["ll", "l"]).append_column("s", pa.array([{"z": i} for i in range(8)], pa.struct([("z", pa.int8())])))
    numbers, told = SHAPES["numbers"], SHAPES["nulls"].select(["i", "s"])
    untold = pa.table({"i": pa.nulls(8), "s": pa.nulls(8)})
    for how, name, one, two in [
        (16, "untold", written(told, **options), written(untold, **options)),
        (0, "untold_first", written(untold, **options), written(told, **options)),
        (0, "nested", written(nested, **options), written(nested, store_schema=False)),
        (16, "nested_apart", written(nested, **options), written(apart, **options)),
        (0, "nested_apart_back", written(apart, **options), written(nested, **options)),
        (1, "nested_anew", written(nested, **options), written(apart, **options)),
        (2, "nested_mixed", written(nested, **options), written(nested, **options)),
        (8, "texts", written(texts, **options), written(texts, data_page_version="2.0", compression="zstd")),
        (4, "texts_less", written(texts), written(texts.select(["bin"]))),
        (0, "numbers", written(numbers), written(numbers.slice(0, 0))),
        (1, "wider", written(numbers.select(["i8"])), written(numbers.select(["i64"]).rename_columns(["i8"]))),
        (2, "times", written(SHAPES["times"], **options), written(SHAPES["times"])),
    ]:
        yield name, struct.pack("<I", how | len(one) << 8) + one + two


def main():
    for name in ["parquet_file", "parquet_chunk", "parquet_merge"]:
        (CORPUS / name).mkdir(parents=True, exist_ok=True)
    for name, data in pairs():
        (CORPUS / "parquet_merge" / name).write_bytes(data)
    seen = set()
    for name, data in seeds():
        (CORPUS / "parquet_file" / name).write_bytes(data)
        for chunk_name, chunk in chunks(name, data):
            if chunk not in seen and len(chunk) < 200:
                seen.add(chunk)
                (CORPUS / "parquet_chunk" / chunk_name).write_bytes(chunk)
    old = CORPUS.parents[1] / "tests" / "interop" / "golden" / "parquet_java_1_6_prefixes.parquet"
    for chunk_name, chunk in chunks("prefixes_go_on", old.read_bytes(), 8):
        if chunk_name.endswith(("_0_0", "_0_4")):  # path, fixed
            (CORPUS / "parquet_chunk" / chunk_name).write_bytes(chunk)


if __name__ == "__main__":
    main()
