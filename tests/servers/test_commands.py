"""Every command on HDFS, as a user types it. Java's own client reads what was written, and the other way round."""

import json
import os
import time

import proxy
import pytest

CSV = b"id,name\n1,a\n2,b\n"
ROWS = b'{"id":1,"name":"a"}\n{"id":2,"name":"b"}\n'
# Bytes of names that mean something in a URL stand for themselves.
NAMES = ["plain", "a b", "50%", "a%20b", "x#y?z=1&w", "a+b", "ünïcode", "e\u0301"]


def told(done):
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def lines(done):
    assert done.returncode == 0, done.stderr
    return done.stdout.decode().splitlines()


def fails(done, status, *words):
    assert done.returncode == status, done.stderr
    for word in words:
        assert word.encode() in done.stderr, done.stderr


def in_hdfs(url):
    return "/" + url.split("/", 3)[3]


def test_write_and_its_conditions(run, hdfs, place):
    assert run("write", f"{place}/new/dir/a", stdin=CSV).returncode == 0
    assert hdfs.shell("-cat", in_hdfs(f"{place}/new/dir/a")) == (0, CSV)
    done = told(run("write", f"{place}/new/dir/a", "--json", stdin=b"second"))
    assert done["path"] == f"{place}/new/dir/a" and done["replaced"] and done["bytes"] == 6
    fails(run("write", f"{place}/new/dir/a", "--if-absent", stdin=b"third"), 5, f"{place}/new/dir/a")
    assert hdfs.shell("-cat", in_hdfs(f"{place}/new/dir/a")) == (0, b"second")
    assert lines(run("ls", f"{place}/new/dir")) == [f"{place}/new/dir/a"]
    # What HDFS cannot do is refused by name, before anything is written.
    for words in (["--if-match", "crc32c:00000000"], ["--keep", "1"], ["--durability", "none"]):
        fails(run("write", f"{place}/new/dir/b", *words, stdin=b"x"), 1, f"{place}/new/dir/b", "hdfs")
    for words in (["undo", f"{place}/new/dir/a"], ["guard", f"{place}/new/dir/a", "--", "true"]):
        fails(run(*words), 1, "this system")
    assert lines(run("ls", f"{place}/new/dir")) == [f"{place}/new/dir/a"]


def test_a_large_file_and_an_empty_one(run, hdfs, place, tmp_path):
    data = os.urandom(1 << 20) * 9 + b"the end"
    assert run("write", f"{place}/large", stdin=data).returncode == 0
    assert hdfs.shell("-cat", in_hdfs(f"{place}/large")) == (0, data)
    assert told(run("cp", f"{place}/large", "here", "--check", "--json"))["bytes"] == len(data)
    assert (tmp_path / "here").read_bytes() == data
    assert run("write", f"{place}/empty").returncode == 0
    assert run("cp", f"{place}/empty", "empty").returncode == 0
    assert (tmp_path / "empty").read_bytes() == b""


@pytest.mark.parametrize("name", NAMES)
def test_names_are_taken_byte_for_byte(run, hdfs, place, name):
    assert run("write", f"{place}/{name}/{name}.csv", stdin=CSV).returncode == 0
    assert lines(run("ls", place, "--recursive")) == [f"{place}/{name}/", f"{place}/{name}/{name}.csv"]
    assert run("cat", f"{place}/{name}/{name}.csv").stdout == ROWS
    assert run("cp", f"{place}/{name}/{name}.csv", f"{place}/{name}/copy").returncode == 0
    assert run("rm", f"{place}/{name}/{name}.csv").returncode == 0
    assert lines(run("ls", place, "--recursive")) == [f"{place}/{name}/", f"{place}/{name}/copy"]


@pytest.mark.parametrize("suffix", ["parquet", "arrow", "arrows", "jsonl", "csv", "csv.gz", "tsv", "csv.zst"])
def test_every_format_goes_there_and_back(run, place, tmp_path, suffix):
    (tmp_path / "in.csv").write_bytes(CSV)
    url = f"{place}/t.{suffix}"
    assert told(run("put", "in.csv", url, "--json"))["rows"] == 2
    assert run("cat", url).stdout == ROWS
    assert run("count", url).stdout == b"2\n"
    assert run("schema", url).stdout == b"id: int64\nname: utf8\n"
    assert b"2 columns" in run("head", url).stdout
    assert run("diff", "in.csv", url).returncode == 0
    assert run("verify", url).returncode == 0
    assert run("put", url, f"{place}/back.parquet").returncode == 0
    assert run("put", url, "back.jsonl").returncode == 0
    assert (tmp_path / "back.jsonl").read_bytes() == ROWS


def test_parquet_is_looked_into(run, place, tmp_path):
    (tmp_path / "in.csv").write_bytes(CSV)
    url = f"{place}/t.parquet"
    assert run("put", "in.csv", url).returncode == 0
    assert url.encode() in run("inspect", url).stdout
    assert b"optional int64 id" in run("schema", "--format", "parquet", url).stdout
    assert run("cat", "--format", "canonical", url).stdout == ROWS
    assert run("cat", url, "--columns", "name", "--where", "id > 1").stdout == b'{"name":"b"}\n'
    assert run("verify", url).returncode == 0
    assert run("put", "in.csv", f"{place}/book.xlsx").returncode == 0
    assert run("schema", "in.csv", "--read-schema", "@" + url).stdout == run("schema", url).stdout
    assert run("put", f"{place}/book2.xlsx", "--sheet", f"one={url}", "--sheet", "two=in.csv").returncode == 0
    with open("broken.parquet", "wb") as file:
        file.write(b"PAR1 this is none PAR1")
    assert run("cp", "broken.parquet", f"{place}/broken.parquet").returncode == 0
    fails(run("verify", f"{place}/broken.parquet"), 3, f"{place}/broken.parquet")
    fails(run("cat", f"{place}/broken.parquet"), 3, f"{place}/broken.parquet")


def test_directories_are_tables(run, hdfs, place, tmp_path):
    (tmp_path / "in.csv").write_bytes(CSV)
    for part in ("day=1/part-9", "day=1/part-10", "day=2/part-1", "day=2/_hidden"):
        assert run("put", "in.csv", f"{place}/d/{part}.parquet").returncode == 0
    hdfs.shell("-touchz", in_hdfs(f"{place}/d/_SUCCESS"))
    assert run("count", f"{place}/d").stdout == b"6\n"
    assert run("count", f"{place}/d/", "--where", "day = 2").stdout == b"2\n"
    assert run("count", f"{place}/d/*/part-1*.parquet").stdout == b"4\n"
    assert run("put", f"{place}/d", f"{place}/one.parquet").returncode == 0
    assert run("count", f"{place}/one.parquet").stdout == b"6\n"
    # More names than the NameNode tells at once.
    hdfs.shell("-mkdir", in_hdfs(f"{place}/many"))
    for i in range(25):
        hdfs.shell("-touchz", in_hdfs(f"{place}/many/part-{i}"))
    assert [line.rsplit("-", 1)[1] for line in lines(run("ls", f"{place}/many"))] == [str(i) for i in range(25)]


def test_manifests_and_expectations(run, place, tmp_path):
    (tmp_path / "in.csv").write_bytes(CSV)
    url = f"{place}/m.parquet"
    assert run("put", "in.csv", url, "--manifest", "k=v", "--expect", "rows >= 0.9*previous").returncode == 0
    assert run("verify", url).returncode == 0
    fails(run("put", "in.csv", url, "--manifest", "--expect", "rows > 2*previous"), 3, "rows > 2*previous")
    assert run("verify", url).returncode == 0
    assert run("put", "in.csv", url, "--where", "id > 1").returncode == 0
    fails(run("verify", url), 8, url)
    fails(run("verify", f"{place}/none"), 9, f"{place}/none")


def test_ls_and_stat(run, hdfs, place):
    assert run("write", f"{place}/a", stdin=b"12345").returncode == 0
    hdfs.shell("-mkdir", in_hdfs(f"{place}/sub"))
    hdfs.shell("-touchz", in_hdfs(f"{place}/.lamella-{'0' * 32}.tmp"))
    entries = told(run("ls", place, "--json"))["entries"]
    assert [(entry["path"], entry["kind"]) for entry in entries] == [
        (f"{place}/a", "file"),
        (f"{place}/sub", "directory"),
    ]
    assert entries[0]["bytes"] == 5 and abs(entries[0]["mtime_ns"] / 1e9 - time.time()) < 600
    first = told(run("stat", f"{place}/a", "--json"))
    assert run("write", f"{place}/a", stdin=b"12345").returncode == 0
    assert told(run("stat", f"{place}/a", "--json"))["version"] != first["version"]
    assert told(run("stat", f"{place}/", "--json"))["kind"] == "directory"
    for words in (["ls"], ["stat"], ["cat"], ["rm"], ["count"]):
        fails(run(*words, f"{place}/none"), 9, f"{place}/none")


def test_cp_of_files(run, hdfs, place, tmp_path):
    (tmp_path / "a").write_bytes(b"bytes")
    assert run("cp", "a", f"{place}/x/", "--check").returncode == 0
    assert run("cp", f"{place}/x/a", f"{place}/x/b", "--manifest", "--if-absent").returncode == 0
    assert run("verify", f"{place}/x/b").returncode == 0
    fails(run("cp", "a", f"{place}/x/b", "--if-absent"), 5)
    assert run("cp", f"{hdfs.rpc_url}{in_hdfs(place)}/x/b", "c", **hdfs.environment).returncode == 0
    assert (tmp_path / "c").read_bytes() == b"bytes"
    fails(run("cp", f"{place}/x", "d"), 1, "--recursive")
    fails(run("cp", f"{place}/none", "d"), 9, f"{place}/none")
    assert not (tmp_path / "d").exists()


def test_cp_of_directories(run, hdfs, place, tmp_path):
    for name in ("a", "sub/b", "sub/deep/c"):
        (tmp_path / "d" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "d" / name).write_bytes(name.encode() * 1000)
    assert told(run("cp", "d", f"{place}/d", "--recursive", "--json"))["files"] == 3
    assert hdfs.shell("-cat", in_hdfs(f"{place}/d/sub/deep/c")) == (0, b"sub/deep/c" * 1000)
    fails(run("cp", "d", f"{place}/d", "--recursive"), 1, f"{place}/d", "exchange")
    fails(run("cp", "d", f"{place}/d", "--recursive", "--if-absent"), 5)
    assert run("cp", "d", f"{place}/e", "--recursive", "--manifest").returncode == 0
    assert run("verify", f"{place}/e").returncode == 0
    assert run("cp", f"{place}/d", f"{place}/f", "--recursive").returncode == 0
    assert run("cp", f"{place}/f/", "back", "--recursive", "--check").returncode == 0
    for name in ("a", "sub/b", "sub/deep/c"):
        assert (tmp_path / "back" / name).read_bytes() == name.encode() * 1000
    assert run("publish-dir", f"{place}/f", f"{place}/g").returncode == 0
    assert [line[len(place) + 1 :] for line in lines(run("ls", place))] == ["d/", "e/", "g/"]
    assert hdfs.shell("-ls", in_hdfs(place))[1].count(b".lamella-") == 0


def test_versions_of_a_prefix(run, hdfs, place, tmp_path):
    (tmp_path / "in.csv").write_bytes(CSV)
    for number in (1, 2, 3):
        run_id = f"r{number}"
        assert run("put", "in.csv", f"{place}/stage/part-0.parquet", "--limit", str(min(number, 2))).returncode == 0
        words = ["--versioned", "--run-id", run_id, "--keep", "2"]
        assert run("publish-dir", f"{place}/stage", f"{place}/p", *words).returncode == 0
        assert lines(run("resolve", f"{place}/p")) == [f"{place}/p/_runs/{run_id}"]
        assert run("count", f"{place}/p").stdout == b"%d\n" % min(number, 2)
    assert lines(run("verify", f"{place}/p")) == [f"ok               {place}/p/_runs/r3"]
    assert lines(run("ls", f"{place}/p/_runs"))[1:] == [f"{place}/p/_runs/r2/", f"{place}/p/_runs/r3/"]
    # What stands is named, and the way out.
    assert run("put", "in.csv", f"{place}/stage/part-0.parquet").returncode == 0
    fails(run("cp", f"{place}/stage", f"{place}/p", "--recursive"), 1, "--versioned")


def test_rm(run, hdfs, place):
    assert run("write", f"{place}/d/a", stdin=b"x").returncode == 0
    assert run("write", f"{place}/d/e/b", stdin=b"x").returncode == 0
    fails(run("rm", f"{place}/d"), 1, "--recursive")
    assert run("rm", f"{place}/d/a").returncode == 0
    assert run("rm", "--recursive", f"{place}/d/").returncode == 0
    assert lines(run("ls", place)) == []
    for root in (hdfs.url, hdfs.url + "/", hdfs.url + "///"):
        fails(run("rm", "--recursive", root), 2, "root")


def test_gc_goes_by_age(run, hdfs, place):
    left = in_hdfs(f"{place}/.lamella-{'0' * 32}.tmp")
    assert hdfs.shell("-touchz", left)[0] == 1  # there is no such directory yet
    assert run("write", f"{place}/a", stdin=b"x").returncode == 0
    assert hdfs.shell("-touchz", left)[0] == 0
    assert told(run("gc", place, "--older-than", "1h", "--json"))["removed"] == 0
    time.sleep(1.1)
    assert told(run("gc", place, "--older-than", "1s", "--json", "--dry-run"))["would_remove"] == 1
    assert told(run("gc", place, "--older-than", "1s", "--json"))["removed"] == 1
    assert hdfs.shell("-ls", in_hdfs(place))[1].count(b".lamella-") == 0


def test_hdfs_urls_are_found_by_the_configuration(run, hdfs, place):
    path = in_hdfs(place)
    assert run("write", f"hdfs://{path}/a", stdin=CSV, **hdfs.environment).returncode == 0
    assert lines(run("ls", f"hdfs://{path}", **hdfs.environment)) == [f"hdfs://{path}/a"]
    assert lines(run("ls", f"{hdfs.rpc_url}{path}", **hdfs.environment)) == [f"{hdfs.rpc_url}{path}/a"]
    where = str(hdfs.configuration)
    assert run("cat", f"hdfs://{path}/a", "--from", "csv", "--storage", f"hdfs.conf_dir={where}").stdout == ROWS


def test_trace_tells_each_request(run, place):
    done = run("write", f"{place}/a", "--trace", stdin=b"x")
    assert done.returncode == 0
    requests = done.stderr.decode().splitlines()
    assert any("op=CREATE" in line and "201" in line for line in requests)
    assert any("op=RENAME" in line and "OVERWRITE" in line for line in requests)
    secret = run("stat", f"{place}/a", "--trace", "--storage", "token=c2VjcmV0")
    assert b"c2VjcmV0" not in secret.stderr


def test_storage_options_are_checked(run, place):
    fails(run("ls", place, "--storage", "usr=x"), 2, "usr", "user")
    fails(run("ls", place, "--storage", "hdfs.usr=x"), 2, "hdfs.usr")
    assert run("write", f"{place}/a", "--storage", "user=etl", stdin=b"x").returncode == 0
    assert run("stat", f"{place}/a", "--storage", "s3.region=x").returncode == 0


def test_who_cannot_be_reached_is_told(run):
    fails(run("cat", "webhdfs://127.0.0.1:1/x", "--storage", "attempts=1"), 1, "webhdfs://127.0.0.1:1/x", "connect")


def test_appends_to_a_table(run, hdfs, place, tmp_path):
    """Parts, log and manifest on HDFS; the log is read by Java's client as delta-rs would find it."""
    descriptor = {
        "name": "trades",
        "schema_version": "1.0@2026-01-01",
        "columns": [{"name": "tick", "type": "int64"}, {"name": "id", "type": "utf8"}],
        "partitioning": ["bucket"],
    }
    (tmp_path / "registry").mkdir()
    (tmp_path / "registry" / "trades.json").write_text(json.dumps(descriptor))
    words = ["--root", place, "--run-id", "r1", "--registry", "registry", "--tick-bucket-size", "10", "--json"]
    for batch in range(12):  # a checkpoint is among them
        rows = b"".join(b'{"tick": %d, "id": "x"}\n' % tick for tick in (-1, batch, 25))
        done = told(run("append", "trades", "-", *words, "--batch", str(batch), stdin=rows))
        assert (done["rows"], done["version"], done["repeated"]) == (3, batch, False)
    assert told(run("append", "trades", "-", *words, "--batch", "11", stdin=rows))["repeated"]
    status, manifest = hdfs.shell("-cat", in_hdfs(f"{place}/r1/trades/manifest.json"))
    manifest = json.loads(manifest)
    assert (status, manifest["version"], manifest["rows"]) == (0, 11, 36)
    for bucket in manifest["buckets"]:
        for part in bucket["parts"]:
            status, data = hdfs.shell("-cat", in_hdfs(f"{place}/r1/trades/{part['path']}"))
            assert status == 0 and len(data) == part["bytes"]
    log = f"{place}/r1/trades/_delta_log"
    names = [name.rsplit("/", 1)[1] for name in lines(run("ls", log))]
    assert names.count("_last_checkpoint") == 1 and sum(name.endswith(".json") for name in names) == 12


def test_a_copied_directory_comes_whole_or_not_at_all(run, hdfs, place, tmp_path):
    """Whichever request is the last that a server answers; and whichever answer is lost."""
    for name in ("a", "sub/b"):
        (tmp_path / "d" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "d" / name).write_bytes(name.encode() * 1000)
    path, outcomes = in_hdfs(place), set()
    quick = ["--storage", "attempts=2", "--storage", "deadline=5", "--threads", "1"]
    with proxy.Proxy(hdfs) as between:
        for fault, for_good in (("cut-before", True), ("cut-after", False)):
            for nth in range(1, 100):
                between.plan(nth, fault, for_good=for_good)
                done = run("cp", "d", f"{between.url}{path}/{fault}-{nth}", "--recursive", *quick)
                reached = len(between.seen) >= nth
                between.plan()
                copied = f"{place}/{fault}-{nth}"
                there = run("stat", copied).returncode == 0
                outcomes.add((done.returncode, there))
                assert done.returncode in (0, 1, 7), done.stderr
                assert there == (done.returncode == 0) or done.returncode == 7
                if there:
                    assert lines(run("ls", copied, "--recursive")) == [
                        f"{copied}/a", f"{copied}/sub/", f"{copied}/sub/b"]  # fmt: skip
                    assert run("cp", copied, "back", "--recursive").returncode == 0
                    assert (tmp_path / "back/sub/b").read_bytes() == b"sub/b" * 1000
                if not reached:
                    break
    assert (0, True) in outcomes and (1, False) in outcomes
    time.sleep(1.1)
    assert run("gc", place, "--recursive", "--older-than", "1s").returncode == 0
    assert hdfs.shell("-ls", "-R", path)[1].count(b".lamella-") == 0
