"""The request line, and what comes before it."""

from case import HOST, Group, head

GROUP = Group("request line")
add, refused, served = GROUP.add, GROUP.refused, GROUP.served

served("as everybody writes it", head("GET / HTTP/1.1"))
served("an empty line before it", b"\r\n" + head("GET / HTTP/1.1"))
served("two empty lines before it", b"\r\n\r\n" + head("GET / HTTP/1.1"))
refused("a space before it", b" " + head("GET / HTTP/1.1"))
refused("a bare LF before it", b"\n" + head("GET / HTTP/1.1"))
refused("a NUL before it", b"\0" + head("GET / HTTP/1.1"))
refused("a byte order mark before it", b"\xef\xbb\xbf" + head("GET / HTTP/1.1"))
refused("two spaces behind the method", head("GET  / HTTP/1.1"))
refused("two spaces behind the target", head("GET /  HTTP/1.1"))
refused("a tab behind the method", head("GET\t/ HTTP/1.1"))
refused("a tab behind the target", head("GET /\tHTTP/1.1"))
refused("a vertical tab for a space", head("GET /\x0bHTTP/1.1"))
refused("a space behind the version", head("GET / HTTP/1.1 "))
refused("a bare CR in it", head("GET /\rx HTTP/1.1"))
refused("a bare CR for spaces", head("GET\r/\rHTTP/1.1"))
refused("a bare LF at its end", b"GET / HTTP/1.1\n" + HOST + b"\r\n\r\n")
refused("two CRs at its end", b"GET / HTTP/1.1\r\r\n" + HOST + b"\r\n\r\n")
refused("bare LFs at every end", b"GET / HTTP/1.1\n" + HOST + b"\n\n")
refused("no method", head(" / HTTP/1.1"))
refused("no target", head("GET HTTP/1.1"))
refused("an empty target", head("GET  HTTP/1.1"))
refused("a method with an @", head("G@T / HTTP/1.1"))
refused("a method with a colon", head("GET: / HTTP/1.1"))
refused("a method with a NUL", head("GE\0T / HTTP/1.1"))
refused("a method that is not ASCII", head("G\xcbT / HTTP/1.1"))
served("a method of 20 letters", head("ABCDEFGHIJKLMNOPQRST / HTTP/1.1"))
refused("a word too many", head("GET / HTTP/1.1 HTTP/1.1"))
refused("a word too many, before the version", head("GET / /smuggled HTTP/1.1"))
refused("the line of the PROXY protocol", b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n"
        + head("GET / HTTP/1.1"))
refused("a response", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
add("the greeting of TLS",
    b"\x16\x03\x01\x00\x2f\x01\x00\x00\x2b\x03\x03" + b"\x00" * 39 + b"\r\n\r\n",
    "400 closed or nothing closed", 0, hostile=True)

because = GROUP.because
because("Others end a line at CRLF alone: a bare LF would be read in two ways (RFC 9112, 2.2)",
        "a bare LF before it", "a bare LF at its end", "bare LFs at every end")
because("One space, no other blank: who splits at another finds another target (RFC 9112, 3)",
        "two spaces behind the method", "two spaces behind the target", "a tab behind the method",
        "a tab behind the target", "a space behind the version")
