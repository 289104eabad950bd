"""Every type x encoding x codec x page version x nulls x number of rows, read by every reader."""

import pytest
import readers

import lamella_c as lamella
import pyarrow as pa
from parquet_tables import CODECS, NESTED, NULLS, TYPES, column

PAGE, GROUP = 64, 500
COUNTS = [0, 1, 7, 8, 9, 63, 64, 65, 500, 501, 1000]


def cells():
    """{name of a column: (name of its type, encoding, nulls)}"""
    found = {}
    for name, (kind, _) in {**TYPES, **NESTED}.items():
        encodings = readers.ENCODINGS[readers.physical(kind)]
        if pa.types.is_dictionary(kind):
            # pyarrow reads what was a dictionary by dictionaries, and for these encodings it has none.
            encodings = [e for e in encodings if not e.startswith("DELTA") and e != "BYTE_STREAM_SPLIT"]
        for encoding in encodings:
            for nulls in NULLS:
                found[f"{name}:{encoding}:{nulls}".replace("/", "_")] = (name, encoding, nulls)
    return found


CELLS = cells()


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("codec", CODECS)
def test_grid(codec, version, count, tmp_path):
    table = pa.table({cell: column(name, count, nulls) for cell, (name, _, nulls) in CELLS.items()})
    path = str(tmp_path / "grid.parquet")
    options = lamella.options(
        codec=codec,
        data_page_version=version,
        page_rows_max=PAGE,
        row_group_rows_max=GROUP,
        columns={cell: {"encoding": encoding} for cell, (_, encoding, _) in CELLS.items()},
    )
    with open(path, "wb") as file:
        file.write(lamella.parquet_bytes(table, options))
    wrong = []
    for reader in readers.NAMES:
        kinds = {
            cell: table.schema.field(cell).type
            for cell, (_, encoding, nulls) in CELLS.items()
            if not readers.unsupported(reader, table.schema.field(cell).type, encoding, version, nulls)
        }
        got = readers.read(reader, path, kinds)
        for cell in kinds:
            told = readers.differences(got[cell], readers.wanted(reader, table.column(cell)))
            if told:
                wrong.append(f"{reader} {cell}: {told}")
    assert not wrong, "\n".join(wrong[:20])


@pytest.mark.parametrize("reader", ["duckdb", "polars"])
def test_what_a_reader_does_not_know(reader, tmp_path):
    """What is left out above is left out for a reason that still holds: the reader refuses it, or reads it wrong.

    fastparquet is not asked: it reads some of it by luck."""
    path, known = str(tmp_path / "one.parquet"), []
    for name, encoding in sorted({(name, encoding) for name, encoding, _ in CELLS.values()}):
        kind = {**TYPES, **NESTED}[name][0]
        reason = readers.unsupported(reader, kind, encoding)
        if not reason:
            continue
        table = pa.table({"v": column(name, 300, "some")})
        with open(path, "wb") as file:
            file.write(lamella.parquet_bytes(table, lamella.options(columns={"v": {"encoding": encoding}})))
        try:
            got = readers.read(reader, path, {"v": kind})
            if not readers.differences(got["v"], readers.wanted(reader, table.column("v"))):
                known.append(f"{name} {encoding} ({reason})")
        except Exception:
            pass
    assert not known, f"{reader} reads these by now: " + "; ".join(known)
