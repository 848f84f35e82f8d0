//! The split, over real sockets, judged by a second implementation of the rule.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock};

use crate::support::http::Connection;
use crate::support::process::{ANY_PORT, Process, deploy};
use crate::support::second_rule::SecondRule;

const STABLE: &str = "1723599747213377175";
const CANARY: &str = "1723599747213377176";
const KEYS: usize = 100_000;
const CLIENTS: usize = 4;

/// Every key, through a running Serin, before, during and after each step of a
/// ramp: it gets the version that the rule gives it under the deployment that
/// answered, and that deployment is the one before or the one after the step.
#[test]
fn every_key_lands_where_the_rule_says_before_during_and_after_each_step() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("serin.toml");
    let text = format!(
        "{ANY_PORT}
[store]
path = \"{}\"

[[routine]]
name = \"checkout\"

[[routine.version]]
code_version = \"{STABLE}\"

[[routine.version]]
code_version = \"{CANARY}\"
",
        folder.path().join("serin.db").display()
    );
    std::fs::write(&config, text).unwrap();
    let serin = Process::start(&config);

    let steps: [&[(&str, u64)]; 5] = [
        &[(STABLE, 90), (CANARY, 10)],
        // The same, listed the other way round: nobody moves.
        &[(CANARY, 10), (STABLE, 90)],
        &[(STABLE, 80), (CANARY, 20)],
        &[(CANARY, 50), (STABLE, 50)],
        &[(CANARY, 100)],
    ];
    let share = |step: usize| {
        steps[step]
            .iter()
            .find(|(version, _)| *version == CANARY)
            .map_or(0, |(_, percent)| *percent)
    };

    let mut before = serin.deploy("checkout", "production", steps[0]);
    for (step, shares) in steps.iter().enumerate().skip(1) {
        let next = AtomicUsize::new(0);
        let answers = Mutex::new(Vec::with_capacity(KEYS));
        let after = OnceLock::new();
        std::thread::scope(|scope| {
            for _ in 0..CLIENTS {
                scope.spawn(|| {
                    let mut connection = Connection::open(serin.production).unwrap();
                    let mut mine = Vec::with_capacity(KEYS / CLIENTS);
                    loop {
                        let number = next.fetch_add(1, Ordering::Relaxed);
                        if number >= KEYS {
                            break;
                        }
                        if number == KEYS / 2 {
                            // In the midst of the keys, which go on meanwhile.
                            let mut admin = Connection::open(serin.admin).unwrap();
                            let id = deploy(&mut admin, "checkout", "production", shares).unwrap();
                            after.set(id).unwrap();
                        }
                        let key = format!("user-{number}");
                        let response =
                            connection.get("checkout.localhost", &[("x-serin-key", &key)]).unwrap();
                        assert_eq!(response.status, 200);
                        let said = |name| response.header(name).unwrap().to_owned();
                        let deployment = said("x-serin-deployment");
                        if number == KEYS / 2 {
                            let deployed = after.get();
                            assert_eq!(Some(&deployment), deployed, "the next request sees it");
                        }
                        mine.push((key, said("x-serin-version"), deployment));
                    }
                    answers.lock().unwrap().extend(mine);
                });
            }
        });
        let after = after.into_inner().unwrap();
        let answers = answers.into_inner().unwrap();
        assert_eq!(answers.len(), KEYS);
        let seen: HashSet<_> = answers.iter().map(|(_, _, deployment)| deployment).collect();
        assert_eq!(seen, HashSet::from([&before, &after]), "both deployments answered");
        let percents = HashMap::from([(&before, share(step - 1)), (&after, share(step))]);
        let rules: HashMap<_, _> = [share(step - 1), share(step)]
            .into_iter()
            .map(|p| {
                let shares = [(CANARY, p), (STABLE, 100 - p)];
                (p, SecondRule::new("routine", "checkout", "", shares))
            })
            .collect();
        for (key, version, deployment) in &answers {
            let percent = percents[deployment];
            let expected =
                if percent == 100 { CANARY } else { rules[&percent].version(key.as_bytes()) };
            assert_eq!(version, expected, "{key} at {percent} % under deployment {deployment}");
        }
        before = after;
    }
}
