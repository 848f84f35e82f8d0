//! Routes of sites: which requests they take, in which order, and from whom.

use serin::model::{Environment, Region, RegionName, Regions, Routine, RoutineRoute, Site};

use crate::support::edge::{Edge, Setup};
use crate::support::fixtures::{Described, route_of, routine, serving, site};
use crate::support::raw::{Answer, Client};

/// Asks production for `target`, host and path in one.
fn ask(edge: &Edge, target: &str, lines: &[&str]) -> Answer {
    ask_with(edge, "GET", target, lines)
}

fn ask_with(edge: &Edge, method: &str, target: &str, lines: &[&str]) -> Answer {
    let slash = target.find('/').unwrap_or(target.len());
    let (host, path) = target.split_at(slash);
    let path = if path.is_empty() { "/" } else { path };
    let head = format!("{method} {path} HTTP/1.1\r\nhost: {host}");
    let lines = [&[&*head], lines, &["\r\n"]].concat();
    edge.client().send(lines.join("\r\n")).answer()
}

/// The routine that answers.
fn taker(edge: &Edge, target: &str, lines: &[&str]) -> String {
    ask(edge, target, lines).header("x-serin-routine").unwrap_or("nobody").to_owned()
}

/// `shop` takes what nobody else does.
fn edge(
    routines: impl IntoIterator<Item = Routine>,
    sites: impl IntoIterator<Item = Site>,
    routes: impl IntoIterator<Item = RoutineRoute>,
) -> Edge {
    setup(routines, sites, routes).start()
}

fn setup(
    routines: impl IntoIterator<Item = Routine>,
    sites: impl IntoIterator<Item = Site>,
    routes: impl IntoIterator<Item = RoutineRoute>,
) -> Setup {
    let routines = routines.into_iter().chain([serving("shop")]);
    Setup::of(routines).placed(sites, routes)
}

/// A site `a.test` whose only route leads to `mine`.
fn ruled(rule: &str) -> Setup {
    setup([serving("mine")], [site(1, "a.test", None)], [route_of(1, 1, "mine", rule)])
}

#[test]
fn the_first_route_by_sequence_takes_a_request_and_of_equals_the_older_one() {
    let at =
        |id, sequence, routine, rule| RoutineRoute { sequence, ..route_of(1, id, routine, rule) };
    let edge = edge(
        ["first", "older", "newer", "last"].map(serving),
        [site(1, "a.test", None)],
        [
            at(1, 9, "last", r#"http.host eq "w.a.test""#),
            at(4, 5, "newer", r#"ends_with(http.host, ".a.test")"#),
            at(3, 5, "older", r#"starts_with(http.request.uri.path, "/b")"#),
            at(9, 0, "first", r#"http.request.uri.path eq "/best""#),
        ],
    );
    for (target, routine) in [
        ("w.a.test/best", "first"),
        ("a.test/best", "first"),
        ("w.a.test/b", "older"),
        ("w.a.test/a", "newer"),
        ("a.test/a", "shop"),
    ] {
        assert_eq!(taker(&edge, target, &[]), routine, "{target}");
    }
}

#[test]
fn a_disabled_route_takes_nothing() {
    let off = |id, routine| RoutineRoute { enabled: false, ..route_of(1, id, routine, "true") };
    let site = || [site(1, "a.test", None)];
    let beside = edge(
        [serving("on"), serving("off")],
        site(),
        [off(1, "off"), route_of(1, 2, "on", "true"), off(3, "off")],
    );
    assert_eq!(taker(&beside, "a.test", &[]), "on");
    let alone = edge([serving("off")], site(), [off(1, "off")]);
    assert_eq!(taker(&alone, "a.test", &[]), "shop");
}

#[test]
fn a_route_takes_requests_of_its_site_alone_and_the_most_specific_site_has_a_host() {
    let sites = [
        site(1, "example.com", None),
        site(2, "eu.example.com", None),
        site(3, "quiet.example.com", None),
        site(4, "example.org", None),
    ];
    let routes = [
        route_of(1, 1, "world", "true"),
        route_of(2, 2, "europe", r#"http.request.uri.path ne "/world""#),
        // It speaks of a host that is another site's.
        route_of(4, 3, "thief", r#"http.host eq "example.com""#),
    ];
    let edge = edge(["world", "europe", "thief"].map(serving), sites, routes);
    for (target, routine) in [
        ("example.com", "world"),
        ("a.b.example.com:8080", "world"),
        ("EXAMPLE.com.", "world"),
        ("eu.example.com", "europe"),
        ("de.eu.example.com", "europe"),
        // What the site's own routes leave is not for those of the site above it.
        ("eu.example.com/world", "shop"),
        ("quiet.example.com", "shop"),
        ("example.org", "shop"),
        ("anexample.com", "shop"),
    ] {
        assert_eq!(taker(&edge, target, &[]), routine, "{target}");
    }
}

#[test]
fn of_several_ways_a_route_of_the_config_wins_then_one_of_a_site_then_a_record() {
    let routines = [
        serving("config").routed(&["w.a.test/exact", "*.a.test/suffix", "*/any"]),
        serving("rule"),
        serving("bound").bound_to(&["w.a.test", "record.localhost"]),
        serving("record"),
    ];
    let not_plain = r#"http.request.uri.path ne "/plain""#;
    let sites = [site(1, "a.test", None), site(2, "localhost", None)];
    let routes = [
        route_of(1, 1, "rule", not_plain),
        route_of(2, 2, "rule", r#"http.request.uri.path eq "/rule""#),
    ];
    let edge = edge(routines, sites, routes);
    for (target, routine) in [
        ("w.a.test/exact", "config"),
        ("w.a.test/suffix", "config"),
        ("w.a.test/any", "config"),
        ("w.a.test/x", "rule"),
        ("w.a.test/plain", "bound"),
        ("record.localhost/rule", "rule"),
        ("record.localhost/x", "bound"),
        ("rule.localhost/rule", "rule"),
        ("config.localhost/x", "config"),
        ("a.test/plain", "shop"),
    ] {
        assert_eq!(taker(&edge, target, &[]), routine, "{target}");
    }
}

#[test]
fn a_rule_reads_what_a_request_says() {
    for (rule, asked, other) in [
        (r#"http.request.uri.path eq "/a""#, ("GET", "/a?q", ""), ("GET", "/A", "")),
        (r#"http.request.uri.query contains "q=1""#, ("GET", "/?q=12", ""), ("GET", "/q=1", "")),
        (r#"http.request.method eq "PUT""#, ("PUT", "/", ""), ("GET", "/", "")),
        (r#"http.request.version eq "HTTP/1.1""#, ("GET", "/", ""), ("", "", "")),
        (
            r#"http.request.headers["X-Tier"] in {"gold" "silver"}"#,
            ("GET", "/", "x-tier: gold"),
            ("GET", "/", "x-tier: lead"),
        ),
        (
            r#"http.request.cookies["beta"] eq "1""#,
            ("GET", "/", "cookie: a=b; beta=1"),
            ("GET", "/", "cookie: beta=0; beta=1"),
        ),
        (
            r#"http.user_agent matches "^curl/[0-9]+""#,
            ("GET", "/", "user-agent: curl/8.5"),
            ("GET", "/", "user-agent: Curl"),
        ),
        (
            r#"not exists(http.request.headers["x-internal"])"#,
            ("GET", "/", ""),
            ("GET", "/", "x-internal:"),
        ),
    ] {
        let edge = ruled(rule).start();
        let taker = |(method, path, line): (&str, &str, &str)| {
            let lines: Vec<_> = Some(line).filter(|line| !line.is_empty()).into_iter().collect();
            let answer = ask_with(&edge, method, &format!("a.test{path}"), &lines);
            answer.header("x-serin-routine").unwrap().to_owned()
        };
        assert_eq!(taker(asked), "mine", "{rule}");
        if !other.0.is_empty() {
            assert_eq!(taker(other), "shop", "{rule}");
        }
    }
}

#[test]
fn who_a_client_is_and_whether_it_came_over_tls_a_trusted_peer_says() {
    let loopback = ruled("ip.src eq 127.0.0.1").start();
    assert_eq!(taker(&loopback, "a.test", &["x-forwarded-for: 198.51.100.7"]), "mine");
    let (rule, lines) = ("ip.src in {198.51.100.0/24}", ["x-forwarded-for: 198.51.100.7"]);
    assert_eq!(taker(&ruled(rule).trusting_loopback().start(), "a.test", &lines), "mine");
    assert_eq!(taker(&ruled(rule).start(), "a.test", &lines), "shop");

    let lines = ["x-forwarded-proto: https"];
    for rule in ["ssl", r#"http.request.scheme eq "https""#] {
        let trusting = ruled(rule).trusting_loopback().start();
        assert_eq!(taker(&trusting, "a.test", &lines), "mine", "{rule}");
        assert_eq!(taker(&trusting, "a.test", &[]), "shop", "{rule}");
        assert_eq!(taker(&ruled(rule).start(), "a.test", &lines), "shop", "{rule}");
    }
}

#[test]
fn where_a_client_is_a_trusted_peer_says_and_else_the_regions() {
    let region = |name: &str, network: &str, country: &str, asn| Region {
        name: RegionName::new(name).unwrap(),
        networks: vec![network.parse().unwrap()],
        country: Some(country.to_owned()),
        asn: Some(asn),
    };
    let setup = |rule: &str| Setup {
        regions: Regions::new(vec![
            region("home", "127.0.0.0/8", "CH", 64_500),
            region("jiangsu", "198.51.100.0/24", "CN", 4134),
        ]),
        ..ruled(rule)
    };
    let china = r#"ip.geoip.country eq "CN""#;
    for (rule, line) in [
        (china, "x-serin-country: CN"),
        (china, "x-serin-region: jiangsu"),
        (china, "x-forwarded-for: 198.51.100.7"),
        ("ip.geoip.asnum lt 5000", "x-serin-asn: 4134"),
        ("ip.geoip.asnum lt 5000", "x-serin-region: jiangsu"),
        ("ip.geoip.asnum lt 5000", "x-forwarded-for: 198.51.100.7"),
    ] {
        let trusting = setup(rule).trusting_loopback().start();
        assert_eq!(taker(&trusting, "a.test", &[line]), "mine", "{rule} {line}");
        assert_eq!(taker(&trusting, "a.test", &["x-serin-region: moon"]), "shop", "{rule}");
        // What nobody vouches for is the address of the peer.
        let rule = format!("not {rule}");
        assert_eq!(taker(&setup(&rule).start(), "a.test", &[line]), "mine", "{rule} {line}");
    }
}

#[test]
fn a_route_leads_to_what_each_environment_serves() {
    let mut mine = routine("mine").deployed(Environment::Production, 1, &[("1", 100)]);
    mine = mine.deployed(Environment::Staging, 2, &[("2", 100)]);
    let dark = routine("dark").deployed(Environment::Production, 3, &[("1", 100)]);
    let edge = edge(
        [mine, dark],
        [site(1, "a.test", None)],
        [
            route_of(1, 1, "dark", r#"http.request.uri.path eq "/dark""#),
            route_of(1, 2, "mine", "true"),
        ],
    );
    let ask = |address, path: &str| {
        let request = format!("GET {path} HTTP/1.1\r\nhost: a.test\r\n\r\n");
        Client::new(address).send(request).answer()
    };
    for (address, version) in [(edge.production, "1"), (edge.staging, "2")] {
        let answer = ask(address, "/");
        assert_eq!(answer.header("x-serin-version"), Some(version));
        assert_eq!(answer.header("x-serin-routine"), Some("mine"));
    }
    assert_eq!(ask(edge.production, "/dark").status, 200);
    let dark = ask(edge.staging, "/dark");
    assert_eq!((dark.status, &dark.json()["routine"]), (503, &"dark".into()));
}

#[test]
fn a_request_without_a_host_is_of_no_site() {
    let edge = ruled("true").start();
    let answer = edge.client().send("GET / HTTP/1.0\r\n\r\n").answer();
    assert_eq!(answer.header("x-serin-routine"), Some("shop"));
    let answer = edge.client().send("GET http://a.test/ HTTP/1.0\r\n\r\n").answer();
    assert_eq!(answer.header("x-serin-routine"), Some("mine"));
}
