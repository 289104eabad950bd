"""lamella put and cat with CSV: suffixes, options, and what a failure leaves."""

import gzip

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


def test_what_nobody_asks_for_is_only_cut(run, tmp_path):
    rows = "".join(f"{i},{i}.5,x{i}\n" for i in range(200000))
    (tmp_path / "a.csv").write_text("id,f,s\n" + rows + "200000,word,last\n")
    done = run("cat", "a.csv", "--format", "csv")
    assert done.returncode == 3 and b'a.csv: line 200002: column f: "word" is no float64' in done.stderr
    done = run("cat", "a.csv", "--columns", "s,id", "--where", "id >= 199999", "--format", "csv")
    assert done.returncode == 0 and done.stdout == b"s,id\nx199999,199999\nlast,200000\n"
    assert run("count", "a.csv").stdout == b"200001\n"
    assert run("count", "a.csv", "--where", "f > 1").returncode == 3
    done = run("cat", "a.csv", "--columns", "s,no", "--format", "csv")
    assert done.returncode == 2 and b"no" in done.stderr
    (tmp_path / "a.csv").write_text("id,f,s\n" + rows + "200000,word\n")
    assert run("count", "a.csv").returncode == 3


def test_csv_is_read(run, tmp_path, source):
    (tmp_path / "a.csv").write_bytes(TEXT)
    assert run("schema", "a.csv").stdout == b"id: int64\nname: utf8\nx: float64\n"
    assert run("cat", "a.csv", "--format", "csv").stdout == TEXT
    assert run("cat", "-", "--from", "csv", "--format", "csv", stdin=gzip.compress(TEXT)).stdout == TEXT
    assert run("put", "a.csv", "a.parquet").returncode == 0
    assert run("cat", "a.parquet", "--format", "csv").stdout == TEXT
    assert run("cat", "a.csv", "--columns", "x,id", "--where", "id >= 2", "--format", "csv").stdout == b"x,id\n,2\n"


def test_how_csv_is_read(run, tmp_path):
    (tmp_path / "a.csv").write_text("a;b\n007;x\nNA;y\n1\n")
    done = run("cat", "a.csv", "--csv-null", "NA", "--csv-ragged", "skip", "--format", "csv")
    assert done.stdout == b"a,b\n007,x\n,y\n"
    assert b"1 rows with more or fewer cells than the first were left out, the first of them in line 4" in done.stderr
    words = ["--csv-types", "text", "--csv-header", "no", "--csv-ragged", "pad", "--format", "csv"]
    assert run("cat", "a.csv", *words).stdout == b"column1,column2\na,b\n007,x\nNA,y\n1,\n"
    (tmp_path / "out.csv").write_text("old")
    done = run("put", "a.csv", "out.csv")
    assert done.returncode == 3
    assert b"a.csv: line 4: it has 1 cells, and the first row has 2" in done.stderr
    assert (tmp_path / "out.csv").read_text() == "old"


def test_the_options_hold_for_the_files_of_a_directory(run, tmp_path):
    (tmp_path / "all").mkdir()
    (tmp_path / "all" / "a.csv").write_text("1:x:NA\n2:007:4\n")
    (tmp_path / "all" / "b.csv").write_text("3:y:5\n4\n")
    options = ["--csv-separator", ":", "--csv-header", "no", "--csv-null", "NA", "--csv-ragged", "pad"]
    done = run("cat", "all", "--format", "csv", *options)
    assert done.returncode == 0, done.stderr
    assert done.stdout == b"column1,column2,column3\n1,x,\n2,007,4\n3,y,5\n4,,\n"
    done = run("cat", "all", "--format", "csv", *options[:-1], "skip", "--csv-types", "text")
    assert done.stdout == b"column1,column2,column3\n1,x,\n2,007,4\n3,y,5\n" and b"1 row" in done.stderr
