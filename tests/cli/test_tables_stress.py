"""Many processes append to one table while others compact, vacuum, overwrite or delete a partition, and read; and all of it
killed at random.

Every append that was acknowledged is there once, what was not acknowledged at most once, and each version is whole; the
partition that is overwritten has the rows of one overwrite, no older than the last that was acknowledged. The full measure (8 processes x 200 appends) is LAMELLA_STRESS=200, which `./dev test long` sets by tests/long/test_tables_stress.py.
"""
import json
import os
import pathlib
import random
import signal
import subprocess
import tempfile
import threading
import time

import pytest

WRITERS = 8
ROWS = 5  # of an append
DESCRIPTOR = {
    "name": "t",
    "schema_version": "1.0@2026-01-01",
    "columns": [{"name": "tick", "type": "int64", "nullable": False}, {"name": "id", "type": "int64"}],
    "partitioning": ["bucket"],
}


@pytest.fixture
def place():
    base = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=base, prefix="lamella-test-") as path:
        (pathlib.Path(path) / "registry").mkdir()
        (pathlib.Path(path) / "registry/t.json").write_text(json.dumps(DESCRIPTOR))
        yield pathlib.Path(path)


class Crowd:
    def __init__(self, lamella, place, appends, kills):
        self.lamella, self.place, self.appends, self.kills = lamella, place, appends, kills
        self.table = str(place / "r/t")
        self.acknowledged, self.tried, self.failures = set(), set(), []
        self.lock, self.writing = threading.Lock(), WRITERS
        self.reads = 0
        self.begun, self.replaced = 0, 0  # overwrites and deletes of one partition, by number; each third is a delete

    def call(self, *words, stdin=b"", kill=False):
        process = subprocess.Popen(
            [self.lamella, *map(str, words)], cwd=self.place, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )  # fmt: skip
        if kill and random.random() < 0.3:
            timer = threading.Timer(random.random() * 0.03, process.send_signal, [signal.SIGKILL])
            timer.start()
        out, err = process.communicate(stdin, timeout=100)
        return process.returncode, out, err.decode()

    def fail(self, text):
        with self.lock:
            self.failures.append(text)

    def append(self, number):
        """An append that was killed is tried again by its batch: it must not be there twice."""
        ids = range(number * ROWS, (number + 1) * ROWS)
        lines = "".join(json.dumps({"tick": i % 40, "id": i}) + "\n" for i in ids).encode()
        again = random.random() < 0.7
        self.tried.add(number)
        for _ in range(50):
            code, _, err = self.call(
                "append", "t", "-", "--root", ".", "--run-id", "r", "--registry", "registry", "--tick-bucket-size", 10,
                "--from", "jsonl", "--durability", "none", "--threads", 1, "--batch", number,
                "--any-order", stdin=lines,
                kill=self.kills,
            )  # fmt: skip
            if code == 0:
                self.acknowledged.add(number)
                return
            if code != -signal.SIGKILL:
                self.fail(f"append {number}: {code}: {err}")
                return
            if not again:
                return
        self.fail(f"append {number}: killed fifty times")

    def write(self, writer):
        try:
            for k in range(self.appends):
                self.append(k * WRITERS + writer)
        finally:
            with self.lock:
                self.writing -= 1

    def replace(self):
        """Overwrites a partition that no append goes to, or deletes it, until the writers are done."""
        options = ["--root", ".", "--run-id", "r", "--registry", "registry", "--tick-bucket-size", 10, "--from", "jsonl",
                   "--durability", "none", "--partitions", "bucket = 9"]  # fmt: skip
        while self.writing:
            number = self.begun = self.begun + 1
            ids = range(number * ROWS, (number + 1) * ROWS)
            lines = "".join(json.dumps({"tick": 90, "id": -i}) + "\n" for i in ids).encode()
            if number % 3 == 0:
                words = ["delete", self.table, "--where", "bucket = 9", "--durability", "none"]
            else:
                words = ["overwrite", "t", "-", *options]
            code, _, err = self.call(*words, stdin=lines if number % 3 else b"", kill=self.kills)
            if code == 0:
                self.replaced = number
            elif code != -signal.SIGKILL and "no Delta table" not in err and "No such file" not in err:
                self.fail(f"{words[0]}: {code}: {err}")
            time.sleep(0.02)

    def tend(self, *words):
        """Compacts, or vacuums, until the writers are done."""
        while self.writing:
            code, _, err = self.call(*words, kill=self.kills)
            if code not in (0, -signal.SIGKILL) and "no Delta table" not in err and "No such file" not in err:
                self.fail(f"{words[0]}: {code}: {err}")
            time.sleep(0.02)

    def read(self):
        """Whole appends only, each once, and none less than were acknowledged before."""
        while self.writing:
            before, replaced = set(self.acknowledged), self.replaced
            code, out, err = self.call("cat", self.table)
            if code != 0:
                if code == 9 and (not before or ".parquet" in err):
                    continue  # not there yet; or a vacuum without retention took an older version's part
                self.fail(f"cat: {code}: {err}")
                return
            self.look(out, before, replaced)
            self.reads += 1

    def look_at_replaced(self, ids, replaced):
        found = {-i // ROWS for i in ids}
        if len(found) > 1 or len(ids) not in (0, ROWS):
            self.fail(f"of overwrites there are {sorted(ids)}")
        if found and min(found) < replaced:
            self.fail(f"overwrite {found} is there, and {replaced} was acknowledged")
        if not found and replaced and not any(n % 3 == 0 for n in range(replaced, self.begun + 1)):
            self.fail(f"overwrite {replaced} was acknowledged, and nothing is there")

    def look(self, out, before, replaced):
        ids = [json.loads(line)["id"] for line in out.splitlines()]
        self.look_at_replaced([i for i in ids if i < 0], replaced)
        ids = [i for i in ids if i >= 0]
        found = {i // ROWS for i in ids}
        if len(ids) != len(set(ids)):
            self.fail("a row is there twice")
        if len(ids) != ROWS * len(found):
            self.fail("an append is there in part")
        if not before <= found:
            self.fail(f"acknowledged, and not there: {sorted(before - found)[:9]}")
        return found

    def check(self):
        if self.failures:
            pytest.fail("\n".join(self.failures[:5]), pytrace=False)

    def run(self):
        tending = [("compact", self.table, "--durability", "none"),
                   ("vacuum", self.table, "--retention", "0s", "--force")]  # fmt: skip
        threads = [threading.Thread(target=self.write, args=(w,)) for w in range(WRITERS)]
        threads += [threading.Thread(target=self.tend, args=words) for words in tending]
        threads += [threading.Thread(target=self.read) for _ in range(2)]
        threads += [threading.Thread(target=self.replace)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.check()
        code, out, err = self.call("cat", self.table)
        assert code == 0, err
        found = self.look(out, self.acknowledged, self.replaced)
        self.check()
        assert self.acknowledged <= found <= self.tried
        code, out, err = self.call("verify", self.table, "--json")
        if self.kills and code == 8:
            assert self.call("repair", self.table)[0] == 0
            code, out, err = self.call("verify", self.table, "--json")
        assert code == 0, out
        return json.loads(self.call("history", self.table, "--json")[1])["versions"]


APPENDS = int(os.environ.get("LAMELLA_STRESS", "6"))


def test_every_append_is_there_once(lamella, place):
    crowd = Crowd(lamella, place, APPENDS, False)
    crowd.run()
    assert len(crowd.acknowledged) == WRITERS * APPENDS and crowd.reads > 0 and crowd.replaced > 0


def test_with_everybody_killed_at_random(lamella, place):
    crowd = Crowd(lamella, place, APPENDS, True)
    crowd.run()
    assert crowd.acknowledged


def test_batches_of_a_run_that_meet_are_refused_or_there(lamella, place):
    """Numbers that do not rise, without --any-order: a refusal is right, an acknowledgement without the rows is not."""
    crowd = Crowd(lamella, place, 0, False)
    outcomes = {}

    def append(number):
        line = json.dumps({"tick": 1, "id": number}).encode()
        outcomes[number] = crowd.call(
            "append", "t", "-", "--root", ".", "--run-id", "r", "--registry", "registry", "--tick-bucket-size", 10,
            "--from", "jsonl", "--durability", "none", "--batch", number, stdin=line,
        )  # fmt: skip

    threads = [threading.Thread(target=append, args=(n,)) for n in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {code for code, _, _ in outcomes.values()} <= {0, 4}
    _, out, _ = crowd.call("cat", crowd.table)
    there = sorted(json.loads(line)["id"] for line in out.splitlines())
    assert there == sorted(n for n, (code, _, _) in outcomes.items() if code == 0)
