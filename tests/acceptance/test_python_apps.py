"""Whole lives of edge container apps, driven by the Python SDK."""

import pytest

from serin import USERS, Visitor, shares_of, split, visits
from stage import SITE, SITE_NAME, container

UNKNOWN_APP = "app-111111111111111111"


def made(esa, name):
    """An app and two versions of it."""
    app = esa("CreateEdgeContainerApp", name=name, service_port=80, target_port=8080).app_id
    versions = [
        esa("CreateEdgeContainerAppVersion", app_id=app, name=f"release-{number}",
            containers=[container()]).version_id
        for number in (1, 2)
    ]
    return app, *versions


def status(esa, app, env="prod"):
    return esa("GetEdgeContainerAppStatus", app_id=app, publish_env=env).app_status


def test_an_app_lives_from_its_creation_to_its_end(serin, esa):
    name, host = "app-life", "app-life.localhost"
    app, first, second = made(esa, name)
    assert app.startswith("app-") and first.startswith("ver-") and first < second
    assert esa("GetEdgeContainerApp", app_id=app).app.version_count == 2
    told = esa("GetEdgeContainerAppVersion", app_id=app, version_id=first).version
    assert told.containers[0].probe_content.failure_threshold == 4
    assert Visitor(serin.production, host).ask()[0] == 503

    def publish(version, **more):
        esa("PublishEdgeContainerAppVersion", app_id=app, version_id=version, **more)

    # Staging first, then a share of production, wider, and all of it.
    publish(first, publish_env="staging")
    assert Visitor(serin.staging, host).version("user-1") == first
    publish(first, publish_env="prod")
    assert shares_of(visits(serin.production, host)) == {first: len(USERS)}
    for percentage in (10, 50):
        publish(second, publish_env="prod", percentage=percentage)
        now = status(esa, app)
        assert (now.publish_status, now.expect_percentage, now.publish_percentage) == (
            "publishing", percentage, percentage)
        assert (now.publishing_version, now.base_line_version) == (second, first)
        expected = {first: 100 - percentage, second: percentage}
        assert visits(serin.production, host) == split("container", app, expected)
    publish(second, publish_env="prod", percentage=100)
    assert status(esa, app).publish_status == "published"
    assert shares_of(visits(serin.production, host)) == {second: len(USERS)}

    esa("RollbackEdgeContainerAppVersion", app_id=app, version_id=first, remarks="worse")
    assert status(esa, app).publish_status == "rollbacked"
    assert shares_of(visits(serin.production, host)) == {first: len(USERS)}

    assert esa("DeleteEdgeContainerApp", app_id=app).state is not None
    assert Visitor(serin.production, host).ask()[0] == 404


def test_a_release_by_region_reaches_the_regions_that_it_names(serin, esa):
    host = "app-by-region.localhost"
    app, first, second = made(esa, "app-by-region")
    esa("PublishEdgeContainerAppVersion", app_id=app, version_id=first, publish_env="prod")
    esa("PublishEdgeContainerAppVersion", app_id=app, version_id=second, publish_env="prod",
        publish_type="region", regions=["jiangsu"])
    now = status(esa, app)
    assert (now.publish_type, now.full_release) == ("region", False)
    assert now.regions.region == ["jiangsu"]
    visitor = Visitor(serin.production, host)
    for user in USERS[:20]:
        assert visitor.version(user, x_serin_region="jiangsu") == second
        assert visitor.version(user, x_serin_region="zhejiang") == first
        assert visitor.version(user) == first
    esa("PublishEdgeContainerAppVersion", app_id=app, version_id=second, publish_env="prod",
        publish_type="region", regions=["jiangsu", "zhejiang"], full_release=True)
    assert visitor.version("user-1") == second
    assert status(esa, app).full_release is True


def test_a_publish_of_the_future_waits_for_its_time(serin, esa):
    app, first, second = made(esa, "app-of-tomorrow")
    esa("PublishEdgeContainerAppVersion", app_id=app, version_id=first, publish_env="prod")
    esa("PublishEdgeContainerAppVersion", app_id=app, version_id=second, publish_env="prod",
        start_time="2100-01-01T00:00:00Z")
    now = status(esa, app)
    assert (now.publishing_version, now.publish_percentage) == (second, 0)
    assert now.publish_time == "2100-01-01T00:00:00Z"
    assert Visitor(serin.production, "app-of-tomorrow.localhost").version("user-1") == first


def test_a_record_leads_its_host_to_the_app(serin, esa):
    app, first, _ = made(esa, "app-with-record")
    esa("PublishEdgeContainerAppVersion", app_id=app, version_id=first, publish_env="prod")
    record = {"app_id": app, "site_id": SITE, "record_name": f"shop.{SITE_NAME}"}
    esa("CreateEdgeContainerAppRecord", **record)
    listed = esa("ListEdgeContainerAppRecords", app_id=app)
    assert [it.record_name for it in listed.records] == [f"shop.{SITE_NAME}"]
    assert Visitor(serin.production, f"shop.{SITE_NAME}").version("user-1") == first
    esa("DeleteEdgeContainerAppRecord", **record)
    assert esa("ListEdgeContainerAppRecords", app_id=app).total_count == 0
    assert Visitor(serin.production, f"shop.{SITE_NAME}").ask()[0] == 404


WRONG = {
    "an app id that is none": (
        {"app_id": "storefront"}, "InvalidParameter.appid", 400,
        "The format of the application ID is invalid. You can call ListEdgeContainerApps to"
        " obtain the application ID."),
    "an app that is unknown": (
        {"app_id": UNKNOWN_APP}, "InvalidApp.NotFound", 404,
        "The application does not exist. Check whether the application ID you specified is"
        " correct and try again."),
    "a version id that is none": (
        {"version_id": "1"}, "InvalidParameter.VersionId", 400,
        "The specified VersionId is invalid. Please check the VersionId parameter. You may not"
        " have entered the parameter or the parameter does not start with ver-string. Please"
        " modify it and call the interface again."),
    "an environment as routines spell it": (
        {"publish_env": "production"}, "InvalidParameter.PublishEnv", 400,
        "The specified PublishEnv is invalid. Please check the PublishEnv parameter. It may not"
        ' be set to either "prod" or "staging." Please make the necessary changes and call the'
        " interface again."),
    "more than everything": (
        {"percentage": 101}, "InvalidParameter.Percentage", 400,
        "The Percentage parameter is invalid. Please check the Percentage parameter, which"
        " should be in the range of 1-100. Modify it accordingly and call the interface again."),
    "a type of release that is none": (
        {"publish_type": "all"}, "InvalidParameter", 400,
        "Invalid parameter. Check the parameter configuration."),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_publish_is_refused_in_the_words_of_its_page(esa, what):
    wrong, code, status_code, message = WRONG[what]
    app, first, _ = made(esa, f"refused-{list(WRONG).index(what)}")
    params = {"app_id": app, "version_id": first, "publish_env": "prod"} | wrong
    esa.refused("PublishEdgeContainerAppVersion", code, message, status_code, **params)
    assert status(esa, app).deploy_status == "undeploy"
