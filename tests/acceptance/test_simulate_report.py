"""The page that `serin simulate --report` writes, as a browser shows it."""

import re
import subprocess

import pytest

from browser import browsing
from serin import BINARY, ROOT, environment

RUN_WITHIN_S = 60
PHONE_PX = 360
SCENARIO = ROOT / "configs" / "scenarios" / "rehearsal.toml"
COLOURS = "const style = it => getComputedStyle(document.querySelector(it));"


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    page = tmp_path_factory.mktemp("report") / "out.html"
    command = [BINARY, "simulate", SCENARIO, "--report", page]
    done = subprocess.run(list(map(str, command)), stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=RUN_WITHIN_S, env=environment())
    assert done.returncode == 0, (done.stdout, done.stderr)
    return page


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with browsing(tmp_path_factory.mktemp("browser")) as browser:
        yield browser


def test_the_verdict_is_on_top_and_plots_are_drawn(browser, report):
    with browser.page(report.as_uri()) as page:
        assert page("return document.querySelector('h1 + .verdict').innerText") == "Good"
        drawn = page("return [...document.querySelectorAll('svg')]"
                     ".map(it => it.getBoundingClientRect().height)")
        assert len(drawn) == 4 and min(drawn) > 100, drawn
        shares = page("return document.querySelector('svg').textContent")
        assert all(mark in shares for mark in ("D2", "D3", "A1", "A4", "minutes")), shares
        assert page("return document.querySelectorAll('svg')[0]"
                    ".querySelectorAll('polygon').length") == 2
        shown = page("return document.body.innerText")
        assert SCENARIO.read_text().splitlines()[0] in shown
        assert re.search(r"\S+ simulate \S+rehearsal.toml --report \S+out.html", shown)


def test_nothing_is_fetched_and_nothing_runs(browser, report):
    with browser.page(report.as_uri()) as page:
        assert page("return performance.getEntriesByType('resource').length") == 0
        assert page("return document.scripts.length") == 0
    assert not re.search(r"\son\w+=|javascript:|@import|src=", report.read_text())


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_phone_and_is_as_the_reader_likes_it(browser, report, scheme):
    with browser.page(report.as_uri(), width=PHONE_PX, scheme=scheme) as page:
        assert page("return document.documentElement.scrollWidth") <= PHONE_PX
        paper, ink, plot = page(COLOURS + "return [style('body').backgroundColor,"
                                "style('body').color, style('svg text').fill]")
        light = [int(part) for part in re.findall(r"\d+", paper)[:3]]
        assert (min(light) > 200) == (scheme == "light"), paper
        assert plot == ink != paper


def test_it_is_light_in_print(browser, report):
    with browser.page(report.as_uri(), scheme="dark") as page:
        [target] = [it["targetId"] for it in browser.ask("Target.getTargets")["targetInfos"]
                    if it["url"] == report.as_uri()]
        session = browser.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        dark = page("return getComputedStyle(document.body).backgroundColor")
        browser.ask("Emulation.setEmulatedMedia", session, media="print",
                    features=[{"name": "prefers-color-scheme", "value": "dark"}])
        paper = page("return getComputedStyle(document.body).backgroundColor")
        assert paper == "rgb(255, 255, 255)" != dark
