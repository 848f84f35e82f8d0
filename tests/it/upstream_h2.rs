//! Endpoints that speak HTTP/2: many requests share a connection, and none is lost that
//! the endpoint has not looked at.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Version};
use http_body::Body as _;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use tokio::sync::watch;

use crate::support::edge::{Edge, Setup};
use crate::support::h2_peer::{HEADERS, framed};
use crate::support::raw::{Client, request};
use crate::support::upstream::Upstream;
use crate::support::web::{Identity, Manner, Reply, Web, reply};
use crate::support::{WAIT_MAX, wait_until};

/// Gives back what it is sent, trailers included.
async fn echo(request: Request<Incoming>) -> Reply {
    Reply::new(request.into_body().boxed_unsync())
}

/// Keeps requests until it is opened.
#[derive(Clone)]
struct Gate {
    running: Arc<AtomicUsize>,
    open: watch::Receiver<bool>,
}

impl Gate {
    fn new() -> (watch::Sender<bool>, Self) {
        let (opener, open) = watch::channel(false);
        (opener, Self { running: Arc::default(), open })
    }

    async fn pass(mut self) -> Reply {
        self.running.fetch_add(1, Ordering::SeqCst);
        drop(self.open.wait_for(|&open| open).await);
        reply("ok")
    }

    fn before(&self, manner: Manner) -> Web {
        let gate = self.clone();
        Web::start(manner, move |_| gate.clone().pass())
    }
}

/// So many clients, each with a request on its way.
fn asking(edge: &Edge, count: usize) -> Vec<Client> {
    let clients = (0..count).map(|_| {
        let mut client = edge.client();
        client.send(request("GET", "/", &[]));
        client
    });
    clients.collect()
}

fn all_answered(clients: Vec<Client>) {
    for mut client in clients {
        assert_eq!(client.answer().text(), "ok");
    }
}

#[test]
fn a_request_becomes_one_of_http2() {
    let (tell, told) = mpsc::channel();
    let web = Web::start(Manner::default(), move |request| {
        tell.send((request.body().is_end_stream(), request.map(drop))).unwrap();
        async { reply("ok") }
    });
    let edge = Setup::before(&web.url("h2c")).start();
    let lines = ["te: gzip, trailers", "connection: x-own, te", "x-own: 1", "upgrade: h2c"];
    let answer = edge.client().get("/a?b=c", &lines);
    assert!(answer.head.starts_with("HTTP/1.1 200 OK\r\n"), "{}", answer.head);
    let (ended, heard) = told.recv_timeout(WAIT_MAX).unwrap();
    assert!(ended, "a request without a body ends with its head");
    assert_eq!(heard.version(), Version::HTTP_2);
    assert_eq!(heard.uri().to_string(), "http://shop.test/a?b=c");
    for gone in ["host", "connection", "x-own", "upgrade", "transfer-encoding", "content-length"] {
        assert_eq!(heard.headers().get(gone), None, "{gone}");
    }
    assert_eq!(heard.headers()["te"], "trailers");

    let mut setup = Setup::before(&web.url("h2c"));
    setup.policy.headers.preserve_host = false;
    setup.start().client().get("/", &[]);
    let (_, heard) = told.recv_timeout(WAIT_MAX).unwrap();
    assert_eq!(heard.uri().to_string(), web.url("http") + "/");
    assert_eq!(heard.headers().get("te"), None);
}

#[test]
fn bodies_and_trailers_go_up_as_they_come() {
    let (tell, told) = mpsc::channel();
    let web = Web::start(Manner::default(), move |request: Request<Incoming>| {
        let tell = tell.clone();
        async move {
            let length = request.headers().get("content-length").cloned();
            let body = request.into_body().collect().await.unwrap();
            let trailers = body.trailers().cloned();
            tell.send((length, body.to_bytes(), trailers)).unwrap();
            reply("ok")
        }
    });
    let edge = Setup::before(&web.url("h2c")).start();
    let head = request("POST", "/", &["transfer-encoding: chunked", "trailer: x-sum"]);
    let answer = edge.client().send(head + "2\r\nhi\r\n0\r\nx-sum: 42\r\n\r\n").answer();
    assert_eq!(answer.text(), "ok");
    let (length, body, trailers) = told.recv_timeout(WAIT_MAX).unwrap();
    assert_eq!((length, body), (None, Bytes::from("hi")), "nobody said how long it is");
    assert_eq!(trailers.unwrap()["x-sum"], "42");

    let head = request("POST", "/", &["content-length: 2"]);
    assert_eq!(edge.client().send(head + "ho").answer().text(), "ok");
    let (length, body, trailers) = told.recv_timeout(WAIT_MAX).unwrap();
    assert_eq!((length.unwrap(), body), (HeaderValue::from_static("2"), Bytes::from("ho")));
    assert_eq!(trailers, None);
}

#[test]
fn a_response_is_whole_though_trailers_follow_it() {
    let web = Web::start(Manner::default(), |request: Request<Incoming>| async move {
        let mut trailers = HeaderMap::new();
        trailers.insert("grpc-status", HeaderValue::from_static("0"));
        let body = request.into_body().with_trailers(async { Some(Ok(trailers)) });
        Reply::new(body.boxed_unsync())
    });
    let edge = Setup::before(&web.url("h2c")).start();
    let mut client = edge.client();
    let head = request("POST", "/", &["transfer-encoding: chunked"]);
    for body in ["five!", "more!"] {
        client.send(format!("{head}5\r\n{body}\r\n0\r\n\r\n")).head();
        assert_eq!(client.chunk(), body.as_bytes());
        assert_eq!(client.chunk(), b"");
    }
    assert_eq!(web.connections(), 1);
}

#[test]
fn much_goes_through_both_ways() {
    let web = Web::start(Manner::default(), echo);
    let edge = Setup::before(&web.url("h2c")).start();
    let body: Vec<u8> = (0..4_000_000u32).map(|number| number.to_le_bytes()[0]).collect();
    let head = request("POST", "/", &[&format!("content-length: {}", body.len())]);
    let mut client = edge.client();
    let mut sending = client.stream().try_clone().unwrap();
    let sent = body.clone();
    let sender = std::thread::spawn(move || {
        std::io::Write::write_all(&mut sending, &[head.as_bytes(), &sent].concat()).unwrap();
    });
    assert!(client.answer().body == body, "what comes back is what was sent");
    sender.join().unwrap();
}

#[test]
fn requests_share_a_connection() {
    let (open, gate) = Gate::new();
    let web = gate.before(Manner::default());
    let edge = Setup::before(&web.url("h2c")).start();
    let clients = asking(&edge, 20);
    wait_until(|| gate.running.load(Ordering::SeqCst) == 20);
    assert_eq!(web.connections(), 1);
    open.send_replace(true);
    all_answered(clients);
}

#[test]
fn a_connection_has_as_many_requests_as_its_peer_takes() {
    let (open, gate) = Gate::new();
    let web = gate.before(Manner { streams_max: 2, ..Manner::default() });
    let edge = Setup::before(&web.url("h2c")).start();
    let clients = asking(&edge, 6);
    wait_until(|| gate.running.load(Ordering::SeqCst) == 6);
    assert_eq!(web.connections(), 3);
    open.send_replace(true);
    all_answered(clients);
}

#[test]
fn who_finds_all_connections_full_waits_for_a_stream() {
    let (open, gate) = Gate::new();
    let web = gate.before(Manner { streams_max: 2, ..Manner::default() });
    let mut setup = Setup::before(&web.url("h2c"));
    setup.policy.limits.connections_per_endpoint = 2.try_into().unwrap();
    let edge = setup.start();
    let clients = asking(&edge, 6);
    wait_until(|| gate.running.load(Ordering::SeqCst) == 4);
    open.send_replace(true);
    all_answered(clients);
    assert_eq!(web.connections(), 2);
}

#[test]
fn a_burst_waits_for_the_first_handshake() {
    let identity = Identity::of(&["127.0.0.1"]);
    for (protocols, connections) in [(&["h2", "http/1.1"][..], 1), (&["http/1.1"], 100)] {
        let (open, gate) = Gate::new();
        let web = gate.before(identity.speaking(protocols));
        let mut setup = Setup::before(&web.url("https"));
        setup.policy.timeouts.connect = WAIT_MAX;
        setup.trusted_authority = Some(identity.certificate());
        let edge = setup.start();
        let clients = asking(&edge, 100);
        wait_until(|| gate.running.load(Ordering::SeqCst) == 100);
        assert_eq!(web.connections(), connections, "{protocols:?}");
        open.send_replace(true);
        all_answered(clients);
    }
}

#[test]
fn who_waits_for_a_handshake_that_fails_tries_again() {
    let identity = Identity::of(&["127.0.0.1"]);
    let web = Web::saying(Identity::of(&["other.test"]).speaking(&["h2"]), "stolen");
    let mut setup = Setup::before(&web.url("https"));
    setup.trusted_authority = Some(identity.certificate());
    let edge = setup.start();
    for mut client in asking(&edge, 5) {
        assert_eq!(client.answer().json()["error"], "tls_certificate_error");
    }
}

fn before(upstream: &Upstream) -> Setup {
    Setup::before(&format!("h2c://{}", upstream.authority()))
}

#[test]
fn what_was_not_looked_at_is_sent_again_whatever_it_is() {
    let refusing = framed(|number, frames| {
        if number == 0 {
            let stream = frames.request().unwrap();
            frames.refuse(stream);
        }
        frames.answer_each();
    });
    let leaving = framed(|number, frames| {
        if number == 0 {
            frames.request();
            frames.go_away(0);
        }
        frames.answer_each();
    });
    for upstream in [refusing, leaving] {
        let edge = before(&upstream).start();
        let answer = edge.client().send(request("POST", "/", &["content-length: 0"])).answer();
        assert_eq!((answer.status, upstream.connections()), (200, 2));
    }
}

#[test]
fn what_may_have_been_looked_at_is_not_sent_again() {
    let dying = framed(|_, frames| {
        frames.request();
    });
    let edge = before(&dying).start();
    let answer = edge.client().send(request("POST", "/", &["content-length: 0"])).answer();
    assert_eq!((answer.status, dying.connections()), (502, 1));

    let refusing = framed(|_, frames| {
        while let Some(stream) = frames.request() {
            frames.refuse(stream);
        }
    });
    let edge = before(&refusing).start();
    let sent = edge.client().send(request("POST", "/", &["content-length: 2"]) + "hi").answer();
    assert_eq!((sent.status, refusing.connections()), (502, 1), "its body is gone");
    // And the rest not forever.
    assert_eq!(edge.client().get("/", &[]).status, 502);
    assert_eq!(refusing.connections(), 5);
}

#[test]
fn a_connection_that_says_goodbye_takes_no_more_requests() {
    let upstream = framed(|number, frames| {
        let stream = frames.request().unwrap();
        frames.answer(stream);
        if number == 0 {
            frames.go_away(stream);
        }
        frames.answer_each();
    });
    let edge = before(&upstream).start();
    for _ in 0..3 {
        assert_eq!(
            edge.client().send(request("POST", "/", &["content-length: 0"])).answer().status,
            200
        );
    }
    assert_eq!(upstream.connections(), 2);
}

#[test]
fn a_connection_that_left_a_request_unanswered_takes_no_more() {
    let upstream = framed(|number, frames| {
        if number == 0 {
            while frames.request().is_some() {}
        }
        frames.answer_each();
    });
    let mut setup = before(&upstream);
    setup.policy.timeouts.response_head = Duration::from_millis(100);
    let edge = setup.start();
    assert_eq!(edge.client().get("/", &[]).status, 504);
    let mut setup_again = before(&upstream).policy;
    setup_again.timeouts.response_head = WAIT_MAX;
    edge.set_policy(setup_again);
    wait_until(|| edge.client().get("/", &[]).status == 200);
    assert!(upstream.connections() >= 2);
}

#[test]
fn a_client_that_goes_away_ends_its_stream_alone() {
    struct Ended(mpsc::Sender<()>);
    impl Drop for Ended {
        fn drop(&mut self) {
            self.0.send(()).unwrap_or_default();
        }
    }
    let (ended, ends) = mpsc::channel();
    let (asked, asks) = mpsc::channel();
    let ended = Mutex::new(ended);
    let ended = Arc::new(ended);
    let web = Web::start(Manner::default(), move |request: Request<Incoming>| {
        let guard = Ended(ended.lock().unwrap().clone());
        let asked = asked.clone();
        async move {
            if request.uri().path() == "/slow" {
                asked.send(()).unwrap();
                std::future::pending::<()>().await;
            }
            std::mem::forget(guard);
            reply("ok")
        }
    });
    let edge = Setup::before(&web.url("h2c")).start();
    let mut client = edge.client();
    client.send(request("GET", "/slow", &[]));
    asks.recv_timeout(WAIT_MAX).unwrap();
    drop(client);
    assert_eq!(ends.recv_timeout(WAIT_MAX), Ok(()));
    assert_eq!(edge.client().get("/", &[]).text(), "ok");
    assert_eq!(web.connections(), 1);
}

#[test]
fn who_does_not_speak_http2_gets_no_request() {
    let upstream = Upstream::new(|visit| {
        visit.head();
        visit.say("HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n");
        visit.sees_end();
    });
    let edge = before(&upstream).start();
    let answer = edge.client().get("/secret", &[]);
    assert_eq!((answer.status, &answer.json()["error"]), (502, &"http_protocol_error".into()));
    assert_eq!(upstream.requests(), ["PRI * HTTP/2.0\r\n\r\n"]);
}

#[test]
fn a_head_beyond_the_limits_is_refused() {
    let web = Web::start(Manner::default(), |request: Request<Incoming>| async move {
        let mut reply = reply("ok");
        let headers = reply.headers_mut();
        match request.uri().path() {
            "/many" => {
                let value = HeaderValue::from_static("1");
                for _ in 0..20 {
                    headers.append("x-many", value.clone());
                }
            }
            "/long" => {
                let long = HeaderValue::try_from("a".repeat(5_000)).unwrap();
                headers.insert("x-long", long);
            }
            _ => {}
        }
        reply
    });
    let mut setup = Setup::before(&web.url("h2c"));
    setup.policy.limits.header_count = 10.try_into().unwrap();
    setup.policy.limits.header_bytes = 4_096.try_into().unwrap();
    let edge = setup.start();
    assert_eq!(edge.client().get("/", &[]).text(), "ok");
    for path in ["/many", "/long"] {
        let answer = edge.client().get(path, &[]);
        let error = &answer.json()["error"];
        assert_eq!((answer.status, error), (502, &"http_response_header_section_size".into()));
    }
    assert_eq!(edge.client().get("/", &[]).text(), "ok");
    assert_eq!(web.connections(), 1);
}

#[test]
fn the_first_frame_of_a_peer_is_awaited() {
    let (go, gone) = mpsc::channel::<()>();
    let gone = Mutex::new(gone);
    let (seen, flags) = mpsc::channel();
    let upstream = Upstream::new(move |visit| {
        visit.bytes(24);
        gone.lock().unwrap().recv_timeout(WAIT_MAX).unwrap();
        // Nothing but the client's own settings came: no request.
        let head = visit.bytes(9).unwrap();
        seen.send(head[3]).unwrap();
        visit.say([0, 0, 0, 4, 0, 0, 0, 0, 0]);
        let length = usize::from(head[2]);
        visit.bytes(length);
        while let Some(head) = visit.bytes(9) {
            visit.bytes(usize::from(head[2]));
            if head[3] == HEADERS {
                visit.say([0, 0, 1, HEADERS, 5, 0, 0, 0, 1, 0x88]);
            }
        }
    });
    let edge = before(&upstream).start();
    let mut client = edge.client();
    client.send(request("GET", "/", &[]));
    go.send(()).unwrap();
    assert_eq!(flags.recv_timeout(WAIT_MAX), Ok(4));
    assert_eq!(client.answer().status, 200);
}
