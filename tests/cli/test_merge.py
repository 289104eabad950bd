"""lamella merge: many parts become one file, equal byte for byte to what a slow and plain reference makes of them."""
import csv
import gzip
import hashlib
import io
import json
import os
import random
import signal
import subprocess
import sys
import time

import pytest

pa = pytest.importorskip("pyarrow")

BOM = b"\xef\xbb\xbf"
KILLS = 10 if os.environ.get("LAMELLA_COMMAND") else 60


def zstd(data):
    return pa.compress(data, codec="zstd", asbytes=True)


def unzstd(data):
    return pa.CompressedInputStream(pa.BufferReader(data), "zstd").read()


PACK = {"": lambda data: data, ".gz": gzip.compress, ".zst": zstd}
UNPACK = {"": lambda data: data, ".gz": gzip.decompress, ".zst": unzstd}


def same(got, expected, *where):
    """Not ==, whose report compares line by line for minutes."""
    if got == expected:
        return
    at = next((at for at, (a, b) in enumerate(zip(got, expected)) if a != b), min(len(got), len(expected)))
    begin = max(0, at - 40)
    pytest.fail(f"{where}: byte {at} of {len(got)} ({len(expected)}): {got[begin : at + 40]!r} is not {expected[begin : at + 40]!r}")


# ---- the reference ----


def record_end(text):
    """Where the first record ends, with its line's end; and that."""
    quoted, begins = False, True
    for at, char in enumerate(text):
        if quoted:
            quoted = char != '"'
            begins = not quoted
        elif char == '"' and begins:
            quoted = True
        elif char == "\n":
            return at + 1, "\n"
        elif char == "\r":
            return (at + 2, "\r\n") if text[at + 1 : at + 2] == "\n" else (at + 1, "\r")
        else:
            begins = char == ","
    return len(text), ""


def reference(parts, kind, header):
    """The parts, decompressed, as one; header: True, False, or the text of one for parts that have none."""
    kept = []
    for part in parts:
        body = part[3:] if part.startswith(BOM) else part
        if (body if kind == "text" else body.strip(b"\r\n")) == b"":
            continue
        end = (record_end(body.decode("latin-1")) if kind == "csv" else (0, plain_end(body)))[1]
        kept.append((part.startswith(BOM), body, end))
    usual = next((end for _, _, end in kept if end), "\n")
    out = b""
    for turn, (bom, body, end) in enumerate(kept):
        end = (end or usual).encode()
        if turn == 0 and bom:
            out += BOM
        if turn == 0 and isinstance(header, str):
            out += header.encode() + end
        if turn > 0 and header is True:
            body = body[record_end(body.decode("latin-1"))[0] :]
        out += body
        if body and not body.endswith(b"\n") and not (end == b"\r" and body.endswith(b"\r")):
            out += end
    if not kept and isinstance(header, str):
        out = header.encode() + b"\n"
    return out


def plain_end(body):
    at = body.find(b"\n")
    return "" if at < 0 else "\r\n" if body[at - 1 : at] == b"\r" else "\n"


# ---- generated parts ----


def cell(rng):
    return rng.choice(
        ["7", "-1.50", "007", "x", "Ünï", "", '"a,b"', '"two\nlines"', '"say ""so"""', "a b", '"cr\r\nlf"', "1e5", "o'clock"]
    )


def rows(rng, count, columns, end):
    return end.join(",".join([str(rng.randrange(10**6))] + [cell(rng) for _ in range(columns - 1)]) for _ in range(count))


def csv_part(rng, header, columns, end, compressed):
    if rng.random() < 0.15:
        return rng.choice([b"", b"\n", b"\r\n\r\n", BOM])
    text = rows(rng, rng.choice([0, 1, 2, 50, 2000]) if header else rng.choice([1, 2, 50, 2000]), columns, end)
    if header:
        text = header + (end + text if text else "")
    if rng.random() < 0.8:
        text += end
    return (BOM if rng.random() < 0.2 else b"") + text.encode()


def csv_case(rng):
    columns = rng.randrange(1, 5)
    ends = [rng.choice(["\n", "\n", "\r\n"])]
    if rng.random() < 0.1:
        ends = ["\n", "\r\n"]
    names = [rng.choice(["user id", "produkt", '"a,b"', '"two\nlines"', "ß"]) for _ in range(columns)]
    has = rng.choice([True, False, "given"])
    own = ",".join(names) if has is True else None
    parts = [csv_part(rng, own, columns, rng.choice(ends), False) for _ in range(rng.choice([0, 1, 2, 3, 20]))]
    if has is True:
        return parts, True, ["--header", rng.choice(["auto", "yes"])]
    if has is False:
        return parts, False, rng.choice([[], ["--header", "no"]])
    given = ",".join(f"c{i}" for i in range(columns))
    return parts, given, ["--header", given]


def lines_case(rng, kind):
    def line():
        return json.dumps({"a": rng.randrange(1000), "t": "x\ny"}) if kind == "jsonl" else rng.choice(["x", "", "a,b", '"', "7"])

    parts = []
    for _ in range(rng.choice([0, 1, 2, 3, 20])):
        end = rng.choice(["\n", "\n", "\r\n"])
        text = end.join(line() for _ in range(rng.choice([0, 1, 2, 300])))
        text += rng.choice(["", end]) if text else rng.choice(["", end])
        parts.append((BOM if rng.random() < 0.1 else b"") + text.encode())
    return parts, False, []


def write_parts(folder, parts, suffix, packs, rng):
    folder.mkdir()
    for number, part in enumerate(parts):
        pack = rng.choice(packs)
        path = folder / f"part-{number:05d}-c000{suffix}{pack}"
        data = PACK[pack](part)
        if pack and part and rng.random() < 0.3:  # several members
            middle = len(part) // 2
            data = PACK[pack](part[:middle]) + PACK[pack](part[middle:])
        path.write_bytes(data)
    (folder / "_SUCCESS").write_bytes(b"")
    (folder / ".part-00000.crc").write_bytes(b"crc")
    return folder


@pytest.mark.parametrize("seed", range(60))
def test_generated_parts_equal_the_reference(run, tmp_path, seed):
    rng = random.Random(seed)
    packs = [""] if rng.random() < 0.5 else ["", ".gz", ".zst"]
    for turn in range(5):
        kind = rng.choice(["csv", "csv", "csv", "jsonl", "text"])
        parts, header, words = csv_case(rng) if kind == "csv" else lines_case(rng, kind)
        suffix = {"csv": ".csv", "jsonl": ".jsonl", "text": ".txt"}[kind]
        folder = write_parts(tmp_path / f"in{turn}", parts, suffix, packs, rng)
        pack = rng.choice(packs)
        out = tmp_path / f"out{turn}{suffix}{pack}"
        if parts:
            words = words + rng.choice([[], ["--checksum", "sha256"], ["--checksum", "crc32c"], ["--manifest"]])
        done = run("merge", folder, out, *words, "--json")
        told = json.loads(done.stdout)
        if not parts:
            assert done.returncode == 9 and b"no file is in this directory" in done.stderr
            continue
        assert done.returncode == 0, done.stderr.decode()
        expected = reference(parts, kind, header)
        same(UNPACK[pack](out.read_bytes()), expected, seed, turn, words)
        assert told["parts"] == len(parts)
        if "checksum" in told and told["checksum"].startswith("sha256:"):
            assert told["checksum"] == "sha256:" + hashlib.sha256(out.read_bytes()).hexdigest()
        assert len(os.listdir(folder)) == len(parts) + 2, "sources are kept"


@pytest.mark.parametrize("seed", range(12))
def test_rows_are_counted(run, tmp_path, seed):
    rng = random.Random(1000 + seed)
    parts, header, words = csv_case(rng)
    while len(parts) < 2:
        parts, header, words = csv_case(rng)
    folder = write_parts(tmp_path / "in", parts, ".csv", ["", ".gz"], rng)
    done = run("merge", folder, "out.csv", *words, "--rows", "--json", "--manifest")
    assert done.returncode == 0, done.stderr.decode()
    text = (tmp_path / "out.csv").read_bytes().removeprefix(BOM).decode()
    count = sum(1 for row in csv.reader(io.StringIO(text, newline="")) if row)
    count -= (header is not False) and count > 0
    assert json.loads(done.stdout)["rows"] == count
    assert json.loads((tmp_path / "out.csv.manifest.json").read_bytes())["rows"] == count


def test_300_parts_in_all_orders(run, tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    rng = random.Random(5)
    names = [f"part-{n}" for n in rng.sample(range(1200), 300)]
    for turn, name in enumerate(names):
        (folder / name).write_text(f"{name}\n")
        os.utime(folder / name, ns=(0, 10**18 + turn * 1000))
    number = lambda name: int(name[5:])  # noqa: E731
    for order, expected in {
        "auto": sorted(names, key=number),
        "part": sorted(names, key=number),
        "natural": sorted(names, key=number),
        "name": sorted(names),
        "time": names,
        "listed": sorted(names, key=number),
    }.items():
        assert run("merge", folder, "out.txt", "--order", order).returncode == 0
        assert (tmp_path / "out.txt").read_text().split() == expected, order
    listed = rng.sample(names, 300)
    text = "\n".join(f"in/{name}" for name in listed).encode()
    assert run("merge", "out.txt", "--from-list", "-", "--order", "listed", stdin=text).returncode == 0
    assert (tmp_path / "out.txt").read_text().split() == listed
    (tmp_path / "list").write_bytes(text.replace(b"\n", b"\r\n\n"))
    assert run("merge", "--from-list", "list", "out.txt").returncode == 0
    assert (tmp_path / "out.txt").read_text().split() == sorted(names, key=number)
    done = run("merge", "in/*", "out.txt", "--dry-run", "--json")
    plan = json.loads(done.stdout)
    assert [part["path"] for part in plan["parts"]] == [f"in/{name}" for name in sorted(names, key=number)]
    assert plan["order"] == "part" and plan["strategy"] == "copy" and plan["client_bytes"] == 0


def test_files_stay_as_they_are_named(run, tmp_path):
    for name in ("b.txt", "a.txt", "c10.txt", "c9.txt"):
        (tmp_path / name).write_text(name + "\n")
    assert run("merge", "b.txt", "c*.txt", "a.txt", "out").returncode == 0
    assert (tmp_path / "out").read_text().split() == ["b.txt", "c9.txt", "c10.txt", "a.txt"]
    assert run("merge", "b.txt", "a.txt", "out", "--order", "part").returncode == 2
    done = run("merge", "b.txt", "*.txt", "out")
    assert done.returncode == 2 and b"b.txt is twice among the sources" in done.stderr


def parts_of(tmp_path, **files):
    folder = tmp_path / "in"
    folder.mkdir(exist_ok=True)
    for name, data in files.items():
        (folder / f"{name}.csv").write_bytes(data)
    return folder


def test_a_header_that_differs_is_named(run, tmp_path):
    folder = parts_of(tmp_path, p1=b"id,name\n1,x\n", p2=b"id,nome\n2,y\n")
    for words in ([], ["--header", "yes"]):
        done = run("merge", folder, "out.csv", *words)
        assert done.returncode == 3
        assert b"p2.csv: column 2 of its first line is 'nome', and of the header, in " in done.stderr
        assert b"'name'" in done.stderr and not (tmp_path / "out.csv").exists()
    (folder / "p2.csv").write_bytes(b"id\n2\n")
    assert b"has 1 columns, and the header" in run("merge", folder, "out.csv").stderr
    (folder / "p2.csv").write_bytes(b'id,"name"\n2,y\n')
    assert b"is written otherwise" in run("merge", folder, "out.csv").stderr


def test_a_mixture_is_refused_either_way(run, tmp_path):
    folder = parts_of(tmp_path, p1=b"id,name\n1,x\n", p2=b"2,y\n", p3=b"id,name\n3,z\n")
    done = run("merge", folder, "out.csv")
    assert done.returncode == 3 and b"p2.csv" in done.stderr and b"--header no" in done.stderr
    (folder / "p1.csv").write_bytes(b"1,x\n")
    done = run("merge", folder, "out.csv")
    assert done.returncode == 3 and b"p3.csv" in done.stderr
    assert run("merge", folder, "out.csv", "--header", "no").returncode == 0
    assert (tmp_path / "out.csv").read_bytes() == b"1,x\n2,y\nid,name\n3,z\n"


def test_words_are_no_header_unless_all_begin_with_them(run, tmp_path):
    folder = parts_of(tmp_path, p1=b"oslo,norway\nrome,italy\n", p2=b"bern,switzerland\nparis,france\n")
    assert run("merge", folder, "out.csv").returncode == 0
    assert (tmp_path / "out.csv").read_bytes().count(b"\n") == 4
    folder = parts_of(tmp_path, p1=b"7,8\n1,2\n", p2=b"7,8\n3,4\n")
    done = run("merge", folder, "out.csv", "--dry-run")
    assert b"header: none" in done.stdout and b"--header yes makes it one" in done.stdout
    assert run("merge", folder, "out.csv", "--header", "yes").returncode == 0
    assert (tmp_path / "out.csv").read_bytes() == b"7,8\n1,2\n3,4\n"


def test_a_given_header_has_to_fit(run, tmp_path):
    folder = parts_of(tmp_path, p1=b"1,2,3\n", p2=b"4,5,6\n")
    done = run("merge", folder, "out.csv", "--header", "a,b")
    assert done.returncode == 3 and b"has 2 columns, and " in done.stderr
    done = run("merge", folder, "out.csv", "--header", "a,b,c\nd")
    assert done.returncode == 2 and b"is not one line" in done.stderr
    parts_of(tmp_path, p1=b"a,b,c\n1,2,3\n", p2=b"a,b,c\n4,5,6\n")
    done = run("merge", folder, "out.csv", "--header", "x,y,z")
    assert done.returncode == 3 and b"a header of their own" in done.stderr
    assert run("merge", folder, "out.csv", "--header", "a,b,c").returncode == 0
    assert (tmp_path / "out.csv").read_bytes() == b"a,b,c\n1,2,3\n4,5,6\n"


def test_an_unfinished_job_is_refused(run, tmp_path):
    folder = parts_of(tmp_path, p1=b"1\n")
    done = run("merge", folder, "out.csv", "--require-success")
    assert done.returncode == 4 and b"there is no _SUCCESS" in done.stderr
    (folder / "_SUCCESS").touch()
    assert run("merge", folder, "out.csv", "--require-success").returncode == 0
    (folder / "_temporary").mkdir()
    for source in (folder, "in/*.csv", "in/p1.csv"):
        done = run("merge", source, "out.csv")
        assert done.returncode == 4 and b"_temporary is there" in done.stderr
    assert run("merge", folder, "out.csv", "--allow-unfinished").returncode == 0


def test_what_cannot_be_joined_is_refused(run, tmp_path):
    folder = parts_of(tmp_path, p1=b"a,b\n1,2\n")
    assert run("merge", folder, "out.parquet").returncode == 2
    assert run("merge", folder, "out.jsonl").returncode == 2
    assert run("merge", "nowhere", "out.csv").returncode == 9
    assert run("merge", "in/*.tsv", "out.csv").returncode == 9
    assert run("merge", "in/p1.csv", "in/p1.csv").returncode == 2
    assert run("merge", "out.csv").returncode == 2
    for data, what in {
        b"PAR1xxxxPAR1": b"is Parquet, among parts that are text",
        b"ARROW1\0\0": b"an Arrow file",
        b"BZh91AY": b"bzip2",
        b"\xff\xfea\0": b"UTF-16",
    }.items():
        (folder / "p2.csv").write_bytes(data)
        done = run("merge", folder, "out.csv")
        assert done.returncode in (1, 3) and what in done.stderr, done.stderr
        assert b"p2.csv" in done.stderr
    (folder / "p2.csv").unlink()
    (folder / "p3.jsonl").write_bytes(b"{}\n")
    done = run("merge", folder, "out.csv")
    assert done.returncode == 3 and b"p3.jsonl is jsonl" in done.stderr


def test_damaged_compressed_parts_are_told(run, tmp_path):
    whole = gzip.compress(b"1,2\n" * 5000)
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "p1.csv.gz").write_bytes(whole)
    for bad in (whole[:-9], whole[:-6] + b"xxxxxx"):
        (folder / "p2.csv.gz").write_bytes(bad)
        for out in ("out.csv", "out.csv.gz"):
            done = run("merge", folder, out)
            assert done.returncode == 3 and b"p2.csv.gz" in done.stderr, (done.stderr, out)
            assert not (tmp_path / out).exists()
    assert run("merge", folder, "out.csv.gz", "--trust-parts").returncode == 0  # as it was asked


def test_compressed_parts_are_joined_as_they_are(run, tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    members = [gzip.compress(b"%d,x" % n + b"\n" * (n != 2)) for n in range(4)]
    for number, data in enumerate(members):
        (folder / f"part-{number}.csv.gz").write_bytes(data)
    assert run("merge", folder, "out.csv.gz").returncode == 0
    data = (tmp_path / "out.csv.gz").read_bytes()
    assert gzip.decompress(data) == b"0,x\n1,x\n2,x\n3,x\n"
    assert data.startswith(members[0] + members[1] + members[2]) and data.endswith(members[3])
    done = run("merge", folder, "out.csv.gz", "--dry-run")
    assert b"--trust-parts" in done.stdout
    assert run("merge", folder, "out.csv.gz", "--trust-parts").returncode == 0
    assert (tmp_path / "out.csv.gz").read_bytes() == b"".join(members)
    # Headers: encoded again.
    for number in range(3):
        (folder / f"part-{number}.csv.gz").write_bytes(gzip.compress(b"a,b\n%d,x\n" % number * 1))
    (folder / "part-3.csv.gz").write_bytes(gzip.compress(b"a,b\n"))
    assert run("merge", folder, "out.csv.gz").returncode == 0
    assert gzip.decompress((tmp_path / "out.csv.gz").read_bytes()) == b"a,b\n0,x\n1,x\n2,x\n"


def test_conditions_and_the_destination_among_the_parts(run, tmp_path):
    folder = parts_of(tmp_path, p1=b"1\n", p2=b"2\n")
    assert run("merge", folder, "in/all.csv", "--if-absent").returncode == 0
    assert run("merge", folder, "in/all.csv", "--if-absent").returncode == 5
    (folder / "p3.csv").write_bytes(b"3\n")
    assert run("merge", folder, "in/all.csv").returncode == 0  # the result is no part of itself
    assert (folder / "all.csv").read_bytes() == b"1\n2\n3\n"
    sum_ = "sha256:" + hashlib.sha256(b"1\n2\n3\n").hexdigest()
    assert run("merge", folder, "in/all.csv", "--if-match", "sha256:" + "0" * 64).returncode == 4
    assert run("merge", folder, "in/all.csv", "--if-match", sum_, "--manifest", "by=test").returncode == 0
    assert run("verify", "in/all.csv").returncode == 0


def test_memory_is_bounded(lamella, tmp_path):
    if os.environ.get("LAMELLA_COMMAND"):
        pytest.skip("a sanitized command needs more")
    folder = tmp_path / "in"
    folder.mkdir()
    block = b"12345678,87654321,0.5\n" * 50_000
    for number in range(20):
        (folder / f"part-{number}.csv").write_bytes(block * 4)
    (folder / "part-20.csv.gz").write_bytes(gzip.compress(block * 20, 1))
    for out in ("out.csv", "out.csv.gz", "out.csv.zst"):
        code = (
            "import resource, subprocess, sys\n"
            "subprocess.run(sys.argv[1:], check=True)\n"
            "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
        )
        done = subprocess.run(
            [sys.executable, "-c", code, lamella, "merge", folder, tmp_path / out, "--rows", "--threads", "2"],
            capture_output=True, text=True, check=True, timeout=120,
        )
        assert int(done.stdout.split()[-1]) < 32 * 1024, out


def test_100_000_parts(lamella, tmp_path):
    if os.environ.get("LAMELLA_COMMAND"):
        pytest.skip("slow with a sanitized command")
    listed = tmp_path / "list"
    (tmp_path / "in").mkdir()
    (tmp_path / "in/x").write_bytes(b"1\n")
    with open(listed, "w") as out:
        for number in range(100_000):
            path = f"in/part-{number:05d}"
            os.link(tmp_path / "in/x", tmp_path / path)  # one file under many names
            if number % 60_000 == 59_999:  # as many as the file system lets it have
                (tmp_path / "in/x").unlink()
                (tmp_path / "in/x").write_bytes(b"1\n")
            out.write(path + "\n")
    done = subprocess.run([lamella, "merge", "in/part-*", "out.txt", "--dry-run", "--json"], cwd=tmp_path,
                          capture_output=True, timeout=120)
    assert json.loads(done.stdout)["bytes"] == 200_000


# ---- what goes wrong ----


def test_a_full_disk_leaves_everything(lamella, tmp_path):
    folder = parts_of(tmp_path, p1=b"1\n" * 500_000, p2=b"2\n" * 500_000)
    (tmp_path / "out.csv").write_bytes(b"old")
    for words in ([], ["--delete-sources"], ["--checksum", "crc32c"]):
        done = subprocess.run(
            ["bash", "-c", 'ulimit -f 1000; trap "" XFSZ; exec "$@"', "-", lamella, "merge", folder, "out.csv", *words],
            cwd=tmp_path, capture_output=True, timeout=60,
        )
        assert done.returncode == 1, done.stderr
        assert (tmp_path / "out.csv").read_bytes() == b"old"
        assert sorted(os.listdir(folder)) == ["p1.csv", "p2.csv"]
        assert sorted(os.listdir(tmp_path)) == ["in", "out.csv"]


def test_a_changed_part_fails_the_merge(lamella, tmp_path):
    folder = parts_of(tmp_path, p1=b"1\n" * 10)
    big = folder / "p2.csv"
    big.write_bytes(b"2\n" * 60_000_000)
    (tmp_path / "out.csv").write_bytes(b"old")
    process = subprocess.Popen([lamella, "merge", "in", "out.csv", "--checksum", "sha256", "--delete-sources"], cwd=tmp_path,
                               stderr=subprocess.PIPE)
    time.sleep(0.05)
    (folder / "p1.csv").write_bytes(b"3\n" * 10)
    _, told = process.communicate(timeout=60)
    if process.returncode == 0:
        pytest.skip("the merge was faster")
    assert process.returncode == 4 and b"p1.csv" in told
    assert (tmp_path / "out.csv").read_bytes() == b"old"
    assert sorted(os.listdir(folder)) == ["p1.csv", "p2.csv"]


def test_sources_are_deleted_after_the_commit(run, tmp_path):
    folder = parts_of(tmp_path, p1=b"1\n", p2=b"", p3=b"3\n")
    (folder / "_SUCCESS").touch()
    done = run("merge", folder, "out.csv", "--delete-sources", "--json")
    assert done.returncode == 0 and json.loads(done.stdout)["deleted"] == 3
    assert (tmp_path / "out.csv").read_bytes() == b"1\n3\n"
    assert os.listdir(folder) == ["_SUCCESS"]
    done = run("merge", folder, "out.csv", "--resume")
    assert done.returncode == 9  # nothing was interrupted, and nothing is there
    assert (tmp_path / "out.csv").read_bytes() == b"1\n3\n"


def test_killed_and_resumed(lamella, tmp_path):
    """At random moments; then the result is whole, and every row is in a part or in the result."""
    rng = random.Random(3)
    words = [lamella, "merge", "in", "out.csv", "--delete-sources"]
    folder = tmp_path / "in"
    folder.mkdir()
    interrupted = 0
    for turn in range(KILLS):
        for path in [*folder.iterdir(), tmp_path / "out.csv"]:
            path.unlink(missing_ok=True)
        (tmp_path / "out.csv").write_bytes(b"old")
        for number in range(200):
            (folder / f"part-{number:05d}.csv").write_bytes(b"id,turn\n%d,%d\n" % (number, turn))
        expected = b"id,turn\n" + b"".join(b"%d,%d\n" % (number, turn) for number in range(200))
        process = subprocess.Popen(words, cwd=tmp_path, stderr=subprocess.PIPE)
        time.sleep(rng.uniform(0, 0.02))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        out = (tmp_path / "out.csv").read_bytes()
        assert out in (b"old", expected)
        left = [path for path in folder.iterdir() if path.name.startswith("part-")]
        assert len(left) == 200 or out == expected, "a part is gone and the result is not there"
        journal = (folder / ".lamella-merge.journal").exists()
        if journal:
            interrupted += 1
            done = subprocess.run(words, cwd=tmp_path, capture_output=True, timeout=60)
            assert done.returncode == 4 and b"--resume carries it on" in done.stderr
            done = subprocess.run([lamella, "count", "in"], cwd=tmp_path, capture_output=True, timeout=60)
            assert done.returncode == 4 or not left, done.stderr
        if left or journal:
            done = subprocess.run([*words, "--resume"], cwd=tmp_path, capture_output=True, timeout=60)
            assert done.returncode == 0, done.stderr
        assert (tmp_path / "out.csv").read_bytes() == expected
        assert list(folder.iterdir()) == []
    print(interrupted, "of", KILLS, "left a journal")


def test_the_journal_guards_and_tells(run, tmp_path):
    folder = parts_of(tmp_path, p1=b"1\n", p2=b"2\n")
    (folder / ".lamella-merge.journal").write_bytes(b"damaged")
    for source in (folder, "in/*.csv", "in/p1.csv"):
        done = run("merge", source, "out.csv", "--resume")
        assert done.returncode == 3 and b"cannot be read" in done.stderr
    done = run("cat", folder)
    assert done.returncode == 4 and b"--resume" in done.stderr


# ---- Parquet ----


def parquet_parts(tmp_path, count=5):
    pq = pytest.importorskip("pyarrow.parquet")
    folder = tmp_path / "pin"
    folder.mkdir()
    tables = []
    for number in range(count):
        table = pa.table({"id": pa.array(range(number * 1000, number * 1000 + 1000)), "name": [f"n{i % 7}" for i in range(1000)]})
        tables.append(table)
        pq.write_table(table, folder / f"part-{number:05d}-c000.snappy.parquet")
    (folder / "_SUCCESS").touch()
    return folder, pa.concat_tables(tables)


@pytest.mark.parametrize("words", [[], ["--rewrite"], ["--manifest"], ["--delete-sources"]])
def test_parquet_parts(run, tmp_path, words):
    pq = pytest.importorskip("pyarrow.parquet")
    folder, table = parquet_parts(tmp_path)
    (folder / "part-00009-c000.snappy.parquet").touch()  # nothing in it
    plan = json.loads(run("merge", folder, "out.parquet", *words, "--dry-run", "--json").stdout)
    assert plan["format"] == "parquet" and plan["strategy"] == ("stream" if words in (["--rewrite"], ["--manifest"]) else "copy")
    done = run("merge", folder, "out.parquet", *words, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["rows"] == 5000
    assert pq.read_table(tmp_path / "out.parquet").equals(table)
    assert pq.ParquetFile(tmp_path / "out.parquet").num_row_groups == (1 if words == ["--rewrite"] else 5)
    assert run("verify", "out.parquet").returncode == 0
    assert len(os.listdir(folder)) == (1 if words == ["--delete-sources"] else 7)


def test_parquet_parts_that_do_not_fit(run, tmp_path):
    pq = pytest.importorskip("pyarrow.parquet")
    folder, _ = parquet_parts(tmp_path, 2)
    assert run("merge", folder, "out.csv").returncode == 2
    assert run("merge", folder, "out.parquet", "--compression", "gzip").returncode == 2
    (folder / "part-00003.parquet").write_bytes(b"1,2\n")
    done = run("merge", folder, "out.parquet")
    assert done.returncode == 3 and b"part-00003.parquet is no Parquet" in done.stderr
    pq.write_table(pa.table({"id": ["x"], "name": ["y"]}), folder / "part-00003.parquet")
    done = run("merge", folder, "out.parquet")
    assert done.returncode == 3 and b"part-00003.parquet" in done.stderr and b"id" in done.stderr
    assert not (tmp_path / "out.parquet").exists()


def test_small_row_groups_are_written_anew_and_metadata_goes_by_the_option(run, tmp_path):
    pq = pytest.importorskip("pyarrow.parquet")
    folder = tmp_path / "some"
    folder.mkdir()
    tables = [pa.table({"a": range(at, at + rows)}) for at, rows in [(0, 1000), (1000, 10), (1010, 10), (1020, 2000)]]
    for number, table in enumerate(tables):
        own = table.replace_schema_metadata({"same": "1", "own": str(number)})
        pq.write_table(own, folder / f"part-{number}.parquet")
    plan = json.loads(run("merge", folder, "out.parquet", "--small-rows", "100", "--dry-run", "--json").stdout)
    assert any("2 row groups" in note and "2 of" in note for note in plan["notes"])
    for words, metadata in [([], {b"same": b"1"}), (["--kv-conflict", "first"], {b"same": b"1", b"own": b"0"})]:
        done = run("merge", folder, "out.parquet", "--small-rows", "100", "--codec", "zstd:1", *words)
        assert done.returncode == 0, done.stderr
        told = pq.ParquetFile(tmp_path / "out.parquet").metadata
        assert [told.row_group(i).num_rows for i in range(told.num_row_groups)] == [1000, 20, 2000]
        assert [told.row_group(i).column(0).compression for i in range(3)] == ["SNAPPY", "ZSTD", "SNAPPY"]
        kept = {key: value for key, value in told.metadata.items() if key != b"ARROW:schema"}
        assert kept == metadata
        assert pq.read_table(tmp_path / "out.parquet").equals(pa.concat_tables(tables))
    done = run("merge", folder, "out.parquet", "--kv-conflict", "refuse")
    assert done.returncode == 3 and b"own" in done.stderr
    done = run("merge", folder, "out.parquet", "--rewrite", "--row-group-rows", "500")
    assert pq.ParquetFile(tmp_path / "out.parquet").num_row_groups == 7
    assert run("merge", folder, "out.parquet", "--codec", "lzo").returncode == 2


def test_trusted_parts_are_not_looked_at_to_their_end(run, tmp_path):
    body = b"1,2\n" * 5000 + b"3,4"
    folder = parts_of(tmp_path, p1=body, p2=body)
    assert run("merge", folder, "out.csv", "--trust-parts").returncode == 0
    assert (tmp_path / "out.csv").read_bytes() == body + body  # as it was asked
    assert run("merge", folder, "out.csv").returncode == 0
    assert (tmp_path / "out.csv").read_bytes() == body + b"\n" + body + b"\n"


def test_a_quote_that_is_never_closed(run, tmp_path):
    """Behind an empty line, where once its length was taken for less than nothing."""
    folder = parts_of(tmp_path, p1=b'\n"a,b\n1,2\n', p2=b"3,4\n")
    assert run("merge", folder, "out.csv").returncode == 0
    assert (tmp_path / "out.csv").read_bytes() == b'\n"a,b\n1,2\n3,4\n'
    done = run("merge", folder, "out.csv", "--header", "yes")
    assert done.returncode == 3 and b"p1.csv" in done.stderr
    assert run("merge", folder, "out.csv", "--rows").returncode == 3


def test_a_prefix_of_versions_is_its_newest(run, tmp_path):
    for number in (1, 2):
        staged = tmp_path / "staged"
        staged.mkdir()
        for part in range(2):
            (staged / f"part-{part}.csv").write_bytes(b"%d,%d\n" % (number, part))
        assert run("publish-dir", "staged", "out", "--versioned", "--run-id", f"r{number}").returncode == 0
    assert run("merge", "out/", "all.csv").returncode == 0
    assert (tmp_path / "all.csv").read_bytes() == b"2,0\n2,1\n"
    done = run("merge", "out", "all.csv", "--delete-sources")
    assert done.returncode == 2 and b"--delete-sources" in done.stderr
    assert run("merge", "out/_runs/r1", "all.csv").returncode == 0
    assert (tmp_path / "all.csv").read_bytes() == b"1,0\n1,1\n"
