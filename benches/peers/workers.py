"""How evenly two workers share connections that all come at once."""

import peers
import work
from cpu import WORKERS, place, run_time_s
from peers import Shape
from rows import SERIN, Row
from server import MEASURED_CORE, OTHER_CORE

CONNECTIONS = (16, 64, 512)


def measure(setting):
    """The CPU time of the busier one, of that of both. They may use both cores."""
    with peers.running(setting.folder, [SERIN], Shape(workers=2)) as systems:
        system = systems[SERIN]
        both = {MEASURED_CORE, OTHER_CORE}
        place(system, both, both)
        for connections in CONNECTIONS:
            shares = [busier(setting, system, connections) for _ in range(setting.rounds)]
            yield Row("workers", f"busier of 2 workers, {connections} connections",
                      "% of their CPU time", {SERIN: shares})


def busier(setting, system, connections):
    names = f"{WORKERS}0", f"{WORKERS}1"
    before = [run_time_s(system.pid, name) for name in names]
    work.wrk(f"http://127.0.0.1:{system.plain}/", OTHER_CORE, connections, setting.short_s,
             setting.keys)
    spent = [run_time_s(system.pid, name) - it for name, it in zip(names, before)]
    return max(spent) / sum(spent) * 100
