"""Merged Parquet files of every writer: the rows of all of them one after another, for every reader; what the file tells
of itself is true, and filters leave out as much as they did in the parts.

LAMELLA_MERGE_TABLES says how many generated tables there are.
"""

import io
import json
import os
import pathlib
import random
import subprocess

import duckdb
import lamella_c as lamella
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from parquet_tables import NESTED, TYPES, column
from test_parquet_files import DAMAGED, ENCRYPTED, FILES, READABLE, cases

ROOT = pathlib.Path(__file__).resolve().parents[2]
COMMAND = pathlib.Path(os.environ.get("LAMELLA_COMMAND") or ROOT / "build" / "lamella")
TABLES = int(os.environ.get("LAMELLA_MERGE_TABLES", 40))

ROWS = 900


def plain(first, rows):
    at = range(first, first + rows)
    return pa.table(
        {
            "id": pa.array(at, pa.int64()),
            "name": pa.array([None if i % 7 == 0 else f"name-{i:05d}" for i in at]),
            "share": pa.array([i / 8 for i in at]),
            "kind": pa.array(["abc"[i % 3] for i in at]),
            "flag": pa.array([None if i % 11 == 0 else i % 2 == 0 for i in at]),
        }
    )


def nested(table):
    """With columns that not all writers can write."""
    at = table["id"].to_pylist()
    table = table.append_column("tags", pa.array([None if i % 5 == 0 else list(range(i % 4)) for i in at], pa.list_(pa.int64())))
    pairs = pa.struct([("x", pa.int32()), ("y", pa.string())])
    return table.append_column("pair", pa.array([None if i % 6 == 0 else {"x": i, "y": None if i % 4 else "y"} for i in at], pairs))


def by_pyarrow(table, **settings):
    out = io.BytesIO()
    pq.write_table(table, out, row_group_size=250, **settings)
    return out.getvalue()


def by_polars(table):
    out = io.BytesIO()
    pl.from_arrow(table).write_parquet(out, row_group_size=250, data_page_size=2000, compression="zstd")
    return out.getvalue()


def by_duckdb(table, path):
    with duckdb.connect() as connection:
        connection.register("rows", table)
        connection.execute(f"COPY rows TO '{path}' (FORMAT parquet, ROW_GROUP_SIZE 2048)")
    return path.read_bytes()


def by_fastparquet(table, path):
    table.drop_columns(["flag"]).to_pandas().to_parquet(path, engine="fastparquet", index=False, row_group_offsets=250)
    return path.read_bytes()


def by_us(table, **settings):
    bloom = {"id": {"bloom": 1}, "name": {"bloom": 1}}
    return lamella.parquet_bytes(
        table, lamella.options(columns=bloom, row_group_rows_max=250, page_rows_max=50, **settings)
    )


WRITERS = {
    "pyarrow_v1": lambda table, path: by_pyarrow(nested(table)),
    "pyarrow_v2": lambda table, path: by_pyarrow(nested(table), data_page_version="2.0", compression="zstd"),
    "pyarrow_index": lambda table, path: by_pyarrow(
        nested(table),
        write_page_index=True,
        data_page_size=500,
        write_page_checksum=True,
        bloom_filter_options={"id": True, "name": True},
        use_dictionary=["kind"],
    ),
    "polars": lambda table, path: by_polars(nested(table)),
    "duckdb": lambda table, path: by_duckdb(nested(table), path),
    "fastparquet": by_fastparquet,
    "ours_v1": lambda table, path: by_us(nested(table)),
    "ours_v2": lambda table, path: by_us(nested(table), data_page_version=2, codec="lz4_raw"),
}


def read_by_pyarrow(path):
    return pq.read_table(path).to_pylist()


def read_by_polars(path):
    return pl.read_parquet(path).to_dicts()


def read_by_duckdb(path):
    return duckdb.sql(f"SELECT * FROM read_parquet('{path}')").to_arrow_table().to_pylist()


def read_by_us(path):
    return lamella.read_parquet(path).to_pylist()


READERS = [read_by_pyarrow, read_by_polars, read_by_duckdb, read_by_us]


def verify(path):
    """The kinds of problems that `lamella verify` tells of."""
    done = subprocess.run([COMMAND, "verify", "--json", path], capture_output=True, timeout=120, check=False)
    return {problem["kind"] for problem in json.loads(done.stdout)["results"][0].get("problems", [])}


def canonical(path):
    done = subprocess.run(
        [COMMAND, "cat", "--format", "canonical", path], capture_output=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def write_parts(writer, tmp_path, first=0, parts=3):
    made = []
    for i in range(parts):
        path = tmp_path / f"part{i}.parquet"
        path.write_bytes(WRITERS[writer](plain(first + i * ROWS, ROWS), path))
        made.append(path)
    return made


def merged(parts, tmp_path, **settings):
    data, summary = lamella.merge_parquet([part.read_bytes() for part in parts], **settings)
    path = tmp_path / "merged.parquet"
    path.write_bytes(data)
    return path, summary


@pytest.mark.parametrize("writer", WRITERS)
def test_readers_see_the_parts_one_after_another(writer, tmp_path):
    parts = write_parts(writer, tmp_path)
    path, summary = merged(parts, tmp_path)
    assert summary.created_by_kept and summary.row_groups_rewritten == 0
    for read in READERS:
        assert read(path) == [row for part in parts for row in read(part)], read.__name__
    assert verify(path) <= verify(parts[0])
    assert canonical(path) == b"".join(map(canonical, parts))


@pytest.mark.parametrize("settings", [{"rewrite": True}, {"small_rows": 10**6}, {"small_rows": 240}], ids=str)
@pytest.mark.parametrize("writer", WRITERS)
def test_row_groups_are_written_anew(writer, settings, tmp_path):
    parts = write_parts(writer, tmp_path)
    path, summary = merged(parts, tmp_path, **settings)
    for read in READERS:
        assert read(path) == [row for part in parts for row in read(part)], read.__name__
    if settings.get("small_rows") != 240:
        assert pq.ParquetFile(path).num_row_groups == 1 and verify(path) == set()


@pytest.mark.parametrize("left", WRITERS)
def test_files_of_two_writers_go_together(left, tmp_path):
    """Where they agree on the schema: what they write besides is theirs."""
    one = tmp_path / "one.parquet"
    two = tmp_path / "two.parquet"
    table = plain(0, ROWS).select(["id", "name", "share", "kind"])
    one.write_bytes(by_us(table))
    two.write_bytes(WRITERS[left](plain(ROWS, ROWS), tmp_path / "other.parquet"))
    try:
        path, summary = merged([one, two], tmp_path)
    except lamella.LamellaError as refused:  # DuckDB and fastparquet have their own ways of being required
        assert refused.status == "LM_SCHEMA" and "--rewrite" in str(refused)
        path, summary = merged([one, two], tmp_path, rewrite=True)
    wanted = [
        *({**{name: None for name in pq.read_schema(two).names}, **row} for row in pq.read_table(one).to_pylist()),
        *pq.read_table(two).to_pylist(),
    ]
    for read in READERS:
        assert read(path) == wanted, read.__name__
    assert verify(path) <= verify(two)


@pytest.mark.parametrize("writer", ["pyarrow_index", "ours_v1", "ours_v2", "polars", "duckdb"])
@pytest.mark.parametrize("where", ["id = 1203", "id < 40", "name = 'name-02600'", "share > 330", "kind = 'zz'", "id = -5"])
def test_filters_leave_out_as_much_as_in_the_parts(writer, where, tmp_path):
    parts = write_parts(writer, tmp_path)
    path, _ = merged(parts, tmp_path)
    counts, whole = [lamella.ReadCounts() for _ in parts], lamella.ReadCounts()
    rows = [lamella.read_parquet(part, where=where, counts=count) for part, count in zip(parts, counts)]
    assert lamella.read_parquet(path, where=where, counts=whole).equals(pa.concat_tables(rows))
    for name, _ in lamella.ReadCounts._fields_:
        assert getattr(whole, name) == sum(getattr(count, name) for count in counts), name


def test_missing_columns_are_null_for_every_reader(tmp_path):
    table = nested(plain(0, ROWS))
    short = table.drop_columns(["name", "tags"]).set_column(
        5 - 1, "pair", pa.array([pair and {"y": pair["y"]} for pair in table["pair"].to_pylist()], pa.struct([("y", pa.string())]))
    )
    parts = [tmp_path / "long.parquet", tmp_path / "short.parquet"]
    for part, data in zip(parts, [table, short]):
        part.write_bytes(by_pyarrow(data, write_page_index=True))
    wanted = table.to_pylist() + [
        {**row, "name": None, "tags": None, "pair": row["pair"] and {"x": None, **row["pair"]}} for row in short.to_pylist()
    ]
    path, summary = merged(parts, tmp_path)
    assert summary.files_widened == 1 and not summary.arrow_schema_kept
    for read in READERS:
        assert read(path) == wanted, read.__name__
    assert verify(path) == set()
    with duckdb.connect() as connection:
        nulls = connection.execute(f"SELECT count(*) FROM '{path}' WHERE name IS NULL").fetchone()[0]
    assert nulls == sum(row["name"] is None for row in wanted)


@pytest.mark.parametrize("turn", [1, -1])
def test_columns_of_nulls_alone_go_with_any_type(turn, tmp_path):
    """What pandas and pyarrow write of a column that has no value yet."""
    pairs, untold = pa.struct([("x", pa.int64())]), pa.struct([("x", pa.null())])
    one = pa.table(
        {
            "a": pa.array([1, None, 3], pa.int64()),
            "d": pa.array(["u", None, "v"]).dictionary_encode(),
            "s": pa.array([{"x": 1}, None, {"x": None}], pairs),
            "l": pa.array([[1, None], [], None], pa.list_(pa.int64())),
        }
    )
    two = pa.table(
        {
            "a": pa.nulls(4),
            "d": pa.nulls(4),
            "s": pa.array([None, {"x": None}, None, {"x": None}], untold),
            "l": pa.array([[None], None, [], [None, None]], pa.list_(pa.null())),
        }
    )
    parts = [tmp_path / "0.parquet", tmp_path / "1.parquet"]
    tables = [one, two][::turn]
    for part, table in zip(parts, tables):
        pq.write_table(table, part, write_page_index=True)
    path, _ = merged(parts, tmp_path)
    wanted = [row for table in tables for row in table.to_pylist()]
    for read in READERS:
        assert read(path) == wanted, read.__name__
    assert verify(path) == set()
    flat = [tmp_path / "2.parquet", tmp_path / "3.parquet"]
    for part, table in zip(flat, tables):
        pq.write_table(table.select(["a", "d"]), part)
    path, summary = merged(flat, tmp_path)
    assert summary.arrow_schema_kept and pa.types.is_dictionary(pq.read_schema(path).field("d").type)


def test_arrow_types_and_pandas_indexes_come_back(tmp_path):
    frame = pd.DataFrame(
        {"c": pd.Categorical(["a", "b", "a"]), "t": pd.to_datetime(["2024-01-01", "2024-05-05", None]).tz_localize("Europe/Oslo")},
        index=pd.Index([3, 1, 2], name="key"),
    )
    parts = []
    for i in range(2):
        parts.append(tmp_path / f"{i}.parquet")
        frame.to_parquet(parts[-1])
    path, summary = merged(parts, tmp_path)
    assert summary.pairs_dropped == 0 and summary.arrow_schema_kept
    pd.testing.assert_frame_equal(pd.read_parquet(path), pd.concat([frame, frame]))
    # Of columns that some files lack, too: put together of what each says.
    frame.drop(columns="t").to_parquet(parts[1])
    path, summary = merged(parts, tmp_path)
    assert summary.arrow_schema_kept and summary.files_widened == 1
    table = pq.read_table(path)
    assert pa.types.is_dictionary(table["c"].type) and table["t"].type.tz == "Europe/Oslo" and table["t"].null_count == 4
    # A range that differs goes, and a plain one comes.
    for part, rows in zip(parts, [3, 5]):
        pd.DataFrame({"a": range(rows)}).to_parquet(part)
    path, summary = merged(parts, tmp_path)
    assert summary.pairs_dropped == 1
    pd.testing.assert_frame_equal(pd.read_parquet(path), pd.DataFrame({"a": [0, 1, 2, 0, 1, 2, 3, 4]}))
    path, _ = merged(parts, tmp_path, pairs=1)
    pd.testing.assert_frame_equal(pd.read_parquet(path), pd.DataFrame({"a": [0, 1, 2, 0, 1, 2, 3, 4]}))


# Carried over with themselves, they are refused: their bloom filters lead nowhere.
REFUSED = {"duckdb/bloom_filter_bad_length_range.parquet", "duckdb/bloom_filter_bad_numbytes.parquet"}


@pytest.mark.parametrize("entry", cases(READABLE))
def test_a_file_merged_with_itself_has_its_rows_twice(entry, tmp_path):
    original = FILES / entry["cls"] / entry["name"]
    if entry["name"] in REFUSED:
        with pytest.raises(lamella.LamellaError, match="bloom filter"):
            merged([original, original], tmp_path)
        return
    path, _ = merged([original, original], tmp_path)
    assert canonical(path) == 2 * canonical(original)
    assert verify(path) <= verify(original)


@pytest.mark.parametrize("entry", cases(READABLE))
def test_a_file_written_anew_has_its_rows_or_is_refused(entry, tmp_path):
    original = FILES / entry["cls"] / entry["name"]
    try:
        path, _ = merged([original, original], tmp_path, rewrite=True)
    except lamella.LamellaError as refused:
        assert refused.status in ("LM_UNSUPPORTED", "LM_DATA")
        assert refused.status == "LM_DATA" or "without --rewrite" in str(refused)
        return
    assert canonical(path) == 2 * canonical(original)
    assert verify(path) == set()


@pytest.mark.parametrize("settings", [{}, {"rewrite": True}, {"small_rows": 10**9}], ids=str)
@pytest.mark.parametrize("entry", cases(DAMAGED + ENCRYPTED))
def test_damaged_and_encrypted_files_do_no_harm(entry, settings, tmp_path):
    original = FILES / entry["cls"] / entry["name"]
    try:
        path, _ = merged([original, original], tmp_path, **settings)
    except lamella.LamellaError as refused:
        if entry in ENCRYPTED:
            assert refused.status == "LM_UNSUPPORTED" and "encrypted" in str(refused)
        return
    assert entry not in ENCRYPTED
    verify(path)


def _generated(seed):
    """A table, and how its rows are cut, written and put together."""
    rng = random.Random(f"merge{seed}")
    rows = rng.choice([0, 1, 50, 300])
    names = rng.sample([*TYPES, *NESTED], rng.randint(1, 5))
    table = pa.table({name: column(name, rows, rng.choice(["none", "some", "all"]), seed) for name in names})
    cuts = sorted(rng.randint(0, rows) for _ in range(rng.randint(0, 5)))
    parts = [table.slice(a, b - a) for a, b in zip([0, *cuts], [*cuts, rows])]
    settings = rng.choice([{}, {"alignment": 512}, {"rewrite": True}, {"small_rows": rng.choice([2, 20, 1000])}])
    return rng, parts, settings


def _written(rng, table):
    if rng.random() < 0.5:
        made = lamella.options(
            row_group_rows_max=rng.choice([7, 100]),
            page_rows_max=rng.choice([3, 50]),
            data_page_version=rng.choice([1, 2]),
            page_index=rng.random() < 0.8,
            statistics=rng.random() < 0.8,
            dictionary=rng.random() < 0.5,
            codec=rng.choice(["none", "snappy", "zstd"]),
        )
        return lamella.parquet_bytes(table, made)
    out = io.BytesIO()
    decoded = [name for name in table.schema.names if pa.types.is_dictionary(table[name].type)]
    for name in decoded:  # as we read them back: pyarrow forgets the width of indices
        table = table.set_column(table.schema.names.index(name), name, table[name].combine_chunks().cast(table[name].type))
    pq.write_table(
        table, out, row_group_size=rng.choice([7, 100]), write_page_index=rng.random() < 0.5, data_page_version=rng.choice(["1.0", "2.0"])
    )
    return out.getvalue()


@pytest.mark.parametrize("seed", range(TABLES))
def test_generated_tables_cut_and_merged_are_whole(seed, tmp_path):
    rng, tables, settings = _generated(seed)
    files, writer = [], random.Random(f"writer{seed}")
    same = writer.random() < 0.7  # one writer for all, so that they agree
    for i, table in enumerate(tables):
        files.append(_written(random.Random(f"{seed}{0 if same else i}"), table))
    lacking = None
    if len(files) > 1 and tables[0].num_columns > 1 and rng.random() < 0.5:  # one part lacks a column
        at = rng.randrange(len(files))
        lacking = (at, rng.choice(tables[0].schema.names))
        tables[at] = tables[at].drop_columns([lacking[1]])
        files[at] = _written(random.Random(f"{seed}{0 if same else at}"), tables[at])
    parts = []
    for i, data in enumerate(files):
        parts.append(tmp_path / f"{i}.parquet")
        parts[-1].write_bytes(data)
    try:
        path, _ = merged(parts, tmp_path, **settings)
    except lamella.LamellaError as refused:
        # Two writers may keep one type in two ways; and what is written anew may not be what is carried.
        assert refused.status in ("LM_SCHEMA", "LM_UNSUPPORTED") and "--rewrite" in str(refused)
        assert not same or "small_rows" in settings
        path, _ = merged(parts, tmp_path, rewrite=True)
    assert verify(path) == set()
    got = lamella.read_parquet(path)
    wanted = [lamella.read_parquet(part).to_pylist() for part in parts]
    names = got.schema.names
    flat = [{name: row.get(name) for name in names} for rows in wanted for row in rows]
    assert repr(got.to_pylist()) == repr(flat)
    assert repr(pq.read_table(path).to_pylist()) == repr(flat)
