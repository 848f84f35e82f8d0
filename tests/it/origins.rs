//! Where a route bypasses its routine, or falls back from it, the site's origin answers.

use std::net::TcpListener;
use std::time::Duration;

use serin::model::{Environment, RouteTimeout, Routine, RoutineRoute, Rule};

use crate::support::edge::{Edge, Setup};
use crate::support::fixtures::{Described, OVERRIDE, route_of, routine, site};
use crate::support::raw::{Answer, Client, request};
use crate::support::upstream::{Upstream, Visit};
use crate::support::wait_until;

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
const FROM_ORIGIN: &str = "HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\norigin";

/// `shop`, whose versions 1 and 2 answer at `url`; 1 is live in production.
fn shop(url: &str) -> Routine {
    routine("shop").versioned(&["1", "2"]).answered_at("1", url).answered_at("2", url).deployed(
        Environment::Production,
        1,
        &[("1", 100)],
    )
}

/// Every request of `shop.test` is for `shop`, by this route.
fn setup(shop: Routine, origin: Option<&str>, change: impl FnOnce(&mut RoutineRoute)) -> Setup {
    let mut route = route_of(1, 1, "shop", "true");
    change(&mut route);
    Setup::of([shop]).placed([site(1, "shop.test", origin)], [route])
}

fn bypassing(shop: Routine, origin: Option<&str>) -> Setup {
    setup(shop, origin, |route| route.bypass = true)
}

fn falling_back(shop: Routine, origin: Option<&str>) -> Setup {
    setup(shop, origin, |route| route.fallback = true)
}

/// Where nobody listens.
fn nobody() -> String {
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}", free.local_addr().unwrap())
}

/// `x-serin-routine`, `-version`, `-deployment`, `-reason` and `-app`.
fn said(answer: &Answer) -> [Vec<&str>; 5] {
    ["routine", "version", "deployment", "reason", "app"]
        .map(|what| answer.headers(&format!("x-serin-{what}")))
}

#[track_caller]
fn assert_from_origin(answer: &Answer) {
    assert_eq!((answer.status, answer.text()), (200, "origin"));
    assert_eq!(said(answer), [vec!["shop"], vec![], vec![], vec!["origin"], vec![]]);
}

#[track_caller]
fn assert_error(answer: &Answer, status: u16, error: &str, message: &str) {
    assert_eq!((answer.status, &answer.json()["error"]), (status, &error.into()));
    assert_eq!(answer.json()["message"], message);
}

#[test]
fn a_bypass_leads_to_the_origin_which_is_said_to_answer() {
    let routine = Upstream::saying(OK);
    let origin = Upstream::saying(
        "HTTP/1.1 200 OK\r\nx-serin-routine: a\r\nx-serin-version: 9\r\nx-serin-deployment: 9\r\n\
         x-serin-reason: x\r\nx-serin-app: c\r\ncontent-length: 6\r\n\r\norigin",
    );
    let shop = shop(routine.url()).keyed(&["mint:uid"]);
    let shop = shop.deployed(Environment::Production, 1, &[("1", 50), ("2", 50)]);
    let edge = bypassing(shop, Some(origin.url())).start();
    let mut client = edge.client();
    let answer = client.get("/a?b", &["x-user: ann"]);
    assert_from_origin(&answer);
    assert_eq!(answer.header("set-cookie"), None);
    let post = request("POST", "/", &["content-length: 2"]) + "hi";
    assert_from_origin(&client.send(post).answer());

    let asked = origin.requests();
    assert!(asked[0].starts_with("GET /a?b HTTP/1.1\r\n") && asked[0].contains("x-user: ann"));
    assert!(asked[0].contains("\r\nhost: shop.test\r\n"));
    assert!(asked[1].ends_with("\r\n\r\nhi"));
    assert_eq!((origin.connections(), routine.connections()), (1, 0));
}

#[test]
fn a_bypass_skips_a_routine_that_has_nothing_to_answer_with() {
    let origin = Upstream::saying(FROM_ORIGIN);
    let edge = bypassing(routine("shop"), Some(origin.url())).start();
    assert_from_origin(&edge.client().get("/", &[]));
    assert_from_origin(&Client::new(edge.staging).get("/", &[]));
}

#[test]
fn what_nothing_takes_goes_untouched_to_the_origin_of_its_site() {
    let origin = Upstream::saying(
        "HTTP/1.1 200 OK\r\nx-serin-routine: a\r\ncontent-length: 6\r\n\r\norigin",
    );
    let serve = |origin| {
        let elsewhere = Rule::parse(r#"http.request.uri.path eq "/elsewhere""#).unwrap();
        let mut setup = setup(shop(&nobody()), origin, |route| route.rule = elsewhere);
        setup.default_routine = None;
        setup.start()
    };
    let edge = serve(Some(origin.url()));
    let at = |edge: &Edge, host: &str| {
        let asked = request("GET", "/", &[]).replacen("shop.test", host, 1);
        edge.client().send(asked).answer()
    };
    let answer = at(&edge, "www.shop.test");
    assert_eq!((answer.status, answer.text()), (200, "origin"));
    assert_eq!(said(&answer), [vec![], vec![], vec![], vec!["origin"], vec![]]);
    // A record is asked before it, and a host of no site has no origin.
    assert_eq!(at(&edge, "shop.localhost").status, 502);
    assert_eq!(at(&edge, "elsewhere.test").status, 404);
    assert_eq!(at(&serve(None), "www.shop.test").status, 404);
}

#[test]
fn a_bypass_without_an_origin_says_so() {
    let edge = bypassing(shop(&nobody()), None).start();
    let mut client = edge.client();
    let answer = client.get("/", &[]);
    let message = "a route bypasses routine `shop`, and site `shop.test` has no origin";
    assert_error(&answer, 502, "proxy_configuration_error", message);
    assert_eq!([&answer.json()["routine"], &answer.json()["site"]], ["shop", "shop.test"]);
    let details =
        "serin; error=proxy_configuration_error; details=\"site shop.test has no origin\"";
    assert_eq!(answer.headers("proxy-status"), [details]);
    assert_eq!(client.get("/", &[]).status, 502);
}

#[test]
fn an_override_beats_a_bypass() {
    let routine = Upstream::saying(OK);
    let origin = Upstream::saying(FROM_ORIGIN);
    for origin in [Some(origin.url()), None] {
        let edge = bypassing(shop(routine.url()), origin).start();
        let named = edge.client().get("/", &[&format!("{OVERRIDE}: shop=\"2\"")]);
        assert_eq!(named.text(), "ok");
        let [.., reason, _] = said(&named);
        assert_eq!((named.header("x-serin-version"), reason), (Some("2"), vec!["override"]));
        let unknown = edge.client().get("/", &[&format!("{OVERRIDE}: shop=\"9\"")]);
        assert_eq!(unknown.status, 400);
    }
    let edge = bypassing(shop(routine.url()), Some(origin.url())).start();
    assert_from_origin(&edge.client().get("/", &[&format!("{OVERRIDE}: cart=\"2\"")]));
}

#[test]
fn an_origin_that_fails_is_answered_for() {
    let edge = bypassing(shop(&nobody()), Some(&nobody())).start();
    let answer = edge.client().get("/", &[]);
    assert_error(&answer, 502, "connection_refused", "the upstream refuses connections");
    assert_eq!(said(&answer), [vec!["shop"], vec![], vec![], vec!["origin"], vec![]]);
}

/// An edge whose routine follows `script`, and which falls back.
fn failing(script: impl Fn(&mut Visit) + Send + Sync + 'static) -> (Edge, Upstream, Upstream) {
    let (routine, origin) = (Upstream::new(script), Upstream::saying(FROM_ORIGIN));
    let mut setup = falling_back(shop(routine.url()), Some(origin.url()));
    setup.policy.timeouts.response_head = Duration::from_millis(200);
    (setup.start(), routine, origin)
}

#[test]
fn what_the_routine_fails_before_a_response_is_the_origins() {
    let origin = Upstream::saying(FROM_ORIGIN);
    let edge = falling_back(shop(&nobody()), Some(origin.url())).start();
    let mut client = edge.client();
    for _ in 0..3 {
        assert_from_origin(&client.get("/a", &["x-user: ann"]));
    }
    let asked = &origin.requests()[0];
    assert!(asked.starts_with("GET /a HTTP/1.1\r\n") && asked.contains("x-user: ann"));
    // Each hop is named once, although two were tried.
    assert_eq!(crate::support::raw::headers(asked, "via"), ["1.1 serin"]);
    assert_eq!(crate::support::raw::headers(asked, "x-forwarded-for"), ["127.0.0.1"]);
    assert_eq!(crate::support::raw::headers(asked, "host"), ["shop.test"]);

    for said in
        ["", "nonsense\r\n\r\n", "HTTP/1.1 101 X\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n"]
    {
        let (edge, _routine, _origin) = failing(move |visit| {
            visit.request();
            visit.say(said);
        });
        let mut client = edge.client();
        assert_from_origin(&client.get("/", &[]));
        // An empty body is no obstacle, whatever the method and however it is framed.
        assert_from_origin(&client.send(request("POST", "/", &[])).answer());
        let chunked = request("POST", "/", &["transfer-encoding: chunked"]) + "0\r\n\r\n";
        assert_from_origin(&client.send(chunked).answer());
    }
}

#[test]
fn what_the_routine_is_too_slow_for_is_the_origins() {
    let (edge, _routine, _origin) = failing(|visit| {
        visit.request();
        visit.sees_end();
    });
    let mut client = edge.client();
    assert_from_origin(&client.get("/", &[]));
    assert_from_origin(&client.get("/", &[]));
}

#[test]
fn where_nothing_is_deployed_the_origin_answers() {
    let (routine, origin) = (Upstream::saying(OK), Upstream::saying(FROM_ORIGIN));
    let edge = falling_back(shop(routine.url()), Some(origin.url())).start();
    let mut staging = Client::new(edge.staging);
    assert_from_origin(&staging.get("/", &[]));
    let post = request("POST", "/", &["content-length: 2"]) + "hi";
    assert_from_origin(&staging.send(post).answer());
    assert!(origin.requests()[1].ends_with("\r\n\r\nhi"));
    // An override is served in the dark, and production by what is live.
    assert_eq!(staging.get("/", &[&format!("{OVERRIDE}: shop=\"2\"")]).text(), "ok");
    assert_eq!(edge.client().get("/", &[]).text(), "ok");
}

#[test]
fn a_version_that_was_named_is_not_replaced_by_the_origin() {
    let origin = Upstream::saying(FROM_ORIGIN);
    let edge = falling_back(shop(&nobody()), Some(origin.url())).start();
    let answer = edge.client().get("/", &[&format!("{OVERRIDE}: shop=\"2\"")]);
    assert_error(&answer, 502, "connection_refused", "the upstream refuses connections");
    assert_eq!(answer.header("x-serin-reason"), Some("override"));
    assert_eq!(origin.connections(), 0);
}

#[test]
fn a_response_is_no_failure_whatever_it_says() {
    let routine = Upstream::saying("HTTP/1.1 503 X\r\ncontent-length: 4\r\n\r\nbusy");
    let origin = Upstream::saying(FROM_ORIGIN);
    let edge = falling_back(shop(routine.url()), Some(origin.url())).start();
    let answer = edge.client().get("/", &[]);
    assert_eq!((answer.status, answer.text()), (503, "busy"));
    assert_eq!(answer.header("x-serin-version"), Some("1"));
    assert_eq!(origin.connections(), 0);
}

#[test]
fn a_route_that_does_not_fall_back_leaves_the_error() {
    let origin = Upstream::saying(FROM_ORIGIN);
    let edge = setup(shop(&nobody()), Some(origin.url()), |_| {}).start();
    let answer = edge.client().get("/", &[]);
    assert_error(&answer, 502, "connection_refused", "the upstream refuses connections");
    let answer = Client::new(edge.staging).get("/", &[]);
    let message = "routine `shop` has no deployment in staging";
    assert_error(&answer, 503, "destination_unavailable", message);
    assert_eq!(origin.connections(), 0);
}

#[test]
fn without_an_origin_the_error_stands_and_says_that_there_is_none() {
    let edge = falling_back(shop(&nobody()), None).start();
    let answer = edge.client().get("/", &[]);
    let message =
        "the upstream refuses connections, and site `shop.test` has no origin to fall back to";
    assert_error(&answer, 502, "connection_refused", message);
    assert_eq!(answer.json()["site"], "shop.test");
    assert_eq!(answer.header("x-serin-version"), Some("1"));

    let answer = Client::new(edge.staging).get("/", &[]);
    let message = "routine `shop` has no deployment in staging, and site `shop.test` has no origin to fall back to";
    assert_error(&answer, 502, "destination_unavailable", message);
    assert_eq!([&answer.json()["routine"], &answer.json()["site"]], ["shop", "shop.test"]);

    // Where the way to an origin is missing, that is what fails, however the version did.
    let silent = Upstream::new(|visit| {
        visit.request();
        visit.sees_end();
    });
    let mut setup = falling_back(shop(silent.url()), None);
    setup.policy.timeouts.response_head = Duration::from_millis(100);
    let answer = setup.start().client().get("/", &[]);
    let message = "the upstream sent no response within 100ms, and site `shop.test` has no origin to fall back to";
    assert_error(&answer, 502, "http_response_timeout", message);

    // What the client got wrong, no origin would have helped.
    let answer = edge.client().get("/", &[&format!("{OVERRIDE}: shop=\"9\"")]);
    assert!(!answer.text().contains("origin"), "{}", answer.text());
}

#[test]
fn a_failed_fallback_is_the_origins_error() {
    let silent = Upstream::new(|visit| {
        visit.request();
        visit.sees_end();
    });
    let mut setup = falling_back(shop(&nobody()), Some(silent.url()));
    setup.policy.timeouts.response_head = Duration::from_millis(100);
    let answer = setup.start().client().get("/", &[]);
    let message = "the upstream sent no response within 100ms";
    assert_error(&answer, 504, "http_response_timeout", message);
    assert_eq!(said(&answer), [vec!["shop"], vec![], vec![], vec!["origin"], vec![]]);
}

#[test]
fn a_body_that_was_not_read_yet_goes_to_the_origin() {
    let origin = Upstream::saying(FROM_ORIGIN);
    let edge = falling_back(shop(&nobody()), Some(origin.url())).start();
    let mut client = edge.client();
    for (line, body) in
        [("content-length: 2", "hi"), ("transfer-encoding: chunked", "2\r\nhi\r\n0\r\n\r\n")]
    {
        assert_from_origin(&client.send(request("POST", "/", &[line]) + body).answer());
    }
    let asked = origin.requests();
    assert!(asked[0].ends_with("content-length: 2\r\n\r\nhi") || asked[0].ends_with("\r\n\r\nhi"));
    assert!(asked[1].ends_with("\r\n\r\n2\r\nhi\r\n0\r\n\r\n"), "{}", asked[1]);

    // The routine hung up while the client still held its body back.
    for line in ["content-length: 2", "transfer-encoding: chunked"] {
        let (edge, _routine, origin) = failing(|visit| {
            visit.head();
        });
        let mut client = edge.client();
        client.send(request("POST", "/", &[line, "expect: 100-continue"]));
        assert_eq!(client.head().status, 100);
        wait_until(|| origin.connections() == 1);
        client.send(if line.ends_with('2') { "hi" } else { "2\r\nhi\r\n0\r\n\r\n" });
        assert_from_origin(&client.answer());
        assert!(origin.requests()[0].contains("hi"), "{line}");
        assert_from_origin(&client.get("/", &[]));
    }
}

#[test]
fn a_body_of_which_something_was_read_is_gone_and_the_error_stands() {
    for (line, body) in
        [("content-length: 2", "hi"), ("transfer-encoding: chunked", "2\r\nhi\r\n0\r\n\r\n")]
    {
        let (edge, _routine, origin) = failing(|visit| {
            visit.request();
        });
        let mut client = edge.client();
        let answer = client.send(request("POST", "/", &[line]) + body).answer();
        let message = "the upstream closed the connection before its response";
        assert_error(&answer, 502, "connection_terminated", message);
        assert_eq!(said(&answer)[3], ["only"]);
        assert_eq!(origin.connections(), 0);
    }
}

/// Many clients send their whole body before they look for the response.
#[test]
fn a_client_that_sends_first_gets_its_answer_where_a_route_falls_back_too() {
    const BODY_BYTES: usize = 20 << 20;
    let broken = falling_back(shop(&nobody()), Some(&nobody())).start();
    // It has read of the body, so that the origin gets nothing.
    let (half_read, _routine, origin) = failing(|visit| {
        visit.head();
        visit.bytes(1_000);
    });
    for edge in [broken, half_read] {
        let mut client = edge.client();
        let length = format!("content-length: {BODY_BYTES}");
        client.send(request("POST", "/", &[&length])).send(vec![b'x'; BODY_BYTES]);
        assert_eq!(client.answer().status, 502);
    }
    assert_eq!(origin.connections(), 0);
}

#[test]
fn a_route_says_how_long_its_routine_may_take_and_not_how_long_the_origin_may() {
    let slow = || {
        Upstream::new(|visit| {
            while visit.request().is_some() {
                let gave_up = visit.sees_end_within(Duration::from_millis(300));
                visit.say(if gave_up { "" } else { OK });
            }
        })
    };
    let patient = |routine: &str, origin: &str, bypass| {
        let mut setup = setup(shop(routine), Some(origin), |route| {
            (route.timeout, route.bypass) = (RouteTimeout::new(5), bypass);
        });
        setup.policy.timeouts.response_head = Duration::from_millis(50);
        setup.start()
    };
    let (routine, origin) = (slow(), slow());
    let edge = patient(routine.url(), origin.url(), false);
    assert_eq!(edge.client().get("/", &[]).text(), "ok");
    // By another way, the routine has the time that every request has.
    let mut client = edge.client();
    client.send("GET / HTTP/1.1\r\nhost: other.test\r\n\r\n");
    assert_eq!(client.answer().status, 504);
    let edge = patient(routine.url(), origin.url(), true);
    let message = "the upstream sent no response within 50ms";
    assert_error(&edge.client().get("/", &[]), 504, "http_response_timeout", message);
}
