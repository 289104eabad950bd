"""The main job at a smaller size: two million rows in 200 parts on HDFS, held against a digest that Spark has no part in.

LAMELLA_REHEARSAL_ROWS says how many rows: 20000000 are 0.4 GB, and minutes.
"""

import functools
import hashlib
import os

import pytest

lamella = pytest.importorskip("lamella", reason="the wheel is not installed here: ./dev test spark does it")
from lamella.spark import merge_parts, write_single_csv  # noqa: E402

ROWS, PARTS = int(os.environ.get("LAMELLA_REHEARSAL_ROWS", 2_000_000)), 200
pytestmark = pytest.mark.timeout(600 + ROWS // 20_000)


@functools.cache
def expected(header):
    digest = hashlib.sha256(b"user_id,product_id,score\n" if header else b"")
    for begin in range(0, ROWS, 10_000):
        rows = (f"{n // 100},{n * 7919 % 1000003},{n % 1000 / 8}\n" for n in range(begin, min(begin + 10_000, ROWS)))
        digest.update("".join(rows).encode())
    return digest.hexdigest()


def digest_of(hdfs, path):
    status, data = hdfs.shell("-cat", path)
    assert status == 0
    return hashlib.sha256(data).hexdigest()


@pytest.fixture
def recommendations(spark):
    columns = ["id div 100 as user_id", "id * 7919 % 1000003 as product_id", "id % 1000 / 8.0D as score"]
    return spark.range(0, ROWS, 1, PARTS).selectExpr(*columns)


@pytest.mark.parametrize("via", ["webhdfs", "jvm"])
@pytest.mark.parametrize("header", [True, False])
def test_one_file(hdfs, recommendations, header, via):
    path = f"/rehearsal/{via}-{header}.csv"
    result = write_single_csv(recommendations, hdfs.rpc_url + path, header, via=via)
    assert (result.strategy, result.client_bytes, result.parts) == ("concat", 0, PARTS + header)
    assert digest_of(hdfs, path) == expected(header)


@pytest.mark.parametrize("header", [True, False])
def test_parts_that_are_there(spark, hdfs, recommendations, header):
    parts, path = f"/rehearsal/parts-{header}", f"/rehearsal/merged-{header}.csv"
    recommendations.write.option("header", header).csv(hdfs.rpc_url + parts)
    given = "auto" if header else ["user_id", "product_id", "score"]
    result = merge_parts(spark, hdfs.rpc_url + parts, hdfs.rpc_url + path, given, delete_sources=True)
    assert result.strategy == ("stream" if header else "concat") and result.deleted == PARTS
    assert digest_of(hdfs, path) == expected(True)
