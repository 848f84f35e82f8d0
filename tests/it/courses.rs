//! Every request is counted once when its course is complete: by who answered it, how it
//! ended, and what it took.

use std::net::Shutdown;
use std::sync::mpsc::channel;

use http::Request;
use serin::model::Environment;
use serin::observe::{Answered, Answering};
use serin::routing::{REFUSED, Reason};

use crate::support::edge::{Edge, Setup, deploy, routine};
use crate::support::fixtures::OVERRIDE;
use crate::support::h2::{Sent, Speaker, run};
use crate::support::raw::request;
use crate::support::upstream::Upstream;
use crate::support::wait_until;

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

/// The course of a request is complete a moment after its client has heard the last of it.
fn counted(edge: &Edge, answering: Answering, requests: u64) -> Answered {
    wait_until(|| edge.requests.of(answering).requests() == requests);
    wait_until(|| edge.requests.in_flight() == 0);
    edge.requests.of(answering)
}

fn of_nobody(edge: &Edge, requests: u64) -> Answered {
    counted(edge, Answering::Nobody(Environment::Production), requests)
}

#[test]
fn a_request_is_counted_under_its_version_role_reason_and_class() {
    let one = Upstream::saying(OK);
    let two = Upstream::saying("HTTP/1.1 404 Not Found\r\ncontent-length: 3\r\n\r\nnot");
    let mut shop = routine("shop", &[("1", Some(one.url())), ("2", Some(two.url()))]);
    deploy(&mut shop, Environment::Production, 7, &[("1", 50), ("2", 50)]);
    let edge = Setup::of([shop]).start();
    let mut client = edge.client();
    let (mut of_one, mut of_two) = (0, 0);
    for user in 0..20 {
        let status = client.get("/", &[&format!("x-serin-key: user-{user}")]).status;
        *(if status == 200 { &mut of_one } else { &mut of_two }) += 1;
    }
    assert_eq!(client.get("/", &[&format!("{OVERRIDE}: shop=\"1\"")]).status, 200);

    let key = Reason::Key.index();
    let one = counted(&edge, edge.answering("1"), of_one + 1);
    assert_eq!(one.counts[0][key], [0, 0, of_one, 0, 0, 0]);
    assert_eq!(one.counts[0][Reason::Override.index()], [0, 0, 1, 0, 0, 0]);
    assert_eq!((one.bytes_out, one.attempts), (2 * (of_one + 1), of_one + 1));
    let two = counted(&edge, edge.answering("2"), of_two);
    assert_eq!(two.counts[1][key], [0, 0, 0, 0, of_two, 0]);
    assert_eq!((two.bytes_out, two.cut_by_client, two.cut_by_upstream), (3 * of_two, 0, 0));
    assert_eq!((two.duration.count(), two.first_byte.count()), (of_two, of_two));
    // One connection took them all.
    assert_eq!((one.connect.count(), two.connect.count()), (1, 1));
    let took = [one.duration.sum(), one.first_byte.sum()];
    assert!(took[0] >= took[1] && !took[1].is_zero(), "{took:?}");
}

#[test]
fn content_is_counted_both_ways_in_either_protocol() {
    let upstream = Upstream::saying(OK);
    let edge = Setup::before(upstream.url()).start();
    let post = request("POST", "/", &["content-length: 5"]) + "hello";
    assert_eq!(edge.client().send(post).answer().status, 200);
    let http1 = counted(&edge, edge.answering("1"), 1);
    assert_eq!((http1.bytes_in, http1.bytes_out), (5, 2));
    run(async {
        let mut speaker = Speaker::plain(edge.production).await;
        let post = Request::post("http://shop.test/").body(Sent::whole(b"hello!")).unwrap();
        assert_eq!(speaker.ask(post).await.status, 200);
    });
    let both = counted(&edge, edge.answering("1"), 2);
    assert_eq!((both.bytes_in, both.bytes_out, both.cut_by_client), (11, 4, 0));
}

#[test]
fn a_client_that_leaves_is_counted_and_not_answered() {
    let (asked, asks) = channel();
    let upstream = Upstream::new(move |visit| {
        if visit.request().is_some() {
            asked.send(()).unwrap();
            visit.sees_end_within(crate::support::WAIT_MAX);
        }
    });
    let edge = Setup::before(upstream.url()).start();
    let mut client = edge.client();
    client.send(request("GET", "/", &[]));
    asks.recv().unwrap();
    assert_eq!(edge.requests.in_flight(), 1);
    client.stream().shutdown(Shutdown::Both).unwrap();
    drop(client);
    let answered = counted(&edge, edge.answering("1"), 1);
    assert_eq!((answered.by_class(), answered.cut_by_client), ([1, 0, 0, 0, 0, 0], 1));

    run(async {
        let mut speaker = Speaker::plain(edge.production).await;
        let asked = Request::get("http://shop.test/").body(Sent::nothing()).unwrap();
        let mut asking = std::pin::pin!(speaker.send(asked));
        let left = tokio::task::spawn_blocking(move || asks.recv().unwrap());
        tokio::select! {
            _ = &mut asking => panic!("nobody answers"),
            left = left => left.unwrap(),
        }
    });
    assert_eq!(counted(&edge, edge.answering("1"), 2).cut_by_client, 2);
}

#[test]
fn a_response_that_breaks_off_is_the_upstreams() {
    let short = Upstream::new(|visit| {
        visit.request();
        visit.say("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhello");
    });
    let edge = Setup::before(short.url()).start();
    let mut client = edge.client();
    client.send(request("GET", "/", &[]));
    client.rest();
    let http1 = counted(&edge, edge.answering("1"), 1);
    assert_eq!((http1.cut_by_upstream, http1.cut_by_client, http1.bytes_out), (1, 0, 5));
    run(async {
        let mut speaker = Speaker::plain(edge.production).await;
        let asked = Request::get("http://shop.test/").body(Sent::nothing()).unwrap();
        let response = speaker.send(asked).await.unwrap();
        http_body_util::BodyExt::collect(response.into_body()).await.unwrap_err();
    });
    let both = counted(&edge, edge.answering("1"), 2);
    assert_eq!((both.cut_by_upstream, both.cut_by_client), (2, 0));
    assert_eq!(both.by_class(), [0, 0, 2, 0, 0, 0]);
}

#[test]
fn what_nobody_is_asked_for_is_counted_as_refused() {
    let edge = Setup::of([routine("shop", &[("1", None)])]).start();
    assert_eq!(edge.client().get("/", &[]).status, 503);
    assert_eq!(of_nobody(&edge, 1).counts[0][REFUSED], [0, 0, 0, 0, 0, 1]);
    edge.client().send("GET / HTTP/1.1\r\nno field\r\n\r\n").answer();
    run(async {
        let mut speaker = Speaker::plain(edge.production).await;
        let ambiguous = Request::get("http://shop.test/").header("host", "other.test");
        speaker.ask(ambiguous.body(Sent::nothing()).unwrap()).await;
    });
    assert_eq!(of_nobody(&edge, 3).counts[0][REFUSED], [0, 0, 0, 0, 2, 1]);
}

#[test]
fn a_version_that_fails_over_is_counted_by_who_answered() {
    let well = Upstream::saying(OK);
    let dead = Upstream::new(|_| {});
    let mut shop = routine("shop", &[("1", Some(well.url())), ("2", Some(dead.url()))]);
    deploy(&mut shop, Environment::Production, 7, &[("1", 1), ("2", 99)]);
    let mut setup = Setup::of([shop]);
    setup.policy.failover = serin::model::Failover::OtherVersion;
    let edge = setup.start();
    let mut client = edge.client();
    let mut keys = (0..).map(|user| format!("x-serin-key: user-{user}"));
    keys.find(|key| client.get("/", &[key]).header("x-serin-reason") == Some("failover"));
    wait_until(|| {
        let one = edge.requests.of(edge.answering("1"));
        one.counts[0][Reason::Failover.index()] == [0, 0, 1, 0, 0, 0] && one.attempts >= 2
    });
}
