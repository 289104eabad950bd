"""A secured HDFS: NameNode and DataNode with Kerberos, a KDC beside them (kdc/Kdc.java). The client logs in by SPNEGO with the
keytab of ada, or by a delegation token."""

import base64
import os

import pytest
import server

LOGIN = ["--storage", "negotiate=true"]
BIG = b"".join(b"%d,%d\n" % (i, i * 7919) for i in range(200_000))


@pytest.fixture(scope="module")
def kdc():
    for reason in ("LAMELLA_NO_HDFS", "LAMELLA_NO_KDC"):
        if os.environ.get(reason):
            pytest.skip(os.environ[reason])
    with server.Kdc() as made:
        yield made


@pytest.fixture(scope="module")
def secured(kdc):
    with server.Hdfs(data_nodes=1, kdc=kdc) as made:
        yield made


@pytest.fixture
def url(secured):
    """By the name that is in the server's principal."""
    return f"webhdfs://localhost:{secured.http_ports[0]}"


def test_a_ticket_opens_everything(run, secured, kdc, url, tmp_path):
    def go(*words, stdin=b""):
        done = run(words[0], *LOGIN, *words[1:], stdin=stdin, **kdc.ticket)
        assert done.returncode == 0, done.stderr
        return done

    go("write", f"{url}/ada/small", stdin=b"hello")
    traced = go("write", "--trace", f"{url}/ada/big.csv", stdin=BIG).stderr
    assert b"delegation=***" in traced  # what the NameNode gives for the DataNode
    assert secured.shell("-stat", "%u", "/ada/small") == (0, b"ada\n")
    go("cp", f"{url}/ada/big.csv", "back")
    assert (tmp_path / "back").read_bytes() == BIG
    go("write", f"{url}/ada/parts/part-0", stdin=b"1,2\n")
    go("write", f"{url}/ada/parts/part-1", stdin=b"3,4\n")
    words = ["--delete-sources", "--format", "csv", "--header", "a,b"]
    go("merge", f"{url}/ada/parts", f"{url}/ada/all.csv", *words)
    assert secured.shell("-cat", "/ada/all.csv") == (0, b"a,b\n1,2\n3,4\n")
    go("rm", f"{url}/ada/small")
    assert go("ls", f"{url}/ada").stdout.decode().split() == [f"{url}/ada/{name}" for name in ("all.csv", "big.csv", "parts/")]


@pytest.mark.parametrize("words", [[], LOGIN], ids=["not asked for", "no ticket"])
def test_who_is_not_logged_in_is_told(run, kdc, url, words, monkeypatch):
    monkeypatch.delenv("KRB5_CLIENT_KTNAME", raising=False)
    none = {**kdc.no_ticket, "KRB5CCNAME": f"FILE:{kdc.place}/none"}
    done = run("ls", *words, f"{url}/", **none)
    assert done.returncode == 1 and b"401" in done.stderr and b"kinit" in done.stderr


def test_a_delegation_token_needs_no_ticket(run, secured, url, tmp_path):
    text = secured.token(tmp_path / "tokens")
    secured.shell("-mkdir", "-p", "/token")
    how = ["--storage", f"token={text}"]
    done = run("write", *how, "--trace", f"{url}/token/big.csv", stdin=BIG)
    assert done.returncode == 0, done.stderr
    assert text.encode() not in done.stderr and text[:20].encode() not in done.stderr
    assert run("cp", *how, f"{url}/token/big.csv", "back").returncode == 0
    assert (tmp_path / "back").read_bytes() == BIG
    forged = bytearray(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    forged[forged.index(b"HDFS_DELEGATION_TOKEN") - 5] ^= 1  # of the password before it
    bad = run("ls", "--storage", f"token={base64.urlsafe_b64encode(forged).decode().rstrip('=')}", f"{url}/token")
    assert bad.returncode == 1 and bad.stderr and text[:20].encode() not in bad.stderr


def test_the_token_file_of_yarn(run, secured, url, tmp_path):
    """As it lies in the working directory of a container; the token is for the NameNode's own address."""
    secured.token(tmp_path / "tokens")
    by_rpc = {"HADOOP_TOKEN_FILE_LOCATION": str(tmp_path / "tokens"), "HADOOP_CONF_DIR": str(secured.configuration)}
    done = run("write", f"{secured.rpc_url}/yarn/a", stdin=b"by yarn", **by_rpc)
    assert done.returncode == 0, done.stderr
    assert secured.shell("-cat", "/yarn/a") == (0, b"by yarn")
