"""Prometheus itself reads /metrics: a live one scrapes a Serin under traffic, and promtool
judges the page, the alerts and the example of a config."""

import contextlib
import http.client
import json
import re
import subprocess
import time
import urllib.parse

import pytest

from serin import ANSWER_WITHIN_S, ROOT, START_WITHIN_S, Visitor, environment, serving
from traffic import HOST, ROUTINE, in_front_of, unpacked

GRAFANA = ROOT / "configs" / "grafana"
OPEN_METRICS = "application/openmetrics-text; version=1.0.0"
SECRET = "a-secret-to-look"
KEY = f"""
[[access_key]]
id = "prometheus"
secret = "{SECRET}"
read_only = true
"""
USERS = 200


def get(address, path, **fields):
    with contextlib.closing(http.client.HTTPConnection(address, timeout=ANSWER_WITHIN_S)) as it:
        it.request("GET", path, headers=fields)
        answer = it.getresponse()
        return answer.status, answer.read().decode()


def promtool(*arguments, said=None, cwd=None):
    command, variables = unpacked("prometheus", "promtool")
    done = subprocess.run([command, *map(str, arguments)], input=said, capture_output=True,
                          text=True, timeout=START_WITHIN_S, env=variables, cwd=cwd)
    assert done.returncode == 0, (arguments, done.stdout, done.stderr)
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def serin(tmp_path_factory):
    # Of two versions, one has an upstream where nobody listens.
    config = in_front_of([None, "http://127.0.0.1:1"]) + KEY
    config = config.replace('{ code_version = "1", percentage = 100 }',
                            '{ code_version = "1", percentage = 75 }, '
                            '{ code_version = "2", percentage = 25 }')
    with serving(tmp_path_factory.mktemp("prometheus"), config) as serin:
        visitor = Visitor(serin.production, HOST)
        statuses = [visitor.ask(x_serin_key=f"user-{user}")[0] for user in range(USERS)]
        assert set(statuses) == {200, 502}
        serin.failed = statuses.count(502)
        yield serin


def scraped(serin, accept="text/plain"):
    status, page = get(serin.admin, "/metrics", authorization=f"Bearer {SECRET}", accept=accept)
    assert status == 200
    return page


def test_promtool_finds_nothing_wrong_with_a_live_page(serin):
    assert promtool("check", "metrics", said=scraped(serin)) == ""


def test_promtool_takes_the_alerts_and_the_config():
    said = promtool("check", "rules", "serin.rules.yml", cwd=GRAFANA)
    alerts = len(re.findall("- (?:alert|record):", (GRAFANA / "serin.rules.yml").read_text()))
    assert f"SUCCESS: {alerts} rules found" in said, said
    assert "SUCCESS" in promtool("check", "config", "prometheus.yml", cwd=GRAFANA)


def test_promtool_takes_what_the_dashboard_asks(tmp_path):
    dashboard = json.loads((GRAFANA / "serin.json").read_text())
    asked = [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", [])]
    meant = [re.sub(r"\$(routine|env)", ".*", query.replace("$__rate_interval", "1m"))
             for query in asked]
    rules = [{"record": f"asked:{number}", "expr": query} for number, query in enumerate(meant)]
    # JSON is YAML.
    (tmp_path / "asked.yml").write_text(json.dumps({"groups": [{"name": "x", "rules": rules}]}))
    assert f"SUCCESS: {len(asked)} rules" in promtool("check", "rules", tmp_path / "asked.yml")


def test_open_metrics_tell_the_same(serin):
    def samples(page):
        lines = page.splitlines()
        return [line.rsplit(" ", 1)[0] for line in lines if not line.startswith("#")]

    text, other = scraped(serin), scraped(serin, OPEN_METRICS)
    assert other.endswith("# EOF\n")
    assert samples(text) == samples(other)


@contextlib.contextmanager
def prometheus(folder, serin):
    """A Prometheus that scrapes `serin` ten times a second: its address."""
    command, variables = unpacked("prometheus", "prometheus")
    config = (GRAFANA / "prometheus.yml").read_text()
    (folder / "serin.secret").write_text(SECRET)
    for shown, meant in [
        ("127.0.0.1:8090", serin.admin),
        ("15s", "100ms"),
        ("    # authorization:", "    authorization:"),
        ("    #   credentials_file: /etc/prometheus/serin.secret",
         f"      credentials_file: {folder / 'serin.secret'}"),
    ]:
        assert shown in config, shown
        config = config.replace(shown, meant)
    (folder / "prometheus.yml").write_text(config)
    (folder / "serin.rules.yml").write_text((GRAFANA / "serin.rules.yml").read_text())
    log = folder / "prometheus.log"
    with log.open("w") as said:
        process = subprocess.Popen(
            [command, "--config.file=prometheus.yml", f"--storage.tsdb.path={folder / 'data'}",
             "--web.listen-address=127.0.0.1:0", "--log.level=debug"],
            cwd=folder, env=variables, stdin=subprocess.DEVNULL, stdout=said, stderr=said)
    try:
        address = listening(process, log)
        deadline = time.monotonic() + START_WITHIN_S
        # It listens before it answers queries.
        while get(address, "/-/ready")[0] != 200:
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)
        yield address
    finally:
        process.terminate()
        try:
            process.wait(START_WITHIN_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def listening(process, log):
    """Where a process listens that was given any port."""
    deadline = time.monotonic() + START_WITHIN_S
    while time.monotonic() < deadline and process.poll() is None:
        found = re.search(r'"?(?:Listening on|Start listening for connections)"?.*?'
                          r"(127\.0\.0\.1:[1-9]\d*)", log.read_text())
        if found:
            return found[1]
        time.sleep(0.05)
    raise AssertionError(log.read_text())


def queried(address, query):
    """What Prometheus answers: the value of each series, by its labels."""
    path = "/api/v1/query?" + urllib.parse.urlencode({"query": query})
    status, answer = get(address, path)
    assert status == 200, answer
    return [(it["metric"], float(it["value"][1])) for it in json.loads(answer)["data"]["result"]]


def test_a_prometheus_scrapes_it_and_answers(tmp_path, serin):
    with prometheus(tmp_path, serin) as address:
        deadline = time.monotonic() + START_WITHIN_S
        of_routine = f'routine="{ROUTINE}",env="production"'
        failed = f'sum(serin_requests_total{{{of_routine},code_class="5xx",role="canary"}})'
        while not (found := queried(address, failed)):
            assert time.monotonic() < deadline, (tmp_path / "prometheus.log").read_text()
            time.sleep(0.05)
        assert found == [({}, serin.failed)]
        assert queried(address, 'up{job="serin"}')[0][1] == 1
        total = queried(address, f"sum(serin_request_duration_seconds_count{{{of_routine}}})")
        assert total == [({}, USERS)]
        weights = queried(address, f"serin_version_weight_ratio{{{of_routine}}}")
        assert {it["role"]: value for it, value in weights} == {"stable": 0.75, "canary": 0.25}
        status, rules = get(address, "/api/v1/rules")
        groups = json.loads(rules)["data"]["groups"]
        assert status == 200 and all(rule["health"] != "err" for rule in groups[0]["rules"]), rules
