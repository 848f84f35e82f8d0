//! A connection to an endpoint that is used again gives each request its own answer, and
//! takes each whole or not at all.

use std::ops::ControlFlow;
use std::sync::{Mutex, mpsc};

use crate::support::edge::Setup;
use crate::support::raw::{Client, request};
use crate::support::secured::{behind_tls, insecure};
use crate::support::upstream::{Upstream, Visit};
use crate::support::{WAIT_MAX, wait_until};

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
const FORGED: &str = "HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nFORGED";

/// Lengths of responses of which some end where a read ends, whatever is read at once: it
/// is a multiple of this, and grows.
const READ_BYTES: usize = 1 << 10;

fn lengths() -> impl Iterator<Item = usize> {
    // With what follows it is one record of TLS.
    (1..16).map(|number| number * READ_BYTES).chain([1000])
}

/// A response that has so many bytes, with its head.
fn response_of(length: usize) -> String {
    const HEAD_BYTES: usize = 100;
    let body = length - HEAD_BYTES;
    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {body}\r\nx-pad: ");
    let pad = "p".repeat(HEAD_BYTES - head.len() - 4);
    format!("{head}{pad}\r\n\r\n{}", "b".repeat(body))
}

/// The length that a request asks for in its path; a POST asks for none.
fn asked_for(request: &str) -> Option<usize> {
    request.strip_prefix("GET /")?.split(' ').next()?.parse().ok()
}

/// Before an endpoint that has one connection at a time.
fn one_at_a_time(url: &str) -> Setup {
    let mut setup = Setup::before(url);
    setup.policy.timeouts.connect = WAIT_MAX;
    setup.policy.limits.connections_per_endpoint = 1.try_into().unwrap();
    setup
}

/// A post that is never sent twice.
fn post() -> String {
    request("POST", "/", &["content-length: 2"]) + "hi"
}

#[test]
fn under_tls_what_stands_behind_a_response_is_nobodys_answer() {
    let upstream = Upstream::new(behind_tls(|mut visit| {
        while let Some(request) = visit.request() {
            match asked_for(&request) {
                Some(length) => visit.say(response_of(length) + FORGED),
                None => visit.say(OK),
            }
        }
    }));
    let mut forged = Vec::new();
    for length in lengths() {
        // A new connection reads as much at once as none does later.
        let edge = Setup::before(&insecure(&upstream)).start();
        let answer = edge.client().get(&format!("/{length}"), &[]);
        assert_eq!((answer.status, answer.body.len()), (200, length - 100));
        if edge.client().send(post()).answer().text() != "ok" {
            forged.push(length);
        }
    }
    assert_eq!(forged, [0; 0]);
}

#[test]
fn under_tls_a_goodbye_behind_a_response_ends_its_connection() {
    let upstream = Upstream::new(behind_tls(|mut visit| {
        if let Some(request) = visit.request() {
            visit.say_last(asked_for(&request).map_or(OK.to_owned(), response_of));
            visit.sees_end();
        }
    }));
    let edge = Setup::before(&insecure(&upstream)).start();
    let (mut client, mut other) = (edge.client(), edge.client());
    let mut lost = Vec::new();
    for length in lengths() {
        assert_eq!(client.get(&format!("/{length}"), &[]).body.len(), length - 100);
        let answer = other.send(post()).answer();
        if answer.status != 200 {
            lost.push(length);
        }
    }
    assert_eq!(lost, [0; 0]);
    assert_eq!(upstream.connections(), 2 * lengths().count());
}

/// What `who` gets that waits for the connection while something is forged on it, behind a
/// response of this length.
fn waiting_behind(length: usize, url: &str, go: &mpsc::Sender<()>) -> String {
    let edge = one_at_a_time(url).start();
    let mut first = edge.asking(request("GET", &format!("/{length}"), &[]));
    let mut who = edge.asking(post());
    go.send(()).unwrap();
    assert_eq!(first.answer().body.len(), length - 100);
    who.answer().text().to_owned()
}

#[test]
fn who_waits_for_a_connection_does_not_get_what_stands_behind_a_response() {
    let (go, gone) = mpsc::channel();
    let gone = Mutex::new(gone);
    let upstream = Upstream::new(move |visit| {
        while let Some(request) = visit.request() {
            let Some(length) = asked_for(&request) else {
                visit.say(OK);
                continue;
            };
            gone.lock().unwrap().recv_timeout(WAIT_MAX).unwrap();
            visit.say(response_of(length) + FORGED);
        }
    });
    let answers: Vec<_> =
        lengths().map(|length| (length, waiting_behind(length, upstream.url(), &go))).collect();
    assert!(answers.iter().all(|(_, answer)| answer == "ok"), "{answers:?}");
}

#[test]
fn under_tls_neither_does_who_waits() {
    let (go, gone) = mpsc::channel();
    let gone = Mutex::new(gone);
    let upstream = Upstream::new(behind_tls(move |mut visit| {
        while let Some(request) = visit.request() {
            let Some(length) = asked_for(&request) else {
                visit.say(OK);
                continue;
            };
            gone.lock().unwrap().recv_timeout(WAIT_MAX).unwrap();
            visit.say(response_of(length) + FORGED);
        }
    }));
    let url = insecure(&upstream);
    let answers: Vec<_> =
        lengths().map(|length| (length, waiting_behind(length, &url, &go))).collect();
    assert!(answers.iter().all(|(_, answer)| answer == "ok"), "{answers:?}");
}

#[test]
fn a_response_that_fills_what_is_read_at_once_costs_no_connection() {
    let plain = Upstream::new(|visit| {
        while let Some(request) = visit.request() {
            visit.say(response_of(asked_for(&request).unwrap()));
        }
    });
    let secured = Upstream::new(behind_tls(|mut visit| {
        while let Some(request) = visit.request() {
            visit.say(response_of(asked_for(&request).unwrap()));
        }
    }));
    for (upstream, url) in [(&plain, plain.url().to_owned()), (&secured, insecure(&secured))] {
        let edge = Setup::before(&url).start();
        let mut client = edge.client();
        for length in std::iter::repeat_n(4096, 100).chain(lengths()) {
            assert_eq!(client.get(&format!("/{length}"), &[]).body.len(), length - 100);
        }
        assert_eq!(upstream.connections(), 1, "{url}");
    }
}

/// Answers its first request when it is told to, and closes or resets that connection; a
/// good server ever after.
fn leaving(
    reset: bool,
    gone: mpsc::Receiver<()>,
    did: mpsc::Sender<()>,
) -> impl Fn(&mut Visit) + Send + Sync + 'static {
    let gone = Mutex::new(gone);
    move |visit| {
        if visit.number == 0 {
            visit.request();
            gone.lock().unwrap().recv_timeout(WAIT_MAX).unwrap();
            visit.say(OK);
            if reset {
                visit.reset_at_end();
            }
            visit.hang_up();
            did.send(()).unwrap();
        } else {
            visit.say_to_each(OK);
        }
    }
}

/// Lets `check` see what becomes of who waits for the connection with this request, while
/// another one is answered on it and it ends.
fn under_an_end(asked: &str, mut check: impl FnMut(&Upstream, &mut Client) -> u16) {
    for round in 0..12 {
        let (reset, is_busy) = (round % 2 == 0, round < 2);
        let (go, gone) = mpsc::channel();
        let (did, done) = mpsc::channel();
        let (going, done) = (go.clone(), Mutex::new(done));
        let folder = tempfile::tempdir().unwrap();
        let script = leaving(reset, gone, did);
        // A socket file knows no reset.
        let upstream = if reset {
            Upstream::new(script)
        } else {
            Upstream::unix(&folder.path().join("shop.sock"), script)
        };
        let setup = one_at_a_time(upstream.url()).busy_with(move || {
            going.send(()).unwrap();
            done.lock().unwrap().recv_timeout(WAIT_MAX).unwrap();
        });
        let edge = setup.start();
        let mut first = edge.asking(request("GET", "/", &[]));
        wait_until(|| upstream.requests().len() == 1);
        let mut waiting = edge.asking(asked);
        if is_busy {
            edge.client().send("GET / HTTP/1.1\r\nhost: busy.localhost\r\n\r\n").answer();
            assert_eq!(first.answer().text(), "ok");
            assert_eq!(check(&upstream, &mut waiting), 200);
        } else {
            go.send(()).unwrap();
            // A reset may overtake the response before it, and the end come when the next
            // request has just left.
            assert!([200, 502].contains(&first.answer().status));
            let status = check(&upstream, &mut waiting);
            assert!(status == 200 || status == 502 && upstream.connections() == 1, "{status}");
        }
    }
}

#[test]
fn a_request_that_is_sent_again_keeps_its_body() {
    let chunks = "5\r\nhello\r\n0\r\n\r\n";
    for method in ["POST", "PUT"] {
        for (line, body) in [("content-length: 5", "hello"), ("transfer-encoding: chunked", chunks)]
        {
            let asked = request(method, "/", &[line]) + body;
            under_an_end(&asked, |upstream, client| {
                let status = client.answer().status;
                if status == 200 {
                    let request = upstream.requests().pop().unwrap();
                    assert!(request.starts_with(method), "{request}");
                    assert!(request.ends_with(&format!("\r\n\r\n{body}")), "{request}");
                }
                status
            });
        }
    }
}

#[test]
fn a_request_whose_body_is_still_coming_is_sent_again_whole_or_not_at_all() {
    let asked = request("POST", "/", &["transfer-encoding: chunked"]) + "5\r\nhello\r\n";
    under_an_end(&asked, |upstream, client| {
        wait_until(|| upstream.connections() == 2 || is_answered(client));
        client.send("5\r\nworld\r\n0\r\n\r\n");
        let status = client.answer().status;
        if status == 200 {
            let request = upstream.requests().pop().unwrap();
            assert!(request.contains("hello") && request.contains("world"), "{request}");
            assert!(request.ends_with("\r\n0\r\n\r\n"), "{request}");
        }
        status
    });
}

fn is_answered(client: &Client) -> bool {
    let stream = client.stream();
    stream.set_nonblocking(true).unwrap();
    let peeked = stream.peek(&mut [0]);
    stream.set_nonblocking(false).unwrap();
    peeked.is_ok()
}

#[test]
fn after_an_early_answer_the_next_request_gets_its_own() {
    let upstream = Upstream::new(|visit| {
        let mut next = || -> ControlFlow<()> {
            let Some(head) = visit.head() else { return ControlFlow::Break(()) };
            let path = head.split(' ').nth(1).unwrap().to_owned();
            let length = path.len();
            visit.say(format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{path}"));
            if head.starts_with("POST") && visit.bytes(10).is_none() {
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        };
        while next().is_continue() {}
    });
    let edge = Setup::before(upstream.url()).start();
    let (mut client, mut other) = (edge.client(), edge.client());
    for number in 0..20 {
        let [post, same, another] = ["post", "same", "another"].map(|of| format!("/{of}/{number}"));
        client.send(request("POST", &post, &["content-length: 10"])).send("01234");
        assert_eq!(client.answer().text(), post);
        client.send("56789");
        assert_eq!(other.get(&another, &[]).text(), another);
        assert_eq!(client.get(&same, &[]).text(), same);
    }
}
