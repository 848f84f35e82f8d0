"""What schemathesis does beside its own: it puts back what it has deleted, and takes each
Idempotency-Key for two requests.

$ADMIN is where Serin listens, and $STOCK what is to be there: calls, as JSON."""

import http.client
import json
import os

import schemathesis

ANSWER_WITHIN_S = 10
HEADERS = {"content-type": "application/json"}
if "SECRET" in os.environ:
    HEADERS["authorization"] = f"Bearer {os.environ['SECRET']}"
keys = 0


def stock():
    """Makes what is missing; what is there already is refused as a conflict."""
    connection = http.client.HTTPConnection(os.environ["ADMIN"], timeout=ANSWER_WITHIN_S)
    for method, path, body in json.loads(os.environ["STOCK"]):
        connection.request(method, f"/api/v1{path}", json.dumps(body), HEADERS)
        answer = connection.getresponse()
        said = answer.read()
        assert answer.status in (201, 409), said
    connection.close()


@schemathesis.hook
def after_call(context, case, response):
    if case.method == "DELETE" and response.status_code in (200, 204):
        stock()


@schemathesis.hook
def before_call(context, case, kwargs):
    global keys
    example = '"8e03978e-40d5-43e8-bc93-6894a57f9324"'
    if (case.headers or {}).get("Idempotency-Key") == example:
        keys += 1
        case.headers["Idempotency-Key"] = f'"{keys // 2}"'
