"""Who may call: the Python SDK's signatures, and every refusal as it tells them."""

import datetime

import pytest
from alibabacloud_tea_openapi import utils
from alibabacloud_tea_openapi.exceptions import AlibabaCloudException

from sdk import Esa, add_version, deploy, refused

ALGORITHMS = {"V3": {}, "V1": {"signature_algorithm": "v2"}}


@pytest.fixture(params=ALGORITHMS)
def signing(request):
    """How the SDK is told to sign."""
    return ALGORITHMS[request.param]


def clock(monkeypatch, minutes):
    """Sets the SDK's clock off by so much."""
    def timestamp():
        now = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=minutes)
        return now.strftime("%Y-%m-%dT%H:%M:%SZ")

    monkeypatch.setattr(utils.Utils, "get_timestamp", staticmethod(timestamp))


def test_who_has_the_secret_works_as_ever(keyed, signing):
    esa = Esa(keyed, **signing)
    name = "signed-v1" if signing else "signed-v3"
    # A body and a query with what each client encodes in its own way.
    text = "te st*'(ü)~ a+b=c&d%20"
    esa("CreateRoutine", name=name, description=text)
    assert esa("GetRoutine", name=name).description == text
    assert esa("ListUserRoutines", search_key_word=text).routines == []
    version = add_version(esa, name, description=text)
    assert deploy(esa, name, "production", {version: 100}).deployment_id
    esa("DeleteRoutine", name=name)


def test_a_temporary_key_s_token_is_signed_too(keyed, signing):
    esa = Esa(keyed, security_token="CAIS+token/==", **signing)
    assert esa("ListUserRoutines").page_number == 1


def test_a_wrong_secret_is_told_what_the_server_signed(keyed, signing):
    esa = Esa(keyed, secret="wrong", **signing)
    with pytest.raises(AlibabaCloudException) as caught:
        esa("ListUserRoutines")
    error = caught.value
    assert (error.code, error.status_code) == ("SignatureDoesNotMatch", 400)
    assert type(error).__name__ == "ClientException"
    said, string_to_sign = error.data["Message"].split("server string to sign is:")
    assert said == "Specified signature is not matched with our calculation. "
    begins = "POST&%2F&AccessKeyId%3Dtestid" if signing else "ACS3-HMAC-SHA256\n"
    assert string_to_sign.startswith(begins)
    assert error.data["RequestId"] == error.request_id


def test_a_key_that_is_unknown_is_not_found(keyed, signing):
    Esa(keyed, key="nobody", **signing).refused(
        "ListUserRoutines", "InvalidAccessKeyId.NotFound", "Specified access key is not found.",
        404)


@pytest.mark.parametrize("minutes", [-16, 16])
def test_a_clock_that_is_more_than_15_minutes_off_is_expired(keyed, signing, monkeypatch, minutes):
    clock(monkeypatch, minutes)
    Esa(keyed, **signing).refused(
        "ListUserRoutines", "InvalidTimeStamp.Expired",
        "Specified time stamp or date value is expired.")


@pytest.mark.parametrize("minutes", [-14, 14])
def test_a_clock_that_is_less_than_15_minutes_off_will_do(keyed, signing, monkeypatch, minutes):
    clock(monkeypatch, minutes)
    assert Esa(keyed, **signing)("ListUserRoutines").page_number == 1


def test_a_time_that_is_none_is_malformed(keyed, signing, monkeypatch):
    monkeypatch.setattr(utils.Utils, "get_timestamp", staticmethod(lambda: "yesterday"))
    Esa(keyed, **signing).refused(
        "ListUserRoutines", "InvalidTimeStamp.Format",
        "Specified time stamp or date value is not well formatted.")


def test_a_nonce_is_used_once(keyed, signing, monkeypatch):
    nonce = "0123456789abcdef" + ("v1" if signing else "v3")
    monkeypatch.setattr(utils.Utils, "get_nonce", staticmethod(lambda: nonce))
    esa = Esa(keyed, **signing)
    assert esa("ListUserRoutines").page_number == 1
    esa.refused("ListUserRoutines", "SignatureNonceUsed",
                "Specified signature nonce was used already.")


def test_a_key_that_may_only_look_changes_nothing(keyed, signing):
    watcher = Esa(keyed, key="watcher", secret="only-looking", **signing)
    assert watcher("ListUserRoutines").page_number == 1
    watcher.refused(
        "CreateRoutine", "Forbidden.RAM",
        "User not authorized to operate on the specified resource, or this API doesn't support"
        " RAM.", 403, name="never-made")
    Esa(keyed).refused("GetRoutine", "RoutineNotExist",
                       "The routine name does not exist. Check the routine name and try again.",
                       name="never-made")


def test_who_does_not_sign_is_incomplete(keyed):
    esa = Esa(keyed, key=None, secret=None, bearer_token="of-another-kind")
    esa.refused("ListUserRoutines", "IncompleteSignature",
                "The request signature does not conform to Aliyun standards.")


def test_an_action_is_known_before_its_caller(keyed):
    esa = Esa(keyed, key="nobody")
    refused(lambda: esa.by_hand("MakeCoffee"), "InvalidAction.NotFound",
            "Specified api is not found, please check your url and method.", 404)


def test_without_keys_any_signature_will_do(serin, signing):
    assert Esa(serin, key="anybody", secret="anything", **signing)("ListUserRoutines").request_id
