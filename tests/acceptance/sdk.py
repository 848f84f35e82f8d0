"""The Python SDK of ESA, and what it makes of an answer."""

import inspect
import re
import typing
import urllib.request
import uuid

import pytest
from alibabacloud_esa20240910 import models
from alibabacloud_esa20240910.client import Client
from alibabacloud_tea_openapi.exceptions import AlibabaCloudException
from alibabacloud_tea_openapi.utils_models import Config, OpenApiRequest, Params
from darabonba.model import DaraModel
from darabonba.runtime import RuntimeOptions

UUID = re.compile(r"[0-9A-F]{8}-[0-9A-F]{4}-4[0-9A-F]{3}-[89AB][0-9A-F]{3}-[0-9A-F]{12}")
RFC_3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")


class Esa:
    """The SDK's client, called by the actions' names."""

    def __init__(self, serin, key="testid", secret="testsecret", **more):
        more = {"endpoint": serin.admin, "protocol": "http"} | more
        self.client = Client(
            Config(access_key_id=key, access_key_secret=secret, region_id="cn-hangzhou", **more)
        )
        self.wire = {}  # the last answer as it came: models drop what they do not know
        call_api = self.client.call_api

        def kept(*arguments):
            answer = call_api(*arguments)
            self.wire = answer["body"]
            return answer

        self.client.call_api = kept

    def __call__(self, action, **params):
        """The answer's body, once it is of the types that the SDK's models declare."""
        call = getattr(self.client, method_of(self.client, action))
        request = getattr(models, f"{action}Request", None)
        response = call(request(**params)) if request else call()
        assert response.status_code == 200
        body = response.body
        unknown = set(self.wire) - wire_names(body)
        assert not unknown, f"the model of {action} does not know {unknown}"
        assert UUID.fullmatch(body.request_id)
        assert response.headers["x-acs-request-id"] == body.request_id
        assert_typed(body, action)
        return body

    def by_hand(self, action, method="POST", version="2024-09-10", query=None):
        """A call that the SDK has no method for; the answer as it came."""
        params = Params(
            action=action, version=version, protocol="HTTP", pathname="/", method=method,
            auth_type="AK", style="RPC", req_body_type="formData", body_type="json",
        )
        request = OpenApiRequest(query=query or {})
        return self.client.call_api(params, request, RuntimeOptions())["body"]

    def refused(self, action, code, message, status=400, raised="ClientException", **params):
        """The exception that the SDK raises, once it says just this."""
        return refused(lambda: self(action, **params), code, message, status, raised)


def refused(call, code, message, status=400, raised="ClientException"):
    """The exception that a call raises, once it says just this."""
    with pytest.raises(AlibabaCloudException) as caught:
        call()
    error = caught.value
    assert (error.code, error.status_code) == (code, status), error
    assert type(error).__name__ == raised
    assert error.data["Message"] == message
    assert error.message == f"code: {status}, {message} request id: {error.request_id}"
    assert UUID.fullmatch(error.request_id) and error.data["RequestId"] == error.request_id
    assert error.data["HostId"] and error.data["Recommend"].startswith("https://")
    return error


def method_of(client, action):
    """What the SDK calls an action: `GetErService` is `get_er_service`."""
    names = [name for name in dir(client) if name.replace("_", "") == action.lower()]
    assert names, f"the SDK has no {action}"
    return names[0]


def hints_of(model):
    """The attributes of a model and their declared types."""
    hints = typing.get_type_hints(type(model).__init__)
    return {name: hint for name, hint in hints.items() if name != "return"}


def wire_names(model):
    """What the fields of a model are called in an answer."""
    return set(re.findall(r"m\.get\('(.+?)'\)", inspect.getsource(type(model).from_map)))


def assert_typed(value, at, hint=None):
    """Whether everything that is set has its declared type, down to the last leaf."""
    if isinstance(value, DaraModel):
        assert hint is None or isinstance(value, hint), at
        for name, declared in hints_of(value).items():
            inner = getattr(value, name)
            if inner is not None:
                assert_typed(inner, f"{at}.{name}", declared)
        return
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if hint is typing.Any:
        return
    if origin is list:
        assert type(value) is list, (at, value)
        for place, inner in enumerate(value):
            assert_typed(inner, f"{at}[{place}]", arguments[0])
    elif origin is dict:
        assert type(value) is dict, (at, value)
        for name, inner in value.items():
            assert type(name) is arguments[0], (at, name)
            assert_typed(inner, f"{at}[{name}]", arguments[1])
    elif hint is float:
        assert type(value) in (int, float), (at, value)
    else:
        assert inspect.isclass(hint), (at, hint)
        # A bool is an int, but not where a number is declared.
        assert type(value) is hint, (at, value, hint)


def assert_set(value, names, at=""):
    """Whether these attributes are set: `a b.c d[].e`, a list being not empty."""
    for name in names.split():
        reach(value, name.split("."), f"{at}{name}")


def reach(value, path, at):
    name, *rest = path
    inner = getattr(value, name.removesuffix("[]"))
    assert inner is not None, f"{at} is not set"
    if name.endswith("[]"):
        assert inner, f"{at} is empty"
        inner = next(iter(inner.values())) if isinstance(inner, dict) else inner[0]
    if rest:
        reach(inner, rest, at)


def upload(fields, code):
    """The form post of the staging flow, as tools make it: every field, the file last."""
    boundary = uuid.uuid4().hex
    parts = [
        f'--{boundary}\r\ncontent-disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields.items()
        if name != "Url"
    ]
    parts.append(f'--{boundary}\r\ncontent-disposition: form-data; name="file"\r\n\r\n')
    body = "".join(parts).encode() + code + f"\r\n--{boundary}--\r\n".encode()
    request = urllib.request.Request(fields["Url"], body, {
        "content-type": f"multipart/form-data; boundary={boundary}",
    })
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=10) as answer:
        return answer.status


def add_version(esa, name, code=b"export default {}", description="a version"):
    """Uploads code to the staging slot and freezes it: the code version."""
    place = esa("GetRoutineStagingCodeUploadInfo", name=name, code_description=description)
    assert place.code_version == "unstable"
    assert upload(place.oss_post_config, code) == 200
    return esa("CommitRoutineStagingCode", name=name, code_description=description).code_version


def deploy(esa, name, env, shares):
    """Deploys; what was answered."""
    request = models.CreateRoutineCodeDeploymentRequestCodeVersions
    return esa("CreateRoutineCodeDeployment", name=name, env=env, strategy="percentage",
               code_versions=[request(code_version=v, percentage=p) for v, p in shares.items()])
