"""Workbooks, read back by their own XML."""
import os
import pathlib
import re
import zipfile

import pandas as pd
import pyarrow as pa
import pytest

import lamella

FRAME = pd.DataFrame({"a": [1, 2], "b": ["x", None], "f": [0.5, 1.5]})


def sheets(path):
    with zipfile.ZipFile(path) as book:
        assert book.testzip() is None
        names = re.findall(r'<sheet [^>]*name="([^"]*)"', book.read("xl/workbook.xml").decode())
        return {
            name: book.read(f"xl/worksheets/sheet{place}.xml").decode() for place, name in enumerate(names, 1)
        }


def cells(xml):
    return re.findall(r"<(?:v|t)[^>]*>([^<]*)</(?:v|t)>", xml)


def test_one_sheet(nothing_left):
    result = lamella.atomic_write_xlsx("x.xlsx", FRAME, manifest=True)
    assert result.rows == 2 and result.bytes == os.path.getsize("x.xlsx")
    assert list(sheets("x.xlsx")) == ["data"]
    assert {"a", "b", "f", "1", "2", "x", "0.5", "1.5"} <= set(cells(sheets("x.xlsx")["data"]))
    lamella.verify("x.xlsx")
    nothing_left("x.xlsx", "x.xlsx.manifest.json")


def test_a_dict_of_sheets():
    lamella.atomic_write_xlsx("x.xlsx", {"one": FRAME, "two": [{"z": 7}], "three": pa.table({"y": [8]})})
    found = sheets("x.xlsx")
    assert list(found) == ["one", "two", "three"] and cells(found["two"]) == ["z", "7"]
    lamella.atomic_write_xlsx("x.xlsx", {"a": [1], "b": ["x"]}, sheet_name="columns")
    assert list(sheets("x.xlsx")) == ["columns"]


def test_options(tmp_path):
    lamella.atomic_write_xlsx(
        "x.xlsx", FRAME, columns=["f", "a"], header=["F", "A"], freeze_panes=None, autofilter=True, engine="openpyxl",
        number_formats={"F": "0.000"}, column_widths={"A": 40},
    )  # fmt: skip
    xml = sheets("x.xlsx")["data"]
    assert cells(xml)[:2] == ["F", "A"] and "<autoFilter" in xml and "<pane" not in xml and 'width="40' in xml
    lamella.atomic_write_xlsx("x.xlsx", {"f": [0.5], "n": [1]}, type_formats={"float": "0.0", "integer": "#,##0"})
    with zipfile.ZipFile("x.xlsx") as book:
        styles = book.read("xl/styles.xml").decode()
    assert 'formatCode="0.0"' in styles and 'formatCode="#,##0"' in styles
    with pytest.raises(ValueError, match="not of 'text'"):
        lamella.atomic_write_xlsx("x.xlsx", FRAME, type_formats={"text": "0"})
    lamella.atomic_write_xlsx("x.xlsx", FRAME, stamp=True, run_id="r")
    assert "source_snapshot" in cells(sheets("x.xlsx")["data"])


def test_bytes():
    data = lamella.df_to_xlsx_bytes(FRAME)
    lamella.atomic_write_xlsx("x.xlsx", FRAME)
    assert pathlib.Path("x.xlsx").read_bytes() == data


def test_refused(nothing_left):
    cases = [
        ({"na_rep": "x"}, ValueError),
        ({"freeze_panes": (3, 3)}, ValueError),
        ({"colums": ["a"]}, TypeError),
        ({"sheet_name": "a/b"}, ValueError),
        ({"columns": ["nowhere"]}, KeyError),
    ]
    for options, error in cases:
        with pytest.raises(error):
            lamella.atomic_write_xlsx("x.xlsx", FRAME, **options)
    nothing_left()


def test_failures_leave_the_old_file(child, nothing_left):
    pathlib.Path("x.xlsx").write_text("old")

    def fails():
        yield {"a": [1] * 10_000}
        raise RuntimeError("in the middle")

    with pytest.raises(RuntimeError, match="in the middle"):
        lamella.atomic_write_xlsx("x.xlsx", fails())
    with pytest.raises(lamella.SchemaValidationError):
        lamella.atomic_write_xlsx("x.xlsx", {"good": FRAME, "bad": pd.DataFrame({"a": [object()]})})
    code = """
        import lamella, os, resource, signal
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))
        lamella.atomic_write_xlsx("x.xlsx", {"a": [os.urandom(20).hex() for _ in range(200_000)]})
    """
    done = child(code)
    assert done.returncode == 1 and "File too large" in done.stderr, done.stderr
    assert pathlib.Path("x.xlsx").read_text() == "old"
    nothing_left("x.xlsx")


def test_choose_format():
    assert [lamella.choose_format(word) for word in ("internal", "external", "Report", "cache")] == [
        "parquet", "csv", "xlsx", "pickle",
    ]  # fmt: skip
    with pytest.raises(ValueError, match="did you mean 'report'"):
        lamella.choose_format("reports")


def test_a_suffix_that_excel_would_not_open_it_by_is_refused():
    for name in ("x.xls", "x.ods", "x.CSV"):
        with pytest.raises(ValueError, match="kind .xlsx"):
            lamella.atomic_write_xlsx(name, [{"a": 1}])
    assert lamella.atomic_write_xlsx("book", [{"a": 1}]).rows == 1
