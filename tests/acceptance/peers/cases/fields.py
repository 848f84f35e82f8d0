"""Field lines."""

from case import HOST, Group, head

GROUP = Group("field lines")
add, refused, served = GROUP.add, GROUP.refused, GROUP.served


def get(*fields):
    return head("GET / HTTP/1.1", *fields)


served("an empty value", get("X-A:"), has=(rb"x-a:\s*\r\n",))
served("no space behind the colon", get("X-A:b"), has=(b"x-a: ?b",))
served("spaces around a value", get("X-A:  \t b \t "), has=(rb"x-a:\s*b\s*\r\n",))
served("a tab in a value", get("X-A: b\tc"), has=(b"b\tc",))
served("a colon in a value", get("X-A: b:c"), has=(b"b:c",))
served("Latin-1 in a value", get("X-A: caf\xe9"), has=(b"caf\xe9",))
served("UTF-8 in a value", get("X-A: caf\xc3\xa9"), has=(b"caf\xc3\xa9",))
served("every mark of a name", get("X!#$%&'*+-.^`|~9: b"), has=(b"~9: ?b",))
served("an underscore in a name", get("X_A: b"), has=(b"x_a: ?b",))
served("a name of 200 letters", get("X" * 200 + ": b"), has=(b"x{200}: ?b",))
served("4 KiB of a value", get("X-A: " + "b" * 4096), has=(b"b{4096}",))
served("50 fields", get(*(f"X-{n}: {n}" for n in range(50))), has=(b"x-49: ?49",))
served("a name that repeats", get("X-A: b", "X-A: c"), has=(b"x-a: ?b.*x-a: ?c|x-a: ?b, ?c",))
served("cookies on two lines", get("Cookie: a=b", "Cookie: c=d"), has=(b"a=b.*c=d",))
add("1000 fields", get(*(f"X-{n}: {n}" for n in range(1000))),
    "431 closed or 400 closed", 0, hostile=True)
add("100 KiB of a value", get("X-A: " + "b" * 102400), "431 closed or 400 closed", 0, hostile=True)
add("1 MiB of a value", get("X-A: " + "b" * 1048576), "431 closed or 400 closed", 0, hostile=True)
add("100 KiB of a name", get("X" * 102400 + ": b"), "431 closed or 400 closed", 0, hostile=True)
add("a head without an end", b"GET / HTTP/1.1\r\n" + b"X-A: b\r\n" * 40000,
    "431 closed or 400 closed", 0, hostile=True)
refused("folded", get("X-A: b\r\n c"))
refused("folded with a tab", get("X-A: b\r\n\tc"))
refused("folded to nothing", get("X-A: b\r\n "))
refused("a first line that begins with a space", head("GET / HTTP/1.1", host=b" X-A: b\r\n" + HOST))
refused("a space before the colon", get("X-A : b"))
refused("a tab before the colon", get("X-A\t: b"))
refused("a space in a name", get("X A: b"))
refused("no colon", get("X-A"))
refused("no colon, the first", head("GET / HTTP/1.1", host=b"X-A\r\n" + HOST))
refused("no name", get(": b"))
refused("a colon alone", get(":"))
refused("parentheses in a name", get("X(A): b"))
refused("an @ in a name", get("X@A: b"))
refused("a slash in a name", get("X/A: b"))
refused("quotes in a name", get('"X-A": b'))
refused("brackets in a name", get("X[A]: b"))
refused("a NUL in a name", get("X\0A: b"))
refused("a control byte in a name", get("X\x01A: b"))
refused("a DEL in a name", get("X\x7fA: b"))
refused("Latin-1 in a name", get("X\xe9: b"))
refused("a NUL in a value", get("X-A: b\0c"))
refused("a control byte in a value", get("X-A: b\x01c"))
refused("a vertical tab in a value", get("X-A: b\x0bc"))
refused("a backspace in a value", get("X-A: b\x08c"))
refused("an escape in a value", get("X-A: b\x1bc"))
refused("a DEL in a value", get("X-A: b\x7fc"))
refused("a bare CR in a value", get("X-A: b\rc"))
refused("a bare CR that would be a field", get("X-A: b\rX-B: c"))
refused("a bare CR at a value's end", get("X-A: b\r"))
refused("a bare LF at a field's end", get("X-A: b\nX-B: c"))
refused("a bare LF at the head's end", b"GET / HTTP/1.1\r\n" + HOST + b"\r\n\n")
refused("two bare LFs at the head's end", b"GET / HTTP/1.1\r\n" + HOST + b"\n\n")
refused("a CR, CR, LF at the head's end", b"GET / HTTP/1.1\r\n" + HOST + b"\r\n\r\r\n")
refused("LF and CR, turned around", b"GET / HTTP/1.1\n\r" + HOST + b"\n\r\n\r")

because = GROUP.because
because("RFC 6585, section 5 names 431 for it", "1000 fields", "100 KiB of a value",
        "1 MiB of a value", "100 KiB of a name", "a head without an end")
because("RFC 9112, section 5.2: a fold is refused, for some read it as another line",
        "folded", "folded with a tab", "folded to nothing")
because("A name is a token (RFC 9110, section 5.1); dropping its line in silence would not tell",
        "no colon", "no colon, the first", "parentheses in a name", "an @ in a name",
        "a slash in a name", "quotes in a name", "brackets in a name", "Latin-1 in a name")
because("RFC 9110, section 5.5: no control bytes in values", "a NUL in a value",
        "a control byte in a value", "a vertical tab in a value", "a backspace in a value",
        "an escape in a value", "a DEL in a value", "a bare CR at a value's end")
because("Others end a line at CRLF alone: a bare LF would be read in two ways (RFC 9112, 2.2)",
        "a bare LF at a field's end", "a bare LF at the head's end",
        "two bare LFs at the head's end")
