"""A table before both: Spark with Delta Lake on one side, lamella.tables on the other."""

import collections
import datetime
import os

import pyarrow as pa
from lamella import tables
from lamella.tables import Column, IoSettings, Registry, TableDescriptor

UTC = datetime.timezone.utc


def plain(value):
    """A value as both have it: pyspark's and pyarrow's own types become Python's."""
    if hasattr(value, "asDict"):
        value = value.asDict()
    if isinstance(value, dict):
        return {key: plain(item) for key, item in sorted(value.items())}
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, bytearray):
        return bytes(value)
    if isinstance(value, datetime.datetime) and value.tzinfo:
        return value.astimezone(UTC).replace(tzinfo=None)
    return value


def ordered(rows):
    return sorted(map(plain, rows), key=repr)


def equal(ours, theirs):
    """As texts, in which NaN equals itself and the zeros differ."""
    ours, theirs = (collections.Counter(map(repr, rows)) for rows in (ours, theirs))
    missing, more = theirs - ours, ours - theirs
    assert not missing
    assert not more


def read_by_spark(spark, path, **options):
    return ordered(row.asDict() for row in spark.read.format("delta").options(**options).load(str(path)).collect())


def read_by_us(path, **how):
    return ordered(pa.table(tables.scan(str(path), **how).to_table()).to_pylist(maps_as_pydicts="strict"))


def same(spark, path, rows=None, count=None):
    """Both read the same, which is `rows`; and what is there is sound. Gives the rows."""
    theirs, ours = read_by_spark(spark, path), read_by_us(path)
    equal(ours, theirs)
    if rows is not None:
        equal(ours, ordered(rows))
    assert count is None or len(ours) == count
    assert tables.verify(str(path))["rows"] == len(ours)
    return ours


class Sql:
    """Statements of Spark's on a table: {t} stands for it."""

    def __init__(self, spark, path):
        self.spark, self.path = spark, str(path)

    def __call__(self, *statements):
        for statement in statements:
            told = self.spark.sql(statement.replace("{t}", f"delta.`{self.path}`")).collect()
        return told

    def set(self, **properties):
        said = ", ".join(f"'delta.{name}' = '{value}'" for name, value in properties.items())
        self(f"alter table {{t}} set tblproperties ({said})")


class Ours:
    """A table of ours, and the directory it lies in."""

    def __init__(self, root, columns, partitioning=(), name="trades", version="1.0@2026-01-01", **more):
        self.name, self.run = name, "run 1"
        self.describe(root, columns, partitioning, version, **more)
        self.path = self.settings.table_path(self.run, name)

    def describe(self, root, columns, partitioning, version="1.0@2026-01-01", **more):
        made = TableDescriptor(self.name, [Column(*column) for column in columns], partitioning, version, **more)
        self.settings = IoSettings(root, 10 if "bucket" in partitioning else None, registry=Registry([made]))

    def append(self, rows, **how):
        return tables.append(self.settings, self.run, self.name, rows, **how)

    def overwrite(self, rows, **how):
        return tables.overwrite(self.settings, self.run, self.name, rows, **how)


def entries(path):
    """The versions whose entries are there, and those that have a checkpoint."""
    names = os.listdir(f"{path}/_delta_log")
    numbers = sorted(int(name[:20]) for name in names if name.endswith(".json") and name[:20].isdigit())
    return numbers, sorted({int(name[:20]) for name in names if ".checkpoint." in name and not name.startswith(".")})
