"""A browser through the data plane: fetch, server-sent events and WebSocket."""

import base64
import contextlib
import hashlib
import json
import struct

import pytest

from browser import browsing
from serin import serving
from servers import EVENTS, Answers, answering
from traffic import HOST, HTTPS, in_front_of

PAGE = (b"<!doctype html><title>traffic</title><link rel='icon' href='data:,'>"
        b"<script src='/a.js'></script>")
WEBSOCKET = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
CLOSE = 8


class Site(Answers):
    """Pages, and a WebSocket that echoes."""

    def do_GET(self):
        if self.headers.get("upgrade") == "websocket":
            self.echo()
        elif self.path == "/":
            self.answer(PAGE, "text/html")
        elif self.path == "/a.js":
            self.answer(b"window.loaded = true", "text/javascript")
        else:
            super().do_GET()

    def echo(self):
        key = self.headers["sec-websocket-key"].encode()
        self.send_response(101)
        self.send_header("connection", "Upgrade")
        self.send_header("upgrade", "websocket")
        accepted = base64.b64encode(hashlib.sha1(key + WEBSOCKET).digest())
        self.send_header("sec-websocket-accept", accepted.decode())
        self.end_headers()
        self.close_connection = True
        opcode = None
        while opcode != CLOSE and (begun := self.rfile.read(2)):
            opcode, length = begun[0] & 15, begun[1] & 127
            assert length <= 126  # no larger frame is sent here
            if length == 126:
                length, = struct.unpack("!H", self.rfile.read(2))
            mask = self.rfile.read(4)
            content = bytes(it ^ mask[n % 4] for n, it in enumerate(self.rfile.read(length)))
            size = bytes([length]) if length < 126 else b"\x7e" + struct.pack("!H", length)
            self.wfile.write(begun[:1] + size + content)


@pytest.fixture(scope="module")
def upstream():
    with answering(Site) as upstream:
        yield upstream


@pytest.fixture(scope="module")
def http(upstream, tmp_path_factory):
    with contextlib.ExitStack() as stack:
        folder = tmp_path_factory.mktemp("clear")
        serin = stack.enter_context(serving(folder, in_front_of([upstream])))
        browser = stack.enter_context(browsing(tmp_path_factory.mktemp("browser")))
        port = serin.production.rsplit(":", 1)[1]
        yield browser, f"http://{HOST}:{port}/"


@pytest.fixture(scope="module")
def https(upstream, tmp_path_factory):
    with contextlib.ExitStack() as stack:
        folder = tmp_path_factory.mktemp("tls")
        serin = stack.enter_context(serving(folder, in_front_of([upstream], HTTPS)))
        trusting = browsing(tmp_path_factory.mktemp("browser"), serin.ca())
        browser = stack.enter_context(trusting)
        port = serin.production_tls.rsplit(":", 1)[1]
        yield browser, f"https://{HOST}:{port}/"


# How a page's requests are to have come, by `PerformanceResourceTiming`.
PROTOCOLS = {"http": "http/1.1", "https": "h2"}


@pytest.fixture(params=PROTOCOLS)
def way(request):
    browser, url = request.getfixturevalue(request.param)
    with browser.page(url) as page:
        yield page, PROTOCOLS[request.param]


@pytest.fixture
def page(way):
    return way[0]


def test_a_page_and_its_script_are_loaded(way):
    page, protocol = way
    assert page("return [document.title, window.loaded]") == ["traffic", True]
    assert page("return performance.getEntriesByType('resource')"
                ".map(it => it.nextHopProtocol)") == [protocol]


def test_fetch_is_answered(page):
    asked = page("return await (await fetch('/asked?a=b')).json()")
    assert (asked["method"], asked["path"]) == ("GET", "/asked?a=b")


def test_fetch_uploads(page):
    asked = page("return await (await fetch('/', {method: 'POST', body: 'x'.repeat(1e6)})).json()")
    assert (asked["method"], asked["length"]) == ("POST", 1_000_000)
    assert asked["digest"] == hashlib.sha256(b"x" * 1_000_000).hexdigest()


def test_cookies_come_back(page):
    asked = page("document.cookie = 'a=b'; document.cookie = 'c=d';"
                 "return await (await fetch('/')).text() && await (await fetch('/x')).json()")
    cookies = [value for name, value in asked["fields"] if name == "cookie"]
    assert cookies == ["a=b; c=d"]


def test_twenty_fetches_run_at_once(page):
    lengths = page("return await Promise.all([...Array(20).keys()].map(async n =>"
                   " (await (await fetch(`/bytes/${n}`)).blob()).size))")
    assert lengths == list(range(20))


def test_a_fetch_that_is_given_up_leaves_the_rest_alone(page):
    assert page(
        "const given = new AbortController();"
        "const gone = fetch('/events', {signal: given.signal}).then(it => it.text());"
        "setTimeout(() => given.abort(), 100);"
        "const why = await gone.catch(error => error.name);"
        "return [why, (await fetch('/bytes/3')).status]") == ["AbortError", 200]


def test_events_come_when_they_are_written(page):
    came = page(
        "const came = []; const who = Math.random();"
        "const source = new EventSource('/events?' + who);"
        "await new Promise((done, failed) => {"
        "  source.onmessage = it => { came.push(it.data); fetch('/seen?' + who);"
        f"   if (came.length == {EVENTS}) {{ source.close(); done(); }} }};"
        "  source.onerror = failed; });"
        "return came")
    assert came == [str(number) for number in range(EVENTS)]


def test_a_websocket_echoes(page):
    heard = page(
        "const socket = new WebSocket(location.origin.replace('http', 'ws') + '/socket');"
        "const heard = []; let told;"
        "const next = () => new Promise(it => told = it);"
        "socket.onmessage = it => { heard.push(it.data); told(); };"
        "await new Promise((done, failed) => { socket.onopen = done; socket.onerror = failed; });"
        "for (const text of ['hello', 'ü'.repeat(500)]) {"
        "  const answered = next(); socket.send(text); await answered; }"
        "const closed = new Promise(it => socket.onclose = it);"
        "socket.close(4001, 'enough');"
        "const {code, wasClean} = await closed;"
        "return JSON.stringify([heard, code, wasClean])")
    assert json.loads(heard) == [["hello", "ü" * 500], 4001, True]
