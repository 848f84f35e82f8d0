"""What clients and servers say to each other every day."""

import re

from case import Do, Group, Until, answer, head
from upstream import OK

GROUP = Group("every day")
add, served = GROUP.add, GROUP.served
GET = head("GET / HTTP/1.1")


def sent(field):
    """A pattern of a field line, however its colon is followed."""
    name, value = field.split(": ", 1)
    return re.escape(name.encode()) + b": ?" + re.escape(value.encode()) + b"\r\n"


def asks(name, *fields, line="GET / HTTP/1.1", body=b"", has=()):
    """A request whose fields arrive as they were sent."""
    served(name, head(line, *fields) + body, has=(*map(sent, fields), *has))


def tells(name, line, *fields, body=b"", then=(), told=(), send=GET):
    """A response that arrives as it was sent."""
    status = line.split()[1]
    reply = answer(line, *fields, f"Content-Length: {len(body)}", body=body)
    add(name, send, f"{status} open", 1, script=[[reply, *then]], told=(*map(sent, fields), *told))


asks("a browser", "User-Agent: Mozilla/5.0 (X11; Linux x86_64) Chrome/148.0",
     "Accept: text/html,*/*;q=0.8",
     "Accept-Language: de,en;q=0.5", "Accept-Encoding: gzip, deflate, br",
     "Referer: http://peer.test/a",
     "Upgrade-Insecure-Requests: 1", "Sec-Fetch-Mode: navigate", "Cookie: a=b; c=\"d e\"; f=")
asks("curl", "User-Agent: curl/8.5.0", "Accept: */*")
asks("a form", "Content-Type: application/x-www-form-urlencoded", "Content-Length: 12",
     line="POST /form HTTP/1.1", body=b"a=b&c=d+e%20", has=(rb"a=b&c=d\+e%20",))
asks("JSON", "Content-Type: application/json", "Content-Length: 9", line="POST /json HTTP/1.1",
     body=b'{"a":"b"}', has=(rb'\{"a":"b"\}',))
asks("a preflight", "Origin: http://other.test", "Access-Control-Request-Method: PUT",
     line="OPTIONS /a HTTP/1.1")
asks("a range", "Range: bytes=0-1", "If-Range: \"tag\"")
asks("conditions", "If-None-Match: \"tag\", W/\"other\"",
     "If-Modified-Since: Thu, 01 Jan 1970 00:00:00 GMT")
asks("credentials", "Authorization: Basic dXNlcjpwYXNz")
asks("a bearer", "Authorization: Bearer abc.def-ghi_jkl")
asks("a trace", "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
asks("a poll of events", "Accept: text/event-stream", "Cache-Control: no-cache", "Last-Event-ID: 7")
asks("a method in a field", "X-HTTP-Method-Override: DELETE", "Content-Length: 0",
     line="POST / HTTP/1.1")
served("TE: trailers", head("GET / HTTP/1.1", "Connection: TE", "TE: trailers"))
asks("a query with everything", line="GET /s?q=a+b&x[]=1&y=%C3%A9&z=a:b/c?d@e,f;g=(h)!*'~ HTTP/1.1")

tells("a redirect", "HTTP/1.1 302 Found", "Location: http://other.test/a?b#c")
tells("another redirect", "HTTP/1.1 308 Permanent Redirect", "Location: /a/b")
tells("what was not found", "HTTP/1.1 404 Not Found", "Content-Type: text/html", body=b"<p>no</p>",
      told=(b"<p>no</p>",))
tells("a failure", "HTTP/1.1 500 Internal Server Error", body=b"oh", told=(b"\r\n\r\noh",))
tells("an overload", "HTTP/1.1 503 Service Unavailable", "Retry-After: 5", body=b"oh")
tells("a challenge", "HTTP/1.1 401 Unauthorized", "WWW-Authenticate: Basic realm=\"a\"")
tells("a part", "HTTP/1.1 206 Partial Content", "Content-Range: bytes 0-1/5", body=b"he")
tells("a cookie", "HTTP/1.1 200 OK", "Set-Cookie: a=b; Path=/; HttpOnly; SameSite=Lax")
tells("what may be kept", "HTTP/1.1 200 OK", "Cache-Control: public, max-age=60", "ETag: \"tag\"",
      "Last-Modified: Thu, 01 Jan 1970 00:00:00 GMT", "Vary: Accept-Encoding", body=b"ok")
tells("what is compressed", "HTTP/1.1 200 OK", "Content-Encoding: gzip",
      body=b"\x1f\x8b\0\0\r\n\r\n")
tells("a teapot", "HTTP/1.1 418 I'm a teapot")
tells("a policy", "HTTP/1.1 200 OK", "Content-Security-Policy: default-src 'self'; img-src *",
      "Strict-Transport-Security: max-age=1")
tells("a date and a server", "HTTP/1.1 200 OK", "Date: Thu, 01 Jan 1970 00:00:00 GMT", body=b"ok")

add("a hundred requests, one after the other", tuple(
    step for number in range(100)
    for step in (head(f"GET /{number} HTTP/1.1"), Until(rb"\r\n\r\nok", number + 1))),
    "200 x100 open", 100)
add("a form in three pieces", (
    head("POST / HTTP/1.1", "Content-Length: 9"), Do.PAUSE, b"abc", Do.PAUSE, b"def", Do.PAUSE,
    b"ghi"),
    "200 open", 1, has=(b"abc.*def.*ghi",))
add("an upload and a download of 1 MiB", head("PUT / HTTP/1.1", "Content-Length: 1048576")
    + b"u" * 1048576, "200 open", 1,
    script=[[answer("HTTP/1.1 200 OK", "Content-Length: 1048576", body=b"d" * 1048576)], [OK]])
