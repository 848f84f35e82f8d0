//! Who falls silent is given up, whoever it is; what moves is not.

use std::io::{BufReader, Read, Write};
use std::num::NonZeroU64;
use std::sync::{Mutex, mpsc};
use std::time::Duration;

use serin::model::Environment;
use socket2::SockRef;

use crate::support::WAIT_MAX;
use crate::support::edge::{Edge, Setup, deploy, routine};
use crate::support::frames::{DATA, INITIAL_WINDOW_SIZE, Rude, get_frame, window_update};
use crate::support::raw::{head_of, request};
use crate::support::tls::Stream;
use crate::support::upstream::Upstream;

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
const SOON: Duration = Duration::from_millis(150);

/// More than all the buffers between two ends of a connection hold.
const HUGE: usize = 64 << 20;

trait Talk: Read + Write {}
impl<S: Read + Write> Talk for S {}

/// A client of HTTP/1.1 over TLS.
fn secure(edge: &Edge) -> Stream {
    let trust = edge.trust().speaking(&["http/1.1"]);
    trust.connect(edge.production_tls.unwrap(), "localhost").unwrap()
}

#[test]
fn a_client_that_falls_silent_in_its_body_ends_its_request() {
    let (tell, told) = mpsc::channel();
    let upstream = Upstream::new(move |visit| {
        visit.head();
        visit.bytes(2);
        tell.send(visit.sees_end()).unwrap();
    });
    let mut setup = Setup::before(upstream.url());
    setup.policy.timeouts.request_body_idle = SOON;
    let edge = setup.start();
    let mut client = edge.client();
    let answer = client.send(request("POST", "/", &["content-length: 9"]) + "hi").answer();
    assert_eq!(answer.status, 408);
    assert_eq!(answer.headers("connection"), ["close"]);
    client.expect_end();
    assert_eq!(told.recv_timeout(WAIT_MAX), Ok(true));
}

#[test]
fn a_client_that_falls_silent_after_its_answer_has_begun_is_cut() {
    let (tell, told) = mpsc::channel();
    let upstream = Upstream::new(move |visit| {
        visit.head();
        visit.say("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf");
        visit.bytes(2);
        tell.send(visit.sees_end()).unwrap();
    });
    let mut setup = Setup::before(upstream.url());
    setup.policy.timeouts.request_body_idle = SOON;
    let edge = setup.start();
    let mut client = edge.client();
    client.send(request("POST", "/", &["content-length: 9"]) + "hi");
    assert!(client.try_answer().is_err());
    assert_eq!(told.recv_timeout(WAIT_MAX), Ok(true));
}

#[test]
fn an_upstream_that_falls_silent_in_its_body_is_cut_visibly() {
    for said in [
        "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n",
    ] {
        let (tell, told) = mpsc::channel();
        let upstream = Upstream::new(move |visit| {
            visit.request();
            visit.say(said);
            tell.send(visit.sees_end()).unwrap();
        });
        let mut setup = Setup::before(upstream.url());
        setup.policy.timeouts.response_body_idle = SOON;
        let edge = setup.start();
        let mut client = edge.client();
        client.send(request("GET", "/", &[]));
        assert!(client.try_answer().is_err(), "{said}");
        assert_eq!(told.recv_timeout(WAIT_MAX), Ok(true), "{said}");
    }
}

#[test]
fn events_with_pauses_are_no_silence() {
    let (event, events) = mpsc::channel::<()>();
    let events = Mutex::new(events);
    let upstream = Upstream::new(move |visit| {
        visit.request();
        visit.say("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n");
        visit.say("transfer-encoding: chunked\r\n\r\n");
        while events.lock().unwrap().recv_timeout(WAIT_MAX).is_ok() {
            visit.say("9\r\ndata: 1\n\n\r\n");
        }
        visit.say("0\r\n\r\n");
    });
    let mut setup = Setup::before(upstream.url());
    setup.policy.timeouts.response_body_idle = SOON * 4;
    let edge = setup.start();
    let mut client = edge.client();
    client.send(request("GET", "/", &[])).head();
    // Each pause is shorter than the limit, all together are longer.
    let (never, pause) = mpsc::channel::<()>();
    for _ in 0..6 {
        event.send(()).unwrap();
        assert_eq!(client.chunk(), b"data: 1\n\n");
        assert!(pause.recv_timeout(SOON).is_err());
    }
    drop((event, never));
    assert_eq!(client.chunk(), b"");
}

#[test]
fn a_client_that_takes_its_time_is_not_the_upstreams_silence() {
    let upstream = Upstream::new(|visit| {
        visit.request();
        visit.say(format!("HTTP/1.1 200 OK\r\ncontent-length: {HUGE}\r\n\r\n"));
        visit.say(vec![b'x'; HUGE]);
        visit.sees_end();
    });
    let mut setup = Setup::before(upstream.url());
    setup.policy.timeouts.response_body_idle = SOON;
    let edge = setup.start();
    let mut client = edge.client();
    client.send(request("GET", "/", &[])).head();
    let (_never, pause) = mpsc::channel::<()>();
    assert!(pause.recv_timeout(SOON * 4).is_err());
    assert!(client.bytes(HUGE).iter().all(|&byte| byte == b'x'));
}

#[test]
fn a_client_that_takes_nothing_of_its_response_is_given_up() {
    let (tell, told) = mpsc::channel();
    let upstream = Upstream::new(move |visit| {
        visit.request();
        visit.say(format!("HTTP/1.1 200 OK\r\ncontent-length: {HUGE}\r\n\r\n"));
        // Ends early, because the connection is closed under it.
        visit.say(vec![b'x'; HUGE]);
        tell.send(visit.sees_end()).unwrap();
    });
    let mut setup = Setup::before(upstream.url()).with_tls();
    setup.policy.timeouts.client_idle = SOON;
    let edge = setup.start();
    let is_cut = |client: &mut dyn Talk| {
        client.write_all(request("GET", "/", &[]).as_bytes()).unwrap();
        assert_eq!(told.recv_timeout(WAIT_MAX), Ok(true));
        // What was on its way arrives, and it is not all.
        let mut rest = Vec::new();
        drop(client.read_to_end(&mut rest));
        assert!(rest.len() < HUGE);
    };
    is_cut(&mut edge.client().stream());
    is_cut(&mut secure(&edge));
}

#[test]
fn a_client_that_reads_slowly_is_not_given_up() {
    let upstream = Upstream::new(|visit| {
        visit.request();
        visit.say(format!("HTTP/1.1 200 OK\r\ncontent-length: {HUGE}\r\n\r\n"));
        visit.say(vec![b'x'; HUGE]);
        visit.sees_end();
    });
    let mut setup = Setup::before(upstream.url());
    setup.policy.timeouts.client_idle = SOON * 2;
    let edge = setup.start();
    let mut client = edge.client();
    client.send(request("GET", "/", &[])).head();
    let (_never, pause) = mpsc::channel::<()>();
    let mut left = HUGE;
    for _ in 0..12 {
        // Twice the steps in which a window opens on loopback, at most.
        left -= client.bytes(128 << 10).len();
        assert!(pause.recv_timeout(SOON / 2).is_err());
    }
    assert_eq!(client.bytes(left).len(), left);
}

/// What is left when the upstream has been heard is held in full, so that there is no
/// request any more: only bytes that the client takes in its time.
#[test]
fn a_client_that_reads_the_rest_slowly_gets_all_of_it() {
    const WHOLE: usize = 500 << 10;
    const STEP: usize = 8 << 10;
    let upstream = Upstream::new(|visit| {
        visit.request();
        visit.say(format!("HTTP/1.1 200 OK\r\ncontent-length: {WHOLE}\r\n\r\n"));
        visit.say(vec![b'x'; WHOLE]);
        visit.sees_end();
    });
    let mut setup = Setup::before(upstream.url()).with_tls();
    setup.policy.timeouts.client_idle = SOON * 3;
    let edge = setup.start();
    let take = |stream: &mut dyn Read| {
        let (_never, pause) = mpsc::channel::<()>();
        let mut taken = 0;
        let mut step = [0; STEP];
        while let Ok(count @ 1..) = stream.read(&mut step) {
            taken += count;
            if taken > WHOLE {
                break;
            }
            assert!(pause.recv_timeout(SOON * 2 / 7).is_err());
        }
        taken
    };
    let get = request("GET", "/", &["connection: close"]);
    let mut client = edge.client();
    SockRef::from(client.stream()).set_recv_buffer_size(2 * STEP).unwrap();
    client.send(&get).head();
    assert_eq!(take(client.reader()), WHOLE);
    for says_no_more in [false, true] {
        let mut client = secure(&edge);
        SockRef::from(&client.sock).set_recv_buffer_size(2 * STEP).unwrap();
        client.write_all(get.as_bytes()).unwrap();
        if says_no_more {
            client.conn.send_close_notify();
            client.flush().unwrap();
        }
        let mut client = BufReader::with_capacity(STEP, client);
        head_of(&mut client).unwrap();
        assert_eq!(take(&mut client), WHOLE);
    }
}

/// Its window is what holds it up here, and not what the kernel has room for.
#[test]
fn an_http2_client_that_opens_its_window_slowly_gets_all() {
    const WHOLE: usize = 16 << 10;
    let mut shop = routine("shop", &[("1", None)]);
    deploy(&mut shop, Environment::Production, 1, &[("1", 100)]);
    let mut setup = Setup::of([shop]);
    setup.built_in = Box::new(|_| vec![b'x'; WHOLE]);
    setup.policy.timeouts.client_idle = SOON * 2;
    let edge = setup.start();
    let mut client = Rude::new(edge.production, &[(INITIAL_WINDOW_SIZE, 1)]);
    client.say(&get_frame(1, "/"));
    let (_never, pause) = mpsc::channel::<()>();
    let mut taken = 0;
    while taken < WHOLE {
        let Some(frame) = client.hear_kind(DATA) else { break };
        taken += frame.payload.len();
        assert!(pause.recv_timeout(SOON / 2).is_err());
        client.try_say(&window_update(1, 512));
    }
    assert_eq!(taken, WHOLE);
}

#[test]
fn a_body_that_says_it_is_too_large_is_refused_at_once() {
    let upstream = Upstream::saying(OK);
    let mut setup = Setup::before(upstream.url());
    setup.policy.limits.body_bytes = NonZeroU64::new(4);
    let edge = setup.start();
    let mut client = edge.client();
    client.send(request("POST", "/", &["content-length: 4"]) + "four");
    assert_eq!(client.answer().status, 200);
    for line in ["x: y", "expect: 100-continue"] {
        let mut client = edge.client();
        let answer = client.send(request("POST", "/", &["content-length: 5", line])).answer();
        assert_eq!(answer.status, 413);
        assert_eq!(answer.header("proxy-status"), Some("serin; error=http_request_error"));
        assert_eq!(answer.headers("connection"), ["close"]);
    }
    assert_eq!(upstream.requests().len(), 1);
}

#[test]
fn a_body_that_turns_out_too_large_ends_its_request() {
    let (tell, told) = mpsc::channel();
    let upstream = Upstream::new(move |visit| {
        visit.head();
        let first = visit.chunk();
        tell.send((first, visit.chunk())).unwrap();
    });
    let mut setup = Setup::before(upstream.url());
    setup.policy.limits.body_bytes = NonZeroU64::new(4);
    let edge = setup.start();
    let mut client = edge.client();
    client.send(request("POST", "/", &["transfer-encoding: chunked"]));
    client.send("3\r\none\r\n").send("3\r\ntwo\r\n0\r\n\r\n");
    let answer = client.answer();
    assert_eq!(answer.status, 413, "{}", answer.text());
    client.expect_end();
    let (first, second) = told.recv_timeout(WAIT_MAX).unwrap();
    assert!(first.is_none_or(|first| first == b"3\r\none\r\n"));
    assert_eq!(second, None);
}

#[test]
fn a_client_that_breaks_its_upload_off_breaks_it_for_the_upstream() {
    for (line, sent, end) in [
        ("content-length: 9", "hi", ""),
        ("transfer-encoding: chunked", "2\r\nhi\r\n", ""),
        ("transfer-encoding: chunked", "2\r\nhi\r\n", "zz"),
    ] {
        let (tell, told) = mpsc::channel();
        let upstream = Upstream::new(move |visit| {
            visit.head();
            visit.bytes(sent.len());
            tell.send(()).unwrap();
            // A body that ended would be followed by silence, or by its last chunk.
            let ended = visit.sees_end();
            assert!(ended);
            tell.send(()).unwrap();
        });
        let edge = Setup::before(upstream.url()).start();
        let mut client = edge.client();
        client.send(request("POST", "/", &[line]) + sent);
        told.recv_timeout(WAIT_MAX).unwrap();
        client.stream().write_all(end.as_bytes()).unwrap();
        drop(client);
        told.recv_timeout(WAIT_MAX).unwrap();
    }
}
