"""Request targets: their forms, and what may stand in them."""

from case import Group, head

GROUP = Group("request target")
add, refused, served = GROUP.add, GROUP.refused, GROUP.served


def get(target, **more):
    return head(f"GET {target} HTTP/1.1", **more)


def passed(target):
    """What the upstream must see of it."""
    return (rb"^GET " + target + rb" HTTP/1\.1\r\n",)


served("a path and a query", get("/a/b?c=d&e"), has=passed(rb"/a/b\?c=d&e"))
served("an empty query", get("/a?"), has=passed(rb"/a\?"))
served("a query of question marks", get("/??a?b"), has=passed(rb"/\?\?a\?b"))
served("escapes", get("/%7Ea%2Fb%20c?%26"), has=passed(rb"/%7Ea%2Fb%20c\?%26"))
served("marks that a path may have", get("/;a=b,c/@:!$&'()*+~"),
       has=passed(rb"/;a=b,c/@:!\$&'\(\)\*\+~"))
served("dot segments", get("/a/./b/../c"), has=passed(rb"/a/\./b/\.\./c"))
served("escaped dot segments", get("/a/%2e%2e/c"), has=passed(rb"/a/%2e%2e/c"))
served("dot segments above the root", get("/../a"), has=passed(rb"/\.\./a"))
served("slashes that repeat", get("//a//b"), has=passed(rb"//a//b"))
served("two slashes alone", get("//"), has=passed(rb"//"))
served("what looks like a URI in a path", get("/http://other.test/"),
       has=passed(rb"/http://other\.test/"))
served("4 KiB", get("/" + "a" * 4096), has=passed(rb"/a{4096}"))
add("64 KiB", get("/" + "a" * 65536), "414 closed", 0)
add("256 KiB", get("/" + "a" * 262144), "414 closed", 0)
served("braces and bars", get("/{a}|b?{c}|d"), has=passed(rb"/\{a\}\|b\?\{c\}\|d"))
served("quotes in a path", get('/"a"'), has=passed(b'/("a"|%22a%22)'))
served("quotes in a query", get('/?{"a":"b"}'), has=passed(rb'/\?\{("a":"b"|%22a%22:%22b%22)\}'))
served("brackets and a backslash in a query", get("/?a[]=b&c=\\d&^`"))
served("angle brackets in a path", get("/<a>"), has=passed(b"/(<a>|%3Ca%3E)"))
served("angle brackets in a query", get("/?a=<b>"), has=passed(rb"/\?a=(<b>|%3Cb%3E)"))
served("a backtick in a path", get("/a`b"), has=passed(b"/a(`|%60)b"))
served("an escape that is none", get("/%zz"), has=passed(b"/%zz"))
served("an escape that breaks off", get("/a%2"), has=passed(b"/a%2"))
served("an escaped NUL", get("/a%00"), has=passed(b"/a%00"))
served("an escaped line end", get("/a%0d%0aX:%20y"), has=passed(b"/a%0d%0aX:%20y"))
refused("a space in a path", get("/a b"))
refused("a tab in a path", get("/a\tb"))
refused("a NUL in a path", get("/a\0b"))
refused("a control byte in a path", get("/a\x01b"))
refused("a DEL in a path", get("/a\x7fb"))
refused("a line end of one LF in a path", get("/a\nX: y"))
served("UTF-8 in a path", get("/\xc3\xa9"), has=passed(b"/(\xc3\xa9|%C3%A9)"))
refused("Latin-1 in a query", get("/?\xe9"))
refused("a fragment", get("/a#b"))
refused("a fragment alone", get("#a"))
refused("no slash at its beginning", get("a"))
refused("a query without a path", get("?a"))
refused("an asterisk for GET", get("*"))
refused("an authority for GET", get("peer.test:80"))
refused("a port for GET", get(":80"))

served("absolute", get("http://peer.test/a?b"), has=passed(rb"/a\?b"))
served("absolute, without a path", get("http://peer.test"), has=passed(b"/"))
served("absolute, a query without a path", get("http://peer.test?a"), has=passed(rb"/\?a"))
served("absolute, in upper case", get("HTTP://PEER.TEST/a"), has=passed(b"/a"))
served("absolute, with a port that Host has, too",
       get("http://peer.test:8080/a", host=b"Host: peer.test:8080"), has=passed(b"/a"))
served("absolute, over https", get("https://peer.test/a"), has=passed(b"/a"))
served("absolute, and Host is another", get("http://peer.test/", host=b"Host: other.test"),
       has=(rb"\nhost: ?peer\.test\r\n",), lacks=(rb"other\.test",))
served("absolute, and Host has another port",
       get("http://peer.test:81/", host=b"Host: peer.test:82"),
       has=(rb"\nhost: ?peer\.test:81\r\n",), lacks=(rb":82",))
refused("absolute, and there is no Host", get("http://peer.test/", host=None))
refused("absolute, with a user", get("http://user@peer.test/"))
refused("absolute, with a user and a password", get("http://user:pw@peer.test/"))
refused("absolute, without a host", get("http:///a"))
refused("absolute, a port alone", get("http://:80/a"))
refused("absolute, a port that is none", get("http://peer.test:http/a"))
served("absolute, a port too large", get("http://peer.test:70000/a"), has=passed(b"/a"))
refused("absolute, a bracket that stays open", get("http://[::1/a"))
refused("absolute, a space in the host", get("http://peer test/a"))
refused("absolute, one slash", get("http:/peer.test/a"))
refused("absolute, with a fragment", get("http://peer.test/#a"))
served("absolute, of another scheme", get("ftp://peer.test/a"), has=passed(b"/a"))
refused("absolute, of a file", get("file:///etc/passwd"))

because = GROUP.because
because("What a path means is its server's to say: it is passed on as it is, byte for byte",
        "dot segments above the root", "an escape that is none", "an escape that breaks off",
        "an escaped NUL")
because("RFC 9112, section 3 names 414 for it", "64 KiB", "256 KiB")
because("UTF-8 is what clients send who do not escape; nobody reads it as anything else",
        "UTF-8 in a path")
because("No part of a URI in any encoding that clients send", "Latin-1 in a query",
        "a DEL in a path")
because("What looks like a version behind a bare LF is not HTTP/0.9, which is not served",
        "a line end of one LF in a path")
because("A fragment is none of a server's business, and a filter may stop reading at it",
        "a fragment", "absolute, with a fragment")
because("Of OPTIONS alone (RFC 9112, section 3.2.4)", "an asterisk for GET")
because("A URI may lack its path (RFC 3986); it is / then (RFC 9112, section 3.2.1)",
        "absolute, a query without a path")
because("RFC 9112, section 3.2.2: the target counts, and Host is made to say the same",
        "absolute, and Host is another", "absolute, and Host has another port")
because("HTTP/1.1 has a Host always (RFC 9112, section 3.2)", "absolute, and there is no Host")
because("Credentials in a target deceive (RFC 9110, section 4.2.4)",
        "absolute, with a user", "absolute, with a user and a password")
because("No host (RFC 9110, section 4.2.1)", "absolute, without a host", "absolute, of a file")
because("Any digits are a port (RFC 3986, section 3.2.3), and we do not connect to it",
        "absolute, a port too large")
