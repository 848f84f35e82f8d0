"""WebSockets through the data plane: Python's `websockets` on both sides."""

import contextlib
import os
import ssl
import threading
from socket import SHUT_RDWR

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect
from websockets.sync.server import serve

from serin import serving
from traffic import HOST, HTTPS, in_front_of

WITHIN_S = 10
BIG = 8 << 20


@contextlib.contextmanager
def speaking(name):
    """A server that says its name first, then echoes; the URL of it and its sessions."""
    sessions = []

    def converse(socket):
        socket.ended = threading.Event()
        sessions.append(socket)
        with contextlib.suppress(ConnectionClosed):
            if socket.request.path == "/bye":
                socket.close(4001, "as asked")
            else:
                socket.send(name)
                for message in socket:
                    socket.send(message)
        socket.ended.set()

    def turned_away(socket, request):
        if request.path == "/forbidden":
            return socket.respond(403, "not you\n")

    with serve(converse, "127.0.0.1", 0, process_request=turned_away, max_size=2 * BIG,
               select_subprotocol=lambda _,
               offered: "chat" if "chat" in offered else None) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        port = server.socket.getsockname()[1]
        yield f"http://127.0.0.1:{port}", sessions
        server.shutdown()


@pytest.fixture(scope="module")
def there(tmp_path_factory):
    """A Serin in front of two servers, and the sessions of each."""
    with speaking("one") as (one, sessions), speaking("two") as (two, more):
        with serving(tmp_path_factory.mktemp("websockets"), in_front_of([one, two])) as serin:
            serin.sessions = sessions, more
            yield serin


def meet(serin, path="/", **more):
    return connect(f"ws://{serin.production}{path}", additional_headers={"x-serin-key": "user"},
                   open_timeout=WITHIN_S, close_timeout=WITHIN_S, max_size=2 * BIG,
                   **more)


def test_messages_pass_both_ways(there):
    with meet(there) as socket:
        assert socket.recv(WITHIN_S) == "one"
        for message in ("", "text", "ü" * 1000, b"", b"\x00\xff" * 1000):
            socket.send(message)
            assert socket.recv(WITHIN_S) == message


def test_the_answer_says_who_was_met(there):
    with meet(there) as socket:
        assert socket.response.headers["x-serin-version"] == "1"
        assert socket.response.headers["x-serin-routine"] == "traffic"


def test_big_messages_pass(there):
    message = os.urandom(BIG)
    with meet(there, compression=None) as socket:
        socket.recv(WITHIN_S)
        socket.send(message)
        assert socket.recv(WITHIN_S) == message


def test_pings_are_answered_by_the_other_end(there):
    with meet(there) as socket:
        socket.recv(WITHIN_S)
        assert socket.ping().wait(WITHIN_S)
        assert there.sessions[0][-1].ping().wait(WITHIN_S)


def test_what_both_sides_agree_on_is_theirs(there):
    with meet(there, subprotocols=["other", "chat"]) as socket:
        assert socket.subprotocol == "chat"
        assert socket.response.headers["sec-websocket-extensions"].startswith("permessage-deflate")


def test_a_close_passes_with_its_reason(there):
    with meet(there, "/bye") as socket:
        with pytest.raises(ConnectionClosed) as closed:
            socket.recv(WITHIN_S)
    assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (4001, "as asked")


def test_a_client_s_close_passes(there):
    with meet(there) as socket:
        socket.recv(WITHIN_S)
        session = there.sessions[0][-1]
        socket.close(4002, "enough")
    assert session.ended.wait(WITHIN_S)
    assert (session.close_code, session.close_reason) == (4002, "enough")


def test_a_client_that_is_gone_is_gone_for_the_server(there):
    with meet(there) as socket:
        socket.recv(WITHIN_S)
        session = there.sessions[0][-1]
        socket.socket.shutdown(SHUT_RDWR)
        assert session.ended.wait(WITHIN_S)


def test_a_handshake_that_is_refused_is_an_answer(there):
    with pytest.raises(InvalidStatus) as refused, meet(there, "/forbidden"):
        pass
    assert refused.value.response.status_code == 403
    assert refused.value.response.body == b"not you\n"


def test_a_session_survives_a_deployment(there):
    with meet(there) as before:
        assert before.recv(WITHIN_S) == "one"
        there.deploy("traffic", {"2": 100})
        try:
            with meet(there) as after:
                assert after.recv(WITHIN_S) == "two"
                for socket in (before, after):
                    socket.send("still here")
                    assert socket.recv(WITHIN_S) == "still here"
            assert before.ping().wait(WITHIN_S)
        finally:
            there.deploy("traffic", {"1": 100})


def test_fifty_sessions_are_open_at_once(there):
    with contextlib.ExitStack() as open_sockets:
        sockets = [open_sockets.enter_context(meet(there)) for _ in range(50)]
        for number, socket in enumerate(sockets):
            socket.recv(WITHIN_S)
            socket.send(str(number))
        assert [socket.recv(WITHIN_S) for socket in sockets] == [str(n) for n in range(50)]


def test_messages_pass_over_tls(tmp_path):
    with speaking("one") as (upstream, _), serving(tmp_path, in_front_of([upstream],
        HTTPS)) as serin:
        trust = ssl.create_default_context(cafile=serin.ca())
        port = serin.production_tls.rsplit(":", 1)[1]
        with connect(f"wss://localhost:{port}/", ssl=trust, server_hostname=HOST,
                     open_timeout=WITHIN_S) as socket:
            assert socket.recv(WITHIN_S) == "one"
            socket.send("hello")
            assert socket.recv(WITHIN_S) == "hello"


def test_a_session_ends_with_the_process(tmp_path):
    """In time, and the client is told: no session hangs when Serin is asked to stop."""
    with speaking("one") as (upstream, sessions), serving(tmp_path,
                                                          in_front_of([upstream])) as serin:
        with meet(serin) as socket:
            socket.recv(WITHIN_S)
            serin.end()
            with pytest.raises(ConnectionClosed):
                socket.recv(WITHIN_S)
        assert sessions[0].ended.wait(WITHIN_S)
