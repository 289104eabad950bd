"""Java's own client reads what we wrote, and we read what it wrote, under every name."""

import os
import pathlib
import subprocess

import pytest

LAMELLA = os.environ.get("LAMELLA_COMMAND") or str(pathlib.Path(__file__).resolve().parents[2] / "build" / "lamella")
# Those that its shell takes for patterns have a backslash before them there.
NAMES = [
    "plain", "two words", "100%", "%20", "a%2Fb", "a+b", "a#b", "a?b", "a&b=c;d", "a,b", "'\"", "a*b", "[a]", "{a,b}",
    ".hidden", "grün", "日本語", "🙂", "tab\there",
]  # fmt: skip
SIZES = [0, 1, 1 << 20, (1 << 20) + 1, 3_500_000]  # of blocks of 1 MiB


def lamella(*words, stdin=b""):
    done = subprocess.run([LAMELLA, *words], input=stdin, capture_output=True, timeout=120)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def escaped(name):
    return "".join("\\" + c if c in "*?[]{}\\," else c for c in name)


@pytest.mark.parametrize("name", NAMES)
def test_java_reads_what_we_wrote(hdfs, name):
    text = f"by us: {name}".encode()
    lamella("write", f"{hdfs.url}/ours/{name}", stdin=text)
    assert hdfs.shell("-cat", f"/ours/{escaped(name)}") == (0, text)
    lamella("write", f"{hdfs.url}/ours/{name}", stdin=text * 2)
    assert hdfs.shell("-cat", f"/ours/{escaped(name)}") == (0, text * 2)


@pytest.mark.parametrize("name", NAMES)
def test_we_read_what_java_wrote(hdfs, name, tmp_path):
    (tmp_path / "a").write_text(f"by java: {name}")
    assert hdfs.shell("-mkdir", "-p", "/theirs")[0] == 0
    assert hdfs.shell("-put", tmp_path / "a", f"/theirs/{escaped(name)}")[0] == 0
    lamella("cp", f"{hdfs.url}/theirs/{name}", str(tmp_path / "b"))
    assert (tmp_path / "b").read_bytes() == (tmp_path / "a").read_bytes()


@pytest.mark.parametrize("size", SIZES)
def test_sizes(hdfs, size, tmp_path):
    data = os.urandom(size)
    lamella("write", f"{hdfs.url}/sizes/{size}", stdin=data)
    assert hdfs.shell("-cat", f"/sizes/{size}") == (0, data)
    status, text = hdfs.shell("-checksum", f"/sizes/{size}")
    (tmp_path / "a").write_bytes(data)
    assert hdfs.shell("-put", tmp_path / "a", f"/sizes/{size}-by-java")[0] == 0
    theirs = hdfs.shell("-checksum", f"/sizes/{size}-by-java")[1]
    assert status == 0 and text.split()[1:] == theirs.split()[1:]
    lamella("cp", f"{hdfs.url}/sizes/{size}-by-java", str(tmp_path / "b"))
    assert (tmp_path / "b").read_bytes() == data


def test_the_names_of_a_cluster(hdfs, tmp_path):
    """hdfs:// by the configuration that Java's client has."""
    environment = {**os.environ, **hdfs.environment}
    done = subprocess.run(
        [LAMELLA, "write", f"{hdfs.rpc_url}/by-name/a"], input=b"x", env=environment, capture_output=True, timeout=60
    )
    assert done.returncode == 0, done.stderr.decode()
    assert hdfs.shell("-cat", "/by-name/a") == (0, b"x")
