"""Servers of other kinds behind the data plane: over TLS, and several for one version."""

import contextlib
import json
import ssl

import pytest

from serin import ANY_PORT, Visitor, serving
from servers import Answers, answering, certificate
from traffic import HOST, in_front_of

@pytest.fixture(scope="module")
def unknown(tmp_path_factory):
    """The certificate of a server, for which nobody vouches."""
    return certificate(tmp_path_factory.mktemp("unknown"))


def context(pem):
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(pem)
    return made


def test_a_server_over_tls_is_reached_if_its_certificate_is_not_to_be_checked(unknown, tmp_path):
    with answering(tls=context(unknown)) as upstream:
        config = in_front_of([upstream], more="insecure = true")
        with serving(tmp_path, config) as serin:
            status, _, body = Visitor(serin.production, HOST).ask("/a")
            log = serin.log.read_text(encoding="utf-8")
    assert (status, json.loads(body)["path"]) == (200, "/a")
    assert "insecure" in log


def test_a_server_over_tls_is_reached_if_its_authority_is_named(unknown, tmp_path):
    trusting = ANY_PORT + f'[tls]\nupstream_ca = "{unknown}"\n'
    with answering(tls=context(unknown)) as upstream:
        with serving(tmp_path, in_front_of([upstream], trusting)) as serin:
            status, _, body = Visitor(serin.production, HOST).ask("/a")
    assert (status, json.loads(body)["path"]) == (200, "/a")


def test_a_server_that_nobody_vouches_for_is_not_asked(unknown, tmp_path):
    with answering(tls=context(unknown)) as upstream, serving(tmp_path,
        in_front_of([upstream])) as serin:
        status, headers, _ = Visitor(serin.production, HOST).ask()
    assert status == 502
    assert "tls" in headers["proxy-status"]


def test_every_endpoint_of_a_version_is_asked(tmp_path):
    asked = []

    def named(name):
        class Named(Answers):
            def do_GET(self):
                asked.append(name)
                super().do_GET()
        return Named

    with contextlib.ExitStack() as stack:
        urls = [stack.enter_context(answering(named(name))) for name in "abc"]
        config = in_front_of([None], more=f"upstreams = {json.dumps(urls)}")
        serin = stack.enter_context(serving(tmp_path, config))
        visitor = Visitor(serin.production, HOST)
        for _ in range(60):
            status, headers, _ = visitor.ask()
            assert (status, headers["x-serin-version"]) == (200, "1")
    assert set(asked) == set("abc")
    assert len(asked) == 60
