//! A table that was changed step by step is the table that would be compiled, and
//! what it explains is what it decides.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use http::request::Parts;
use proptest::prelude::*;
use serin::model::{
    Catalog, Domain, Environment, HostPattern, PathPattern, Route, Routine, RoutineName,
};
use serin::routing::{
    Explanation, Reason, RoutingTable, Settings, SubjectName, Unroutable, published,
};

use crate::support::fixtures::{
    Described, OVERRIDE, PEER, catalog, decide, draws, name, request, request_for, routine,
    serving, settings, table, version,
};

const NAMES: [&str; 4] = ["aa", "bb", "cc", "dd"];
const ROUTES: [&str; 14] = [
    "x.test/*",
    "x.test/a*",
    "x.test/a/b",
    "y.x.test/a",
    "*.x.test/*",
    "*.x.test/a*",
    "*.test/a/*",
    "*.test/",
    "*/a/b",
    "*/a*",
    "aa.localhost/a*",
    "bb.edge.test/a",
    "*.localhost/b*",
    "x.test/a/*",
];
const HOSTS: [&str; 11] = [
    "x.test",
    "y.x.test",
    "z.y.x.test",
    "test",
    "other.example",
    "aa.localhost",
    "bb.localhost",
    "cc.localhost",
    "dd.edge.test",
    "bb.edge.test",
    "ee.edge.test",
];
const PATHS: [&str; 7] = ["/", "/a", "/a/", "/a/b", "/ab", "/b", "/c/a"];

fn all_settings() -> Settings {
    Settings {
        default_routine: Some(name("dd")),
        domains: vec![Domain::new("edge.test").expect("a domain")],
        ..settings()
    }
}

/// One routine as it shall be from now on; `None` deletes it.
type Change = (usize, Option<Shape>);

#[derive(Debug, Clone)]
struct Shape {
    /// A bit for each of `ROUTES`. What another routine has is taken from it.
    routes: u16,
    /// The percent of version 2 in each environment; 0 is all of version 1.
    live: [Option<u64>; 2],
    sources: &'static [&'static str],
}

fn shapes() -> impl Strategy<Value = Shape> {
    let live = || proptest::option::weighted(0.8, 0..=100_u64);
    let sources = proptest::sample::select(vec![
        &["header:k"][..],
        &["header:k", "mint:id"],
        &["query:k", "client-ip"],
    ]);
    (any::<u16>(), any::<u16>(), [live(), live()], sources)
        .prop_map(|(routes, fewer, live, sources)| Shape { routes: routes & fewer, live, sources })
}

/// Changes in batches, as a store commits them.
fn histories() -> impl Strategy<Value = Vec<Vec<Change>>> {
    let change = (0..NAMES.len(), proptest::option::weighted(0.75, shapes()));
    proptest::collection::vec(proptest::collection::vec(change, 1..4), 1..8)
}

/// The next catalog, and the names of the routines that differ in it, in the
/// order in which they came to differ.
fn changed(catalog: &Catalog, batch: &[Change], id: u64) -> (Catalog, Vec<RoutineName>) {
    let (mut next, mut names) = (catalog.clone(), Vec::new());
    for (number, shape) in batch {
        let name = name(NAMES[*number]);
        names.push(name.clone());
        let Some(shape) = shape else {
            next.routines.remove(&name);
            continue;
        };
        let routine = shaped(NAMES[*number], shape, id);
        for (other, known) in next.routines.clone() {
            let mut kept = Routine::clone(&known);
            kept.routes.retain(|route| !routine.routes.contains(route));
            if kept.routes != known.routes && other != name {
                next.routines.insert(other.clone(), Arc::new(kept));
                names.push(other);
            }
        }
        next.routines.insert(name, Arc::new(routine));
    }
    (next, names)
}

fn shaped(name: &str, shape: &Shape, id: u64) -> Routine {
    let routes: Vec<_> = (0..ROUTES.len())
        .filter(|bit| shape.routes >> bit & 1 == 1)
        .map(|bit| ROUTES[bit])
        .collect();
    let made = routine(name).routed(&routes).keyed(shape.sources).versioned(&["3"]);
    Environment::ALL.into_iter().fold(made, |made, environment| {
        match shape.live[environment.index()] {
            None => made,
            Some(0) => made.deployed(environment, id, &[("1", 100)]),
            Some(100) => made.deployed(environment, id, &[("2", 100)]),
            Some(percent) => {
                made.deployed(environment, id, &[("1", 100 - percent), ("2", percent)])
            }
        }
    })
}

/// What is decided about a request, in words; which turn of a spread or minted key
/// it had is left out.
fn decision(table: &RoutingTable, environment: Environment, request: &Parts) -> String {
    let outcome = table.decide(environment, request, PEER, &draws());
    match outcome {
        Ok(decision) => {
            let target = decision.target().unwrap();
            let by_chance = decision.minted.is_some() || decision.reason == Reason::Spread;
            let version = (!by_chance).then(|| target.version.clone());
            format!("{} {version:?} {:?} {:?}", target.subject, target.deployment, decision.reason)
        }
        Err(error) => error.to_string(),
    }
}

/// The same, by the explanation.
fn explained(table: &RoutingTable, environment: Environment, request: &Parts) -> String {
    match table.explain(environment, request, PEER) {
        Ok(None) => Unroutable::NoRoutine.to_string(),
        Err(error) => error,
        Ok(Some(why)) if why.deployment.is_none() && why.version.is_none() => {
            let (routine, environment) = (routine_of(&why), why.environment);
            Unroutable::NoDeployment { routine, environment }.to_string()
        }
        Ok(Some(why)) => {
            let subject = why.subject.map(|subject| subject.to_string()).unwrap_or_default();
            format!("{subject} {:?} {:?} {:?}", why.version, why.deployment, why.reason)
        }
    }
}

fn routine_of(why: &Explanation) -> RoutineName {
    match &why.subject {
        Some(SubjectName::Routine(name)) => name.clone(),
        other => panic!("there are routines alone, and {other:?} was explained"),
    }
}

/// All hosts and paths in both environments.
fn requests() -> Vec<(Environment, &'static str, &'static str, Parts)> {
    let mut all = Vec::new();
    for environment in Environment::ALL {
        for host in HOSTS {
            for path in PATHS {
                let request = request(path, &[("host", host), ("k", "alice")]);
                all.push((environment, host, path, request));
            }
        }
    }
    all
}

/// How well a route fits, if it does: the host counts before the path.
fn fit(route: &Route, host: &str, path: &str) -> Option<(usize, usize)> {
    let host = match &route.host {
        HostPattern::Exact(known) => (&**known == host).then_some(usize::MAX),
        HostPattern::Suffix(suffix) => {
            (host.len() > suffix.len() && host.ends_with(&**suffix)).then_some(suffix.len())
        }
        HostPattern::Any => Some(0),
    };
    let path = match &route.path {
        PathPattern::Exact(known) => (&**known == path).then_some(usize::MAX),
        PathPattern::Prefix(prefix) => path.starts_with(&**prefix).then_some(prefix.len()),
    };
    host.zip(path)
}

/// The routine of a host and path and what leads there, by asking every route.
fn matched(catalog: &Catalog, host: &str, path: &str) -> Option<(RoutineName, String)> {
    let routes = catalog.routines.values().flat_map(|routine| {
        let fitting = |route: &Route| fit(route, host, path).map(|fit| (fit, route.to_string()));
        let named = |(fit, route)| (fit, route, routine.name.clone());
        routine.routes.iter().filter_map(fitting).map(named)
    });
    if let Some((_, route, name)) = routes.max() {
        return Some((name, route));
    }
    let record = ["localhost", "edge.test"].into_iter().find_map(|domain| {
        let name = host.strip_suffix(domain)?.strip_suffix('.')?;
        catalog.routines.get(name).map(|routine| (routine.name.clone(), "record".to_owned()))
    });
    let default = || catalog.routines.get("dd").map(|dd| dd.name.clone());
    record.or_else(|| Some((default()?, "default_routine".to_owned())))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn a_changed_table_is_the_one_that_would_be_compiled(history in histories()) {
        let requests = requests();
        let decisions = |table: &RoutingTable| -> Vec<_> {
            requests.iter().map(|(environment, _, _, it)| decision(table, *environment, it)).collect()
        };
        let mut catalog = Catalog::default();
        let mut table = RoutingTable::compile(all_settings(), &catalog);
        for (id, batch) in history.iter().enumerate() {
            let (next, names) = changed(&catalog, batch, id as u64);
            let before = decisions(&table);
            let changes = names.iter().map(|name| (name, next.routines.get(name)));
            let changed = table.with(changes);
            let compiled = RoutingTable::compile(all_settings(), &next);

            prop_assert_eq!(decisions(&changed), decisions(&compiled));
            prop_assert_eq!(changed.live_targets().count(), compiled.live_targets().count());
            prop_assert_eq!(decisions(&table), before, "the old table stays as it was");
            (catalog, table) = (next, changed);
        }
    }

    #[test]
    fn the_table_finds_what_asking_every_route_finds(history in histories()) {
        let requests = requests();
        let mut catalog = Catalog::default();
        for batch in &history {
            catalog = changed(&catalog, batch, 1).0;
        }
        let table = RoutingTable::compile(all_settings(), &catalog);
        for (environment, host, path, request) in &requests {
            let found = table.explain(*environment, request, PEER).unwrap();
            let found = found.map(|why| (routine_of(&why), why.matched.unwrap()));
            prop_assert_eq!(found, matched(&catalog, host, path), "{}{}", host, path);
        }
    }

    #[test]
    fn what_is_explained_is_what_is_decided(
        shapes in proptest::collection::vec(shapes(), NAMES.len()),
        key in proptest::option::of("[a-z]{0,3}"),
        named in proptest::option::weighted(0.3, "(aa|dd)=(\"[1-4]\"|[1-4]|\")"),
        in_query: bool,
    ) {
        let batch: Vec<Change> =
            shapes.into_iter().enumerate().map(|(number, shape)| (number, Some(shape))).collect();
        let catalog = changed(&Catalog::default(), &batch, 5).0;
        let table = RoutingTable::compile(all_settings(), &catalog);
        for environment in Environment::ALL {
            for host in HOSTS {
                let mut lines = vec![("host", host)];
                lines.extend(key.as_deref().map(|key| ("k", key)));
                lines.extend(named.as_deref().map(|named| (OVERRIDE, named)));
                let request = request(if in_query { "/a?k=%61" } else { "/a" }, &lines);
                prop_assert_eq!(
                    explained(&table, environment, &request),
                    decision(&table, environment, &request)
                );
            }
        }
    }
}

#[test]
fn routines_may_exchange_their_routes_in_one_change() {
    let before = table([serving("aa").routed(&["a.test/*"]), serving("bb").routed(&["*.test/b"])]);
    let aa = Arc::new(serving("aa").routed(&["*.test/b"]));
    let bb = Arc::new(serving("bb").routed(&["a.test/*"]));
    let changes = [(&aa.name, Some(&aa)), (&bb.name, Some(&bb))];
    for changes in [changes, [changes[1], changes[0]]] {
        let after = before.with(changes);
        let taker = |host, path| {
            let decision = decide(&after, &request(path, &[("host", host)])).unwrap();
            decision.target().unwrap().subject.to_string()
        };
        assert_eq!(taker("a.test", "/x"), "bb");
        assert_eq!(taker("b.test", "/b"), "aa");
    }
}

#[test]
fn a_routine_that_is_made_again_starts_anew() {
    let shares = [("1", 50), ("2", 50)];
    let shop = Arc::new(routine("shop").deployed(Environment::Production, 1, &shares));
    let here = table([]).with([(&shop.name, Some(&shop))]);
    let gone = here.with([(&shop.name, None)]);
    let again = gone.with([(&shop.name, Some(&shop))]);

    let (draws, request) = (draws(), request_for("shop", &[]));
    let decide = |table: &RoutingTable| {
        let decision = table.decide(Environment::Production, &request, PEER, &draws)?;
        Ok::<_, Unroutable>(decision.target().unwrap().clone())
    };
    let (first, second) = (decide(&here).unwrap(), decide(&here).unwrap());
    assert_eq!([&first.version, &second.version], [&version("1"), &version("2")]);
    assert_eq!(decide(&here).unwrap().version, version("1"));
    assert_eq!(decide(&gone).unwrap_err(), Unroutable::NoRoutine);

    // Another routine of the same name: its count starts at 0, and its requests
    // are not counted among those of the one that is gone.
    let anew = decide(&again).unwrap();
    assert_eq!(anew.version, version("1"));
    assert_ne!(anew.tally, first.tally);
    assert_eq!(gone.live_targets().count(), 0);
    assert_eq!(again.live_targets().count(), 4 / 2);
}

#[test]
fn a_version_is_counted_in_one_place_for_as_long_as_it_exists() {
    let shop = routine("shop").versioned(&["1", "2"]);
    let with = |shares: &[(&str, u64)]| {
        Arc::new(shop.clone().deployed(Environment::Production, 1, shares))
    };
    let tallies = |table: &RoutingTable| -> Vec<_> {
        let mut all: Vec<_> =
            table.live_targets().map(|target| (target.version.clone(), target.tally)).collect();
        all.sort();
        all
    };
    let canary = with(&[("1", 90), ("2", 10)]);
    let before = table([]).with([(&canary.name, Some(&canary))]);
    let whole = with(&[("2", 100)]);
    let between = before.with([(&whole.name, Some(&whole))]);
    let after = between.with([(&canary.name, Some(&canary))]);

    assert_eq!(tallies(&between), tallies(&before)[1..]);
    assert_eq!(tallies(&after), tallies(&before));
    assert_ne!(tallies(&before)[0].1, tallies(&before)[1].1);
}

#[test]
fn what_is_explained_by_name_is_what_the_user_gets() {
    let table =
        table([routine("shop").deployed(Environment::Production, 3, &[("2", 30), ("1", 70)])]);
    let explain = |key: Option<&[u8]>| {
        table.explain_key(&name("shop"), Environment::Production, key).unwrap()
    };
    for user in 0..100 {
        let user = format!("user-{user}");
        let why = explain(Some(user.as_bytes()));
        let decided = decide(&table, &request_for("shop", &[("x-serin-key", &user)])).unwrap();
        assert_eq!(why.version.as_ref(), Some(&decided.target().unwrap().version));

        let place = why.placement.unwrap();
        let is_newer = place.position.get() < place.threshold;
        assert_eq!(is_newer, why.version == Some(version("2")));
        assert_eq!((why.matched, why.reason), (None, Reason::Key));
        assert_eq!(why.shares[0].0, version("2"));
    }
    for nobody in [None, Some(&b""[..])] {
        let why = explain(nobody);
        assert_eq!((why.version, why.key, why.reason), (None, None, Reason::Spread));
    }
    assert!(table.explain_key(&name("other"), Environment::Production, None).is_none());
    let staging = table.explain_key(&name("shop"), Environment::Staging, Some(b"a")).unwrap();
    assert_eq!((staging.deployment, staging.version), (None, None));
}

#[test]
fn readers_see_what_was_published_last_and_never_a_mix() {
    let (mut writer, reader) = published(table([]));
    let done = AtomicBool::new(false);
    let seen_at_once = std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let (request, draws) = (request_for("shop", &[]), draws());
                let mut last = 0;
                while last < 500 && !done.load(Ordering::Relaxed) {
                    let decision = reader.read(|table| {
                        table.decide(Environment::Production, &request, PEER, &draws)
                    });
                    let Ok(decision) = decision else { continue };
                    let id = decision.target().unwrap().deployment.unwrap().0;
                    assert_eq!(decision.target().unwrap().version, version(&id.to_string()));
                    assert!(id >= last, "an older table came back");
                    last = id;
                }
            });
        }
        // Nothing fails in here: the readers wait for the last table, or for the end.
        let mut publish = |id: u64| {
            let shares = [(&*id.to_string(), 100)];
            let shop = Arc::new(routine("shop").deployed(Environment::Production, id, &shares));
            writer.publish(|table| table.with([(&shop.name, Some(&shop))]));
            let seen = reader.read(|table| decide(table, &request_for("shop", &[])));
            seen.is_ok_and(|seen| {
                seen.target().unwrap().deployment.is_some_and(|seen| seen.0 == id)
            })
        };
        let seen = (1..=500).filter(|&id| publish(id)).count();
        done.store(true, Ordering::Relaxed);
        seen
    });
    assert_eq!(seen_at_once, 500);
    let empty = catalog([]);
    writer.publish(|_| RoutingTable::compile(settings(), &empty));
    let nothing = reader.read(|table| decide(table, &request_for("shop", &[])));
    assert_eq!(nothing.unwrap_err(), Unroutable::NoRoutine);
}
