"""Whole lives of routines, driven by the Python SDK."""

import base64
import json

import zipped
from alibabacloud_esa20240910.models import EnvironmentVariablesValue as Variable
from sdk import RFC_3339, add_version, deploy
from serin import USERS, Visitor, shares_of, split, visits


def live(esa, name, env):
    """What GetRoutine says is live in an environment: its deployment and its shares."""
    envs = {it.env: it.code_deploy for it in esa("GetRoutine", name=name).envs}
    if env not in envs:
        return None
    shares = {it.code_version: it.percentage for it in envs[env].code_versions}
    return envs[env].deploy_id, shares


def test_a_routine_lives_from_its_creation_to_its_deletion(serin, esa):
    name = "whole-life"
    assert esa("CreateRoutine", name=name, description="a whole life").status == "OK"
    fresh = esa("GetRoutine", name=name)
    assert (fresh.description, fresh.has_assets, fresh.envs) == ("a whole life", False, [])
    assert RFC_3339.fullmatch(fresh.create_time)
    assert fresh.default_related_record.startswith(f"{name}.")

    first = add_version(esa, name, b"the first", "first")
    second = add_version(esa, name, b"the second", "second")
    assert (len(first), len(second)) == (19, 19) and int(first) < int(second)
    listed = esa("ListRoutineCodeVersions", name=name).code_versions
    assert [(it.code_version, it.code_description) for it in listed] == [
        (second, "second"), (first, "first"),
    ]
    code = esa("GetRoutineCodeVersion", name=name, code_version=second).routine_code
    assert base64.b64decode(code) == b"the second"

    # The canary in staging, where its testers go; production has nothing yet.
    canary = deploy(esa, name, "staging", {first: 90, second: 10})
    assert canary.strategy == "percentage"
    assert {it.code_version: it.percentage for it in canary.code_versions} == {
        first: 90, second: 10,
    }
    assert live(esa, name, "staging") == (canary.deployment_id, {first: 90, second: 10})
    assert live(esa, name, "production") is None
    host = f"{name}.localhost"
    assert Visitor(serin.production, host).ask()[0] == 503
    staged = visits(serin.staging, host)
    assert staged == split("routine", name, {first: 90, second: 10})

    # Production: whole, then half, then whole again.
    esa("PublishRoutineCodeVersion", name=name, env="production", code_version=first)
    assert shares_of(visits(serin.production, host)) == {first: len(USERS)}
    deploy(esa, name, "production", {first: 50, second: 50})
    half = visits(serin.production, host)
    assert half == split("routine", name, {first: 50, second: 50})
    assert all(half[user] == second for user in USERS if staged[user] == second)
    deploy(esa, name, "production", {second: 100})
    assert shares_of(visits(serin.production, host)) == {second: len(USERS)}

    # Rolling back is deploying the old version again.
    back = deploy(esa, name, "production", {first: 100})
    assert live(esa, name, "production") == (back.deployment_id, {first: 100})
    assert shares_of(visits(serin.production, host)) == {first: len(USERS)}
    assert live(esa, name, "staging") == (canary.deployment_id, {first: 90, second: 10})

    assert esa("UpdateRoutineConfigDescription", name=name, description="ends").status == "OK"
    assert esa("GetRoutine", name=name).description == "ends"
    assert esa("DeleteRoutine", name=name).status == "OK"
    assert name not in [it.routine_name for it in esa("ListUserRoutines").routines]
    assert Visitor(serin.production, host).ask()[0] == 404


def test_the_order_of_the_list_moves_nobody(serin, esa):
    name = "order"
    esa("CreateRoutine", name=name)
    first, second = add_version(esa, name), add_version(esa, name)
    deploy(esa, name, "production", {first: 70, second: 30})
    before = visits(serin.production, f"{name}.localhost")
    deploy(esa, name, "production", {second: 30, first: 70})
    assert visits(serin.production, f"{name}.localhost") == before


def test_requests_without_a_key_are_split_exactly(serin, esa):
    name = "keyless"
    esa("CreateRoutine", name=name)
    first, second = add_version(esa, name), add_version(esa, name)
    deploy(esa, name, "production", {first: 90, second: 10})
    visitor = Visitor(serin.production, f"{name}.localhost")
    met = [visitor.version() for _ in range(100)]
    assert (met.count(first), met.count(second)) == (90, 10)


def test_routines_are_listed_in_pages_and_found_by_a_word(esa):
    names = [f"listed-{number:02}" for number in range(12)]
    for name in names:
        esa("CreateRoutine", name=name)
    # A word with what is encoded differently by each client finds nothing, and is understood.
    assert esa("ListUserRoutines", search_key_word="te st*'(ü)~").routines == []
    found = []
    for page in (1, 2, 3):
        listed = esa("ListUserRoutines", page_number=page, page_size=5, search_key_word="listed-")
        assert (listed.page_number, listed.page_size, listed.total_count) == (page, 5, 12)
        found += [it.routine_name for it in listed.routines]
    assert sorted(found) == names
    assert len(esa("ListUserRoutines", page_size=50, search_key_word="listed-").routines) == 12


def test_an_asset_version_serves_once_its_archive_is_uploaded(serin, esa):
    name = "with-assets"
    esa("CreateRoutine", name=name, has_assets=True)
    begun = esa("CreateRoutineWithAssetsCodeVersion", name=name, code_description="zipped",
                extra_info=json.dumps({"Source": "CLI"}))
    assert begun.status == "init"
    zipped.upload(begun.oss_post_config, {"routine/index.js": "export default {}",
                                          "assets/index.html": "<p>"})
    told = zipped.wait_until_available(esa, name, begun.code_version)
    assert (told.has_assets, told.code_description) == (True, "zipped")
    assert json.loads(told.extra_info) == {"Source": "CLI"}
    deploy(esa, name, "production", {begun.code_version: 100})
    assert Visitor(serin.production, f"{name}.localhost").version() == begun.code_version


def test_a_routine_s_default_record_reaches_it(serin, esa):
    name = "by-its-record"
    esa("CreateRoutine", name=name)
    version = add_version(esa, name)
    deploy(esa, name, "production", {version: 100})
    host = esa("GetRoutine", name=name).default_related_record
    assert Visitor(serin.production, host).version("user-1") == version


def test_a_routine_has_an_access_token(esa):
    esa("CreateRoutine", name="tokened")
    assert esa("GetRoutineAccessToken", name="tokened").token


def test_environment_variables_are_kept_by_environment(esa):
    name = "with-variables"
    esa("CreateRoutine", name=name)
    esa("SetRoutineEnvironmentVariables", name=name, env="staging", environment_variables={
        "LEVEL": Variable(type="plain_text", value="debug"),
        "TOKEN": Variable(type="secret_text", value="hidden"),
    })
    listed = esa("ListRoutineEnvironmentVariables", name=name, env="staging")
    assert listed.environment_variables["LEVEL"].value == "debug"
    assert listed.environment_variables["TOKEN"].type == "secret_text"
    assert listed.environment_variables["TOKEN"].value != "hidden"
    other = esa("ListRoutineEnvironmentVariables", name=name, env="production")
    assert (other.total_count, other.environment_variables) == (0, {})
    gone = esa("DeleteRoutineEnvironmentVariables", name=name, env="staging",
                     environment_variable_keys=["LEVEL", "NEVER"])
    assert (gone.deleted_keys, gone.failed_keys) == (["LEVEL"], ["NEVER"])
