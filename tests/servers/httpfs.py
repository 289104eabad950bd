"""A façade with the manners of HttpFS, which Maven Central does not have, before a real NameNode: everything through one
port, uploads redirected to itself with data=true, reads answered at once, renames without renameoptions.
"""

import http.client
import http.server
import json
import threading
import urllib.error
import urllib.parse
import urllib.request


class Facade(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, hdfs):
        self.hdfs = hdfs
        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()
        self.url = f"webhdfs://127.0.0.1:{self.server_port}"

    def handle_error(self, *_):
        """A client that goes away."""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def body(self):
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        data = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            data += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return data

    def answer(self, status, data=b"", location=None, kind="application/json"):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        if location:
            self.send_header("Location", location)
        self.end_headers()
        self.wfile.write(data)

    def forward(self, method, path, query, data):
        """To the NameNode, and where it redirects to."""
        url = f"http://127.0.0.1:{self.server.hdfs.http_ports[0]}{path}?{urllib.parse.urlencode(query)}"
        for step in range(2):
            sent = data if step else b""
            try:
                with urllib.request.urlopen(urllib.request.Request(url, method=method, data=sent)) as reply:
                    return self.answer(reply.status, reply.read(), kind=reply.headers["Content-Type"])
            except urllib.error.HTTPError as error:
                if error.code != 307:
                    return self.answer(error.code, error.read())
                url = error.headers["Location"]

    def serve(self):
        data = self.body()
        path, _, text = self.path.partition("?")
        query = {key.lower(): value for key, value in urllib.parse.parse_qsl(text, keep_blank_values=True)}
        op = query["op"].upper()
        here = f"http://127.0.0.1:{self.server.server_port}{self.path}&data=true"
        no_redirect = query.pop("noredirect", "") == "true"
        if op in ("CREATE", "APPEND") and query.pop("data", "") != "true":
            if no_redirect:
                return self.answer(200, json.dumps({"Location": here}).encode())
            return self.answer(307, location=here)
        if op in ("CREATE", "APPEND") and self.headers.get("Content-Type") != "application/octet-stream":
            return self.answer(http.client.BAD_REQUEST, b"{}")
        if op == "RENAME":
            query.pop("renameoptions", None)
        return self.forward(self.command, path, query, data)

    do_GET = do_PUT = do_POST = do_DELETE = serve
