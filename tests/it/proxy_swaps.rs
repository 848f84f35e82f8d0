//! Requests decide by one table each, however often it is replaced.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use serin::model::{Environment, Routine};

use crate::support::edge::{Setup, deploy, routine};
use crate::support::upstream::Upstream;

const CLIENTS: usize = 8;
const REQUESTS_EACH: usize = 1_000;

/// Deployment `id` serves version `id` to everybody, from both upstreams in turn.
fn shop(id: u64, urls: [&str; 2]) -> Routine {
    let version = id.to_string();
    let url = urls[usize::from(id.is_multiple_of(2))];
    let mut shop = routine("shop", &[(&version, Some(url))]);
    deploy(&mut shop, Environment::Production, id, &[(&version, 100)]);
    shop
}

#[test]
fn a_swap_under_load_fails_no_request_and_mixes_no_tables() {
    let answering = |name: &str| {
        Upstream::saying(format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{name}", name.len()))
    };
    let upstreams = [answering("odd"), answering("even")];
    let urls = [upstreams[0].url(), upstreams[1].url()];
    let mut setup = Setup::of([shop(1, urls)]);
    setup.workers = 2;
    let edge = setup.start();

    let (done, seen) = (AtomicBool::new(false), AtomicUsize::new(0));
    let highest = std::thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|_| {
                scope.spawn(|| {
                    let mut client = edge.client();
                    let mut last = 0;
                    for _ in 0..REQUESTS_EACH {
                        let answer = client.get("/", &[]);
                        assert_eq!(answer.status, 200);
                        let version = answer.header("x-serin-version").unwrap();
                        assert_eq!(answer.header("x-serin-deployment"), Some(version));
                        let version: u64 = version.parse().unwrap();
                        let name = if version.is_multiple_of(2) { "even" } else { "odd" };
                        assert_eq!(answer.text(), name);
                        // Nobody sees an older table after a newer one.
                        assert!(version >= last);
                        last = version;
                        seen.fetch_add(1, Ordering::Relaxed);
                    }
                    last
                })
            })
            .collect();
        scope.spawn(|| {
            let mut id = 2;
            while !done.load(Ordering::Relaxed) {
                edge.publish([shop(id, urls)]);
                id += 1;
            }
        });
        // A client that fails must end the publisher too.
        let outcomes: Vec<_> =
            clients.into_iter().map(std::thread::ScopedJoinHandle::join).collect();
        done.store(true, Ordering::Relaxed);
        outcomes.into_iter().map(Result::unwrap).max()
    });
    assert_eq!(seen.into_inner(), CLIENTS * REQUESTS_EACH);
    assert!(highest > Some(100), "tables were swapped under load");
}

#[test]
fn the_next_request_after_a_swap_sees_it() {
    let edge = Setup::of([shop(1, ["http://127.0.0.1:1"; 2])]).start();
    let mut client = edge.client();
    for id in 2..100 {
        edge.publish([shop(id, ["http://127.0.0.1:1"; 2])]);
        let answer = client.get("/", &[]);
        assert_eq!(answer.header("x-serin-deployment"), Some(&*id.to_string()));
    }
}
