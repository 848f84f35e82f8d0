//! Which routes of a site are tried for a host, and which of them takes a request.

use super::*;
use crate::model::{
    Catalog, ConfigId, Domain, RouteMode, Routine, RoutineName, Rule, SiteId, Timestamp,
};
use crate::routing::Settings;

fn route(id: i64, sequence: u32, rule: &str) -> Arc<SiteRoute> {
    let site =
        Site { id: SiteId::new(1).unwrap(), name: Domain::new("a.test").unwrap(), origin: None };
    let route = RoutineRoute {
        id: ConfigId(id),
        site: site.id,
        routine: RoutineName::new("shop").unwrap(),
        name: String::new(),
        enabled: true,
        rule_text: rule.to_owned(),
        rule: Rule::parse(rule).unwrap(),
        mode: RouteMode::Custom,
        bypass: false,
        fallback: false,
        sequence,
        timeout: None,
        created: Timestamp(0),
    };
    Arc::new(SiteRoute::new(&site, &Arc::new(route), 0))
}

fn a_test() -> Site {
    Site { id: SiteId::new(1).unwrap(), name: Domain::new("a.test").unwrap(), origin: None }
}

/// The numbers of the routes that are tried for `host` where these match.
fn tried(site: &CompiledSite, host: &str, matching: &[i64]) -> (Vec<i64>, Option<i64>) {
    let mut tried = Vec::new();
    let found = site.first(host.as_bytes(), |route| {
        tried.push(route.route.id.0);
        matching.contains(&route.route.id.0)
    });
    (tried, found.map(|route| route.route.id.0))
}

#[test]
fn only_routes_that_speak_of_the_host_are_tried() {
    let mut routes: Vec<_> = (0..1_000)
        .map(|number| route(number, 1, &format!(r#"http.host eq "host-{number}.a.test""#)))
        .collect();
    routes.push(route(2_000, 2, r#"ends_with(http.host, ".a.test")"#));
    routes.push(route(2_001, 3, r#"http.request.uri.path eq "/""#));
    routes.push(route(2_002, 4, r#"http.host in {"host-7.a.test" "b.a.test"}"#));
    let site = CompiledSite::new(&a_test(), routes);
    assert_eq!(tried(&site, "host-7.a.test", &[]), (vec![7, 2_002, 2_000, 2_001], None));
    assert_eq!(tried(&site, "host-7.a.test", &[7]), (vec![7], Some(7)));
    assert_eq!(tried(&site, "a.test", &[]), (vec![2_001], None));
    assert_eq!(tried(&site, "x.y.a.test", &[]), (vec![2_000, 2_001], None));
}

#[test]
fn nothing_is_tried_beyond_the_best_that_was_found() {
    let host = r#"http.host eq "w.a.test""#;
    let site = CompiledSite::new(
        &a_test(),
        vec![
            route(1, 50, host),
            route(2, 20, host),
            route(3, 10, r#"ends_with(http.host, ".test")"#),
            route(4, 30, r#"ends_with(http.host, ".a.test")"#),
            route(5, 20, "true"),
            route(6, 5, "true"),
        ],
    );
    // By host 2 and 1, by suffix 4, by the shorter suffix 3, and for any 6 and 5.
    assert_eq!(tried(&site, "w.a.test", &[]), (vec![2, 1, 4, 3, 6, 5], None));
    assert_eq!(tried(&site, "w.a.test", &[2, 4, 3, 5]), (vec![2, 3, 6], Some(3)));
    assert_eq!(tried(&site, "w.a.test", &[2, 5, 4]), (vec![2, 3, 6], Some(2)));
    assert_eq!(tried(&site, "w.a.test", &[1, 4, 5, 6]), (vec![2, 1, 4, 3, 6], Some(6)));
}

#[test]
fn a_route_is_tried_once_however_often_it_names_the_host() {
    let site = CompiledSite::new(
        &a_test(),
        vec![route(
            1,
            1,
            r#"http.host in {"w.a.test" "a.test"} or http.host eq "w.a.test" or ends_with(http.host, ".a.test") or ends_with(http.host, ".w.a.test") or ends_with(http.host, "x.a.test")"#,
        )],
    );
    for host in ["a.test", "w.a.test", "x.w.a.test", "x.a.test", ".a.test"] {
        assert_eq!(tried(&site, host, &[]), (vec![1], None), "{host}");
    }
    assert_eq!(tried(&site, "test", &[]), (vec![], None));
}

fn table(sites: &[(i64, &str)], routed: &[i64]) -> RoutingTable {
    let mut catalog = Catalog::default();
    let routine = Routine::new(RoutineName::new("shop").unwrap(), Timestamp(0));
    catalog.routines.insert(routine.name.clone(), Arc::new(routine));
    for (id, name) in sites {
        let (id, name) = (SiteId::new(*id).unwrap(), Domain::new(name).unwrap());
        catalog.sites.insert(id, Arc::new(Site { id, name, origin: None }));
        if routed.contains(&id.get()) {
            let mut of_site = RoutineRoute::clone(&route(id.get(), 1, "true").route);
            of_site.site = id;
            catalog.site_routes.insert((id, of_site.id), Arc::new(of_site));
        }
    }
    RoutingTable::compile(Settings::default(), &catalog)
}

#[test]
fn the_most_specific_site_has_a_host_even_without_routes() {
    let sites = [(1, "test"), (2, "a.test"), (3, "c.b.a.test"), (4, "b.test")];
    let table = table(&sites, &[1, 2, 3]);
    let site_of = |host: &str| {
        let route = table.site_of(host.as_bytes())?.any_host.first()?;
        Some(route.route.site.get())
    };
    for (host, site) in [
        ("a.test", Some(2)),
        ("b.a.test", Some(2)),
        ("c.b.a.test", Some(3)),
        ("d.c.b.a.test", Some(3)),
        ("xc.b.a.test", Some(2)),
        ("xa.test", Some(1)),
        ("test", Some(1)),
        ("b.test", None),
        ("w.b.test", None),
        ("a.test.example", None),
    ] {
        assert_eq!(site_of(host), site, "{host}");
    }
    assert_eq!(table.routed_sites, 3);
}

#[test]
fn a_site_is_routed_for_as_long_as_it_has_routes_that_are_enabled() {
    let empty = table(&[(1, "a.test")], &[]);
    assert_eq!(empty.routed_sites, 0);
    let site = Arc::new(Site {
        id: SiteId::new(1).unwrap(),
        name: Domain::new("a.test").unwrap(),
        origin: None,
    });
    let enabled = route(1, 1, "true").route.clone();
    let disabled = Arc::new(RoutineRoute { enabled: false, ..RoutineRoute::clone(&enabled) });
    let with = |table: &RoutingTable, routes: &[&Arc<RoutineRoute>]| {
        table.with_sites([(&site, routes.iter().copied())])
    };
    let routed = with(&empty, &[&enabled]);
    assert_eq!(routed.routed_sites, 1);
    assert_eq!(with(&routed, &[&enabled, &disabled]).routed_sites, 1);
    assert_eq!(with(&routed, &[&disabled]).routed_sites, 0);
    assert_eq!(with(&routed, &[]).routed_sites, 0);
}
