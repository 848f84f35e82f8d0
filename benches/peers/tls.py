"""TLS and HTTP/2: CPU time per request, and full handshakes per CPU second."""

import peers
import rounds
import work
from cpu import spent
from rows import PEERS, SERIN, Row
from server import OTHER_CORE

CONNECTIONS = 64
STREAMS = 10
REQUESTS_PER_S = 10_000
HANDSHAKES_PER_S = 500


def measure(setting):
    with peers.running(setting.folder, setting.of((SERIN, *PEERS))) as systems:
        for what, once in [
            (f"h1 over TLS, {CONNECTIONS} connections", over_tls),
            (f"h2c, {CONNECTIONS} connections of {STREAMS} streams", h2("http", "h2c")),
            (f"h2 over TLS, {CONNECTIONS} connections of {STREAMS} streams", h2("https", "tls")),
        ]:
            values, = rounds.alternate(
                setting, systems, lambda system, once=once: cost(*once(setting, system)),
                setting.few_rounds)
            yield Row("tls", what, "CPU µs a request", values)
        values, = rounds.alternate(
            setting, systems, lambda system: rate(*handshakes(setting, system)),
            setting.few_rounds)
        yield Row("tls", "new TLS connections, each with one request", "per CPU second", values,
                  higher=True)


def cost(done, cpu_s):
    return (cpu_s / done.requests * 1e6,)


def rate(done, cpu_s):
    return (done.requests / cpu_s,)


def over_tls(setting, system):
    return spent(system, "", lambda: work.wrk(
        f"https://localhost:{system.tls}/", OTHER_CORE, CONNECTIONS, setting.short_s,
        setting.keys))


def h2(scheme, port):
    def once(setting, system):
        url = f"{scheme}://127.0.0.1:{getattr(system, port)}/"
        return spent(system, "", lambda: work.split_h2load(
            url, OTHER_CORE, ["-m", STREAMS], REQUESTS_PER_S * setting.short_s, CONNECTIONS,
            system.key_of))
    return once


def handshakes(setting, system):
    """Each connection is new to its client, so that none is resumed."""
    count = HANDSHAKES_PER_S * setting.short_s
    return spent(system, "", lambda: work.done_by_h2load(work.h2load(
        f"https://127.0.0.1:{system.tls}/", OTHER_CORE, "--h1", "-n", count, "-c", count,
        key=work.keys()[0])))
