"""Manifests and the verdicts by them."""
import hashlib
import json
import os
import shutil

import pytest

NOBODY = "0" * 64


@pytest.fixture
def verdict(run):
    def call(path="a", *options):
        done = run("verify", path, "--json", *options)
        told = json.loads(done.stdout)
        result = told["results"][0]
        assert done.returncode == told["exit"]
        if result["status"] == "ok":
            assert done.returncode == 0
        return result["verdict"], done.returncode

    return call


def manifest_of(path):
    return json.loads((path.parent / (path.name + ".manifest.json")).read_bytes())


def test_what_a_manifest_tells(run, tmp_path):
    data = b"hello"
    done = run("write", "a", "--manifest", "k=v", "--run-id", "r1", "--source-snapshot", "s1", stdin=data)
    assert done.returncode == 0
    told = manifest_of(tmp_path / "a")
    made = os.stat(tmp_path / "a")
    assert told.pop("created_at").endswith("Z") and told.pop("lamella_version")
    assert told == {
        "lamella_manifest": 1,
        "run_id": "r1",
        "source_snapshot": "s1",
        "user": {"k": "v"},
        "bytes": 5,
        "checksum": "sha256:" + hashlib.sha256(data).hexdigest(),
        "file": {"inode": made.st_ino, "mtime_ns": made.st_mtime_ns},
    }


def test_no_manifest_unless_asked_for(run, tmp_path):
    assert run("write", "a", stdin=b"1").returncode == 0
    assert os.listdir(tmp_path) == ["a"]


def test_ok_and_previous(run, tmp_path, verdict):
    run("write", "a", "--manifest", stdin=b"1")
    assert verdict() == ("ok", 0)
    shutil.copy2(tmp_path / "a", tmp_path / "old")
    run("write", "a", "--manifest", "--checksum", "crc32c", stdin=b"22")
    assert verdict() == ("ok", 0)
    assert manifest_of(tmp_path / "a")["previous"]["bytes"] == 1
    os.replace(tmp_path / "old", tmp_path / "a")  # as if the commit had not come
    assert verdict() == ("previous", 0)
    # The record before is the one of the file that stands, not of the one that never came.
    run("write", "a", "--manifest", stdin=b"333")
    told = manifest_of(tmp_path / "a")
    assert told["bytes"] == 3 and told["previous"]["bytes"] == 1 and "previous" not in told["previous"]


def test_previous_by_checksum_when_sizes_are_equal(run, tmp_path, verdict):
    run("write", "a", "--manifest", "n=1", stdin=b"1")
    shutil.copy(tmp_path / "a", tmp_path / "old")
    run("write", "a", "--manifest", "n=2", stdin=b"2")
    os.replace(tmp_path / "old", tmp_path / "a")
    run("write", "a", "--manifest", "n=3", stdin=b"3")
    assert manifest_of(tmp_path / "a")["previous"]["user"] == {"n": "1"}


def test_stale(run, tmp_path, verdict):
    run("write", "a", "--manifest", stdin=b"1")
    done = run("write", "a", stdin=b"22")
    assert done.returncode == 0 and b"warning: the manifest beside" in done.stderr
    assert verdict() == ("stale", 8)
    # Same size, another file, newer; made first, so that it gets no inode that a record tells of.
    (tmp_path / "other").write_bytes(b"2")
    os.utime(tmp_path / "other", (4e9, 4e9))
    run("write", "a", "--manifest", stdin=b"1")
    os.replace(tmp_path / "other", tmp_path / "a")
    assert verdict() == ("stale", 8)


def test_corrupt(run, tmp_path, verdict):
    run("write", "a", "--manifest", stdin=b"12345")
    with open(tmp_path / "a", "r+b") as file:
        file.write(b"x")
    assert verdict() == ("corrupt", 3)
    run("write", "a", "--manifest", stdin=b"12345")
    os.truncate(tmp_path / "a", 3)
    assert verdict() == ("corrupt", 3)
    run("write", "b", "--manifest", stdin=b"12345")
    (tmp_path / "copy").write_bytes(b"12x45")  # restored from a backup that rots
    shutil.copystat(tmp_path / "b", tmp_path / "copy")
    os.replace(tmp_path / "copy", tmp_path / "b")
    assert verdict("b") == ("corrupt", 3)


def test_missing(run, tmp_path, verdict):
    assert verdict() == ("missing", 9)
    run("write", "a", stdin=b"1")
    assert verdict() == ("manifest_missing", 9)
    run("write", "a", "--manifest", stdin=b"1")
    os.unlink(tmp_path / "a")
    assert verdict() == ("missing", 9)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"[]",
        b"{}",
        b'{"lamella_manifest": 1}',
        b'{"lamella_manifest": 1, "bytes": -1, "checksum": "sha256:' + NOBODY.encode() + b'"}',
        b'{"lamella_manifest": 1, "bytes": 1.5, "checksum": "sha256:' + NOBODY.encode() + b'"}',
        b'{"lamella_manifest": 1, "bytes": 1, "checksum": "md5:00"}',
        b'{"lamella_manifest": 1, "bytes": 1, "checksum": "crc32c:00000000", "file": {}}',
        b'{"lamella_manifest": 1, "bytes": 1, "checksum": "crc32c:00000000", "previous": []}',
        b'{"lamella_manifest": 1, "lamella_manifest": 1}',
        b"[" * 100000,
        b"\x00\xff",
    ],
)
def test_manifests_that_are_not_valid(run, tmp_path, verdict, text):
    (tmp_path / "a").write_bytes(b"1")
    (tmp_path / "a.manifest.json").write_bytes(text)
    assert verdict() == ("corrupt", 3)
    assert run("write", "a", "--manifest", stdin=b"2").returncode == 0
    assert verdict() == ("ok", 0)


def test_a_manifest_of_a_later_format(run, tmp_path):
    (tmp_path / "a").write_bytes(b"1")
    (tmp_path / "a.manifest.json").write_bytes(b'{"lamella_manifest": 2}')
    done = run("verify", "a")
    assert done.returncode == 1 and b"format 2" in done.stderr
    done = run("write", "a", "--manifest", stdin=b"2")
    assert done.returncode == 1 and (tmp_path / "a").read_bytes() == b"1"


def test_the_manifest_lies_beside_what_a_symlink_leads_to(run, tmp_path, verdict):
    os.mkdir(tmp_path / "d")
    os.symlink("d/t", tmp_path / "a")
    assert run("write", "a", "--manifest", stdin=b"1").returncode == 0
    assert sorted(os.listdir(tmp_path / "d")) == ["t", "t.manifest.json"]
    assert verdict() == ("ok", 0)
    assert sorted(os.listdir(tmp_path)) == ["a", "d"]


def test_a_name_too_long_for_a_manifest(run, tmp_path):
    assert run("write", "n" * 241, "--manifest", stdin=b"1").returncode == 0
    done = run("write", "n" * 242, "--manifest", stdin=b"1")
    assert done.returncode == 2 and b"too long" in done.stderr
    assert len(os.listdir(tmp_path)) == 2


def test_a_name_that_is_not_utf8(run, tmp_path):
    name = b"\xff\n"
    assert run("write", name, "--manifest", stdin=b"1").returncode == 0
    told = json.loads(run("verify", name, "--json").stdout)["results"][0]
    assert told["verdict"] == "ok" and bytes.fromhex(told["path_hex"]) == name


def test_values_that_are_not_utf8_are_refused(run, tmp_path):
    done = run("write", "a", "--manifest", b"k=\xff", stdin=b"1")
    assert done.returncode == 2 and os.listdir(tmp_path) == []
    assert run("write", "a", "--manifest", "k=1", "k=2", stdin=b"1").returncode == 2
    assert run("write", "a", "--manifest", "--checksum=none", stdin=b"1").returncode == 2


def test_a_failed_publication_leaves_no_stale_manifest(run, tmp_path, verdict):
    run("write", "a", "--manifest", stdin=b"1")
    assert run("write", "a", "--manifest", "--if-absent", stdin=b"2").returncode == 5
    assert verdict() == ("ok", 0)


def test_several_paths(run, tmp_path):
    for name in "abc":
        run("write", name, "--manifest", stdin=name.encode())
    (tmp_path / "b").unlink()
    run("write", "c", stdin=b"else")
    done = run("verify", "a", "b", "c")
    assert done.returncode == 9
    assert [line.split() for line in done.stdout.decode().splitlines()] == [["ok", "a"], ["missing", "b"], ["stale", "c"]]
    assert len(done.stderr.splitlines()) == 2
    os.truncate(tmp_path / "a", 0)
    assert run("verify", "a", "b", "c").returncode == 3


def test_a_thing_that_is_no_file(run):
    assert run("verify", "/dev/null").returncode == 1


# Contents.


@pytest.fixture
def parquet(run, tmp_path):
    pa = pytest.importorskip("pyarrow")
    pq = pytest.importorskip("pyarrow.parquet")
    path = tmp_path / "t.parquet"
    table = pa.table({"id": range(100), "name": [f"n{i % 7}" for i in range(100)]})
    pq.write_table(table, path, compression="none", write_page_checksum=True, use_dictionary=["name"])
    return path


def damage(path, before):
    data = bytearray(path.read_bytes())
    data[data.index(before) + len(before) - 1] ^= 1
    path.write_bytes(data)


def test_a_table_needs_no_manifest(run, parquet, verdict):
    assert verdict("t.parquet") == ("ok", 0)
    assert verdict("t.parquet", "--contents", "never") == ("manifest_missing", 9)


def test_problems_are_told_with_their_place(run, parquet):
    damage(parquet, (20).to_bytes(8, "little"))
    damage(parquet, b"n3")
    done = run("verify", "t.parquet")
    lines = done.stdout.decode().splitlines()
    assert done.returncode == 3 and len(lines) == 3
    assert lines[0].startswith("t.parquet: row group 0, column id, page 0: page: the page's CRC is ")
    assert lines[1].startswith("t.parquet: row group 0, column name, page 0: page: the page's CRC is ")
    assert lines[2].split() == ["corrupt", "t.parquet"]
    told = json.loads(run("verify", "t.parquet", "--json").stdout)
    result = told["results"][0]
    places = [(p["row_group"], p["column"], p["page"], p["kind"]) for p in result["problems"]]
    assert places == [(0, "id", 0, "page"), (0, "name", 0, "page")]
    assert result["verdict"] == "corrupt" and result["contents"]["problems"] == 2
    assert told["exit"] == 3 and "row group 0, column id, page 0" in told["message"]


def test_manifest_and_contents_both_count(run, parquet, tmp_path, verdict):
    run("write", "a.parquet", "--manifest", stdin=parquet.read_bytes())
    assert verdict("a.parquet") == ("ok", 0)
    data = parquet.read_bytes()
    parquet.write_bytes(data.replace(b"n3", b"n4"))
    run("write", "a.parquet", "--manifest", stdin=parquet.read_bytes())
    assert verdict("a.parquet", "--contents", "never") == ("ok", 0)
    assert verdict("a.parquet") == ("corrupt", 3)


def test_tables_in_a_directory_are_looked_into_when_asked(run, parquet, tmp_path):
    (tmp_path / "src").mkdir()
    damage(parquet, b"n3")
    shutil.copy(parquet, tmp_path / "src" / "x.parquet")
    (tmp_path / "src" / "note").write_bytes(b"no table")
    assert run("publish-dir", "src", "out", "--manifest").returncode == 0
    assert run("verify", "out").returncode == 0
    done = run("verify", "out", "--contents", "always")
    assert done.returncode == 3
    assert done.stdout.startswith(b"out/x.parquet: row group 0, column name, page 0: page: ")


def test_an_arrow_file_is_read_to_its_end(run, tmp_path, verdict):
    pa = pytest.importorskip("pyarrow")
    with pa.ipc.new_file(tmp_path / "t.arrow", pa.schema([("s", pa.string())])) as out:
        out.write_table(pa.table({"s": ["abc", "def"]}))
    assert verdict("t.arrow") == ("ok", 0)
    damage(tmp_path / "t.arrow", b"abcd")
    data = (tmp_path / "t.arrow").read_bytes()
    (tmp_path / "t.arrow").write_bytes(data.replace(b"abce", b"ab\xffd"))
    assert run("verify", "t.arrow").returncode == 3


def test_an_encrypted_table_cannot_be_judged(run, tmp_path):
    (tmp_path / "e.parquet").write_bytes(b"PARE" + bytes(20) + b"PARE")
    done = run("verify", "e.parquet")
    assert done.returncode == 1 and b"encrypted" in done.stderr


def test_untrue_claims_about_sound_values_are_told_apart(run, parquet):
    """A maximum that is not one: every value can be read."""
    data = parquet.read_bytes()
    assert data.count((99).to_bytes(8, "little")) >= 3  # the value, and the bounds that the footer and the page tell
    at = data.rindex((99).to_bytes(8, "little"))
    parquet.write_bytes(data[:at] + (98).to_bytes(8, "little") + data[at + 8 :])
    done = run("verify", "t.parquet")
    lines = done.stdout.decode().splitlines()
    assert done.returncode == 3 and ": statistics: " in lines[0], done.stdout
    assert lines[-2] == "t.parquet: all values can be read; what the file tells of them is untrue"
    contents = json.loads(run("verify", "t.parquet", "--json").stdout)["results"][0]["contents"]
    assert (contents["problems"] > 0, contents["damage"]) == (True, 0)
    damage(parquet, (20).to_bytes(8, "little"))
    assert b"can be read" not in run("verify", "t.parquet").stdout
