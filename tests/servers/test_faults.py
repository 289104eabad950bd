"""Publications over a network that fails: each operation x each fault x each request, once and for good.

After each: the old bytes or the new ones, whole; the exit status says which, or that it is not known; and what is left
beside them `lamella gc` finds. Over the faulty proxy (proxy.py), looked at past it (web.py).
"""

import collections
import concurrent.futures
import itertools
import os
import pathlib
import re
import subprocess
import time

import proxy as faulty
import pytest
import server
from web import Web

LAMELLA = os.environ.get("LAMELLA_COMMAND") or str(pathlib.Path(__file__).resolve().parents[2] / "build" / "lamella")
STORAGE = ("user=tests", "attempts=3", "connect_timeout=5", "deadline=30")
OK, FAILED, EXISTS, UNKNOWN, STALE, MISSING = 0, 1, 5, 7, 8, 9
# Those that are tried for good too: of each kind one.
FOR_GOOD = ("cut-before", "cut-after", "500", "502-after", "standby", "nonsense", "silence", "nowhere")
# What goes the same way as another operation meets these only.
FEW = ("cut-request", "cut-after", "502-after", "short", "nonsense", "standby")

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


def lamella(*words, stdin=b"", more=(), timeout=60):
    storage = [word for pair in (*STORAGE, *more) for word in ("--storage", pair)]
    return subprocess.run([LAMELLA, words[0], *storage, *words[1:]], input=stdin, capture_output=True, timeout=timeout)


def visible(what):
    """Without what is staged."""
    if not isinstance(what, dict):
        return what
    return {name: visible(below) for name, below in what.items() if not name.startswith(".lamella-")}


@pytest.fixture(scope="module")
def web(hdfs):
    return Web(hdfs)


@pytest.fixture(scope="module")
def proxies(hdfs):
    made = [faulty.Proxy(hdfs) for _ in range(4)]
    yield made
    for proxy in made:
        proxy.close()


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
        if status not in (OK, FAILED, EXISTS, UNKNOWN, MISSING, *([STALE] if reads else [])):
            yield f"status {status}"
        if (status != OK and not text) or "\tat " in text or "Traceback" in text or len(text) > 2000:
            yield f"it says {text!r}"
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


def leavings(web, place, cases):
    """Nothing is orphaned that gc does not find, and it takes nothing else."""
    before = {case.path: visible(web.look(case.path)) for case in cases}
    wanted = {
        case.place: {} if before[case.path] is None else {case.operation.name: before[case.path]} for case in cases
    }
    for _ in range(30):
        for case in cases:
            if web.look(case.place) != wanted[case.place]:
                web.make_all_old(case.place)
        done = lamella("gc", "--recursive", "--older-than", "30m", web.hdfs.url + place)
        if done.returncode != OK:
            yield f"gc: {done.stderr.decode()}"
        left = {case.place: web.look(case.place) for case in cases}
        if left == wanted:
            return
        time.sleep(0.5)  # an upload that was cut is open for a while
    for case in cases:
        if left[case.place] != wanted[case.place]:
            yield f"after gc there are {list(left[case.place])} in {case.place}, not {list(wanted[case.place])}"


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


def described(proxy, number, done):
    seen = [f"{role[0]} {re.sub('.*[?&]op=', '', target).split('&')[0]}" for role, _, target in proxy.seen]
    return f"request {number} of {', '.join(seen)}; status {done.returncode}, {done.stderr.decode().strip()[:300]}"


@pytest.mark.parametrize(
    "name, fault", [(name, fault) for name in OPERATIONS for fault in (FEW if name in MEET_FEW else faulty.FAULTS)]
)
def test_each_request_fails(web, proxies, name, fault, local):
    count = requests_of(web, proxies[0], name, local)
    free, cases, place = list(proxies), [], f"/faults/{name}-{fault}"
    more = ["idle_timeout=0.3", "attempts=2"] if fault == "silence" else []

    def one(number, for_good):
        proxy = free.pop()
        try:
            case = Case(web, proxy, name, place)
            cases.append(case)
            proxy.plan(number, fault, for_good)
            done = case.run(local, more)
            how = described(proxy, number, done) + (", for good" if for_good else "")
            return [f"{how}: {problem}" for problem in case.problems(done)]
        except subprocess.TimeoutExpired:
            return [f"request {number}: hangs"]
        finally:
            proxy.plan()
            free.append(proxy)

    with concurrent.futures.ThreadPoolExecutor(len(proxies)) as pool:
        how_long = (False, True) if fault in FOR_GOOD else (False,)
        runs = [pool.submit(one, number, for_good) for number in range(1, count + 1) for for_good in how_long]
        wrong = [problem for run in runs for problem in run.result()]
    assert "\n".join([*wrong, *leavings(web, place, cases)]) == ""


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
    assert "\n".join([*wrong, *leavings(web, place, cases)]) == ""


def test_a_data_node_ends_during_an_upload(local):
    """The one that takes it, of three: another one takes it then, or it fails, and nothing of it is published."""
    if os.environ.get("LAMELLA_NO_HDFS"):
        pytest.skip(os.environ["LAMELLA_NO_HDFS"])
    with server.Hdfs(settings={"dfs.replication": 2}) as hdfs, faulty.Proxy(hdfs) as proxy:
        stopped = []

        def stop(port):
            stopped.append(port)
            hdfs.stop_data_node(hdfs.ports["data_nodes"].index(port))

        case = Case(Web(hdfs), proxy, "replace", "/ended")
        proxy.plan(lambda role, method: (role, method) == ("data", "PUT"), "pause", half_way=stop)
        done = case.run(local)
        assert stopped
        wrong = [*case.problems(done), *leavings(case.web, "/ended", [case])]
        assert "\n".join(wrong) == "", described(proxy, 0, done)
