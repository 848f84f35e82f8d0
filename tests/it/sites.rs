//! Sites, and the records and routes of routines in them, as ESA's clients see them.

use serde_json::{Value, json};

use crate::support::desk::{Desk, Heard};

const SITES: &[(i64, &str)] =
    &[(1001, "example.com"), (1002, "shop.example.com"), (1003, "example.org")];
const RULE: &str =
    r#"(http.host eq "www.example.com" and starts_with(http.request.uri.path, "/api/"))"#;

fn desk() -> Desk {
    let desk = Desk::with_sites(SITES);
    for name in ["shop", "cart"] {
        desk.call("CreateRoutine", &[("Name", name)]).with(200);
    }
    desk
}

fn ok(desk: &Desk, action: &str, params: &[(&str, &str)]) -> Value {
    desk.call(action, params).with(200)
}

/// The code of a refusal, and why it was one.
fn refused(desk: &Desk, action: &str, params: &[(&str, &str)]) -> (String, String) {
    let error = desk.call(action, params).with(400);
    let text = |name: &str| error[name].as_str().unwrap().to_owned();
    (text("Code"), text("Reason"))
}

fn bind(desk: &Desk, name: &str, site: &str, host: &str) -> Heard {
    let params = [("Name", name), ("SiteId", site), ("RecordName", host)];
    desk.call("CreateRoutineRelatedRecord", &params)
}

/// Makes a route to `shop` in site 1001 and says its number.
fn route(desk: &Desk, name: &str, more: &[(&str, &str)]) -> String {
    let mut params = vec![
        ("SiteId", "1001"),
        ("RoutineName", "shop"),
        ("RouteName", name),
        ("RouteEnable", "on"),
        ("Rule", RULE),
    ];
    params.retain(|(name, _)| !more.iter().any(|(other, _)| other == name));
    params.extend(more);
    ok(desk, "CreateRoutineRoute", &params)["ConfigId"].as_i64().unwrap().to_string()
}

fn names(configs: &Value) -> Vec<&str> {
    configs.as_array().unwrap().iter().map(|it| it["RouteName"].as_str().unwrap()).collect()
}

#[test]
fn sites_are_those_of_the_config() {
    let desk = desk();
    let listed = ok(&desk, "ListSites", &[]);
    assert_eq!(listed["TotalCount"], 3);
    assert_eq!(listed["Sites"][0]["SiteId"], 1001);
    assert_eq!(listed["Sites"][0]["SiteName"], "example.com");
    assert_eq!(listed["Sites"][0]["Status"], "active");
    for (name, search, count) in [
        ("example.com", "exact", 1),
        ("example", "exact", 0),
        ("EXAMPLE.com", "", 1),
        ("example", "prefix", 2),
        ("example.com", "suffix", 2),
        ("shop", "fuzzy", 1),
    ] {
        let found = ok(&desk, "ListSites", &[("SiteName", name), ("SiteSearchType", search)]);
        assert_eq!(found["TotalCount"], count, "{name} {search}");
    }
    let second = ok(&desk, "ListSites", &[("PageNumber", "2"), ("PageSize", "2")]);
    assert_eq!(second["Sites"].as_array().unwrap().len(), 1);
    assert_eq!(ok(&desk, "ListSites", &[("Status", "offline")])["TotalCount"], 0);
}

#[test]
fn a_host_belongs_to_the_site_with_the_longest_name() {
    let desk = desk();
    for (host, site) in [
        ("example.com", 1001),
        ("www.example.com", 1001),
        ("shop.example.com", 1002),
        ("A.shop.example.com", 1002),
    ] {
        let matched = ok(&desk, "GetMatchSite", &[("RecordName", host)]);
        assert_eq!(matched["SiteId"], site, "{host}");
    }
    let (code, reason) = refused(&desk, "GetMatchSite", &[("RecordName", "anexample.com")]);
    assert_eq!(code, "InvalidParameter");
    assert!(reason.contains("anexample.com"), "{reason}");
}

#[test]
fn a_record_binds_a_host_until_it_is_deleted() {
    let desk = desk();
    let made = bind(&desk, "shop", "1001", "WWW.example.com").with(200);
    assert_eq!(made["Status"], "OK");
    let id = made["RecordId"].as_i64().unwrap();
    assert!((1..1 << 53).contains(&id), "clients hold it exactly: {id}");
    let other = bind(&desk, "shop", "1001", "www2.example.com").with(200)["RecordId"].clone();
    assert_ne!(made["RecordId"], other, "two records of one moment differ");

    let listed = ok(&desk, "ListRoutineRelatedRecords", &[("Name", "shop")]);
    assert_eq!(
        listed["RelatedRecords"][0],
        json!({
            "RecordId": id,
            "RecordName": "www.example.com",
            "SiteId": 1001,
            "SiteName": "example.com",
        })
    );
    let sought = [("Name", "shop"), ("SearchKeyWord", "www2")];
    assert_eq!(ok(&desk, "ListRoutineRelatedRecords", &sought)["TotalCount"], 1);
    let of_site = ok(&desk, "ListEdgeRoutineRecords", &[("SiteId", "1001")]);
    assert_eq!(of_site["TotalCount"], 2);
    assert_eq!(of_site["Records"][0]["RecordCname"], "shop.154edaf6.er.aliyun-esa.net");

    let id = id.to_string();
    let record = |id| {
        [("Name", "shop"), ("SiteId", "1001"), ("RecordName", "www.example.com"), ("RecordId", id)]
    };
    assert_eq!(refused(&desk, "DeleteRoutineRelatedRecord", &record("7")).0, "InvalidParameter");
    assert_eq!(ok(&desk, "DeleteRoutineRelatedRecord", &record(&id))["Status"], "OK");
    assert_eq!(refused(&desk, "DeleteRoutineRelatedRecord", &record(&id)).0, "InvalidParameter");
    assert_eq!(bind(&desk, "cart", "1001", "www.example.com").status, 200);
}

#[test]
fn a_host_has_one_owner_within_its_site() {
    let desk = desk();
    assert_eq!(bind(&desk, "shop", "1001", "www.example.com").status, 200);
    for (name, site, host, code, why) in [
        ("cart", "1001", "www.example.com", "InvalidParameter", "bound to routine `shop`"),
        ("shop", "1001", "www.example.com", "InvalidParameter", "bound to routine `shop`"),
        ("shop", "1003", "www2.example.com", "InvalidParameter", "does not belong to site 1003"),
        ("shop", "1001", "a.shop.example.com", "InvalidParameter", "does not belong to site 1001"),
        ("shop", "7", "www2.example.com", "InvalidParameter", "no site 7"),
        ("shop", "1001", "*.example.com", "InvalidParameter", "*.example.com"),
        ("shop", "0", "www2.example.com", "InvalidParameter", "SiteId"),
        ("none", "1001", "www2.example.com", "RoutineNotExist", "`none`"),
    ] {
        let error = bind(&desk, name, site, host).with(400);
        assert_eq!(error["Code"], code, "{name} {site} {host}");
        let reason = error["Reason"].as_str().unwrap();
        assert!(reason.contains(why), "{reason}");
    }
    // What goes with its routine is free again, for apps too.
    ok(&desk, "DeleteRoutine", &[("Name", "shop")]);
    let app = [("Name", "storefront"), ("ServicePort", "80"), ("TargetPort", "80")];
    let app = ok(&desk, "CreateEdgeContainerApp", &app)["AppId"].as_str().unwrap().to_owned();
    let record = [("AppId", app.as_str()), ("RecordName", "www.example.com"), ("SiteId", "1001")];
    ok(&desk, "CreateEdgeContainerAppRecord", &record);
    let error = bind(&desk, "cart", "1001", "www.example.com").with(400);
    assert!(error["Reason"].as_str().unwrap().contains(&app), "{error}");
}

#[test]
fn a_route_is_told_as_it_was_written() {
    let desk = desk();
    let more = [
        ("Bypass", "off"),
        ("Fallback", "on"),
        ("Sequence", "3"),
        ("Timeout", "30"),
        ("Mode", "simple"),
    ];
    let id = route(&desk, "api", &more);
    let number: i64 = id.parse().unwrap();
    assert!((1..1 << 53).contains(&number), "clients hold it exactly: {number}");
    let told = ok(&desk, "GetRoutineRoute", &[("SiteId", "1001"), ("ConfigId", &id)]);
    let mut told = told.as_object().unwrap().clone();
    told.remove("RequestId");
    let route = json!({
        "ConfigId": number,
        "ConfigType": "rule",
        "Mode": "simple",
        "Sequence": 3,
        "SiteVersion": 0,
        "RoutineName": "shop",
        "RouteName": "api",
        "RouteEnable": "on",
        "Rule": RULE,
        "Bypass": "off",
        "Fallback": "on",
        "Timeout": "30",
    });
    assert_eq!(Value::from(told), route);

    let listed = ok(&desk, "ListRoutineRoutes", &[("RoutineName", "shop")]);
    assert_eq!((&listed["TotalCount"], &listed["TotalPage"]), (&json!(1), &json!(1)));
    assert_eq!(listed["Configs"][0]["SiteId"], 1001);
    assert_eq!(listed["Configs"][0]["SiteName"], "example.com");
    assert_eq!(listed["Configs"][0]["Rule"], RULE);
    let of_site = ok(&desk, "ListSiteRoutes", &[("SiteId", "1001"), ("RouteName", "api")]);
    assert_eq!(of_site["TotalCount"], 1);
    let none = [("SiteId", "1001"), ("ConfigType", "global")];
    assert_eq!(ok(&desk, "ListSiteRoutes", &none)["TotalCount"], 0);
}

#[test]
fn routes_are_listed_in_the_order_in_which_they_are_tried() {
    let desk = desk();
    route(&desk, "first made", &[]);
    route(&desk, "second made", &[]);
    route(&desk, "on top", &[("Sequence", "1")]);
    route(&desk, "last", &[]);
    let listed = ok(&desk, "ListSiteRoutes", &[("SiteId", "1001")]);
    assert_eq!(names(&listed["Configs"]), ["first made", "on top", "second made", "last"]);
    let sequences: Vec<_> =
        listed["Configs"].as_array().unwrap().iter().map(|it| it["Sequence"].clone()).collect();
    assert_eq!(sequences, [1, 1, 2, 3], "of equal ones the older is first");
    let page = [("SiteId", "1001"), ("PageNumber", "2"), ("PageSize", "3")];
    let page = ok(&desk, "ListSiteRoutes", &page);
    assert_eq!((names(&page["Configs"]), &page["TotalPage"]), (vec!["last"], &json!(2)));
}

#[test]
fn an_update_changes_what_is_given_and_nothing_else() {
    let desk = desk();
    let id = route(&desk, "api", &[("Fallback", "on"), ("Timeout", "5")]);
    let place = [("SiteId", "1001"), ("ConfigId", id.as_str())];
    let update = |more: &[(&str, &str)]| {
        ok(&desk, "UpdateRoutineRoute", &[&place[..], more].concat());
        ok(&desk, "GetRoutineRoute", &place)
    };
    let told = update(&[("RouteEnable", "off"), ("Rule", "true"), ("Fallback", "")]);
    assert_eq!(told["RouteEnable"], "off");
    assert_eq!((&told["Rule"], &told["Mode"]), (&json!("true"), &json!("custom")));
    assert_eq!((&told["Fallback"], &told["Timeout"]), (&json!("on"), &json!("5")));
    assert_eq!(told["RouteName"], "api");

    let told = update(&[("RoutineName", "cart"), ("RouteName", "moved")]);
    assert_eq!(told["RoutineName"], "cart");
    let of = |name| ok(&desk, "ListRoutineRoutes", &[("RoutineName", name)])["TotalCount"].clone();
    assert_eq!((of("shop"), of("cart")), (json!(0), json!(1)));

    for more in [("Rule", "http.host eq"), ("RouteEnable", "yes"), ("RoutineName", "none")] {
        let refused = desk.call("UpdateRoutineRoute", &[&place[..], &[more]].concat());
        assert_eq!(refused.status, 400, "{more:?}");
    }
    assert_eq!(update(&[])["RouteName"], "moved");

    ok(&desk, "DeleteRoutineRoute", &place);
    assert_eq!(refused(&desk, "DeleteRoutineRoute", &place).0, "InvalidParameter");
    assert_eq!(refused(&desk, "GetRoutineRoute", &place).0, "InvalidParameter");
}

#[test]
fn what_is_no_route_is_refused_with_the_reason() {
    let desk = desk();
    let sound = [
        ("SiteId", "1001"),
        ("RoutineName", "shop"),
        ("RouteName", "api"),
        ("RouteEnable", "on"),
        ("Rule", RULE),
    ];
    for (name, value, code, why) in [
        ("SiteId", "7", "InvalidParameter", "no site 7"),
        ("SiteId", "x", "InvalidParameter", "SiteId"),
        ("RoutineName", "none", "RoutineNotExist", "`none`"),
        ("RoutineName", "None", "InvalidParameter", "None"),
        ("RouteEnable", "true", "InvalidParameter", "RouteEnable"),
        ("Bypass", "true", "InvalidParameter", "Bypass"),
        ("Sequence", "-1", "InvalidParameter", "Sequence"),
        ("Timeout", "61", "InvalidParameter", "Timeout"),
        ("Mode", "else", "InvalidParameter", "Mode"),
        ("Rule", "http.host eq \"a\" or", "InvalidParameter", "column 20"),
        ("Rule", "http.request.body.raw contains \"a\"", "InvalidParameter", "never buffered"),
        ("Rule", &format!("http.host eq \"{}\"", "a".repeat(4096)), "InvalidParameter", "bytes"),
        ("RouteName", &"a".repeat(129), "InvalidParameter", "128"),
    ] {
        let mut params = sound.to_vec();
        params.retain(|(known, _)| *known != name);
        params.push((name, value));
        let (refused, reason) = refused(&desk, "CreateRoutineRoute", &params);
        assert_eq!(refused, code, "{name}={value}");
        assert!(reason.contains(why), "{name}={value}: {reason}");
    }
    for (missing, _) in sound {
        let params: Vec<_> = sound.into_iter().filter(|(name, _)| *name != missing).collect();
        let (code, reason) = refused(&desk, "CreateRoutineRoute", &params);
        assert_eq!(code, "ParameterNotExist", "{missing}");
        assert!(reason.contains(missing), "{reason}");
    }
    assert_eq!(ok(&desk, "ListSiteRoutes", &[("SiteId", "1001")])["TotalCount"], 0);
}

#[test]
fn routes_go_with_their_routine() {
    let desk = desk();
    route(&desk, "api", &[]);
    ok(&desk, "DeleteRoutine", &[("Name", "shop")]);
    assert_eq!(ok(&desk, "ListSiteRoutes", &[("SiteId", "1001")])["TotalCount"], 0);
    ok(&desk, "CreateRoutine", &[("Name", "shop")]);
    assert_eq!(ok(&desk, "ListRoutineRoutes", &[("RoutineName", "shop")])["TotalCount"], 0);
}

#[test]
fn the_older_actions_take_a_pattern_for_a_rule() {
    let desk = desk();
    let params =
        [("Name", "shop"), ("SiteId", "1001"), ("Route", "*.example.com/api/*"), ("ByPass", "off")];
    let made = ok(&desk, "CreateRoutineRelatedRoute", &params);
    let id = made["RouteId"].as_i64().unwrap().to_string();
    let told = ok(&desk, "GetRoutineRoute", &[("SiteId", "1001"), ("ConfigId", &id)]);
    assert_eq!(
        told["Rule"],
        r#"(ends_with(http.host, ".example.com") and starts_with(http.request.uri.path, "/api/"))"#
    );
    let long = format!("www.example.com/{}", "a".repeat(300));
    let params = [("Name", "shop"), ("SiteId", "1001"), ("Route", &long)];
    let second = ok(&desk, "CreateRoutineRelatedRoute", &params)["RouteId"].clone();
    let second = second.to_string();
    let told = ok(&desk, "GetRoutineRoute", &[("SiteId", "1001"), ("ConfigId", &second)]);
    assert_eq!(told["RouteName"].as_str().unwrap().len(), 128, "a name has an end");
    let of = |name| [("Name", name), ("SiteId", "1001"), ("RouteId", id.as_str())];
    assert_eq!(refused(&desk, "DeleteRoutineRelatedRoute", &of("cart")).0, "InvalidParameter");
    ok(&desk, "DeleteRoutineRelatedRoute", &of("shop"));
}

#[test]
fn without_sites_in_the_config_records_are_taken_and_routes_are_not() {
    let desk = Desk::start();
    desk.call("CreateRoutine", &[("Name", "shop")]).with(200);
    assert_eq!(ok(&desk, "ListSites", &[])["Sites"], json!([]));
    assert_eq!(bind(&desk, "shop", "7", "www.example.com").status, 200);
    let params = [
        ("SiteId", "7"),
        ("RoutineName", "shop"),
        ("RouteName", "api"),
        ("RouteEnable", "on"),
        ("Rule", RULE),
    ];
    let (_, reason) = refused(&desk, "CreateRoutineRoute", &params);
    assert!(reason.contains("[[site]]"), "{reason}");
    let bound = ok(&desk, "ListEdgeRoutineRecords", &[("SiteId", "7")]);
    assert_eq!(bound["TotalCount"], 1);
}

#[test]
fn a_quota_of_routes_holds_over_all_sites() {
    let desk = desk();
    let quotas = json!({ "quotas": { "routes": 2 } });
    desk.tell("PATCH", "/account", &quotas).with(200);
    let first = route(&desk, "one", &[]);
    route(&desk, "two", &[("SiteId", "1003"), ("Rule", "true")]);
    let third = [
        ("SiteId", "1002"),
        ("RoutineName", "shop"),
        ("RouteName", "three"),
        ("RouteEnable", "on"),
        ("Rule", RULE),
    ];
    assert_eq!(refused(&desk, "CreateRoutineRoute", &third).0, "RoutineNumberExceedQuotaLimit");
    let account = desk.ask("GET", "/account").with(200);
    assert_eq!(account["used"], json!({ "routines": 2, "routes": 2 }));
    ok(&desk, "DeleteRoutineRoute", &[("SiteId", "1001"), ("ConfigId", &first)]);
    ok(&desk, "CreateRoutineRoute", &third);
}
