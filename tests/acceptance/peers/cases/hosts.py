"""The field Host."""

from case import Group, head

GROUP = Group("Host")
add, refused, served = GROUP.add, GROUP.refused, GROUP.served


def named(host, line="GET / HTTP/1.1"):
    return head(line, host=f"Host: {host}".encode("latin-1"))


served("a name and a port", named("peer.test:8080"))
served("upper case", named("PEER.Test"))
served("a name in upper case", head("GET / HTTP/1.1", host=b"HOST: peer.test"))
served("a dot at the end", named("peer.test."))
served("an underscore", named("a_b.test"))
served("an IPv4 address", named("127.0.0.1"))
served("an IPv6 address", named("[::1]"))
served("an IPv6 address and a port", named("[2001:db8::1]:8080"))
served("a port that is empty", named("peer.test:"))
served("spaces around it", named(" \t peer.test \t "))
served("no space before it", head("GET / HTTP/1.1", host=b"Host:peer.test"))
served("a hundred letters", named("a" * 50 + "." + "b" * 50))
refused("none", head("GET / HTTP/1.1", host=None))
refused("twice the same", head("GET / HTTP/1.1", "Host: peer.test"))
refused("two", head("GET / HTTP/1.1", "Host: other.test"))
refused("two, with a field between them", head("GET / HTTP/1.1", "X: y", "Host: other.test"))
refused("two, and one is empty", head("GET / HTTP/1.1", "Host:"))
refused("two, in two cases", head("GET / HTTP/1.1", "hOST: other.test"))
refused("two, in HTTP/1.0", head("GET / HTTP/1.0", "Host: other.test"))
refused("two in one", named("peer.test, other.test"))
refused("a space in it", named("peer.test other.test"))
refused("a path behind it", named("peer.test/a"))
refused("a URI", named("http://peer.test"))
refused("a user", named("user@peer.test"))
refused("a query", named("peer.test?a"))
refused("a fragment", named("peer.test#a"))
refused("quotes", named('"peer.test"'))
refused("a backslash", named("peer.test\\a"))
refused("two ports", named("peer.test:80:81"))
refused("a port that is none", named("peer.test:http"))
refused("a port with a sign", named("peer.test:+80"))
served("a port too large", named("peer.test:70000"))
refused("a port alone", named(":80"))
refused("a bracket that stays open", named("[::1"))
refused("brackets around nothing", named("[]"))
refused("text behind the brackets", named("[::1]a"))
refused("a bracket too many", named("[::1]]"))
refused("an IPv6 address without brackets", named("::1"))
refused("a NUL", named("peer.test\0"))
refused("a control byte", named("peer\x01.test"))
refused("UTF-8", named("p\xc3\xa9er.test"))
refused("a bare CR", named("peer.test\rother.test"))
refused("folded", head("GET / HTTP/1.1", host=b"Host: peer.test\r\n other.test"))
refused("folded before it begins", head("GET / HTTP/1.1", host=b"Host:\r\n peer.test"))
refused("a space before the colon", head("GET / HTTP/1.1", host=b"Host : peer.test"))
refused("a space before the name", head("GET / HTTP/1.1", host=b" Host: peer.test"))
served("4 KiB of letters", named("a" * 4096))

because = GROUP.because
because("A tab may stand around a value as a space may (RFC 9110, section 5.5)", "spaces around it")
because("RFC 9112, section 3.2: exactly one, in HTTP/1.1", "none", "twice the same")
WRONG = "RFC 9112, section 3.2: a value that is no host and port is answered 400"
because(WRONG, "two in one", "a space in it", "a path behind it", "a URI", "a user", "a query",
        "a fragment", "quotes", "a backslash", "two ports", "a port that is none",
        "a port with a sign", "a port alone", "a bracket that stays open",
        "brackets around nothing", "text behind the brackets", "a bracket too many",
        "an IPv6 address without brackets", "a NUL", "a control byte", "UTF-8")
because("RFC 9112, section 5.2: a fold is refused, for some read it as another line",
        "folded", "folded before it begins")
