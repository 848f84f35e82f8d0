"""Connections of clients: several requests, and what is meant for one hop."""

from case import HOST, Do, Group, Until, head
from upstream import OK, Then

GROUP = Group("connections")
add, refused, served = GROUP.add, GROUP.refused, GROUP.served
GET = head("GET / HTTP/1.1")
POST = head("POST /second HTTP/1.1", "Content-Length: 5") + b"hello"


def get(*fields):
    return head("GET / HTTP/1.1", *fields)


add("two requests at once", GET + POST, "200 200 open", 2, has=(b"hello",))
add("ten requests at once", GET * 10, "200 x10 open", 10)
add("a body and a request at once", POST + GET, "200 200 open", 2)
add("a request after an answer", (GET, Until(b"ok"), POST), "200 200 open", 2)
add("a request in two halves", (GET[:10], Do.PAUSE, GET[10:]), "200 open", 1)
add("an empty line between two requests", POST + b"\r\n" + GET, "200 200 open", 2)
add("HEAD and GET at once", head("HEAD / HTTP/1.1") + GET, "200 200 open", 2)
add("a request and half of one", (GET + GET[:20], Do.PAUSE, Do.HALF_CLOSE),
    "200 closed or 200 400 closed", 1, hostile=True)
add("a request behind the last one", get("Connection: close") + GET, "200 closed", 1)
add("a request behind what is refused", get("X : y") + GET, "400 closed", 0, hostile=True)
add("a refusal behind a request", GET + get("X : y"), "200 400 closed or 200 closed", 1,
    hostile=True)
add("who says no more after a request", (GET, Do.PAUSE, Do.HALF_CLOSE),
    "200 closed", 1, script=[[*[Then.PAUSE] * 4, OK]])
add("who says nothing", (), "nothing closed or 408 closed", 0, hostile=True)
add("who leaves at once", (Do.HALF_CLOSE,), "nothing closed", 0, hostile=True)
add("who stops within a request line", b"GET / HT", "nothing closed or 408 closed", 0,
    hostile=True)
add("who stops within a head", b"GET / HTTP/1.1\r\n" + HOST + b"\r\n",
    "nothing closed or 408 closed", 0, hostile=True)
add("who stops within a body", head("POST / HTTP/1.1", "Content-Length: 50") + b"hello",
    "408 closed or 408 open", 1, unfinished=True, hostile=True)
add("who stops within chunks", head("POST / HTTP/1.1", "Transfer-Encoding: chunked")
    + b"50\r\nhello", "408 closed or 408 open", 1, unfinished=True, hostile=True)

for word in ("close", "Close", "keep-alive, close", ", close,", "close, keep-alive"):
    add(f"Connection: {word}", get(f"Connection: {word}"), "200 closed", 1)
served("Connection: keep-alive", get("Connection: keep-alive"))
served("Connection: of nothing", get("Connection:"))
served("a field that Connection names", get("Connection: X-A", "X-A: b"), lacks=(b"x-a:",))
served("fields that several lines of Connection name",
       get("Connection: X-A", "X-A: b", "Connection: keep-alive, X-B", "X-B: c"),
       lacks=(b"x-a:", b"x-b:"))
served("a field that Connection names in another case", get("Connection: x-A", "X-a: b"),
       lacks=(b"x-a:",))
served("a field that is named behind empty elements", get("Connection: ,, X-A ,", "X-A: b"),
       lacks=(b"x-a:",))
served("Connection names Host", get("Connection: Host"))
served("Connection names Content-Length", head(
    "POST / HTTP/1.1", "Connection: Content-Length", "Content-Length: 5") + b"hello",
    has=(b"hello",))
served("Connection names Transfer-Encoding", head(
    "POST / HTTP/1.1", "Connection: Transfer-Encoding", "Transfer-Encoding: chunked")
    + b"5\r\nhello\r\n0\r\n\r\n", has=(b"hello",))
served("Connection names X-Forwarded-For", get("Connection: X-Forwarded-For"),
       has=(b"x-forwarded-for:",))
served("Keep-Alive", get("Keep-Alive: timeout=5"), lacks=(b"keep-alive:",))
served("Proxy-Connection", get("Proxy-Connection: keep-alive"), lacks=(b"proxy-connection:",))
served("TE: gzip", get("Connection: TE", "TE: gzip"), lacks=(b"te: ?gzip",))
served("Connection names what is no name", get("Connection: (a), X-A", "X-A: b"), lacks=(b"x-a:",))

because = GROUP.because
because("What was asked in full is answered", "a request and half of one")
because("A client that ends its side may still listen: it is waited for, though not for long",
        "who says no more after a request")
because("Nothing was asked, so there is nobody to answer", "who leaves at once")
because("408 for what has begun (RFC 9110, section 15.5.9)", "who says nothing",
        "who stops within a request line", "who stops within a head", "who stops within a body",
        "who stops within chunks")
