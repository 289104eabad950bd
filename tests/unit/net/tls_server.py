"""Servers with TLS for test_tls.c: `tls_server.py DIR NAME...` serves with DIR/NAME.pem and DIR/NAME.key for each name,
on free ports of 127.0.0.1, prints the ports in one line and ends when its standard input does."""
import http.server
import ssl
import sys
import threading


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self):
        self.send_response(200)
        self.send_header("Content-Length", "5")
        self.end_headers()
        self.wfile.write(b"hello")

    do_GET = answer

    def do_PUT(self):
        if self.path == "/slam":  # the connection ends with most of the body unread
            self.rfile.read(5)
            self.connection.shutdown(2)
            self.close_connection = True
            return
        self.rfile.read(int(self.headers["Content-Length"]))
        self.answer()

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        pass


servers = []
for name in sys.argv[2:]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(f"{sys.argv[1]}/{name}.pem", f"{sys.argv[1]}/{name}.key")
    server = Server(("127.0.0.1", 0), Handler)
    # The handshake belongs to the connection's thread: a client that breaks it off stops nobody.
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    servers.append(server)
print(*(server.server_port for server in servers), flush=True)
sys.stdin.read()
