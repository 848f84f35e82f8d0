//! Deployments while traffic flows.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::support::http::Connection;
use crate::support::process::{ANY_PORT, Process, deploy};

const VERSIONS: [&str; 4] = ["101", "102", "103", "104"];
const DEPLOYMENTS: usize = 2_000;
const CLIENTS: usize = 4;

/// Ends the clients, also when the deployments end early because one failed.
struct Enough<'d>(&'d AtomicBool);

impl Drop for Enough<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

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
    let first = serin.deploy("checkout", "production", &shares(0));
    let mut deployed = HashMap::from([(first, 0)]);

    let done = AtomicBool::new(false);
    let requests = AtomicU64::new(0);
    std::thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|client| {
                let (address, done, requests) = (serin.production, &done, &requests);
                scope.spawn(move || {
                    let mut connection = Connection::open(address).unwrap();
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
        let enough = Enough(&done);
        let mut admin = Connection::open(serin.admin).unwrap();
        let mut user = Connection::open(serin.production).unwrap();
        for turn in 1..DEPLOYMENTS {
            let id = deploy(&mut admin, "checkout", "production", &shares(turn)).unwrap();
            let next = user.get("checkout.localhost", &[]).unwrap();
            assert_eq!(next.header("x-serin-deployment"), Some(&*id), "the next request sees it");
            deployed.insert(id, turn);
        }
        drop(enough);
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
