//! Bytes that are no request beyond doubt reach no upstream, and neither does anything
//! behind them. Whoever sent them is told.

use std::io::Write as _;
use std::num::NonZeroUsize;
use std::sync::mpsc;
use std::time::Duration;

use crate::support::WAIT_MAX;
use crate::support::edge::Setup;
use crate::support::frames::PREFACE;
use crate::support::raw::{Answer, Client, headers, request};
use crate::support::upstream::Upstream;

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

/// A request that must not be taken for one where it stands.
const NEXT: &str = "GET /next HTTP/1.1\r\nhost: a\r\n\r\n";

/// Asserts that `answer` is one of the proxy's own to a request that is none.
fn expect_refusal(answer: &Answer, status: u16, context: &str) {
    assert_eq!(answer.status, status, "{context}: {}", answer.text());
    assert_eq!(answer.header("proxy-status"), Some("serin; error=http_request_error"), "{context}");
    assert_eq!(answer.headers("connection"), ["close"], "{context}");
    assert_eq!(answer.headers("content-type"), ["application/json"], "{context}");
    assert_eq!(answer.headers("date").len(), 1, "{context}");
    assert_eq!(answer.json()["error"], "http_request_error", "{context}");
    assert!(!answer.json()["message"].as_str().unwrap().is_empty(), "{context}");
}

/// Asserts that each of these is answered with its status, that the connection ends
/// then, and that the upstream heard nothing of it.
fn refused<B: AsRef<[u8]>>(cases: impl IntoIterator<Item = (u16, B)>) {
    let upstream = Upstream::saying(OK);
    let edge = Setup::before(upstream.url()).start();
    for (status, bytes) in cases {
        let context = bytes.as_ref().escape_ascii().to_string();
        let mut client = edge.client();
        client.send([bytes.as_ref(), NEXT.as_bytes()].concat());
        expect_refusal(&client.answer(), status, &context);
        client.expect_end();
    }
    assert_eq!(upstream.requests(), [""; 0]);
}

/// Asserts that a request with each of these lines is refused.
fn lines_refused(status: u16, lines: &[&[u8]]) {
    refused(lines.iter().map(|lines| {
        let head = [b"POST / HTTP/1.1\r\nhost: a\r\n", *lines, b"\r\n\r\n"].concat();
        (status, head)
    }));
}

#[test]
fn lines_have_one_reading() {
    lines_refused(
        400,
        &[
            b"x: y\nz: a",
            b"x: y\n\nGET /inside HTTP/1.1\r\nhost: a",
            b"x: y\rz: a",
            b"x: \0",
            b"x: \x7f",
            b"x: \x0b",
            b" x: y",
            b"x: y\r\n folded",
            b"x: y\r\n\tfolded",
            b"x : y",
            b"content-length : 4",
            b"transfer-encoding : chunked",
            b": y",
            b"x\0: y",
            b"x y",
            b"x(y): z",
        ],
    );
}

#[test]
fn a_request_has_one_length() {
    lines_refused(
        400,
        &[
            b"content-length: 2\r\ncontent-length: 3",
            b"content-length: 2\r\ncontent-length: 2",
            b"content-length: 2, 2",
            b"content-length: 2, 3",
            b"content-length: +2",
            b"content-length: -2",
            b"content-length: 0x2",
            b"content-length: 2 ; a",
            b"content-length:",
            b"content-length: 99999999999999999999",
            b"content-length: 4\r\ntransfer-encoding: chunked",
            b"transfer-encoding: chunked\r\ncontent-length: 4",
            b"content-length: 4\r\ntransfer-encoding: xchunked",
            b"transfer-encoding: chunked, gzip",
            b"transfer-encoding: chunked, chunked",
            b"transfer-encoding: chunked\r\ntransfer-encoding: chunked",
            b"transfer-encoding: xchunked",
            b"transfer-encoding: \"chunked\"",
            b"transfer-encoding: chunked;q=1",
            b"transfer-encoding: identity",
            b"transfer-encoding: gzip",
            b"transfer-encoding:",
            b"transfer-encoding: \x0bchunked",
        ],
    );
    refused([(400, "POST / HTTP/1.0\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n")]);
}

#[test]
fn a_coding_that_nobody_here_undoes_is_not_served() {
    lines_refused(
        501,
        &[
            b"transfer-encoding: gzip, chunked",
            b"transfer-encoding: gzip\r\ntransfer-encoding: chunked",
        ],
    );
}

#[test]
fn a_request_line_has_three_parts_and_a_known_version() {
    refused(
        [
            &b"\0\x01\x02\r\n\r\n"[..],
            b"GET /\r\n\r\n",
            b"GET / HTTP/1.1\n\n",
            b"GET  / HTTP/1.1\r\nhost: a\r\n\r\n",
            b"GET /  HTTP/1.1\r\nhost: a\r\n\r\n",
            b"GET /a b HTTP/1.1\r\nhost: a\r\n\r\n",
            b"GET\t/ HTTP/1.1\r\nhost: a\r\n\r\n",
            b"GET / HTTP/1.1 \r\nhost: a\r\n\r\n",
            b"GET / http/1.1\r\nhost: a\r\n\r\n",
            b"GET / HTTP/1.10\r\nhost: a\r\n\r\n",
            b"GET / HTTP/0.9\r\nhost: a\r\n\r\n",
            b"GET / TTP/1.1\r\nhost: a\r\n\r\n",
            b"G@T / HTTP/1.1\r\nhost: a\r\n\r\n",
            b"GET /a#b HTTP/1.1\r\nhost: a\r\n\r\n",
            b"GET /\x80 HTTP/1.1\r\nhost: a\r\n\r\n",
            b"GET /\x7f HTTP/1.1\r\nhost: a\r\n\r\n",
            b"GET /<a>#b HTTP/1.1\r\nhost: a\r\n\r\n",
            b"GET /<\x80> HTTP/1.1\r\nhost: a\r\n\r\n",
            b"GET /<\x7f> HTTP/1.1\r\nhost: a\r\n\r\n",
            b"GET http://<a>/ HTTP/1.1\r\nhost: a\r\n\r\n",
            b"GET http:// HTTP/1.1\r\nhost: a\r\n\r\n",
            b"GET a/b HTTP/1.1\r\nhost: a\r\n\r\n",
            b"\nGET / HTTP/1.1\r\nhost: a\r\n\r\n",
            b"\rGET / HTTP/1.1\r\nhost: a\r\n\r\n",
        ]
        .map(|head| (400, head)),
    );
    refused(["HTTP/2.0", "HTTP/9.9"].map(|version| (505, format!("GET / {version}\r\n\r\n"))));
    // All of this would be the preface of HTTP/2, which is served.
    refused([(505, "PRI * HTTP/2.0\r\n\r\nGET")]);
}

#[test]
fn a_head_has_limits_and_each_its_answer() {
    let upstream = Upstream::saying(OK);
    let mut setup = Setup::before(upstream.url());
    let limit = |limit| NonZeroUsize::new(limit).unwrap();
    setup.policy.limits.header_bytes = limit(2_000);
    setup.policy.limits.header_count = limit(10);
    setup.policy.limits.uri_bytes = limit(100);
    let edge = setup.start();
    let head = |target: usize, fields: usize, value: usize| {
        let target = "a".repeat(target - 1);
        let fields = "x: y\r\n".repeat(fields - 2);
        let value = "z".repeat(value);
        format!("GET /{target} HTTP/1.1\r\nhost: a\r\n{fields}x: {value}\r\n\r\n")
    };
    let mut client = edge.client();
    assert_eq!(client.send(head(100, 10, 1_500)).answer().text(), "ok");
    for (status, head) in [
        (414, head(101, 10, 0)),
        (414, head(1_000, 10, 0)),
        (431, head(100, 11, 0)),
        (431, head(100, 10, 2_000)),
        // Nobody waits for an end that does not come.
        (414, format!("GET /{}", "a".repeat(300))),
        (431, format!("GET / HTTP/1.1\r\nhost: a\r\nx: {}", "y".repeat(2_000))),
    ] {
        let mut client = edge.client();
        expect_refusal(&client.send(&head).answer(), status, &head);
        client.expect_end();
    }
    assert_eq!(upstream.requests().len(), 1);
    // Each is counted, as any other error of Serin's own is.
    assert_eq!(edge.counts().errors["http_request_error"], 6);
}

#[test]
fn a_head_may_be_as_large_as_the_limits_say_and_larger_than_any_buffer() {
    let upstream = Upstream::saying(OK);
    let mut setup = Setup::before(upstream.url());
    let limit = |limit| NonZeroUsize::new(limit).unwrap();
    setup.policy.limits.header_bytes = limit(1 << 20);
    setup.policy.limits.header_count = limit(1_000);
    setup.policy.limits.uri_bytes = limit(1 << 20);
    let edge = setup.start();
    let mut client = edge.client();
    let long = "a".repeat(60_000);
    for (path, lines) in [
        ("/", vec!["x: y"; 900]),
        (&*format!("/{long}"), vec![]),
        ("/", vec![&*format!("x: {}", "y".repeat(900_000))]),
    ] {
        assert_eq!(client.get(path, &lines).text(), "ok");
    }
    // As long as what holds a target can be.
    let answer = client.get(&format!("/{long}{long}"), &[]);
    expect_refusal(&answer, 414, "a target of 120,000 bytes");
}

#[test]
fn what_came_before_is_answered_first() {
    let upstream = Upstream::new(|visit| {
        while let Some(request) = visit.request() {
            let path = request.split(' ').nth(1).unwrap();
            let len = path.len();
            visit.say(format!("HTTP/1.1 200 OK\r\ncontent-length: {len}\r\n\r\n{path}"));
        }
    });
    let edge = Setup::before(upstream.url()).start();
    let good: String = (0..20).map(|number| request("GET", &format!("/{number}"), &[])).collect();
    let post = request("POST", "/20", &["content-length: 2"]) + "hi";
    let stream = format!("{good}{post}GET /bad HTTP/1.1\r\nhost : a\r\n\r\n{NEXT}");
    for size in [stream.len(), 7] {
        let mut client = edge.client();
        for piece in stream.as_bytes().chunks(size) {
            client.send(piece);
        }
        for number in 0..=20 {
            assert_eq!(client.answer().text(), format!("/{number}"));
        }
        expect_refusal(&client.answer(), 400, "a blank before the colon");
        client.expect_end();
    }
    assert!(upstream.requests().iter().all(|request| !request.contains("host : ")));
    assert_eq!(upstream.requests().len(), 2 * 21);
}

#[test]
fn a_refusal_waits_for_the_answer_before_it() {
    let (asked, asks) = mpsc::channel();
    let (go, gone) = mpsc::channel::<()>();
    let gone = std::sync::Mutex::new(gone);
    let upstream = Upstream::new(move |visit| {
        while visit.request().is_some() {
            asked.send(()).unwrap();
            gone.lock().unwrap().recv_timeout(WAIT_MAX).unwrap();
            visit.say(OK);
        }
    });
    let edge = Setup::before(upstream.url()).start();
    let mut client = edge.client();
    client.send(request("GET", "/", &[]));
    asks.recv_timeout(WAIT_MAX).unwrap();
    client.send("nonsense\r\n\r\n");
    go.send(()).unwrap();
    assert_eq!(client.answer().text(), "ok");
    expect_refusal(&client.answer(), 400, "nonsense");
    client.expect_end();
}

#[test]
fn odd_but_legal_requests_pass() {
    let upstream = Upstream::saying(OK);
    let edge = Setup::before(upstream.url()).start();
    let mut client = edge.client();
    let lines = vec!["x: y"; 99];
    for head in [
        format!("\r\n\r\n{NEXT}"),
        format!("{NEXT}\r\n"),
        request("GET", "/", &["x:", "y:z", "w: \t a b\t ", "!#$%&'*+-.^_`|~: a"]),
        request("GET", "/", &lines),
        request("M-SEARCH", "/", &[]),
        request("GET", "/\"{a}|\\^[]~?a=[b]|{}\\^`", &[]),
        request("GET", "/%00/%zz/.././/", &[]),
        request("GET", "http://shop.test/", &[]),
        request("GET", "http://shop.test", &[]),
        request("POST", "/", &["content-length:\t002 "]) + "hi",
        "GET / HTTP/1.7\r\nhost: a\r\n\r\n".to_owned(),
    ] {
        client.send(&head);
        let answer = client.answer();
        assert_eq!((answer.status, answer.text()), (200, "ok"), "{head}");
    }
    client.send(b"GET / HTTP/1.1\r\nhost: a\r\nx: \x80\xff\xc3\xa9\r\n\r\n");
    assert_eq!(client.answer().text(), "ok");
    // Bytes that come one by one are the same bytes.
    for byte in request("POST", "/", &["content-length: 2"]).as_bytes() {
        client.send([*byte]);
    }
    client.send("h").send("i");
    assert_eq!(client.answer().text(), "ok");
    assert_eq!(upstream.connections(), 1);
}

/// Other proxies serve them, so clients send them. The upstream sees their lawful spelling.
#[test]
fn bytes_that_no_target_should_hold_arrive_escaped() {
    let upstream = Upstream::saying(OK);
    let edge = Setup::before(upstream.url()).start();
    let mut client = edge.client();
    let targets = [
        ("/<a>", "/%3Ca%3E"),
        ("/a`b", "/a%60b"),
        ("/?a=<b>&`", "/?a=%3Cb%3E&`"),
        ("/\"<\"?{\"a\":\"b\"}", "/\"%3C\"?{%22a%22:%22b%22}"),
        ("/%3c<%zz?<?<", "/%3c%3C%zz?%3C?%3C"),
        ("/\u{e9}<?\u{e9}", "/\u{e9}%3C?\u{e9}"),
        ("http://shop.test/<a>", "/%3Ca%3E"),
        ("http://shop.test?<a>", "/?%3Ca%3E"),
    ];
    for (sent, _) in targets {
        assert_eq!(client.get(sent, &[]).text(), "ok", "{sent}");
        for byte in request("GET", sent, &[]).as_bytes() {
            client.send([*byte]);
        }
        assert_eq!(client.answer().text(), "ok", "{sent}");
    }
    let seen = upstream.requests();
    for (number, (sent, expected)) in targets.iter().enumerate() {
        for request in &seen[2 * number..2 * number + 2] {
            assert_eq!(request.split(' ').nth(1), Some(*expected), "{sent}");
        }
    }
}

#[test]
fn what_stands_around_an_escaped_target_is_as_it_was() {
    let upstream = Upstream::saying(OK);
    let edge = Setup::before(upstream.url()).start();
    let sized = request("POST", "/<1>", &["content-length: 2", "x: <"]) + "<>";
    let chunked = request("POST", "/<2>", &["transfer-encoding: chunked"]) + "1\r\n<\r\n0\r\n\r\n";
    let stream = [&sized, NEXT, &chunked, &sized, "\r\n", NEXT].concat().repeat(40);
    for size in [stream.len(), 1_000, 7] {
        let mut client = edge.client();
        for piece in stream.as_bytes().chunks(size) {
            client.send(piece);
        }
        for _ in 0..5 * 40 {
            assert_eq!(client.answer().text(), "ok");
        }
    }
    let seen = upstream.requests();
    assert_eq!(seen.len(), 3 * 5 * 40);
    for five in seen.chunks(5) {
        let lines = five.iter().map(|request| request.lines().next().unwrap());
        let post = |target: &str| format!("POST {target} HTTP/1.1");
        let get = "GET /next HTTP/1.1".to_owned();
        assert!(lines.eq([post("/%3C1%3E"), get.clone(), post("/%3C2%3E"), post("/%3C1%3E"), get]));
        assert!(five[0].ends_with("<>") && headers(&five[0], "x") == ["<"], "{}", five[0]);
        assert!(five[2].contains("\r\n\r\n1\r\n<\r\n0\r\n"), "{}", five[2]);
    }
}

#[test]
fn a_target_is_as_long_as_its_client_wrote_it() {
    let upstream = Upstream::saying(OK);
    let mut setup = Setup::before(upstream.url());
    let limit = |limit| NonZeroUsize::new(limit).unwrap();
    setup.policy.limits.header_bytes = limit(65_600);
    setup.policy.limits.uri_bytes = limit(65_534);
    let mut policy = setup.policy.clone();
    let edge = setup.start();
    // Three times as long it is as long as what holds a target can be.
    let target = |odd: usize| format!("/{}", "<".repeat(odd));
    assert_eq!(edge.client().get(&(target(21_844) + "a"), &[]).text(), "ok");
    expect_refusal(&edge.client().get(&target(21_845), &[]), 414, "too long in another spelling");

    policy.limits.uri_bytes = limit(100);
    edge.set_policy(policy);
    assert_eq!(edge.client().get(&target(99), &[]).text(), "ok");
    expect_refusal(&edge.client().get(&target(100), &[]), 414, "101 bytes");
}

#[test]
fn odd_but_legal_chunks_pass() {
    let upstream = Upstream::saying(OK);
    let edge = Setup::before(upstream.url()).start();
    let mut client = edge.client();
    let bodies = [
        "2\r\nhi\r\n0\r\n\r\n",
        "0002\r\nhi\r\n000\r\n\r\n",
        "2;a\r\nhi\r\n0;b=\"c d\"\r\n\r\n",
        "2 ; a\r\nhi\r\n0\r\n\r\n",
        "2\r\nhi\r\n0\r\nx-sum: 1\r\nx-empty:\r\n\r\n",
        "1\r\nh\r\n1\r\ni\r\n0\r\n\r\n",
    ];
    for body in bodies {
        for size in [body.len(), 1] {
            client.send(request("POST", "/", &["transfer-encoding: chunked"]));
            for piece in body.as_bytes().chunks(size) {
                client.send(piece);
            }
            assert_eq!(client.answer().text(), "ok", "{body}");
        }
    }
    let long = "x".repeat(0xabc);
    client.send(request("POST", "/", &["transfer-encoding: Chunked"]));
    client.send(format!("aBc\r\n{long}\r\n0\r\n\r\n{NEXT}"));
    assert_eq!([client.answer().text(), client.answer().text()], ["ok", "ok"]);
    assert_eq!(upstream.connections(), 1);
    for request in upstream.requests().iter().take(2 * bodies.len()) {
        assert_eq!(headers(request, "transfer-encoding"), ["chunked"]);
        assert!(request.contains('h') && !request.contains(';'), "{request}");
    }
}

/// The body is not all there, and where it would end nobody knows: the upstream hears
/// neither an end of it nor anything behind it.
#[test]
fn a_body_whose_chunks_are_in_doubt_breaks_off() {
    for body in [
        "x\r\nhi\r\n0\r\n\r\n",
        " 2\r\nhi\r\n0\r\n\r\n",
        "2 \r\nhi\r\n0\r\n\r\n",
        "0x2\r\nhi\r\n0\r\n\r\n",
        "+2\r\nhi\r\n0\r\n\r\n",
        "2\nhi\n0\n\n",
        "2\r\nhi!\r\n0\r\n\r\n",
        "2\r\nhi\n0\r\n\r\n",
        "2\r\nhi0\r\n\r\n",
        "2;a\nhi\r\n0\r\n\r\n",
        "2;a\0\r\nhi\r\n0\r\n\r\n",
        "10000000000000002\r\nhi\r\n0\r\n\r\n",
        "2\r\nhi\r\n0\r\nx\r\n\r\n",
        "2\r\nhi\r\n0\r\n folded: y\r\n\r\n",
        "2\r\nhi\r\n0\r\nx : y\r\n\r\n",
        "2\r\nhi\r\n0\r\n\n",
        "2\r\nhi\r\n0\n\r\n",
    ] {
        let upstream = Upstream::new(|visit| {
            while visit.request().is_some() {
                visit.say(OK);
            }
        });
        let edge = Setup::before(upstream.url()).start();
        let mut client = edge.client();
        client.send(request("POST", "/", &["transfer-encoding: chunked"]) + body + NEXT);
        expect_refusal(&client.answer(), 400, body);
        client.expect_end();
        let requests = upstream.requests();
        assert!(requests.iter().all(|request| !request.contains("/next")), "{requests:?}");
        let ended = requests.iter().any(|request| request.ends_with("0\r\n\r\n"));
        assert!(!ended, "{requests:?}");
    }
}

#[test]
fn a_refusal_reaches_a_client_that_sends_on() {
    let upstream = Upstream::saying(OK);
    let edge = Setup::before(upstream.url()).start();
    let mut client = edge.client();
    client.send("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1000000\r\nx : y\r\n\r\n");
    let mut sender = client.stream().try_clone().unwrap();
    // More than the buffers between the two hold, and before a look at the answer.
    sender.write_all(&vec![b'x'; 1 << 20]).unwrap();
    expect_refusal(&client.answer(), 400, "a blank before the colon");
    client.expect_end();
}

fn impatient(upstream: &Upstream) -> Setup {
    let mut setup = Setup::before(upstream.url());
    setup.policy.timeouts.request_head = Duration::from_millis(50);
    setup
}

#[test]
fn a_head_that_does_not_come_is_told_so() {
    let upstream = Upstream::saying(OK);
    let edge = impatient(&upstream).start();
    for part in ["G", "GET / HT", "GET / HTTP/1.1\r\nhost: a\r\n", "GET / HTTP/1.1\r\nhost: a\r"] {
        let mut client = edge.client();
        assert_eq!(client.get("/", &[]).text(), "ok");
        client.send(part);
        expect_refusal(&client.answer(), 408, part);
        client.expect_end();
    }
    assert_eq!(upstream.requests().len(), 4);
}

#[test]
fn what_could_be_a_preface_and_does_not_come_is_told_so() {
    let upstream = Upstream::saying(OK);
    let edge = impatient(&upstream).start();
    for length in [1, 3, PREFACE.len() - 6, PREFACE.len() - 1] {
        let part = str::from_utf8(&PREFACE[..length]).unwrap();
        let mut client = edge.client();
        client.send(part);
        expect_refusal(&client.answer(), 408, part);
        client.expect_end();
    }
    // One that goes on in time is heard.
    let mut client = edge.client();
    client.send("P").send(&request("POST", "/", &["content-length: 0"])[1..]);
    assert_eq!(client.answer().text(), "ok");
}

#[test]
fn a_head_that_drips_in_has_an_end() {
    let upstream = Upstream::saying(OK);
    let edge = impatient(&upstream).start();
    let mut client = edge.client();
    let mut sender = client.stream().try_clone().unwrap();
    let (done, is_done) = mpsc::channel::<()>();
    let drip = std::thread::spawn(move || {
        let pause = Duration::from_millis(10);
        while is_done.recv_timeout(pause) == Err(mpsc::RecvTimeoutError::Timeout)
            && sender.write_all(b"x").is_ok()
        {}
    });
    expect_refusal(&client.answer(), 408, "a byte every 10 ms");
    done.send(()).unwrap();
    drip.join().unwrap();
}

#[test]
fn empty_lines_and_idleness_begin_no_head() {
    let upstream = Upstream::saying(OK);
    let mut setup = impatient(&upstream);
    setup.policy.timeouts.client_idle = Duration::from_millis(200);
    let edge = setup.start();
    for silence in ["", "\r\n", "\r"] {
        edge.client().send(silence).expect_end();
        let mut client = edge.client();
        assert_eq!(client.get("/", &[]).text(), "ok");
        client.send(silence).expect_end();
    }
}

#[test]
fn the_time_of_a_head_begins_after_the_answer_before_it() {
    let upstream = Upstream::new(|visit| {
        while visit.request().is_some() {
            // Ten times as long as a head may be silent.
            assert!(!visit.sees_end_within(Duration::from_millis(500)));
            visit.say(OK);
        }
    });
    let edge = impatient(&upstream).start();
    let mut client = edge.client();
    let (begin, rest) = NEXT.split_at(9);
    client.send(request("GET", "/", &[]) + begin);
    assert_eq!(client.answer().text(), "ok");
    client.send(rest);
    assert_eq!(client.answer().text(), "ok");
}

#[test]
fn a_drain_hears_out_a_head_that_has_begun() {
    let upstream = Upstream::saying(OK);
    let mut setup = Setup::before(upstream.url());
    setup.drain = WAIT_MAX;
    let edge = setup.start();
    let (beginning, rest) = NEXT.split_at(9);
    let mut idle = edge.client();
    idle.get("/", &[]);
    let mut client = edge.client();
    client.get("/", &[]);
    client.send(beginning);
    // Whoever comes later is served later, so the beginning has been read by then.
    Client::new(edge.production).get("/", &[]);
    edge.drain();
    idle.expect_end();
    let answer = client.send(rest).answer();
    assert_eq!((answer.text(), answer.headers("connection")), ("ok", vec!["close"]));
    client.expect_end();
}

#[test]
fn a_wish_for_another_protocol_is_served_in_this_one() {
    let upstream = Upstream::saying(OK);
    let edge = Setup::before(upstream.url()).start();
    let mut client = edge.client();
    let h2c = ["upgrade: h2c", "connection: upgrade, http2-settings", "http2-settings: AAAA"];
    client.send(request("GET", "/", &h2c) + NEXT);
    assert_eq!([client.answer().text(), client.answer().text()], ["ok", "ok"]);
    let mut lines = h2c.to_vec();
    lines.push("content-length: 2");
    client.send(request("POST", "/", &lines) + "hi" + NEXT);
    assert_eq!([client.answer().text(), client.answer().text()], ["ok", "ok"]);
    assert_eq!(upstream.requests().len(), 4);
}

#[test]
fn a_client_that_leaves_is_seen_while_its_wish_is_considered() {
    let (asked, asks) = mpsc::channel();
    let (ended, ends) = mpsc::channel();
    let upstream = Upstream::new(move |visit| {
        visit.request();
        asked.send(()).unwrap();
        ended.send(visit.sees_end()).unwrap();
    });
    let edge = Setup::before(upstream.url()).start();
    for behind in ["", "bytes of the other protocol"] {
        let mut client = edge.client();
        client.send(request("GET", "/", &["upgrade: a", "connection: upgrade"]) + behind);
        asks.recv_timeout(WAIT_MAX).unwrap();
        drop(client);
        assert_eq!(ends.recv_timeout(WAIT_MAX), Ok(true), "{behind}");
    }
}
