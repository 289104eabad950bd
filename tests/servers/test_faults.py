"""Publications over a network that fails: each operation x each fault x each request, once and for good.

After each: the old bytes or the new ones, whole; the exit status says which, or that it is not known; and what is left
beside them `lamella gc` finds. Over the faulty proxy (proxy.py), looked at past it (web.py).
"""

import collections
import itertools
import os

import proxy as faulty
import pytest
import server
from matrix import EXISTS, FAILED, FEW, MISSING, OK, STALE, UNKNOWN, badly_told, described, each_request, lamella, leavings, some_of, visible
from web import Web

OLD = b"old " * 20_000
NEW = b"new!" * 90_000
ROWS = b"".join(b'{"id":%d,"name":"row %d"}\n' % (i, i) for i in range(60_000))
turn = itertools.count()

# What is there before, and what is there when it is done: bytes, {name: bytes}, or nothing. In the words of the command
# {} is the file, {place} its directory, {local} a place of this system.
Operation = collections.namedtuple("Operation", "words stands becomes stdin name", defaults=(b"", "a"))
OPERATIONS = {
    "write": Operation(["write", "{}"], None, NEW, NEW),
    "replace": Operation(["write", "{}"], OLD, NEW, NEW),
    "if-absent": Operation(["write", "--if-absent", "{}"], None, NEW, NEW),
    "if-absent-late": Operation(["write", "--if-absent", "{}"], OLD, OLD, NEW),
    "put": Operation(["put", "--from", "jsonl", "-", "{}"], OLD, ROWS, ROWS, name="a.jsonl"),
    "cp": Operation(["cp", "{local}/new", "{}"], OLD, NEW),
    "cp-tree": Operation(["cp", "--recursive", "{local}/tree", "{}"], None, {"sub%": {"y": NEW}}),
    "rm": Operation(["rm", "{}"], OLD, None),
    "cat": Operation(["cat", "--from", "jsonl", "{}"], ROWS, ROWS, name="a.jsonl"),
    "cp-out": Operation(["cp", "{}", "{copy}"], ROWS, ROWS),
    "ls": Operation(["ls", "{place}"], OLD, OLD),
    "gc": Operation(["gc", "--older-than", "30m", "{place}"], OLD, OLD),
}
MEET_FEW = ("if-absent-late", "put", "cp", "cp-tree", "gc")
LEFT = ".lamella-0123456789abcdef0123456789abcdef.tmp"


class Case:
    def __init__(self, web, proxy, name, place):
        self.web, self.proxy, self.name, self.operation = web, proxy, name, OPERATIONS[name]
        self.place = f"{place}/{next(turn)}"
        self.path = f"{self.place}/{self.operation.name}"
        self.web.make(self.place)
        if self.operation.stands is not None:
            self.web.put(self.path, self.operation.stands)
        if name == "gc":
            self.web.put(f"{self.place}/{LEFT}", OLD)
            self.web.make_old(f"{self.place}/{LEFT}")

    def run(self, local, more=()):
        self.copy = local / f"copy-{self.place.rpartition('/')[2]}"
        there = {"{}": self.proxy.url + self.path, "{place}": self.proxy.url + self.place}
        there |= {"{local}": str(local), "{copy}": str(self.copy)}
        words = self.operation.words
        for key, value in there.items():
            words = [word.replace(key, value) for word in words]
        return lamella(*words, stdin=self.operation.stdin, more=more)

    def problems(self, done):
        """What is not as it should be, in words."""
        status, text = done.returncode, done.stderr.decode()
        reads = self.operation.words[0] in ("cat", "cp")
        yield from badly_told(status, text, (OK, FAILED, EXISTS, UNKNOWN, MISSING, *([STALE] if reads else [])))
        yield from self.of_the_file(status)
        yield from self.of_what_was_read(done)

    def of_the_file(self, status):
        before, after, now = self.operation.stands, self.operation.becomes, visible(self.web.look(self.path))
        if now not in (before, after):
            yield f"neither old nor new: {now if isinstance(now, dict) else len(now or b'')}"
        if status == OK and now != after:
            yield "said to be done, and is not"
        if status == FAILED and now != before:
            yield "said not to be done, and is"
        if status == MISSING and now is not None:
            yield "said to be missing, and is there"
        if status == EXISTS and (now != before or before is None):
            yield "said to exist, and did not"

    def of_what_was_read(self, done):
        if self.name == "cat":
            whole = done.stdout == self.operation.stands
            if not whole and (done.returncode == OK or not self.operation.stands.startswith(done.stdout)):
                yield f"{len(done.stdout)} other bytes"
        if self.name == "cp-out":
            stands = self.copy.read_bytes() if self.copy.exists() else None
            if stands != (self.operation.stands if done.returncode == OK else None):
                yield "a wrong copy"
        if self.name == "ls" and done.returncode == OK and done.stdout.decode() != f"{self.proxy.url}{self.path}\n":
            yield f"other names: {done.stdout}"


    @property
    def stays(self):
        """What is to be left of its directory when all is tidied up."""
        stands = visible(self.web.look(self.path))
        return {} if stands is None else {self.operation.name: stands}


def left_over(web, place, cases):
    return leavings(web, place, {case.place: case.stays for case in cases})


@pytest.fixture(scope="module")
def local(tmp_path_factory):
    made = tmp_path_factory.mktemp("local")
    (made / "tree" / "sub%").mkdir(parents=True)
    (made / "new").write_bytes(NEW)
    (made / "tree" / "sub%" / "y").write_bytes(NEW)
    return made


counted = {}


def requests_of(web, proxy, name, local):
    """How many an undisturbed run makes; which it does right."""
    if name not in counted:
        case = Case(web, proxy, name, "/undisturbed")
        proxy.plan()
        done = case.run(local)
        want = EXISTS if name == "if-absent-late" else OK
        assert (done.returncode, list(case.problems(done))) == (want, []), done.stderr.decode()
        counted[name] = len(proxy.seen)
    return counted[name]


@pytest.mark.parametrize(
    "name, fault", [(name, fault) for name in OPERATIONS for fault in (FEW if name in MEET_FEW else faulty.FAULTS)]
)
def test_each_request_fails(web, proxies, name, fault, local):
    count = requests_of(web, proxies[0], name, local)
    cases, place = [], f"/faults/{name}-{fault}"

    def one(number, proxy, for_good, more):
        case = Case(web, proxy, name, place)
        cases.append(case)
        proxy.plan(number, fault, for_good)
        done = case.run(local, more)
        how = described(proxy, number, done) + (", for good" if for_good else "")
        return [f"{how}: {problem}" for problem in case.problems(done)]

    wrong = each_request(proxies, some_of(count, fault, faulty.FAULTS), fault, one)
    assert "\n".join([*wrong, *left_over(web, place, cases)]) == ""


@pytest.mark.parametrize("late_by", [1, 2, 3, 4, None])
@pytest.mark.parametrize("name", ["write", "replace", "if-absent", "if-absent-late", "cp", "cp-tree", "rm"])
def test_each_request_is_late(web, proxies, name, late_by, local):
    """Given up by the client, and done by the server after all, a few requests later or after the end."""
    proxy, wrong, cases, place = proxies[0], [], [], f"/late/{name}-{late_by}"
    for number in range(1, requests_of(web, proxy, name, local) + 1):
        case = Case(web, proxy, name, place)
        cases.append(case)
        proxy.plan(number, "late", late_by=late_by)
        done = case.run(local)
        proxy.deliver()
        how = described(proxy, number, done)
        proxy.plan()
        wrong += [f"{how}: {problem}" for problem in case.problems(done)]
    assert "\n".join([*wrong, *left_over(web, place, cases)]) == ""


BIG = b"".join(b"%d,%d\n" % (i, i * 7919) for i in range(400_000))
# What writes so much to {} that it streams, from a source that is still there when that breaks off.
FROM_SOURCES = {
    "cp": (["cp", "{local}/big.csv", "{}"], "a.csv"),
    "cp-tree": (["cp", "--recursive", "{local}/tree-of-big", "{}"], "a"),
    "put": (["put", "{local}/big.csv", "{}", "--csv-header", "no", "--no-header"], "a.csv"),
    "merge": (["merge", "{local}/parts", "{}", "--header", "no"], "a.csv"),
}


@pytest.fixture(scope="module")
def large(local):
    (local / "parts").mkdir()
    (local / "tree-of-big").mkdir()
    (local / "big.csv").write_bytes(BIG)
    (local / "tree-of-big" / "big.csv").write_bytes(BIG)
    half = BIG.index(b"\n", len(BIG) // 2) + 1
    (local / "parts" / "part-0.csv").write_bytes(BIG[:half])
    (local / "parts" / "part-1.csv").write_bytes(BIG[half:])
    return local


def publish(name, place, proxy, large):
    words, file = FROM_SOURCES[name]
    words = [word.replace("{local}", str(large)).replace("{}", f"{proxy.url}{place}/{file}") for word in words]
    return lamella(*words), f"{place}/{file}"


@pytest.mark.parametrize("fault", ["cut-before", "cut-request", "cut-after", "500", "503", "502-after", "garbage", "nonsense"])
@pytest.mark.parametrize("name", FROM_SOURCES)
def test_an_upload_that_breaks_off_begins_again(web, proxies, name, fault, large):
    """Where its source is still there; nothing else is left of it than what gc finds."""
    proxy, place = proxies[0], f"/broken/{name}-{fault}"
    proxy.plan(lambda role, method: (role, method) == ("data", "PUT"), fault)
    done, path = publish(name, place, proxy, large)
    how = described(proxy, 0, done)
    assert proxy.struck
    proxy.plan()
    assert done.returncode == OK, how
    made = {"a": {"big.csv": BIG}} if name == "cp-tree" else {"a.csv": BIG}
    assert visible(web.look(place)) == made, how
    assert list(leavings(web, place, {place: made})) == []


def ended_data_node(name, large, settings):
    """The DataNode that takes an upload ends in its middle. Gives what was done, and what is there."""
    if os.environ.get("LAMELLA_NO_HDFS"):
        pytest.skip(os.environ["LAMELLA_NO_HDFS"])
    with server.Hdfs(apart=True, settings=settings) as hdfs, faulty.Proxy(hdfs) as proxy:
        stopped = []

        def stop(port):
            stopped.append(port)
            hdfs.stop_data_node(hdfs.ports["data_nodes"].index(port))

        proxy.plan(lambda role, method: (role, method) == ("data", "PUT"), "pause", half_way=stop)
        done, path = publish(name, "/ended", proxy, large)
        assert stopped
        return described(proxy, 0, done), done, visible(Web(hdfs).look(path))


@pytest.mark.parametrize("name", ["cp", "put", "merge"])
def test_a_data_node_ends_while_it_takes_what_is_still_there(large, name):
    how, done, there = ended_data_node(name, large, {"dfs.replication": 2})
    assert done.returncode == OK, how
    assert there == BIG


def test_a_data_node_ends_during_an_upload(local):
    """The one that takes it, of three: another one takes it then, or it fails, and nothing of it is published."""
    if os.environ.get("LAMELLA_NO_HDFS"):
        pytest.skip(os.environ["LAMELLA_NO_HDFS"])
    with server.Hdfs(apart=True, settings={"dfs.replication": 2}) as hdfs, faulty.Proxy(hdfs) as proxy:
        stopped = []

        def stop(port):
            stopped.append(port)
            hdfs.stop_data_node(hdfs.ports["data_nodes"].index(port))

        case = Case(Web(hdfs), proxy, "replace", "/ended")
        proxy.plan(lambda role, method: (role, method) == ("data", "PUT"), "pause", half_way=stop)
        done = case.run(local)
        assert stopped
        wrong = [*case.problems(done), *left_over(case.web, "/ended", [case])]
        assert "\n".join(wrong) == "", described(proxy, 0, done)
