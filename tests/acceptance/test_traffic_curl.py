"""curl through the data plane, in every version of HTTP that it speaks here."""

import hashlib
import json
import subprocess

import pytest

from serin import environment, serving
from servers import EVENTS, answering, seen
from traffic import HOST, HTTPS, RUN_WITHIN_S, in_front_of, run

WAYS = {
    "1.0": ("http", ["--http1.0"], "1.0"),
    "1.1": ("http", ["--http1.1"], "1.1"),
    # curl asks to upgrade to h2c, is not heard, and goes on.
    "upgrade to h2c": ("http", ["--http2"], "1.1"),
    "prior knowledge": ("http", ["--http2-prior-knowledge"], "2"),
    "TLS, 1.1": ("https", ["--http1.1"], "1.1"),
    "TLS, h2": ("https", ["--http2"], "2"),
}
BIG = 10 << 20


@pytest.fixture(scope="module")
def upstream():
    with answering() as upstream:
        yield upstream


@pytest.fixture(scope="module")
def http(upstream, tmp_path_factory):
    with serving(tmp_path_factory.mktemp("curl"), in_front_of([upstream])) as serin:
        yield serin.production, []


@pytest.fixture(scope="module")
def https(upstream, tmp_path_factory):
    with serving(tmp_path_factory.mktemp("curl"), in_front_of([upstream], HTTPS)) as serin:
        yield serin.production_tls, ["--cacert", serin.ca()]


@pytest.fixture(params=WAYS)
def way(request):
    scheme, options, version = WAYS[request.param]
    address, more = request.getfixturevalue(scheme)
    port = address.rsplit(":", 1)[1]
    # The name is the routine's; it is the loopback's wherever it is resolved.
    options = [*options, *more, "--resolve", f"{HOST}:{port}:127.0.0.1"]
    return f"{scheme}://{HOST}:{port}", options, version


def curl(way, path, *more):
    """The status and the body of one answer, once it came in the version of its way."""
    url, options, version = way
    said = run("curl", "-sS", *options, "-w", "\n%{http_code} %{http_version}", *more, url + path)
    body, _, told = said.rpartition("\n")
    status, spoken = told.split()
    assert {"1": "1.0"}.get(spoken, spoken) == version
    return int(status), body


def test_a_request_is_answered(way):
    status, body = curl(way, "/a?b=c", "-H", "x-asked: yes")
    asked = json.loads(body)
    assert (status, asked["method"], asked["path"]) == (200, "GET", "/a?b=c")
    fields = dict(asked["fields"])
    assert fields["x-asked"] == "yes"
    assert fields["host"].startswith(HOST)
    assert not {"upgrade", "http2-settings", "connection"} & set(fields)
    assert fields["x-forwarded-proto"] == way[0].split(":")[0]


def test_a_head_has_no_body(way):
    status, head = curl(way, "/bytes/5", "-I")
    assert status == 200
    assert "content-length: 5\r\n" in head.lower() or "content-length: 5\n" in head.lower()


def test_cookies_reach_the_server_as_one_field(way):
    _, body = curl(way, "/", "-H", "cookie: a=b; c=d")
    cookies = [value for name, value in json.loads(body)["fields"] if name == "cookie"]
    assert cookies == ["a=b; c=d"]


def test_an_upload_arrives_whole(way, tmp_path):
    """curl sends `Expect: 100-continue` with one of this size, but not over h2."""
    content = hashlib.sha256(b"upload").digest() * (BIG // 32)
    (tmp_path / "big").write_bytes(content)
    status, body = curl(way, "/", "-T", tmp_path / "big", "--expect100-timeout", "5")
    asked = json.loads(body)
    assert (status, asked["method"], asked["length"]) == (200, "PUT", BIG)
    assert asked["digest"] == hashlib.sha256(content).hexdigest()


# HTTP/1.0 has no chunks.
@pytest.mark.parametrize("way", sorted(set(WAYS) - {"1.0"}), indirect=True)
def test_an_upload_of_unknown_length_arrives_whole(way, tmp_path):
    (tmp_path / "body").write_bytes(b"y" * 100_000)
    _, body = curl(way, "/", "-X", "POST", "-H", "transfer-encoding: chunked", "-H", "expect:",
                   "--data-binary", f"@{tmp_path / 'body'}")
    assert json.loads(body)["length"] == 100_000


def test_a_download_arrives_whole(way, tmp_path):
    assert curl(way, f"/bytes/{BIG}", "-o", tmp_path / "got")[0] == 200
    assert (tmp_path / "got").stat().st_size == BIG


# curl waits for a 100 over HTTP/1.1 alone.
@pytest.mark.parametrize("way", ["1.1", "upgrade to h2c", "TLS, 1.1"], indirect=True)
def test_an_upload_that_is_refused_is_not_sent(way, tmp_path):
    (tmp_path / "big").write_bytes(b"z" * BIG)
    url, options, _ = way
    said = run("curl", "-sS", *options, "-T", tmp_path / "big", "--expect100-timeout", "5",
               "-w", "\n%{http_code} %{size_upload}", f"{url}/forbidden")
    body, told = said.rsplit("\n", 1)
    assert (body, told) == ("no", "403 0")


def test_events_come_when_they_are_written(way):
    url, options, version = way
    who = f"{url}-{version}"
    curl = subprocess.Popen(["curl", "-sSN", "--max-time", str(RUN_WITHIN_S),
                             *map(str, options), f"{url}/events?{who}"],
                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            env=environment(), text=True)
    came = []
    with curl:
        for line in curl.stdout:
            if line.startswith("data: "):
                came.append(int(line[6:]))
                seen[who].release()
        assert curl.wait(RUN_WITHIN_S) == 0
    assert came == list(range(EVENTS))


def test_fifty_requests_at_once_are_answered(way):
    url, options, version = way
    if "--http2-prior-knowledge" in options:
        # This curl cannot share such a connection, whoever is at its other end.
        options = [*options, "--parallel-immediate"]
    said = run("curl", "-sS", *options, "-Z", "--parallel-max", "50", "-o", "/dev/null",
               "-w", "%{http_code}:%{http_version}\n", f"{url}/bytes/[1-50]")
    assert said.split() == [f"200:{version.removesuffix('.0')}"] * 50
