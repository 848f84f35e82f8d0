"""Methods, Max-Forwards, Via and Expect."""

from case import Do, Group, Until, answer, head
from upstream import OK, Then

GROUP = Group("methods")
add, refused, served = GROUP.add, GROUP.refused, GROUP.served
LENGTH = "Content-Length: 5"
LOOP = "502 open or 502 closed"

for method in ("GET", "HEAD", "OPTIONS", "DELETE", "PROPFIND", "PURGE", "M-SEARCH", "get"):
    served(method, head(f"{method} / HTTP/1.1"), has=(rb"^%s / " % method.encode(),))
for method in ("POST", "PUT", "PATCH", "REPORT"):
    served(method, head(f"{method} / HTTP/1.1", LENGTH) + b"hello", has=(b"hello",))
served("OPTIONS *", head("OPTIONS * HTTP/1.1"), has=(rb"^OPTIONS \* ",))
served("OPTIONS of an absolute target without a path", head("OPTIONS http://peer.test HTTP/1.1"),
       has=(rb"^OPTIONS (\*|/) ",))


def forbidden(name, send, **more):
    add(name, send, "405 closed or 501 closed or 400 closed or 405 open or 501 open", 0,
        hostile=True, **more)


forbidden("CONNECT", head("CONNECT peer.test:80 HTTP/1.1", host=b"Host: peer.test:80"))
forbidden("CONNECT, bytes behind it",
          head("CONNECT peer.test:80 HTTP/1.1", host=b"Host: peer.test:80") + b"\x16\x03\x01")
forbidden("CONNECT of a path", head("CONNECT / HTTP/1.1"))
forbidden("CONNECT of an absolute target", head("CONNECT http://peer.test/ HTTP/1.1"))
forbidden("TRACE", head("TRACE / HTTP/1.1"))
forbidden("TRACE and a body", head("TRACE / HTTP/1.1", LENGTH) + b"hello")

add("OPTIONS, Max-Forwards: 0", head("OPTIONS / HTTP/1.1", "Max-Forwards: 0"),
    "200 open or 204 open", 0)
served("OPTIONS, Max-Forwards: 5", head("OPTIONS / HTTP/1.1", "Max-Forwards: 5"),
       has=(b"max-forwards: ?4",))
served("GET, Max-Forwards: 0", head("GET / HTTP/1.1", "Max-Forwards: 0"))
add("OPTIONS, Max-Forwards: many", head("OPTIONS / HTTP/1.1", "Max-Forwards: many"),
    "200 open or 400 closed", 1)
served("Via of another", head("GET / HTTP/1.1", "Via: 1.1 other"), has=(b"via: ?1.1 other",))
served("Via of ten others", head("GET / HTTP/1.1", *["Via: 1.1 other"] * 10))

served("Via of seven like us", head("GET / HTTP/1.1", *["Via: 1.1 serin"] * 7))
add("Via of a circle", head("GET / HTTP/1.1", *["Via: 1.1 serin"] * 8), LOOP, 0, hostile=True)
add("Via of a circle, on one line", head("GET / HTTP/1.1", "Via: " + ", ".join(["1.1 serin"] * 8)),
    LOOP, 0, hostile=True)

EXPECT = ("POST / HTTP/1.1", LENGTH, "Expect: 100-continue")
add("Expect, and the body waits", (head(*EXPECT), Until(b"100[^\r]*\r\n\r\n"), b"hello"),
    "100 200 open", 1, has=(b"hello",))
add("Expect, and the body does not wait", head(*EXPECT) + b"hello",
    "200 open or 100 200 open", 1, has=(b"hello",))
add("Expect, in upper case", (head("POST / HTTP/1.1", LENGTH, "Expect: 100-CONTINUE"),
                              Until(b"100[^\r]*\r\n\r\n"), b"hello"), "100 200 open", 1)
add("Expect, and chunks wait", (
    head("POST / HTTP/1.1", "Transfer-Encoding: chunked", "Expect: 100-continue"),
    Until(b"100[^\r]*\r\n\r\n"), b"5\r\nhello\r\n0\r\n\r\n"), "100 200 open", 1, has=(b"hello",))
add("Expect, and the upstream says 100", (head(*EXPECT), Until(b"100[^\r]*\r\n\r\n"), b"hello"),
    "100 200 open", 1, script=[[Then.EARLY, answer("HTTP/1.1 100 Continue"), Then.PAUSE,
                                Then.PAUSE, OK]], has=(b"hello",))
add("Expect, and the upstream refuses", head(*EXPECT), "401 closed or 401 open", 1,
    script=[[Then.EARLY, answer("HTTP/1.1 401 Unauthorized", "Content-Length: 0",
                                "Connection: close"), Then.CLOSE]],
    untold=(b"100 Continue",), unfinished=True)
served("Expect without a body", head("GET / HTTP/1.1", "Expect: 100-continue"))
add("Expect in HTTP/1.0", head("POST / HTTP/1.0", LENGTH, "Expect: 100-continue") + b"hello",
    "200 closed", 1, untold=(b"100 Continue",))
served("Expect of what nobody knows", head("POST / HTTP/1.1", LENGTH, "Expect: bread") + b"hello")
add("Expect, and half of the body", (head(*EXPECT), Until(b"100[^\r]*\r\n\r\n"), b"he",
                                     Do.PAUSE, b"llo"), "100 200 open", 1, has=(b"hello",))

because = GROUP.because
because("A method is a token, and case counts (RFC 9110, section 9.1): its server may know it",
        "get")
because("RFC 9110, section 9.3.7: it asks about the server as a whole", "OPTIONS *")
because("We are no tunnel (RFC 9110, 9.3.6), and show nobody what others' fields were (9.3.8)",
        "CONNECT", "CONNECT, bytes behind it", "CONNECT of a path", "CONNECT of an absolute target",
        "TRACE", "TRACE and a body")
because("RFC 9110, section 7.6.2: it went as far as it may", "OPTIONS, Max-Forwards: 0")
because("The client is asked for its body: an upstream that says nothing would have both wait",
        "Expect, and the body waits", "Expect, in upper case", "Expect, and chunks wait",
        "Expect, and half of the body")
because("Nobody waits for a 100 whose body is there (RFC 9110, section 10.1.1)",
        "Expect, and the body does not wait", "Expect without a body")
because("One 100 is enough", "Expect, and the upstream says 100")
because("An upstream that refuses is heard before the body is asked for",
        "Expect, and the upstream refuses")
because("What comes back to us again and again would go on for ever (RFC 9110, section 7.6.3)",
        "Via of a circle", "Via of a circle, on one line")
