"""What a case is made of, and the words to write one in."""

import dataclasses
import enum
import re

HOST = b"Host: peer.test"


@dataclasses.dataclass(frozen=True)
class Case:
    name: str
    # What the client does: bytes are sent; the words below do what they say.
    send: tuple
    # What Serin answers: each response's status, and whether the connection is open or
    # closed then; "200 x9" is that many of them. Ways that are as good stand beside each
    # other, after "or".
    serin: str
    # How many requests the upstream sees of it.
    seen: int = 1
    # Whether none of them may be whole there.
    unfinished: bool = False
    # Whether it is refused though both peers may serve it.
    hostile: bool = False
    # What the upstream does. See `upstream`.
    script: list | None = None
    # Why Serin answers otherwise than nginx or HAProxy, if it does.
    why: str = ""
    # Patterns of what the upstream received through Serin, and of what the client did.
    has: tuple = ()
    lacks: tuple = ()
    told: tuple = ()
    untold: tuple = ()

    @property
    def methods(self):
        """That of each request, as its response is framed."""
        begun = b"".join(step for step in self.send if isinstance(step, bytes))
        return re.findall(rb"(?:^|\n)(HEAD|[A-Z]+)(?= [^\r\n]* HTTP/1)", begun) or [b"GET"]

    @property
    def answers(self):
        """How many responses to wait for."""
        return max(sum(int(times or 1) for times in re.findall(r"\b[2-5]\d\d(?: x(\d+))?", way))
                   for way in self.serin.split(" or "))


class Do(enum.Enum):
    PAUSE = "waits, so that what comes next comes alone"
    HALF_CLOSE = "says that nothing more is sent"
    RESET = "leaves without a word"


@dataclasses.dataclass(frozen=True)
class Until:
    """Waits for this to have arrived, so many times."""

    pattern: bytes
    times: int = 1


def head(line, *fields, host=HOST):
    """A request's head. What is given is sent as it is."""
    lines = [line, *([host] if host else []), *fields]
    return b"".join(encoded(it) + b"\r\n" for it in lines) + b"\r\n"


def answer(line, *fields, body=b""):
    """A response as an upstream sends it."""
    return b"".join(encoded(it) + b"\r\n" for it in (line, *fields)) + b"\r\n" + encoded(body)


def encoded(text):
    return text.encode("latin-1") if isinstance(text, str) else text


class Group:
    """Cases of one subject."""

    def __init__(self, subject):
        self.subject = subject
        self.cases = []

    def add(self, name, send, serin, seen=None, **more):
        send = send if isinstance(send, tuple) else (send,)
        if seen is None:
            seen = 0 if re.fullmatch(r"4\d\d closed|nothing.*", serin) else 1
        self.cases.append(Case(name, tuple(map(encoded, send)), serin, seen, **more))

    def because(self, why, *names):
        """Says why these cases of the group end otherwise than with nginx or HAProxy."""
        for name in names:
            index, = (n for n, case in enumerate(self.cases) if case.name == name)
            assert not self.cases[index].why, name
            self.cases[index] = dataclasses.replace(self.cases[index], why=why)

    def refused(self, name, send, **more):
        """What is ambiguous or wrong: nothing of it is passed on."""
        self.add(name, send, "400 closed", 0, hostile=True, **more)

    def broken(self, name, send, **more):
        """What turns out to be wrong when the upstream may have its beginning already."""
        self.add(name, send, "400 closed", 1, hostile=True, unfinished=True, **more)

    def served(self, name, send, **more):
        """What is fine, if unusual."""
        self.add(name, send, "200 open", 1, **more)


# Behind an ambiguous request: who reads it as a request was fooled.
SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: peer.test\r\n\r\n"
