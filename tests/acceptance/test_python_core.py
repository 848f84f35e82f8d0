"""The V1 core for Python, by GET and by POST, where there are keys."""

import json

import pytest
from aliyunsdkcore.acs_exception.exceptions import ServerException
from aliyunsdkcore.client import AcsClient
from aliyunsdkcore.request import CommonRequest
from aliyunsdkcore.utils import parameter_helper

from sdk import upload
from serin import Visitor

TEXT = "te st*'(ü)~ a+b=c&d%20!"


class Core:
    """The core's client, called by the actions' names."""

    def __init__(self, serin, method, key="testid", secret="testsecret"):
        self.serin, self.method = serin, method
        self.client = AcsClient(key, secret, "cn-hangzhou", auto_retry=False)

    def __call__(self, action, place="query", **params):
        request = CommonRequest(domain=self.serin.admin, version="2024-09-10", action_name=action)
        request.set_protocol_type("http")
        request.set_method(self.method)
        request.set_accept_format("json")
        for name, value in params.items():
            getattr(request, f"add_{place}_param{'s' if place == 'body' else ''}")(name, value)
        return json.loads(self.client.do_action_with_exception(request))

    def refused(self, code, action, **params):
        with pytest.raises(ServerException) as caught:
            self(action, **params)
        error = caught.value
        assert error.get_error_code() == code, error
        assert error.get_request_id()
        return error


@pytest.fixture(params=["GET", "POST"])
def method(request):
    return request.param


def test_a_routine_lives(keyed, method):
    core = Core(keyed, method)
    name = f"core-{method.lower()}"
    assert core("CreateRoutine", Name=name, Description=TEXT, HasAssets=False)["Status"] == "OK"
    assert core("GetRoutine", Name=name)["Description"] == TEXT
    place = core("GetRoutineStagingCodeUploadInfo", Name=name)["OssPostConfig"]
    assert upload(place, b"export default {}") == 200
    version = core("CommitRoutineStagingCode", Name=name)["CodeVersion"]
    deployed = core(
        "CreateRoutineCodeDeployment", Name=name, Env="production", Strategy="percentage",
        CodeVersions=json.dumps([{"CodeVersion": version, "Percentage": 100}]))
    assert isinstance(deployed["DeploymentId"], str)
    assert Visitor(keyed.production, f"{name}.localhost").version() == version
    assert core("DeleteRoutine", Name=name)["Status"] == "OK"


def test_parameters_in_the_body_are_signed_and_read(keyed):
    core = Core(keyed, "POST")
    core("CreateRoutine", place="body", Name="core-body", Description=TEXT)
    assert core("GetRoutine", place="body", Name="core-body")["Description"] == TEXT


def test_who_is_not_known_is_refused(keyed, method):
    mismatch = Core(keyed, method, secret="wrong").refused(
        "SignatureDoesNotMatch", "ListUserRoutines")
    assert f"server string to sign is:{method}&%2F&" in mismatch.get_error_msg()
    unknown = Core(keyed, method, key="nobody").refused(
        "InvalidAccessKeyId.NotFound", "ListUserRoutines")
    assert (unknown.get_http_status(), unknown.get_error_msg()) == (
        404, "Specified access key is not found.")
    watcher = Core(keyed, method, key="watcher", secret="only-looking")
    assert watcher("ListUserRoutines")["PageNumber"] == 1
    assert watcher.refused("Forbidden.RAM", "CreateRoutine", Name="no").get_http_status() == 403


def test_a_nonce_is_used_once_and_a_time_passes(keyed, method, monkeypatch):
    core = Core(keyed, method)
    with monkeypatch.context() as patched:
        patched.setattr(parameter_helper, "get_uuid", lambda: f"core-once-{method}")
        core("ListUserRoutines")
        core.refused("SignatureNonceUsed", "ListUserRoutines")
    with monkeypatch.context() as patched:
        patched.setattr(parameter_helper, "get_iso_8061_date", lambda: "2020-01-01T00:00:00Z")
        core.refused("InvalidTimeStamp.Expired", "ListUserRoutines")


def test_what_a_page_documents_is_told(keyed, method):
    core = Core(keyed, method)
    told = core.refused("RoutineNotExist", "GetRoutine", Name="nobody")
    assert told.get_error_msg() == (
        "The routine name does not exist. Check the routine name and try again.")
    assert told.get_http_status() == 400
