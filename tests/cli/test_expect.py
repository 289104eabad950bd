"""lamella put --expect: what is not as expected is not published."""

import json

import pytest

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")


@pytest.fixture
def tables(tmp_path):
    """old.arrow of 100 rows stands as out.parquet; new.arrow has 80, one of them without an id."""
    for name, count in (("old", 100), ("new", 80)):
        table = pa.table(
            {
                "id": pa.array([None if (name, i) == ("new", 17) else i for i in range(count)], pa.int64()),
                "unit price": [i - 2.0 for i in range(count)],
                "rows": [i % 5 for i in range(count)],
            }
        )
        with pa.ipc.new_file(str(tmp_path / f"{name}.arrow"), table.schema) as writer:
            writer.write_table(table, max_chunksize=7)
    return tmp_path


def _expect(*texts):
    return [word for text in texts for word in ("--expect", text)]


def test_as_expected(run, tables):
    first = ["rows >= 0.9*previous", "previous = 0", "id not null", "rows*2 = 200", "bytes < 1e6", "bytes > rows"]
    assert run("put", "old.arrow", "out.parquet", *_expect(*first)).returncode == 0
    second = [
        "rows >= 0.8 * previous", "100==previous", "nulls(id) = 1", "nulls(id)<=0.02*rows", 'nulls("unit price") = 0',
        "id is null or id >= 0", '"rows" between 0 and 4', "rows != 100", "id IS NOT NULL or true", "rows  NOT  NULL",
    ]  # fmt: skip
    done = run("put", "new.arrow", "out.parquet", *_expect(*second))
    assert done.returncode == 0, done.stderr
    assert pq.read_metadata(tables / "out.parquet").num_rows == 80


def test_all_that_fail_are_told_and_nothing_changes(run, tables):
    assert run("put", "old.arrow", "out.parquet").returncode == 0
    before, names = (tables / "out.parquet").read_bytes(), sorted(p.name for p in tables.iterdir())
    words = _expect("rows >= 0.9*previous", "id not null", "rows > 0", '"unit price" >= 0', "nulls(id) <= 0.01*rows")
    done = run("put", "new.arrow", "out.parquet", *words, "--manifest", "--keep", "1")
    assert done.returncode == 3
    assert done.stderr.decode() == (
        "lamella: out.parquet: not as expected: rows >= 0.9*previous: the sides are 80 and 90; "
        "id not null: not true of 1 of 80 rows, first of row 17; "
        '"unit price" >= 0: not true of 2 of 80 rows, first of row 0; '
        "nulls(id) <= 0.01*rows: the sides are 1 and 0.8\n"
    )
    assert (tables / "out.parquet").read_bytes() == before
    assert sorted(p.name for p in tables.iterdir()) == names
    done = run("put", "new.arrow", "other.parquet", "--json", *_expect("rows > 80"))
    assert done.returncode == 3 and json.loads(done.stdout)["exit"] == 3
    assert not (tables / "other.parquet").exists()


@pytest.mark.parametrize(
    "text, status, told",
    [
        ("nowhere not null", 3, "there is no column nowhere; the columns are: id, unit price, rows"),
        ("nulls(nowhere) = 0", 3, "there is no column nowhere"),
        ("rows >> 3", 2, "expectation 'rows >> 3'"),
        ("rows > 3 and previous > 3", 3, "no column previous"),
        ("", 2, "expectation ''"),
    ],
)
def test_what_cannot_be_expected_is_told_first(run, tables, text, status, told):
    done = run("put", "new.arrow", "made/out.parquet", *_expect("rows > 0", text))
    assert done.returncode == status and told in done.stderr.decode(), done.stderr
    assert not (tables / "made").exists()


def test_previous_of_every_format(run, tables):
    for name in ("out.parquet", "out.arrow", "out.arrows"):
        assert run("put", "old.arrow", name).returncode == 0
        done = run("put", "new.arrow", name, *_expect("previous = 100"))
        assert done.returncode == 0, done.stderr
    # A file of text is known by its record, as long as it is the one that was recorded.
    assert run("put", "old.arrow", "out.csv", "--manifest").returncode == 0
    assert run("put", "new.arrow", "out.csv", "--manifest", *_expect("previous = 100")).returncode == 0
    (tables / "out.csv").write_text("id\n1\n")
    done = run("put", "new.arrow", "out.csv", *_expect("previous >= 0"))
    if done.returncode:
        assert b"previous: the rows of the file that stands are not known" in done.stderr
    else:
        assert run("put", "new.arrow", "out.csv", *_expect("previous = 80")).returncode == 0


def test_an_empty_table(run, tables):
    schema = pa.schema([("id", pa.int64())])
    with pa.ipc.new_file(str(tables / "none.arrow"), schema):
        pass
    assert run("put", "none.arrow", "out.parquet", *_expect("id not null", "id > 5", "rows = 0")).returncode == 0
    assert run("put", "none.arrow", "out.parquet", *_expect("rows > 0")).returncode == 3


def test_workbooks_have_none(run, tables):
    done = run("put", "new.arrow", "out.xlsx", *_expect("rows > 0"))
    assert done.returncode == 2 and b"expectations are not for workbooks" in done.stderr
