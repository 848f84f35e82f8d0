"""What the native API says of itself, held against what it does: schemathesis makes
requests of the document, right and wrong ones, and judges each answer by it."""

import collections
import json
import os
import pathlib
import subprocess
import sys

import pytest

import serin as process

HERE = pathlib.Path(__file__).resolve().parent
SEED = "7"
RUN_WITHIN_S = 120
# By an operation and a phase.
EXAMPLES = "12"

ROUTINE = "shop"
APP = "app-880688675783790000"
CONFIG = process.ANY_PORT + f"""
[[app]]
app_id = "{APP}"
name   = "storefront"
[[app.version]]
version_id = "ver-879626371616510000"
[[app.version]]
version_id = "ver-879626371616510001"
"""
KEYS = """
[[access_key]]
id     = "testid"
secret = "testsecret"
"""
CHECKS = [
    "not_a_server_error", "status_code_conformance", "content_type_conformance",
    "response_headers_conformance", "response_schema_conformance", "negative_data_rejection",
    "unsupported_method", "allow_header_conformance", "missing_required_header",
    "use_after_free", "ensure_resource_availability",
]

DEPLOYMENT = f"/routines/{ROUTINE}/environments/production/deployment"


def shares(**percentages):
    return {"code_versions": [{"code_version": version, "percentage": percentage}
                              for version, percentage in percentages.items()]}


STOCK = [
    ("POST", "/routines", {"name": ROUTINE}),
    ("POST", f"/routines/{ROUTINE}/versions", {"code_version": "1"}),
    ("POST", f"/routines/{ROUTINE}/versions", {"code_version": "2"}),
    ("POST", DEPLOYMENT, shares(**{"1": 100})),
    ("POST", DEPLOYMENT, shares(**{"1": 90, "2": 10})),
]


def judged(serin, tmp_path, *more, secret=None):
    """What came of each request: the operation and the status."""
    report = tmp_path / "report.ndjson"
    variables = {"ADMIN": serin.admin, "STOCK": json.dumps(STOCK),
                 "SCHEMATHESIS_HOOKS": "openapi_hooks",
                 "PYTHONPATH": f"{HERE}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"}
    if secret is not None:
        variables["SECRET"] = secret
        more += ("--header", f"Authorization: Bearer {secret}")
    run = subprocess.run(
        [sys.executable, "-m", "schemathesis.cli", "run",
         f"http://{serin.admin}/api/v1/openapi.json", "--seed", SEED,
         "--generation-deterministic", "--max-examples", EXAMPLES,
         "--report-ndjson-path", report, "--no-color", *more],
        cwd=tmp_path, env=process.environment(**variables), stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=RUN_WITHIN_S,
    )
    assert run.returncode == 0, run.stdout
    return report
