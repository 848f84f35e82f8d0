//! A decision allocates nothing, and neither does a rule.

use std::hint::black_box;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;

use allocation_counter::measure;
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderValue, Version};
use serin::model::{
    AppId, AppName, AppVersion, Catalog, DeploymentId, Domain, EdgeContainerApp, Environment,
    Facts, Kind, Publish, Reach, Region, RegionName, Regions, Release, Routine, RoutineRoute, Rule,
    Split, Sticky, Timestamp, TrustedProxies, VersionId,
};
use serin::routing::{Reason, RoutingTable, Settings, published};

use crate::support::fixtures::{
    Described, PEER, catalog, draws, place, record, request, route_of, routine, site, table,
};

const DECISIONS: u64 = 1_000;

fn canary(sources: &[&str]) -> Routine {
    let canary = routine("shop").deployed(Environment::Production, 1, &[("1", 60), ("2", 40)]);
    canary.keyed(sources).routed(&["*.a.test/cart/*"])
}

/// The allocations of each of many decisions, the first left out: it makes what
/// all later ones share, such as the counter of a spread.
fn allocations(table: RoutingTable, target: &str, peer: IpAddr, reason: Reason) -> u64 {
    let (_writer, reader) = published(table);
    let lines = [("cookie", "a=b; uid=carol"), ("x-user", "alice"), ("x-forwarded-for", "::1")];
    let draws = draws();
    let mut total = 0;
    for host in ["shop.localhost", "www.a.test:8080", "WWW.A.TEST."] {
        let request = request(target, &[&[("host", host)], &lines[..]].concat());
        let decide = || {
            let environment = Environment::Production;
            let decision =
                reader.read(|table| table.decide(environment, black_box(&request), peer, &draws));
            assert_eq!(black_box(decision).map(|it| it.reason), Ok(reason));
        };
        decide();
        let counted = measure(|| (0..DECISIONS).for_each(|_| decide()));
        total += counted.count_total;
    }
    total
}

#[test]
fn a_decision_allocates_nothing_whatever_the_key_is() {
    let six = IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0xa, 0xb, 1, 2, 3, 4));
    for source in
        ["header:x-user", "cookie:uid", "mint:uid", "query:plain", "query:coded", "client-ip"]
    {
        for peer in [PEER, six] {
            let table = table([canary(&["header:missing", source])]);
            let target = "/cart/1?plain=bob&coded=b%20o+b";
            assert_eq!(allocations(table, target, peer, Reason::Key), 0, "{source}, {peer}");
        }
    }
}

#[test]
fn a_decision_without_a_key_allocates_nothing() {
    let spread = table([canary(&["header:missing", "cookie:missing", "query:missing"])]);
    assert_eq!(allocations(spread, "/cart/1?a=b", PEER, Reason::Spread), 0);
    let only = canary(&["mint:id"]).deployed(Environment::Production, 1, &[("1", 100)]);
    assert_eq!(allocations(table([only]), "/cart/1", PEER, Reason::Only), 0);
}

#[test]
fn a_key_finds_its_version_without_allocating() {
    let shop = canary(&[]);
    let live = shop.deployment(Environment::Production).unwrap();
    let release = Release { kind: Kind::Routine, name: "shop", cohort: "" };
    let split = Split::new(&release, &live.shares);
    let keys: Vec<_> = (0..1_000).map(|length| "k".repeat(length)).collect();
    let counted = measure(|| {
        for key in &keys {
            black_box(split.version(black_box(key.as_bytes())));
        }
    });
    assert_eq!(counted.count_total, 0);
}

/// The allocations of many evaluations of a rule, the first left out: it makes the
/// caches of the regular expressions.
fn allocations_of_rule(rule: &str, cookie: &str) -> u64 {
    let rule = Rule::parse(rule).unwrap();
    let uri = PathAndQuery::from_static("/Images/cat.PNG?size=2&q");
    let mut headers = HeaderMap::new();
    headers.insert("referer", HeaderValue::from_static("https://Example.com/A"));
    headers.insert("cookie", HeaderValue::from_str(cookie).unwrap());
    let facts = Facts {
        method: "GET",
        scheme: "https",
        version: Version::HTTP_11,
        host: b"www.example.com",
        uri: &uri,
        headers: &headers,
        client: PEER,
        country: Some("CN"),
        as_number: Some(45_104),
    };
    let matches = || assert!(rule.matches(black_box(&facts)), "{rule}");
    matches();
    measure(|| (0..DECISIONS).for_each(|_| matches())).count_total
}

#[test]
fn a_rule_allocates_nothing_whatever_it_compares() {
    for text in [
        r#"http.host eq "WWW.example.com" and not http.host in {"a" "b" "www"}"#,
        r#"ends_with(http.host, ".example.com") and starts_with(http.request.uri.path, "/I")"#,
        r#"http.request.uri contains "PNG?size" and http.referer contains "example""#,
        r#"http.request.full_uri eq "https://www.example.com/Images/cat.PNG?size=2&q""#,
        r#"http.request.full_uri matches "^https://[^/]+/Images/\w+\.PNG""#,
        r#"http.request.uri.path.extension eq "png" and exists(http.request.cookies["uid"])"#,
        r#"http.request.headers["Referer"] matches "Example" and http.request.method ne "PUT""#,
        r#"lower(http.request.uri.path) contains "/cat." and ssl"#,
        r#"ends_with(concat(ip.src, ip.geoip.asnum, lower(http.host), 7), "45104www.example.com7")"#,
        r#"regex_replace(http.request.uri.path, "(c)(at)", "${2}${1}") eq "/Images/atc.PNG""#,
        r#"regex_replace(lower(http.request.uri), "^/(\w+)", "$$${1}") matches "^.images/""#,
        "ip.src in {127.0.0.0/8 192.0.2.0/24 198.51.100.0/24 203.0.113.0/24} or ip.geoip.asnum gt 1",
    ] {
        assert_eq!(allocations_of_rule(text, "a=b; uid=carol"), 0, "{text}");
    }
}

#[test]
fn what_a_rule_makes_is_on_the_heap_only_beyond_4_kb_and_for_a_regular_expression() {
    let long = "A".repeat(5_000);
    for text in [
        r#"lower(http.cookie) contains "aaa""#,
        r#"http.cookie matches "AAA""#,
        r#"starts_with(regex_replace(http.cookie, "^A", "b"), "bA")"#,
    ] {
        assert_eq!(allocations_of_rule(text, &long), 0, "{text}");
    }
    assert!(allocations_of_rule(r#"lower(http.cookie) matches "aaa""#, &long) > 0);
}

#[test]
fn a_release_by_regions_allocates_nothing() {
    let named = |name: &str| RegionName::new(name).unwrap();
    let version = |number: u64| VersionId::new(&format!("ver-{number:019}")).unwrap();
    let settings = Settings {
        regions: Regions::new(vec![region("jiangsu", "192.0.2.0/24", None)]),
        domains: vec![Domain::new("a.test").unwrap()],
        ..Settings::default()
    };
    let mut app = app("storefront", &[version(1), version(2)]);
    app.records.insert(Domain::new("www.a.test").unwrap(), record("www.a.test"));
    app.records.insert(Domain::new("shop.localhost").unwrap(), record("shop.localhost"));
    app.live[Environment::Production.index()] = Some(Arc::new(Publish {
        id: DeploymentId(1),
        version: version(2),
        reach: Reach::Regions([named("jiangsu")].into()),
        rest: Some(version(1)),
        baseline: Some(version(1)),
        rollback: false,
        remarks: String::new(),
        created: Timestamp(0),
    }));
    let catalog = Catalog {
        apps: [(app.id.clone(), Arc::new(app))].into_iter().collect(),
        ..Catalog::default()
    };
    let table = RoutingTable::compile(settings, &catalog);
    assert_eq!(allocations(table, "/", PEER, Reason::Region), 0);
}

#[test]
fn a_route_of_a_site_allocates_nothing_whatever_its_rule_asks() {
    let origin = Some("http://127.0.0.1:1");
    let sites = [site(1, "a.test", origin), site(2, "localhost", origin)];
    let decided = |rule: &str, bypass: bool, reason: Reason| {
        let mut catalog = catalog([canary(&["header:missing", "header:x-user"]).routed(&[])]);
        let route = |id| RoutineRoute { bypass, ..route_of(id, id, "shop", rule) };
        // Another one is tried before it.
        let nearly = route_of(1, 3, "shop", r#"ends_with(http.host, ".a.test") and ssl"#);
        let nearly = RoutineRoute { sequence: 0, ..nearly };
        place(&mut catalog, sites.clone(), [nearly, route(1), route(2)]);
        let regions = Regions::new(vec![region("jiangsu", "192.0.2.0/24", Some("CN"))]);
        let trusted = TrustedProxies::new(vec!["192.0.2.0/24".parse().unwrap()]);
        let settings = Settings { regions, trusted, override_allowed: true, ..Settings::default() };
        let table = RoutingTable::compile(settings, &catalog);
        allocations(table, "/cart/1?a=b", PEER, reason)
    };
    for rule in [
        "true",
        r#"http.host in {"www.a.test" "shop.localhost"} and http.request.uri.path ne "/""#,
        r#"ends_with(http.host, ".a.test") or ends_with(http.host, ".localhost")"#,
        r#"http.request.uri.path matches "^/cart/[0-9]+$""#,
        r#"ip.src eq ::1 and http.request.cookies["uid"] eq "carol""#,
        r#"ip.geoip.country ne "XX" and not exists(ip.geoip.asnum)"#,
    ] {
        assert_eq!(decided(rule, false, Reason::Key), 0, "{rule}");
        assert_eq!(decided(rule, true, Reason::Origin), 0, "{rule}");
    }
}

fn region(name: &str, network: &str, country: Option<&str>) -> Region {
    Region {
        name: RegionName::new(name).unwrap(),
        networks: vec![network.parse().unwrap()],
        country: country.map(str::to_owned),
        asn: None,
    }
}

fn app(name: &str, versions: &[VersionId]) -> EdgeContainerApp {
    let version = |id: &VersionId| AppVersion {
        version_id: id.clone(),
        name: "release".to_owned(),
        remarks: String::new(),
        containers: "[]".to_owned(),
        created: Timestamp(0),
        updated: Timestamp(0),
        published: None,
        last_published: None,
        upstream: None,
        declared: false,
    };
    EdgeContainerApp {
        id: AppId::new("app-880688675783790000").unwrap(),
        name: AppName::new(name).unwrap(),
        remarks: String::new(),
        service_port: 80,
        target_port: 80,
        health_check: "{}".to_owned(),
        created: Timestamp(0),
        updated: Timestamp(0),
        declared: false,
        sticky: Sticky::default(),
        cohort: String::new(),
        versions: versions.iter().map(|id| (id.clone(), Arc::new(version(id)))).collect(),
        records: imbl::OrdMap::new(),
        live: [None, None],
        scheduled: Vec::new(),
    }
}

/// What the other tests of this file stand on.
#[test]
fn an_allocation_would_be_counted() {
    let minted = measure(|| {
        let (table, draws) = (table([canary(&["mint:id"])]), draws());
        let request = request("/", &[("host", "shop.localhost")]);
        let decision = table.decide(Environment::Production, &request, PEER, &draws);
        black_box(decision.is_ok());
    });
    assert!(minted.count_total > 0);
}
