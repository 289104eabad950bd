"""The case that merging was made for, at its full size: 400 parts of together 82 GiB, on blocks that are simulated.

All metadata is real, and so are the requests; of each part a few bytes are looked at, and none is moved.
"""

import os
import pathlib
import re
import subprocess
import time

import pytest
import server
from web import Web

LAMELLA = os.environ.get("LAMELLA_COMMAND") or str(pathlib.Path(__file__).resolve().parents[2] / "build" / "lamella")
PARTS, BYTES = 400, 82 << 30


@pytest.fixture(scope="module")
def simulated():
    if os.environ.get("LAMELLA_NO_HDFS"):
        pytest.skip(os.environ["LAMELLA_NO_HDFS"])
    with server.Hdfs(data_nodes=1, simulated=True) as made:
        yield made


def measured(*words):
    """The status, and the most memory it had, in bytes; what wait4 tells would count the parent's before exec too."""
    most = 0
    with subprocess.Popen([LAMELLA, *words]) as process:
        status = pathlib.Path(f"/proc/{process.pid}/status")
        while process.poll() is None:
            most = max([most, *(int(kib) << 10 for kib in re.findall(r"VmHWM:\s*(\d+)", status.read_text()))])
            time.sleep(0.002)
    return process.returncode, most


@pytest.mark.parametrize("header", ["no", "user_id\tproduct_id"])
def test_400_parts_of_82_gib(simulated, header):
    place = f"/rehearsal/{re.sub('[^a-z]', '', header)}"
    total = simulated.invent_parts(place, PARTS, BYTES // PARTS)
    assert total > BYTES - PARTS * 1024
    words = ["--delete-sources", "--format", "csv", "--header", header]
    status, memory = measured("merge", *words, f"{simulated.url}{place}", f"{simulated.url}{place}-all.csv")
    assert status == 0
    web = Web(simulated)
    assert web.length(f"{place}-all.csv") == total + (0 if header == "no" else len(header) + 1)
    assert web.names(place) == []
    assert 1 << 20 < memory < 32 << 20
