"""CSV by pandas' names."""
import csv
import datetime as dt
import gzip
import os
import pathlib

import pandas as pd
import pytest

import lamella

FRAME = pd.DataFrame(
    {"a": [1, 2], "b": ["x", 'a"b'], "f": [0.5, None], "t": [True, False], "d": [dt.date(2020, 1, 1), None]}
)


def test_as_pandas_writes_it():
    want = FRAME.to_csv(index=False).encode()
    assert lamella.df_to_csv_bytes(FRAME) == want
    result = lamella.atomic_write_csv("x.csv", FRAME)
    assert pathlib.Path("x.csv").read_bytes() == want and result.rows == 2


@pytest.mark.parametrize(
    "options",
    [
        {"sep": ";"},
        {"na_rep": "NA"},
        {"columns": ["f", "a"]},
        {"header": False},
        {"header": ["1", "2", "3", "4", "5"]},
        {"quoting": csv.QUOTE_ALL},
        {"float_format": "%.3f"},
        {"quotechar": "'"},
    ],
    ids=str,
)
def test_options(options):
    want = FRAME.to_csv(index=False, lineterminator="\n", **options).encode()
    found = lamella.df_to_csv_bytes(FRAME, **options)
    if options.get("quoting") == csv.QUOTE_ALL:  # a null is never quoted here
        want = want.replace(b',""\n', b",\n").replace(b',"",', b",,")
    assert found == want


def test_encodings_and_line_ends():
    lamella.atomic_write_csv("x.csv", FRAME, encoding="utf-8-sig", line_terminator="\r\n")
    data = pathlib.Path("x.csv").read_bytes()
    assert data.startswith(b"\xef\xbb\xbfa,b") and data.count(b"\r\n") == 3
    assert pd.read_csv("x.csv")["a"].tolist() == [1, 2]
    lamella.atomic_write_csv("x.csv.gz", FRAME)
    assert gzip.decompress(pathlib.Path("x.csv.gz").read_bytes()) == FRAME.to_csv(index=False).encode()


def test_index():
    named = FRAME.set_index("b")
    assert lamella.df_to_csv_bytes(named).startswith(b"b,a,f")
    assert lamella.df_to_csv_bytes(named, index=False).startswith(b"a,f")


@pytest.mark.parametrize(
    "options, error",
    [
        ({"encoding": "latin-1"}, ValueError),
        ({"lineterminator": "x"}, ValueError),
        ({"sep": ";;"}, ValueError),
        ({"decimal": ","}, ValueError),
        ({"float_format": "%g"}, ValueError),
        ({"columns": ["nowhere"]}, KeyError),
        ({"header": ["one"]}, ValueError),
        ({"seperator": ";"}, TypeError),
        ({"compression": "zip"}, ValueError),
    ],
    ids=str,
)
def test_refused(options, error, nothing_left):
    with pytest.raises(error):
        lamella.atomic_write_csv("x.csv", FRAME, **options)
    nothing_left()


def test_stamp_and_ignored_options():
    result = lamella.atomic_write_csv("x.csv", FRAME, stamp=True, run_id="r-1", engine="python", chunksize=5)
    back = pd.read_csv("x.csv")
    assert result.run_id == "r-1" and set(back["run_id"]) == {"r-1"} and len(back.columns) == 8


def test_failures_leave_the_old_file(child, nothing_left):
    pathlib.Path("x.csv").write_text("old")

    def fails():
        yield {"a": [1] * 10_000}
        raise RuntimeError("in the middle")

    with pytest.raises(RuntimeError, match="in the middle"):
        lamella.atomic_write_csv("x.csv", fails())
    code = """
        import lamella, resource, signal
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))
        lamella.atomic_write_csv("x.csv", {"a": list(range(1_000_000))})
    """
    done = child(code)
    assert done.returncode == 1 and "File too large" in done.stderr, done.stderr
    assert pathlib.Path("x.csv").read_text() == "old"
    nothing_left("x.csv")


def test_a_frame_larger_than_the_memory_that_is_left(child):
    code = """
        import resource, lamella, pandas as pd
        frame = pd.DataFrame({"s": pd.Series([f"{i:0100d}" for i in range(1_000_000)], dtype=object)})
        lamella.atomic_write_csv("warm.csv", frame[:10])
        used = int(open("/proc/self/statm").read().split()[0]) * 4096
        resource.setrlimit(resource.RLIMIT_AS, (used + 90_000_000, used + 90_000_000))
        print(lamella.atomic_write_csv("x.csv", frame, threads=1).rows)
    """
    done = child(code)
    assert done.stdout == "1000000\n", done.stderr
    assert os.path.getsize("x.csv") == 101_000_002


def test_a_mode_that_would_not_be_kept_is_refused():
    lamella.atomic_write_csv("x.csv", [{"a": 1}], mode="w")
    with pytest.raises(ValueError, match="mode is 'w', not 'a'"):
        lamella.atomic_write_csv("x.csv", [{"a": 2}], mode="a")
    assert open("x.csv").read() == "a\n1\n"


def test_an_option_that_is_none_suggests_the_nearest_that_is():
    for name, nearest in (("separator", "'sep'"), ("seperator", "'sep'"), ("line_terminater", "'line_terminator'")):
        with pytest.raises(TypeError, match=nearest):
            lamella.df_to_csv_bytes([{"a": 1}], **{name: ";"})
    with pytest.raises(TypeError, match="'storage_options'$"):
        lamella.df_to_csv_bytes([{"a": 1}], storage_options={})
    with pytest.raises(TypeError, match="'sep'"):
        lamella.read_csv("x.csv", separator=";")


@pytest.mark.parametrize("given", [{"method": "gzip", "compresslevel": 9}, {"method": "gzip", "level": 1}, "gzip"])
def test_a_compression_is_a_name_or_a_dict(given):
    import gzip

    assert gzip.decompress(lamella.df_to_csv_bytes([{"a": 1}], compression=given)) == b"a\n1\n"
    assert gzip.decompress(lamella.df_to_jsonl_bytes([{"a": 1}], compression=given)) == b'{"a":1}\n'
    with pytest.raises(ValueError, match="'mtime'"):
        lamella.df_to_csv_bytes([{"a": 1}], compression={"method": "gzip", "mtime": 1})


def test_an_index_has_the_name_that_it_has_in_pandas():
    pd = pytest.importorskip("pandas")
    df = pd.DataFrame({"a": [1, 2], "s": ["x", "y"]})
    for frame, options in ((df, {}), (df, {"index_label": "i"}), (df.set_index("s"), {}), (df.set_index("s"), {"index_label": "i"}),
                           (df.set_index(["a", "s"]), {"index_label": ["p", "q"]}), (df, {"header": ["A", "S"]})):  # fmt: skip
        want = frame.to_csv(index=True, **options)
        assert lamella.df_to_csv_bytes(frame, index=True, **options).decode().replace('"",', ",") == want


def test_reading_takes_the_names_of_pandas():
    with open("x.txt", "w") as file:
        file.write("id;name;n\n007;NA;1\n8;\"x;y\";2\n9\n")
    read = lamella.read_csv
    with pytest.raises(ValueError, match="x.txt: line 4"):
        read("x.txt", "table")
    assert read("x.txt", "table", on_bad_lines="skip", na_values="NA").to_pylist() == [
        {"id": "007", "name": None, "n": 1}, {"id": "8", "name": "x;y", "n": 2}]  # fmt: skip
    assert read("x.txt", "table", on_bad_lines="pad", usecols=["n"], dtype={"n": "float64"}).to_pydict() == {"n": [1.0, 2.0, None]}
    assert read("x.txt", "table", header=None, dtype=str, nrows=1, on_bad_lines="skip").to_pylist() == [{"column1": "id", "column2": "name", "column3": "n"}]
    assert read("x.txt", "table", sep=",", quoting=3).column_names == ["id;name;n"]
    assert read("x.txt", "table", on_bad_lines="skip", filters="n = 2").to_pydict()["id"] == ["8"]
    scan = lamella.scan("x.txt", format="csv", csv={"on_bad_lines": "skip"})
    assert scan.count_rows() == 2 and scan.rows_skipped == 1
    with open("bad.csv", "wb") as file:
        file.write(b"a\n\xff\n")
    assert read("bad.csv", "table", encoding_errors="replace").to_pydict() == {"a": ["\ufffd"]}
    assert read("x.txt", "table", skiprows=1, header=None, on_bad_lines="skip").to_pydict()["column3"] == [1, 2]
    for wrong in ({"encoding": "latin-1"}, {"sep": ";;"}, {"header": 3}, {"on_bad_lines": "warn"}, {"quoting": 9}, {"infer_types": "x"}):
        with pytest.raises(ValueError):
            read("x.txt", "table", **wrong)


def test_json_lines_are_written_and_read():
    rows = [{"id": 1, "d": "1.50", "l": [1, None]}, {"id": 2, "d": None, "l": None}]
    assert lamella.df_to_jsonl_bytes(rows) == b'{"id":1,"d":"1.50","l":[1,null]}\n{"id":2,"d":null,"l":null}\n'
    for path in ("x.jsonl", "x.jsonl.gz", "x.jsonl.zst"):
        assert lamella.atomic_write_jsonl(path, rows, columns=["id", "d"], manifest=True).rows == 2
        assert lamella.read_jsonl(path, "table").to_pylist() == [{"id": 1, "d": "1.50"}, {"id": 2, "d": None}]
        got = lamella.read_jsonl(path, "table", types={"d": "decimal128(5, 2)", "id": "int8"})
        assert str(got.schema) == "id: int8\nd: decimal128(5, 2)"
    with pytest.raises(ValueError, match="orient is 'records'"):
        lamella.df_to_jsonl_bytes(rows, orient="split")


def test_what_describes_can_be_pickled():
    import pickle

    from lamella.tables import Column, IoSettings, Registry, TableDescriptor

    lamella.atomic_write_csv("x.txt", [{"a": 1}, {"a": 2}], sep="|")
    described = TableDescriptor("trades", columns=[Column("tick", "int64")], partitioning=["bucket"], schema_version="1.0@2026-01-01")
    scan = lamella.scan("x.txt", columns=["a"], filters="a > 1", format="csv", csv={"sep": "|"})
    settings = IoSettings("runs", tick_bucket_size=5, registry=Registry([described]))
    schema, again, made, other = pickle.loads(pickle.dumps((scan.schema, scan, described, settings)))
    assert schema == scan.schema and again.to_table().to_pydict() == {"a": [2]}
    assert made == described and other.registry["trades"] == described and other.tick_bucket_size == 5
