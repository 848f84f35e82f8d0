"""What Serin refuses, as the Python SDK tells it: code, message, status, RequestId."""

import pytest
from alibabacloud_esa20240910 import models

from sdk import add_version, deploy, refused
from serin import Visitor

ABSENT = "The specified parameter does not exist. Check your configurations and try again."
INVALID = "The specified parameter is invalid."
UNVERIFIED = "Parameter verification failed. Check your configurations and try again."
UNKNOWN = "The routine name does not exist. Check the routine name and try again."
EXISTS = "The routine name already exists."
SERVICE = "Failed to call the service. Try again later or contact technical support."
NO_ACTION = "Specified api is not found, please check your url and method."


@pytest.fixture(scope="module")
def live(esa):
    """A routine that serves its first version, and both versions."""
    name = "refused"
    esa("CreateRoutine", name=name)
    first, second = add_version(esa, name), add_version(esa, name)
    deploy(esa, name, "production", {first: 100})
    return name, first, second


@pytest.mark.parametrize("name", ["a", "Upper", "9lives", "ends-", "under_score", "x" * 42])
def test_a_name_that_is_none_is_an_invalid_parameter(esa, name):
    esa.refused("CreateRoutine", "InvalidParameter", INVALID, name=name)


def test_a_name_is_taken_once(esa, live):
    esa.refused("CreateRoutine", "RoutineAlreadyExist", EXISTS, name=live[0])


@pytest.mark.parametrize("action", [
    "CreateRoutine", "GetRoutine", "DeleteRoutine", "ListRoutineCodeVersions",
    "GetRoutineCodeVersion", "CreateRoutineCodeDeployment", "PublishRoutineCodeVersion",
    "GetRoutineStagingCodeUploadInfo", "CommitRoutineStagingCode",
])
def test_without_its_parameters_an_action_is_refused(esa, action):
    esa.refused(action, "ParameterNotExist", ABSENT)


OF_A_ROUTINE = {
    "GetRoutine": {},
    "DeleteRoutine": {},
    "UpdateRoutineConfigDescription": {"description": "d"},
    "GetRoutineStagingCodeUploadInfo": {},
    "CommitRoutineStagingCode": {},
    "ListRoutineCodeVersions": {},
    "GetRoutineCodeVersion": {"code_version": "1"},
    "GetRoutineCodeVersionInfo": {"code_version": "1"},
    "DeleteRoutineCodeVersion": {"code_version": "1"},
    "PublishRoutineCodeVersion": {"code_version": "1", "env": "staging"},
    "CreateRoutineWithAssetsCodeVersion": {},
    "GetRoutineAccessToken": {},
    "ListRoutineRelatedRecords": {},
    "ListRoutineEnvironmentVariables": {"env": "staging"},
    "SetRoutineEnvironmentVariables": {"env": "staging", "environment_variables": {
        "A": models.EnvironmentVariablesValue(type="plain_text", value="b")}},
    "DeleteRoutineEnvironmentVariables": {"env": "staging", "environment_variable_keys": ["A"]},
}


@pytest.mark.parametrize("action", OF_A_ROUTINE)
def test_a_routine_that_is_unknown_is_told(esa, action):
    params = {"name": "nobody"} | OF_A_ROUTINE[action]
    esa.refused(action, "RoutineNotExist", UNKNOWN, **params)


WRONG_SHARES = {
    "a sum below 100": lambda one, two: {one: 90, two: 9},
    "a sum above 100": lambda one, two: {one: 90, two: 11},
    "nothing for one": lambda one, two: {one: 100, two: 0},
    "one version alone below 100": lambda one, two: {one: 99},
    "three versions": lambda one, two: {one: 50, two: 30, "3": 20},
    "no version": lambda one, two: {},
    "a version that is unknown": lambda one, two: {one: 50, "17": 50},
    "the staging slot": lambda one, two: {"unstable": 100},
}


@pytest.mark.parametrize("what", WRONG_SHARES)
def test_shares_that_are_wrong_change_nothing(serin, esa, live, what):
    name, first, second = live
    shares = WRONG_SHARES[what](first, second)
    refused(lambda: deploy(esa, name, "production", shares), "InvalidParameter", UNVERIFIED)
    assert Visitor(serin.production, f"{name}.localhost").version("user-1") == first


@pytest.mark.parametrize("wrong", [
    {"env": "prod"}, {"strategy": "region"},
    {"code_versions": [("first", 50), ("first", 50)]}, {"code_versions": [("first", 100.5)]},
])
def test_a_deployment_of_another_shape_is_refused(esa, live, wrong):
    name, first, _ = live
    share = models.CreateRoutineCodeDeploymentRequestCodeVersions
    good = {"name": name, "env": "staging", "strategy": "percentage",
            "code_versions": [("first", 100)]}
    params = good | wrong
    params["code_versions"] = [
        share(code_version=first, percentage=percent) for _, percent in params["code_versions"]
    ]
    esa.refused("CreateRoutineCodeDeployment", "InvalidParameter", UNVERIFIED, **params)


def test_a_deployment_of_an_unknown_routine_is_refused(esa):
    refused(lambda: deploy(esa, "nobody", "staging", {"1": 100}), "RoutineNotExist", UNKNOWN)


def test_a_version_that_serves_is_not_deleted(esa, live):
    name, first, second = live
    esa.refused("DeleteRoutineCodeVersion", "DependedByOthers", SERVICE,
                name=name, code_version=first)
    assert esa("GetRoutineCodeVersion", name=name, code_version=first).routine_code


def test_nothing_is_committed_without_an_upload(esa):
    esa("CreateRoutine", name="never-uploaded")
    esa.refused("CommitRoutineStagingCode", "InvalidParameter", INVALID, name="never-uploaded")


def test_what_is_no_action_is_not_found(esa):
    refused(lambda: esa.by_hand("MakeCoffee"), "InvalidAction.NotFound", NO_ACTION, 404)
    refused(lambda: esa.by_hand("GetRoutine", version="2017-07-07"),
            "InvalidAction.NotFound", NO_ACTION, 404)


def test_an_action_is_called_by_get_or_post(esa):
    with pytest.raises(Exception) as caught:
        esa.by_hand("ListUserRoutines", method="PUT")
    assert (caught.value.code, caught.value.status_code) == ("UnsupportedHTTPMethod", 400)
    assert esa.by_hand("ListUserRoutines", method="GET")["PageNumber"] == 1
