"""The page that `serin rehearse --report` writes, as a browser shows it."""

import subprocess

import pytest

from browser import browsing
from serin import BINARY, ROOT, environment
from traffic import RUN_WITHIN_S

PHONE_PX = 360


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """A plan for users of whom one makes more than half of the requests, as a page."""
    folder = tmp_path_factory.mktemp("report")
    keys = ["big\t5200"] + [f"user-{number}" for number in range(4800)]
    (folder / "keys").write_text("\n".join(keys), encoding="utf-8")
    command = [BINARY, "rehearse", "checkout", "--plan", "25,50,100",
               "--config", ROOT / "configs" / "demo.toml", "--keys", folder / "keys",
               "--report", folder / "out.html"]
    done = subprocess.run(list(map(str, command)), stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=RUN_WITHIN_S,
                          env=environment())
    assert done.returncode == 1, (done.stdout, done.stderr)
    return folder / "out.html"


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with browsing(tmp_path_factory.mktemp("browser")) as browser:
        yield browser


def test_the_danger_is_on_top_and_users_and_requests_are_drawn(browser, report):
    with browser.page(report.as_uri(), width=PHONE_PX) as page:
        verdict = page("return document.querySelector('h1 + .verdict').innerText")
        assert "52 % of requests come from one key, big" in verdict
        drawn = page("return [...document.querySelectorAll('svg')]"
                     ".map(it => it.querySelectorAll('polyline').length)")
        assert len(drawn) == 2 and min(drawn) >= 2, drawn
        assert page("return document.documentElement.scrollWidth") <= PHONE_PX
        assert page("return document.scripts.length") == 0
        assert "--plan 25,50,100" in page("return document.querySelector('pre').innerText")
