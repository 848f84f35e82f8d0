//! What a request says of the way it may take and has taken.

use crate::support::edge::Setup;
use crate::support::raw::{headers, request};
use crate::support::upstream::Upstream;

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

#[test]
fn options_go_as_far_as_they_may() {
    let upstream = Upstream::saying(OK);
    let edge = Setup::before(upstream.url()).start();
    let mut client = edge.client();
    for target in ["/", "*"] {
        let answer = client.send(request("OPTIONS", target, &["max-forwards: 0"])).answer();
        assert_eq!((answer.status, answer.text()), (200, ""));
        assert!(answer.header("allow").unwrap().contains("OPTIONS"));
    }
    assert_eq!(upstream.requests().len(), 0);
    for (method, said, left) in [
        ("OPTIONS", "1", "0"),
        ("OPTIONS", "10", "9"),
        ("OPTIONS", "many", "many"),
        ("OPTIONS", "-1", "-1"),
        // Of no meaning elsewhere (RFC 9110, section 7.6.2).
        ("GET", "0", "0"),
    ] {
        let line = format!("max-forwards: {said}");
        assert_eq!(client.send(request(method, "/", &[&line])).answer().text(), "ok");
        assert_eq!(headers(&upstream.requests().pop().unwrap(), "max-forwards"), [left]);
    }
}

#[test]
fn options_are_for_the_whole_server_or_for_a_part_of_it() {
    let upstream = Upstream::saying(OK);
    let edge = Setup::before(upstream.url()).start();
    let mut client = edge.client();
    for (target, seen) in
        [("*", "*"), ("/a", "/a"), ("http://shop.test/", "/"), ("http://shop.test?a=b", "/?a=b")]
    {
        assert_eq!(client.send(request("OPTIONS", target, &[])).answer().text(), "ok");
        let head = upstream.requests().pop().unwrap();
        assert!(head.starts_with(&format!("OPTIONS {seen} HTTP/1.1\r\n")), "{target}: {head}");
        assert_eq!(headers(&head, "host"), ["shop.test"]);
    }
}

#[test]
fn a_chain_of_proxies_is_no_loop_and_a_circle_is() {
    let upstream = Upstream::saying(OK);
    let edge = Setup::before(upstream.url()).start();
    let mut client = edge.client();
    let chain = ["via: 1.1 serin, 1.0 other", "via: 1.1 serin", "via: 1.1 serin"];
    assert_eq!(client.get("/", &chain).text(), "ok");
    let circle = format!("via: {}1.1 serin", "1.1 serin, ".repeat(7));
    let answer = client.get("/", &[&circle]);
    assert_eq!(answer.status, 502);
    assert_eq!(answer.headers("proxy-status"), ["serin; error=proxy_loop_detected"]);
    assert_eq!(upstream.requests().len(), 1);
    // Nobody's connection is at fault.
    assert_eq!(client.get("/", &[]).text(), "ok");
}

#[test]
fn an_upstream_that_leads_back_here_is_found_out() {
    let placeholder = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let nowhere = format!("http://{}", placeholder.local_addr().unwrap());
    drop(placeholder);
    let edge = Setup::before(&nowhere).start();
    let here = format!("http://{}", edge.production);
    let mut shop = crate::support::edge::routine("shop", &[("1", Some(&here))]);
    let production = serin::model::Environment::Production;
    crate::support::edge::deploy(&mut shop, production, 1, &[("1", 100)]);
    edge.publish([shop]);
    let answer = edge.client().get("/", &[]);
    assert_eq!(answer.status, 502);
    assert_eq!(answer.headers("proxy-status"), ["serin; error=proxy_loop_detected"]);
}

#[test]
fn an_asterisk_is_for_options_alone() {
    let upstream = Upstream::saying(OK);
    let edge = Setup::before(upstream.url()).start();
    for method in ["GET", "POST", "HEAD"] {
        let mut client = edge.client();
        let answer = client.send(request(method, "*", &["content-length: 0"])).head();
        assert_eq!(answer.status, 400, "{method}");
    }
    assert_eq!(upstream.requests().len(), 0);
}

#[test]
fn fields_pass_as_they_are_and_in_their_order() {
    let upstream = Upstream::saying(
        "HTTP/1.1 200 OK\r\nset-cookie: b\r\nx_y: 1\r\nset-cookie: a\r\nx-a: \r\nset-cookie: b\r\n\
         date: long ago\r\nserver: inner\r\ncontent-length: 2\r\n\r\nok",
    );
    let edge = Setup::before(upstream.url()).start();
    let lines =
        ["x-a: 2", "under_score: 1", "x-a: 1", "x-empty:", "X-A: 2", "cookie: a=1", "cookie: b=2"];
    let answer = edge.client().get("/", &lines);
    assert_eq!(answer.headers("set-cookie"), ["b", "a", "b"]);
    assert_eq!(answer.headers("x_y"), ["1"]);
    assert_eq!(answer.headers("x-a"), [""]);
    assert_eq!(answer.headers("date"), ["long ago"]);
    assert_eq!(answer.headers("server"), ["inner"]);
    let head = upstream.requests().pop().unwrap();
    assert_eq!(headers(&head, "x-a"), ["2", "1", "2"]);
    assert_eq!(headers(&head, "under_score"), ["1"]);
    assert_eq!(headers(&head, "x-empty"), [""]);
    assert_eq!(headers(&head, "cookie"), ["a=1", "b=2"]);
}

/// A recipient with a clock says when a response came that does not say so itself (RFC
/// 9110, section 6.6.1).
#[test]
fn a_response_has_a_date() {
    let upstream = Upstream::saying(OK);
    let edge = Setup::before(upstream.url()).start();
    assert_eq!(edge.client().get("/", &[]).headers("date").len(), 1);
}
