"""What is measured, each started to do the same work, and what stands behind all."""

import asyncio
import contextlib
import dataclasses
import http.client
import os
import pathlib
import re
import shutil
import socket
import string
import subprocess
import sys

import work
from program import Program

CONFIGS = pathlib.Path(__file__).resolve().parent / "configs"
# What is measured has a core for itself; who asks and who answers share the other one.
CORES = sorted(os.sched_getaffinity(0))
MEASURED_CORE, OTHER_CORE = CORES[0], CORES[-1]
# Under valgrind, and with many routines, a start takes a while.
START_WITHIN_S = 300
ASKED_KEYS = 400


class Template(string.Template):
    """`$` is a sign of nginx's own."""

    delimiter = "@"


def filled(config, **words):
    return Template((CONFIGS / config).read_text()).substitute(words)


def free_ports(count):
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for it in sockets:
            it.bind(("127.0.0.1", 0))
        return [it.getsockname()[1] for it in sockets]


@dataclasses.dataclass
class Shape:
    """How what is measured is started."""

    workers: int = 1
    routines: int = 1_000
    # More of Serin's config.
    more: str = ""
    # A command that runs the command.
    wrapped: tuple = ()


class Server(Program):
    """A program that answers on ports of its own."""

    start_within_s = START_WITHIN_S
    unpacked = "peers"
    config = ""

    def __init__(self, name, folder):
        folder = pathlib.Path(folder) / re.sub(r"\W", "-", name.lower())
        folder.mkdir()
        super().__init__(name, folder)

    @property
    def pid(self):
        return self.processes[0].pid

    def serve(self, core, command, *ports, wrapped=()):
        """Starts it on a core, and waits until it takes connections."""
        log = f"{self.folder.name}.log"
        self.run("taskset", "--cpu-list", str(core), *wrapped, *command, log=log)
        asyncio.run(self.started(lambda: all(map(reachable, ports)), log))

    def write(self, name, text):
        path = self.folder / name
        path.write_text(text)
        return path


def reachable(port):
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


class Measured(Server):
    """Who is in the middle."""

    def __init__(self, name, folder, shape, backend, certificate):
        super().__init__(name, folder)
        self.plain, self.tls, self.h2c, self.admin = free_ports(4)
        for file in certificate:
            shutil.copy(file, self.folder)
        self.words = {
            "folder": self.folder, "v1": backend.v1, "v2": backend.v2, "plain": self.plain,
            "tls": self.tls, "h2c": self.h2c, "admin": self.admin, "workers": shape.workers,
            "routines": f"{shape.routines:,}", "more": shape.more,
        }
        command = self.command(self.write(self.config, self.configured(shape)))
        self.serve(MEASURED_CORE, command, self.plain, wrapped=shape.wrapped)

    def configured(self, _shape):
        return filled(self.config, **self.words)


class Serin(Measured):
    config = "serin.toml"
    unpacked = None

    def configured(self, shape):
        routines = [filled("routine.toml", **self.words | {"name": f"routine-{number}"})
                    for number in range(shape.routines)]
        return super().configured(shape) + "".join(routines)

    def command(self, config):
        return os.environ["SERIN"], "serve", "--config", config

    def __init__(self, *arguments):
        super().__init__(*arguments)
        # HTTP/2 without TLS is told by its preface.
        self.h2c = self.plain


class Nginx(Measured):
    config = "nginx.conf"

    def command(self, config):
        return shutil.which("nginx"), "-e", "stderr", "-p", self.folder, "-c", config


class Haproxy(Measured):
    config = "haproxy.cfg"

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.h2c = self.plain

    def command(self, config):
        return shutil.which("haproxy"), "-db", "-f", config


class Tcp(Haproxy):
    config = "tcp.cfg"


class Backend(Server):
    """Two versions with the shortest of answers."""

    def __init__(self, folder):
        super().__init__("backend", folder)
        self.v1, self.v2 = free_ports(2)
        config = self.write("backend.cfg", filled("backend.cfg", v1=self.v1, v2=self.v2))
        command = shutil.which("haproxy"), "-db", "-f", config
        self.serve(OTHER_CORE, command, self.v1, self.v2)


class Bodies(Server):
    """Two versions that send files and take uploads."""

    def __init__(self, folder):
        super().__init__("bodies", folder)
        self.v1, self.v2 = free_ports(2)
        for size in work.BODIES:
            (self.folder / str(size)).write_bytes(b"x" * size)
        config = self.write("bodies.conf", filled(
            "bodies.conf", folder=self.folder, v1=self.v1, v2=self.v2))
        command = shutil.which("nginx"), "-e", "stderr", "-p", self.folder, "-c", config
        self.serve(OTHER_CORE, command, self.v1, self.v2)


SYSTEMS = {"Serin": Serin, "nginx": Nginx, "HAProxy": Haproxy, "TCP": Tcp}


def certificate(folder):
    """A certificate and its key, and both in one file, as HAProxy wants them."""
    folder = pathlib.Path(folder)
    files = [folder / name for name in ("certificate.pem", "key.pem", "both.pem")]
    if not files[-1].exists():
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
             "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext",
             f"subjectAltName=DNS:{work.HOST},DNS:localhost,IP:127.0.0.1",
             "-out", files[0], "-keyout", files[1]], check=True, capture_output=True)
        files[2].write_bytes(files[0].read_bytes() + files[1].read_bytes())
    return files


@contextlib.contextmanager
def running(folder, names, shape=Shape(), backend=Backend):
    """Starts systems by their names, sees that they do the work, and ends them."""
    with contextlib.ExitStack() as stack:
        own = pathlib.Path(stack.enter_context(work.folder(folder)))
        made = {}
        before = [stack.enter_context(ended(backend, own))]
        for name in names:
            made[name] = stack.enter_context(
                ended(SYSTEMS[name], name, own, shape, before[0], certificate(folder)))
            if backend is Backend and name != "TCP":
                see_that_it_splits(made[name])
        yield made


@contextlib.contextmanager
def ended(kind, *arguments):
    """A server that is ended, even one whose start failed."""
    server = kind.__new__(kind)
    server.processes = []
    try:
        server.__init__(*arguments)
        yield server
    finally:
        server.stop()


def see_that_it_splits(system):
    """Fails unless about 10 % of keys get the newer version, each always the same, and the
    client's address is forwarded. Keeps a key of each version."""
    connection = http.client.HTTPConnection("127.0.0.1", system.plain, timeout=START_WITHIN_S)
    with contextlib.closing(connection):
        def ask(key):
            connection.request("GET", "/seen", headers={"Host": work.HOST, "X-User-Id": key})
            answer = connection.getresponse()
            body = answer.read().decode()
            if answer.status != 200 or answer.headers["x-seen"] != "127.0.0.1":
                sys.exit(f"{system.name} does not do the work: {answer.status}"
                         f" {answer.headers['x-seen']} {body[:200]}")
            return body

        keys = work.keys()[:ASKED_KEYS]
        met = {key: ask(key) for key in keys}
        again = {key: ask(key) for key in keys[:50]}
    newer = sum(version == "v2" for version in met.values()) / len(met)
    if not 0.05 <= newer <= 0.15 or not again.items() <= met.items():
        sys.exit(f"{system.name} does not split: {newer:.0%} got the newer version")
    system.key_of = {version: key for key, version in met.items()}
