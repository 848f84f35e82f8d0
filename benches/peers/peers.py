"""What is measured, each started to do the same work."""

import contextlib
import dataclasses
import os
import pathlib
import shutil
import subprocess

import backends
import work
from proof import see_that_it_splits
from server import MEASURED_CORE, Server, filled, free_ports


@dataclasses.dataclass
class Shape:
    """How what is measured is started."""

    workers: int = 1
    routines: int = 1_000
    # More of Serin's config.
    more: str = ""
    # A command that runs the command.
    wrapped: tuple = ()


class Measured(Server):
    """Who is in the middle."""

    def __init__(self, name, folder, shape, backend):
        super().__init__(name, folder)
        self.shape = shape
        self.plain, self.tls, self.h2c, self.admin = free_ports(4)
        self.words = backend.words | {
            "folder": self.folder, "plain": self.plain, "tls": self.tls, "h2c": self.h2c,
            "admin": self.admin, "workers": shape.workers, "routines": f"{shape.routines:,}",
            "more": shape.more,
        }

    def start(self):
        make_certificate(self.folder)
        command = self.command(self.write(self.config, self.configured()))
        self.serve(MEASURED_CORE, (*self.shape.wrapped, *command), self.plain)

    def configured(self):
        return filled(self.config, **self.words)


class Preface:
    """HTTP/2 without TLS is told by its preface."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.h2c = self.plain


class Serin(Preface, Measured):
    config = "serin.toml"
    unpacked = None

    def configured(self):
        routines = [filled("routine.toml", **self.words | {"name": f"routine-{number}"})
                    for number in range(self.shape.routines)]
        return super().configured() + "".join(routines)

    def command(self, config):
        return os.environ["SERIN"], "serve", "--config", config


class Nginx(Measured):
    config = "nginx.conf"

    def command(self, config):
        return shutil.which("nginx"), "-e", "stderr", "-p", self.folder, "-c", config


class Haproxy(Preface, Measured):
    config = "haproxy.cfg"

    def command(self, config):
        return shutil.which("haproxy"), "-db", "-f", config


class Tcp(Haproxy):
    config = "tcp.cfg"


SYSTEMS = {"Serin": Serin, "nginx": Nginx, "HAProxy": Haproxy, "TCP": Tcp}


def make_certificate(folder):
    """A certificate and its key, and both in one file, as HAProxy wants them."""
    certificate, key, both = (
        folder / name for name in ("certificate.pem", "key.pem", "both.pem"))
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext",
         f"subjectAltName=DNS:{work.HOST},DNS:localhost,IP:127.0.0.1",
         "-out", certificate, "-keyout", key], check=True, capture_output=True)
    both.write_bytes(certificate.read_bytes() + key.read_bytes())


@contextlib.contextmanager
def running(folder, names, shape=Shape(), backend=backends.Shortest):
    """Starts systems by their names, sees that they do the work, and ends them."""
    with contextlib.ExitStack() as stack:
        own = pathlib.Path(stack.enter_context(work.folder(folder)))
        behind = stack.enter_context(backend(own).serving())
        systems = {}
        for name in names:
            system = SYSTEMS[name](name, own, shape, behind)
            systems[name] = stack.enter_context(system.serving())
            # Files do not tell versions apart, and bytes are not read.
            if backend is backends.Shortest and name != "TCP":
                system.key_of = see_that_it_splits(system)
        yield systems
