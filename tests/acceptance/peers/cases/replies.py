"""What upstreams send: bodies, responses without one, and more than one."""

from case import Do, Group, Until, answer, head
from upstream import OK, Then

GROUP = Group("bodies of responses")
add = GROUP.add
GET = head("GET / HTTP/1.1")
HEAD = head("HEAD / HTTP/1.1")
LENGTH = "Content-Length: 2"
CHUNKED = "Transfer-Encoding: chunked"
CUT = "200 cut closed"


def told(name, *fields, line="HTTP/1.1 200 OK", body=b"ok", expect="200 open", send=GET, then=(),
         before=(), **more):
    reply = answer(line, *fields, body=body)
    add(name, send, expect, 1, script=[[*before, reply, *then]], **more)


told("chunks", CHUNKED, body=b"2\r\nok\r\n0\r\n\r\n", told=(b"ok",))
told("chunks with an extension", CHUNKED, body=b"2;a=b\r\nok\r\n0\r\n\r\n", told=(b"ok",))
told("chunks with a padded size", CHUNKED, body=b"2  \r\nok\r\n0\r\n\r\n", told=(b"ok",))
told("chunks and a trailer", CHUNKED, "Trailer: X-Sum", body=b"2\r\nok\r\n0\r\nX-Sum: 1\r\n\r\n",
     told=(b"ok",))
told("until the connection closes", then=[Then.CLOSE], expect="200 open or 200 closed",
     told=(b"ok",))
told("until it closes, in HTTP/1.0", line="HTTP/1.0 200 OK", then=[Then.CLOSE],
     expect="200 open or 200 closed", told=(b"ok",))
told("nothing", "Content-Length: 0", body=b"")
told("nothing, until the connection closes", body=b"", then=[Then.CLOSE],
     expect="200 open or 200 closed")
told("1 MiB", "Content-Length: 1048576", body=b"a" * 1048576)
told("chunks for a client of HTTP/1.0", CHUNKED, body=b"2\r\nok\r\n0\r\n\r\n", expect="200 closed",
     send=head("GET / HTTP/1.0"), told=(rb"\r\n\r\nok$",))
told("a body in three pieces", "Content-Length: 6", then=[Then.PAUSE, b"ok", Then.PAUSE, b"ok"])

told("HEAD with a length", LENGTH, body=b"", send=HEAD, told=(b"content-length: ?2",))
told("HEAD with chunks", CHUNKED, body=b"", send=HEAD)
told("HEAD without either", body=b"", send=HEAD)
told("HEAD with a body", LENGTH, send=HEAD, untold=(rb"\r\n\r\nok",))
told("204", line="HTTP/1.1 204 No Content", body=b"", expect="204 open")
told("204 with a length of nothing", "Content-Length: 0", line="HTTP/1.1 204 No Content", body=b"",
     expect="204 open")
told("204 with a body", LENGTH, line="HTTP/1.1 204 No Content",
     expect="204 open or 204 closed or 502 open or 502 closed", untold=(rb"\r\n\r\nok",))
told("204 with chunks", CHUNKED, line="HTTP/1.1 204 No Content", body=b"2\r\nok\r\n0\r\n\r\n",
     expect="204 open or 204 closed or 502 open or 502 closed", untold=(rb"\r\n\r\n2",))
told("304 with a length", LENGTH, line="HTTP/1.1 304 Not Modified", body=b"", expect="304 open")
told("304 with a body", LENGTH, line="HTTP/1.1 304 Not Modified",
     expect="304 open or 304 closed or 502 open or 502 closed", untold=(rb"\r\n\r\nok",))
told("205 with a body", LENGTH, line="HTTP/1.1 205 Reset Content",
     expect="205 open or 205 closed or 502 open or 502 closed")

told("a body that is longer", LENGTH, body=b"okEXTRA", untold=(b"EXTRA",))
told("a body that is longer, and it comes late", LENGTH, then=[Then.PAUSE, b"EXTRA"],
     untold=(b"EXTRA",))
told("a body that is shorter", "Content-Length: 5", then=[Then.CLOSE], expect=CUT)
told("a reset within a body", "Content-Length: 5", then=[Then.PAUSE, Then.RESET], expect=CUT)
told("a reset within what ends with the connection", then=[Then.PAUSE, Then.RESET], expect=CUT)
told("chunks that break off", CHUNKED, body=b"5\r\nok", then=[Then.CLOSE], expect=CUT)
told("chunks without an end", CHUNKED, body=b"2\r\nok\r\n", then=[Then.CLOSE], expect=CUT)
for what, chunk in (("a size that is none", b"zz\r\nok\r\n0\r\n\r\n"),
                    ("a minus", b"-2\r\nok\r\n0\r\n\r\n"),
                    ("0x", b"0x2\r\nok\r\n0\r\n\r\n"),
                    ("2^64 and 2", b"10000000000000002\r\nok\r\n0\r\n\r\n"),
                    ("a bare LF behind a size", b"2\nok\r\n0\r\n\r\n"),
                    ("another line end", b"2\r\nokXX0\r\n\r\n"),
                    ("a chunk that is longer", b"2\r\nokok\r\n0\r\n\r\n"),
                    ("a trailer without a colon", b"2\r\nok\r\n0\r\nX-Sum\r\n\r\n")):
    told(f"chunks: {what}", CHUNKED, then=[Then.PAUSE, chunk], body=b"2\r\nok\r\n", expect=CUT,
         hostile=True)
for field in ("Content-Length: 9", "Transfer-Encoding: gzip", "Set-Cookie: a=b"):
    told(f"a trailer {field}, which may not be one", CHUNKED, expect="200 open or 200 cut closed",
         body=b"2\r\nok\r\n0\r\n" + field.encode() + b"\r\n\r\n", hostile=True,
         untold=(field.replace(" ", " ?").encode(),))

CONTINUE = answer("HTTP/1.1 100 Continue")
HINTS = answer("HTTP/1.1 103 Early Hints", "Link: </a.css>; rel=preload")
told("a 100 that nobody asked for", LENGTH, before=[CONTINUE], expect="200 open or 100 200 open")
told("a 103", LENGTH, before=[HINTS], expect="200 open or 103 200 open")
told("a 103 for HTTP/1.0", LENGTH, before=[HINTS], expect="200 closed",
     send=head("GET / HTTP/1.0"))
told("ten times 103", LENGTH, before=[HINTS * 10],
     expect="200 open or 103 x10 200 open")
told("a 1xx and a length", LENGTH, before=[answer("HTTP/1.1 103 Early Hints", "Content-Length: 3")],
     expect="200 open or 103 200 open or 502 closed or 502 open")
told("a 1xx and nothing else", line="HTTP/1.1 103 Early Hints", body=b"", then=[Then.CLOSE],
     expect="502 open or 502 closed or 103 502 open or 103 502 closed", hostile=True)

POISON = answer("HTTP/1.1 200 OK", "X-Poison: yes", "Content-Length: 0")
SECOND = head("GET /second HTTP/1.1")
for what, script in (("with the first", [OK + POISON]),
                     ("after the first", [OK, Then.PAUSE, POISON])):
    add(f"a second response that nobody asked for, {what}",
        (GET, Until(b"ok"), Do.PAUSE, Do.PAUSE, Do.PAUSE, SECOND), "200 200 open", 2,
        script=[script, [OK]], untold=(b"x-poison",))
add("a second response to two requests at once", GET + SECOND, "200 200 open", 2,
    script=[[OK + POISON], [OK]], untold=(b"x-poison",))
add("a body that is longer, and then a request", (GET, Until(b"ok"), Do.PAUSE, SECOND),
    "200 200 open", 2, script=[[OK + b"HTTP/1.1 200 OK\r\nX-Poison: yes\r\n\r\n"], [OK]],
    untold=(b"x-poison",))
add("HEAD with a body, and then a request", (HEAD, Until(b"\r\n\r\n"), Do.PAUSE, SECOND),
    "200 200 open", 2,
    script=[[answer("HTTP/1.1 200 OK", f"Content-Length: {len(POISON)}", body=POISON)], [OK]],
    untold=(b"x-poison",))

because = GROUP.because
because("RFC 9110, section 6.4.1: no content belongs to it", "204 with a body", "204 with chunks",
        "304 with a body", "205 with a body")
because("A reset is no end: the client learns that something is missing",
        "a reset within what ends with the connection")
because("Lines of chunks end with CRLF, and trailers are field lines",
        "chunks: a bare LF behind a size", "chunks: a trailer without a colon")
because("Trailers that would frame are dropped (RFC 9110, section 6.5.1)",
        "a trailer Transfer-Encoding: gzip, which may not be one")
because("hyper sends no 1xx but its own 100, and what is only a hint may be left out",
        "a 100 that nobody asked for", "a 103", "ten times 103", "a 1xx and a length")
because("HTTP/1.0 knows no 1xx (RFC 9110, section 15.2)", "a 103 for HTTP/1.0")
because("A 1xx is no answer", "a 1xx and nothing else")
