"""Servers of other kinds behind the data plane: over TLS, and several for one version."""

import contextlib
import datetime
import ipaddress
import json
import ssl

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from serin import Visitor, serving
from servers import Answers, answering
from traffic import HOST, in_front_of

DAY = datetime.timedelta(days=1)


@pytest.fixture(scope="module")
def unknown(tmp_path_factory):
    """The context of a server whose certificate nobody vouches for."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    now = datetime.datetime.now(datetime.timezone.utc)
    certificate = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1).not_valid_before(now - DAY).not_valid_after(now + DAY)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = tmp_path_factory.mktemp("unknown") / "server.pem"
    pem.write_bytes(certificate.public_bytes(serialization.Encoding.PEM) + key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption()))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    return context


def test_a_server_over_tls_is_reached_if_its_certificate_is_not_to_be_checked(unknown, tmp_path):
    with answering(tls=unknown) as upstream:
        config = in_front_of([upstream], more="insecure = true")
        with serving(tmp_path, config) as serin:
            status, _, body = Visitor(serin.production, HOST).ask("/a")
            log = serin.log.read_text(encoding="utf-8")
    assert (status, json.loads(body)["path"]) == (200, "/a")
    assert "insecure" in log


def test_a_server_that_nobody_vouches_for_is_not_asked(unknown, tmp_path):
    with answering(tls=unknown) as upstream, serving(tmp_path, in_front_of([upstream])) as serin:
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
