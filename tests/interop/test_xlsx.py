"""XLSX that we write, as other programs read it: openpyxl, calamine, pandas, and LibreOffice where it is there.

The package itself is checked part by part against the rules of ECMA-376 that Excel asks for when it opens a file.
"""
import datetime as dt
import decimal
import json
import math
import os
import pathlib
import random
import re
import shutil
import subprocess
import xml.etree.ElementTree as ET
import zipfile

import openpyxl
import pandas as pd
import pyarrow as pa
import pytest
import python_calamine

ROOT = pathlib.Path(__file__).resolve().parents[2]
COMMAND = pathlib.Path(os.environ.get("LAMELLA_COMMAND") or ROOT / "build" / "lamella")
MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
RELATIONS = "{http://schemas.openxmlformats.org/package/2006/relationships}"
TYPES = "{http://schemas.openxmlformats.org/package/2006/content-types}"
# CT_Worksheet, ECMA-376 part 1, 18.3.1.99, as far as we use it: Excel repairs what stands in another order.
SHEET_ORDER = ["sheetViews", "sheetFormatPr", "cols", "sheetData", "autoFilter", "tableParts"]


def save(table, path):
    with pa.ipc.new_file(path, table.schema) as out:
        out.write_table(table, max_chunksize=1000)


def put(*words, status=0):
    done = subprocess.run([COMMAND, "put", *map(str, words)], capture_output=True, text=True, timeout=300)
    assert done.returncode == status, done.stderr
    return done.stderr


def write(table, folder, *words):
    source, book = folder / "t.arrow", folder / "t.xlsx"
    save(table, source)
    put(source, book, *words)
    check_package(book)
    return book


def check_package(path):
    """What Excel would offer to repair, it would say nothing of where: so every rule is an assertion here."""
    with zipfile.ZipFile(path) as book:
        assert book.testzip() is None
        names = book.namelist()
        assert len(set(names)) == len(names)
        parts = {name: ET.fromstring(book.read(name)) for name in names}
        types = parts["[Content_Types].xml"]
        defaults = {e.get("Extension") for e in types.iter(TYPES + "Default")}
        overrides = {e.get("PartName").lstrip("/") for e in types.iter(TYPES + "Override")}
        assert overrides <= set(names)
        for name in names:
            assert name in overrides or name == "[Content_Types].xml" or name.endswith(".rels"), name
            assert name.rsplit(".", 1)[1] in defaults
        for name in names:
            if not name.endswith(".rels"):
                continue
            base = pathlib.PurePosixPath(name).parent.parent
            ids = [e.get("Id") for e in parts[name].iter(RELATIONS + "Relationship")]
            assert len(set(ids)) == len(ids)
            for e in parts[name].iter(RELATIONS + "Relationship"):
                target = os.path.normpath(str(base / e.get("Target")))
                assert target in names, target
        styles = parts["xl/styles.xml"]
        for tag in ["numFmts", "fonts", "fills", "borders", "cellStyleXfs", "cellXfs", "cellStyles"]:
            for e in styles.iter(MAIN + tag):
                assert int(e.get("count")) == len(list(e)), tag
        style_count = len(list(next(styles.iter(MAIN + "cellXfs"))))
        sheets = [e.get("name") for e in parts["xl/workbook.xml"].iter(MAIN + "sheet")]
        assert len({s.lower() for s in sheets}) == len(sheets)
        for name in names:
            if name.startswith("xl/worksheets/sheet"):
                check_sheet(parts[name], style_count)
            if name.startswith("xl/tables/"):
                check_table(parts[name])


def check_sheet(sheet, style_count):
    order = [SHEET_ORDER.index(e.tag.removeprefix(MAIN)) for e in sheet]
    assert order == sorted(set(order))
    last_row = 0
    for row in sheet.iter(MAIN + "row"):
        assert int(row.get("r")) > last_row
        last_row, last_column = int(row.get("r")), 0
        for cell in row:
            letters, number = re.fullmatch("([A-Z]{1,3})([0-9]+)", cell.get("r")).groups()
            column = 0
            for letter in letters:
                column = column * 26 + ord(letter) - 64
            assert int(number) == last_row and column > last_column
            last_column = column
            assert int(cell.get("s", 0)) < style_count
            if cell.get("t", "n") == "n":
                assert math.isfinite(float(cell[0].text))
    assert last_row <= 1048576


def check_table(table):
    columns = next(table.iter(MAIN + "tableColumns"))
    names = [e.get("name") for e in columns]
    assert int(columns.get("count")) == len(names) == len({n.lower() for n in names})


def rows_of(path, sheet=None):
    book = openpyxl.load_workbook(path, read_only=False)
    return [list(row) for row in book[sheet or book.sheetnames[0]].iter_rows(values_only=True)]


def unmarked(text):
    """openpyxl leaves Excel's marks for characters that XML has not."""
    if not isinstance(text, str):
        return text
    return re.sub("_x([0-9A-Fa-f]{4})_", lambda found: chr(int(found.group(1), 16)), text)


MIXED = pa.table(
    {
        "int": pa.array([1, None, -3], pa.int32()),
        "big": pa.array([2**53, 2**53 + 1, None], pa.int64()),
        "float": pa.array([0.1, float("nan"), float("inf")]),
        "single": pa.array([0.1, 2.5, None], pa.float32()),
        "decimal": pa.array([decimal.Decimal("1.50"), None, decimal.Decimal("-12345678901234567.89")], pa.decimal128(20, 2)),
        "bool": pa.array([True, False, None]),
        "text": pa.array(["=1+1", "", None]),
        "date": pa.array([dt.date(2026, 11, 21), dt.date(1900, 1, 1), dt.date(1800, 1, 1)]),
        "stamp": pa.array([dt.datetime(2026, 11, 21, 2, 43, 6), None, dt.datetime(1999, 12, 31, 23, 59, 59, 999000)], pa.timestamp("us")),
        "zoned": pa.array([0, 1, None], pa.timestamp("s", "Europe/Oslo")),
        "time": pa.array([dt.time(12, 0), dt.time(23, 59, 59), None], pa.time32("s")),
        "span": pa.array([dt.timedelta(days=1, hours=12), None, None], pa.duration("s")),
        "bytes": pa.array([b"\x00\xff", b"", None]),
        "list": pa.array([[1, 2], [], None], pa.list_(pa.int8())),
        "struct": pa.array([{"a": 1, "b": "x"}, None, {"a": None, "b": '"'}], pa.struct([("a", pa.int8()), ("b", pa.string())])),
        "category": pa.array(["a", "b", "a"]).dictionary_encode(),
        "nothing": pa.nulls(3),
    }
)


def test_every_type(tmp_path):
    got = rows_of(write(MIXED, tmp_path))
    assert got[0] == MIXED.column_names
    columns = {name: [row[i] for row in got[1:]] for i, name in enumerate(got[0])}
    assert columns["int"] == [1, None, -3]
    assert columns["big"] == [2**53, str(2**53 + 1), None]
    assert columns["float"] == [0.1, None, "inf"]
    assert columns["single"] == [0.1, 2.5, None]
    assert columns["decimal"] == [1.5, None, "-12345678901234567.89"]
    assert columns["bool"] == [True, False, None]
    assert columns["text"][0] == "=1+1" and columns["text"][1] in ("", None) and columns["text"][2] is None
    assert columns["date"] == [dt.datetime(2026, 11, 21), dt.datetime(1900, 1, 1), "1800-01-01"]
    assert columns["stamp"] == [dt.datetime(2026, 11, 21, 2, 43, 6), None, dt.datetime(1999, 12, 31, 23, 59, 59, 999000)]
    assert columns["zoned"] == [dt.datetime(1970, 1, 1), dt.datetime(1970, 1, 1, 0, 0, 1), None]
    assert columns["time"] == [dt.time(12, 0), dt.time(23, 59, 59), None]
    assert columns["span"] == [dt.timedelta(days=1, hours=12), None, None]
    assert columns["bytes"][0] == "00ff"
    assert columns["list"] == ["[1,2]", "[]", None]
    assert [v and json.loads(v) for v in columns["struct"]] == [{"a": 1, "b": "x"}, None, {"a": None, "b": '"'}]
    assert columns["category"] == ["a", "b", "a"]
    assert columns["nothing"] == [None] * 3


def test_text_is_never_a_formula(tmp_path):
    texts = ["=1+1", "+1", "-1", "@x", "http://example.com", "1.50", "TRUE", "#N/A", "1E5", "'x", "2026-01-01"]
    book = write(pa.table({"t": texts}), tmp_path)
    sheet = openpyxl.load_workbook(book)["data"]
    for text, row in zip(texts, sheet.iter_rows(min_row=2)):
        assert row[0].value == text and row[0].data_type in ("s", "inlineStr") and row[0].hyperlink is None


ALPHABET = ["a", "Z", "0", " ", "  ", "\t", "\n", "\r", "\r\n", "<", ">", "&", '"', "'", "_", "_x0041_", "_x", "é", "日本", "😀", "\u200f", "שלום", "\x01", "\x1f", "\ufffe", "\uffff", "]]>", "<!--", "&amp;", "\u2028", "\x7f", "\x85"]


@pytest.mark.parametrize("seed", range(8))
def test_any_text(tmp_path, seed):
    chosen = random.Random(seed)
    texts = ["".join(chosen.choices(ALPHABET, k=chosen.randrange(12))) for _ in range(300)]
    names = ["".join(chosen.choices(ALPHABET, k=5)) + str(i) for i in range(3)]
    table = pa.table({name: chosen.sample(texts, len(texts)) for name in names})
    got = rows_of(write(table, tmp_path, "--excel-table", "T" if seed % 2 else "_t"))
    assert [unmarked(v) for v in got[0]] == names
    for row, want in zip(got[1:], zip(*table.to_pydict().values()), strict=True):
        assert [unmarked(v) or "" for v in row] == list(want)


@pytest.mark.parametrize("seed", range(6))
def test_generated_tables_in_three_readers(tmp_path, seed):
    chosen = random.Random(seed)
    rows = chosen.choice([0, 1, 2, 500, 3000])
    maybe = lambda make: [None if chosen.random() < 0.2 else make() for _ in range(rows)]  # noqa: E731
    epoch = dt.datetime(1900, 3, 1)
    table = pa.table(
        {
            "i": pa.array(maybe(lambda: chosen.randrange(-(2**53), 2**53)), pa.int64()),
            "x": pa.array(maybe(lambda: chosen.choice([chosen.random(), 1e300 * chosen.random(), 5e-324, -0.0, 1e22])), pa.float64()),
            "t": pa.array(maybe(lambda: "".join(chosen.choices("ab<&é日😀 ", k=4)).strip() or "-"), pa.string()),
            "d": pa.array(maybe(lambda: epoch + dt.timedelta(days=chosen.randrange(2000000), seconds=chosen.randrange(86400))), pa.timestamp("us")),
            "b": pa.array(maybe(lambda: chosen.random() < 0.5), pa.bool_()),
        }
    )
    book = write(table, tmp_path, "--auto-filter", "--threads", str(1 + seed % 3))
    want = [list(row.values()) for row in table.to_pylist()]
    assert rows_of(book)[1:] == want
    sheet = python_calamine.CalamineWorkbook.from_path(book).get_sheet_by_name("data")
    for got, row in zip(sheet.to_python()[1:], want, strict=True):
        for value, wanted in zip(got, row, strict=True):
            if isinstance(wanted, dt.datetime):
                wanted = wanted if wanted.time() != dt.time() else (wanted, wanted.date())
                assert value in wanted if isinstance(wanted, tuple) else abs(value - wanted) < dt.timedelta(milliseconds=1)
            else:
                assert value == ("" if wanted is None else wanted)
    frame = pd.read_excel(book, engine="calamine")
    assert list(frame.columns) == table.column_names and len(frame) == rows


def test_sheets_names_and_options(tmp_path):
    save(pa.table({"a": [1, 2]}), tmp_path / "a.arrow")
    save(pa.table({"b": ["x"], "when": [dt.date(2026, 1, 2)]}), tmp_path / "b.arrow")
    book = tmp_path / "two.xlsx"
    put(f"--sheet=Größe & it's={tmp_path / 'a.arrow'}", "--sheet", f"b={tmp_path / 'b.arrow'}", "--auto-filter", "--plain-header", "--no-freeze", book)
    check_package(book)
    read = openpyxl.load_workbook(book)
    assert read.sheetnames == ["Größe & it's", "b"]
    assert read["b"].auto_filter.ref == "A1:B2" and read["b"].freeze_panes is None and not read["b"]["A1"].font.b
    assert read["b"]["B2"].number_format == "yyyy-mm-dd" and read["b"]["B2"].is_date
    put(tmp_path / "b.arrow", book, "--number-format", "when=dd.mm.yyyy", "--column-width", "b=33", "--sheet-name", "Q1")
    read = openpyxl.load_workbook(book)
    assert read.sheetnames == ["Q1"] and read["Q1"].freeze_panes == "A2" and read["Q1"]["A1"].font.b
    assert read["Q1"]["B2"].number_format == "dd.mm.yyyy" and read["Q1"].column_dimensions["A"].width == 33


def test_formats_of_kinds(tmp_path):
    table = pa.table(
        {
            "i": [1], "u": pa.array([1], pa.uint8()), "f": [0.5], "own": [0.5], "m": pa.array([1], pa.decimal128(5, 2)),
            "d": [dt.date(2026, 1, 2)], "t": [dt.datetime(2026, 1, 2)], "c": [dt.time(1)], "l": [dt.timedelta(hours=30)], "s": ["x"],
        }
    )  # fmt: skip
    save(table, tmp_path / "a.arrow")
    book = tmp_path / "a.xlsx"
    kinds = ["integer=#,##0", "float=0.00", "decimal=0.0", "date=dd.mm.yyyy", "timestamp=dd.mm. hh:mm", "time=hh:mm", "duration=[m]"]
    put(tmp_path / "a.arrow", book, *[word for kind in kinds for word in ("--type-format", kind)], "--number-format", "own=0%")
    check_package(book)
    sheet = openpyxl.load_workbook(book).active
    found = [cell.number_format for cell in sheet[2]]
    assert found == ["#,##0", "#,##0", "0.00", "0%", "0.0", "dd.mm.yyyy", "dd.mm. hh:mm", "hh:mm", "[m]", "General"]


def test_tables_of_excel(tmp_path):
    save(pa.table({"a": [1, 2], "b": ["x", None]}), tmp_path / "a.arrow")
    book = tmp_path / "t.xlsx"
    put("--sheet", f"one={tmp_path / 'a.arrow'}", f"two={tmp_path / 'a.arrow'}", "--excel-table", "Sales", book)
    check_package(book)
    read = openpyxl.load_workbook(book)
    assert {table.name: table.ref for sheet in read for table in sheet.tables.values()} == {"Sales": "A1:B3", "Sales_2": "A1:B3"}


@pytest.mark.parametrize(
    "table, words, status, message",
    [
        (pa.table({"a": ["x" * 32768]}), [], 3, "column a, row 0 (cell A2): a text of 32768 characters"),
        (pa.table({"a": [1]}), ["--sheet-name", "a/b"], 2, "which are not allowed"),
        (pa.table({"a": [1]}), ["--number-format", "x=0"], 2, "no column x"),
        (pa.table({"a": [1]}), ["--type-format", "text=0"], 2, "a kind is integer, float"),
        (pa.table({"a": [float("nan")]}), ["--nonfinite", "refuse"], 3, "column a, row 0 (cell A2): nan"),
        (pa.table({"a": [[1]]}), ["--nested", "refuse"], 3, "column a: it is nested"),
        (pa.table({f"c{i}": [1] for i in range(16385)}), [], 3, "16385 columns"),
        (pa.table({"a": pa.nulls(1048576, pa.int8())}), [], 3, "has 1048576 rows, and a sheet holds 1048575 below its header"),
    ],
    ids=["long", "name", "format", "kind", "nan", "nested", "columns", "rows"],
)
def test_what_is_refused_leaves_what_was(tmp_path, table, words, status, message):
    source, book = tmp_path / "t.arrow", tmp_path / "t.xlsx"
    save(table, source)
    book.write_bytes(b"what was")
    assert message in put(source, book, *words, status=status)
    assert book.read_bytes() == b"what was"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["t.arrow", "t.xlsx"]


def test_more_rows_than_a_sheet_holds(tmp_path):
    table = pa.table({"a": pa.array(range(1048580), pa.int32())})
    save(table, tmp_path / "t.arrow")
    put(tmp_path / "t.arrow", tmp_path / "t.xlsx", "--split-sheets", "--sheet-name", "n")
    book = python_calamine.CalamineWorkbook.from_path(tmp_path / "t.xlsx")
    assert book.sheet_names == ["n", "n (2)"]
    assert book.get_sheet_by_name("n (2)").to_python() == [["a"]] + [[float(i)] for i in range(1048575, 1048580)]
    assert book.get_sheet_by_name("n").to_python(nrows=2) == [["a"], [0.0]]


@pytest.mark.skipif(not shutil.which("soffice"), reason="LibreOffice is not here; ./dev test long installs it")
def test_libreoffice_opens_it(tmp_path):
    book = write(MIXED, tmp_path, "--auto-filter")
    subprocess.run(
        ["soffice", f"-env:UserInstallation=file://{tmp_path}/profile", "--headless", "--convert-to", "csv", "--outdir", tmp_path / "out", book],
        check=True, capture_output=True, timeout=300,
    )
    text = (tmp_path / "out" / "t.csv").read_text()
    lines = text.splitlines()
    assert lines[0] == ",".join(MIXED.column_names) and len(lines) == 4
    assert lines[1].startswith("1,9.00719925474099E+015,0.1,0.1,1.5,TRUE,=1+1,2026-11-21,2026-11-21 02:43:06,1970-01-01 00:00:00,12:00:00 PM,36:00:00,00ff,"), lines[1]
