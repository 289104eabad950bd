"""Tests against real servers (server.py starts them): ./dev test servers.

hdfs       a NameNode and three DataNodes, for the whole run; small blocks, so that small files have many
place      the URL of a directory on it that is this test's own
web        what is there, by hand and past lamella (web.py)
proxies    four faulty ones before it (proxy.py)
run        the command: run("cat", url, stdin=b"...") -> CompletedProcess with bytes, in an empty directory
"""

import os
import pathlib
import subprocess
import sys
import uuid

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import proxy  # noqa: E402
import server  # noqa: E402
from web import Web  # noqa: E402


@pytest.fixture(scope="session")
def hdfs():
    reason = os.environ.get("LAMELLA_NO_HDFS")
    if reason:
        pytest.skip(reason)
    with server.Hdfs(block_bytes=1 << 20, list_limit=10) as running:
        yield running


@pytest.fixture(scope="session")
def web(hdfs):
    return Web(hdfs)


@pytest.fixture(scope="session")
def proxies(hdfs):
    made = [proxy.Proxy(hdfs) for _ in range(4)]
    yield made
    for one in made:
        one.close()


@pytest.fixture
def place(hdfs):
    return f"{hdfs.url}/{uuid.uuid4().hex}"


@pytest.fixture
def run(tmp_path, monkeypatch):
    command = pathlib.Path(os.environ.get("LAMELLA_COMMAND") or pathlib.Path(__file__).parents[2] / "build" / "lamella")
    assert command.exists(), "run ./dev build first"
    monkeypatch.chdir(tmp_path)

    def call(*words, stdin=b"", timeout=120, **environment):
        return subprocess.run(
            [command, *words], input=stdin, timeout=timeout, capture_output=True, env={**os.environ, **environment}
        )

    return call
