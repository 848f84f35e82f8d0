"""wrk and h2load: many requests at once, and not one of them fails."""

import re
import subprocess
import time

import pytest

from serin import serving
from servers import answering
from traffic import HTTPS, RUN_WITHIN_S, in_front_of, run, unpacked

REQUESTS = 5000
CLIENTS = 20
STREAMS = 10
SECONDS = 2


@pytest.fixture(scope="module")
def http(tmp_path_factory):
    # The built-in backend answers: a server in Python would be what is measured.
    config = in_front_of([None])
    with serving(tmp_path_factory.mktemp("load"), config) as serin:
        yield f"http://{serin.production}/"


@pytest.fixture(scope="module")
def https(tmp_path_factory):
    with serving(tmp_path_factory.mktemp("load"), in_front_of([None], HTTPS)) as serin:
        yield f"https://{serin.production_tls}/"


def wrk(*arguments):
    command, variables = unpacked("load", "wrk")
    return requests_of(run(command, *arguments, env=variables))


def requests_of(said):
    assert not re.search("Socket errors|Non-2xx", said), said
    return int(re.search(r"(\d+) requests in", said)[1])


def h2load(url, *options, requests=REQUESTS):
    command, variables = unpacked("load", "h2load")
    said = run(command, "-n", requests, "-c", CLIENTS, *options, url, env=variables)
    told = re.search(r"(\d+) succeeded, (\d+) failed, (\d+) errored, (\d+) timeout", said)
    assert told and tuple(map(int, told.groups())) == (requests, 0, 0, 0), said
    assert f"status codes: {requests} 2xx" in said, said
    return said


def test_wrk_meets_no_error(http):
    assert wrk("-t", 2, "-c", 50, "-d", SECONDS, http) > 0


def test_wrk_meets_no_error_over_tls(https):
    assert wrk("-t", 2, "-c", 50, "-d", SECONDS, https) > 0


def test_wrk_meets_no_error_in_front_of_a_server(tmp_path):
    with answering() as upstream, serving(tmp_path, in_front_of([upstream])) as serin:
        assert wrk("-t", 1, "-c", 10, "-d", 1, f"http://{serin.production}/bytes/1000") > 0


def test_wrk_meets_no_error_while_versions_change(tmp_path):
    with serving(tmp_path, in_front_of([None, None])) as serin:
        command, variables = unpacked("load", "wrk")
        wrk = subprocess.Popen(
            [command, "-t", "2", "-c", "50", "-d", str(SECONDS), f"http://{serin.production}/"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, env=variables, text=True)
        deployments = 0
        ends = time.monotonic() + RUN_WITHIN_S
        while wrk.poll() is None:
            if time.monotonic() > ends:
                wrk.kill()
            deployments += 1
            serin.deploy("traffic", {"1": 100 - deployments % 99, "2": deployments % 99}
                         if deployments % 99 else {"1": 100})
        said = wrk.stdout.read()
    assert deployments > 10
    assert requests_of(said) > 0


def test_h2load_meets_no_error_over_http_1(http):
    h2load(http, "--h1")


def test_h2load_meets_no_error_over_h2c(http):
    assert "h2c" in h2load(http, "-m", STREAMS)


def test_h2load_meets_no_error_over_tls(https):
    assert "Application protocol: h2" in h2load(https, "-m", STREAMS)


def test_h2load_meets_no_error_over_tls_and_http_1(https):
    assert "Application protocol: http/1.1" in h2load(https, "--h1")


def test_h2load_uploads_without_an_error(tmp_path):
    (tmp_path / "body").write_bytes(b"x" * 10_000)
    with answering() as upstream, serving(tmp_path, in_front_of([upstream])) as serin:
        h2load(f"http://{serin.production}/", "-m", STREAMS, "-d", tmp_path / "body", requests=500)
