"""A Serin of one's own: a process on ports that the system chose, and its data plane."""

import contextlib
import functools
import http.client
import http.server
import importlib.util
import json
import os
import pathlib
import re
import subprocess
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = os.environ.get("SERIN", ROOT / "target" / "release" / "serin")
START_WITHIN_S = 20
END_WITHIN_S = 20
ANSWER_WITHIN_S = 10
USERS = [f"user-{number}" for number in range(1000)]

ANY_PORT = """
[listen]
production = "127.0.0.1:0"
staging    = "127.0.0.1:0"
admin      = "127.0.0.1:0"
"""
# The same, and admin speaks HTTPS, too.
TLS = ANY_PORT + """\
admin_tls  = "127.0.0.1:0"
[tls]
authority = "authority"
"""
# Regions for the releases that name them, and a client that may name its own.
REGIONS = """
[[region]]
name = "jiangsu"
[[region]]
name = "zhejiang"
[trusted]
proxies = ["127.0.0.0/8"]
"""

# Whoever runs the tests may have keys and proxies, and they are none of theirs.
FOREIGN = re.compile(r"SERIN_|ESA_|ALIBABA_CLOUD_|RUST_LOG|(https?|all|no)_proxy", re.I)


def environment(**more):
    kept = {name: value for name, value in os.environ.items() if not FOREIGN.match(name)}
    return kept | more


class Serin:
    """A `serin serve` that is listening."""

    def __init__(self, folder, config):
        self.folder = pathlib.Path(folder)
        self.config = self.folder / "serin.toml"
        self.config.write_text(config, encoding="utf-8")
        self.log = self.folder / "serin.log"
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [BINARY, "serve", "--config", self.config], cwd=folder, env=environment(),
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=log,
            )
        try:
            addresses = dict(re.findall(r"(\w+)=(127\.0\.0\.1:\d+)", self._first_words()))
        except BaseException:
            self.kill()
            raise
        self.production = addresses["production"]
        self.staging = addresses["staging"]
        self.admin = addresses["admin"]
        self.admin_tls = addresses.get("admin_tls")
        self.production_tls = addresses.get("production_tls")

    def _first_words(self):
        deadline = time.monotonic() + START_WITHIN_S
        while True:
            said = self.log.read_text(encoding="utf-8")
            for line in said.splitlines():
                if "serin serves" in line:
                    return line
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"serin does not serve:\n{said}")
            time.sleep(0.01)

    def kill(self):
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        self.process.wait()

    def end(self):
        """Ends it as an operator does."""
        self.process.terminate()
        try:
            status = self.process.wait(END_WITHIN_S)
        except subprocess.TimeoutExpired:
            self.kill()
            raise
        assert status == 0, self.log.read_text(encoding="utf-8")

    def ca(self):
        """The path of what clients must trust."""
        pem = self.folder / "ca.pem"
        pem.write_bytes(subprocess.run(
            [BINARY, "ca", "--config", self.config], cwd=self.folder, env=environment(),
            stdin=subprocess.DEVNULL, capture_output=True, check=True, timeout=START_WITHIN_S,
        ).stdout)
        return pem

    def native(self, method, path, body=None):
        """One call of the native API: its status and its answer."""
        connection = http.client.HTTPConnection(self.admin, timeout=ANSWER_WITHIN_S)
        with contextlib.closing(connection):
            text = None if body is None else json.dumps(body)
            connection.request(method, path, text, {"content-type": "application/json"})
            answer = connection.getresponse()
            read = answer.read()
            return answer.status, json.loads(read) if read else None

    def deploy(self, routine, shares):
        """Gives production of a routine these versions, each its percentage."""
        path = f"/api/v1/routines/{routine}/environments/production/deployment"
        code_versions = [{"code_version": version, "percentage": percentage}
                         for version, percentage in shares.items()]
        status, answer = self.native("POST", path, {"code_versions": code_versions})
        assert status in (200, 201), answer


@contextlib.contextmanager
def serving(folder, config=ANY_PORT):
    serin = Serin(folder, config)
    try:
        yield serin
    except BaseException:
        serin.kill()
        raise
    serin.end()


class Origin(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.send_response(200)
        self.send_header("content-length", "6")
        self.end_headers()
        self.wfile.write(b"origin")

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def origin():
    """Where a site's other requests go: the address of a server that says `origin`."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Origin) as server:
        server.daemon_threads = True
        server.block_on_close = False
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()


class Visitor:
    """Who asks the data plane, over one connection."""

    def __init__(self, address, host):
        self.connection = http.client.HTTPConnection(address, timeout=ANSWER_WITHIN_S)
        self.host = host

    def ask(self, path="/", **fields):
        """The status, the fields and the body of one answer."""
        fields = {name.replace("_", "-"): value for name, value in fields.items()}
        self.connection.request("GET", path, headers={"Host": self.host, **fields})
        answer = self.connection.getresponse()
        return answer.status, answer.headers, answer.read()

    def version(self, key=None, path="/", **fields):
        """The version that answers, by its own word and by Serin's."""
        if key is not None:
            fields["x_serin_key"] = key
        status, headers, body = self.ask(path, **fields)
        assert status == 200, (status, body)
        version = json.loads(body)["version"]
        assert headers["x-serin-version"] == version
        return version


def visits(address, host, path="/", **fields):
    """The version that each user meets."""
    visitor = Visitor(address, host)
    return {user: visitor.version(user, path, **fields) for user in USERS}


@functools.cache
def second_rule():
    """The split rule's second implementation."""
    path = ROOT / "tests" / "vectors" / "make.py"
    spec = importlib.util.spec_from_file_location("second_rule", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def split(kind, name, shares):
    """The version that the split rule gives each user."""
    shares = list(shares.items())
    if len(shares) == 1:
        return dict.fromkeys(USERS, shares[0][0])
    judge = second_rule().judge
    return {user: judge(kind, name, shares, "", user.encode())["version"] for user in USERS}


def shares_of(met):
    """How many users met each version."""
    versions = list(met.values())
    return {version: versions.count(version) for version in set(versions)}
