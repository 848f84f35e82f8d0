"""Sees that a system does the work that it is measured at."""

import contextlib
import http.client
import sys

import work
from server import START_WITHIN_S

ASKED_KEYS, ASKED_AGAIN = 400, 50
# A draw of so many keys is hardly ever further from 10 %.
SHARES = 0.05, 0.15


def see_that_it_splits(system):
    """Fails unless about 10 % of keys get the newer version, each always the same, and the
    client's address is forwarded. Returns a key of each version."""
    # Who takes connections may still be starting.
    connection = http.client.HTTPConnection("127.0.0.1", system.plain, timeout=START_WITHIN_S)
    with contextlib.closing(connection):
        keys = work.keys()[:ASKED_KEYS]
        met = {key: version(system, connection, key) for key in keys}
        again = {key: version(system, connection, key) for key in keys[:ASKED_AGAIN]}
    newer = sum(it == "v2" for it in met.values()) / len(met)
    if not SHARES[0] <= newer <= SHARES[1] or not again.items() <= met.items():
        sys.exit(f"{system.name} does not split: {newer:.0%} got the newer version")
    return {it: key for key, it in met.items()}


def version(system, connection, key):
    connection.request("GET", "/seen", headers={"Host": work.HOST, "X-User-Id": key})
    answer = connection.getresponse()
    body = answer.read().decode()
    if answer.status != 200 or answer.headers["x-seen"] != "127.0.0.1":
        sys.exit(f"{system.name} does not do the work: {answer.status},"
                 f" forwarded for {answer.headers['x-seen']}, {body[:200]!r}")
    return body
