"""Tables and versions over a network that fails: each operation x each fault x each request, once and for good.

After each: who reads has the rows from before or those from after it, never some of both and none twice; what was said to
be done is; the same once more comes to the same end; and what is left beside the table gc and vacuum find.
"""

import itertools
import json
import time

import proxy as faulty
import pytest
from matrix import CONFLICT, EXISTS, FAILED, OK, UNKNOWN, badly_told, described, each_request, lamella, some_of

TRADES = {
    "name": "trades",
    "schema_version": "1.0@2026-01-01",
    "columns": [{"name": "tick", "type": "int64"}, {"name": "id", "type": "utf8"}],
    "partitioning": ["bucket"],
}
FIRST, NEXT = [[1, 11], [2, 12], [3]], [4, 14]
OLD = sorted(tick for batch in FIRST for tick in batch)
# the words; the rows after it; whether the table is there before
OPERATIONS = {
    "create": (["append", "--batch", "3"], NEXT, False),
    "append": (["append", "--batch", "3"], OLD + NEXT, True),
    "overwrite": (["overwrite", "--batch", "3"], NEXT, True),
    "compact": (["compact"], OLD, True),
    "vacuum": (["vacuum", "--retention", "1s", "--force"], OLD, True),
}
FAULTS = [fault for fault in faulty.FAULTS if fault not in ("safe-mode", "retriable", "silence", "nowhere")]
turn = itertools.count()


def rows_of(ticks):
    return b"".join(b'{"tick": %d, "id": "x"}\n' % tick for tick in ticks)


def tree_of(path):
    return {one.name: tree_of(one) if one.is_dir() else one.read_bytes() for one in path.iterdir()}


@pytest.fixture(scope="module")
def local(tmp_path_factory):
    """The registry, and tables to begin with, as trees."""
    made = tmp_path_factory.mktemp("tables")
    (made / "registry").mkdir()
    (made / "registry" / "trades.json").write_text(json.dumps(TRADES))
    for number, batch in enumerate(FIRST):
        done = run(["append", "--batch", str(number)], made / "root", made, batch)
        assert done.returncode == OK, done.stderr
    plain = tree_of(made / "root")
    table = str(made / "root" / "r" / "trades")
    assert lamella("compact", table).returncode == OK
    time.sleep(1.1)  # what it replaced is older than the retention of OPERATIONS
    return made, {"plain": plain, "vacuum": tree_of(made / "root")}


def run(words, root, local, ticks, more=()):
    """An operation on the table trades of run r."""
    if words[0] in ("append", "overwrite"):
        how = ["--root", str(root), "--run-id", "r", "--registry", str(local / "registry"), "--tick-bucket-size", "10"]
        return lamella(words[0], "trades", "-", *words[1:], *how, stdin=rows_of(ticks), more=more)
    return lamella(words[0], f"{root}/r/trades", *words[1:], more=more)


class Case:
    def __init__(self, web, name, place, local):
        self.web, self.name = web, name
        self.words, self.after, self.stands = OPERATIONS[name]
        self.before = OLD if self.stands else None
        self.local, trees = local
        self.place = f"{place}/{next(turn)}"
        self.web.make(self.place)
        if self.stands:
            self.web.put_tree(self.place, trees.get(name, trees["plain"]))

    @property
    def table(self):
        return f"{self.place}/r/trades"

    def run(self, url, more=()):
        return run(self.words, url + self.place, self.local, NEXT, more)

    def rows(self):
        """As a reader finds them; None where there is no table: a directory without a log is none."""
        if not any(name.endswith(".json") for name in self.web.names(f"{self.table}/_delta_log")):
            return None
        done = lamella("cat", "--columns", "tick", self.web.hdfs.url + self.table)
        assert done.returncode == OK, done.stderr
        return sorted(json.loads(line)["tick"] for line in done.stdout.splitlines())

    def problems(self, done, proxy):
        status, now = done.returncode, self.rows()
        wanted = sorted(self.after)
        yield from badly_told(status, done.stderr.decode(), (OK, FAILED, CONFLICT, UNKNOWN))
        if now not in (self.before, wanted):
            yield f"the rows are {now}"
        if status == OK and now != wanted:
            yield "said to be done, and is not"
        if status == FAILED and now != self.before:
            yield "said not to be done, and is"
        again = self.run(proxy.url)
        if again.returncode != OK:
            yield f"it fails the second time: {again.stderr.decode()}"
        if self.rows() != wanted:
            yield f"the second time the rows are {self.rows()}"
        told = lamella("verify", self.web.hdfs.url + self.table)
        if told.returncode != OK:
            yield f"verify: {told.stdout.decode()} {told.stderr.decode()}"
        yield from self.orphans()

    def orphans(self):
        self.web.make_all_old(self.place, hours=48)
        url = self.web.hdfs.url + self.table
        for words in (["gc", "--recursive", "--older-than", "1h"], ["vacuum", "--retention", "1s", "--force"]):
            done = lamella(words[0], url, *words[1:])
            if done.returncode != OK:
                yield f"{words[0]}: {done.stderr.decode()}"
        live, files = set(), set()
        log = f"{self.table}/_delta_log"
        for name in self.web.names(log):
            if name.startswith(".lamella"):
                yield f"{name} is left in the log"
            if name.endswith(".json"):
                for line in self.web.get(f"{log}/{name}").splitlines():
                    action = json.loads(line)
                    if "add" in action:
                        live.add(action["add"]["path"])
                    if "remove" in action:
                        live.discard(action["remove"]["path"])
        for bucket, kind in self.web.entries(self.table):
            if kind == "DIRECTORY" and bucket != "_delta_log":
                files |= {f"{bucket}/{name}" for name in self.web.names(f"{self.table}/{bucket}")}
        if self.name == "vacuum" and files != live:
            yield f"what is there is {sorted(files)}, and what the log has {sorted(live)}"
        if not live <= files or any(".lamella" in name for name in files):
            yield f"what is there is {sorted(files)}, of {sorted(live)}"


@pytest.mark.parametrize("name, fault", [(name, fault) for name in OPERATIONS for fault in FAULTS])
def test_each_request_of_an_operation_fails(web, proxies, name, fault, local):
    place, proxy = f"/tables/{name}-{fault}", proxies[0]
    case = Case(web, name, place, local)
    proxy.plan()
    done = case.run(proxy.url)
    count = len(proxy.seen)
    assert (done.returncode, list(case.problems(done, proxy))) == (OK, []), done.stderr.decode()

    def one(number, proxy, for_good, more):
        case = Case(web, name, place, local)
        proxy.plan(number, fault, for_good)
        done = case.run(proxy.url, more)
        how = described(proxy, number, done) + (", for good" if for_good else "")
        proxy.plan()
        return [f"{how}: {problem}" for problem in case.problems(done, proxy)]

    wrong = each_request(proxies, some_of(count, fault, FAULTS, 3), fault, one, for_good=("cut-after",))
    assert "\n".join(wrong[:20]) == "", len(wrong)


# ---- versions ----


class Version:
    """A second version of a prefix, of two files."""

    def __init__(self, web, place, trees):
        self.web = web
        self.place = f"{place}/{next(turn)}"
        self.web.put_tree(f"{self.place}/out", trees)
        self.web.put_tree(f"{self.place}/staged", {"a.csv": b"k\n2\n", "sub": {"b.csv": b"k\n3\n"}})

    def run(self, url, more=()):
        words = [f"{url}{self.place}/staged", f"{url}{self.place}/out", "--versioned", "--run-id", "two"]
        return lamella("publish-dir", *words, more=more)

    def number(self):
        done = lamella("resolve", self.web.hdfs.url + f"{self.place}/out", "--json")
        assert done.returncode == OK, done.stderr
        return json.loads(done.stdout)["number"]

    def problems(self, done, proxy, for_good):
        status, now = done.returncode, self.number()
        out = f"{self.web.hdfs.url}{self.place}/out"
        yield from badly_told(status, done.stderr.decode(), (OK, FAILED, CONFLICT, EXISTS, UNKNOWN))
        if now not in (0, 1) or (status == OK and now != 1) or (status == FAILED and now != 0):
            yield f"status {status}, and the newest version is {now}"
        rows = lamella("count", out)
        if rows.stdout != (b"2\n" if now else b"1\n"):
            yield f"it has {rows.stdout} rows in version {now}; {rows.stderr.decode()}"
        told = lamella("verify", out)
        if told.returncode != OK:
            yield f"verify: {told.stdout.decode()}{told.stderr.decode()}"
        tree = self.web.look(self.place)
        staged, made = tree.get("staged"), tree["out"]["_runs"].get("two")
        if (staged is None) == (made is None):
            yield f"what was staged is {staged}, and what was published {made}"
        if now == 0 and made is not None and not for_good and status != UNKNOWN:
            yield "it was not put back"
        if now == 0 and staged is not None:
            again = self.run(proxy.url)
            if again.returncode != OK or self.number() != 1:
                yield f"it fails the second time: {again.stderr.decode()}"


@pytest.mark.parametrize("fault", FAULTS)
def test_each_request_of_a_version_fails(web, proxies, fault, tmp_path):
    place, proxy = f"/versions/{fault}", proxies[0]
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "a.csv").write_bytes(b"k\n1\n")
    done = lamella("publish-dir", str(tmp_path / "one"), str(tmp_path / "out"), "--versioned", "--run-id", "one")
    assert done.returncode == OK, done.stderr
    trees = tree_of(tmp_path / "out")
    case = Version(web, place, trees)
    proxy.plan()
    done = case.run(proxy.url)
    count = len(proxy.seen)
    assert (done.returncode, list(case.problems(done, proxy, False))) == (OK, []), done.stderr.decode()

    def one(number, proxy, for_good, more):
        case = Version(web, place, trees)
        proxy.plan(number, fault, for_good)
        done = case.run(proxy.url, more)
        how = described(proxy, number, done) + (", for good" if for_good else "")
        proxy.plan()
        return [f"{how}: {problem}" for problem in case.problems(done, proxy, for_good)]

    wrong = each_request(proxies, some_of(count, fault, FAULTS, 3), fault, one, for_good=("cut-after",))
    assert "\n".join(wrong[:20]) == "", len(wrong)
