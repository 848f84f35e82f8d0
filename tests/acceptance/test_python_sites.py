"""Sites, records and routes, driven by the Python SDK: whose host and path lead where.

What a route bypasses goes to the site's origin, and so does what nobody takes.
"""

import json

import pytest

from serin import Visitor
from stage import SITE, SITE_NAME, Stage

ORIGIN = b"origin"


def served(esa):
    """A routine that serves: its name and its version."""
    made = Stage(esa).deployed()
    return made["name"], made["code_version"]


def rule(host, path):
    return f'(http.host eq "{host}" and http.request.uri.path eq "{path}")'


def answer(serin, host, path="/"):
    """Which version answers there, or the origin."""
    status, _, body = Visitor(serin.production, host).ask(path)
    assert status == 200, (status, body)
    return body if body == ORIGIN else json.loads(body)["version"]


def test_the_sites_of_the_config_are_listed(sited_esa):
    listed = sited_esa("ListSites", page_number=1, page_size=500)
    assert [(it.site_id, it.site_name) for it in listed.sites] == [(SITE, SITE_NAME)]
    assert listed.sites[0].status == "active"
    for search, total in [("suffix", 1), ("prefix", 1), ("fuzzy", 1), ("exact", 1)]:
        found = sited_esa("ListSites", site_name=SITE_NAME, site_search_type=search)
        assert found.total_count == total
    assert sited_esa("ListSites", site_name="example", site_search_type="exact").sites == []


def test_a_host_has_the_site_that_it_is_under(sited_esa):
    for host in (SITE_NAME, f"www.{SITE_NAME}", f"a.b.{SITE_NAME}"):
        found = sited_esa("GetMatchSite", record_name=host)
        assert (found.site_id, found.site_name) == (SITE, SITE_NAME)


def test_a_record_leads_its_host_to_the_routine(sited, sited_esa):
    name, version = served(sited_esa)
    host = f"bound.{SITE_NAME}"
    made = sited_esa("CreateRoutineRelatedRecord", name=name, site_id=SITE, record_name=host)
    assert answer(sited, host, "/any/path") == version
    listed = sited_esa("ListRoutineRelatedRecords", name=name)
    assert [(it.record_id, it.record_name, it.site_id, it.site_name)
            for it in listed.related_records] == [(made.record_id, host, SITE, SITE_NAME)]
    sited_esa("DeleteRoutineRelatedRecord", name=name, site_id=SITE, record_name=host,
              record_id=made.record_id)
    assert answer(sited, host) == ORIGIN


def test_a_route_takes_what_its_rule_matches_and_the_rest_goes_to_the_origin(sited, sited_esa):
    name, version = served(sited_esa)
    host = f"routed.{SITE_NAME}"
    route = {"site_id": SITE, "config_id": sited_esa(
        "CreateRoutineRoute", site_id=SITE, routine_name=name, route_name="api",
        route_enable="on", bypass="off", fallback="off", timeout="10",
        rule=f'(http.host eq "{host}" and starts_with(http.request.uri.path, "/api/"))',
    ).config_id}
    assert answer(sited, host, "/api/users") == version
    assert answer(sited, host, "/apis") == ORIGIN

    told = sited_esa("GetRoutineRoute", **route)
    assert (told.routine_name, told.route_name, told.route_enable) == (name, "api", "on")
    assert (told.bypass, told.fallback, told.timeout) == ("off", "off", "10")

    # Another rule, then none.
    sited_esa("UpdateRoutineRoute", **route, rule=rule(host, "/apis"))
    assert answer(sited, host, "/api/users") == ORIGIN
    assert answer(sited, host, "/apis") == version
    sited_esa("UpdateRoutineRoute", **route, route_enable="off")
    assert answer(sited, host, "/apis") == ORIGIN
    sited_esa("UpdateRoutineRoute", **route, route_enable="on")
    sited_esa("DeleteRoutineRoute", **route)
    assert answer(sited, host, "/apis") == ORIGIN
    assert sited_esa("ListRoutineRoutes", routine_name=name).configs == []


def test_a_bypass_leaves_its_requests_to_the_origin(sited, sited_esa):
    name, version = served(sited_esa)
    host = f"bypassed.{SITE_NAME}"
    common = {"site_id": SITE, "routine_name": name, "route_enable": "on"}
    sited_esa("CreateRoutineRoute", **common, route_name="all", sequence=2,
              rule=f'(http.host eq "{host}")')
    sited_esa("CreateRoutineRoute", **common, route_name="but", sequence=1, bypass="on",
              rule=rule(host, "/static"))
    assert answer(sited, host, "/") == version
    assert answer(sited, host, "/static") == ORIGIN


def test_a_fallback_leaves_to_the_origin_what_the_routine_fails(sited, sited_esa):
    name = Stage(sited_esa).routine()
    host = f"falling.{SITE_NAME}"
    route = {"site_id": SITE, "config_id": sited_esa(
        "CreateRoutineRoute", site_id=SITE, routine_name=name, route_name="falls",
        route_enable="on", fallback="on", rule=rule(host, "/")).config_id}
    # Nothing is deployed.
    assert answer(sited, host) == ORIGIN
    sited_esa("UpdateRoutineRoute", **route, fallback="off")
    assert Visitor(sited.production, host).ask()[0] == 503


def test_of_two_routes_the_first_in_sequence_wins(sited, sited_esa):
    (one, its), (other, theirs) = served(sited_esa), served(sited_esa)
    host = f"ordered.{SITE_NAME}"
    ids = [
        sited_esa("CreateRoutineRoute", site_id=SITE, routine_name=name, route_name=name,
                  route_enable="on", sequence=place, rule=rule(host, "/a")).config_id
        for place, name in ((1, one), (2, other))
    ]
    assert answer(sited, host, "/a") == its
    sited_esa("UpdateRoutineRoute", site_id=SITE, config_id=ids[1], sequence=1)
    sited_esa("UpdateRoutineRoute", site_id=SITE, config_id=ids[0], sequence=2)
    assert answer(sited, host, "/a") == theirs


def test_a_route_stands_before_a_record(sited, sited_esa):
    (by_record, its), (by_route, theirs) = served(sited_esa), served(sited_esa)
    host = f"both.{SITE_NAME}"
    sited_esa("CreateRoutineRelatedRecord", name=by_record, site_id=SITE, record_name=host)
    sited_esa("CreateRoutineRoute", site_id=SITE, routine_name=by_route, route_name="over",
              route_enable="on", rule=rule(host, "/a"))
    assert answer(sited, host, "/a") == theirs
    assert answer(sited, host, "/b") == its


@pytest.mark.parametrize("wrong", [
    {"rule": "(http.host is \"a\")"}, {"rule": "(http.host eq \"a\""}, {"route_enable": "yes"},
    {"timeout": "61"}, {"bypass": "maybe"},
])
def test_a_route_of_another_shape_is_refused(sited_esa, wrong):
    name = Stage(sited_esa).routine()
    params = {"site_id": SITE, "routine_name": name, "route_name": "wrong", "route_enable": "on",
              "rule": '(http.host eq "a.example.com")'} | wrong
    sited_esa.refused("CreateRoutineRoute", "InvalidParameter",
                      "The specified parameter is invalid.", **params)
    assert sited_esa("ListRoutineRoutes", routine_name=name).configs == []


def test_a_routine_that_is_deleted_takes_its_routes_with_it(sited, sited_esa):
    name, version = served(sited_esa)
    host = f"ending.{SITE_NAME}"
    sited_esa("CreateRoutineRoute", site_id=SITE, routine_name=name, route_name="ends",
              route_enable="on", rule=rule(host, "/a"))
    assert answer(sited, host, "/a") == version
    sited_esa("DeleteRoutine", name=name)
    assert answer(sited, host, "/a") == ORIGIN
