"""Tests against real servers (server.py starts them): ./dev test servers.

hdfs       a NameNode and three DataNodes, for the whole run; small blocks, so that small files have many
"""

import os
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import server  # noqa: E402


@pytest.fixture(scope="session")
def hdfs():
    reason = os.environ.get("LAMELLA_NO_HDFS")
    if reason:
        pytest.skip(reason)
    with server.Hdfs(block_bytes=1 << 20, list_limit=10) as running:
        yield running
