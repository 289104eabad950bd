"""Many parts into one, on a real HDFS of this machine: lamella merge against getmerge and put, a copy loop in a Spark
driver, and coalesce(1).

    ./dev bench merge_hdfs [GB [PARTS [ROUNDS]]]        0.4 GB in 200 parts by default, without headers

NameNode and three DataNodes are one process here, on one disk, and the network is the loopback: what moves no bytes gains
less by it than on a cluster. Each way is run ROUNDS times (three), by turns, and the quickest counts; the results' lengths are held
against the parts'. What is told:

seconds    of the step from parts to one file; the parts are there, Spark is running. The command lines pay for their own
           start, Java's too
client     the bytes that cross the process which asks for the merge (of a driver: in and out)
MiB        the most memory of that process; of a driver, of the whole JVM

lamella merge reads the parts' last bytes, and the first ones where it looks for headers; --header no --trust-parts looks at
none. "concat alone" is Java's FileSystem.concat of the listed parts and a rename, with nothing checked.

Spark and HDFS are fetched by ./dev test spark, once.
"""
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests" / "servers")]
sys.path.append(str(ROOT / ".cache" / "pyspark"))
import server  # noqa: E402

LAMELLA = ROOT / "build" / "lamella"


def make_parts(folder, total, count):
    block = b"".join(b"%d,%d,%.6f\n" % (40_000_000 + i * 7919 % 10**7, i * 104729 % 10**6, i % 997 / 997) for i in range(40_000))
    folder.mkdir()
    for number in range(count):
        with open(folder / f"part-{number:05d}.csv", "wb") as out:
            left = total // count + number % 7 * 31
            while left >= 100:  # a line and more
                end = len(block) if left >= len(block) else block.rfind(b"\n", 0, left) + 1
                out.write(block[:end])
                left -= end


def most_memory(pid):
    told = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmHWM:\s*(\d+)", told)[1]) / 1024 if "VmHWM" in told else 0


def run(*words, env=None):
    """The most MiB that it had; what wait4 tells would count the parent's before exec too."""
    most = 0
    with tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen([str(word) for word in words], env=env, stdout=errors, stderr=errors)
        while process.poll() is None:
            most = max(most, most_memory(process.pid))
            time.sleep(0.002)
        if process.returncode:
            errors.seek(0)
            raise RuntimeError(errors.read())
    return most


class Bench:
    def __init__(self, place, hdfs, spark):
        self.place, self.hdfs, self.spark = place, hdfs, spark
        self.fs = spark._jvm.org.apache.hadoop.fs.FileSystem.get(spark._jsc.hadoopConfiguration())
        self.java_path = spark._jvm.org.apache.hadoop.fs.Path

    def shell(self, *words):
        """`hdfs dfs WORDS`, a Java process of its own as the command is."""
        classes = f"{self.hdfs.configuration}:{server.PLACE}/hdfs:{server.JARS}/*"
        return run("java", "-cp", classes, "org.apache.hadoop.fs.FsShell", *words)

    def driver(self):
        return most_memory(self.spark.sparkContext._gateway.proc.pid)

    def parts(self, directory):
        """As seed and habit have it: list, and keep what ends with .csv."""
        found = self.fs.listStatus(self.java_path(directory))
        return sorted(str(status.getPath()) for status in found if status.getPath().getName().endswith(".csv"))

    def by_lamella(self, source, out, *words):
        return run(LAMELLA, "merge", *words, self.hdfs.url + source, self.hdfs.url + out)

    def concat(self, source, out):
        return self.by_lamella(source, out, "--delete-sources", "--header", "no")

    def concat_trusting(self, source, out):
        return self.by_lamella(source, out, "--delete-sources", "--header", "no", "--trust-parts")

    def stream(self, source, out):
        return self.by_lamella(source, out, "--header", "no")

    def getmerge(self, source, out):
        local = self.place / "merged.csv"
        most = self.shell("-getmerge", source, local)
        most = max(most, self.shell("-put", "-f", local, out))
        local.unlink()
        return most

    def loop(self, source, out):
        to = self.fs.create(self.java_path(out), True)
        for part in self.parts(source):
            stream = self.fs.open(self.java_path(part))
            self.spark._jvm.org.apache.hadoop.io.IOUtils.copyBytes(stream, to, 1 << 16, False)
            stream.close()
        to.close()
        return self.driver()

    def coalesce(self, source, out):
        rows = self.spark.read.text(source)
        rows.coalesce(1).write.mode("overwrite").text(f"{out}.dir")
        (part,) = [path for path in self.fs.globStatus(self.java_path(f"{out}.dir/part-*"))]
        self.fs.rename(part.getPath(), self.java_path(out))
        return self.driver()

    def concat_alone(self, source, out):
        target = self.java_path(f"{source}/.target")
        self.fs.create(target, True).close()
        paths = [self.java_path(part) for part in self.parts(source)]
        array = self.spark.sparkContext._gateway.new_array(self.java_path, len(paths))
        for at, path in enumerate(paths):
            array[at] = path
        self.fs.concat(target, array)
        self.fs.rename(target, self.java_path(out))
        return self.driver()


WAYS = {  # client: how often each byte crosses the process that asks; takes: the parts are gone after it
    "lamella merge --delete-sources": (Bench.concat, 0, True),
    "the same with --trust-parts": (Bench.concat_trusting, 0, True),
    "concat alone, by the driver": (Bench.concat_alone, 0, True),
    "lamella merge": (Bench.stream, 2, False),
    "copy loop in the driver": (Bench.loop, 2, False),
    "coalesce(1)": (Bench.coalesce, 0, False),
    "getmerge and put": (Bench.getmerge, 2, False),
}


def measure(bench, size, parts, rounds):
    """Gives, for each way: seconds, and MiB."""
    best = {}
    for turn in range(rounds):
        for name, (way, _, takes) in WAYS.items():
            source = "/parts" if takes else "/kept"
            if takes or turn == 0:  # others leave the parts as they are
                bench.hdfs.shell("-rm", "-r", "-f", source)
                bench.hdfs.shell("-mkdir", "-p", source)
                assert bench.hdfs.shell("-put", *parts, source)[0] == 0
            out = "/out.csv"
            bench.hdfs.shell("-rm", "-r", "-f", out, f"{out}.dir")
            begin = time.perf_counter()
            memory = way(bench, source, out)
            taken = time.perf_counter() - begin
            assert bench.fs.getFileStatus(bench.java_path(out)).getLen() == size, name
            before = best.get(name, (1e9, 0))
            best[name] = (min(before[0], taken), max(before[1], memory))
    return best


def main():
    if not (server.PLACE / "hdfs" / "Hdfs.class").exists() or not (ROOT / ".cache" / "pyspark").exists():
        sys.exit("bench: Spark or HDFS is not there: ./dev test spark fetches both")
    from pyspark.sql import SparkSession

    words = sys.argv[1:]
    total, count = int(float(words[0] if words else 0.4) * 10**9), int(words[1]) if len(words) > 1 else 200
    rounds = int(words[2]) if len(words) > 2 else 3
    server.PLACE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="bench-merge-", dir=server.PLACE) as place, server.Hdfs() as hdfs:
        place = pathlib.Path(place)
        made = SparkSession.builder.master("local[2]")
        settings = {
            "spark.ui.enabled": "false",
            "spark.ui.showConsoleProgress": "false",
            "spark.driver.host": "127.0.0.1",
            "spark.driver.bindAddress": "127.0.0.1",
            "spark.local.dir": str(place),
            "spark.hadoop.fs.defaultFS": hdfs.rpc_url,
            "spark.hadoop.dfs.client.block.write.locateFollowingBlock.initial.delay.ms": "10",
        }
        for name, value in settings.items():
            made = made.config(name, value)
        spark = made.getOrCreate()
        spark.sparkContext.setLogLevel("OFF")
        make_parts(place / "parts", total, count)
        parts = sorted((place / "parts").iterdir())
        size = sum(part.stat().st_size for part in parts)
        bench = Bench(place, hdfs, spark)
        measure(bench, sum(part.stat().st_size for part in parts[:2]), parts[:2], 1)  # servers and driver get warm
        best = measure(bench, size, parts, rounds)
        print(f"\n{size / 1e9:.2f} GB in {count} parts; load {os.getloadavg()[0]:.1f}")
        for name, (seconds, memory) in best.items():
            crossing = WAYS[name][1] * size / 1e9
            print(f"  {name:34} {seconds:8.2f} s {crossing:6.2f} GB through the client {memory:8.0f} MiB")
        spark.stop()


main()
