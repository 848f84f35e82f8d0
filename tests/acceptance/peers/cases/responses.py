"""What upstreams send: heads of responses."""

from case import Group, answer, head
from upstream import OK, Then

GROUP = Group("heads of responses")
GET = head("GET / HTTP/1.1")
BROKEN = "502 open or 502 closed"


def told(name, *fields, line="HTTP/1.1 200 OK", body=b"ok", expect="200 open", send=GET, then=(),
         raw=None, **more):
    reply = answer(line, *fields, body=body) if raw is None else raw
    GROUP.add(name, send, expect, 1, script=[[reply, *then]], **more)


def broken(name, *fields, **more):
    """What is ambiguous or wrong is not passed on."""
    told(name, *fields, **{"expect": BROKEN, "hostile": True} | more)


LENGTH = "Content-Length: 2"
CHUNKED = "Transfer-Encoding: chunked"
CHUNKS = b"2\r\nok\r\n0\r\n\r\n"

told("no reason", LENGTH, line="HTTP/1.1 200 ")
told("no reason, and no space", LENGTH, line="HTTP/1.1 200")
told("a reason in Latin-1", LENGTH, line="HTTP/1.1 200 \xe9")
told("a status that nobody knows", LENGTH, line="HTTP/1.1 299 Odd", expect="299 open")
told("a status of 599", LENGTH, line="HTTP/1.1 599 Odd", expect="599 open")
told("Latin-1 in a value", LENGTH, "X-A: caf\xe9", told=(b"caf\xe9",))
told("an empty value", LENGTH, "X-A:")
told("two cookies", LENGTH, "Set-Cookie: a=b", "Set-Cookie: c=d",
     told=(b"set-cookie: ?a=b\r\n.*set-cookie: ?c=d\r\n",))
told("HTTP/1.0 with a length", LENGTH, line="HTTP/1.0 200 OK")
told("HTTP/1.0 that is kept alive", LENGTH, "Connection: keep-alive", line="HTTP/1.0 200 OK")
told("Connection names a field", LENGTH, "Connection: X-A", "X-A: b", untold=(b"x-a:",))
told("two lines of Connection name fields", LENGTH, "Connection: X-A", "Connection: X-B", "X-A: b",
     "X-B: c", untold=(b"x-a:", b"x-b:"))
told("Connection: close", LENGTH, "Connection: close", then=[Then.CLOSE],
     untold=(b"connection: ?close",))
told("Keep-Alive", LENGTH, "Connection: keep-alive", "Keep-Alive: timeout=5",
     untold=(b"keep-alive: ?timeout",))
told("what Apache says about Upgrade", LENGTH, "Connection: Upgrade", "Upgrade: h2,h2c",
     untold=(b"\nupgrade:",))
told("50 fields", LENGTH, *(f"X-{n}: {n}" for n in range(50)), told=(b"x-49: ?49",))

for line in ("HTTP/1.1 20 OK", "HTTP/1.1 2000 OK", "HTTP/1.1 abc OK", "HTTP/1.1 2x0 OK",
             "HTTP/1.1 -20 OK", "HTTP/1.1 099 OK", "HTTP/1.1 000 OK", "HTTP/1.1  200 OK",
             "HTTP/1.1\t200 OK", "HTTP/1.1200 OK", "HTTP/2.0 200 OK", "HTTP/1.2 200 OK",
             "HTTP/0.9 200 OK", "HTTP/1 200 OK", "http/1.1 200 OK", "ICY 200 OK", "200 OK",
             "OK", "HTTP/1.1 200 O\0K", "HTTP/1.1 200 O\rK", "HTTP/1.1 200 O\x01K"):
    broken(f"a status line {line!r}", LENGTH, line=line)
broken("an empty line before it", raw=b"\r\n" + OK)
broken("a space before it", raw=b" " + OK)
broken("bytes that are no HTTP", raw=b"\x16\x03\x01\x02\x00" * 20 + b"\r\n\r\n", then=[Then.CLOSE])
broken("a body without a head", raw=b"<html>hello</html>\r\n\r\n", then=[Then.CLOSE])
broken("a request", raw=GET, then=[Then.CLOSE])
told("a bare LF behind the status line", raw=OK.replace(b"OK\r\n", b"OK\n"))
told("bare LFs", raw=OK.replace(b"\r\n", b"\n"))
told("a bare LF behind a field", raw=OK.replace(b"Content", b"X-A: b\nContent"))
broken("a bare CR in a value", LENGTH, "X-A: b\rX-B: c")
broken("a bare CR at a value's end", LENGTH, "X-A: b\r")
broken("a NUL in a value", LENGTH, "X-A: b\0c")
broken("a control byte in a value", LENGTH, "X-A: b\x01c")
broken("a NUL in a name", LENGTH, "X\0A: b")
broken("a space in a name", LENGTH, "X A: b")
broken("Latin-1 in a name", LENGTH, "X\xe9: b")
broken("no colon", LENGTH, "X-A")
broken("no name", LENGTH, ": b")
broken("a space before the colon", LENGTH, "X-A : b")
broken("a space before the colon of a length", "Content-Length : 2")
broken("a fold", LENGTH, "X-A: b\r\n c")
broken("a fold behind the status line", " X-A: b", LENGTH)
broken("200 KiB of fields", LENGTH, *["X-A: " + "b" * 1000] * 200)
broken("a field of 200 KiB", LENGTH, "X-A: " + "b" * 204800)
broken("5000 fields", LENGTH, *(f"X-{n}: {n}" for n in range(5000)))

broken("two lengths that differ", LENGTH, "Content-Length: 3")
told("two lengths that are the same", LENGTH, LENGTH)
broken("a list of lengths that differ", "Content-Length: 2, 3")
told("a list of lengths that are the same", "Content-Length: 2, 2")
for length in ("+2", "-2", "0x2", "2.0", "two", "", "2 2", "18446744073709551618", "2;", "\xb2"):
    broken(f"a length {length!r}", f"Content-Length: {length}")
broken("a length and chunks", LENGTH, CHUNKED, body=CHUNKS)
broken("chunks and a length", CHUNKED, LENGTH, body=CHUNKS)
broken("chunked twice", "Transfer-Encoding: chunked, chunked", body=CHUNKS)
broken("chunked on two lines", CHUNKED, CHUNKED, body=CHUNKS)
broken("gzip, then chunked", "Transfer-Encoding: gzip, chunked", body=CHUNKS)
broken("gzip", "Transfer-Encoding: gzip", then=[Then.CLOSE])
broken("chunked, then identity", "Transfer-Encoding: chunked, identity", body=CHUNKS,
       then=[Then.CLOSE])
broken("identity", "Transfer-Encoding: identity", then=[Then.CLOSE])
broken("xchunked", "Transfer-Encoding: xchunked", body=CHUNKS, then=[Then.CLOSE])
broken("xchunked beside a length", "Transfer-Encoding: xchunked", LENGTH)
broken("chunked in HTTP/1.0", CHUNKED, line="HTTP/1.0 200 OK", body=CHUNKS, then=[Then.CLOSE])

because = GROUP.because
because("Many leave the space away with the reason (RFC 9112, 4 wants it), as HAProxy knows",
        "no reason, and no space")
because("What is no response of HTTP/1.0 or 1.1 is not passed on as one, nor as HTTP/0.9",
        *(case.name for case in GROUP.cases if case.name.startswith("a status line")),
        "a space before it", "bytes that are no HTTP",
        "a body without a head", "a request")
because("No control bytes in values, and a name is a token (RFC 9110, section 5)",
        "a bare CR at a value's end", "a NUL in a value", "a control byte in a value",
        "Latin-1 in a name", "no colon")
because("RFC 9112, section 5.2: 502, or a rewrite", "a fold")
because("Nobody knows where it ends, so nobody knows what follows (RFC 9112, section 6.3)",
        "two lengths that differ", "a list of lengths that differ",
        *(case.name for case in GROUP.cases if case.name.startswith("a length '")),
        "a length and chunks", "chunks and a length", "chunked twice", "chunked on two lines",
        "chunked, then identity", "xchunked", "xchunked beside a length", "chunked in HTTP/1.0")
because("A coding that we do not know would be lost with its field, and its bytes not undone",
        "gzip, then chunked", "gzip", "identity")
because("RFC 9110, section 8.6: one length said twice is one, and is passed on once",
        "a list of lengths that are the same")
because("A response begins with its status line; RFC 9112, section 2.2, forgives requests alone",
        "an empty line before it")
