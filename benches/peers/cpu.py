"""CPU time per request, user and kernel, of a process that has a core for itself."""

import contextlib
import os
import pathlib

import peers
import rounds
import work
from rows import Row
from server import OTHER_CORE

CONNECTIONS = (64, 512)
# How the names of Serin's threads begin that serve requests.
WORKERS = "worker-"


def run_time_s(pid, threads=""):
    """How long those threads of a process have run whose names begin so."""
    total = 0
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(OSError):  # it has ended
            if (task / "comm").read_text().startswith(threads):
                total += int((task / "schedstat").read_text().split()[0])
    return total / 1e9


def place(system, workers, others):
    """Lets Serin's threads run on these cores."""
    for task in pathlib.Path(f"/proc/{system.pid}/task").iterdir():
        is_worker = (task / "comm").read_text().startswith(WORKERS)
        os.sched_setaffinity(int(task.name), workers if is_worker else others)


def spent(system, threads, load):
    """What a load did, and the CPU seconds that it took."""
    before = run_time_s(system.pid, threads)
    done = load()
    return done, run_time_s(system.pid, threads) - before


def measure(setting):
    with peers.running(setting.folder, setting.of(peers.SYSTEMS)) as systems:
        for connections in CONNECTIONS:
            def once(system, connections=connections):
                url = f"http://127.0.0.1:{system.plain}/"
                done, cpu_s = spent(system, "", lambda: work.wrk(
                    url, OTHER_CORE, connections, setting.round_s, setting.keys))
                return cpu_s / done.requests * 1e6, done.requests / done.seconds

            cost, rate = rounds.alternate(setting, systems, once)
            what = f"h1 keep-alive, {connections} connections"
            yield Row("cpu", what, "CPU µs a request", cost)
            yield Row("cpu", what, "requests/s", rate, higher=True)
