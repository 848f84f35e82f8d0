"""Plays a case's client against one proxy, and tells what it was answered."""

import asyncio
import dataclasses
import itertools
import re

import messages
from case import Do, Until
from upstream import reset

LIMIT_S = 2.5
QUIET_S = 0.25
# For what a proxy may still do after it has closed.
AFTER_S = 0.1
PAUSE_S = 0.05
# Responses that are alike, before they are counted and not listed.
MANY = 4
CONNECT_WITHIN_S = 5


@dataclasses.dataclass
class Outcome:
    words: str
    seen: int
    received: bytes
    # What two readers could read differently.
    answer_faults: list
    upstream_faults: list
    upstream_received: bytes
    # Requests that the upstream has in full.
    whole: int
    smuggled: bool

    def __str__(self):
        whole = "" if self.whole == self.seen else f" ({self.whole})"
        return f"{self.words}, {self.seen}{whole}"


class Client:
    def __init__(self, case):
        self.case = case
        self.received = b""
        self.ended = False
        self.at = 0.0
        self.news = asyncio.Event()

    async def listen(self, reader):
        loop = asyncio.get_running_loop()
        try:
            while more := await reader.read(65536):
                self.received += more
                self.at = loop.time()
                self.news.set()
        except OSError:
            pass
        self.ended, self.at = True, loop.time()
        self.news.set()

    async def talk(self, writer):
        for step in self.case.send:
            if step is Do.PAUSE:
                await asyncio.sleep(PAUSE_S)
            elif step is Do.HALF_CLOSE:
                writer.write_eof()
            elif step is Do.RESET:
                reset(writer)
                return
            elif isinstance(step, Until):
                while not self.ended and step.times > len(
                        re.findall(step.pattern, self.received, re.S)):
                    self.news.clear()
                    await self.news.wait()
            else:
                writer.write(step)
                await writer.drain()

    async def settle(self, upstream):
        """Waits until nobody says anything more."""
        loop = asyncio.get_running_loop()
        while not self.ended:
            quiet = loop.time() - max(self.at, upstream.at or 0)
            responses, _, _ = read(self.received, self.case, False)
            final = [it for it in responses if it.status == 101 or it.status >= 200]
            if final and len(final) >= self.case.answers and final[-1].whole and quiet > QUIET_S:
                return
            await asyncio.sleep(0.02)


def read(received, case, ended):
    """The responses, what is wrong with them, and what follows a switch of protocols."""
    responses, faults, methods = [], [], list(case.methods)
    while received:
        method = methods[0]
        response = messages.response(received, method, ended)
        if response is None:
            faults.append(f"a head that breaks off: {received[:60]!r}")
            break
        if response.faults and response.faults[0].startswith("a first line"):
            return responses, faults + [f"what is no response: {received[:60]!r}"], b""
        responses.append(response)
        faults += response.faults
        received = received[response.end:]
        if response.status == 101:
            return responses, faults, received
        if response.status >= 200 and len(methods) > 1:
            methods.pop(0)
        if not response.whole:
            break
    return responses, faults, b""


def words(received, case, ended):
    responses, faults, _ = read(received, case, ended)
    said = [f"{it.status}" + ("" if it.whole else " cut") for it in responses] or ["nothing"]
    runs = [(word, len(list(run))) for word, run in itertools.groupby(said)]
    said = [f"{word} x{times}" if times > MANY else " ".join([word] * times)
            for word, times in runs]
    if any(it.startswith("what is no response") for it in faults):
        said.append("garbage")
    return " ".join([*said, "closed" if ended else "open"]), faults


async def play(case, proxy, lane, upstream):
    """What one proxy makes of a case."""
    upstream.begin(case.script)
    client = Client(case)
    connecting = asyncio.wait_for(proxy.connect(lane), CONNECT_WITHIN_S)
    reader, writer = await connecting
    listening = asyncio.create_task(client.listen(reader))
    try:
        async with asyncio.timeout(LIMIT_S):
            try:
                await client.talk(writer)
            except OSError:
                pass  # It has had enough; what it said is what counts.
            await client.settle(upstream)
    except TimeoutError:
        pass
    ended = client.ended
    await asyncio.sleep(AFTER_S)
    listening.cancel()
    said, faults = words(client.received, case, ended)
    writer.transport.abort()
    await upstream.end()
    return Outcome(
        said, len(upstream.requests), client.received, faults, list(upstream.faults),
        upstream.received, sum(it.whole for it in upstream.requests),
        any(it.start.split(b" ")[1:2] == [b"/smuggled"] for it in upstream.requests),
    )
