"""A server that does what its script says and counts what reaches it.

A script is a list of steps for each request: bytes are sent; the words below do what
they say. The last list stands for all further requests.
"""

import asyncio
import contextlib
import enum
import re
import socket

import messages

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
OK_HEAD = OK[:-2]
REST_WITHIN_S = 0.4


class Then(enum.Enum):
    CLOSE = "closes the connection"
    RESET = "resets it"
    EARLY = "answers before the request's body is there"
    STALL = "keeps silent"
    # So that what comes next does not come in one piece with what came before.
    PAUSE = "waits for a moment"
    ECHO = "sends back whatever comes"


PAUSE_S = 0.05


class Upstream:
    """Where the cases of one lane arrive, one after the other."""

    async def listen(self):
        self.connections = set()
        self.begin(None)
        # The kernel gives the port; the lane keeps it.
        listener = socket.create_server(("127.0.0.1", 0))
        self.server = await asyncio.start_server(self._serve, sock=listener)
        self.address = "%s:%d" % listener.getsockname()

    def begin(self, script):
        self.script = [[OK]] if script is None else script
        self.requests = []
        self.faults = []
        self.received = b""
        self.at = None  # when something came last

    async def end(self):
        """Closes what is open, so that no connection is kept for the next case."""
        for _, writer in self.connections:
            with contextlib.suppress(OSError):
                if writer.can_write_eof():
                    writer.write_eof()
        if self.connections:
            await asyncio.wait([task for task, _ in self.connections], timeout=REST_WITHIN_S)
        for task, writer in list(self.connections):
            writer.transport.abort()
            task.cancel()

    async def _serve(self, reader, writer):
        connection = (asyncio.current_task(), writer)
        self.connections.add(connection)
        try:
            await self._converse(reader, writer)
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            self.connections.discard(connection)
            writer.transport.abort()

    async def _converse(self, reader, writer):
        data = b""
        while True:
            counted, played = False, False
            while True:
                message = messages.request(data) if data else None
                if message and not counted:
                    counted = True
                    index = len(self.requests)
                    self.requests.append(message)
                    script = self.script[min(index, len(self.script) - 1)]
                if message:
                    self.requests[index] = message
                    if message.faults:
                        self.faults += [it for it in message.faults if it not in self.faults]
                    if not played and (message.whole or Then.EARLY in script):
                        played = True
                        if not await self._play(script, message, data, reader, writer):
                            return
                    if message.whole or message.faults:
                        break
                more = await self._read(reader)
                if not more:
                    if data and not message:
                        self.faults.append(f"an end within {data[:60]!r}")
                    return
                data += more
            data = data[message.end:]

    async def _read(self, reader):
        more = await reader.read(65536)
        self.received += more
        if more:
            self.at = asyncio.get_running_loop().time()
        return more

    async def _play(self, script, message, data, reader, writer):
        """Whether the connection takes another request."""
        for step in script:
            if isinstance(step, bytes):
                if message.method == b"HEAD" and step == OK:
                    step = OK_HEAD
                writer.write(step)
                await writer.drain()
            elif step is Then.PAUSE:
                await asyncio.sleep(PAUSE_S)
            elif step is Then.CLOSE:
                writer.close()
                return False
            elif step is Then.RESET:
                reset(writer)
                return False
            elif step is Then.STALL:
                while await self._read(reader):
                    pass
                return False
            elif step is Then.ECHO:
                writer.write(data[message.end:])
                while more := await self._read(reader):
                    writer.write(more)
                return False
        return True

    def saw(self, pattern):
        return re.search(pattern, self.received, re.I | re.S) is not None


def reset(writer):
    """Ends a connection so that the peer's next call fails."""
    linger = b"\x01\0\0\0\0\0\0\0"  # on, for no time
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    writer.transport.abort()
