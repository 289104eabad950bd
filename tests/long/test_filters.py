"""Thousands of generated filters of the Parquet reader, held against DuckDB."""

import pytest
from test_parquet_filter import check

TABLES, BLOCK = 400, 10


@pytest.mark.parametrize("block", range(TABLES // BLOCK))
def test_filters_give_the_rows_that_duckdb_gives(block, tmp_path):
    for seed in range(block * BLOCK, (block + 1) * BLOCK):
        check(1000 + seed, tmp_path / f"{seed}.parquet")
