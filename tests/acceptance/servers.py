"""Servers of HTTP for the data plane's clients to reach."""

import collections
import contextlib
import datetime
import hashlib
import http.server
import ipaddress
import json
import threading

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

EVENTS = 4
# How long an event waits for the word that the one before was seen.
SEEN_WITHIN_S = 10
# What a handshake of TLS may take.
AGREED_WITHIN_S = 10
DAY = datetime.timedelta(days=1)


# By the query of who asks for events: how many were seen.
seen = collections.defaultdict(lambda: threading.Semaphore(0))


class Answers(http.server.BaseHTTPRequestHandler):
    """Says what it was asked."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if self.path.startswith("/events"):
            self.events()
        elif self.path.startswith("/seen"):
            seen[self.query()].release()
            self.answer(b"", "text/plain")
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
        """Server-sent events, each written once the one before was seen.

        Who holds them back gets the first alone.
        """
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("access-control-allow-origin", "*")
        self.send_header("connection", "close")
        self.end_headers()
        self.close_connection = True
        for number in range(EVENTS):
            self.wfile.write(f"id: {number}\ndata: {number}\n\n".encode())
            self.wfile.flush()
            if not seen[self.query()].acquire(timeout=SEEN_WITHIN_S):
                return

    def query(self):
        return self.path.partition("?")[2]

    def log_message(self, *_):
        pass


def certificate(folder):
    """A file with a certificate that vouches for itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    now = datetime.datetime.now(datetime.timezone.utc)
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1).not_valid_before(now - DAY).not_valid_after(now + DAY)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = folder / "server.pem"
    pem.write_bytes(made.public_bytes(serialization.Encoding.PEM) + key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption()))
    return pem


class Server(http.server.ThreadingHTTPServer):
    # A session with TLS is agreed on by its own thread: who says nothing holds up nobody.
    tls = None
    daemon_threads = True
    block_on_close = False
    # Many connections begin at once; what does not fit waits for a second, or for ever.
    request_queue_size = 1024

    def finish_request(self, request, client_address):
        if self.tls is None:
            return super().finish_request(request, client_address)
        request.settimeout(AGREED_WITHIN_S)
        try:
            session = self.tls.wrap_socket(request, server_side=True)
        except OSError:
            return  # The client does not trust us, or is gone.
        with session:
            session.settimeout(None)
            super().finish_request(session, client_address)


@contextlib.contextmanager
def answering(handler=Answers, tls=None):
    """The URL of a server; `tls` is the context of one that speaks HTTPS."""
    with Server(("127.0.0.1", 0), handler) as server:
        server.tls = tls
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"{'https' if tls else 'http'}://127.0.0.1:{server.server_port}"
        server.shutdown()
