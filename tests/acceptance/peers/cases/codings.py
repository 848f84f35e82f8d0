"""Transfer-Encoding."""

from case import SMUGGLED, Group, head

GROUP = Group("Transfer-Encoding")
add, refused, served = GROUP.add, GROUP.refused, GROUP.served
CHUNKS = b"5\r\nhello\r\n0\r\n\r\n"
# Behind the end that only one of two readers sees.
SMUGGLING = b"0\r\n\r\n" + SMUGGLED


def post(*codings, body=CHUNKS, line="POST / HTTP/1.1", more=()):
    return head(line, *more, *(f"Transfer-Encoding: {it}" for it in codings)) + body


def unknown(name, send, **more):
    """A coding that we do not know, or that is none."""
    add(name, send, "400 closed or 501 closed", 0, hostile=True, **more)


served("chunked", post("chunked"), has=(b"hello",))
served("chunked, in upper case", post("CHUNKED"), has=(b"hello",))
served("chunked, spaces around it", post(" \t chunked \t "), has=(b"hello",))
served("chunked, of GET", post("chunked", line="GET / HTTP/1.1"), has=(b"hello",))
served("chunked, nothing", post("chunked", body=b"0\r\n\r\n"))
served("TE: chunked is no coding", head("GET / HTTP/1.1", "TE: chunked"))
for length in (0, 5, 6, 15):
    refused(f"chunked beside a Content-Length of {length}",
            post("chunked", more=(f"Content-Length: {length}",)))
refused("chunked before a Content-Length", head(
    "POST / HTTP/1.1", "Transfer-Encoding: chunked", "Content-Length: 5") + CHUNKS)
refused("CL.TE", post("chunked", more=(f"Content-Length: {len(SMUGGLING)}",), body=SMUGGLING))
refused("TE.CL", post("chunked", more=("Content-Length: 4",), body=b"%x\r\n%s\r\n0\r\n\r\n" % (
    len(SMUGGLED), SMUGGLED)))
refused("chunked beside an empty Content-Length", post("chunked", more=("Content-Length:",)))
refused("chunked in HTTP/1.0", post("chunked", line="POST / HTTP/1.0"))
refused("chunked in HTTP/1.0, kept alive",
        post("chunked", line="POST / HTTP/1.0", more=("Connection: keep-alive",), body=SMUGGLING))
refused("chunked twice, on two lines", post("chunked", "chunked"))
refused("chunked twice, on one line", post("chunked, chunked"))
refused("chunked before identity", post("chunked, identity"))
refused("chunked, then identity on its line", post("chunked", "identity", body=SMUGGLING))
refused("chunked before gzip", post("chunked, gzip"))
refused("chunked before what is none", post("chunked, cow"))
refused("a comma before chunked", post(", chunked"))
refused("a comma behind chunked", post("chunked,"))
refused("chunked with a parameter", post("chunked;q=1"))
refused("chunked in quotes", post('"chunked"'))
refused("chunked and a NUL", post("chunked\0"))
refused("chunked behind a vertical tab", post("\x0bchunked"))
refused("chunked behind a form feed", post("\x0cchunked"))
refused("chunked before a non-breaking space", post("chunked\xa0"))
refused("chunked and a bare CR", post("chunked\r"))
refused("chunked behind a bare CR", post("\rchunked"))
refused("chunked, folded", post("\r\n chunked"))
refused("chunked, folded with a tab", post("\r\n\tchunked"))
refused("chunked, and a fold behind it", post("chunked\r\n , identity"))
refused("a space before the colon", head("POST / HTTP/1.1", "Transfer-Encoding : chunked")
        + CHUNKS)
refused("a space before the colon, beside a Content-Length", head(
    "POST / HTTP/1.1", f"Content-Length: {len(SMUGGLING)}", "Transfer-Encoding : chunked")
    + SMUGGLING)
refused("a space before the name", head("POST / HTTP/1.1", " Transfer-Encoding: chunked") + CHUNKS)
refused("a line end of one LF before it", head("POST / HTTP/1.1",
                                               "X: y\nTransfer-Encoding: chunked",
                                               "Content-Length: 5") + b"hello")
refused("a bare CR before it", head("POST / HTTP/1.1", "X: y\rTransfer-Encoding: chunked",
                                    "Content-Length: 5") + b"hello")
refused("a long s in it", post("chun\xc5\xbfked", more=("Content-Length: 5",), body=b"hello"))
refused("empty", post(""))
refused("empty, beside a Content-Length", post("", more=("Content-Length: 5",), body=b"hello"))
unknown("identity", post("identity", body=b""))
unknown("identity, beside a Content-Length",
        post("identity", more=("Content-Length: 5",), body=b"hello"))
unknown("gzip", post("gzip"))
unknown("gzip, then chunked", post("gzip, chunked"))
unknown("gzip, then chunked on its line", post("gzip", "chunked"))
unknown("identity, then chunked", post("identity, chunked"))
unknown("xchunked", post("xchunked"))
unknown("xchunked, beside a Content-Length",
        post("xchunked", more=("Content-Length: 5",), body=b"hello"))
unknown("chunkedx", post("chunkedx"))
unknown("chunk", post("chunk"))
unknown("x chunked", post("x chunked"))
served("an underscore in the name, beside a Content-Length", head(
    "POST / HTTP/1.1", "Content-Length: 5", "Transfer_Encoding: chunked") + b"hello")
served("a name that begins so", head("GET / HTTP/1.1", "Transfer-Encoding-X: chunked"))

because = GROUP.because
because("A tab may stand around a value as a space may (RFC 9110, section 5.5)",
        "chunked, spaces around it")
because("RFC 9112, section 6.1 lets us refuse what smuggles requests: no client sends both",
        *(f"chunked beside a Content-Length of {length}" for length in (0, 5, 6, 15)),
        "chunked before a Content-Length", "CL.TE", "TE.CL")
because("RFC 9112, section 6.1: HTTP/1.0 has no codings, so its framing is faulty",
        "chunked in HTTP/1.0", "chunked in HTTP/1.0, kept alive")
because("RFC 9112, section 6.3: not one chunked, at the end, so nobody knows where it ends",
        "chunked twice, on one line", "chunked before identity", "chunked before gzip",
        "chunked before what is none", "a comma before chunked", "a comma behind chunked",
        "chunked with a parameter", "chunked in quotes", "chunked behind a vertical tab",
        "chunked behind a form feed", "chunked before a non-breaking space", "a long s in it",
        "empty", "empty, beside a Content-Length", "identity", "identity, beside a Content-Length",
        "gzip", "xchunked", "xchunked, beside a Content-Length", "chunkedx", "chunk", "x chunked")
because("RFC 9112, section 6.1: 501 for a coding that is not understood", "gzip, then chunked",
        "gzip, then chunked on its line", "identity, then chunked")
because("RFC 9112, section 2.2: a bare CR is refused", "chunked and a bare CR")
because("RFC 9112, section 5.2: a fold is refused, for some read it as another line",
        "chunked, folded", "chunked, folded with a tab", "a space before the name")
