"""Upstreams that fail, fall silent, or answer before their time."""

from case import Do, Group, Until, answer, head
from upstream import OK, OK_HEAD, Then

GROUP = Group("failing upstreams")
add = GROUP.add
GET = head("GET / HTTP/1.1")
POST = head("POST / HTTP/1.1", "Content-Length: 5") + b"hello"
UPLOAD = head("POST / HTTP/1.1", "Content-Length: 1000000") + b"hello"
BROKEN = "502 open or 502 closed"
LATE = "504 open or 504 closed"


def fails(name, expect, *script, send=GET, seen=1, **more):
    add(name, send, expect, seen, script=[list(script)], **more)


fails("closes without an answer", BROKEN, Then.CLOSE)
fails("closes without an answer to POST", BROKEN, Then.CLOSE, send=POST)
fails("resets without an answer", BROKEN, Then.RESET)
fails("closes within a status line", BROKEN, b"HTTP/1.1 2", Then.CLOSE)
fails("closes within a head", BROKEN, b"HTTP/1.1 200 OK\r\nContent-Len", Then.CLOSE)
fails("resets within a head", BROKEN, b"HTTP/1.1 200 OK\r\nContent-Len", Then.PAUSE, Then.RESET)
fails("closes behind a head without its end", BROKEN, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n",
      Then.CLOSE)
fails("is silent", LATE, Then.STALL)
fails("is silent after a POST", LATE, Then.STALL, send=POST)
fails("is silent within a head", LATE + " or " + BROKEN, b"HTTP/1.1 200 OK\r\nCont", Then.STALL)
fails("is silent within a body", "200 cut closed", OK_HEAD, b"o", Then.STALL)
fails("is silent within chunks", "200 cut closed",
      b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n", Then.STALL)
fails("is silent within what ends with the connection", "200 cut closed",
      b"HTTP/1.1 200 OK\r\n\r\nok", Then.STALL)
fails("is silent after a 100", LATE + " or 100 504 open or 100 504 closed",
      answer("HTTP/1.1 100 Continue"), Then.STALL)
fails("is slow, but goes on", "200 open", answer("HTTP/1.1 200 OK", "Content-Length: 8"),
      *[Then.PAUSE, b"ab"] * 4)

REFUSED = answer("HTTP/1.1 413 Content Too Large", "Content-Length: 3", "Connection: close",
                 body=b"big")
fails("answers before an upload ends, and closes", "413 closed or 413 open", Then.EARLY, REFUSED,
      Then.CLOSE,
      send=UPLOAD, unfinished=True, told=(b"big",))
fails("answers before an upload ends, and reads on", "413 closed or 413 open", Then.EARLY,
      answer("HTTP/1.1 413 Content Too Large", "Content-Length: 3", body=b"big"), Then.STALL,
      send=UPLOAD, unfinished=True, told=(b"big",))
fails("answers before chunks end", "413 closed or 413 open", Then.EARLY, REFUSED, Then.CLOSE,
      send=head("POST / HTTP/1.1", "Transfer-Encoding: chunked") + b"5\r\nhello\r\n",
      unfinished=True, told=(b"big",))
fails("closes before an upload ends", BROKEN, Then.EARLY, Then.CLOSE, send=UPLOAD, unfinished=True)
fails("answers well before an upload ends, and takes the rest", "200 open or 200 closed",
      Then.EARLY,
      OK, send=(head("POST / HTTP/1.1", "Content-Length: 10") + b"hello", Until(b"ok"), b"world"))

add("closes behind an answer, and is asked again", (GET, Until(b"ok"), Do.PAUSE, GET),
    "200 200 open", 2, script=[[OK, Then.CLOSE]])
add("closes behind an answer, and is sent a POST", (GET, Until(b"ok"), Do.PAUSE, POST),
    "200 200 open", 2, script=[[OK, Then.CLOSE]])
add("closes a kept connection in a race with GET", (GET, Until(b"ok"), Do.PAUSE, GET),
    "200 200 open", 3, script=[[OK], [Then.CLOSE], [OK]])
add("closes a kept connection in a race with POST", (GET, Until(b"ok"), Do.PAUSE, POST),
    "200 502 open or 200 502 closed", 2, script=[[OK], [Then.CLOSE], [OK]])
add("a client that leaves is no request more", (GET, Do.PAUSE, Do.RESET), "nothing closed", 1,
    script=[[Then.STALL]])

because = GROUP.because
because("Silence is no end: the client learns that something is missing",
        "is silent within what ends with the connection")
because("A 100 is no answer", "is silent after a 100")
because("GET may be asked again on a fresh connection (RFC 9110, section 9.2.2)",
        "closes a kept connection in a race with GET")
because("POST may not be asked again; that it was lost is told, not shown by closing",
        "closes a kept connection in a race with POST")
because("An answer that came early does not cut off an upload that the upstream still takes",
        "answers well before an upload ends, and takes the rest")
