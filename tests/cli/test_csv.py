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


@pytest.mark.parametrize(
    "text, want",
    [
        ("a,b,\n1,x,\n2,y,\n", '{"a":1,"b":"x","column3":null}'),  # each line ends with a separator
        ("name,city,\nAda,Oslo,\n", '{"name":"Ada","city":"Oslo","column3":null}'),
        (",name,x\n0,foo,1\n1,bar,2\n", '{"column1":0,"name":"foo","x":1}'),  # to_csv of pandas
        (",name\n0,foo\n1,bar\n", '{"column1":0,"name":"foo"}'),
        ("\n\r\n,name\n0,foo\n", '{"column1":0,"name":"foo"}'),
        ("a,,c\n1,2,3\n", '{"a":1,"column2":2,"c":3}'),
        ("foo,,x\nbar,1,y\n", '{"column1":"foo","column2":null,"column3":"x"}'),  # nothing tells it from a row
        (",x\nfoo,y\n", '{"column1":null,"column2":"x"}'),
        (",1\n2,3\n", '{"column1":null,"column2":1}'),
        ("a,,\n", '{"column1":"a","column2":null,"column3":null}'),
        ("sep=;\na;b\n1;2\n", '{"a":1,"b":2}'),
        ("\ufeffsep=\t\r\na\tb\r\n1\t2\r\n", '{"a":1,"b":2}'),
        ("sep=,x\n1,2\n", '{"sep=":1,"x":2}'),
        ("x\nInfinity\n-inf\nNaN\n1\n", '{"x":"Infinity"}'),
    ],
)
def test_headers_with_gaps_and_the_line_of_spreadsheets(run, tmp_path, text, want):
    (tmp_path / "x.csv").write_bytes(text.encode())
    done = run("cat", "x.csv")
    assert done.stdout.decode().split("\n")[0] == want, done.stderr
    assert run("cat", "-", "--from", "csv", stdin=text.encode()).stdout == done.stdout
    assert run("count", "x.csv").stdout.split() == [str(done.stdout.count(b"\n")).encode()]


def test_errors_count_the_line_of_spreadsheets(run):
    done = run("cat", "-", "--from", "csv", stdin=b"sep=;\na;b\n1;2\n3\n")
    assert done.returncode == 3 and b"line 4" in done.stderr


@pytest.mark.parametrize(
    "data, words",
    [
        ("a,b\n1,2\n".encode("utf-16"), ["UTF-16", "iconv -f utf-16 "]),
        ("a,b\n1,2\n".encode("utf-16-le"), ["UTF-16", "iconv -f utf-16le "]),
        ("a,b\n1,2\n".encode("utf-16-be"), ["UTF-16", "iconv -f utf-16be "]),
        ("a,b\n1,2\n".encode("utf-32"), ["UTF-32", "iconv -f utf-32 "]),
        (b"PK\x03\x04\x14\x00\x06\x00", ["workbook"]),
        ("a,caf\xe9\n1,2\n".encode("latin-1"), ["line 1", "column 2", "0xe9", "iconv"]),
        (b"a,x\x00y\n1,2\n", ["line 1", "column 2", "NUL"]),
        (b"", ["empty"]),
    ],
)
def test_what_is_no_csv_is_refused_with_a_remedy(run, tmp_path, data, words):
    (tmp_path / "x.csv").write_bytes(data)
    done = run("put", "x.csv", "out.parquet")
    assert done.returncode == 3 and not (tmp_path / "out.parquet").exists()
    for word in ["x.csv", *words]:
        assert word.encode() in done.stderr, done.stderr


def test_a_file_without_a_row_has_the_columns_that_a_schema_tells(run, tmp_path):
    (tmp_path / "x.csv").write_text("")
    for source in ("x.csv", "-"):
        done = run("cat", source, "--from", "csv", "--csv-header", "no", "--read-schema", "a: int64, b: utf8", "--format", "csv")
        assert done.stdout == b"a,b\n", done.stderr
    assert run("cat", "x.csv", "--read-schema", "a: int64").returncode == 3  # there might have been a header


def test_lines_are_passed_over_at_the_beginning(run, tmp_path):
    (tmp_path / "x.csv").write_bytes(b'Report "2026\r\n\r\n# made by x\ra;b\n1;2\n3\n')
    want = b'{"a":1,"b":2}\n'
    assert run("cat", "x.csv", "--csv-skip-lines", "3", "--csv-ragged", "skip").stdout == want
    done = run("cat", "x.csv", "--csv-skip-lines", "3")
    assert done.returncode == 3 and b"line 6" in done.stderr
    assert run("cat", "x.csv", "--csv-skip-lines", "30").returncode == 3
    assert run("count", "-", "--from", "csv", "--csv-skip-lines", "1", stdin=b"title\na\n1\n").stdout == b"1\n"


def test_types_of_some_columns(run, tmp_path):
    (tmp_path / "x.csv").write_text("zip,n,d\n10001,1,2.50\n")
    done = run("cat", "x.csv", "--read-types", "zip: utf8, d: decimal128(9, 2), gone: int8")
    assert done.stdout == b'{"zip":"10001","n":1,"d":2.50}\n', done.stderr
    lines = b'{"id":12345678901234567890,"x":1}\n{"id":1,"x":1.5}\n'
    done = run("cat", "-", "--from", "jsonl", stdin=lines)
    assert done.returncode == 3 and b"line 1: column id" in done.stderr and b"uint64" in done.stderr
    for types, one in (("id: uint64", b"12345678901234567890"), ("id: utf8", b'"12345678901234567890"')):
        done = run("cat", "-", "--from", "jsonl", "--read-types", types, stdin=lines)
        assert done.stdout.startswith(b'{"id":' + one + b',"x":1.0}\n'), done.stderr
    assert run("append", "t", "x.csv", "--root", "o", "--run-id", "r", "--read-types", "n: int8").returncode == 2


def test_types_that_are_asked_for_are_no_guess(run, tmp_path):
    (tmp_path / "x.csv").write_text("zip,f\n007,007.5\n008,9007199254740993\n")
    types = ["--read-types", "zip: int64, f: float64"]
    want = b'{"zip":7,"f":7.5}\n{"zip":8,"f":9007199254740992.0}\n'
    assert run("cat", "x.csv", *types).stdout == want
    assert run("put", "x.csv", "x.parquet", *types).returncode == 0
    assert run("cat", "x.parquet").stdout == want
