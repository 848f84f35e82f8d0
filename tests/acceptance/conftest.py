"""What every test may have, and the last lines."""

import collections
import pathlib
import signal
import sys

import pytest

import serin as process
from sdk import Esa

HERE = pathlib.Path(__file__).resolve().parent
# With what is set up for it, on a machine that has more to do.
TEST_WITHIN_S = 180

SITE = """
[[site]]
id     = 1001
name   = "example.com"
origin = "http://{origin}"
"""


def out_of_time(*_):
    raise TimeoutError(f"a test did not end within {TEST_WITHIN_S} s")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol():
    """No test waits for ever, whatever it waits for."""
    signal.signal(signal.SIGALRM, out_of_time)
    # Again and again: what cleans up behind the test may wait, too.
    signal.setitimer(signal.ITIMER_REAL, TEST_WITHIN_S, TEST_WITHIN_S)
    try:
        return (yield)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


@pytest.fixture(scope="module")
def serin(tmp_path_factory):
    """One Serin for a file of tests: each has routines of its own."""
    config = process.ANY_PORT + process.REGIONS
    with process.serving(tmp_path_factory.mktemp("serin"), config) as serin:
        yield serin


@pytest.fixture(scope="module")
def esa(serin):
    return Esa(serin)


@pytest.fixture(scope="module")
def sited(tmp_path_factory):
    """One with a site, whose origin says `origin`."""
    with process.origin() as origin:
        config = process.ANY_PORT + process.REGIONS + SITE.format(origin=origin)
        with process.serving(tmp_path_factory.mktemp("sited"), config) as serin:
            yield serin


@pytest.fixture(scope="module")
def sited_esa(sited):
    return Esa(sited)


KEYS = """
[[access_key]]
id     = "testid"
secret = "testsecret"
[[access_key]]
id        = "watcher"
secret    = "only-looking"
read_only = true
"""


@pytest.fixture(scope="module")
def keyed(tmp_path_factory):
    """One that asks who calls."""
    with process.serving(tmp_path_factory.mktemp("keyed"), process.ANY_PORT + KEYS) as serin:
        yield serin


@pytest.fixture
def start(tmp_path):
    """Starts one Serin for one test, from a config."""
    running = []

    def start(config=process.ANY_PORT):
        folder = tmp_path / str(len(running))
        folder.mkdir()
        running.append(process.Serin(folder, config))
        return running[-1]

    yield start
    for serin in running:
        serin.kill()


def pytest_terminal_summary(terminalreporter):
    """How long each file took. Files run side by side, so it is more than there was."""
    took = collections.Counter()
    for reports in terminalreporter.stats.values():
        for report in reports:
            if hasattr(report, "duration"):
                took[report.nodeid.partition("::")[0]] += report.duration
    for file, seconds in took.most_common():
        terminalreporter.write_line(f"{seconds:6.1f} s  {file}")


def pytest_sessionfinish(session):
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None:
        return  # a worker: whoever started it counts
    # A test may fail and then fail to clean up; it counts once.
    names = {word: {it.nodeid for it in reporter.stats.get(word, [])}
             for word in ("passed", "failed", "error", "skipped")}
    failed = names["failed"] | names["error"]
    session.config.counted = (
        f"{len(names['passed'] - failed)} passed, {len(failed)} failed,"
        f" {len(names['skipped'])} skipped"
    )


def pytest_unconfigure(config):
    if hasattr(config, "counted"):
        print(f"acceptance: {config.counted}", file=sys.stdout, flush=True)
