"""The assets flow: an archive that is posted where the API says."""

import io
import time
import zipfile

import sdk

READY_WITHIN_S = 20


def archive(files):
    octets = io.BytesIO()
    with zipfile.ZipFile(octets, "w", zipfile.ZIP_DEFLATED) as made:
        for name, text in files.items():
            made.writestr(name, text)
    return octets.getvalue()


def upload(place, files):
    """As esa-cli posts it: these six fields, and the file without a name."""
    fields = {
        "OSSAccessKeyId": place.ossaccess_key_id, "Signature": place.signature,
        "key": place.key, "policy": place.policy,
        "x-oss-security-token": place.xoss_security_token, "Url": place.url,
    }
    assert sdk.upload(fields, archive(files)) in (200, 204)


def wait_until_available(esa, name, code_version):
    """What is told of a version once it can be deployed."""
    deadline = time.monotonic() + READY_WITHIN_S
    while True:
        told = esa("GetRoutineCodeVersionInfo", name=name, code_version=code_version)
        if told.status.lower() == "available":
            return told
        assert told.status.lower() == "init" and time.monotonic() < deadline, told.status
        time.sleep(0.05)
