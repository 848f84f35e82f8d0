"""`serin load` judges the splits of others: nginx in front of two backends."""

import contextlib
import json
import os
import socket
import subprocess
import time

import pytest

from serin import BINARY, END_WITHIN_S, START_WITHIN_S, environment
from traffic import RUN_WITHIN_S, unpacked

REQUESTS = 20_000
USERS = 4_000

# Two backends that say who they are, one in a header and both in their bodies, and a
# split by the key of a user.
NGINX = """
{user}
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/nginx.log;
worker_processes 1;
events {{ worker_connections 1024; }}
http {{
  access_log off;
  client_body_temp_path {folder}/client;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  keepalive_requests 1000000;
  split_clients "{split}" $backend {{ {percent}% canary; * stable; }}
  upstream stable {{ server unix:{folder}/stable.sock; keepalive 8; }}
  upstream canary {{ server unix:{folder}/canary.sock; keepalive 8; }}
  server {{
    listen unix:{folder}/stable.sock;
    location / {{ add_header x-backend v1; return 200 '{{"app":{{"version":"v1"}}}}'; }}
  }}
  server {{
    listen unix:{folder}/canary.sock;
    location / {{ add_header x-backend v2; return 200 '{{"app":{{"version":"v2"}}}}'; }}
  }}
  server {{
    listen 127.0.0.1:{port} {protocol};
    keepalive_requests {keepalive_requests};
    location / {{
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_pass http://$backend;
    }}
  }}
}}
"""


@contextlib.contextmanager
def nginx(folder, split, percent, protocol="", keepalive_requests=1_000_000):
    """The URL of an nginx that gives `percent` of what `split` tells apart to v2."""
    command, variables = unpacked("peers", "nginx")
    config = folder / "nginx.conf"
    # It would work as somebody who may not look into our folder.
    user = "user root;" if os.geteuid() == 0 else ""
    # nginx takes over a socket that it is told of, so nobody takes the port in between.
    with socket.create_server(("127.0.0.1", 0), backlog=128) as listener:
        port = listener.getsockname()[1]
        config.write_text(
            NGINX.format(folder=folder, port=port, split=split, percent=percent, user=user,
                         protocol=protocol, keepalive_requests=keepalive_requests))
        process = subprocess.Popen(
            [command, "-e", "stderr", "-p", folder, "-c", config],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            pass_fds=[listener.fileno()],
            env=variables | {"NGINX": f"{listener.fileno()};"})
    try:
        deadline = time.monotonic() + START_WITHIN_S
        # It is written once the sockets are open, those of the backends among them.
        while not (folder / "nginx.pid").exists():
            log = folder / "nginx.log"
            said = log.read_text() if log.exists() else ""
            assert process.poll() is None and time.monotonic() < deadline, said
            time.sleep(0.02)
        yield f"http://127.0.0.1:{port}/"
    finally:
        process.terminate()
        try:
            process.wait(END_WITHIN_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def load(url, *arguments):
    """The status of a run, and what it reports."""
    command = [BINARY, "load", url, "--json", "-n", REQUESTS, "--users", USERS, "--zipf", "0.5",
               *arguments]
    done = subprocess.run(list(map(str, command)), stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=RUN_WITHIN_S, env=environment())
    assert done.returncode in (0, 1), done.stderr
    return done.returncode, json.loads(done.stdout)


@pytest.mark.parametrize("where", [
    ("--version-header", "x-backend"),
    ("--version-json", "app.version"),
    ("--version-regex", '"(v[12])"'),
])
def test_a_split_of_nginx_is_what_was_asked_for(tmp_path, where):
    with nginx(tmp_path, "$http_x_serin_key", 10) as url:
        status, report = load(url, "--expect", "v1@90,v2@10", *where)
    assert status == 0, report["findings"]
    assert report["answers"] == REQUESTS
    assert report["stickiness"]["changes"] == 0
    by_version = {share["version"]: share for share in report["periods"][0]["shares"]}
    least, most = by_version["v2"]["keys_expected"]
    assert least <= by_version["v2"]["share"] <= most
    assert report["periods"][0]["sample_ratio"]["alarm_at_key"] is None


def test_requests_that_a_connection_does_not_take_up_any_more_are_sent_again(tmp_path):
    # After so many nginx ends a connection in order, and leaves what comes after that.
    with nginx(tmp_path, "$http_x_serin_key", 10, "http2", keepalive_requests=50) as url:
        status, report = load(url, "--http2", "--expect", "v1@90,v2@10",
                              "--version-header", "x-backend", "-c", 4)
    assert status == 0, report["findings"]
    assert report["answers"] == REQUESTS
    assert report["connections"]["opened"] >= REQUESTS / 51


def test_a_split_of_nginx_that_is_another_one_is_found(tmp_path):
    with nginx(tmp_path, "$http_x_serin_key", 14) as url:
        status, report = load(url, "--expect", "v1@90,v2@10", "--version-header", "x-backend")
    assert status == 1
    assert "not the configured one" in " ".join(report["findings"])
    assert report["stickiness"]["changes"] == 0


def test_a_split_of_nginx_by_requests_changes_users(tmp_path):
    with nginx(tmp_path, "$request_id", 10) as url:
        status, report = load(url, "--version-header", "x-backend")
    assert status == 1
    changed = report["stickiness"]
    assert changed["users_changed"] > USERS / 10
    assert len(changed["examples"]) == 10
    assert "without a deployment" in " ".join(report["findings"])
