"""An account in each of its states, as the Python SDK meets it."""

import functools

import pytest
from alibabacloud_tea_openapi.exceptions import AlibabaCloudException

from sdk import add_version, deploy, refused

SERVICE = "Failed to call the service. Try again later or contact technical support."
NOT_OPEN = "You have not activated Edge Routine. Activate the service and try again."
HALT = "Failed to update the configurations because you have overdue payments."
LOCKED = ("You are calling an another routine related api. Please wait for the api finished, and"
          " try again later.")
QUOTA = ("The maximum number of configuration items for the feature has been reached. Adjust your"
         " configurations and try again.")
NO_APP = ("The application does not exist. Check whether the application ID you specified is correct"
          " and try again.")
THROTTLED = "Request was denied due to user flow control."


@pytest.fixture
def account(serin):
    """Sets the account's state; it is as it was afterwards."""
    def change(**state):
        status, told = serin.native("PATCH", "/api/v1/account", state)
        assert status == 200, told

    yield change
    assert serin.native("DELETE", "/api/v1/account")[0] in (200, 204)


@pytest.fixture(scope="module")
def live(esa):
    """A routine and the version that it serves."""
    name = "account"
    esa("CreateRoutine", name=name)
    version = add_version(esa, name)
    deploy(esa, name, "production", {version: 100})
    return name, version


def create(esa):
    return lambda: esa("CreateRoutine", name="never-made")


def redeploy(esa, live):
    return lambda: deploy(esa, live[0], "production", {live[1]: 100})


def test_a_service_that_is_not_open_is_opened_once(esa, account):
    assert esa("GetErService").status == "Running"
    account(service="not_opened")
    assert esa("GetErService").status == "NotOpened"
    refused(create(esa), "ServiceNotOpen", NOT_OPEN)
    esa("OpenErService")
    assert esa("GetErService").status == "Running"


def test_an_account_in_arrears_changes_nothing(esa, account, live):
    account(in_arrears=True)
    refused(create(esa), "RoutineUserServiceStatusHalt", HALT)
    refused(redeploy(esa, live), "RoutineUserServiceStatusHalt", HALT)
    assert esa("GetRoutine", name=live[0]).envs


def test_an_account_that_is_locked_lets_its_caller_wait(esa, account):
    account(locked_calls=1)
    refused(create(esa), "UserOperationStatusIsLocked", LOCKED)
    esa("CreateRoutine", name="made-after-the-lock")


def test_a_quota_of_routines_is_a_limit(esa, account):
    listed = esa("ListUserRoutines")
    account(quotas={"routines": listed.used_routine_number})
    assert esa("ListUserRoutines").quota_routine_number == listed.used_routine_number
    refused(create(esa), "RoutineNumberExceedQuotaLimit", QUOTA)


@pytest.mark.parametrize("code", ["InternalException", "InternalOperationError",
                                  "DependedByOthers"])
def test_a_service_that_fails_says_so_and_recovers(esa, account, live, code):
    account(failures={"calls": 1, "code": code})
    refused(redeploy(esa, live), code, SERVICE)
    assert redeploy(esa, live)().deployment_id


def test_a_container_service_that_fails_is_an_error_of_the_server(esa, account):
    account(failures={"calls": 1, "code": "InternalError"})
    call = functools.partial(esa, "PublishEdgeContainerAppVersion", publish_env="prod",
                             app_id="app-111111111111111111", version_id="ver-1111111111111111")
    refused(call, "InternalError", SERVICE, 500, "ServerException")
    refused(call, "InvalidApp.NotFound", NO_APP, 404)


def test_too_many_calls_are_throttled_for_a_while(esa, account):
    account(calls_per_second=1)
    with pytest.raises(AlibabaCloudException) as caught:
        for _ in range(20):
            esa("ListUserRoutines")
    error = caught.value
    # The SDK tells a throttling by a field of the answer, not by its code.
    assert type(error).__name__ == "ThrottlingException"
    assert (error.code, error.status_code) == ("Throttling.User", 400)
    assert error.data["Message"] == THROTTLED
    assert 0 < error.retry_after <= 1000


def test_an_answer_may_be_late(esa, account):
    account(latency_ms=50)
    assert esa("ListUserRoutines").request_id
