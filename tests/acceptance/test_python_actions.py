"""Every action of the API about routines and edge containers, called through the Python
SDK at least once: the answer parses into the SDK's models, each attribute has the type
that it is declared with, and what the pages promise is set.
"""

import pytest
from alibabacloud_esa20240910 import models
from alibabacloud_tea_openapi.exceptions import AlibabaCloudException

from sdk import assert_set, method_of
from stage import BRIDGE, SITE, SITE_NAME, Stage, container

PAGES = "page_number page_size total_count "


def shares(made):
    request = models.CreateRoutineCodeDeploymentRequestCodeVersions
    return [request(code_version=made["code_version"], percentage=100)]


def without(params, *names):
    return {name: value for name, value in params.items() if name not in names}


# An action: what it is called with, and what its answer has set. `[]` is a list or a map
# that is not empty.
ROUTINES = {
    "CreateRoutine": (
        lambda at: {"name": at.name("made"), "description": "d", "has_assets": False}, "status"),
    "GetRoutine": (
        lambda at: {"name": at.deployed()["name"]},
        "description create_time default_related_record has_assets envs[].env"
        " envs[].code_deploy.deploy_id envs[].code_deploy.strategy"
        " envs[].code_deploy.creation_time envs[].code_deploy.code_versions[].code_version"
        " envs[].code_deploy.code_versions[].percentage"
        " envs[].code_deploy.code_versions[].description"
        " envs[].code_deploy.code_versions[].create_time"),
    "DeleteRoutine": (lambda at: {"name": at.routine()}, "status"),
    "UpdateRoutineConfigDescription": (
        lambda at: {"name": at.routine(), "description": "another"}, "status"),
    "ListUserRoutines": (
        lambda at: {"search_key_word": at.routine()},
        PAGES + "quota_routine_number used_routine_number routines[].routine_name"
        " routines[].description routines[].create_time routines[].default_related_record"
        " routines[].has_assets"),
    "GetRoutineUserInfo": (
        lambda at: at.routine() and {},
        "routines[].routine_name routines[].description routines[].create_time subdomains"),
    "GetRoutineAccessToken": (lambda at: {"name": at.routine()}, "token"),
    "GetRoutineStagingEnvIp": (lambda at: {}, "ipv4[]"),
    "ListRoutineCanaryAreas": (lambda at: {}, "canary_areas"),
    "GetRoutineStagingCodeUploadInfo": (
        lambda at: {"name": at.routine(), "code_description": "d"},
        "code_version oss_post_config[]"),
    "CommitRoutineStagingCode": (
        lambda at: {"name": at.version()["name"], "code_description": "d"}, "code_version"),
    "CreateRoutineWithAssetsCodeVersion": (
        lambda at: {"name": at.routine(), "code_description": "d", "extra_info": "{}",
                    "conf_options": models.CreateRoutineWithAssetsCodeVersionRequestConfOptions(
                        not_found_strategy="SinglePageApplication")},
        "code_version status oss_post_config.url oss_post_config.key"
        " oss_post_config.ossaccess_key_id oss_post_config.policy oss_post_config.signature"
        " oss_post_config.xoss_security_token"),
    "ListRoutineCodeVersions": (
        lambda at: {"name": at.version()["name"], "page_number": 1, "page_size": 20},
        PAGES + "code_versions[].code_version code_versions[].code_description"
        " code_versions[].create_time code_versions[].status code_versions[].extra_info"
        " code_versions[].deploy_env code_versions[].build_id code_versions[].has_env_vars"
        " code_versions[].conf_options"),
    "GetRoutineCodeVersionInfo": (
        lambda at: at.version(),
        "code_version status code_description create_time extra_info has_assets build_id"
        " conf_options"),
    "GetRoutineCodeVersion": (
        lambda at: at.version(), "code_description create_time routine_code"),
    "DeleteRoutineCodeVersion": (lambda at: at.version(), "status"),
    "CreateRoutineCodeDeployment": (
        lambda at: (made := at.version()) and {
            "name": made["name"], "env": "production", "strategy": "percentage",
            "code_versions": shares(made)},
        "strategy deployment_id code_versions[].code_version code_versions[].percentage"),
    "PublishRoutineCodeVersion": (
        lambda at: at.version() | {"env": "staging"}, "code_version"),
    "SetRoutineEnvironmentVariables": (
        lambda at: {"name": at.routine(), "env": "staging", "environment_variables": {
            "SECRET": models.EnvironmentVariablesValue(
                type="secret_text", value="hidden")}},
        "set_keys[]"),
    "ListRoutineEnvironmentVariables": (
        lambda at: at.variables(),
        PAGES + "count environment_variables[].type environment_variables[].value"),
    "DeleteRoutineEnvironmentVariables": (
        lambda at: at.variables() | {"environment_variable_keys": ["GREETING", "UNKNOWN"]},
        "deleted_keys[] failed_keys"),
    "GetErService": (lambda at: {}, "status plan_name"),
    "ListEdgeRoutinePlans": (
        lambda at: {},
        PAGES + "total_page plan_info[].plan_name plan_info[].billing_mode"
        " plan_info[].payment_method plan_info[].er_routine_quota"
        " plan_info[].er_routine_code_version_quota"
        " plan_info[].er_routine_route_site_count_quota"),
}

ROUTE = ("config_id config_type mode routine_name route_name route_enable rule bypass fallback"
         " timeout sequence site_version")
SITES = {
    "ListSites": (
        lambda at: {"site_name": "example", "site_search_type": "fuzzy", "status": "active"},
        PAGES + "sites[].site_id sites[].site_name sites[].status sites[].access_type"
        " sites[].coverage sites[].create_time sites[].instance_id sites[].plan_name"),
    "GetMatchSite": (
        lambda at: {"record_name": f"www.{SITE_NAME}"}, "site_id site_name"),
    "CreateRoutineRelatedRecord": (
        lambda at: without(at.record(), "record_id") | {
            "record_name": f"{at.name('another')}.{SITE_NAME}"},
        "status record_id"),
    "ListRoutineRelatedRecords": (
        lambda at: {"name": at.record()["name"], "page_number": 1, "page_size": 20},
        PAGES + "related_records[].record_id related_records[].record_name"
        " related_records[].site_id related_records[].site_name"),
    "DeleteRoutineRelatedRecord": (lambda at: at.record(), "status"),
    "ListEdgeRoutineRecords": (
        lambda at: {"site_id": SITE, "record_name": at.record()["record_name"]},
        PAGES + "records[].record_name records[].record_cname records[].site_id"
        " records[].site_name records[].create_time records[].update_time"),
    "CreateRoutineRoute": (
        lambda at: {"site_id": SITE, "routine_name": at.routine(),
                    "route_name": at.name("route"), "route_enable": "off", "rule": BRIDGE,
                    "bypass": "off", "fallback": "off", "sequence": 1, "timeout": "10"},
        "config_id"),
    "UpdateRoutineRoute": (
        lambda at: at.route() | {"route_enable": "off"}, ""),
    "GetRoutineRoute": (
        lambda at: {"site_id": SITE, "config_id": at.route()["config_id"]}, ROUTE),
    "ListRoutineRoutes": (
        lambda at: {"routine_name": at.route()["routine_name"]},
        PAGES + "total_page configs[].site_id configs[].site_name "
        + " ".join(f"configs[].{name}" for name in ROUTE.split())),
    "ListSiteRoutes": (
        lambda at: {"site_id": SITE, "route_name": at.route()["route_name"]},
        PAGES + "total_page " + " ".join(f"configs[].{name}" for name in ROUTE.split())),
    "DeleteRoutineRoute": (
        lambda at: {"site_id": SITE, "config_id": at.route()["config_id"]}, ""),
}

HEALTH = ("type host uri method http_code port interval timeout succ_times fail_times")
APP = ("app_id name remarks status gateway_type domain_name quic_cid create_time update_time"
       " service_port target_port version_count "
       + " ".join(f"health_check.{name}" for name in HEALTH.split()))
CONTAINER = ("name image args command env_variables post_start pre_stop probe_type spec"
             " probe_content.path probe_content.port probe_content.host probe_content.scheme"
             " probe_content.http_headers probe_content.initial_delay_seconds"
             " probe_content.period_seconds probe_content.timeout_seconds"
             " probe_content.success_threshold probe_content.failure_threshold")
VERSION = ("app_id version_id name remarks status create_time update_time publish_time"
           " last_publish_time " + " ".join(f"containers[].{it}" for it in CONTAINER.split()))


def under(prefix, names):
    return " ".join(f"{prefix}.{name}" for name in names.split())


APPS = {
    "CreateEdgeContainerApp": (
        lambda at: {"name": at.name("every-parameter"), "service_port": 443,
                    "target_port": 8443, "remarks": "r", "health_check_type": "l7",
                    "health_check_host": "example.com", "health_check_uri": "/healthz",
                    "health_check_method": "GET", "health_check_http_code": "http_2xx",
                    "health_check_port": 8080, "health_check_interval": 5,
                    "health_check_timeout": 3, "health_check_succ_times": 2,
                    "health_check_fail_times": 5},
        "app_id"),
    "GetEdgeContainerApp": (lambda at: at.app(), under("app", APP)),
    "ListEdgeContainerApps": (
        lambda at: {"search_type": "AppId", "search_key": at.published()["app_id"],
                    "page_number": 1, "page_size": 20, "order_key": "CreateTime",
                    "order_type": "Desc"},
        PAGES + "apps[].percentage " + under("apps[]", APP)),
    "DeleteEdgeContainerApp": (lambda at: at.app(), "state"),
    "CreateEdgeContainerAppVersion": (
        lambda at: at.app() | {"name": "release", "remarks": "r", "containers": [container()]},
        "version_id"),
    "GetEdgeContainerAppVersion": (
        lambda at: at.published(),
        under("version", VERSION) + " version.containers[].is_acrimage"
        " version.containers[].storage"),
    "ListEdgeContainerAppVersions": (
        lambda at: {"app_id": at.published()["app_id"], "page_number": 1, "page_size": 20},
        PAGES + under("versions[]", VERSION)),
    "DeleteEdgeContainerAppVersion": (lambda at: at.app_version(), ""),
    "PublishEdgeContainerAppVersion": (
        lambda at: at.app_version() | {
            "publish_env": "prod", "publish_type": "region", "full_release": True,
            "regions": ["jiangsu", "zhejiang"], "remarks": "r",
            "start_time": "2023-06-05T16:00:00Z"},
        ""),
    "RollbackEdgeContainerAppVersion": (
        lambda at: at.published() | {"remarks": "r", "used_percent": False}, ""),
    "GetEdgeContainerAppStatus": (
        lambda at: {"app_id": at.published()["app_id"], "publish_env": "prod"},
        under("app_status", "publish_env publish_type publish_status deploy_status"
              " deployed_version publishing_version base_line_version publish_time deploy_time"
              " rollback_time un_deploy_time expect_percentage publish_percentage full_release"
              " regions")),
    "GetEdgeContainerDeployRegions": (
        lambda at: {"app_id": at.published()["app_id"]}, "regions[]"),
    "GetEdgeContainerStagingDeployStatus": (
        lambda at: {"app_id": at.published("staging")["app_id"]},
        "phase ready scheduled initialized containers_ready creation_timestamp vips[]"
        " pod_restart_state.restart_count pod_restart_state.last_terminated_reason"),
    "RebuildEdgeContainerAppStagingEnv": (
        lambda at: {"app_id": at.published("staging")["app_id"]}, ""),
    "GetEdgeContainerLogs": (lambda at: at.app() | {"lines": 100}, "items"),
    "CreateEdgeContainerAppRecord": (
        lambda at: at.app() | {"site_id": SITE, "record_name": f"{at.name('app')}.{SITE_NAME}"},
        ""),
    "DeleteEdgeContainerAppRecord": (lambda at: at.app_record(), ""),
    "ListEdgeContainerAppRecords": (
        lambda at: {"app_id": at.app_record()["app_id"]},
        PAGES + under("records[]", "app_id record_name cname create_time update_time record_id"
                      " config_id site_id schemd_id")),
    "ListEdgeContainerRecords": (
        lambda at: {"site_id": SITE, "record_name": at.app_record()["record_name"]},
        PAGES + under("records[]", "record_name record_cname site_id site_name create_time"
                      " update_time")),
    "GetEdgeContainerAppResourceStatus": (lambda at: at.app(), "regions"),
    "GetEdgeContainerAppResourceCapacity": (lambda at: at.app(), "regions"),
    "GetEdgeContainerAppResourceReserve": (
        lambda at: at.app(), "duration_time enable forever reserve_set"),
    "UpdateEdgeContainerAppResourceReserve": (
        lambda at: at.app() | {
            "enable": True, "forever": True, "duration_time": "2026-12-31T00:00:00Z",
            "reserve_set": [models.UpdateEdgeContainerAppResourceReserveRequestReserveSet(
                isp="unicom", region="huadong", replicas=1)]},
        "duration_time enable forever reserve_set[]"),
    "GetEdgeContainerAppLogRiver": (lambda at: at.app(), "path stdout"),
    "UpdateEdgeContainerAppLogRiver": (
        lambda at: at.app() | {"path": "/var/log", "stdout": True}, "path stdout"),
    "CreateEdgeContainerAppImageSecret": (
        lambda at: at.app() | {"registry": "registry.test", "username": "u", "password": "p"},
        ""),
    "ListEdgeContainerAppImageSecrets": (lambda at: at.app(), "image_secret_list"),
    "DeleteEdgeContainerAppImageSecret": (lambda at: at.app() | {"name": "secret"}, ""),
    "GetEdgeContainerTerminal": (
        lambda at: {"app_id": at.published("staging")["app_id"]},
        "cluster container namespace pod session_id token"),
    "DescribeEdgeContainerAppStats": (
        lambda at: {"app": at.app()["app_id"], "start_time": "2026-01-01T00:00:00Z",
                    "end_time": "2026-01-02T00:00:00Z"},
        "points"),
    "GetEdgeContainer": (lambda at: {}, "status"),
    "OpenEdgeContainer": (lambda at: {}, ""),
}


def each(actions):
    return pytest.mark.parametrize("action", sorted(actions))


@each(ROUTINES)
def test_every_action_on_routines_answers_in_the_sdk_s_types(esa, action):
    answers(esa, action, ROUTINES)


@each(SITES)
def test_every_action_on_sites_answers_in_the_sdk_s_types(sited_esa, action):
    answers(sited_esa, action, SITES)


@each(APPS)
def test_every_action_on_apps_answers_in_the_sdk_s_types(esa, action):
    answers(esa, action, APPS)


def answers(esa, action, actions):
    params, promised = actions[action]
    assert_set(esa(action, **params(Stage(esa))), promised, f"{action}.")


def test_an_open_service_is_not_opened_again(esa):
    with pytest.raises(AlibabaCloudException) as caught:
        esa("OpenErService")
    assert (caught.value.code, caught.value.status_code) == ("ErService.HasOpened", 400)


BUILDS = {
    "CreateRoutineBuildConfiguration": lambda at: {
        "routine_name": at.routine(), "git_platform": "github", "repository": "r",
        "node_version": "20.x",
        "production_branch": "main"},
    "UpdateRoutineBuildConfiguration": lambda at: {
        "routine_name": at.routine(), "build_command": "make"},
    "GetRoutineBuildConfiguration": lambda at: {"routine_name": at.routine()},
    "DeleteRoutineBuildConfiguration": lambda at: {"routine_name": at.routine()},
    "ListRoutineBuildConfigurations": lambda at: {"routine_names": at.routine()},
    "CreateRoutineBuild": lambda at: {"routine_name": at.routine(), "branch": "main"},
    "GetRoutineBuild": lambda at: {"routine_build_id": 1},
    "ListRoutineBuilds": lambda at: {"routine_name": at.routine()},
    "ReDoRoutineBuild": lambda at: {"routine_build_id": 1},
    "StopRoutineBuild": lambda at: {"routine_build_id": 1},
}


@each(BUILDS)
def test_builds_are_answered_or_refused_in_words_of_the_pages(esa, action):
    """Nothing is built here; but a client gets an answer that it can read."""
    try:
        esa(action, **BUILDS[action](Stage(esa)))
    except AlibabaCloudException as error:
        assert error.code != "InvalidAction.NotFound", error


def test_no_action_of_the_sdk_is_forgotten(esa):
    wanted = ("Routine", "EdgeContainer", "ErService")
    called = {*ROUTINES, *SITES, *APPS, *BUILDS, "OpenErService"}
    theirs = {
        name.removesuffix("Request") for name in dir(models)
        if name.endswith("Request") and not name.endswith("ShrinkRequest")
        and any(word in name for word in wanted)
    }
    assert theirs <= called, theirs - called
    for action in called:
        assert method_of(esa.client, action)
