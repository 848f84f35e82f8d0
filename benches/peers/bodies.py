"""Bytes of bodies per CPU second, each way."""

import peers
import rounds
import work
from backends import Bodies
from cpu import spent
from rows import Row
from server import OTHER_CORE

# A few large ones are enough to be busy with.
CONNECTIONS = {1_024: 64, 102_400: 32, 10_485_760: 4}
# A generator keeps so many requests with a body.
REQUESTS = 10


def measure(setting):
    with peers.running(setting.folder, setting.of(peers.SYSTEMS), backend=Bodies) as systems:
        for size, name in work.BODIES.items():
            for way, path, body in [("to clients", size, 0), ("to upstreams", "upload", size)]:
                def once(system, path=path, body=body, size=size):
                    url = f"http://127.0.0.1:{system.plain}/{path}"
                    done, cpu_s = spent(system, "", lambda: work.wrk(
                        url, OTHER_CORE, CONNECTIONS[size], setting.short_s, setting.keys,
                        body, REQUESTS))
                    if not body and done.bytes < done.requests * size:
                        raise SystemExit(f"{system.name} answered {done}, in bodies of {size}")
                    return (done.requests * size / cpu_s / 1e6,)

                values, = rounds.alternate(setting, systems, once, setting.few_rounds)
                yield Row("bodies", f"{name} {way}", "MB per CPU second", values, higher=True)
