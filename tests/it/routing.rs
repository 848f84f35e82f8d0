//! Which routine takes a request, and which of its versions answers.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use http::HeaderValue;
use serin::model::{Domain, Environment, Routine, Upstream};
use serin::routing::{Draws, Reason, RoutingTable, Settings, SpreadCounters, Unroutable};

use crate::support::fixtures::{
    Described, OVERRIDE, PEER, catalog, decide, draws, name, request, request_for, routine,
    serving, settings, table, version,
};

/// The routine that takes a request for this host and path.
fn taker(table: &RoutingTable, host: &str, path: &str) -> Option<String> {
    routine_of(table, path, &[("host", host)])
}

fn routine_of(table: &RoutingTable, target: &str, lines: &[(&str, &str)]) -> Option<String> {
    match decide(table, &request(target, lines)) {
        Ok(decision) => Some(decision.target().unwrap().subject.to_string()),
        Err(Unroutable::NoRoutine) => None,
        Err(error) => panic!("{error}"),
    }
}

fn table_with(settings: Settings, routines: impl IntoIterator<Item = Routine>) -> RoutingTable {
    RoutingTable::compile(settings, &catalog(routines))
}

#[test]
fn an_exact_host_beats_a_suffix_and_a_longer_suffix_a_shorter() {
    let table = table([
        serving("exact").routed(&["a.b.test/*"]),
        serving("longer").routed(&["*.b.test/*"]),
        serving("shorter").routed(&["*.test/*"]),
        serving("anywhere").routed(&["*/*"]),
    ]);
    assert_eq!(taker(&table, "a.b.test", "/x").unwrap(), "exact");
    assert_eq!(taker(&table, "c.b.test", "/x").unwrap(), "longer");
    assert_eq!(taker(&table, "d.c.b.test", "/x").unwrap(), "longer");
    assert_eq!(taker(&table, "b.test", "/x").unwrap(), "shorter");
    assert_eq!(taker(&table, "xb.test", "/x").unwrap(), "shorter");
    assert_eq!(taker(&table, "test", "/x").unwrap(), "anywhere");
    assert_eq!(taker(&table, "example.com", "/x").unwrap(), "anywhere");
}

#[test]
fn an_exact_path_beats_a_prefix_and_a_longer_prefix_a_shorter() {
    for host in ["a.test", "*.test", "*"] {
        let route = |path: &str| format!("{host}{path}");
        let table = table([
            serving("exact").routed(&[&route("/api/x")]),
            serving("longer").routed(&[&route("/api/*")]),
            serving("shorter").routed(&[&route("/*")]),
        ]);
        assert_eq!(taker(&table, "a.test", "/api/x").unwrap(), "exact");
        assert_eq!(taker(&table, "a.test", "/api/x?q=1").unwrap(), "exact");
        assert_eq!(taker(&table, "a.test", "/api/xy").unwrap(), "longer");
        assert_eq!(taker(&table, "a.test", "/api").unwrap(), "shorter");
        assert_eq!(taker(&table, "a.test", "/API/x").unwrap(), "shorter");
    }
}

#[test]
fn a_better_path_does_not_beat_a_better_host() {
    let table = table([
        serving("host").routed(&["a.test/*"]),
        serving("path").routed(&["*.test/cart", "*/cart"]),
    ]);
    assert_eq!(taker(&table, "a.test", "/cart").unwrap(), "host");
}

#[test]
fn a_host_whose_routes_do_not_match_falls_on() {
    let table = table([
        serving("exact").routed(&["a.b.test/exact"]),
        serving("longer").routed(&["*.b.test/longer"]),
        serving("shorter").routed(&["*.test/shorter"]),
        serving("anywhere").routed(&["*/anywhere"]),
    ]);
    for path in ["exact", "longer", "shorter", "anywhere"] {
        let found = taker(&table, "a.b.test", &format!("/{path}"));
        assert_eq!(found.as_deref(), Some(path));
    }
    assert_eq!(taker(&table, "a.b.test", "/other"), None);
}

#[test]
fn a_host_alone_is_its_root() {
    let table = table([serving("root").routed(&["a.test"])]);
    assert_eq!(taker(&table, "a.test", "/").unwrap(), "root");
    assert_eq!(taker(&table, "a.test", "/x"), None);
}

#[test]
fn routes_beat_records_and_records_beat_the_default() {
    let settings = Settings {
        default_routine: Some(name("fallback")),
        domains: vec![Domain::new("edge.test").unwrap()],
        ..settings()
    };
    let routines = [
        serving("shop"),
        serving("fallback"),
        serving("thief").routed(&["shop.localhost/stolen", "*/healthz"]),
    ];
    let table = table_with(settings, routines);
    assert_eq!(taker(&table, "shop.localhost", "/x").unwrap(), "shop");
    assert_eq!(taker(&table, "shop.edge.test", "/x").unwrap(), "shop");
    assert_eq!(taker(&table, "shop.localhost", "/stolen").unwrap(), "thief");
    assert_eq!(taker(&table, "shop.edge.test", "/healthz").unwrap(), "thief");
    assert_eq!(taker(&table, "shop.other.test", "/x").unwrap(), "fallback");
    assert_eq!(taker(&table, "x.shop.localhost", "/x").unwrap(), "fallback");
    assert_eq!(taker(&table, "localhost", "/x").unwrap(), "fallback");
}

#[test]
fn nothing_takes_what_matches_nothing() {
    let table = table([serving("shop").routed(&["a.test/*"])]);
    assert_eq!(taker(&table, "b.test", "/"), None);
    assert_eq!(taker(&table, "", "/"), None);
    assert_eq!(taker(&table, &"a".repeat(300), "/"), None);
    assert_eq!(routine_of(&table, "/", &[]), None);
}

#[test]
fn the_default_routine_takes_requests_once_it_exists() {
    let settings = Settings { default_routine: Some(name("later")), ..settings() };
    let before = table_with(settings, [serving("shop")]);
    assert_eq!(taker(&before, "nowhere.test", "/"), None);
    let later = Arc::new(serving("later"));
    let after = before.with([(&later.name, Some(&later))]);
    assert_eq!(taker(&after, "nowhere.test", "/").unwrap(), "later");
}

#[test]
fn a_host_is_the_same_in_any_case_with_any_port_and_a_final_dot() {
    let table = table([serving("shop").routed(&["A.test/*"]), serving("six").routed(&["[::1]/*"])]);
    for host in ["a.test", "A.TEST", "a.test:8080", "a.test.", "A.test.:80", "a.test:"] {
        assert_eq!(taker(&table, host, "/").as_deref(), Some("shop"), "{host}");
    }
    assert_eq!(taker(&table, "SHOP.localhost:1", "/").unwrap(), "shop");
    assert_eq!(taker(&table, "[::1]:8080", "/").unwrap(), "six");
    for host in ["a.test:80:80", "a.test..", "u@a.test", "a.test:x"] {
        assert_eq!(taker(&table, host, "/"), None, "{host}");
    }
}

#[test]
fn an_absolute_target_beats_the_host_field() {
    let table =
        table([serving("target").routed(&["a.test/*"]), serving("field").routed(&["b.test/*"])]);
    let field = [("host", "b.test")];
    assert_eq!(routine_of(&table, "http://A.test:80/x", &field).unwrap(), "target");
    assert_eq!(routine_of(&table, "http://c.test/x", &field), None);
    assert_eq!(routine_of(&table, "/x", &field).unwrap(), "field");
}

#[test]
fn a_request_without_a_host_goes_to_any_host_or_the_default() {
    let settings = Settings { default_routine: Some(name("fallback")), ..settings() };
    let routines = [serving("fallback"), serving("anywhere").routed(&["*/healthz"])];
    let table = table_with(settings, routines);
    assert_eq!(routine_of(&table, "/", &[]).unwrap(), "fallback");
    assert_eq!(routine_of(&table, "/healthz", &[]).unwrap(), "anywhere");
}

#[test]
fn environments_are_independent() {
    let staged = routine("shop").deployed(Environment::Staging, 7, &[("2", 100)]);
    let table = table([staged]);
    let request = request_for("shop", &[]);
    let decision = table.decide(Environment::Staging, &request, PEER, &draws()).unwrap();
    assert_eq!(decision.target().unwrap().version, version("2"));
    assert_eq!(decision.target().unwrap().environment, Environment::Staging);
    assert_eq!(decision.target().unwrap().deployment.unwrap().0, 7);
    assert_eq!(
        decide(&table, &request).unwrap_err(),
        Unroutable::NoDeployment { routine: name("shop"), environment: Environment::Production }
    );
}

#[test]
fn one_version_gets_everything_and_no_key_is_looked_up() {
    let table = table([serving("shop").keyed(&["mint:id"])]);
    let decision = decide(&table, &request_for("shop", &[])).unwrap();
    assert_eq!(decision.reason, Reason::Only);
    assert_eq!(decision.minted, None);
}

#[test]
fn a_minted_key_decides_at_once_and_again_as_a_cookie() {
    let shop = routine("shop").keyed(&["mint:id", "header:x-user"]);
    let table = table([shop.deployed(Environment::Production, 1, &[("1", 50), ("2", 50)])]);
    let draws = draws();
    for _ in 0..100 {
        let fresh = request_for("shop", &[("x-user", "asked-too-late")]);
        let first = table.decide(Environment::Production, &fresh, PEER, &draws).unwrap();
        let minted = first.minted.as_ref().unwrap();
        assert_eq!((first.reason, &*minted.cookie, minted.value.len()), (Reason::Key, "id", 22));

        let cookie = format!("id={}", minted.value);
        let again = decide(&table, &request_for("shop", &[("cookie", &cookie)])).unwrap();
        assert_eq!((again.reason, &again.minted), (Reason::Key, &None));
        assert_eq!(again.target().unwrap().version, first.target().unwrap().version);
    }
}

/// Version 1 is live in production, 2 is dark.
fn with_a_dark_version() -> Routine {
    serving("shop").versioned(&["2"])
}

#[test]
fn an_override_wins_over_everything() {
    let shop = with_a_dark_version()
        .deployed(Environment::Production, 9, &[("1", 99), ("3", 1)])
        .answered_at("2", "http://127.0.0.1:9002")
        .keyed(&["header:k", "mint:id"]);
    let table = table([shop]);
    for (named, upstream) in [("1", None), ("2", Some("http://127.0.0.1:9002")), ("3", None)] {
        let named_so = format!("other=\"9\", shop=\"{named}\"");
        let request = request_for("shop", &[("k", "alice"), (OVERRIDE, &named_so)]);
        let decision = decide(&table, &request).unwrap();
        assert_eq!(decision.target().unwrap().version, version(named));
        assert_eq!(decision.target().unwrap().upstream.as_ref().map(Upstream::as_str), upstream);
        assert_eq!(decision.target().unwrap().deployment.unwrap().0, 9);
        assert_eq!((decision.reason, decision.minted), (Reason::Override, None));
    }
}

#[test]
fn an_override_reaches_a_routine_that_is_nowhere_deployed() {
    let table = table([routine("shop").versioned(&["2"])]);
    let request = request_for("shop", &[(OVERRIDE, "shop=\"2\"")]);
    let decision = decide(&table, &request).unwrap();
    assert_eq!(decision.target().unwrap().version, version("2"));
    assert_eq!(decision.target().unwrap().deployment, None);
    assert_eq!(decision.target().unwrap().deployment_value, None);
}

#[test]
fn an_override_that_cannot_be_followed_is_never_ignored() {
    let table = table([with_a_dark_version()]);
    for value in ["shop=\"4\"", "shop=2", "shop", "shop=\"2", "shop=\"\""] {
        let refused = decide(&table, &request_for("shop", &[(OVERRIDE, value)]));
        assert!(matches!(refused, Err(Unroutable::BadOverride(_))), "{value}");
    }
    let refused = decide(&table, &request_for("shop", &[(OVERRIDE, "shop=\"4\"")]));
    let reason = refused.unwrap_err().to_string();
    assert!(reason.contains("`4`") && reason.contains("`shop`"), "{reason}");
}

#[test]
fn an_override_of_others_is_passed_by() {
    let table = table([with_a_dark_version()]);
    let request = request_for("shop", &[(OVERRIDE, "cart=\"2\"")]);
    assert_eq!(decide(&table, &request).unwrap().reason, Reason::Only);
}

#[test]
fn where_overrides_are_off_the_header_means_nothing() {
    let settings = Settings { override_allowed: false, ..settings() };
    let table = table_with(settings, [with_a_dark_version()]);
    for value in ["shop=\"2\"", "shop=\"4\"", "\""] {
        let request = request_for("shop", &[(OVERRIDE, value)]);
        assert_eq!(decide(&table, &request).unwrap().target().unwrap().version, version("1"));
        let explained = table.explain(Environment::Production, &request, PEER);
        assert_eq!(explained.unwrap().unwrap().reason, Reason::Only);
    }
}

fn keyless(percent: u64) -> Routine {
    let shares = [("1", 100 - percent), ("2", percent)];
    routine("shop").deployed(Environment::Production, 1, &shares)
}

fn is_newer(table: &RoutingTable, draws: &Draws) -> bool {
    let request = request_for("shop", &[]);
    let decision =
        table.decide(Environment::Production, &request, PEER, draws).expect("a decision");
    assert_eq!(decision.reason, Reason::Spread);
    decision.target().unwrap().version == version("2")
}

/// S9, over threads.
#[test]
fn keyless_traffic_of_four_threads_is_split_exactly() {
    for percent in 1..=99 {
        let (table, draws) = (table([keyless(percent)]), draws());
        let newer = AtomicU64::new(0);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    let mine = (0..2_500).filter(|_| is_newer(&table, &draws)).count();
                    newer.fetch_add(mine as u64, Ordering::Relaxed);
                });
            }
        });
        // 10,000 are whole hundreds, so there is not even the one to give or take.
        assert_eq!(newer.into_inner(), 100 * percent);
    }
}

/// S9, over windows.
#[test]
fn keyless_traffic_is_exact_in_any_window() {
    for percent in 1..=99 {
        let (table, draws) = (table([keyless(percent)]), draws());
        let mut newer_until = vec![0_u64];
        for turn in 0..300 {
            newer_until.push(newer_until[turn] + u64::from(is_newer(&table, &draws)));
        }
        for start in 0..=100 {
            for end in start..=300 {
                let seen = 100 * (newer_until[end] - newer_until[start]);
                let due = (end - start) as u64 * percent;
                assert!(seen.abs_diff(due) <= 100, "{percent} %, {start}..{end}");
            }
        }
    }
}

#[test]
fn a_swap_restarts_no_count() {
    let (mut table, draws) = (table([keyless(50)]), draws());
    let mut newer = 0;
    for id in 0..1_000 {
        newer += u32::from(is_newer(&table, &draws));
        let shop = Arc::new(keyless(50).deployed(Environment::Staging, id, &[("1", 100)]));
        table = table.with([(&shop.name, Some(&shop))]);
    }
    assert_eq!(newer, 500);
}

fn canary() -> Routine {
    routine("shop").deployed(Environment::Production, 1, &[("1", 70), ("2", 30)])
}

/// The keys among the first `count` whose users get the newer version, and
/// whether the explanation says the same.
fn newer_keys(table: &RoutingTable, count: u32) -> Vec<u32> {
    let draws = Draws {
        spread: SpreadCounters::default(),
        mint: Box::new(|| unreachable!("every request has a key")),
        salt: 0,
    };
    let mut request = request_for("shop", &[]);
    let gets_newer = |key: &u32| {
        let key = HeaderValue::from_str(&format!("user-{key}")).expect("a value");
        request.headers.insert("x-serin-key", key);
        let decision =
            table.decide(Environment::Production, &request, PEER, &draws).expect("a decision");
        assert_eq!(decision.reason, Reason::Key);
        decision.target().unwrap().version == version("2")
    };
    (0..count).filter(gets_newer).collect()
}

/// S5.
#[test]
fn no_key_moves_when_its_split_did_not_change() {
    let others = || (0..300).map(|number| serving(&format!("other-{number}")));
    let alone = table([canary()]);
    let before = newer_keys(&alone, 10_000);
    assert!((2_500..3_500).contains(&before.len()));

    let among_others = table(others().chain([canary()]));
    let gone: Vec<_> = others().map(|other| other.name).collect();
    let alone_again = among_others.with(gone.iter().map(|name| (name, None)));
    let changed = |routine: Routine| {
        let routine = Arc::new(routine);
        among_others.with([(&routine.name, Some(&routine))])
    };
    let tables = [
        ("compiled again", table([canary()])),
        ("others removed", alone_again),
        (
            "the same deployment again",
            changed(canary().deployed(Environment::Production, 2, &[("1", 70), ("2", 30)])),
        ),
        (
            "the list in another order",
            changed(canary().deployed(Environment::Production, 2, &[("2", 30), ("1", 70)])),
        ),
        ("another upstream", changed(canary().answered_at("2", "http://127.0.0.1:9002"))),
        ("a route", changed(canary().routed(&["a.test/*"]))),
        ("a version more", changed(canary().versioned(&["3"]))),
        ("others added", among_others),
    ];
    for (what, table) in tables {
        assert!(newer_keys(&table, 10_000) == before, "{what}");
    }
}

/// S7.
#[test]
fn two_nodes_agree_on_a_million_keys() {
    let one = table((0..50).map(|number| serving(&format!("a-{number}"))).chain([canary()]));
    // The other node came to the same catalog step by step.
    let mut other = table([]);
    for routine in [canary().deployed(Environment::Production, 1, &[("2", 100)]), canary()] {
        let routine = Arc::new(routine);
        other = other.with([(&routine.name, Some(&routine))]);
    }
    assert!(newer_keys(&one, 1_000_000) == newer_keys(&other, 1_000_000));
}
