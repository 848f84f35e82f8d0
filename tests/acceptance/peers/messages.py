"""A strict reader of HTTP/1.1, which says what two readers could read differently."""

import dataclasses
import re

TOKEN = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
REQUEST_LINE = re.compile(TOKEN + rb" [!-~\x80-\xff]+ HTTP/1\.[01]")
STATUS_LINE = re.compile(rb"HTTP/1\.[01] [1-9][0-9]{2} [\t -~\x80-\xff]*")
FIELD = re.compile(rb"(" + TOKEN + rb"):[ \t]*([\t -~\x80-\xff]*)")
CHUNK = re.compile(rb"([0-9A-Fa-f]{1,16})(?:[ \t]*;[\t -~\x80-\xff]*)?")
HEAD_END = b"\r\n\r\n"


@dataclasses.dataclass
class Message:
    start: bytes
    fields: list
    raw: bytes
    faults: list
    body: bytes = b""
    trailers: list = dataclasses.field(default_factory=list)
    whole: bool = False
    # Until the connection closes.
    unframed: bool = False
    # Where the next message begins.
    end: int = 0

    def values(self, name):
        return [value for other, value in self.fields if other.lower() == name]

    @property
    def method(self):
        return self.start.split(b" ")[0]

    @property
    def status(self):
        return int(self.start.split(b" ")[1])

    @property
    def closes(self):
        options = b",".join(self.values(b"connection")).lower()
        return b"close" in options or (
            self.start.endswith(b"HTTP/1.0") and b"keep-alive" not in options)


def _fields(lines, faults):
    fields = []
    for line in lines:
        match = FIELD.fullmatch(line)
        if match is None:
            faults.append(f"a field line {line[:60]!r}")
        else:
            fields.append((match[1], match[2].rstrip(b" \t")))
    return fields


def head(data, start_line):
    """The head at the beginning of `data`, or nothing yet."""
    end = data.find(HEAD_END)
    if end < 0:
        return None
    first, *lines = data[:end].split(b"\r\n")
    faults = []
    if not start_line.fullmatch(first):
        faults.append(f"a first line {first[:60]!r}")
    fields = _fields(lines, faults)
    end += len(HEAD_END)
    message = Message(first, fields, data[:end], faults, end=end)
    lengths, codings = message.values(b"content-length"), message.values(b"transfer-encoding")
    if len(lengths) > 1:
        faults.append("more than one Content-Length")
    if lengths and not re.fullmatch(rb"[0-9]{1,18}", lengths[0]):
        faults.append(f"a Content-Length {lengths[0]!r}")
    if codings and lengths:
        faults.append("Content-Length beside Transfer-Encoding")
    if codings and [it.lower() for it in codings] != [b"chunked"]:
        faults.append(f"Transfer-Encoding {codings!r}")
    return message


def request(data):
    """The request at the beginning of `data`, or nothing yet."""
    message = head(data, REQUEST_LINE)
    if message is None:
        return None
    hosts = message.values(b"host")
    if len(hosts) != 1 and not (message.start.endswith(b"HTTP/1.0") and not hosts):
        message.faults.append(f"Host {hosts!r}")
    if message.values(b"transfer-encoding"):
        _chunks(message, data)
    else:
        _counted(message, data, _length(message))
    return message


def response(data, method, ended):
    """The response at the beginning of `data`, or nothing yet."""
    message = head(data, STATUS_LINE)
    if message is None:
        return None
    if message.faults and message.faults[0].startswith("a first line"):
        return message
    framed = message.values(b"transfer-encoding") or message.values(b"content-length")
    if message.status == 101 or method == b"HEAD" or message.status in (204, 304) \
            or message.status < 200:
        message.whole = True
    elif message.values(b"transfer-encoding"):
        _chunks(message, data)
    elif framed:
        _counted(message, data, _length(message))
    else:
        message.unframed, message.whole = True, ended
        message.body, message.end = data[message.end:], len(data)
    return message


def _length(message):
    lengths = message.values(b"content-length") or [b"0"]
    return int(lengths[0]) if lengths[0].isdigit() else 0


def _counted(message, data, length):
    message.body = data[message.end:message.end + length]
    message.whole = len(message.body) == length
    message.end += len(message.body)


def _chunks(message, data):
    """Takes the chunks as far as they are there."""
    at = message.end
    while True:
        line_end = data.find(b"\r\n", at)
        if line_end < 0:
            message.end = len(data)
            return
        match = CHUNK.fullmatch(data[at:line_end])
        if match is None:
            message.faults.append(f"a chunk {data[at:line_end][:60]!r}")
            message.end = len(data)
            return
        at, size = line_end + 2, int(match[1], 16)
        if size == 0:
            break
        message.body += data[at:at + size]
        if len(data) < at + size + 2:
            message.end = len(data)
            return
        if data[at + size:at + size + 2] != b"\r\n":
            message.faults.append("a chunk that does not end where it says")
            message.end = len(data)
            return
        at += size + 2
    if data[at:at + 2] == b"\r\n":
        message.whole, message.end = True, at + 2
        return
    end = data.find(HEAD_END, at)
    if end < 0:
        message.end = len(data)
        return
    message.trailers = _fields(data[at:end].split(b"\r\n"), message.faults)
    message.whole, message.end = True, end + len(HEAD_END)
