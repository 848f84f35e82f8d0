//! HTTP/2 of clients: the same requests as in HTTP/1.1, and several at a time.

use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode, Version};
use http_body::Frame;
use http_body_util::BodyExt;

use crate::support::WAIT_MAX;
use crate::support::edge::Setup;
use crate::support::frames::{self, Rude};
use crate::support::h2::{Sent, Speaker, heard, run};
use crate::support::raw::headers;
use crate::support::upstream::Upstream;

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

fn get(uri: &str) -> http::request::Builder {
    Request::get(uri)
}

#[test]
fn who_knows_that_it_is_spoken_speaks_it_on_a_plain_listener() {
    let upstream = Upstream::saying(OK);
    let edge = Setup::before(upstream.url()).start();
    run(async {
        let mut speaker = Speaker::plain(edge.production).await;
        for number in 0..10 {
            let heard = speaker.get(&format!("http://shop.test/{number}?q")).await;
            assert_eq!((heard.status, &heard.body[..]), (StatusCode::OK, &b"ok"[..]));
            assert_eq!(heard.header("x-serin-version"), Some("1"));
        }
    });
    assert_eq!(upstream.connections(), 1);
    let request = &upstream.requests()[0];
    assert!(request.starts_with("GET /0?q HTTP/1.1\r\n"), "{request}");
    for (name, values) in [
        ("host", vec!["shop.test"]),
        ("via", vec!["2.0 serin"]),
        ("x-forwarded-proto", vec!["http"]),
        ("x-forwarded-host", vec!["shop.test"]),
        ("content-length", vec![]),
        ("transfer-encoding", vec![]),
    ] {
        assert_eq!(headers(request, name), values, "{name}");
    }
    // HTTP/1.1 is spoken beside it.
    assert_eq!(edge.client().get("/", &[]).text(), "ok");
}

#[test]
fn a_preface_is_understood_however_it_is_cut() {
    let upstream = Upstream::saying(OK);
    let edge = Setup::before(upstream.url()).start();
    for cut in [1, 3, 4, 23] {
        let mut rude = Rude::silent(edge.production);
        let (start, rest) = frames::PREFACE.split_at(cut);
        rude.say(start);
        // Until the start is looked at, another connection is served.
        assert_eq!(edge.client().get("/", &[]).status, 200);
        rude.say(rest).say(&frames::settings(&[])).say(&frames::get_frame(1, "/"));
        assert_eq!(rude.hear_kind(frames::HEADERS).unwrap().status(), 200, "{cut}");
    }
    // What only begins like one is HTTP/1.1.
    let almost = "PRI / HTTP/1.1\r\nhost: shop.test\r\n\r\n";
    assert!(edge.client().send(almost).head().head.starts_with("HTTP/1.1 "));
}

#[test]
fn bodies_go_both_ways_with_a_length_or_in_chunks() {
    let upstream = Upstream::new(|visit| {
        while visit.request().is_some() {
            visit.say("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
            visit.say("3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n");
        }
    });
    let edge = Setup::before(upstream.url()).start();
    run(async {
        let mut speaker = Speaker::plain(edge.production).await;
        let post = |length: Option<&str>| {
            let post = Request::post("http://shop.test/");
            let post =
                length.into_iter().fold(post, |post, length| post.header("content-length", length));
            post.body(Sent::whole(b"hello")).unwrap()
        };
        for length in [Some("5"), None] {
            let heard = speaker.ask(post(length)).await;
            assert_eq!((heard.status, &heard.body[..]), (StatusCode::OK, &b"abcdefg"[..]));
            assert_eq!(heard.header("transfer-encoding"), None);
        }
    });
    let [with_length, without] = upstream.requests().try_into().unwrap();
    assert_eq!(headers(&with_length, "content-length"), ["5"]);
    assert!(with_length.ends_with("\r\n\r\nhello"), "{with_length}");
    assert_eq!(headers(&without, "transfer-encoding"), ["chunked"]);
    assert!(without.ends_with("5\r\nhello\r\n0\r\n\r\n"), "{without}");
}

#[test]
fn crumbs_of_a_cookie_reach_the_upstream_as_one_field() {
    let upstream = Upstream::saying(OK);
    let edge = Setup::before(upstream.url()).start();
    run(async {
        let mut speaker = Speaker::plain(edge.production).await;
        let request = get("http://shop.test/").header("cookie", "a=1").header("cookie", "b=2");
        assert_eq!(speaker.ask(request.body(Sent::nothing()).unwrap()).await.status, 200);
    });
    assert_eq!(headers(&upstream.requests()[0], "cookie"), ["a=1; b=2"]);
}

#[test]
fn a_host_at_odds_with_the_authority_is_refused_and_the_connection_goes_on() {
    let upstream = Upstream::saying(OK);
    let edge = Setup::before(upstream.url()).start();
    run(async {
        let mut speaker = Speaker::plain(edge.production).await;
        let request = get("http://shop.test/").header("host", "cart.test");
        let heard = speaker.ask(request.body(Sent::nothing()).unwrap()).await;
        assert_eq!(heard.status, 400);
        assert_eq!(heard.json()["error"], "http_request_error");
        assert!(heard.header("proxy-status").is_some());
        let request = get("http://shop.test/").header("host", "SHOP.test:80");
        assert_eq!(speaker.ask(request.body(Sent::nothing()).unwrap()).await.status, 200);
    });
    assert_eq!(upstream.requests().len(), 1);
}

#[test]
fn pseudo_fields_that_leave_a_host_or_path_open_are_refused() {
    let upstream = Upstream::saying(OK);
    let edge = Setup::before(upstream.url()).start();
    let bare = [(":method", "GET"), (":scheme", "http"), (":path", "/")];
    let status = |fields: &[(&str, &str)]| {
        let mut rude = Rude::new(edge.production, &[]);
        let all = frames::END_STREAM | frames::END_HEADERS;
        rude.say(&frames::frame(frames::HEADERS, all, 1, &frames::block(fields)));
        loop {
            let frame = rude.hear().unwrap();
            match frame.kind {
                frames::HEADERS => return Ok(frame.status()),
                frames::RST_STREAM | frames::GOAWAY => return Err(frame.error()),
                _ => {}
            }
        }
    };
    assert_eq!(status(&bare), Ok(400));
    assert_eq!(status(&[&bare[..], &[("host", "shop.test")]].concat()), Ok(200));
    let with_path = |path| [&bare[..2], &[(":path", path), (":authority", "shop.test")]].concat();
    assert_eq!(status(&with_path("/a")), Ok(200));
    for path in ["a", "http://other.test/", "*"] {
        assert!(status(&with_path(path)) != Ok(200), "{path}");
    }
    let odd = [(":method", "GET"), (":scheme", "ftp"), (":path", "/"), (":authority", "shop.test")];
    assert_eq!(status(&odd), Ok(400));
    // What only an HTTP/1.1 connection has (RFC 9113, section 8.2.2).
    for (name, value) in [
        ("connection", "close"),
        ("transfer-encoding", "chunked"),
        ("upgrade", "websocket"),
        ("keep-alive", "1"),
        ("proxy-connection", "close"),
        ("te", "gzip"),
        ("X-Upper", "1"),
    ] {
        let fields = [&frames::get("/")[..], &[(name, value)]].concat();
        let error = status(&fields);
        assert!(error.is_err(), "{name}: {error:?}");
    }
    assert_eq!(status(&[&frames::get("/")[..], &[("te", "trailers")]].concat()), Ok(200));
    assert_eq!(upstream.requests().len(), 3);
}

#[test]
fn lengths_that_an_upstream_could_read_differently_are_refused() {
    let upstream = Upstream::saying(OK);
    let edge = Setup::before(upstream.url()).start();
    for lengths in [&["5", "5"][..], &["5", "6"], &[""], &["+5"], &["5, 5"], &["0x5"]] {
        let mut rude = Rude::new(edge.production, &[]);
        let mut fields = frames::get("/").to_vec();
        fields[0].1 = "POST";
        fields.extend(lengths.iter().map(|&length| ("content-length", length)));
        rude.say(&frames::frame(frames::HEADERS, frames::END_HEADERS, 1, &frames::block(&fields)));
        rude.say(&frames::frame(frames::DATA, frames::END_STREAM, 1, b"hello"));
        loop {
            let frame = rude.hear().unwrap();
            match frame.kind {
                frames::HEADERS => break assert_eq!(frame.status(), 400, "{lengths:?}"),
                frames::RST_STREAM => break assert_eq!(frame.error(), frames::PROTOCOL_ERROR),
                _ => {}
            }
        }
    }
    assert_eq!(upstream.connections(), 0);
}

#[test]
fn connect_is_refused_and_so_is_its_extension() {
    let upstream = Upstream::saying(OK);
    let edge = Setup::before(upstream.url()).start();
    run(async {
        let mut speaker = Speaker::plain(edge.production).await;
        let connect = Request::connect("shop.test:443").body(Sent::nothing()).unwrap();
        assert_eq!(speaker.ask(connect).await.status, 405);
        assert_eq!(speaker.get("http://shop.test/").await.status, 200);
    });
    let mut rude = Rude::new(edge.production, &[]);
    let mut fields = frames::get("/").to_vec();
    fields[0].1 = "CONNECT";
    fields.push((":protocol", "websocket"));
    rude.say(&frames::frame(frames::HEADERS, frames::END_HEADERS, 1, &frames::block(&fields)));
    let reset = rude.hear_kind(frames::RST_STREAM).unwrap();
    assert_eq!((reset.stream, reset.error()), (1, frames::PROTOCOL_ERROR));
    rude.say(&frames::get_frame(3, "/"));
    assert_eq!(rude.hear_kind(frames::HEADERS).unwrap().status(), 200);
}

#[test]
fn what_has_no_body_has_none_and_keeps_its_length() {
    let upstream = Upstream::new(|visit| {
        while let Some(request) = visit.request() {
            visit.say(match request.split(' ').nth(1).unwrap() {
                "/204" => "HTTP/1.1 204 No Content\r\n\r\n",
                "/304" => "HTTP/1.1 304 Not Modified\r\ncontent-length: 7\r\n\r\n",
                _ => "HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\n",
            });
        }
    });
    let edge = Setup::before(upstream.url()).start();
    run(async {
        let mut speaker = Speaker::plain(edge.production).await;
        for (method, path, status, length) in [
            (Method::HEAD, "/", 200, Some("7")),
            (Method::GET, "/204", 204, None),
            (Method::GET, "/304", 304, Some("7")),
        ] {
            let uri = format!("http://shop.test{path}");
            let request = Request::builder().method(method).uri(uri);
            let heard = speaker.ask(request.body(Sent::nothing()).unwrap()).await;
            assert_eq!(heard.status, status);
            assert_eq!((heard.header("content-length"), heard.body.len()), (length, 0), "{path}");
        }
        // Refused by the proxy itself, whose answers have a body.
        let refused = Request::head("http://shop.test/").header("host", "cart.test");
        let heard = speaker.ask(refused.body(Sent::nothing()).unwrap()).await;
        assert_eq!((heard.status, heard.body.len()), (StatusCode::BAD_REQUEST, 0));
        assert!(heard.header("content-length").unwrap().parse::<u64>().unwrap() > 0);
    });
}

#[test]
fn what_an_upstream_says_of_its_connection_stays_there() {
    let upstream = Upstream::saying(
        "HTTP/1.1 200 OK\r\nconnection: keep-alive, x-hop\r\nx-hop: 1\r\nkeep-alive: timeout=5\r\ncontent-length: 2\r\n\r\nok",
    );
    let edge = Setup::before(upstream.url()).start();
    run(async {
        let mut speaker = Speaker::plain(edge.production).await;
        let response = speaker.send(get("http://shop.test/").body(Sent::nothing()).unwrap()).await;
        let response = response.unwrap();
        assert_eq!(response.version(), Version::HTTP_2);
        let heard = heard(response).await;
        for name in ["connection", "keep-alive", "x-hop", "transfer-encoding"] {
            assert_eq!(heard.header(name), None, "{name}");
        }
        assert_eq!(heard.header("via"), Some("1.1 serin"));
    });
}

#[test]
fn trailers_of_a_response_arrive() {
    let upstream = Upstream::saying(
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntrailer: x-sum\r\n\r\n2\r\nok\r\n0\r\nx-sum: 7\r\n\r\n",
    );
    let edge = Setup::before(upstream.url()).start();
    run(async {
        let mut speaker = Speaker::plain(edge.production).await;
        let request = get("http://shop.test/").header("te", "trailers");
        let heard = speaker.ask(request.body(Sent::nothing()).unwrap()).await;
        assert_eq!(&heard.body[..], b"ok");
        let mut trailers = HeaderMap::new();
        trailers.insert("x-sum", "7".parse().unwrap());
        assert_eq!(heard.trailers, Some(trailers));
    });
}

/// An upstream that says when it was asked, and answers when it may.
fn patient() -> (Upstream, Receiver<String>, Sender<()>) {
    let (asked, asks) = channel();
    let (go, gone) = channel::<()>();
    let gone = Mutex::new(gone);
    let upstream = Upstream::new(move |visit| {
        while let Some(request) = visit.request() {
            let path = request.split(' ').nth(1).unwrap().to_owned();
            let slow = path.starts_with("/slow");
            asked.send(path).unwrap();
            if slow && gone.lock().unwrap().recv_timeout(WAIT_MAX).is_err() {
                return;
            }
            visit.say(OK);
        }
    });
    (upstream, asks, go)
}

#[test]
fn requests_of_one_connection_run_side_by_side() {
    let (upstream, asks, go) = patient();
    let edge = Setup::before(upstream.url()).start();
    let mut rude = Rude::new(edge.production, &[]);
    rude.say(&frames::get_frame(1, "/slow"));
    asks.recv_timeout(WAIT_MAX).unwrap();
    rude.say(&frames::get_frame(3, "/quick"));
    assert_eq!(rude.hear_kind(frames::HEADERS).unwrap().stream, 3);
    go.send(()).unwrap();
    assert_eq!(rude.hear_kind(frames::HEADERS).unwrap().stream, 1);
}

#[test]
fn who_takes_a_request_back_ends_it_upstream() {
    let (asked, asks) = channel();
    let (ended, ends) = channel();
    let upstream = Upstream::new(move |visit| {
        let request = visit.request().unwrap();
        if request.starts_with("GET /body") {
            visit.say("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf");
        }
        asked.send(()).unwrap();
        ended.send(visit.sees_end()).unwrap();
    });
    let edge = Setup::before(upstream.url()).start();
    let mut rude = Rude::new(edge.production, &[]);
    for (stream, path) in [(1, "/head"), (3, "/body")] {
        rude.say(&frames::get_frame(stream, path));
        asks.recv_timeout(WAIT_MAX).unwrap();
        if path == "/body" {
            assert_eq!(rude.hear_kind(frames::DATA).unwrap().payload, b"half");
        }
        rude.say(&frames::reset(stream));
        assert_eq!(ends.recv_timeout(WAIT_MAX), Ok(true), "{path}");
    }
}

#[test]
fn an_upstream_that_breaks_off_resets_its_stream_alone() {
    let upstream = Upstream::new(|visit| {
        while let Some(request) = visit.request() {
            if request.starts_with("GET /broken") {
                return visit.say("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf");
            }
            visit.say(OK);
        }
    });
    let edge = Setup::before(upstream.url()).start();
    run(async {
        let mut speaker = Speaker::plain(edge.production).await;
        let request = get("http://shop.test/broken").body(Sent::nothing()).unwrap();
        let response = speaker.send(request).await.unwrap();
        assert!(response.into_body().collect().await.is_err());
        assert_eq!(speaker.get("http://shop.test/").await.status, 200);
    });
}

#[test]
fn who_does_not_read_one_response_gets_the_others() {
    let upstream = Upstream::new(|visit| {
        while let Some(request) = visit.request() {
            if request.starts_with("GET /big") {
                visit.say("HTTP/1.1 200 OK\r\ncontent-length: 50000000\r\n\r\n");
                visit.say_until_blocked(&vec![0; 50_000_000], Duration::from_secs(1));
                visit.sees_end();
                return;
            }
            visit.say(OK);
        }
    });
    let edge = Setup::before(upstream.url()).start();
    run(async {
        let mut speaker = Speaker::plain(edge.production).await;
        let request = || get("http://shop.test/big").body(Sent::nothing()).unwrap();
        // Not read, and not dropped.
        let unread = speaker.send(request()).await.unwrap();
        for _ in 0..20 {
            assert_eq!(&speaker.get("http://shop.test/").await.body[..], b"ok");
        }
        drop(unread);
    });
}

#[test]
fn an_upload_that_no_upstream_takes_does_not_hold_up_others() {
    let upstream = Upstream::new(|visit| {
        while let Some(head) = visit.head() {
            if head.starts_with("POST") {
                return visit.sees_bytes_but_reads_none();
            }
            visit.say(OK);
        }
    });
    let edge = Setup::before(upstream.url()).start();
    run(async {
        let mut speaker = Speaker::plain(edge.production).await;
        let (sending, sent) = Sent::slowly();
        for _ in 0..64 {
            sending.send(Frame::data(Bytes::from(vec![0; 256 << 10]))).unwrap();
        }
        let mut other = speaker.another();
        let others = async {
            for _ in 0..20 {
                assert_eq!(other.get("http://shop.test/").await.status, 200);
            }
        };
        tokio::select! {
            biased;
            answered = speaker.send(Request::post("http://shop.test/").body(sent).unwrap()) => {
                panic!("nobody answers the upload: {answered:?}")
            }
            () = others => {}
        }
        drop(sending);
    });
}

#[test]
fn a_drain_finishes_what_runs_and_takes_nothing_new() {
    let (upstream, asks, go) = patient();
    let mut edge = Setup::before(upstream.url()).start();
    let mut idle = Rude::new(edge.production, &[]);
    idle.say(&frames::get_frame(1, "/"));
    assert_eq!(idle.hear_kind(frames::HEADERS).unwrap().status(), 200);
    let mut running = Rude::new(edge.production, &[]);
    running.say(&frames::get_frame(1, "/slow"));
    for _ in 0..2 {
        asks.recv_timeout(WAIT_MAX).unwrap();
    }
    edge.drain();
    for rude in [&mut idle, &mut running] {
        let goaway = rude.hear_kind(frames::GOAWAY).unwrap();
        assert_eq!(goaway.error(), 0);
    }
    assert_eq!(idle.hear_kind(frames::DATA), None, "it is closed once it has answered a ping");
    go.send(()).unwrap();
    assert_eq!(running.hear_kind(frames::HEADERS).unwrap().status(), 200);
    assert_eq!(running.hear_kind(frames::DATA).unwrap().payload, b"ok");
    assert_eq!(running.hear_kind(frames::DATA), None);
    edge.join();
}

#[test]
fn idle_connections_are_closed_with_a_word() {
    let upstream = Upstream::saying(OK);
    let mut setup = Setup::before(upstream.url());
    setup.policy.timeouts.client_idle = Duration::from_millis(50);
    let edge = setup.start();
    let mut rude = Rude::new(edge.production, &[]);
    rude.say(&frames::get_frame(1, "/"));
    assert_eq!(rude.hear_kind(frames::DATA).unwrap().payload, b"ok");
    assert!(rude.hear_kind(frames::GOAWAY).is_some());
    assert_eq!(rude.hear_kind(frames::DATA), None);
}
