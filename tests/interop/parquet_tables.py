"""Tables for the tests of what we write: every type, nested ones among them, from a seed."""

import datetime as dt
import decimal
import io
import math
import random

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

CODECS = ["none", "snappy", "gzip", "brotli", "zstd", "lz4_raw"]
COUNTS = [0, 1, 7, 8, 9, 63, 64, 65, 1000]
NULLS = ["none", "some", "all"]


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


def column(name, count, nulls, seed=0):
    kind, make = {**TYPES, **NESTED}[name]
    rng = random.Random(f"{name}{count}{nulls}{seed}")
    share = {"none": 0.0, "some": 0.3, "all": 1.0}[nulls]
    values = [None if rng.random() < share else make(rng, count) for _ in range(count)]
    if pa.types.is_dictionary(kind):
        return pa.array(values, kind.value_type).dictionary_encode().cast(kind)
    return pa.array(values, kind)


def as_pyarrow_reads(table):
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


def same(got, table):
    """Equal values and types, NaN being equal to NaN."""
    want = as_pyarrow_reads(table)
    if got.schema != want.schema or got.num_rows != want.num_rows:
        return False
    return all(
        left.equals(right) or repr(left.to_pylist()) == repr(right.to_pylist())
        for left, right in zip(got.columns, want.columns)
    )
