"""Memory that a connection costs which waits for its next request."""

import contextlib
import pathlib
import re
import resource
import socket
import time

import peers
import work
from rows import PEERS, SERIN, Row

CONNECTIONS = 8_000
# How long memory has to stand still, and how long it is waited for.
STILL_S, WAIT_S = 5, 30
BEYOND = 500  # descriptors for everything else


def measure(setting):
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    count = min(CONNECTIONS // 4 if setting.quick else CONNECTIONS, hard - BEYOND)
    values = {name: [each(setting, name, count)] for name in setting.of((SERIN, *PEERS))}
    yield Row("idle", f"memory, {count:,} idle h1 connections", "KiB a connection", values)


def each(setting, name, count):
    with peers.running(setting.folder, [name]) as systems, contextlib.ExitStack() as stack:
        system = systems[name]
        with contextlib.ExitStack() as warm:
            for key in work.keys()[:100]:
                ask(system, key, warm)
        before = settled_kib(system.pid)
        for number in range(count):
            ask(system, work.keys()[number % work.KEYS], stack)
        return (settled_kib(system.pid) - before) / count


def ask(system, key, stack):
    """One request on a connection that is kept."""
    connection = stack.enter_context(socket.create_connection(("127.0.0.1", system.plain), 20))
    connection.sendall(
        f"GET / HTTP/1.1\r\nHost: {work.HOST}\r\nX-User-Id: {key}\r\n\r\n".encode())
    said = b""
    while not re.search(rb"\r\n\r\nv[12]$", said):
        more = connection.recv(4096)
        if not more:
            raise SystemExit(f"{system.name} closed a connection after {said!r}")
        said += more


def settled_kib(pid):
    """Resident memory, once it stands still."""
    begun = since = time.monotonic()
    last = None
    while time.monotonic() - since < STILL_S and time.monotonic() - begun < WAIT_S:
        status = pathlib.Path(f"/proc/{pid}/status").read_text()
        now = int(re.search(r"VmRSS:\s+(\d+) kB", status)[1])
        if now != last:
            last, since = now, time.monotonic()
        time.sleep(0.2)
    return last
