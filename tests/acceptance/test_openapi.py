"""What the native API says of itself, held against what it does: schemathesis makes
requests of the document, right and wrong ones, and judges each answer by it."""

import collections
import json
import os
import pathlib
import subprocess
import sys

import serin as process
from sdk import Esa

HERE = pathlib.Path(__file__).resolve().parent
SEED = "7"
RUN_WITHIN_S = 150

ROUTINE = "shop"
# As the document has them in its examples.
APP = "app-880688675783790000"
VERSION = "ver-879626371616510000"
CONFIG = process.ANY_PORT + f"""
[[app]]
app_id = "{APP}"
name   = "storefront"
[[app.version]]
version_id = "{VERSION}"
[[app.version]]
version_id = "ver-879626371616510001"
"""
SECRET = "testsecret"
KEYS = f"""
[[access_key]]
id     = "testid"
secret = "{SECRET}"
"""
CHECKS = [
    "not_a_server_error", "status_code_conformance", "content_type_conformance",
    "response_headers_conformance", "response_schema_conformance", "negative_data_rejection",
    "unsupported_method", "allow_header_conformance", "missing_required_header",
    "use_after_free", "ensure_resource_availability",
]
DEPLOYMENT = f"/routines/{ROUTINE}/environments/production/deployment"


def shares(**percentages):
    return {"code_versions": [{"code_version": name.lstrip("v"), "percentage": percentage}
                              for name, percentage in percentages.items()]}


STOCK = [
    ("POST", "/routines", {"name": ROUTINE}),
    *(("POST", f"/routines/{ROUTINE}/versions", {"code_version": version})
      for version in ("1", "2")),
    ("POST", DEPLOYMENT, shares(v1=100)),
    ("POST", DEPLOYMENT, shares(v1=90, v2=10)),
]


def judge(serin, folder, phases, examples, *more, secret=None):
    """The statuses that each operation was answered with; all of them are as documented."""
    report = folder / "report.ndjson"
    paths = [str(HERE), *filter(None, [os.environ.get("PYTHONPATH")])]
    variables = {"ADMIN": serin.admin, "STOCK": json.dumps(STOCK),
                 "PYTHONPATH": os.pathsep.join(paths)}
    if secret is not None:
        variables["SECRET"] = secret
        more += ("--header", f"Authorization: Bearer {secret}")
    stocked = subprocess.run(
        [sys.executable, "-B", "-c", "import openapi_hooks; openapi_hooks.stock()"],
        env=process.environment(**variables), stdin=subprocess.DEVNULL, timeout=RUN_WITHIN_S,
    )
    assert stocked.returncode == 0
    run = subprocess.run(
        [sys.executable, "-B", "-m", "schemathesis.cli", "--config-file", HERE / "openapi.toml", "run",
         f"http://{serin.admin}/api/v1/openapi.json", "--seed", SEED,
         "--generation-deterministic", "--no-shrink",
         "--phases", phases, "--max-examples", str(examples),
         "--report-ndjson-path", report, "--no-color", *more],
        cwd=folder, env=process.environment(**variables), stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=RUN_WITHIN_S,
    )
    assert run.returncode == 0, run.stdout
    statuses = collections.defaultdict(set)
    for line in report.read_text(encoding="utf-8").splitlines():
        recorder = json.loads(line).get("ScenarioFinished", {}).get("recorder", {})
        for case, interaction in recorder.get("interactions", {}).items():
            asked = recorder["cases"][case]["value"]
            answer = interaction["response"]
            if answer is not None:
                statuses[asked["method"], asked["path"]].add(answer["status_code"])
    return statuses


def test_no_answer_is_outside_of_the_document(start, tmp_path):
    serin = start(CONFIG)
    Esa(serin)("PublishEdgeContainerAppVersion", app_id=APP, version_id=VERSION,
               publish_env="prod")
    met = judge(serin, tmp_path, "examples,coverage,fuzzing,stateful", 2,
                "--checks", ",".join(CHECKS))
    status, document = serin.native("GET", "/api/v1/openapi.json")
    assert status == 200
    for path, item in document["paths"].items():
        for verb in item:
            # The document itself is what it is made of.
            if path != "/openapi.json":
                reached = met[verb.upper(), path]
                assert reached & {200, 201, 204}, (verb, path, reached)
                assert any(status >= 400 for status in reached) or "traffic" in path
    deployment = "/routines/{name}/environments/{environment}/deployment"
    assert {201, 400, 404, 412, 422} <= met["POST", deployment]


def test_whoever_is_not_known_is_told_as_the_document_says(start, tmp_path):
    serin = start(CONFIG + KEYS)
    met = judge(serin, tmp_path, "examples", 1, "--checks",
                ",".join([*CHECKS, "ignored_auth"]), secret=SECRET)
    let_in = {operation for operation, statuses in met.items() if statuses & {200, 201, 204}}
    assert len(let_in) > 20, met
    assert all(401 in met[operation] for operation in let_in), met
