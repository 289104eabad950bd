"""The faulty proxy does what it says: to a server of Python's own, which remembers what reached it."""

import http.client
import http.server
import json
import threading

import proxy as faulty
import pytest


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self):
        self.done = []
        super().__init__(("127.0.0.1", 0), Answer)
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()
        self.http_ports, self.ports = [self.server_port], {"data_nodes": [], "data_hosts": []}

    def handle_error(self, *_):
        """Connections that are reset are what this is about."""


class Answer(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_PUT(self):
        size = int(self.headers["Content-Length"] or 0)
        body = self.rfile.read(size)
        self.server.done.append((self.path, body))
        if len(body) < size:
            self.close_connection = True
            return
        port = self.server.server_port
        self.send_response(307 if "to" in self.path else 200)
        if "to" in self.path:
            self.send_header("Location", f"http://localhost:{port}/next?a=b")
        text = json.dumps({"Location": f"http://127.0.0.1:{port}/next", "all": "right" * 20}).encode()
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_PUT


@pytest.fixture
def server():
    made = Server()
    yield made
    made.shutdown()
    made.server_close()


@pytest.fixture
def proxy(server):
    with faulty.Proxy(server) as made:
        yield made


def ask(proxy, path="/a?op=X", body=b"", connection=None):
    connection = connection or http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=30)
    connection.request("PUT", path, body)
    answer = connection.getresponse()
    return answer.status, answer.headers, answer.read()


def test_without_a_plan_nothing_is_spoilt(proxy, server):
    kept = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=30)
    for i in range(3):
        status, _, body = ask(proxy, f"/{i}", b"x" * 100_000 * i, kept)
        assert (status, json.loads(body)["all"]) == (200, "right" * 20)
    assert [len(body) for _, body in server.done] == [0, 100_000, 200_000]
    assert [(role, method) for role, method, _ in proxy.seen] == [("name", "PUT")] * 3
    assert proxy.struck == 0


def test_addresses_lead_through_it(proxy, server):
    status, headers, _ = ask(proxy, "/to")
    assert status == 307 and headers["Location"] == f"http://127.0.0.1:{proxy.port}/next?a=b"
    _, _, body = ask(proxy, "/a?noredirect=true")
    assert json.loads(body)["Location"] == f"http://127.0.0.1:{proxy.port}/next"


def test_only_the_planned_request_is_spoilt(proxy, server):
    proxy.plan(2, "500")
    assert [ask(proxy)[0] for _ in range(3)] == [200, 500, 200]
    proxy.plan(2, "503", for_good=True)
    assert [ask(proxy)[0] for _ in range(4)] == [200, 503, 503, 503]
    assert proxy.struck == 3


@pytest.mark.parametrize("body", [b"", b"y" * 50_000])
@pytest.mark.parametrize("fault", faulty.FAULTS)
def test_each_fault(proxy, server, fault, body):
    proxy.plan(1, fault)
    path = "/to" if fault == "nowhere" else "/a"
    status, headers, answer = None, {}, b""
    try:
        connection = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=0.5 if fault == "silence" else 30)
        status, headers, answer = ask(proxy, path, body, connection)
    except (OSError, http.client.HTTPException):
        pass
    assert proxy.struck == 1
    whole = [got for got in server.done if got == (path, body)]
    assert len(whole) == (fault in faulty.AFTER)
    if fault == "cut-request":
        assert [len(got) for _, got in server.done] in ([25_000], []) and (body or not server.done)
    right = answer and fault in ("short", "trickle", "nowhere")
    assert status in {
        "trickle": [200],
        "short": [200],
        "nonsense": [200],
        "nowhere": [307],
        "500": [500],
        "503": [503],
        "502-after": [502],
        "standby": [403],
        "safe-mode": [403],
        "retriable": [403],
    }.get(fault, [None])
    if fault == "short":
        assert len(answer) == int(headers["Content-Length"]) and not answer.endswith(b"}")
    elif right:
        assert json.loads(answer)["all"] == "right" * 20
    if fault == "nowhere":
        assert f":{proxy.nobody}/" in headers["Location"]
    if fault == "standby":
        assert json.loads(answer)["RemoteException"]["exception"] == "StandbyException"


def test_half_of_a_body_can_be_waited_for(proxy, server):
    half = []
    proxy.plan(1, "pause", half_way=half.append)
    assert ask(proxy, body=b"z" * 100_000)[0] == 200
    assert half == [server.server_port] and server.done == [("/a?op=X", b"z" * 100_000)]


def test_a_request_can_be_late(proxy, server):
    for late_by in (None, 1, 2):
        server.done.clear()
        proxy.plan(1, "late", late_by=late_by)
        with pytest.raises((OSError, http.client.HTTPException)):
            ask(proxy, "/1", body=b"z" * 1000)
        assert server.done == []
        assert [ask(proxy, f"/{i}")[0] for i in (2, 3)] == [200, 200]
        proxy.deliver()
        order = {None: "231", 1: "123", 2: "213"}[late_by]
        assert server.done == [(f"/{i}", b"z" * 1000 if i == "1" else b"") for i in order]
