"""ESA's own command line over HTTPS, with keys, in a home and a project of its own."""

import json
import re
import subprocess

import pytest

import serin as process
from clients import clients
from conftest import KEYS, SITE
from sdk import Esa, add_version, deploy
from serin import Visitor, environment, shares_of, visits

RUN_WITHIN_S = 120
COLOURS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
CODE = "export default { async fetch() { return new Response('hello'); } };\n"


class Project:
    """A folder with a project, and a home that nobody else has."""

    def __init__(self, serin, folder, name, **environment):
        self.serin, self.name, self.more = serin, name, environment
        self.home, self.folder = folder / "home", folder / name
        (self.folder / "src").mkdir(parents=True)
        (self.folder / "src" / "index.js").write_text(CODE, encoding="utf-8")
        (self.folder / "public").mkdir()
        (self.folder / "public" / "index.html").write_text("<p>hello\n", encoding="utf-8")
        config = {"name": name, "entry": "./src/index.js", "endpoint": serin.admin_tls,
                  "assets": {"directory": "./public"}}
        (self.folder / "esa.jsonc").write_text(json.dumps(config), encoding="utf-8")
        settings = self.home / ".esa" / "config"
        settings.mkdir(parents=True)
        (settings / "default.toml").write_text(f'endpoint = "{serin.admin_tls}"\n')

    def __call__(self, *arguments, status=0):
        """What a command prints, in black and white."""
        entry = clients("esa-cli") / "node_modules" / "esa-cli" / "bin" / "enter.cjs"
        run = subprocess.run(
            ["node", entry, *arguments], cwd=self.folder, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=RUN_WITHIN_S,
            env=environment(**{
                "HOME": str(self.home), "CUSTOM_ENDPOINT": self.serin.admin_tls,
                "NODE_EXTRA_CA_CERTS": str(self.serin.ca()), "ESA_NO_UPDATE_CHECK": "1",
                "ESA_ACCESS_KEY_ID": "testid", "ESA_ACCESS_KEY_SECRET": "testsecret",
                "LANG": "en_US.UTF-8",
            } | self.more),
        )
        printed = COLOURS.sub("", run.stdout)
        assert run.returncode == status, printed
        return printed


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A Serin as the README's page on esa-cli has it, with a site."""
    with process.origin() as origin:
        config = process.TLS + KEYS + SITE.format(origin=origin)
        with process.serving(tmp_path_factory.mktemp("esa-cli"), config) as serin:
            yield serin


@pytest.fixture(scope="module")
def unsited(tmp_path_factory):
    with process.serving(tmp_path_factory.mktemp("esa-cli"), process.TLS + KEYS) as serin:
        yield serin


@pytest.fixture
def project(unsited, tmp_path, request):
    return Project(unsited, tmp_path, name_of(request))


@pytest.fixture
def sited_project(place, tmp_path, request):
    return Project(place, tmp_path, name_of(request))


def name_of(request):
    """A routine's name of the test's."""
    words = request.node.name.removeprefix("test_").replace("_", "-")
    return f"cli-{words}"[:40].rstrip("-")


def two_versions(project):
    """The project's routine with two versions: both, and the SDK that made them."""
    esa = Esa(project.serin)
    esa("CreateRoutine", name=project.name, has_assets=True)
    return add_version(esa, project.name), add_version(esa, project.name), esa


def shares(esa, name, env):
    """What is live in an environment."""
    live = [it.code_deploy for it in esa("GetRoutine", name=name).envs if it.env == env]
    return {it.code_version: it.percentage for it in live[0].code_versions} if live else {}


def test_a_key_of_the_environment_logs_in(project):
    assert "Login success" in project("login")


def test_a_key_that_is_told_logs_in_and_is_kept(unsited, tmp_path):
    project = Project(unsited, tmp_path, "kept", ESA_ACCESS_KEY_ID="", ESA_ACCESS_KEY_SECRET="")
    told = project("login", "--ak", "testid", "--sk", "testsecret")
    assert "Login success" in told
    kept = (project.home / ".esa" / "config" / "default.toml").read_text(encoding="utf-8")
    assert 'accessKeyId = "testid"' in kept and unsited.admin_tls in kept
    assert "List all" in project("project", "list")


def test_a_wrong_secret_does_not_log_in(unsited, tmp_path):
    project = Project(unsited, tmp_path, "wrong", ESA_ACCESS_KEY_SECRET="wrong")
    told = project("login")
    assert "SignatureDoesNotMatch" in told and "Login success" not in told


def test_a_service_that_is_not_open_does_not_log_in(tmp_path):
    config = process.TLS + '[account]\nservice = "not_opened"\n'
    (tmp_path / "serin").mkdir()
    with process.serving(tmp_path / "serin", config) as serin:
        project = Project(serin, tmp_path, "closed")
        assert "Functions and Pages is not active" in project("login")


def test_a_commit_makes_a_routine_and_a_version(project):
    printed = project("commit", "-d", "by hand")
    version = re.search(r"Code version (\d{19}) generated", printed)[1]
    esa = Esa(project.serin)
    assert esa("GetRoutine", name=project.name).has_assets is True
    told = esa("GetRoutineCodeVersionInfo", name=project.name, code_version=version)
    assert (told.code_description, told.status) == ("by hand", "available")
    assert json.loads(told.extra_info) == {"Source": "CLI"}


def test_a_deploy_commits_and_serves_in_both_environments(project):
    assert "Deploy finished" in project("deploy", "-d", "whole")
    esa = Esa(project.serin)
    version, = shares(esa, project.name, "production")
    assert shares(esa, project.name, "staging") == {version: 100}
    host = f"{project.name}.localhost"
    assert Visitor(project.serin.production, host).version() == version
    assert Visitor(project.serin.staging, host).version() == version


def test_a_deploy_of_a_version_serves_where_it_is_told_to(project):
    first, second, esa = two_versions(project)
    assert "Deploy finished" in project("deploy", "-v", second, "-e", "production")
    assert shares(esa, project.name, "production") == {second: 100}
    assert shares(esa, project.name, "staging") == {}


def test_a_deploy_of_two_versions_splits_the_users(project):
    first, second, esa = two_versions(project)
    printed = project("deploy", "--versions", f"{first}:10,{second}:90", "-e", "production")
    assert "Deploy finished" in printed and f"{second}: 90%" in printed
    assert shares(esa, project.name, "production") == {first: 10, second: 90}
    met = visits(project.serin.production, f"{project.name}.localhost")
    assert met == process.split("routine", project.name, {first: 10, second: 90})
    assert shares_of(met)[first] < shares_of(met)[second]


def test_a_deploy_that_is_refused_fails(project):
    first, second, esa = two_versions(project)
    deploy(esa, project.name, "production", {first: 100})
    # The command line lets 0 through; Serin does not.
    wrong = project("deploy", "--versions", f"{first}:0,{second}:100", "-e", "production", status=1)
    assert "Deploy failed" in wrong and "InvalidParameter" in wrong
    assert shares(esa, project.name, "production") == {first: 100}


def test_deployments_are_listed_and_deleted(project):
    first, second, esa = two_versions(project)
    deploy(esa, project.name, "staging", {first: 100})
    listed = project("deployments", "list")
    assert first in listed and second in listed and "Staging IP" in listed
    assert f"Delete success: {second}" in project("deployments", "delete", second)
    # The one that serves stays.
    assert f"Delete failed: {first}" in project("deployments", "delete", first)
    left = esa("ListRoutineCodeVersions", name=project.name).code_versions
    assert [it.code_version for it in left] == [first]


def test_projects_are_listed_and_deleted(project):
    _, _, esa = two_versions(project)
    listed = project("project", "list", "-k", project.name)
    assert project.name[:15] in listed
    project("project", "delete", project.name)
    assert esa("ListUserRoutines", search_key_word=project.name).routines == []


def test_sites_are_listed(sited_project):
    assert "example.com" in sited_project("site", "list")


def test_a_route_is_added_listed_and_deleted(sited_project):
    first, _, esa = two_versions(sited_project)
    deploy(esa, sited_project.name, "production", {first: 100})
    host = "cli-route.example.com"
    added = sited_project("route", "add", "-r", f"{host}/api/*", "-s", "example.com", "-a", "api")
    assert "Add route success" in added
    visitor = Visitor(sited_project.serin.production, host)
    assert visitor.version(path="/api/users") == first
    assert visitor.ask("/")[2] == b"origin"
    assert f"{host}/api/*" in sited_project("route", "list")
    assert "Delete route success" in sited_project("route", "delete", "api")
    assert visitor.ask("/api/users")[2] == b"origin"


def test_a_domain_is_added_listed_and_deleted(sited_project):
    first, _, esa = two_versions(sited_project)
    deploy(esa, sited_project.name, "production", {first: 100})
    host = "cli-domain.example.com"
    assert "successfully" in sited_project("domain", "add", host)
    assert host in sited_project("domain", "list")
    visitor = Visitor(sited_project.serin.production, host)
    assert visitor.version() == first
    assert "Delete domain success" in sited_project("domain", "delete", host)
    assert visitor.ask()[2] == b"origin"
    # A host under no site of the account has nobody to be bound to.
    assert "successfully" not in sited_project("domain", "add", "www.example.org")
