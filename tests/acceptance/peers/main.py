"""Sends the same raw bytes through Serin, nginx and HAProxy to a raw upstream.

Fails when Serin's answer is not what its case expects, when a request was smuggled or an
ambiguous message passed on, when it does not serve what both peers serve, and when it
answers otherwise than a peer and no reason is written beside the case. Arguments name
the cases to run: those whose name or group contains one of them.
"""

import asyncio
import os
import sys
import tempfile
import time

import cases
import client
from proxies import Haproxy, Nginx, Serin
from table import Table
from upstream import Upstream

# Cases that run side by side against each proxy. They wait more than they work.
LANES = 10
PROXIES = {"Serin": Serin, "nginx": Nginx, "HAProxy": Haproxy}


async def run_lane(lane, waiting, outcomes, proxy, upstream):
    """Plays cases until none waits."""
    while waiting:
        index, case = waiting.pop()
        outcomes[index] = await client.play(case, proxy, lane, upstream)


async def run_proxy(proxy, chosen):
    """The outcome of each case."""
    upstreams = [Upstream() for _ in range(LANES)]
    for upstream in upstreams:
        await upstream.listen()
    await proxy.start([it.address for it in upstreams])
    waiting = [(index, case) for index, (_, case) in enumerate(chosen)][::-1]
    outcomes = [None] * len(chosen)
    async with asyncio.TaskGroup() as lanes:
        for lane, upstream in enumerate(upstreams):
            lanes.create_task(run_lane(lane, waiting, outcomes, proxy, upstream))
    for upstream in upstreams:
        upstream.server.close()
    return outcomes


async def run(proxies, chosen):
    try:
        return await asyncio.gather(*(run_proxy(proxy, chosen) for proxy in proxies))
    finally:
        for proxy in proxies:
            proxy.stop()


def main(words):
    chosen = [
        (group.subject, case) for group in cases.GROUPS for case in group.cases
        if not words or any(word in case.name or word in group.subject for word in words)
    ]
    if len({(subject, case.name) for subject, case in chosen}) != len(chosen):
        raise SystemExit("two cases have one name")
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="peers-") as folder:
        proxies = []
        for name, proxy in PROXIES.items():
            own = f"{folder}/{name.lower()}"
            os.mkdir(own)
            proxies.append(proxy(name, own))
        outcomes = asyncio.run(run(proxies, chosen))
        panicked = "panicked" in proxies[0].logs()
    table = Table(proxies)
    for (group, case), *each in zip(chosen, *outcomes):
        table.add(group, case, each)
    table.print()
    if panicked:
        print("\nFAILED: Serin panicked")
    failed = len(table.failed) + panicked
    print(f"\npeers: {len(chosen) - len(table.failed)} passed, {failed} failed"
          f" in {time.monotonic() - began:.0f} s")
    return 1 if failed or not chosen else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
