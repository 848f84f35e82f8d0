"""The Node SDK and the V1 core for Node: each promise of node/*.mjs is a test."""

import functools
import json
import pathlib
import re
import subprocess

import pytest

from clients import clients
from serin import environment, split

HERE = pathlib.Path(__file__).resolve().parent / "node"
RUN_WITHIN_S = 120
# What Serin each file of promises wants.
FILES = {"life": "serin", "refusals": "keyed", "sites": "sited", "pop": "keyed"}


def promises(file):
    text = (HERE / f"{file}.mjs").read_text(encoding="utf-8")
    return re.findall(r"^export async function (\w+)", text, re.M)


@functools.cache
def outcomes(file, addresses):
    """How each promise of a file was kept, by its name."""
    run = subprocess.run(
        ["node", HERE / "run.mjs", HERE / f"{file}.mjs", addresses],
        env=environment(NODE_CLIENTS=str(clients("node"))), stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=RUN_WITHIN_S,
    )
    assert run.returncode == 0, run.stderr
    told = map(json.loads, run.stdout.splitlines())
    return {it["name"]: it for it in told}


@pytest.mark.parametrize("file, promise", [
    pytest.param(file, promise, id=f"{file}-{promise}")
    for file in FILES for promise in promises(file)
])
def test_node(request, file, promise):
    serin = request.getfixturevalue(FILES[file])
    addresses = {name: getattr(serin, name) for name in ("production", "staging", "admin")}
    outcome = outcomes(file, json.dumps(addresses))[promise]
    assert outcome["ok"], outcome["error"]
    # The split rule is judged here: Node has no second implementation of it.
    for it in (outcome.get("found") or {}).get("split", []):
        assert it["met"] == split(it["kind"], it["name"], it["shares"])
