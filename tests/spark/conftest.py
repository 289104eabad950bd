"""Spark and its parts; ./dev test spark fetches all of it into .cache/.

java       parquet-java, which is what Spark reads Parquet by, in one process for all the tests (Reads.java)
spark      a Spark session in this process, with two threads, and Delta Lake in it where its jars are there
delta      the same, for tests that cannot do without Delta Lake
place      where a table of Delta Lake may be
sql        sql("delete from {t}"): statements on that table
hdfs       a real HDFS that the session knows of
"""

import json
import os
import pathlib
import subprocess
import sys
import time

import pytest

TESTS = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS / "interop"), str(TESTS / "long"), str(TESTS / "servers")]
sys.path.append(str(TESTS.parent / ".cache" / "pyspark"))
DELTA = TESTS.parent / ".cache" / "delta" / "jars"
CLASSES = os.environ.get("LAMELLA_JAVA_CLASSES") or f"{TESTS.parent}/build/spark:{TESTS.parent}/.cache/spark/jars/*"


class Java:
    def __init__(self):
        self.process = subprocess.Popen(
            ["java", "-Xmx1g", "-cp", CLASSES, "Reads"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def rows(self, *request):
        """The rows that it reads, as dicts of what is stored."""
        self.process.stdin.write("\t".join(request) + "\n")
        self.process.stdin.flush()
        lines = []
        for line in self.process.stdout:
            if not line.startswith("{"):
                break
            lines.append(line)
        else:
            raise RuntimeError("java ended")
        if not line.startswith("ok "):
            raise RuntimeError(line.strip())
        assert int(line[3:]) == len(lines)
        return [json.loads(text) for text in lines]


@pytest.fixture(scope="session")
def java():
    made = Java()
    yield made
    made.process.stdin.close()
    made.process.wait(60)


@pytest.fixture(scope="session")
def spark(tmp_path_factory):
    reason = os.environ.get("LAMELLA_NO_SPARK")
    if reason:
        pytest.skip(reason)
    from pyspark.sql import SparkSession

    os.environ["PYSPARK_PYTHON"] = sys.executable
    os.environ["TZ"] = "UTC"  # in which pyspark gives timestamps
    time.tzset()
    os.environ["PYTHONPATH"] = os.pathsep.join(sys.path)
    place = tmp_path_factory.mktemp("spark")
    settings = {
        "spark.ui.enabled": "false",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.sql.shuffle.partitions": "2",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.warehouse.dir": str(place / "warehouse"),
        "spark.local.dir": str(place),
        "spark.driver.extraJavaOptions": f"-Dderby.system.home={place} -XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
        "spark.ui.showConsoleProgress": "false",
    }
    if (DELTA / "stamp").exists():
        settings["spark.driver.extraClassPath"] = f"{DELTA}/*"
        settings["spark.sql.extensions"] = "io.delta.sql.DeltaSparkSessionExtension"
        settings["spark.sql.catalog.spark_catalog"] = "org.apache.spark.sql.delta.catalog.DeltaCatalog"
        settings["spark.databricks.delta.snapshotPartitions"] = "1"
        settings["spark.databricks.delta.retentionDurationCheck.enabled"] = "false"
    builder = SparkSession.builder.master("local[2]")
    for name, value in settings.items():
        builder = builder.config(name, value)
    made = builder.getOrCreate()
    made.sparkContext.setLogLevel("OFF")
    yield made
    made.stop()


@pytest.fixture
def delta(spark):
    if not (DELTA / "stamp").exists():
        pytest.skip(os.environ.get("LAMELLA_NO_DELTA") or f"{DELTA} has not the jars of Delta Lake: ./dev test spark fetches them")
    # For a few rows, compiling a query takes longer than running it, and VACUUM's 10,000 tasks minutes.
    settings = {
        "spark.sql.codegen.wholeStage": "false",
        "spark.sql.adaptive.enabled": "false",
        "spark.sql.shuffle.partitions": "1",
        "spark.sql.sources.parallelPartitionDiscovery.parallelism": "2",
    }
    before = {name: spark.conf.get(name) for name in settings}
    for name, value in settings.items():
        spark.conf.set(name, value)
    yield spark
    for name, value in before.items():
        spark.conf.set(name, value)


@pytest.fixture
def place(tmp_path):
    """Where a table of Delta's may be."""
    return tmp_path / "run 1" / "trades"


@pytest.fixture
def sql(delta, place):
    """Statements on the table there."""
    from delta_rows import Sql  # which needs the wheel

    return Sql(delta, place)


@pytest.fixture(scope="session")
def hdfs(spark):
    reason = os.environ.get("LAMELLA_NO_HDFS")
    if reason:
        pytest.skip(reason)
    import server

    with server.Hdfs(block_bytes=1 << 20) as running:
        configuration = spark.sparkContext._jsc.hadoopConfiguration()
        configuration.set("dfs.namenode.rpc-address", running.rpc_url.split("://")[1])
        configuration.set("dfs.namenode.http-address", f"127.0.0.1:{running.http_ports[0]}")
        configuration.set("dfs.blocksize", str(1 << 20))
        configuration.set("dfs.client.block.write.locateFollowingBlock.initial.delay.ms", "10")
        yield running
