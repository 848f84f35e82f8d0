"""What deployments cost the traffic meanwhile, and how long one takes."""

import statistics

import latency
import peers
import rounds
import work
from cpu import WORKERS, place, spent
from deployments import Deployments
from peers import Shape
from rows import SERIN, Row
from server import MEASURED_CORE, OTHER_CORE

DEPLOYMENTS_PER_S = 300
CONNECTIONS = 64
ROUTINES = 10_000
STORES = {"in memory": "", "durable": '[store]\npath = "serin.db"\n'}
# How many deployments are timed, one after the other.
TIMED_S, TIMED_PER_S = 3, 100


def measure(setting):
    for store, more in STORES.items():
        shape = Shape(routines=ROUTINES, more=more)
        with (peers.running(setting.folder, [SERIN], shape) as systems,
              peers.running(setting.folder, [SERIN], shape) as others):
            for each in systems, others:
                # Who deploys is not to be counted as the workers' cost.
                place(each[SERIN], {MEASURED_CORE}, {OTHER_CORE})
            yield from traffic(setting, systems[SERIN], others[SERIN], store)
            yield answered(systems[SERIN], ROUTINES, store)
    if not setting.quick:
        shape = Shape(routines=10 * ROUTINES, more=STORES["in memory"])
        with peers.running(setting.folder, [SERIN], shape) as systems:
            yield answered(systems[SERIN], shape.routines, "in memory")


def traffic(setting, system, other, store):
    """Each value without deployments, and with them. Without them, as many are made at
    another Serin that serves nobody: operators, and who stores what they ask for, keep the
    other core busy, and a request costs more where fewer come at once."""
    made = []

    def once(deploys):
        admin = system.admin if deploys else other.admin
        with Deployments(admin, DEPLOYMENTS_PER_S, ROUTINES) as changing:
            done, cpu_s = spent(system, WORKERS, lambda: work.wrk(
                f"http://127.0.0.1:{system.plain}/", OTHER_CORE, CONNECTIONS,
                setting.round_s, setting.keys))
            *_, p999 = latency.quantiles(latency.at_rate(setting, system))
        if deploys:
            made.append(len(changing.took_s) / changing.seconds)
        return cpu_s / done.requests * 1e6, p999

    ways = {"without": False, "with": True}
    units = ("workers", "CPU µs a request"), ("p99.9", f"µs at {latency.RATE:,} requests/s")
    for (what, unit), values in zip(units, rounds.alternate(setting, ways, once)):
        for way, each in values.items():
            yield Row("swap", f"{what}, {way} deployments, {store}", unit, {SERIN: each})
        change = [(after / before - 1) * 100
                  for before, after in zip(values["without"], values["with"])]
        yield Row("swap", f"{what}, change by deployments, {store}", "%", {SERIN: change})
    yield Row("swap", f"deployments made, {store}", "per second", {SERIN: made})


def answered(system, routines, store):
    """A deployment is answered once it is stored and published, so this bounds both."""
    with Deployments(system.admin, TIMED_PER_S, routines) as changing:
        changing.over.wait(TIMED_S)
    took_ms = statistics.median(changing.took_s) * 1e3
    return Row("swap", f"deployment among {routines:,} routines, asked to answered, {store}",
               "ms", {SERIN: [took_ms]})
