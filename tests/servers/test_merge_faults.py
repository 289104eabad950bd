"""Merges over a network that fails: each way of merging x each fault x each request, once and for good.

After each: the destination is the old one or the new one, whole; every row is in the parts, the hidden target or the
result; what was interrupted is carried on, or run again, to the right result; and what is left `lamella gc` finds.
"""

import itertools
import os

import proxy as faulty
import pytest
import server
from matrix import CONFLICT, FAILED, FEW, OK, UNKNOWN, badly_told, described, each_request, lamella, leavings, some_of
from web import Web

OLD = b"old\n" * 9
HEADED = [b"p,r\n0,0\n0,1\n", b"", b"p,r\n2,0\n", b"p,r\n", b"p,r\n4,0\n4,1"]
BARE = [b"0,0\n0,1\n", b"", b"2,0\n", b"\n", b"4,0\n4,1\n"]
WHOLE = b"p,r\n0,0\n0,1\n2,0\n4,0\n4,1\n"
# the parts; the words; how many are joined already when it is carried on
WAYS = {
    "stream": (HEADED, [], None),
    "remove": (HEADED, ["--delete-sources"], None),
    "join": (BARE, ["--delete-sources", "--header", "p,r"], None),
    "carry-on": (BARE, ["--delete-sources", "--header", "p,r"], "after"),
    "carry-on-early": (BARE, ["--delete-sources", "--header", "p,r"], "before"),
}
FAULTS = [fault for fault in faulty.FAULTS if fault not in ("safe-mode", "retriable", "silence", "nowhere")]
turn = itertools.count()


class Case:
    def __init__(self, web, way, place):
        self.web = web
        self.parts, self.words, self.carries_on = WAYS[way]
        self.consumes = "--delete-sources" in self.words
        self.place = f"{place}/{next(turn)}"
        self.names = [f"part-{number:05d}.csv" for number in range(len(self.parts))]
        for name, part in zip(self.names, self.parts):
            self.web.put(f"{self.place}/in/{name}", part)
        self.web.put(f"{self.place}/out/all.csv", OLD)

    def run(self, url, *more, options=()):
        words = [f"{url}{self.place}/in", f"{url}{self.place}/out/all.csv", *self.words, *more]
        return lamella("merge", *words, more=options)

    def interrupt(self, proxy, joined_at):
        """Before or after the parts are joined the network goes; so there is something to be carried on."""
        proxy.plan(joined_at + (self.carries_on == "after"), "cut-before", for_good=True)
        assert self.run(proxy.url, options=["attempts=1"]).returncode in (FAILED, UNKNOWN)
        proxy.plan()
        assert ".lamella-merge.journal" in self.web.names(f"{self.place}/in")

    def go(self, proxy, options=()):
        return self.run(proxy.url, *(["--resume"] if self.carries_on else []), options=options)

    @property
    def out(self):
        return self.web.get(f"{self.place}/out/all.csv")

    def problems(self, done, proxy):
        """The proxy is told to let all through by now."""
        text, out, left = done.stderr.decode(), self.out, self.web.look(f"{self.place}/in") or {}
        yield from badly_told(done.returncode, text, (OK, FAILED, CONFLICT, UNKNOWN))
        if out not in (OLD, WHOLE):
            yield f"neither old nor new: {out}"
        if done.returncode == OK and out != WHOLE:
            yield "said to be done, and is not"
        if done.returncode == FAILED and out == WHOLE and "is in place" not in text:
            yield "said not to be done, and is"
        yield from self.lost(out, left)
        yield from self.carried_on(done.returncode, left, proxy)

    def lost(self, out, left):
        """Is each part as it was, or in the result, or in the target?"""
        there = [left.get(name) for name in self.names]
        if not self.consumes and there != self.parts:
            yield f"parts that were to stay are {there}"
        if any(now not in (None, was) for now, was in zip(there, self.parts)):
            yield f"parts were changed: {there}"
        target = [body for name, body in left.items() if name.startswith(".lamella-merge-")]
        if out != WHOLE and self.consumes:
            rows = b"".join([*target, *(part for part in there if part)])
            if any(row not in rows.split(b"\n") for row in WHOLE.split()[1:]):
                yield f"rows are lost: {left}"

    def carried_on(self, status, left, proxy):
        """With leave to delete there is something to be done as long as a part or the journal is there."""
        staged = [name for name in left if name.startswith(".lamella-") and name.endswith(".tmp")]
        if len(left) > len(staged) if self.consumes else status != OK:
            again = self.run(proxy.url, *(["--resume"] if self.consumes else []))
            if again.returncode != OK:
                yield f"it cannot be carried on: {again.stderr.decode()}"
        if self.out != WHOLE:
            yield f"carried on it became {self.out}"

    @property
    def stays(self):
        parts = {} if self.consumes else dict(zip(self.names, self.parts))
        return {"in": parts, "out": {"all.csv": WHOLE}}


def requests_of(web, proxy, way):
    """How many an undisturbed run makes, which it does right; and which of them joins the parts."""
    case = Case(web, way, "/undisturbed")
    joined_at = None
    if case.carries_on:
        _, joined_at = requests_of(web, proxy, "join")
        case.interrupt(proxy, joined_at)
    proxy.plan()
    done = case.go(proxy)
    seen = list(proxy.seen)
    assert (done.returncode, list(case.problems(done, proxy))) == (OK, []), done.stderr.decode()
    joins = [number for number, (_, _, target) in enumerate(seen, 1) if "op=CONCAT" in target]
    return len(seen), joined_at or (joins[0] if joins else None)


@pytest.mark.parametrize(
    "way, fault", [(way, fault) for way in WAYS for fault in (FAULTS if way in ("join", "stream") else FEW)]
)
def test_each_request_fails(web, proxies, way, fault):
    count, joined_at = requests_of(web, proxies[0], way)
    cases, place = [], f"/merges/{way}-{fault}"

    def one(number, proxy, for_good, more):
        case = Case(web, way, place)
        cases.append(case)
        if case.carries_on:
            case.interrupt(proxy, joined_at)
        proxy.plan(number, fault, for_good)
        done = case.go(proxy, more)
        how = described(proxy, number, done) + (", for good" if for_good else "")
        proxy.plan()
        return [f"{how}: {problem}" for problem in case.problems(done, proxy)]

    numbers = some_of(count, fault, FAULTS, 1 if way == "join" else 2)
    wrong = each_request(proxies, numbers, fault, one, for_good=("cut-after", "500"))
    wrong += leavings(web, place, {case.place: case.stays for case in cases})
    assert "\n".join(wrong[:20]) == "", len(wrong)


@pytest.mark.parametrize("nth", [1, 3, 6])
@pytest.mark.parametrize("way", ["stream", "join"])
def test_a_data_node_ends_while_parts_are_read(way, nth):
    """One of three, before it gives what the nth request for bytes is for; each part lies on two."""
    if os.environ.get("LAMELLA_NO_HDFS"):
        pytest.skip(os.environ["LAMELLA_NO_HDFS"])
    with server.Hdfs(settings={"dfs.replication": 2}) as hdfs, faulty.Proxy(hdfs) as through:
        case, reads, stopped = Case(Web(hdfs), way, "/ended"), itertools.count(1), []

        def stop(port):
            stopped.append(port)
            hdfs.stop_data_node(hdfs.ports["data_nodes"].index(port))

        through.plan(lambda role, method: (role, method) == ("data", "GET") and next(reads) == nth, "pause", half_way=stop)
        done = case.go(through)
        how = described(through, nth, done)
        assert stopped or (way == "join" and nth > 4), how
        through.plan()
        assert (done.returncode, list(case.problems(done, through))) == (OK, []), how
