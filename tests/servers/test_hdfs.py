"""That what the tests call HDFS is one: its own client and its own protocol meet in it."""

import json
import os
import urllib.error
import urllib.request

import pytest
import server


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


def test_of_a_pair_the_other_takes_over(tmp_path):
    if os.environ.get("LAMELLA_NO_HDFS"):
        pytest.skip(os.environ["LAMELLA_NO_HDFS"])
    (tmp_path / "a").write_bytes(b"x")
    with server.Hdfs(data_nodes=1, pair=True) as pair:
        urls = [f"http://127.0.0.1:{port}/webhdfs/v1/a?op=GETFILESTATUS" for port in pair.http_ports]

        def answers():
            seen = []
            for url in urls:
                try:
                    with urllib.request.urlopen(url) as answer:
                        seen.append(json.load(answer)["FileStatus"]["length"])
                except urllib.error.HTTPError as error:
                    seen.append(json.load(error)["RemoteException"]["exception"])
            return seen

        assert pair.shell("-put", tmp_path / "a", "/a")[0] == 0
        assert answers() == [1, "StandbyException"]
        pair.fail_over()
        assert answers() == ["StandbyException", 1]
        assert pair.shell("-cat", "/a") == (0, b"x")
