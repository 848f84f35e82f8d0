"""curl, which signs nothing: by hand, in every way that a call may be made."""

import json
import subprocess

import pytest

from serin import TLS, Visitor, environment, serving

RUN_WITHIN_S = 30
VERSION = "2024-09-10"


def curl(*arguments):
    """The status and the answer of one call."""
    run = subprocess.run(
        ["curl", "-sS", "-w", "\n%{http_code}", *arguments], env=environment(),
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=RUN_WITHIN_S,
    )
    assert run.returncode == 0, run.stderr
    body, status = run.stdout.rsplit("\n", 1)
    return int(status), body


def ok(*arguments):
    status, body = curl(*arguments)
    assert status == 200, body
    return json.loads(body)


def form(**params):
    params = {"Version": VERSION} | params
    return [it for name, value in params.items() for it in ("--data-urlencode", f"{name}={value}")]


def url(serin):
    return f"http://{serin.admin}/"


def test_a_routine_lives_by_forms(serin, tmp_path):
    name = "by-curl"

    def call(**params):
        return ok(url(serin), *form(Name=name, **params))

    assert call(Action="CreateRoutine", Description="te st*'(ü)~&=+")["Status"] == "OK"
    assert call(Action="GetRoutine")["Description"] == "te st*'(ü)~&=+"
    place = call(Action="GetRoutineStagingCodeUploadInfo")["OssPostConfig"]
    code = tmp_path / "index.js"
    code.write_text("export default {}", encoding="utf-8")
    fields = [it for key, value in place.items() if key != "Url"
              for it in ("--form-string", f"{key}={value}")]
    assert curl(place["Url"], *fields, "-F", f"file=@{code}")[0] == 200
    version = call(Action="CommitRoutineStagingCode")["CodeVersion"]
    shares = json.dumps([{"CodeVersion": version, "Percentage": 100}])
    call(Action="CreateRoutineCodeDeployment", Env="production", Strategy="percentage",
         CodeVersions=shares)
    assert Visitor(serin.production, f"{name}.localhost").version() == version
    assert call(Action="DeleteRoutine")["Status"] == "OK"


@pytest.mark.parametrize("way", ["query", "form", "json", "headers"])
def test_a_call_is_made_in_every_way(serin, way):
    params = form(Action="ListUserRoutines", PageSize="7")
    body = json.dumps({"Action": "ListUserRoutines", "Version": VERSION, "PageSize": 7})
    made = {
        "query": ["-G", *params],
        "form": params,
        "json": ["-H", "content-type: application/json; charset=utf-8", "-d", body],
        "headers": ["-X", "POST", "-H", "x-acs-action: ListUserRoutines",
                    "-H", f"x-acs-version: {VERSION}"],
    }[way]
    answer = ok(url(serin), *made)
    assert answer["PageSize"] == (20 if way == "headers" else 7)


def test_a_bearer_is_a_key_s_secret(keyed):
    call = form(Action="ListUserRoutines")
    assert ok(url(keyed), "-H", "Authorization: Bearer testsecret", *call)["PageNumber"] == 1
    for headers, status, code in [
        ([], 400, "IncompleteSignature"),
        (["-H", "Authorization: Bearer wrong"], 404, "InvalidAccessKeyId.NotFound"),
    ]:
        told, body = curl(url(keyed), *headers, *call)
        assert (told, json.loads(body)["Code"]) == (status, code)


def test_who_trusts_the_authority_speaks_https(tmp_path):
    with serving(tmp_path, TLS) as serin:
        call = ["--cacert", serin.ca(), f"https://{serin.admin_tls}/", *form(
            Action="ListUserRoutines")]
        assert ok(*call)["PageNumber"] == 1
        untrusted = subprocess.run(["curl", "-sS", call[2]], env=environment(),
                                   capture_output=True, timeout=RUN_WITHIN_S)
        assert untrusted.returncode == 60  # curl's word for a certificate nobody vouches for


def test_a_foreign_page_is_turned_away(serin):
    status, body = curl(url(serin), "-H", "Origin: http://evil.test",
                        *form(Action="ListUserRoutines"))
    assert (status, json.loads(body)["Code"]) == (403, "NoPermission")
