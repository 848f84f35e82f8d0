"""Servers of HTTP for the data plane's clients to reach."""

import contextlib
import hashlib
import http.server
import json
import threading
import time

# Between two events. A client that gets them in one piece did not get them in time.
EVENT_EVERY_S = 0.3
EVENTS = 4


class Answers(http.server.BaseHTTPRequestHandler):
    """Says what it was asked."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if self.path.startswith("/events"):
            self.events()
        elif self.path.startswith("/bytes/"):
            self.answer(b"x" * int(self.path.rsplit("/", 1)[1]), "application/octet-stream")
        else:
            self.tell(b"")

    do_HEAD = do_DELETE = do_GET

    def do_POST(self):
        self.tell(self.body())

    do_PUT = do_POST

    def handle_expect_100(self):
        """Who may not upload is told before the body."""
        if self.path != "/forbidden":
            return super().handle_expect_100()
        self.close_connection = True
        self.answer(b"no", "text/plain", status=403)
        return False

    def body(self):
        if self.headers.get("transfer-encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("content-length", 0)))
        whole = b""
        while size := int(self.rfile.readline(), 16):
            whole += self.rfile.read(size)
            self.rfile.readline()
        while self.rfile.readline() != b"\r\n":
            pass
        return whole

    def tell(self, body):
        asked = {
            "method": self.command, "path": self.path, "length": len(body),
            "digest": hashlib.sha256(body).hexdigest(),
            "fields": [[name.lower(), value] for name, value in self.headers.items()],
        }
        self.answer(json.dumps(asked).encode(), "application/json")

    def answer(self, body, media, status=200):
        self.send_response(status)
        self.send_header("content-type", media)
        self.send_header("content-length", str(len(body)))
        self.send_header("access-control-allow-origin", "*")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def events(self):
        """Server-sent events, each with the time at which it was written."""
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("access-control-allow-origin", "*")
        self.send_header("connection", "close")
        self.end_headers()
        self.close_connection = True
        for number in range(EVENTS):
            self.wfile.write(f"id: {number}\ndata: {time.time() * 1000:.0f}\n\n".encode())
            self.wfile.flush()
            time.sleep(EVENT_EVERY_S)

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def answering(handler=Answers, tls=None):
    """The URL of a server; `tls` is the context of one that speaks HTTPS."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        if tls:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        server.daemon_threads = True
        server.block_on_close = False
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"{'https' if tls else 'http'}://127.0.0.1:{server.server_port}"
        server.shutdown()
