"""Upgrades: what becomes a tunnel, and what stays HTTP."""

from case import Group, Until, answer, head
from upstream import OK, Then

GROUP = Group("upgrades")
add, refused, served = GROUP.add, GROUP.refused, GROUP.served
KEY = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="
WEBSOCKET = ("Connection: Upgrade", "Upgrade: websocket", KEY, "Sec-WebSocket-Version: 13")
SWITCHED = ("HTTP/1.1 101 Switching Protocols", "Connection: Upgrade", "Upgrade: websocket",
            "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
# A masked frame: what it says is of no matter here.
PING = b"\x89\x84\x01\x02\x03\x04\x71\x6b\x6d\x63"
# What is behind a request that was declined is no request; it may be told so.
NOTHING_MORE = ("200 closed or 200 open or 200 400 closed or 200 400 open or 200 505 closed"
                " or 200 505 open")
TUNNEL = [[answer(*SWITCHED), Then.ECHO]]


def get(*fields, line="GET /chat HTTP/1.1"):
    return head(line, *fields)


def switch(*fields):
    return (get(*fields), Until(b"\r\n\r\n"), PING, Until(PING))


add("websocket", switch(*WEBSOCKET), "101 open", 1, script=TUNNEL, told=(PING,),
    has=(b"\nupgrade: ?websocket", b"\nconnection: ?upgrade", KEY.encode()))
add("websocket, in other cases", switch("Connection: uPgRaDe", "Upgrade: WebSocket",
                                        *WEBSOCKET[2:]),
    "101 open", 1, script=TUNNEL, told=(PING,))
add("websocket, beside keep-alive",
    switch("Connection: keep-alive, Upgrade", *WEBSOCKET[1:]), "101 open", 1, script=TUNNEL,
    told=(PING,))
add("websocket, on two lines of Connection",
    switch("Connection: keep-alive", "Connection: Upgrade", *WEBSOCKET[1:]), "101 open", 1,
    script=TUNNEL, told=(PING,))
add("websocket, and Connection names a field",
    switch("Connection: Upgrade, X-A", "X-A: b", *WEBSOCKET[1:]), "101 open", 1, script=TUNNEL,
    told=(PING,), lacks=(b"x-a:",))
add("websocket, and the upstream speaks with its 101", get(*WEBSOCKET), "101 open", 1,
    script=[[answer(*SWITCHED, body=PING), Then.ECHO]], told=(PING,))
add("websocket, and bytes before the 101", get(*WEBSOCKET) + PING, "101 open", 1,
    script=[[Then.PAUSE, answer(*SWITCHED), Then.ECHO]], told=(PING,))
add("websocket, refused", get(*WEBSOCKET), "403 open", 1,
    script=[[answer("HTTP/1.1 403 Forbidden", "Content-Length: 2", body=b"no")]])
add("websocket, of another version", get(*WEBSOCKET[:3], "Sec-WebSocket-Version: 99"), "426 open",
    1,
    script=[[answer("HTTP/1.1 426 Upgrade Required", "Sec-WebSocket-Version: 13",
                    "Content-Length: 0")]], told=(b"sec-websocket-version: ?13",))
add("websocket, answered as if not asked", get(*WEBSOCKET), "200 open", 1)
add("websocket, refused, and a request before that", get(*WEBSOCKET) + head("GET /second HTTP/1.1"),
    "200 200 open or 200 closed", 2)
add("websocket, refused, and bytes before that", get(*WEBSOCKET) + PING * 3 + b"\r\n\r\n",
    NOTHING_MORE, 1, hostile=True, lacks=(PING,))
served("websocket, without Connection", get(*WEBSOCKET[1:]), lacks=(b"\nupgrade:",))
served("websocket, Connection names another", get("Connection: keep-alive", *WEBSOCKET[1:]),
       lacks=(b"\nupgrade:",))
add("websocket, in HTTP/1.0", get(*WEBSOCKET, line="GET /chat HTTP/1.0"), "200 closed", 1,
    lacks=(b"\nupgrade:",))

H2C = ("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c",
       "HTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA")
served("h2c", get(*H2C), lacks=(b"\nupgrade:", b"http2-settings"))
served("h2c, and an upstream that would switch", get(*H2C), lacks=(b"\nupgrade:",))
served("h2c, without Connection", get(*H2C[1:]), lacks=(b"\nupgrade:",))
served("h2c, Connection names it alone", get("Connection: Upgrade", *H2C[1:]),
       lacks=(b"\nupgrade:",))
served("h2c of POST", head("POST / HTTP/1.1", *H2C, "Content-Length: 5") + b"hello",
       lacks=(b"\nupgrade:",), has=(b"hello",))
add("h2c, and what would be behind it", get(*H2C) + b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    NOTHING_MORE, 1, hostile=True, lacks=(b"PRI \\*",))
served("a protocol that nobody knows", get("Connection: Upgrade", "Upgrade: foo/2"),
       lacks=(b"\nupgrade:",))
served("TLS", get("Connection: Upgrade", "Upgrade: TLS/1.0"), lacks=(b"\nupgrade:",))
served("h2c or websocket", get("Connection: Upgrade", "Upgrade: h2c, websocket"),
       lacks=(b"upgrade: ?h2c", b"upgrade: ?websocket, ?h2c"))
served("Upgrade: of nothing", get("Connection: Upgrade", "Upgrade:"))

UNASKED = "502 open or 502 closed"
add("a 101 that nobody asked for", get(), UNASKED, 1, hostile=True, script=TUNNEL)
add("a 101 to h2c", get(*H2C), UNASKED, 1, hostile=True, script=[
    [answer("HTTP/1.1 101 Switching Protocols", "Connection: Upgrade", "Upgrade: h2c"),
     Then.ECHO]])
add("a 101 to POST", head("POST / HTTP/1.1", "Content-Length: 5") + b"hello", UNASKED, 1,
    hostile=True, script=TUNNEL)
add("a 101 to another protocol", get(*WEBSOCKET), UNASKED, 1, hostile=True, script=[
    [answer("HTTP/1.1 101 Switching Protocols", "Connection: Upgrade", "Upgrade: foo"),
     Then.ECHO]])
add("a 101 to no protocol", get(*WEBSOCKET), UNASKED, 1, hostile=True, script=[
    [answer("HTTP/1.1 101 Switching Protocols", "Connection: Upgrade"), Then.ECHO]])
add("the upstream ends a tunnel", (get(*WEBSOCKET), Until(b"\r\n\r\n"), PING), "101 closed", 1,
    script=[[answer(*SWITCHED, body=b"bye"), Then.CLOSE]], told=(b"bye",))
add("a request in a tunnel is none", (get(*WEBSOCKET), Until(b"\r\n\r\n"),
                                      head("GET /in-the-tunnel HTTP/1.1"), Until(b"in-the-tunnel")),
    "101 open", 1, script=TUNNEL, told=(b"in-the-tunnel",))
add("no tunnel, and the connection goes on", (get(*WEBSOCKET), Until(b"ok"),
                                              head("GET /second HTTP/1.1")),
    "200 200 open", 2, script=[[OK]])

because = GROUP.because
because("The upstream has declined, so what follows is read as HTTP or not at all",
        "websocket, refused, and a request before that",
        "websocket, refused, and bytes before that",
        "h2c, and what would be behind it")
because("websocket is offered alone; what else is asked for is ignored (RFC 9110, section 7.8)",
        "h2c or websocket")
because("Only what was asked for and let through becomes a tunnel: in another, requests would pass "
        "that nobody sees", "a 101 that nobody asked for", "a 101 to h2c", "a 101 to POST",
        "a 101 to another protocol", "a 101 to no protocol")
