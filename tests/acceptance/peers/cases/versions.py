"""Versions of HTTP."""

from case import Group, head

GROUP = Group("version")
add, refused, served = GROUP.add, GROUP.refused, GROUP.served

add("1.0", head("GET / HTTP/1.0"), "200 closed", 1, has=(rb"^GET / HTTP/1\.1\r\n",))
add("1.0 without a Host", head("GET / HTTP/1.0", host=None), "200 closed", 1)
served("1.0 that is kept alive", head("GET / HTTP/1.0", "Connection: keep-alive"))
add("1.0, two at once", head("GET / HTTP/1.0") + head("GET /second HTTP/1.0"), "200 closed", 1)
add("1.0, a body", head("POST / HTTP/1.0", "Content-Length: 5") + b"hello", "200 closed", 1,
    has=(rb"hello$",))
add("1.1, Connection: close", head("GET / HTTP/1.1", "Connection: close"), "200 closed", 1)
for version in ("2.0", "3.0", "9.9"):
    add(version, head(f"GET / HTTP/{version}"), "505 closed", 0, hostile=True)
served("1.2", head("GET / HTTP/1.2"), has=(rb"^GET / HTTP/1\.1\r\n",))
add("none, as in 0.9", b"GET /\r\n", "400 closed", 0, hostile=True)
add("none, and fields", head("GET /"), "400 closed", 0, hostile=True)
for version in ("HTTP/1", "HTTP/1.", "HTTP/.1", "HTTP/11", "HTTP/1.10", "HTTP/01.1", "HTTP/1.01",
                "HTTP/0.9", "HTTP/1,1", "HTTP/1.1.1", "HTTP/1.a", "HTTP/+1.1", "HTTP /1.1",
                "HTTP/ 1.1",
                "HTTP//1.1", "http/1.1", "HTTPS/1.1", "HTP/1.1", "ICY/1.1", "HTTP1.1",
                "HTTP/1.1x", "HTTP/1.1\0"):
    refused(f"{version!r}"[1:-1], head(f"GET / {version}"))

because = GROUP.because
because("RFC 9110, section 15.6.6: another major version is not understood", "2.0", "3.0", "9.9")
because("HTTP/0.9 is not served: its answers have no head", "none, as in 0.9", "none, and fields",
        "HTTP/0.9")
because("RFC 9112, section 2.3: one digit, a point, one digit", "HTTP/11", "HTTP/1.10", "HTTP/1.01")
