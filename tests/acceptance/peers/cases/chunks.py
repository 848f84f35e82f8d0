"""The chunked coding of requests."""

from case import HOST, SMUGGLED, Do, Group, head

GROUP = Group("chunks")
add, refused, served, broken = GROUP.add, GROUP.refused, GROUP.served, GROUP.broken
END = b"0\r\n\r\n"
LATE = "400 closed or 408 closed or 408 open"


def post(*body, more=()):
    return head("POST / HTTP/1.1", "Transfer-Encoding: chunked", *more) + b"".join(
        it if isinstance(it, bytes) else it.encode("latin-1") for it in body)


def sized(size, data=b"hello", end=END):
    return post(size, "\r\n", data, "\r\n", end)


served("several", post("3\r\nhel\r\n", "2\r\nlo\r\n", END), has=(b"hel.*lo",))
served("a size in upper case", sized("A", b"helloworld"), has=(b"helloworld",))
served("a size in lower case", sized("a", b"helloworld"), has=(b"helloworld",))
served("zeros before a size", sized("0005"), has=(b"hello",))
served("several zeros at the end", sized("5", end=b"000\r\n\r\n"), has=(b"hello",))
served("line ends in a chunk", sized("7", b"a\r\nb\r\nc"), has=(b"a\r\nb\r\nc",))
served("an extension", sized("5;a=b"), has=(b"hello",))
served("an extension in quotes", sized('5;a="b;c"'), has=(b"hello",))
served("an extension without a value", sized("5;a"), has=(b"hello",))
served("an extension at the end", sized("5", end=b"0;a=b\r\n\r\n"), has=(b"hello",))
served("64 KiB", sized("10000", b"a" * 65536), has=(b"a{1000}",))
served("one byte at a time", (head("POST / HTTP/1.1", "Transfer-Encoding: chunked"), Do.PAUSE,
                              b"5", Do.PAUSE, b"\r", Do.PAUSE, b"\nhel", Do.PAUSE, b"lo\r\n0\r",
                              Do.PAUSE, b"\n\r\n"), has=(b"hel.*lo",))
served("a trailer", sized("5", end=b"0\r\nX-Sum: 1\r\n\r\n"), has=(b"hello",))
served("a trailer that was announced",
       post("5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n", more=("Trailer: X-Sum",)), has=(b"hello",))
for name, value in (("Content-Length", "50"), ("Transfer-Encoding", "gzip"), ("Host", "other.test"),
                    ("Authorization", "Basic eDp5"), ("X-Forwarded-For", "192.0.2.1"),
                    ("Connection", "close"), ("Content-Type", "text/evil")):
    add(f"a trailer {name}, which may not be one",
        sized("5", end=f"0\r\n{name}: {value}\r\n\r\n".encode()), "200 open or 400 closed", 1,
        hostile=True, lacks=(f"{name}: ?{value}".encode(),))

broken("no size", sized(""))
broken("an extension without a size", sized(";a=b"))
broken("0x", sized("0x5"))
broken("a plus", sized("+5"))
broken("a minus", sized("-5"))
broken("a minus before the end", sized("5", end=b"-0\r\n\r\n"))
broken("a word", sized("five"))
broken("a letter behind a size", sized("5h"))
broken("an underscore in a size", sized("0_5"))
broken("a point in a size", sized("5.0"))
broken("a NUL behind a size", sized("5\0"))
broken("a space before a size", sized(" 5"))
broken("a space behind a size", sized("5 "))
broken("a tab behind a size", sized("5\t"))
broken("a space in a size", sized("0 5"))
broken("2^64 and 5", sized("10000000000000005"))
for size in ("FFFFFFFFFFFFFFFF", "FFFFFFFFFFFFFFFA", "7FFFFFFFFFFFFFFF", "100000005"):
    # A size like another: what is missing of it does not come.
    add(f"a size of {size}", sized(size), LATE, 1, unfinished=True, hostile=True)
broken("a bare LF behind a size", post("5\nhello\r\n", END))
broken("a bare CR behind a size", post("5\rhello\r\n", END))
broken("two CRs behind a size", post("5\r\r\nhello\r\n", END))
broken("a bare LF behind a chunk", post("5\r\nhello\n", END))
broken("a bare CR behind a chunk", post("5\r\nhello\r", END))
broken("nothing behind a chunk", post("5\r\nhello", END))
broken("a chunk that is longer", post("5\r\nhello there\r\n", END))
broken("a chunk that is shorter", post("5\r\nhell\r\n", END))
broken("another two bytes for a line end", post("5\r\nhelloXX", END))
broken("a bare LF in an extension", sized("5;a\nb"))
broken("a bare CR in an extension", sized("5;a\rb"))
broken("a bare LF in an extension in quotes", sized('5;a="\n"'))
broken("a NUL in an extension", sized("5;a\0b"))
broken("a bare LF behind the last size", post("5\r\nhello\r\n0\n\r\n"))
broken("a bare LF at the end", post("5\r\nhello\r\n0\r\n\n"))
broken("a bare CR at the end", post("5\r\nhello\r\n0\r\n\rX"))
broken("an extension that hides a request", post("5;\n", b"hello\r\n0\r\n\r\n", SMUGGLED))
broken("64 KiB of an extension", sized("5;" + "a" * 65536))
broken("1000 chunks of long extensions",
       post(*["1;" + "a" * 1000 + "\r\nx\r\n"] * 1000, END))
broken("a trailer without a colon", sized("5", end=b"0\r\nX-Sum\r\n\r\n"))
broken("a trailer that is folded", sized("5", end=b"0\r\nX-Sum: 1\r\n 2\r\n\r\n"))
broken("a space before a trailer's colon", sized("5", end=b"0\r\nX-Sum : 1\r\n\r\n"))
broken("a bare LF behind a trailer", sized("5", end=b"0\r\nX-Sum: 1\n\r\n"))
broken("a NUL in a trailer", sized("5", end=b"0\r\nX-Sum: \0\r\n\r\n"))
broken("trailers that hide a request", sized("5", end=b"0\r\n" + SMUGGLED + b"\r\n"))
broken("256 KiB of trailers", sized("5", end=b"0\r\n" + b"X-A: b\r\n" * 32768 + b"\r\n"))
add("chunks that break off", (post("5\r\nhel"), Do.PAUSE, Do.HALF_CLOSE),
    "400 closed or nothing closed or 408 closed", 1, unfinished=True, hostile=True)
add("no end", (post("5\r\nhello\r\n"), Do.PAUSE, Do.HALF_CLOSE),
    "400 closed or nothing closed or 408 closed", 1, unfinished=True, hostile=True)
add("an end that comes twice", sized("5") + END, "200 400 closed or 200 closed", 1, hostile=True)
add("a request behind them", sized("5") + b"GET /second HTTP/1.1\r\n" + HOST + b"\r\n\r\n",
    "200 200 open", 2)

because = GROUP.because
because("Trailers that would frame, route or authenticate are dropped (RFC 9110, section 6.5.1)",
        "a trailer Transfer-Encoding, which may not be one")
because("A size and CRLF; blanks belong to extensions (RFC 9112, section 7.1)",
        "a space behind a size", "a tab behind a size", "a space in a size")
because("It is a size, and the rest does not come",
        *(f"a size of {size}" for size in ("FFFFFFFFFFFFFFFF", "FFFFFFFFFFFFFFFA",
                                          "7FFFFFFFFFFFFFFF", "100000005")))
because("Lines of chunks end with CRLF alone (RFC 9112, section 7.1): who takes a bare LF, and who "
        "does not, find other chunks", "a bare LF behind a size", "a bare LF behind a chunk",
        "a chunk that is shorter", "a bare LF behind the last size", "a bare LF at the end",
        "an extension that hides a request")
because("RFC 9112, section 7.1.1: no control bytes, and as much as we care to read",
        "a NUL in an extension", "64 KiB of an extension", "1000 chunks of long extensions")
because("Trailers are field lines as those of a head are", "a trailer without a colon",
        "a trailer that is folded", "a space before a trailer's colon",
        "a bare LF behind a trailer",
        "a NUL in a trailer", "trailers that hide a request", "256 KiB of trailers")
because("Whoever can still hear is told what was wrong", "chunks that break off", "no end")
