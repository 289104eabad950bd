"""Tables whose rows Delta Lake in Spark deleted by deletion vectors: read and verified by us as Spark reads them."""

import json
import re

import pytest

lamella = pytest.importorskip("lamella", reason="the wheel is not installed here: ./dev test spark does it")
pa = pytest.importorskip("pyarrow")
from delta_rows import entries, equal, read_by_spark, read_by_us, same  # noqa: E402
from lamella import tables  # noqa: E402

pytestmark = pytest.mark.timeout(1800)
MADE = (
    "create table {t} (id bigint, part int, text string) using delta partitioned by (%s) "
    "tblproperties ('delta.enableDeletionVectors' = 'true', 'delta.checkpointInterval' = '2')"
)
COUNT = 200_000
ROWS = f"insert into {{t}} select /*+ coalesce(1) */ id, int(id % 2), if(id % 7 = 0, null, concat('t', id)) from range({COUNT})"
DELETED = {
    "one row": ["id = 3"],
    "few rows": ["id in (0, 1, 65535, 65536, 65537, 131071, 199999)"],
    "every other": ["id % 3 > 0"],
    "long runs": ["id between 1000 and 90000", "id > 150000"],
    "all of a container": ["id between 65536 and 131071"],
    "again and again": ["id % 3 = 0", "id % 5 = 0", "id < 100", "text is null"],
}


def make(sql, by="", *more):
    made = MADE % by if by else MADE.replace("partitioned by (%s) ", "")
    sql(made, ROWS, *more)


def vectors(place):
    """Those that the entries tell of."""
    texts = [(place / "_delta_log" / f"{number:020}.json").read_text() for number in entries(place)[0]]
    adds = [action["add"] for text in texts for action in map(json.loads, text.splitlines()) if "add" in action]
    return [add["deletionVector"] for add in adds if add.get("deletionVector")]


def ids(path, **how):
    return sorted(pa.table(tables.scan(str(path), columns=["id"], **how).to_table()).column("id").to_pylist())


@pytest.mark.parametrize("by", ["", "part"])
@pytest.mark.parametrize("deleted", DELETED)
def test_deleted_rows_are_left_out(place, sql, deleted, by):
    make(sql, by, *(f"delete from {{t}} where {where}" for where in DELETED[deleted]))
    assert vectors(place)
    left = [row.id for row in sql("select id from {t} order by id")]
    assert tables.scan(str(place)).count_rows() == tables.verify(str(place))["rows"] == len(left) < COUNT
    for threads in (1, 3):
        assert ids(place, threads=threads) == left
    for where in ("id > 131000", "id between 65000 and 66000", "text is null", "part = 1 and id < 70000", "text = 't199998'"):
        wanted = [row.id for row in sql(f"select id from {{t}} where {where} order by id")]
        assert ids(place, where=where) == wanted, where
        assert tables.scan(str(place), where=where).count_rows() == len(wanted), where
    assert ids(place, version=1) == list(range(COUNT))


def test_each_version_of_a_busy_table(delta, place, sql):
    """Updates, merges, parts that come back, purges: each as Spark reads it, from entries and from checkpoints."""
    make(
        sql,
        "part",
        "delete from {t} where id >= 500",
        "update {t} set text = 'new' where id % 10 = 1",
        """merge into {t} using (select id, int(id % 2) as part, 'merged' as text from range(450, 520)) as new on {t}.id = new.id
           when matched and new.id % 3 = 0 then delete when matched then update set * when not matched then insert *""".replace("{t}.id", "target.id").replace(
            "into {t}", "into {t} as target"
        ),
        "insert into {t} values (null, null, null)",
        "restore table {t} to version as of 2",
        "delete from {t} where id < 10",
        "reorg table {t} apply (purge)",
        "delete from {t} where part = 1",
    )
    numbers, checkpoints = entries(place)
    assert len(checkpoints) > 3
    for version in numbers[2:]:
        equal(read_by_us(place, version=version), read_by_spark(delta, place, versionAsOf=version))
    same(delta, place)
    assert [entry["operation"] for entry in tables.history(str(place))][:3] == ["DELETE", "REORG", "DELETE"]


@pytest.mark.parametrize("policy", ["classic", "v2"])
def test_vectors_in_checkpoints(delta, place, sql, policy):
    """They do alone."""
    make(sql)
    sql.set(checkpointPolicy=policy)
    sql("delete from {t} where id >= 300", "delete from {t} where id = 7")
    numbers, checkpoints = entries(place)
    assert checkpoints[-1] == numbers[-1]
    for number in range(checkpoints[-1]):
        (place / "_delta_log" / f"{number:020}.json").unlink()
    equal(read_by_us(place), read_by_spark(delta, place))
    assert tables.verify(str(place))["rows"] == 299


def test_vectors_of_another_place(delta, tmp_path, place, sql):
    """A shallow clone names parts and vectors by their whole paths, and goes on with its own."""
    make(sql, "", "delete from {t} where id >= 300")
    clone = tmp_path / "clone"
    sql(f"create table delta.`{clone}` shallow clone {{t}}", f"delete from delta.`{clone}` where id = 7")
    assert {vector["storageType"] for vector in vectors(clone)} == {"p", "u"}
    equal(read_by_us(clone), read_by_spark(delta, clone))


def test_what_is_damaged_is_told(delta, place, sql):
    make(sql, "", "delete from {t} where id >= 300")
    (file,) = place.glob("deletion_vector_*.bin")
    data = file.read_bytes()
    for at, what in ((len(data) - 1, "CRC"), (4, "length")):
        file.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
        for call in (lambda: read_by_us(place), lambda: tables.verify(str(place))):
            with pytest.raises(lamella.CorruptError, match=f"{file.name}.*deletion vector.*{what}"):
                call()
    file.write_bytes(data[:-1])
    with pytest.raises(lamella.CorruptError, match=re.escape(file.name)):
        read_by_us(place)
    file.unlink()
    with pytest.raises(lamella.Error, match=re.escape(file.name)):
        tables.verify(str(place))
    with pytest.raises(lamella.Error, match=re.escape(file.name)):
        read_by_us(place)
    assert pa.table(tables.scan(str(place), version=1).to_table()).num_rows == COUNT
