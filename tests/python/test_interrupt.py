"""Ctrl-C ends a call that waits for a server that never answers; what was forked leaves its parent's work alone."""

import http.server
import json
import os
import signal
import socket
import threading
import time
import urllib.parse

import pytest

import lamella
from lamella import tables


@pytest.fixture(scope="module")
def silent():
    """The URL of a server that takes connections and says nothing."""
    server, taken = socket.create_server(("127.0.0.1", 0)), []

    def take():
        while True:
            try:
                taken.append(server.accept()[0])
            except OSError:
                return

    threading.Thread(target=take, daemon=True).start()
    yield f"webhdfs://127.0.0.1:{server.getsockname()[1]}/x.parquet"
    server.close()


def interrupted(call):
    """Whether SIGINT, half a second after it began, ends the call soon."""
    timer = threading.Timer(0.5, os.kill, [os.getpid(), signal.SIGINT])
    timer.start()
    begun = time.monotonic()
    try:
        with pytest.raises(KeyboardInterrupt):
            call()
            time.sleep(1)  # it came to an end by itself, and the signal is still to come
        return time.monotonic() - begun
    finally:
        timer.cancel()


CALLS = {
    "scan": lamella.scan,
    "read_parquet": lamella.read_parquet,
    "read_parquet_iter": lambda url: next(lamella.read_parquet_iter(url)),
    "inspect_schema": lamella.inspect_schema,
    "stat": lamella.stat,
    "ls": lamella.ls,
    "verify": lamella.verify,
    "gc": lamella.gc,
    "resolve": lamella.resolve,
    "load_pickle": lambda url: lamella.load_pickle(url, trusted=True),
    "atomic_write_bytes": lambda url: lamella.atomic_write_bytes(url, b"x"),
    "atomic_write_pickle": lambda url: lamella.atomic_write_pickle(url, 1),
    "atomic_write_xlsx": lambda url: lamella.atomic_write_xlsx(url, [{"a": 1}]),
    "ParquetStreamWriter": lambda url: lamella.ParquetStreamWriter(url, "a: int64").__enter__(),
    "atomic_open": lambda url: lamella.atomic_open(url).__enter__(),
    "tables.scan": tables.scan,
    "tables.history": tables.history,
    "Registry.from_dir": tables.Registry.from_dir,
}


@pytest.mark.timeout(60)
@pytest.mark.parametrize("name", CALLS)
def test_a_server_that_never_answers_does_not_hold_a_call(silent, name):
    assert interrupted(lambda: CALLS[name](silent)) < 20  # the time-out of a request is longer


class Stalling(http.server.BaseHTTPRequestHandler):
    """WebHDFS with one file, of which nothing comes after the first MiB as long as `stalls` is set."""

    protocol_version = "HTTP/1.1"
    data = b"a,b\n" + b"1,text\n" * 2_000_000
    stalls = threading.Event()

    def do_GET(self):
        words = dict(urllib.parse.parse_qsl(urllib.parse.urlparse(self.path).query))
        if words["op"] == "GETFILESTATUS":
            status = {"type": "FILE", "length": len(self.data), "pathSuffix": "", "permission": "644", "fileId": 7,
                      "owner": "x", "group": "x", "modificationTime": 1, "accessTime": 1, "blockSize": 1 << 27,
                      "replication": 1, "storagePolicy": 0, "childrenNum": 0}  # fmt: skip
            return self.answer(json.dumps({"FileStatus": status}).encode(), "application/json")
        start = int(words.get("offset", 0))
        return self.answer(self.data[start : start + int(words.get("length", len(self.data)))], "application/octet-stream", start)

    def answer(self, body, kind, start=0):
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        whole = len(body) if kind == "application/json" or not self.stalls.is_set() else max(0, (1 << 20) - start)
        self.wfile.write(body[:whole])
        while whole < len(body) and self.stalls.is_set():
            time.sleep(0.05)

    def log_message(self, *words):
        pass


@pytest.fixture
def stalling():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Stalling)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"webhdfs://127.0.0.1:{server.server_address[1]}/x.csv"
    Stalling.stalls.clear()
    server.shutdown()


@pytest.mark.timeout(120)
def test_a_read_that_stalls_half_way_is_ended_and_the_scan_reads_on_afterwards(stalling):
    scan = lamella.scan(stalling)
    Stalling.stalls.set()
    for call in (scan.to_table, scan.count_rows, lambda: sum(map(len, scan.batches()))):
        assert interrupted(call) < 20
    Stalling.stalls.clear()
    assert scan.count_rows() == 2_000_000
    assert len(scan.to_table()) == 2_000_000


@pytest.mark.timeout(60)
def test_so_is_one_by_another_library(stalling):
    pa = pytest.importorskip("pyarrow")
    scan = lamella.scan(stalling)
    Stalling.stalls.set()

    def read():
        try:
            pa.table(scan)
        except (OSError, pa.ArrowException):  # theirs, of the stream that ended; the interrupt comes next
            time.sleep(0.1)
            raise

    assert interrupted(read) < 20


# ---- forks ----


def forked(child):
    """The exit status of a process that is forked here and does this."""
    sys_pid = os.fork()
    if sys_pid == 0:
        try:
            os._exit(child() or 0)
        except BaseException:
            os._exit(100)
    return os.waitstatus_to_exitcode(os.waitpid(sys_pid, 0)[1])


@pytest.mark.timeout(60)
def test_a_fork_neither_publishes_nor_removes_what_its_parent_writes():
    def child(context, *error):
        try:
            context.__exit__(*error)
        except ValueError as refused:
            return 1 if "forked" in str(refused) else 2
        return 0

    for context, name in ((lamella.atomic_open("file.txt", "w"), "file.txt"), (lamella.atomic_dir("dir"), "dir"),
                          (lamella.ParquetStreamWriter("rows.parquet", "a: int64"), "rows.parquet")):  # fmt: skip
        given = context.__enter__()
        if name == "dir":
            (given / "x").write_text("whole")
        elif name == "file.txt":
            print("whole", file=given, flush=True)
        else:
            given.write_chunk({"a": [1]})
        error = RuntimeError("of the child")
        assert forked(lambda: child(context, RuntimeError, error, None)) == 0
        assert forked(lambda: child(context, None, None, None)) == 1
        assert not os.path.exists(name)
        context.__exit__(None, None, None)
        assert os.path.exists(name)
    assert open("file.txt").read() == "whole\n"
    assert lamella.read_parquet("rows.parquet", "table").to_pydict() == {"a": [1]}
    assert sorted(os.listdir(".")) == ["dir", "file.txt", "rows.parquet"]


@pytest.mark.timeout(60)
def test_after_a_fork_all_can_be_begun_anew_and_streams_are_refused():
    lamella.write_parquet({"a": range(500_000)}, "rows.parquet", row_group_size=10_000)
    scan = lamella.scan("rows.parquet")
    batches = scan.batches()
    next(batches)

    def child():
        try:
            next(batches)
        except ValueError as refused:
            assert "forked" in str(refused)
        assert len(scan.to_table()) == 500_000
        lamella.write_parquet(lamella.scan("rows.parquet"), "again.parquet")

    assert forked(child) == 0
    assert lamella.scan("again.parquet").count_rows() == 500_000 == 10_000 + sum(map(len, batches))
