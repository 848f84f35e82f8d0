"""Content-Length, and a body that is not as long as it says."""

from case import SMUGGLED, Do, Group, head

GROUP = Group("Content-Length")
add, refused, served = GROUP.add, GROUP.refused, GROUP.served


def post(*lengths, body=b"hello", line="POST / HTTP/1.1"):
    return head(line, *(f"Content-Length: {it}" for it in lengths)) + body


served("as long as the body", post(5), has=(rb"\r\n\r\nhello$|\r\n5\r\nhello\r\n",))
served("nothing", post(0, body=b""))
served("none for POST", post(body=b""))
served("none for PUT", post(body=b"", line="PUT / HTTP/1.1"))
served("a body of GET", post(5, line="GET / HTTP/1.1"))
served("a body of DELETE", post(5, line="DELETE / HTTP/1.1"))
served("a body of OPTIONS", post(5, line="OPTIONS / HTTP/1.1"))
served("zeros before it", post("005"))
served("spaces around it", post(" \t5 \t"))
served("256 KiB", post(262144, body=b"a" * 262144))
served("a body that comes late", (post(5, body=b"he"), Do.PAUSE, b"llo"))
refused("two that are the same", post(5, 5))
refused("two that differ", post(5, 6))
refused("two that differ, of which one hides a request", post(0, len(SMUGGLED), body=SMUGGLED))
refused("a list that repeats", post("5, 5"))
refused("a list that differs", post("5, 6"))
refused("a list and an empty element", post("5,"))
refused("a plus", post("+5"))
refused("a minus", post("-5"))
refused("minus nothing", post("-0", body=b""))
refused("hexadecimal", post("0x5"))
refused("hexadecimal without a prefix", post("a", body=b"helloworld"))
refused("octal", post("0o5"))
refused("a fraction", post("5.0"))
refused("an exponent", post("5e0"))
refused("an underscore", post("1_0", body=b"helloworld"))
refused("a space in it", post("1 0", body=b"helloworld"))
refused("a semicolon behind it", post("5;"))
refused("quotes", post('"5"'))
refused("empty", post(""))
refused("spaces alone", post("  "))
refused("a word", post("five"))
refused("a NUL behind it", post("5\0"))
refused("a vertical tab before it", post("\x0b5"))
refused("a non-breaking space before it", post("\xa05"))
refused("digits that are not ASCII", post("\xd9\xa5"))
refused("a bare CR behind it", post("5\r"))
refused("2^64 and 5", post("18446744073709551621"))
refused("2^63 and 5 below nothing", post("-9223372036854775803"))
refused("a hundred digits", post("9" * 100))
refused("folded", post("\r\n 5"))
refused("folded to another number", post("1\r\n 0", body=b"helloworld"))
refused("a space before the colon", head("POST / HTTP/1.1", "Content-Length : 5") + b"hello")
refused("a NUL in the name", head("POST / HTTP/1.1", "Content-Length\0: 5") + b"hello")
served("an underscore in the name, beside it",
       head("POST / HTTP/1.1", "Content-Length: 5", "Content_Length: 0") + b"hello")
add("a body that is longer", post(5, body=b"hello") + b"\r\nmore\r\n\r\n",
    "200 400 closed or 200 closed", 1,
    hostile=True)
add("none, and a body", post(body=b"hello\r\n\r\n"), "200 400 closed or 200 closed", 1,
    hostile=True)
add("a body that breaks off", (post(100), Do.PAUSE, Do.HALF_CLOSE),
    "400 closed or nothing closed or 408 closed", 1, unfinished=True, hostile=True)
add("a body that breaks off, and a reset", (post(100), Do.PAUSE, Do.RESET), "nothing closed", 1,
    unfinished=True, hostile=True)

because = GROUP.because
because("A tab may stand around a value as a space may (RFC 9110, section 5.5)", "spaces around it")
because("RFC 9110, section 8.6 lets us refuse it: no client sends two", "two that are the same",
        "a list that repeats")
because("RFC 9112, section 2.2: a bare CR is refused", "a bare CR behind it")
because("RFC 9112, section 5.2: a fold is refused, for some read it as another line", "folded")
because("Whoever can still hear is told what was wrong", "a body that breaks off")
