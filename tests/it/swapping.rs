//! Deployments while traffic flows.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::support::http::Connection;
use crate::support::process::{ANY_PORT, Process, deploy};

const VERSIONS: [&str; 4] = ["101", "102", "103", "104"];
const DEPLOYMENTS: usize = 2_000;
const CLIENTS: usize = 4;

/// As fast as a client can send them, with a durable store: every request is
/// answered, by a version of the very deployment that the response names.
#[test]
fn no_request_fails_and_none_sees_two_deployments() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("serin.toml");
    let versions = VERSIONS
        .map(|v| {
            format!(
                "[[routine.version]]
code_version = \"{v}\"
"
            )
        })
        .concat();
    let store = folder.path().join("serin.db");
    let text = format!(
        "{ANY_PORT}[store]\npath = \"{}\"\n[[routine]]\nname = \"checkout\"\n{versions}",
        store.display()
    );
    std::fs::write(&config, text).unwrap();
    let serin = Process::start(&config);

    // No two deployments in a row share a version.
    let shares = |turn: usize| match turn % 2 {
        0 => [(VERSIONS[0], 60), (VERSIONS[1], 40)],
        _ => [(VERSIONS[2], 30), (VERSIONS[3], 70)],
    };
    let deployed = Mutex::new(HashMap::new());
    let first = serin.deploy("checkout", "production", &shares(0));
    deployed.lock().unwrap().insert(first, 0);

    let done = AtomicBool::new(false);
    let requests = AtomicU64::new(0);
    std::thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|client| {
                let (serin, done, requests) = (&serin, &done, &requests);
                scope.spawn(move || {
                    let mut connection = Connection::open(serin.production).unwrap();
                    let mut seen = Vec::new();
                    for number in 0.. {
                        if done.load(Ordering::Relaxed) {
                            break;
                        }
                        let key = format!("{client}-{number}");
                        let response =
                            connection.get("checkout.localhost", &[("x-serin-key", &key)]).unwrap();
                        assert_eq!(response.status, 200);
                        let said = |name| response.header(name).unwrap().to_owned();
                        seen.push((said("x-serin-deployment"), said("x-serin-version")));
                        requests.fetch_add(1, Ordering::Relaxed);
                    }
                    seen
                })
            })
            .collect();
        let mut connection = Connection::open(serin.admin).unwrap();
        for turn in 1..DEPLOYMENTS {
            let id = deploy(&mut connection, "checkout", "production", &shares(turn)).unwrap();
            deployed.lock().unwrap().insert(id, turn);
        }
        done.store(true, Ordering::Relaxed);
        let deployed = deployed.lock().unwrap();
        for client in clients {
            for (deployment, version) in client.join().unwrap() {
                let turn = deployed[&deployment];
                assert!(
                    shares(turn).iter().any(|(known, _)| *known == version),
                    "deployment {deployment} does not serve {version}"
                );
            }
        }
    });
    assert!(requests.into_inner() > 1_000, "traffic flowed all the while");
}
