"""A Chromium without a window, driven over its DevTools protocol."""

import base64
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
        self.complaints = []

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
            self.complaints.extend(complaint(answer))

    @contextlib.contextmanager
    def page(self, url, width=None, scheme=None):
        """A page of this URL, once it is loaded: a function that runs scripts in it.

        It may be of a width in pixels, and for a reader who likes a colour scheme.
        """
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Runtime", "Log", "Page"):
            self.ask(f"{domain}.enable", session)
        page = Page(self, session)
        if width is not None:
            page.resize(width)
        if scheme is not None:
            self.ask("Emulation.setEmulatedMedia", session,
                     features=[{"name": "prefers-color-scheme", "value": scheme}])
        page.go(url)
        yield page
        self.ask("Target.closeTarget", targetId=target)


def complaint(said):
    """What an event says is wrong with a page: errors of scripts, of policies, of the network."""
    params = said.get("params", {})
    match said.get("method"):
        case "Runtime.exceptionThrown":
            yield params["exceptionDetails"].get("exception", {}).get("description", str(params))
        case "Runtime.consoleAPICalled" if params["type"] == "error":
            yield str(params["args"])
        case "Log.entryAdded" if params["entry"]["level"] == "error":
            yield f"{params['entry']['source']}: {params['entry']['text']}"


class Page:
    """Called with the body of an asynchronous function, what its promise comes to."""

    def __init__(self, browser, session):
        self.browser, self.session = browser, session

    def __call__(self, script):
        answer = self.browser.ask(
            "Runtime.evaluate", self.session, awaitPromise=True, returnByValue=True,
            expression=f"(async () => {{ {script} }})()")
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def go(self, url):
        self.browser.ask("Page.navigate", self.session, url=url)
        self.until("return location.href != 'about:blank' && document.readyState == 'complete'")

    def resize(self, width, height=800):
        self.browser.ask("Emulation.setDeviceMetricsOverride", self.session, width=width,
                         height=height, deviceScaleFactor=1, mobile=True)

    def until(self, script, within_s=START_WITHIN_S):
        """Waits until a script says so, and returns what it says."""
        deadline = time.monotonic() + within_s
        while not (said := self(script)):
            assert time.monotonic() < deadline, (script, self("return document.body.innerText"))
            time.sleep(0.02)
        return said

    def press(self, key, times=1):
        """A key, as a keyboard sends it: `ArrowRight`, `Enter`, or one character."""
        text = {"Enter": "\r", "Space": " "}.get(key, key if len(key) == 1 else None)
        name = " " if key == "Space" else key
        number = {"Enter": 13, "Escape": 27, "Tab": 9, "Space": 32, "Home": 36,
                  "ArrowLeft": 37, "ArrowRight": 39}.get(key, ord(key[0]))
        down = {"type": "keyDown", "text": text} if text else {"type": "rawKeyDown"}
        for _ in range(times):
            for params in (down, {"type": "keyUp"}):
                self.browser.ask("Input.dispatchKeyEvent", self.session, key=name, code=key,
                                 windowsVirtualKeyCode=number, **params)

    def type(self, text):
        self.browser.ask("Input.insertText", self.session, text=text)

    def click(self, selector):
        """A mouse button over the first element of this selector, scrolled into sight."""
        x, y = self(f"const it = document.querySelector({json.dumps(selector)});"
                    "it.scrollIntoView({block: 'center', behavior: 'instant'});"
                    "const {x, y, width, height} = it.getBoundingClientRect();"
                    "return [x + width / 2, y + height / 2]")
        for kind in ("mousePressed", "mouseReleased"):
            self.browser.ask("Input.dispatchMouseEvent", self.session, type=kind, x=x, y=y,
                             button="left", clickCount=1)

    def shot(self, path):
        """A picture of the whole page."""
        shot = self.browser.ask("Page.captureScreenshot", self.session, format="png",
                                captureBeyondViewport=True)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(base64.b64decode(shot["data"]))


@contextlib.contextmanager
def browsing(folder, trusted=None):
    browser = Browser(folder, trusted)
    try:
        address = browser.address()
        with connect(address, max_size=BIG_ENOUGH, open_timeout=START_WITHIN_S) as browser.socket:
            yield browser
    finally:
        browser.end()
