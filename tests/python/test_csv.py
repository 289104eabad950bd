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
