"""What the README shows of each client, run as it stands against a Serin as it says."""

import os
import re
import subprocess
import sys

import pytest

from clients import clients
from serin import ANY_PORT, BINARY, ROOT, environment

README = (ROOT / "README.md").read_text(encoding="utf-8")
MARKED = re.compile(r"<!-- (run|config): ([\w-]+) -->\n```(\w+)\n(.*?)^```$", re.M | re.S)
BLOCKS = {(what, name): (tongue, text) for what, name, tongue, text in MARKED.findall(README)}
VERSIONS = ("1723599747213377175", "1723599747213377176")
SECRET = "bearers-secret"
RUN_WITHIN_S = 60
LISTEN = re.compile(r"^\[listen\]\n(?:.+\n)+", re.M)


def block(name, what="run"):
    return BLOCKS[what, name]


def demo(more=""):
    """The demo's config, on ports that the system chose."""
    config = (ROOT / "configs" / "demo.toml").read_text(encoding="utf-8")
    config, listens = LISTEN.subn(ANY_PORT.lstrip(), config)
    assert listens == 1
    return config + more


def shown(name, serin, **more):
    """What a block prints. The addresses that it names are those of `serin`."""
    tongue, text = block(name)
    text = text.replace("127.0.0.1:8090", serin.admin)
    text = text.replace("127.0.0.1:8443", str(serin.admin_tls))
    text = text.replace("target/release/serin", str(BINARY))
    command = {"python": [sys.executable, "-B", "-c"], "js": ["node", "-e"],
               "sh": ["bash", "-euc"]}[tongue]
    # Python's clients are where pytest is.
    variables = environment(PYTHONPATH=os.environ.get("PYTHONPATH", ""), **more)
    run = subprocess.run(
        [*command, text], cwd=serin.folder, env=variables, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=RUN_WITHIN_S,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout


@pytest.mark.parametrize("name", ["python-sdk", "python-core", "curl"])
def test_what_is_shown_tells_what_the_demo_serves(start, name):
    printed = shown(name, start(demo()))
    assert all(version in printed for version in VERSIONS), printed


def test_what_is_shown_of_the_native_api_deploys_once(start):
    serin = start(demo())
    printed = shown("native", serin)
    assert printed.count('"code_version":"1723599747213377176","percentage":100') == 2, printed
    status, history = serin.native("GET", "/api/v1/routines/checkout/deployments")
    assert status == 200 and len(history["deployments"]) == 3, history


@pytest.mark.parametrize("name", ["node-sdk", "node-core"])
def test_what_is_shown_for_node_tells_what_the_demo_serves(start, name):
    modules = clients("node") / "node_modules"
    printed = shown(name, start(demo()), NODE_PATH=str(modules))
    assert all(version in printed for version in VERSIONS), printed


def test_a_bearer_is_taken_where_there_are_keys(start):
    serin = start(demo(f'\n[[access_key]]\nid = "curl"\nsecret = "{SECRET}"\n'))
    printed = shown("curl-bearer", serin, SECRET=SECRET)
    assert all(version in printed for version in VERSIONS), printed
    assert "IncompleteSignature" in shown("curl", serin)


def test_esa_cli_logs_in_to_what_is_shown(start):
    _, config = block("esa-cli", "config")
    # The ports that it names, and those that it leaves to their defaults.
    config = config.replace("127.0.0.1:8443", "127.0.0.1:0")
    config = config.replace("[listen]\n", ANY_PORT.lstrip())
    serin = start(config)
    binaries = clients("esa-cli") / "node_modules" / ".bin"
    printed = shown("esa-cli", serin, PATH=f"{binaries}:{os.environ['PATH']}",
                    HOME=str(serin.folder), ESA_NO_UPDATE_CHECK="1")
    assert "Login success" in printed


def test_every_block_that_is_marked_is_run():
    assert {name for what, name in BLOCKS if what == "run"} == {
        "python-sdk", "node-sdk", "python-core", "node-core", "esa-cli", "curl", "curl-bearer",
        "native",
    }
    assert README.count("<!-- run: ") + README.count("<!-- config: ") == len(BLOCKS)
