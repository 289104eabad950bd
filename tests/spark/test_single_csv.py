"""lamella.spark on this system's files and on a real HDFS, against the parts that Spark writes, joined by Python."""

import gzip
import hashlib
import os
import pathlib
import subprocess
import sys
import uuid

import pytest

lamella = pytest.importorskip("lamella", reason="the wheel is not installed here: ./dev test spark does it")
import lamella.spark as single  # noqa: E402

WAYS = ["files", "webhdfs", "jvm", "url"]


class Place:
    """A directory of a test's own, on one of the stores, and what to say to get there."""

    def __init__(self, way, tmp_path, request):
        self.way = way
        self.words = {} if way in ("files", "url") else {"via": way}
        if way == "files":
            self.url = str(tmp_path / "a b")
            os.mkdir(self.url)
            return
        self.hdfs = request.getfixturevalue("hdfs")
        root = self.hdfs.url if way == "url" else self.hdfs.rpc_url
        self.path = f"/{uuid.uuid4().hex}/a b"
        self.url = root + self.path
        assert self.hdfs.shell("-mkdir", "-p", self.path)[0] == 0

    def read(self, name):
        if self.way == "files":
            return pathlib.Path(self.url, name).read_bytes()
        status, data = self.hdfs.shell("-cat", f"{self.path}/{name}")
        assert status == 0, name
        return data

    def names(self, name=""):
        if self.way == "files":
            return sorted(os.listdir(os.path.join(self.url, name)))
        status, text = self.hdfs.shell("-ls", "-C", f"{self.path}/{name}")
        assert status == 0
        return sorted(line.rsplit("/", 1)[1] for line in text.decode().splitlines())


@pytest.fixture(params=WAYS)
def place(request, tmp_path):
    return Place(request.param, tmp_path, request)


def reference(df, tmp_path, header=True, **options):
    """df.write.csv, its parts joined and all headers but the first left out: a row is no header here."""
    out = tmp_path / uuid.uuid4().hex
    df.write.options(**options, header=False).csv(f"file://{out}")
    rows = b"".join(path.read_bytes() for path in sorted(out.glob("part-*")))
    if not header:
        return rows
    head = tmp_path / uuid.uuid4().hex
    df.limit(0).coalesce(1).write.options(**options, header=True).csv(f"file://{head}")
    return b"".join(path.read_bytes() for path in head.glob("part-*")) + rows


def digest(data):
    return hashlib.sha256(data).hexdigest()


@pytest.fixture
def rows(spark):
    """Seven partitions, two of them empty; quoted line breaks, separators, quotes, nulls and empty texts."""
    return spark.range(0, 3000, 1, 7).where("id < 800 or id > 1800").selectExpr(
        "id as `user id`",
        "case id % 5 when 0 then null when 1 then '' when 2 then concat('a\nb,', id) when 3 then ' \"q\" ' else 'ü' end as `a,\"b\"`",
        "cast(id / 8 as double) as score",
    )


@pytest.mark.parametrize("header", [True, False])
def test_one_file_of_all_parts(rows, place, tmp_path, header):
    want = reference(rows, tmp_path, header)
    result = single.write_single_csv(rows, f"{place.url}/all.csv", header, **place.words)
    assert digest(place.read("all.csv")) == digest(want)
    assert place.names() == ["all.csv"]
    assert (result.bytes, result.replaced, result.state) == (len(want), False, "committed")
    assert result.strategy == ("copy" if place.way == "files" else "concat") and result.client_bytes == 0
    assert result.path == f"{place.url}/all.csv" and not result.warnings


def test_options_of_spark(rows, place, tmp_path):
    options = {"sep": ";", "quoteAll": True, "nullValue": "NULL", "escape": '"'}
    single.write_single_csv(rows, f"{place.url}/all.csv", **options, **place.words)
    assert place.read("all.csv") == reference(rows, tmp_path, **options)


def test_compressed_by_the_tasks(rows, place, tmp_path):
    result = single.write_single_csv(rows, f"{place.url}/all.csv.gz", **place.words)
    assert gzip.decompress(place.read("all.csv.gz")) == reference(rows, tmp_path)
    assert result.client_bytes == 0 and place.names() == ["all.csv.gz"]


@pytest.mark.parametrize("header", [True, False])
def test_no_rows(spark, place, header):
    df = spark.createDataFrame([], "a int, b string")
    single.write_single_csv(df, f"{place.url}/all.csv", header, **place.words)
    assert place.read("all.csv") == (b"a,b\n" if header else b"")


def test_rows_that_look_like_headers(spark, place, tmp_path):
    df = spark.createDataFrame([("a", "b")] * 4 + [(None, None), ("", "")], "a string, b string").repartition(3)
    df = df.cache()
    single.write_single_csv(df, f"{place.url}/all.csv", **place.words)
    assert place.read("all.csv") == reference(df, tmp_path)


def test_old_or_new(spark, rows, place):
    dst = f"{place.url}/new/all.csv"
    assert not single.write_single_csv(spark.range(3), dst, **place.words).replaced
    for mode in ("error", "errorifexists"):
        with pytest.raises(FileExistsError, match="overwrite"):
            single.write_single_csv(rows, dst, mode=mode, **place.words)
    assert place.read("new/all.csv") == b"id\n0\n1\n2\n"
    assert single.write_single_csv(rows, dst, **place.words).replaced
    assert place.read("new/all.csv").startswith(b"user id,") and place.names("new") == ["all.csv"]
    with pytest.raises(lamella.UnsuitableError, match="directory"):
        single.write_single_csv(rows, f"{place.url}/new", **place.words)


def test_a_task_that_fails_changes_nothing(spark, place):
    from pyspark.sql.functions import udf

    dst = f"{place.url}/all.csv"
    single.write_single_csv(spark.range(3), dst, **place.words)
    code = udf(lambda n: n if n < 900 else 1 // 0, "long")
    with pytest.raises(Exception, match="ZeroDivisionError"):
        single.write_single_csv(spark.range(0, 1000, 1, 4).select(code("id")), dst, **place.words)
    assert place.names() == ["all.csv"] and place.read("all.csv") == b"id\n0\n1\n2\n"


def test_spark_reads_what_it_replaced(spark, tmp_path):
    """The file was copied by Hadoop, which left its sums beside it."""
    path = f"{tmp_path}/all.csv"
    configuration = spark.sparkContext._jsc.hadoopConfiguration()
    java = spark._jvm.org.apache.hadoop.fs.Path(f"file://{path}")
    stream = java.getFileSystem(configuration).create(java)
    stream.write(bytearray(b"old\n"))
    stream.close()
    assert os.path.exists(f"{tmp_path}/.all.csv.crc")
    single.write_single_csv(spark.range(3), path)
    assert [row.id for row in spark.read.csv(f"file://{path}", header=True).collect()] == ["0", "1", "2"]


@pytest.mark.parametrize("header", [True, False, "a,b", ["a", "b"]], ids=str)
@pytest.mark.parametrize("delete", [True, False])
def test_parts_of_others(spark, place, header, delete):
    source, dst = f"{place.url}/parts", f"{place.url}/all.csv"
    df = spark.range(0, 20, 1, 4).where("id < 5 or id > 9").selectExpr("id", "id * 2")
    to = source if "://" in source else f"file://{source}"
    df.toDF("x", "y").write.option("header", header is True).csv(to)
    result = single.merge_parts(spark, source, dst, header, delete_sources=delete, **place.words)
    first = "x,y\n" if header is True else "a,b\n" if header else ""
    body = "".join(f"{n},{2 * n}\n" for n in range(20) if n < 5 or n > 9)
    assert place.read("all.csv").decode() == first + body
    if place.way != "files":
        assert result.strategy == ("concat" if delete and header is not True else "stream")
    left = [name for name in place.names("parts") if name.startswith("part-")]
    assert len(left) == (0 if delete else result.parts)


def test_auto_without_webhdfs(spark, hdfs, rows, tmp_path, request):
    """The NameNode's HTTP port is wrong: the JVM does it, and the result says so."""
    place = Place("jvm", tmp_path, request)
    configuration = spark.sparkContext._jsc.hadoopConfiguration()
    address = configuration.get("dfs.namenode.http-address")
    configuration.set("dfs.namenode.http-address", "127.0.0.1:1")
    try:
        result = single.write_single_csv(rows, f"{place.url}/all.csv")
        with pytest.raises(NotImplementedError, match="manifest.*WebHDFS was not taken"):
            single.write_single_csv(rows, f"{place.url}/all.csv", manifest=True)
        with pytest.raises(lamella.Error, match="127.0.0.1:1"):
            single.write_single_csv(rows, f"{place.url}/all.csv", via="webhdfs")
    finally:
        configuration.set("dfs.namenode.http-address", address)
    assert result.strategy == "concat" and "WebHDFS was not taken" in result.warnings[0]
    assert place.read("all.csv") == reference(rows, tmp_path) and place.names() == ["all.csv"]


def test_a_path_without_a_scheme_is_on_the_default_file_system(spark, hdfs, tmp_path, request):
    place = Place("webhdfs", tmp_path, request)
    configuration = spark.sparkContext._jsc.hadoopConfiguration()
    configuration.set("fs.defaultFS", hdfs.rpc_url)
    try:
        result = single.write_single_csv(spark.range(3), f"{place.path}/all.csv", manifest={"by": "test"})
    finally:
        configuration.set("fs.defaultFS", "file:///")
    assert result.path == f"{place.url}/all.csv" and result.checksum.startswith("sha256:")
    assert place.names() == ["all.csv", "all.csv.manifest.json"]


@pytest.mark.parametrize("via", ["auto", "jvm"])
def test_a_view_leads_to_hdfs(spark, hdfs, tmp_path, request, via):
    place = Place("webhdfs", tmp_path, request)
    configuration = spark.sparkContext._jsc.hadoopConfiguration()
    configuration.set(f"fs.viewfs.mounttable.{via}.link./data", f"{hdfs.rpc_url}{place.path}".replace(" ", "%20"))
    result = single.write_single_csv(spark.range(3), f"viewfs://{via}/data/new/all.csv", via=via)
    assert result.path == f"{place.url}/new/all.csv" and result.strategy == "concat"
    assert place.read("new/all.csv") == b"id\n0\n1\n2\n" and place.names("new") == ["all.csv"]


def test_jvm_keeps_the_mode_and_ends_lines(spark, hdfs, tmp_path, request):
    place = Place("jvm", tmp_path, request)
    hdfs.shell("-mkdir", "-p", f"{place.path}/in")
    for number, text in enumerate(['"a\nb",c\n1,2', '"a\nb",c\n', '"a\nb",c\n3,4\n', "", '"a\nb",c']):
        (tmp_path / "part").write_text(text)
        assert hdfs.shell("-put", tmp_path / "part", f"{place.path}/in/part-{number}")[0] == 0
    hdfs.shell("-touchz", f"{place.path}/all.csv")
    hdfs.shell("-chmod", "640", f"{place.path}/all.csv")
    with pytest.raises(lamella.ConflictError, match="_SUCCESS"):
        single.merge_parts(spark, f"{place.url}/in", f"{place.url}/all.csv", True, via="jvm")
    result = single.merge_parts(
        spark, f"{place.url}/in", f"{place.url}/all.csv", True, via="jvm", require_success=False, delete_sources=True
    )
    assert place.read("all.csv") == b'"a\nb",c\n1,2\n3,4\n'
    assert (result.blank_parts, result.deleted, result.replaced) == (3, 5, True) and place.names("in") == []
    assert hdfs.shell("-stat", "%a", f"{place.path}/all.csv")[1].strip() == b"640"


def test_what_is_refused(spark, tmp_path):
    df, dst = spark.range(3), f"{tmp_path}/all.csv"
    refused = [
        (TypeError, "did you mean 'sep'", dst, {"sepp": ";"}),
        (TypeError, "the name says", dst, {"compression": "gzip"}),
        (ValueError, "UTF-8", dst, {"encoding": "UTF-16"}),
        (ValueError, "mode", dst, {"mode": "append"}),
        (ValueError, "via", dst, {"via": "rpc"}),
        (ValueError, "about HDFS", dst, {"via": "jvm"}),
        (NotImplementedError, "bz2", f"{dst}.bz2", {}),
        (NotImplementedError, "not atomic over webhdfs", "webhdfs://127.0.0.1:1/x.csv", {"via": "jvm"}),
    ]
    for kind, match, path, words in refused:
        with pytest.raises(kind, match=match):
            single.write_single_csv(df, path, **words)
    with pytest.raises(NotImplementedError, match="Spark Connect"):
        single.merge_parts(object(), str(tmp_path), dst)
    assert os.listdir(tmp_path) == []


def test_lamella_alone_needs_no_pyspark():
    code = "import sys, lamella, lamella.spark; assert not [m for m in sys.modules if m.startswith(('pyspark', 'py4j'))]"
    subprocess.run([sys.executable, "-c", code], check=True)
