"""lamella put and cat with CSV: suffixes, options, and what a failure leaves."""

import gzip
import io

import pytest

pa = pytest.importorskip("pyarrow")


@pytest.fixture
def source(tmp_path):
    table = pa.table({"id": [1, 2, None], "name": ["a", "b,c", ""], "x": [0.5, None, 1e300]})
    with pa.ipc.new_file(tmp_path / "in.arrow", table.schema) as writer:
        writer.write_table(table)
    return "in.arrow"


TEXT = b'id,name,x\n1,a,0.5\n2,"b,c",\n,"",1e+300\n'


def test_suffixes_choose(run, tmp_path, source):
    assert run("put", source, "out.csv").returncode == 0
    assert (tmp_path / "out.csv").read_bytes() == TEXT
    assert run("put", source, "out.csv.gz").returncode == 0
    assert gzip.decompress((tmp_path / "out.csv.gz").read_bytes()) == TEXT
    assert run("put", source, "out.csv.zst").returncode == 0
    assert pa.input_stream(tmp_path / "out.csv.zst", compression="zstd").read() == TEXT
    assert run("put", source, "out.tsv").returncode == 0
    assert (tmp_path / "out.tsv").read_bytes() == b'id\tname\tx\n1\ta\t0.5\n2\tb,c\t\n\t""\t1e+300\n'
    assert run("put", source, "plain.gz", "--to", "csv", "--compression", "none").returncode == 0
    assert (tmp_path / "plain.gz").read_bytes() == TEXT
    assert run("cat", source, "--format", "csv").stdout == TEXT


def test_options(run, source):
    words = ["--separator", "tab", "--null", "NA", "--crlf", "--bom", "--float-places", "1", "--no-header"]
    done = run("cat", source, "--format", "csv", "--limit", "2", *words)
    assert done.stdout == b"\xef\xbb\xbf1\ta\t0.5\r\n2\tb,c\tNA\r\n"
    done = run("cat", source, "--format", "csv", "--quote", "'", "--quoting", "all", "--limit", "1")
    assert done.stdout == b"'id','name','x'\n'1','a','0.5'\n"
    for words in (["--separator", "ab"], ["--float-places", "x"], ["--float-places", "99"], ["--quote", ","]):
        done = run("put", source, "out.csv", *words)
        assert done.returncode == 2 and done.stderr.count(b"\n") == 1, (words, done.stderr)


def test_a_value_that_cannot_be_written_leaves_what_was_there(run, tmp_path, source):
    (tmp_path / "out.csv").write_text("old")
    done = run("put", source, "out.csv", "--quoting", "none")
    assert done.returncode == 3
    assert b"out.csv: row 1: column name: b,c needs quotes" in done.stderr
    assert (tmp_path / "out.csv").read_text() == "old"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in.arrow", "out.csv"]
