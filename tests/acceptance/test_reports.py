"""The pages that `--report` of load, simulate and rehearse writes, as a browser shows them."""

import re
import subprocess

import pytest

from browser import browsing
from serin import BINARY, ROOT, environment, serving
from traffic import ROUTINE, RUN_WITHIN_S, in_front_of

PHONE_PX = 360
DESK_PX = 1280
SCENARIO = ROOT / "configs" / "scenarios" / "rehearsal.toml"
WHITE = "rgb(255, 255, 255)"
COLOURS = """
const style = it => getComputedStyle(document.querySelector(it));
return [style('body').backgroundColor, style('body').color, style('svg text').fill];
"""


def reported(folder, status, *command):
    """The page of a command that ends with this status."""
    page = folder / "out.html"
    done = subprocess.run([BINARY, *map(str, command), "--report", page],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=RUN_WITHIN_S, env=environment())
    assert done.returncode == status, (done.stdout, done.stderr)
    return page


@pytest.fixture(scope="module")
def load(tmp_path_factory):
    """A run with a deployment in the middle."""
    folder = tmp_path_factory.mktemp("load")
    with serving(folder, in_front_of([None, None])) as serin:
        serin.deploy(ROUTINE, {"1": 90, "2": 10})
        # On a machine that stands still, some are never sent.
        return reported(folder, 0, "load", f"http://{serin.production}/", "--rate", "500",
                        "--duration", "4s", "--admin", f"http://{serin.admin}",
                        "--routine", ROUTINE, "--deploy", "2s:1@50,2@50", "--max-errors", "2000")


@pytest.fixture(scope="module")
def simulate(tmp_path_factory):
    return reported(tmp_path_factory.mktemp("simulate"), 0, "simulate", SCENARIO)


@pytest.fixture(scope="module")
def rehearse(tmp_path_factory):
    """A plan for users of whom one makes more than half of the requests."""
    folder = tmp_path_factory.mktemp("rehearse")
    keys = ["big\t5200"] + [f"user-{number}" for number in range(4800)]
    (folder / "keys").write_text("\n".join(keys), encoding="utf-8")
    return reported(folder, 1, "rehearse", "checkout", "--plan", "25,50,100",
                    "--config", ROOT / "configs" / "demo.toml", "--keys", folder / "keys")


@pytest.fixture(params=["load", "simulate", "rehearse"])
def report(request):
    return request.getfixturevalue(request.param)


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with browsing(tmp_path_factory.mktemp("browser")) as browser:
        yield browser


def verdict(page):
    return page("return document.querySelector('h1 + .verdict').innerText")


def heights(page):
    """Of all plots, as they are drawn."""
    return page("return [...document.querySelectorAll('svg')]"
                ".map(it => it.getBoundingClientRect().height)")


def lines(page):
    """How many each plot has."""
    return page("return [...document.querySelectorAll('svg')]"
                ".map(it => it.querySelectorAll('polyline').length)")


def test_nothing_is_fetched_and_nothing_runs(browser, report):
    with browser.page(report.as_uri()) as page:
        assert page("return performance.getEntriesByType('resource').length") == 0
        assert page("return document.scripts.length") == 0
    assert not re.search(r"\son\w+=|javascript:|@import|src=", report.read_text())


@pytest.mark.parametrize("width", [PHONE_PX, DESK_PX])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_phone_and_a_desk_and_is_light_or_dark(browser, report, scheme, width):
    with browser.page(report.as_uri(), width=width, scheme=scheme) as page:
        assert page("return innerWidth") == width
        assert page("return document.documentElement.scrollWidth") <= width
        paper, ink, plot = page(COLOURS)
        parts = [int(part) for part in re.findall(r"\d+", paper)[:3]]
        assert (min(parts) > 200) == (scheme == "light"), paper
        assert plot == ink != paper


def test_it_is_light_in_print(browser, report):
    with browser.page(report.as_uri(), scheme="dark") as page:
        [target] = [it["targetId"] for it in browser.ask("Target.getTargets")["targetInfos"]
                    if it["url"] == report.as_uri()]
        session = browser.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        dark, *_ = page(COLOURS)
        browser.ask("Emulation.setEmulatedMedia", session, media="print",
                    features=[{"name": "prefers-color-scheme", "value": "dark"}])
        paper, ink, plot = page(COLOURS)
        assert paper == WHITE != dark
        assert plot == ink != paper


def test_a_load_tells_its_verdict_and_draws_its_deployment(browser, load):
    with browser.page(load.as_uri()) as page:
        assert verdict(page) == "Good"
        assert len(heights(page)) == 3 and min(heights(page)) > 100
        assert sum(lines(page)) >= 4
        assert "deployment 3" in page("return document.querySelector('svg').textContent")


def test_a_simulation_tells_its_verdict_and_draws_what_its_operator_did(browser, simulate):
    with browser.page(simulate.as_uri()) as page:
        assert verdict(page) == "Good"
        assert len(heights(page)) == 5 and min(heights(page)) > 100
        shares = page("return document.querySelector('svg').textContent")
        assert all(mark in shares for mark in ("D2", "D3", "A1", "A4", "minutes")), shares
        assert page("return document.querySelector('svg').querySelectorAll('polygon').length") == 2
        shown = page("return document.body.innerText")
        assert SCENARIO.read_text().splitlines()[0] in shown
        assert re.search(r"\S+ simulate \S+rehearsal.toml --report \S+out.html", shown)


def test_a_rehearsal_tells_its_danger_and_draws_users_and_requests(browser, rehearse):
    with browser.page(rehearse.as_uri()) as page:
        assert "52 % of requests come from one key, big" in verdict(page)
        assert len(lines(page)) == 3 and min(lines(page)) >= 2
        assert "--plan 25,50,100" in page("return document.querySelector('pre').innerText")
