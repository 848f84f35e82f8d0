"""A Chromium without a window, driven over its DevTools protocol."""

import contextlib
import itertools
import json
import os
import pathlib
import shutil
import subprocess
import time

import pytest
from websockets.sync.client import connect

from traffic import unpacked

START_WITHIN_S = 30
ANSWER_WITHIN_S = 30
BIG_ENOUGH = 64 << 20


class Browser:
    """One browser; each page is opened for one script."""

    def __init__(self, folder, trusted=None):
        command, variables = unpacked("browser", "chromium-headless-shell")
        within = os.environ.get("UNPACKED_browser")
        if within is not None:
            # What is on the path is a script that looks for it where it is not.
            command = pathlib.Path(within) / "usr/lib/chromium/chromium-headless-shell"
        self.folder = pathlib.Path(folder)
        variables = variables | {"HOME": str(self.folder)}
        if trusted is not None:
            self.trust(trusted, variables)
        with (self.folder / "browser.log").open("wb") as log:
            self.process = subprocess.Popen(
                [command, "--no-sandbox", "--disable-gpu", "--remote-debugging-port=0",
                 f"--user-data-dir={self.folder / 'profile'}", "about:blank"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=variables)
        self.numbers = itertools.count(1)

    def trust(self, authority, variables):
        """Chromium on Linux asks NSS whom its user trusts."""
        if shutil.which("certutil") is None:
            pytest.skip("certutil is not installed")
        database = self.folder / ".pki" / "nssdb"
        database.mkdir(parents=True)
        for arguments in (["-N", "--empty-password"],
                          ["-A", "-n", "authority", "-t", "C,,", "-i", str(authority)]):
            subprocess.run(["certutil", "-d", f"sql:{database}", *arguments], check=True,
                           env=variables, stdin=subprocess.DEVNULL, capture_output=True)

    def address(self):
        told = self.folder / "profile" / "DevToolsActivePort"
        deadline = time.monotonic() + START_WITHIN_S
        while True:
            with contextlib.suppress(FileNotFoundError, ValueError):
                port, path = told.read_text().split("\n")
                return f"ws://127.0.0.1:{port}{path}"
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError((self.folder / "browser.log").read_text(errors="replace"))
            time.sleep(0.02)

    def end(self):
        self.process.terminate()
        try:
            self.process.wait(START_WITHIN_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def ask(self, method, session=None, **params):
        number = next(self.numbers)
        said = {"id": number, "method": method, "params": params}
        self.socket.send(json.dumps(said | ({"sessionId": session} if session else {})))
        while True:
            answer = json.loads(self.socket.recv(ANSWER_WITHIN_S))
            if answer.get("id") == number:
                assert "error" not in answer, answer
                return answer["result"]

    @contextlib.contextmanager
    def page(self, url, width=None, scheme=None):
        """A page of this URL, once it is loaded: a function that runs scripts in it.

        It may be of a width in pixels, and for a reader who likes a colour scheme.
        """
        target = self.ask("Target.createTarget", url=url)["targetId"]
        session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]

        def evaluate(script):
            """What the promise of an asynchronous function's body comes to."""
            answer = self.ask(
                "Runtime.evaluate", session, awaitPromise=True, returnByValue=True,
                expression=f"(async () => {{ {script} }})()")
            assert "exceptionDetails" not in answer, answer["exceptionDetails"]
            return answer["result"].get("value")

        if width is not None:
            self.ask("Emulation.setDeviceMetricsOverride", session, width=width, height=800,
                     deviceScaleFactor=1, mobile=True)
        if scheme is not None:
            self.ask("Emulation.setEmulatedMedia", session,
                     features=[{"name": "prefers-color-scheme", "value": scheme}])
        deadline = time.monotonic() + START_WITHIN_S
        while not evaluate("return location.href != 'about:blank' "
                           "&& document.readyState == 'complete'"):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        yield evaluate
        self.ask("Target.closeTarget", targetId=target)


@contextlib.contextmanager
def browsing(folder, trusted=None):
    browser = Browser(folder, trusted)
    try:
        address = browser.address()
        with connect(address, max_size=BIG_ENOUGH, open_timeout=START_WITHIN_S) as browser.socket:
            yield browser
    finally:
        browser.end()
