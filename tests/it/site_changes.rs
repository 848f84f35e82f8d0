//! A table whose sites, routes and records were changed step by step is the one that
//! would be compiled, and finds what asking every route finds.

use std::collections::BTreeSet;
use std::sync::Arc;

use http::request::Parts;
use proptest::prelude::*;
use serin::model::{
    Catalog, ConfigId, Domain, Environment, Facts, RoutineName, RoutineRoute, SiteId,
};
use serin::routing::{Answerer, RoutingTable, Settings, Unroutable};

use crate::support::fixtures::{
    Described, PEER, draws, name, place, record, request, route_of, routine, settings, site,
};

const NAMES: [&str; 3] = ["aa", "bb", "cc"];
const RULES: [&str; 9] = [
    "true",
    r#"http.host eq "x.test""#,
    r#"http.host in {"x.test" "w.y.x.test" "z.test"}"#,
    r#"ends_with(http.host, ".x.test")"#,
    r#"ends_with(http.host, ".x.test") or http.host eq "w.y.x.test" or ends_with(http.host, ".y.x.test")"#,
    r#"ends_with(http.host, "x.test") and starts_with(http.request.uri.path, "/a")"#,
    r#"http.request.uri.path matches "^/(a|b)$""#,
    r#"not http.host contains "w""#,
    r#"http.host eq "test" and http.host eq "z.test""#,
];
const HOSTS: [&str; 7] =
    ["x.test", "y.x.test", "w.y.x.test", "z.test", "test", "x.test.", "bb.localhost"];
const PATHS: [&str; 3] = ["/", "/a", "/b"];
const SITES: [(i64, &str); 3] = [(1, "x.test"), (2, "y.x.test"), (3, "test")];

fn all_settings() -> Settings {
    Settings { default_routine: Some(name("aa")), ..settings() }
}

#[derive(Debug, Clone)]
enum Change {
    /// A routine with the records whose bits are set, in production where it says so.
    /// What another routine is bound to is taken from it.
    Routine(usize, u8, bool),
    /// Its routes go with it.
    RoutineGone(usize),
    /// Site, number, routine, rule and sequence; enabled, bypass, fallback.
    Route(usize, i64, usize, usize, u32, [bool; 3]),
    RouteGone(usize, i64),
}

fn changes() -> impl Strategy<Value = Change> {
    let route =
        (0..SITES.len(), 0..6_i64, 0..NAMES.len(), 0..RULES.len(), 0..3_u32, any::<[bool; 3]>());
    prop_oneof![
        3 => (0..NAMES.len(), any::<u8>(), any::<bool>())
            .prop_map(|(name, bits, live)| Change::Routine(name, bits, live)),
        1 => (0..NAMES.len()).prop_map(Change::RoutineGone),
        8 => route.prop_map(|(site, id, routine, rule, sequence, is)| {
            Change::Route(site, id, routine, rule, sequence, is)
        }),
        2 => (0..SITES.len(), 0..6_i64).prop_map(|(site, id)| Change::RouteGone(site, id)),
    ]
}

fn histories() -> impl Strategy<Value = Vec<Vec<Change>>> {
    proptest::collection::vec(proptest::collection::vec(changes(), 1..5), 1..12)
}

/// Sites of which only the first two have origins, and nothing else.
fn empty() -> Catalog {
    let mut catalog = Catalog::default();
    let sites = SITES.map(|(id, name)| site(id, name, (id < 3).then_some("http://127.0.0.1:1")));
    place(&mut catalog, sites, []);
    catalog
}

fn number(site: usize, id: i64) -> (SiteId, ConfigId) {
    (SiteId::new(SITES[site].0).unwrap(), ConfigId(id * 10 + SITES[site].0))
}

/// What differs after a batch: routines, in the order in which they came to, and sites.
fn apply(catalog: &mut Catalog, batch: &[Change]) -> (Vec<RoutineName>, BTreeSet<SiteId>) {
    let (mut names, mut sites) = (Vec::new(), BTreeSet::new());
    for change in batch {
        match change {
            Change::Routine(number, bits, live) => {
                let bound: Vec<_> = (0..HOSTS.len())
                    .filter(|bit| bits >> bit & 1 == 1 && !HOSTS[*bit].ends_with('.'))
                    .map(|bit| HOSTS[bit])
                    .collect();
                for (other, known) in catalog.routines.clone() {
                    let mut kept = serin::model::Routine::clone(&known);
                    for host in &bound {
                        kept.records.remove(&Domain::new(host).unwrap());
                    }
                    if kept.records != known.records && other.as_str() != NAMES[*number] {
                        catalog.routines.insert(other.clone(), Arc::new(kept));
                        names.push(other);
                    }
                }
                let mut made = routine(NAMES[*number]).bound_to(&bound);
                if *live {
                    made = made.deployed(Environment::Production, 1, &[("1", 100)]);
                }
                names.push(made.name.clone());
                catalog.routines.insert(made.name.clone(), Arc::new(made));
            }
            Change::RoutineGone(number) => {
                let name = name(NAMES[*number]);
                let of_it = |route: &RoutineRoute| route.routine == name;
                for (key, route) in catalog.site_routes.clone() {
                    if of_it(&route) {
                        catalog.site_routes.remove(&key);
                        sites.insert(key.0);
                    }
                }
                catalog.routines.remove(&name);
                names.push(name);
            }
            Change::Route(at, id, to, rule, sequence, [enabled, bypass, fallback]) => {
                if !catalog.routines.contains_key(&name(NAMES[*to])) {
                    continue;
                }
                let key = number(*at, *id);
                let route = RoutineRoute {
                    sequence: *sequence,
                    enabled: *enabled,
                    bypass: *bypass && *fallback,
                    fallback: *fallback,
                    ..route_of(key.0.get(), key.1.0, NAMES[*to], RULES[*rule])
                };
                catalog.site_routes.insert(key, Arc::new(route));
                sites.insert(key.0);
            }
            Change::RouteGone(at, id) => {
                let key = number(*at, *id);
                catalog.site_routes.remove(&key);
                sites.insert(key.0);
            }
        }
    }
    (names, sites)
}

fn updated(
    table: &RoutingTable,
    next: &Catalog,
    (names, sites): &(Vec<RoutineName>, BTreeSet<SiteId>),
) -> RoutingTable {
    let routines = names.iter().map(|name| (name, next.routines.get(name)));
    let sites = sites.iter().filter_map(|id| next.site(*id));
    table.with(routines).with_sites(sites.map(|site| (site, next.routes_of_site(site.id))))
}

fn requests() -> Vec<(&'static str, Parts)> {
    let pairs = HOSTS.iter().flat_map(|host| PATHS.iter().map(move |path| (*host, *path)));
    pairs.map(|(host, path)| (host, request(path, &[("host", host)]))).collect()
}

/// What is decided, in words.
fn decision(table: &RoutingTable, request: &Parts) -> String {
    match table.decide(Environment::Production, request, PEER, &draws()) {
        Ok(decision) => {
            let (routine, upstream) = match &decision.answerer {
                Answerer::Version(target) => (target.subject.to_string(), None),
                Answerer::Origin(origin) => {
                    let routine = origin.routine.as_ref().map(|(name, _)| name.to_string());
                    (routine.unwrap_or_default(), Some(&origin.upstream))
                }
            };
            format!("{routine} {} {upstream:?}", decision.reason.as_str())
        }
        Err(error) => error.to_string(),
    }
}

/// Who leads a request where, by asking every route and record: to a routine, or to
/// nobody's.
fn matched(
    catalog: &Catalog,
    host: &str,
    request: &Parts,
) -> Option<(Option<RoutineName>, String)> {
    let folded = Domain::new(host.trim_end_matches('.')).unwrap();
    let site = catalog.site_of(&folded);
    let facts = Facts {
        method: "GET",
        scheme: "http",
        version: request.version,
        host: folded.as_str().as_bytes(),
        uri: request.uri.path_and_query().unwrap(),
        headers: &request.headers,
        client: PEER,
        country: None,
        as_number: None,
    };
    let routes = site.into_iter().flat_map(|site| catalog.routes_of_site(site.id));
    let matching = routes.filter(|route| route.enabled && route.rule.matches(&facts));
    if let Some(route) = matching.min_by_key(|route| route.order()) {
        let (name, id, site) = (&route.name, route.id, &site.unwrap().name);
        return Some((
            Some(route.routine.clone()),
            format!("route {name} (ConfigId {id} of site {site})"),
        ));
    }
    let mut routines = catalog.routines.values();
    if let Some(bound) = routines.find(|routine| routine.records.contains_key(&folded)) {
        return Some((Some(bound.name.clone()), "bound record".to_owned()));
    }
    let by_name = host.strip_suffix(".localhost").and_then(|it| catalog.routines.get(it));
    let default = || catalog.routines.get("aa").map(|it| (it, "default_routine"));
    if let Some((found, way)) = by_name.map(|it| (it, "record")).or_else(default) {
        return Some((Some(found.name.clone()), way.to_owned()));
    }
    let untouched = site.filter(|site| site.origin.is_some())?;
    Some((None, format!("site {}", untouched.name)))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn a_table_of_changed_sites_is_the_one_that_would_be_compiled(history in histories()) {
        let requests = requests();
        let decisions = |table: &RoutingTable| -> Vec<_> {
            requests.iter().map(|(_, request)| decision(table, request)).collect()
        };
        let mut catalog = empty();
        let mut table = RoutingTable::compile(all_settings(), &catalog);
        for batch in &history {
            let before = decisions(&table);
            let differing = apply(&mut catalog, batch);
            let changed = updated(&table, &catalog, &differing);
            let compiled = RoutingTable::compile(all_settings(), &catalog);
            prop_assert_eq!(decisions(&changed), decisions(&compiled));
            prop_assert_eq!(decisions(&table), before, "the old table stays as it was");
            table = changed;
        }
    }

    #[test]
    fn a_table_of_sites_finds_what_asking_every_route_finds(history in histories()) {
        let mut catalog = empty();
        for batch in &history {
            apply(&mut catalog, batch);
        }
        let table = RoutingTable::compile(all_settings(), &catalog);
        for (host, request) in requests() {
            let why = table.explain(Environment::Production, &request, PEER).unwrap();
            let found = why.as_ref().map(|why| {
                let routine = why.subject.as_ref().map(|subject| name(subject.as_str()));
                (routine, why.matched.clone().unwrap())
            });
            prop_assert_eq!(found, matched(&catalog, host, &request), "{}", host);
            // What is explained is what is decided.
            let explained = match why {
                None => Unroutable::NoRoutine.to_string(),
                Some(why) if why.version.is_none() && why.upstream.is_none() => continue,
                Some(why) => {
                    let routine = why.subject.map(|subject| subject.to_string());
                    let (routine, reason) = (routine.unwrap_or_default(), why.reason.as_str());
                    format!("{routine} {reason} {:?}", why.upstream.as_ref())
                }
            };
            prop_assert_eq!(explained, decision(&table, &request), "{}", host);
        }
    }
}

#[test]
fn a_host_may_pass_from_one_routine_to_another_in_one_change() {
    let records = |hosts: &[&str]| -> imbl::OrdMap<_, _> {
        hosts.iter().map(|host| (Domain::new(host).unwrap(), record(host))).collect()
    };
    let with = |routine_name: &str, hosts: &[&str]| {
        let mut made = routine(routine_name).deployed(Environment::Production, 1, &[("1", 100)]);
        made.records = records(hosts);
        Arc::new(made)
    };
    let (aa, bb) = (with("aa", &["x.test"]), with("bb", &["z.test"]));
    let before = crate::support::fixtures::table([]);
    let before = before.with([(&aa.name, Some(&aa)), (&bb.name, Some(&bb))]);
    let (aa, bb) = (with("aa", &["z.test"]), with("bb", &["x.test"]));
    let changes = [(&aa.name, Some(&aa)), (&bb.name, Some(&bb))];
    for changes in [changes, [changes[1], changes[0]]] {
        let after = before.with(changes);
        for (host, routine) in [("x.test", "bb"), ("z.test", "aa")] {
            let asked = request("/", &[("host", host)]);
            assert_eq!(decision(&after, &asked), format!("{routine} only None"));
        }
        let gone = after.with([(&aa.name, None)]);
        let asked = request("/", &[("host", "z.test")]);
        assert_eq!(decision(&gone, &asked), Unroutable::NoRoutine.to_string());
    }
}
