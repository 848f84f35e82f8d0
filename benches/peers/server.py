"""A program that answers on ports of its own, on a core of its own, as a file configures."""

import asyncio
import contextlib
import os
import pathlib
import re
import socket
import string

from program import Program

CONFIGS = pathlib.Path(__file__).resolve().parent / "configs"
# What is measured has a core for itself; who asks and who answers share the other one.
CORES = sorted(os.sched_getaffinity(0))
MEASURED_CORE, OTHER_CORE = CORES[0], CORES[-1]
# Under valgrind, and with many routines, a start takes a while.
START_WITHIN_S = 300


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


def reachable(port):
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


class Server(Program):
    start_within_s = START_WITHIN_S
    unpacked = "peers"

    def __init__(self, name, folder):
        folder = pathlib.Path(folder) / re.sub(r"\W", "-", name.lower())
        folder.mkdir()
        super().__init__(name, folder)

    @property
    def pid(self):
        return self.processes[0].pid

    def serve(self, core, command, *ports):
        """Starts it on a core, and waits until it takes connections."""
        log = f"{self.folder.name}.log"
        self.run("taskset", "--cpu-list", str(core), *command, log=log)
        asyncio.run(self.started(lambda: all(map(reachable, ports)), log))

    def write(self, name, text):
        path = self.folder / name
        path.write_text(text)
        return path

    @contextlib.contextmanager
    def serving(self):
        """Ends it, even if its start failed."""
        try:
            self.start()
            yield self
        finally:
            self.stop()
