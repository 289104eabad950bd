"""The five tables that the benches write and read: taxi, recs, strings, floats, nested.

Made from a fixed seed, so that every run and every peer has the same rows. `rows` scales a shape down.
"""

import numpy as np
import pyarrow as pa

ROWS = {
    "taxi": 5_000_000,
    "recs": 20_000_000,
    "strings": 3_000_000,
    "floats": 2_000_000,
    "nested": 500_000,
}


def _nulls(rng, n, share):
    return rng.random(n) < share


def taxi(n):
    rng = np.random.default_rng(1)
    pickup = np.sort(rng.integers(1_700_000_000, 1_702_600_000, n)) * 1_000_000
    dropoff = pickup + rng.integers(60, 3600, n) * 1_000_000
    distance = np.round(rng.gamma(2.0, 1.6, n), 2)
    fare = np.round(3.0 + distance * 2.5 + rng.integers(0, 40, n) * 0.1, 2)
    tip = np.where(rng.random(n) < 0.3, 0.0, np.round(fare * rng.choice([0.1, 0.15, 0.2], n), 2))
    tolls = np.where(rng.random(n) < 0.92, 0.0, 6.94)
    total = np.round(fare + tip + tolls + 3.3, 2)
    some = _nulls(rng, n, 0.05)
    flags = np.array(["N", "Y"])
    kinds = np.array(["credit", "cash", "no charge", "dispute"])
    zones = np.array([f"zone {i:03d}" for i in range(265)])
    return pa.table(
        {
            "vendor_id": pa.array(rng.integers(1, 3, n).astype(np.int32)),
            "pickup": pa.array(pickup, pa.timestamp("us")),
            "dropoff": pa.array(dropoff, pa.timestamp("us")),
            "passengers": pa.array(rng.integers(1, 7, n).astype(np.int64), mask=some),
            "distance": pa.array(distance),
            "rate_code": pa.array(rng.integers(1, 7, n).astype(np.int64), mask=some),
            "stored": pa.array(flags[(rng.random(n) < 0.01).astype(int)], mask=some),
            "pickup_zone": pa.array(rng.integers(1, 266, n).astype(np.int32)),
            "dropoff_zone": pa.array(rng.integers(1, 266, n).astype(np.int32)),
            "payment": pa.array(kinds[rng.choice(4, n, p=[0.7, 0.25, 0.03, 0.02])]),
            "fare": pa.array(fare),
            "extra": pa.array(rng.choice([0.0, 0.5, 1.0, 2.5, 3.5], n)),
            "mta_tax": pa.array(np.where(rng.random(n) < 0.98, 0.5, 0.0)),
            "tip": pa.array(tip),
            "tolls": pa.array(tolls),
            "total": pa.array(total),
            "surcharge": pa.array(rng.choice([0.0, 2.5], n), mask=some),
            "zone_name": pa.array(zones[rng.integers(0, 265, n)]),
        }
    )


def recs(n):
    rng = np.random.default_rng(2)
    return pa.table(
        {
            "user_id": pa.array(np.repeat(np.arange(n // 100 + 1, dtype=np.int64), 100)[:n]),
            "product_id": pa.array(rng.integers(0, 2_000_000, n)),
            "score": pa.array(rng.random(n, dtype=np.float32)),
        }
    )


def strings(n):
    rng = np.random.default_rng(3)
    hexes = [rng.bytes(16).hex() for _ in range(n)]
    words = np.array(["alpha", "beta", "gamma", "delta", "news", "shop", "item", "view"])
    first, second = words[rng.integers(0, 8, n)], words[rng.integers(0, 8, n)]
    numbers = rng.integers(0, 10_000_000, n)
    return pa.table(
        {
            "url": pa.array(
                [f"https://www.example.com/{a}/{b}?id={c}" for a, b, c in zip(first, second, numbers)]
            ),
            "uuid": pa.array([f"{h[:8]}-{h[8:12]}-{h[12:16]}-{h[16:20]}-{h[20:]}" for h in hexes]),
            "name": pa.array(np.array([f"customer name {i}" for i in range(50_000)])[rng.integers(0, 50_000, n)]),
            "kind": pa.array(words[rng.integers(0, 8, n)]),
            "id": pa.array([f"ID{i:012d}" for i in range(n)]),
        }
    )


def floats(n):
    rng = np.random.default_rng(4)
    return pa.table({f"f{i}": pa.array(rng.standard_normal(n)) for i in range(10)})


def nested(n):
    rng = np.random.default_rng(5)
    lengths = rng.integers(0, 10, n)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    ints = pa.ListArray.from_arrays(offsets, pa.array(rng.integers(0, 1000, offsets[-1]).astype(np.int32)))
    struct = pa.StructArray.from_arrays(
        [pa.array(rng.random(n)), pa.array(rng.integers(0, 100, n)), pa.array([f"s{i % 100}" for i in range(n)])],
        ["x", "y", "z"],
    )
    lengths = rng.integers(0, 4, n)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    m = offsets[-1]
    inner = pa.StructArray.from_arrays(
        [pa.array(rng.integers(0, 1_000_000, m)), pa.array(np.round(rng.random(m) * 100, 2))], ["sku", "price"]
    )
    structs = pa.ListArray.from_arrays(offsets, inner)
    keys = np.array(["colour", "size", "weight", "origin", "brand"])
    maps = pa.MapArray.from_arrays(
        offsets,
        pa.array(keys[rng.integers(0, 5, m)]),
        pa.array([f"value {i}" for i in rng.integers(0, 1000, m)]),
    )
    return pa.table({"ints": ints, "point": struct, "items": structs, "labels": maps})


def shape(name, rows=None):
    return globals()[name](rows or ROWS[name])
