"""What schemathesis does beside its own: it puts back what it has deleted.

$ADMIN is where Serin listens, and $STOCK what is to be there: calls, as JSON."""

import json
import os
import urllib.error
import urllib.request

import schemathesis

ANSWER_WITHIN_S = 10
HEADERS = {"content-type": "application/json"}
if "SECRET" in os.environ:
    HEADERS["authorization"] = f"Bearer {os.environ['SECRET']}"


def stock():
    """Makes what is missing; what is there already is refused as a conflict."""
    for method, path, body in json.loads(os.environ["STOCK"]):
        request = urllib.request.Request(
            f"http://{os.environ['ADMIN']}/api/v1{path}", json.dumps(body).encode(), HEADERS,
            method=method,
        )
        try:
            urllib.request.urlopen(request, timeout=ANSWER_WITHIN_S).close()
        except urllib.error.HTTPError as refused:
            refused.close()
            assert refused.code == 409, refused


@schemathesis.hook
def after_call(context, case, response):
    if case.method == "DELETE" and response.status_code == 204:
        stock()
