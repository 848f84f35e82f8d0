"""The page that `serin load --report` writes, as a browser shows it."""

import re
import subprocess

import pytest

from browser import browsing
from serin import BINARY, environment, serving
from traffic import ROUTINE, RUN_WITHIN_S, in_front_of

PHONE_PX = 360
DESK_PX = 1280
COLOURS = "const style = it => getComputedStyle(document.querySelector(it));"


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """A run with a deployment in the middle, as a page."""
    folder = tmp_path_factory.mktemp("report")
    with serving(folder, in_front_of([None, None])) as serin:
        serin.deploy(ROUTINE, {"1": 90, "2": 10})
        command = [BINARY, "load", f"http://{serin.production}/", "--rate", "500",
                   "--duration", "4s", "--admin", f"http://{serin.admin}", "--routine", ROUTINE,
                   "--deploy", "2s:1@50,2@50", "--report", folder / "out.html",
                   # On a machine that stands still, some are never sent.
                   "--max-errors", "2000"]
        done = subprocess.run(list(map(str, command)), stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=RUN_WITHIN_S,
                              env=environment())
    assert done.returncode == 0, (done.stdout, done.stderr)
    return folder / "out.html"


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with browsing(tmp_path_factory.mktemp("browser")) as browser:
        yield browser


def test_the_verdict_is_on_top_and_plots_are_drawn(browser, report):
    with browser.page(report.as_uri()) as page:
        assert page("return document.querySelector('h1 + .verdict').innerText") == "Good"
        assert page("return document.querySelectorAll('svg polyline').length") >= 4
        drawn = page("return [...document.querySelectorAll('svg')]"
                     ".map(it => it.getBoundingClientRect().height)")
        assert len(drawn) == 2 and min(drawn) > 100, drawn
        assert "deployment 3" in page("return document.querySelector('svg').textContent")


def test_nothing_is_fetched_and_nothing_runs(browser, report):
    with browser.page(report.as_uri()) as page:
        assert page("return performance.getEntriesByType('resource').length") == 0
        assert page("return document.scripts.length") == 0
    assert not re.search(r"\son\w+=|javascript:|@import|src=", report.read_text())


@pytest.mark.parametrize("width", [PHONE_PX, DESK_PX])
def test_it_fits_a_phone_and_a_desk(browser, report, width):
    with browser.page(report.as_uri(), width=width) as page:
        assert page("return innerWidth") == width
        assert page("return document.documentElement.scrollWidth") <= width


def test_it_is_light_or_dark_as_the_reader_likes_it(browser, report):
    seen = {}
    for scheme in ("light", "dark"):
        with browser.page(report.as_uri(), scheme=scheme) as page:
            seen[scheme] = page(COLOURS + "return [style('body').backgroundColor,"
                                "style('body').color, style('svg text').fill]")
    (paper, ink, plot), (dark_paper, dark_ink, dark_plot) = seen["light"], seen["dark"]
    assert (plot, dark_plot) == (ink, dark_ink), seen
    assert paper != dark_paper and ink != dark_ink, seen
