"""A faulty proxy for WebHDFS: in front of a NameNode and of its DataNodes, it counts the requests and spoils those that
it is told to. Redirects lead through it too, so that the data goes by it.

    with Proxy(hdfs) as proxy:
        proxy.plan(3, "cut-after")          # the third request from now on; for_good=True: and all later ones
        ... something that uses proxy.url ...
        proxy.seen                          # [(port's role, method, target), ...]

The faults, by where they strike:

    cut-before      nothing is sent on, the connection is reset
    cut-request     half of the head is sent on (of a body, if there is one: half of what came), then both sides are cut
    cut-after       the request is done; the connection is cut before its answer
    cut-answer      the same, in the middle of the answer
    500, 503        answered so, and not sent on; 503 wants to be asked again later
    502-after       done, and then answered so, as a gateway would that lost its server
    standby         403 StandbyException, as the passive one of two NameNodes answers
    safe-mode       403 SafeModeException
    retriable       403 RetriableException
    garbage         bytes that are no HTTP
    nonsense        200, and a page of HTML
    short, long     the answer, but Content-Length tells less, or more, than there is
    trickle         the answer, byte by byte
    silence         done, and never answered
    nowhere         a redirect to a port where nobody listens

and, planned by themselves:

    late            taken from the client whole and never answered; sent on `late_by` requests later, or by deliver()
    pause           half of the body is sent on, or nothing if there is none; `half_way` is called with the server's
                    port; the rest follows
"""

import http.client
import json
import re
import socket
import struct
import threading
import time
import urllib.parse

BEFORE = ("cut-before", "cut-request", "500", "503", "standby", "safe-mode", "retriable", "garbage", "nonsense")
AFTER = ("cut-after", "cut-answer", "502-after", "short", "long", "trickle", "silence", "nowhere")
FAULTS = BEFORE + AFTER

REFUSALS = {
    "500": (500, "java.lang.RuntimeException", "made up\n\tat org.example.Deep.inside(Deep.java:1)"),
    "503": (503, "java.io.IOException", "made up: too busy"),
    "502-after": (502, "java.io.IOException", "made up: the server behind is lost"),
    "standby": (
        403,
        "org.apache.hadoop.ipc.StandbyException",
        "Operation category WRITE is not supported in state standby. Visit https://s.apache.org/sbnn-error",
    ),
    "safe-mode": (
        403,
        "org.apache.hadoop.hdfs.server.namenode.SafeModeException",
        "Cannot do it. Name node is in safe mode.\nThe reported blocks 0 needs additional 1 blocks.",
    ),
    "retriable": (403, "org.apache.hadoop.ipc.RetriableException", "made up: try again"),
}


class Gone(Exception):
    """A side went away."""


class Stream:
    """A socket, and what was read of it and not yet used."""

    def __init__(self, connection):
        self.connection, self.rest = connection, b""

    def more(self):
        try:
            got = self.connection.recv(1 << 16)
        except OSError as error:
            raise Gone from error
        if not got:
            raise Gone
        self.rest += got

    def take(self, count):
        taken, self.rest = self.rest[:count], self.rest[count:]
        return taken

    def until(self, mark):
        while mark not in self.rest:
            self.more()
        return self.take(self.rest.index(mark) + len(mark))

    def exactly(self, count):
        """In pieces, as they come."""
        while count:
            if not self.rest:
                self.more()
            piece = self.take(min(count, len(self.rest)))
            count -= len(piece)
            yield piece

    def chunks(self):
        """A chunked body, in its chunks' own words."""
        while True:
            line = self.until(b"\r\n")
            yield line
            size = int(line.split(b";")[0], 16)
            yield from self.exactly(size + 2)
            if size == 0:
                return

    def to_the_end(self):
        try:
            while True:
                if not self.rest:
                    self.more()
                yield self.take(len(self.rest))
        except Gone:
            return

    def reset(self):
        """Cut, with no word of farewell."""
        try:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
        except OSError:
            pass

    def send(self, data):
        try:
            self.connection.sendall(data)
        except OSError as error:
            raise Gone from error


class Head:
    """The first line and the headers, of a request or an answer."""

    def __init__(self, data):
        self.first, *lines = data[:-4].split(b"\r\n")
        self.lines = [tuple(part.strip() for part in line.split(b":", 1)) for line in lines]

    def get(self, name):
        return next((value for key, value in self.lines if key.lower() == name), None)

    def without(self, *names):
        self.lines = [pair for pair in self.lines if pair[0].lower() not in names]
        return self

    def bytes(self):
        return b"\r\n".join([self.first, *(b": ".join(pair) for pair in self.lines), b"", b""])

    def body(self, stream, open_ended=False):
        if (self.get(b"transfer-encoding") or b"").lower() == b"chunked":
            return stream.chunks()
        if self.get(b"content-length") is not None:
            return stream.exactly(int(self.get(b"content-length")))
        return stream.to_the_end() if open_ended else iter(())


def answer_bytes(status, body, kind=b"application/json", more=b""):
    reason = http.client.responses[status].encode()
    return b"HTTP/1.1 %d %s\r\nContent-Type: %s\r\n%sContent-Length: %d\r\n\r\n%s" % (
        status,
        reason,
        kind,
        more,
        len(body),
        body,
    )


def refusal(fault):
    status, name, message = REFUSALS[fault]
    body = {"exception": name.split(".")[-1], "javaClassName": name, "message": message}
    more = b"Retry-After: 0\r\n" if fault == "503" else b""
    return answer_bytes(status, json.dumps({"RemoteException": body}).encode(), more=more)


class Proxy:
    def __init__(self, hdfs):
        self.lock = threading.Lock()
        self.fault = None  # (the number of the request, what, for good)
        self.seen = []
        self.struck = 0
        self.half_way = self.late_by = None
        self.held = []  # [(port, the request)], which are late
        self.open = True
        self.sockets = []
        self.ports = {}  # the server's port -> ours
        self.hosts = dict(zip(hdfs.ports["data_nodes"], hdfs.ports["data_hosts"]))
        for role, port in [*(("name", p) for p in hdfs.http_ports), *(("data", p) for p in hdfs.ports["data_nodes"])]:
            listener = socket.create_server((self.host(port), 0))
            self.sockets.append(listener)
            self.ports[port] = listener.getsockname()[1]
            threading.Thread(target=self.listen, args=(listener, role, port), daemon=True).start()
        with socket.create_server(("127.0.0.1", 0)) as nobody:
            self.nobody = nobody.getsockname()[1]
        self.http_ports = [self.ports[port] for port in hdfs.http_ports]
        self.port = self.http_ports[0]
        self.url = f"webhdfs://127.0.0.1:{self.port}"

    def host(self, port):
        """Of the server, and ours in front of it."""
        return self.hosts.get(port, "127.0.0.1")

    def plan(self, number=None, fault=None, for_good=False, half_way=None, late_by=None):
        """Begins to count anew. `number` may be a function of role and method: the first for which it is true."""
        assert fault in (*FAULTS, "late", "pause", None), fault
        with self.lock:
            self.fault = (number, fault, for_good) if fault else None
            self.seen, self.struck, self.half_way = [], 0, half_way
            self.held, self.late_by = [], late_by

    def close(self):
        self.open = False
        for listener in self.sockets:
            # A thread in accept would not notice that its socket is closed.
            try:
                listener.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            listener.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    # ---- connections ----

    def listen(self, listener, role, port):
        while self.open:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self.serve, args=(Stream(connection), role, port), daemon=True).start()

    def serve(self, client, role, port):
        try:
            while self.open:
                if not self.one(client, role, port):
                    break
        except Gone:
            pass
        client.reset()

    def next_fault(self, role, head):
        method, target, _ = head.first.decode("latin-1").split(" ", 2)
        with self.lock:
            self.seen.append((role, method, target))
            if not self.fault:
                return None
            number, fault, for_good = self.fault
            if callable(number):
                strikes = not self.struck and number(role, method)
            else:
                strikes = len(self.seen) == number or (for_good and len(self.seen) > number)
            if strikes:
                self.struck += 1
                return fault
        return None

    def one(self, client, role, port):
        """One request and its answer. False: the connection is done with."""
        head = Head(client.until(b"\r\n\r\n"))
        fault = self.next_fault(role, head)
        if fault == "cut-before":
            return False
        if fault in BEFORE and fault != "cut-request":
            client.send(self.made_up(fault))
            return self.drain(client, head)
        if (head.get(b"expect") or b"").lower() == b"100-continue":
            client.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        if fault == "late":
            request = head.without(b"expect").bytes() + b"".join(head.body(client))
            with self.lock:
                self.held.append((port, request))
            return False
        if self.late_by and self.struck and len(self.seen) >= self.fault[0] + self.late_by:
            self.deliver()
        try:
            server = Stream(socket.create_connection((self.host(port), port)))
        except OSError:
            return False
        try:
            if fault == "cut-request":
                self.send_half(client, server, head)
                server.reset()
                return False
            sent, half = 0, self.half(head)
            if fault == "pause" and half == 0:
                fault = None
                self.half_way(port)
            server.send(head.without(b"expect").bytes())
            for piece in head.body(client):
                server.send(piece)
                sent += len(piece)
                if fault == "pause" and sent >= half:
                    fault = None
                    self.half_way(port)
            return self.pass_back(client, server, head, fault)
        finally:
            server.connection.close()

    def deliver(self):
        """Sends on what was held, and waits for its answers, which nobody gets."""
        with self.lock:
            held, self.held = self.held, []
        for port, request in held:
            server = Stream(socket.create_connection((self.host(port), port)))
            server.send(request)
            reply, body = self.answer(server, Head(request[: request.index(b"\r\n\r\n") + 4]))
            for _ in body:
                pass
            server.connection.close()

    @staticmethod
    def made_up(fault):
        if fault == "garbage":
            return bytes(range(256)) * 3
        if fault == "nonsense":
            return answer_bytes(200, b"<html><body>It works!</body></html>", b"text/html")
        return refusal(fault)

    @staticmethod
    def drain(client, head):
        """What is left of a request that was answered already; reset too early, the answer would be lost."""
        if head.get(b"expect"):
            return False
        for _ in head.body(client):
            pass
        return True

    @staticmethod
    def half(head):
        """Of the body; of one whose length is not told, some."""
        if head.get(b"transfer-encoding"):
            return 1 << 16
        return int(head.get(b"content-length") or 0) // 2

    def send_half(self, client, server, head):
        data, left = head.without(b"expect").bytes(), self.half(head)
        if left == 0:
            server.send(data[: len(data) // 2])
            return
        server.send(data)
        for piece in head.body(client):
            server.send(piece[:left])
            left -= len(piece[:left])
            if left == 0 or piece == b"0\r\n":
                break

    # ---- answers ----

    def redirected(self, text):
        """Addresses of the servers become ours, in redirects and where a NameNode tells its DataNodes."""
        text = re.sub(
            rb"http://(127\.0\.0\.\d+|localhost):(\d+)",
            lambda m: b"http://%s:%d" % (self.host(int(m[2])).encode(), self.ports.get(int(m[2]), int(m[2]))),
            text,
        )
        return re.sub(rb'("infoPort":)(\d+)', lambda m: b"%s%d" % (m[1], self.ports.get(int(m[2]), int(m[2]))), text)

    def answer(self, server, head):
        """The head and the body of the server's answer, addresses made ours."""
        reply = Head(server.until(b"\r\n\r\n"))
        while reply.first.split(b" ")[1] == b"100":
            reply = Head(server.until(b"\r\n\r\n"))
        reply.lines = [(k, self.redirected(v) if k.lower() == b"location" else v) for k, v in reply.lines]
        none = reply.first.split(b" ")[1] in (b"204", b"304") or head.first.startswith(b"HEAD ")
        return reply, iter(()) if none else reply.body(server, open_ended=True)

    @staticmethod
    def plain(reply, body):
        """The whole body, not chunked, and the head that fits it."""
        data = b"".join(body)
        if (reply.get(b"transfer-encoding") or b"").lower() == b"chunked":
            raw, data = data, b""
            while raw:
                line, raw = raw.split(b"\r\n", 1)
                size = int(line, 16)
                data, raw = data + raw[:size], raw[size + 2 :]
                if size == 0:
                    break
        reply.without(b"transfer-encoding", b"content-length")
        return reply, data

    def pass_back(self, client, server, head, fault):
        reply, body = self.answer(server, head)
        tells_ports = b"noredirect" in head.first or b"op=GET_BLOCK_LOCATIONS" in head.first
        if fault is None and not tells_ports:
            client.send(reply.bytes())
            for piece in body:
                client.send(piece)
            framed = reply.get(b"content-length") is not None or reply.get(b"transfer-encoding") is not None
            return framed or reply.first.split(b" ")[1] in (b"204", b"304")
        reply, data = self.plain(reply, body)
        data = self.redirected(data) if tells_ports else data
        told = len(data)
        if fault == "cut-after":
            return False
        if fault == "502-after":
            client.send(refusal(fault))
            return True
        if fault == "silence":
            client.connection.settimeout(60)
            for _ in client.to_the_end():
                pass
            return False
        if fault == "nowhere":
            pattern, nobody = rb"(http://127\.0\.0\.1):\d+", rb"\1:%d" % self.nobody
            reply.lines = [(k, re.sub(pattern, nobody, v) if k.lower() == b"location" else v) for k, v in reply.lines]
            if b"noredirect" in head.first:
                data = re.sub(pattern, nobody, data)
        if fault == "short":
            told = max(0, len(data) - 7)
        if fault == "long":
            told = len(data) + 7
        reply.lines.append((b"Content-Length", b"%d" % told))
        whole = reply.bytes() + data
        if fault == "cut-answer":
            whole = whole[: len(whole) // 2]
        if fault == "trickle":
            for i in range(min(len(whole), 300)):
                client.send(whole[i : i + 1])
                time.sleep(0.0002)
            whole = whole[300:]
        client.send(whole)
        return fault in (None, "nowhere", "trickle")


def quoted(path):
    return urllib.parse.quote(path)
