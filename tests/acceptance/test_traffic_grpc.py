"""gRPC through the data plane, in each of its four shapes: `grpcio` on both sides."""

import concurrent.futures
import contextlib
import queue

import grpc
import pytest

from serin import serving
from servers import certificate
from traffic import HOST, HTTPS, in_front_of

WITHIN_S = 10
SERVICE = "acceptance.Echo"
BIG = 3 << 20


def one(message, context):
    context.set_trailing_metadata([("x-trailing", "yes"), ("x-raw-bin", b"\x00\xff")])
    asked = dict(context.invocation_metadata()).get("x-asked", "")
    context.send_initial_metadata([("x-initial", asked)])
    return message[::-1]


def many(message, _):
    for number in range(int(message)):
        yield b"%d" % number


def gather(messages, _):
    return b",".join(messages)


def both(messages, _):
    for message in messages:
        yield message.upper()


def fail(message, context):
    context.abort(grpc.StatusCode.FAILED_PRECONDITION, f"not {message.decode()}: ü")


def hang(_, context):
    ended = concurrent.futures.Future()
    context.add_callback(lambda: ended.set_result(None))
    gone.append(ended)
    yield b"first"
    ended.result(WITHIN_S)


gone = []
SHAPES = {
    "One": grpc.unary_unary_rpc_method_handler(one),
    "Many": grpc.unary_stream_rpc_method_handler(many),
    "Gather": grpc.stream_unary_rpc_method_handler(gather),
    "Both": grpc.stream_stream_rpc_method_handler(both),
    "Fail": grpc.unary_unary_rpc_method_handler(fail),
    "Hang": grpc.unary_stream_rpc_method_handler(hang),
}


@contextlib.contextmanager
def server(pem=None):
    """The address of a server that speaks h2c, or HTTP/2 over TLS with this certificate."""
    made = grpc.server(concurrent.futures.ThreadPoolExecutor(32))
    made.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(SERVICE, SHAPES)])
    if pem is None:
        port = made.add_insecure_port("127.0.0.1:0")
    else:
        held = grpc.ssl_server_credentials([(pem.read_bytes(), pem.read_bytes())])
        port = made.add_secure_port("127.0.0.1:0", held)
    made.start()
    yield f"127.0.0.1:{port}"
    made.stop(0).wait(WITHIN_S)


@contextlib.contextmanager
def clear(folder):
    with server() as address, serving(folder, in_front_of([f"h2c://{address}"])) as serin:
        with grpc.insecure_channel(serin.production) as channel:
            yield channel


@contextlib.contextmanager
def clients_over_tls(folder):
    with server() as address, serving(folder, in_front_of([f"h2c://{address}"], HTTPS)) as serin:
        trust = grpc.ssl_channel_credentials(serin.ca().read_bytes())
        named = [("grpc.ssl_target_name_override", HOST)]
        with grpc.secure_channel(serin.production_tls, trust, named) as channel:
            yield channel


@contextlib.contextmanager
def upstream_over_tls(folder):
    with server(certificate(folder)) as address:
        config = in_front_of([f"https://{address}"], more="insecure = true")
        with serving(folder, config) as serin:
            with grpc.insecure_channel(serin.production) as channel:
                yield channel


@pytest.fixture(scope="module", params=[clear, clients_over_tls, upstream_over_tls],
                ids=lambda way: way.__name__)
def channel(request, tmp_path_factory):
    with request.param(tmp_path_factory.mktemp("grpc")) as channel:
        yield channel


def call(channel, shape, name):
    return getattr(channel, shape)(f"/{SERVICE}/{name}")


def test_one_message_is_answered_by_one(channel):
    answer, called = call(channel, "unary_unary", "One").with_call(
        b"hello", WITHIN_S, [("x-asked", "me")])
    assert answer == b"olleh"
    assert ("x-initial", "me") in called.initial_metadata()
    assert {("x-trailing", "yes"), ("x-raw-bin", b"\x00\xff")} <= set(called.trailing_metadata())
    assert called.code() == grpc.StatusCode.OK


def test_a_big_message_passes(channel):
    message = b"ab" * (BIG // 2)
    assert call(channel, "unary_unary", "One")(message, WITHIN_S) == message[::-1]


def test_one_message_is_answered_by_many(channel):
    answers = call(channel, "unary_stream", "Many")(b"100", WITHIN_S)
    assert list(answers) == [b"%d" % number for number in range(100)]


def test_many_messages_are_answered_by_one(channel):
    messages = [b"%d" % number for number in range(100)]
    assert call(channel, "stream_unary", "Gather")(iter(messages), WITHIN_S) == b",".join(messages)


def test_messages_go_both_ways_in_turn(channel):
    """Each message is written when the answer to the one before has come."""
    answered = queue.Queue()

    def messages():
        for number in range(20):
            yield b"a%d" % number
            assert answered.get(timeout=WITHIN_S) == b"A%d" % number

    answers = call(channel, "stream_stream", "Both")(messages(), WITHIN_S)
    for number in range(20):
        answered.put(next(answers))
    assert list(answers) == []


def test_an_error_comes_with_its_message(channel):
    with pytest.raises(grpc.RpcError) as failed:
        call(channel, "unary_unary", "Fail")(b"now", WITHIN_S)
    assert failed.value.code() == grpc.StatusCode.FAILED_PRECONDITION
    assert failed.value.details() == "not now: ü"


def test_a_method_that_is_missing_is_told(channel):
    with pytest.raises(grpc.RpcError) as failed:
        call(channel, "unary_unary", "Missing")(b"", WITHIN_S)
    assert failed.value.code() == grpc.StatusCode.UNIMPLEMENTED


def test_a_client_that_gives_up_is_gone_for_the_server(channel):
    answers = call(channel, "unary_stream", "Hang")(b"", WITHIN_S)
    assert next(answers) == b"first"
    answers.cancel()
    gone[-1].result(WITHIN_S / 2)


def test_a_deadline_ends_a_call(channel):
    with pytest.raises(grpc.RpcError) as failed:
        list(call(channel, "unary_stream", "Hang")(b"", 0.5))
    assert failed.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED
    gone[-1].result(WITHIN_S / 2)


def test_a_hundred_calls_run_at_once(channel):
    one = call(channel, "unary_unary", "One")
    calls = [one.future(b"%d" % number, WITHIN_S) for number in range(100)]
    assert [it.result() for it in calls] == [(b"%d" % number)[::-1] for number in range(100)]
