"""An operation over a network that fails: each of its requests x each fault, several cases side by side."""

import concurrent.futures
import os
import pathlib
import re
import subprocess
import time

LAMELLA = os.environ.get("LAMELLA_COMMAND") or str(pathlib.Path(__file__).resolve().parents[2] / "build" / "lamella")
STORAGE = ("user=tests", "attempts=3", "connect_timeout=5", "deadline=30")
OK, FAILED, CONFLICT, EXISTS, UNKNOWN, STALE, MISSING = 0, 1, 4, 5, 7, 8, 9
# Those that are tried for good too: of each kind one.
FOR_GOOD = ("cut-before", "cut-after", "500", "502-after", "standby", "nonsense", "silence", "nowhere")
# What goes the same way as another operation meets these only.
FEW = ("cut-request", "cut-after", "502-after", "short", "nonsense", "standby")
# Of the requests only every third, for each fault others; the suite `faults` tries them all.
STRIDE = 1 if os.environ.get("LAMELLA_FAULTS") == "all" else 3


def lamella(*words, stdin=b"", more=(), timeout=60):
    storage = [word for pair in (*STORAGE, *more) for word in ("--storage", pair)]
    return subprocess.run([LAMELLA, words[0], *storage, *words[1:]], input=stdin, capture_output=True, timeout=timeout)


def described(proxy, number, done):
    seen = [f"{role[0]} {re.sub('.*[?&]op=', '', target).split('&')[0]}" for role, _, target in proxy.seen]
    return f"request {number} of {', '.join(seen)}; status {done.returncode}, {done.stderr.decode().strip()[:300]}"


def visible(what):
    """Of a tree, without what is staged."""
    if not isinstance(what, dict):
        return what
    return {name: visible(below) for name, below in what.items() if not name.startswith(".lamella-")}


def badly_told(status, text, wanted):
    """Whatever failed: it says so, shortly."""
    if status not in wanted:
        yield f"status {status}"
    if (status != OK and not text) or "\tat " in text or "Traceback" in text or len(text) > 2000:
        yield f"it says {text!r}"


def some_of(count, fault, faults, step=1):
    """Every so many of the requests, another share of them for each fault: together all."""
    step *= STRIDE
    return range(1 + list(faults).index(fault) % min(step, count), count + 1, step)


def each_request(proxies, numbers, fault, one, for_good=FOR_GOOD):
    """one(number, proxy, for good or not, more options) gives what was wrong, in words; all of it is given."""
    free = list(proxies)
    more = ["idle_timeout=0.3", "attempts=2"] if fault == "silence" else []

    def run(number, lasts):
        proxy = free.pop()
        try:
            return one(number, proxy, lasts, more)
        except subprocess.TimeoutExpired:
            return [f"request {number}: hangs"]
        finally:
            proxy.plan()
            free.append(proxy)

    with concurrent.futures.ThreadPoolExecutor(len(proxies)) as pool:
        how_long = (False, True) if fault in for_good else (False,)
        runs = [pool.submit(run, number, lasts) for number in numbers for lasts in how_long]
        return [problem for done in runs for problem in done.result()]


def leavings(web, place, wanted):
    """Nothing is orphaned that gc does not find, and it takes nothing else. `wanted`: {directory: its tree}."""
    for _ in range(30):
        for directory, tree in wanted.items():
            if web.look(directory) != tree:
                web.make_all_old(directory)
        done = lamella("gc", "--recursive", "--older-than", "30m", web.hdfs.url + place)
        if done.returncode != OK:
            yield f"gc: {done.stderr.decode()}"
        left = {directory: web.look(directory) for directory in wanted}
        if left == wanted:
            return
        time.sleep(0.5)  # an upload that was cut is open for a while
    for directory, tree in wanted.items():
        if left[directory] != tree:
            yield f"after gc there is {str(left[directory])[:600]} in {directory}, not {str(tree)[:600]}"
