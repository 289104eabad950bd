"""That what the tests call HDFS is one: its own client and its own protocol meet in it."""

import json
import urllib.request


def status(hdfs, path):
    with urllib.request.urlopen(f"{hdfs.http}{path}?op=GETFILESTATUS") as answer:
        return json.load(answer)["FileStatus"]


def test_its_client_writes_and_its_protocol_reads(hdfs, tmp_path):
    (tmp_path / "a").write_bytes(b"line\n" * 500_000)
    assert hdfs.shell("-put", tmp_path / "a", "/smoke a")[0] == 0
    assert status(hdfs, "/smoke%20a")["length"] == 2_500_000
    assert status(hdfs, "/smoke%20a")["blockSize"] == 1 << 20
    with urllib.request.urlopen(f"{hdfs.http}/smoke%20a?op=OPEN&offset=1048573&length=10") as answer:
        assert answer.read() == (b"line\n" * 3)[3:13]
    assert hdfs.shell("-cat", "/smoke a") == (0, b"line\n" * 500_000)
    assert hdfs.shell("-rm", "-skipTrash", "/smoke a")[0] == 0
    assert hdfs.shell("-cat", "/smoke a")[0] == 1
