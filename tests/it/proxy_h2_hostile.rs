//! HTTP/2 clients that mean no good: each is sent away or costs nothing, and all the
//! while others are served.

use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use crate::support::edge::{Edge, Setup};
use crate::support::frames::{
    self, ACK, CONTINUATION, DATA, END_HEADERS, END_STREAM, ENHANCE_YOUR_CALM, GOAWAY, HEADERS,
    INITIAL_WINDOW_SIZE, PING, RST_STREAM, Rude, block, frame, get, get_frame, reset, settings,
    window_update,
};
use crate::support::upstream::Upstream;
use crate::support::{WAIT_MAX, wait_until};

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

/// A proxy with one worker, so that whom an attack hinders shows.
fn edge(upstream: &Upstream) -> Edge {
    Setup::before(upstream.url()).start()
}

fn serves(edge: &Edge) {
    assert_eq!(edge.client().get("/", &[]).text(), "ok", "others are served");
}

/// How much memory this process holds, in bytes.
fn resident() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: usize = statm.split(' ').nth(1).unwrap().parse().unwrap();
    pages * 4096
}

/// Asserts that an attack has grown the process by less than this. Other tests run in the
/// same one, so it is far more than the attack may cost and far less than it sends.
const GROWTH_MAX: usize = 512 << 20;

#[test]
fn requests_that_are_taken_back_at_once_end_the_connection() {
    let upstream = Upstream::saying(OK);
    let edge = edge(&upstream);
    let mut rude = Rude::new(edge.production, &[]);
    let mut taken_back = Vec::new();
    for number in 0..10_000 {
        let stream = number * 2 + 1;
        taken_back.extend(get_frame(stream, "/"));
        taken_back.extend(reset(stream));
    }
    rude.try_say(&taken_back);
    let goaway = rude.hear_kind(GOAWAY).expect("it is told why");
    assert_eq!(goaway.error(), ENHANCE_YOUR_CALM);
    assert_eq!(rude.hear_kind(DATA), None);
    serves(&edge);
    assert!(upstream.connections() < 1_000, "{}", upstream.connections());
}

#[test]
fn requests_that_are_taken_back_one_by_one_end_the_connection_too() {
    let (asked, asks) = channel();
    let upstream = Upstream::new(move |visit| {
        while let Some(request) = visit.request() {
            if request.starts_with("GET /slow") {
                asked.send(()).unwrap();
                visit.sees_end();
                return;
            }
            visit.say(OK);
        }
    });
    let edge = edge(&upstream);
    let mut rude = Rude::new(edge.production, &[]);
    let mut sent_away = false;
    for number in 0..1_000 {
        let stream = number * 2 + 1;
        rude.try_say(&get_frame(stream, "/slow"));
        if asks.recv_timeout(Duration::from_millis(500)).is_err() {
            sent_away = true;
            break;
        }
        rude.try_say(&reset(stream));
    }
    assert!(sent_away, "a thousand requests were taken back");
    assert_eq!(rude.hear_kind(DATA), None);
    serves(&edge);
}

#[test]
fn a_head_without_an_end_ends_the_connection() {
    let upstream = Upstream::saying(OK);
    let edge = edge(&upstream);
    let before = resident();
    for crumb in [&block(&[("x-crumb", "1")])[..], &[]] {
        let mut rude = Rude::new(edge.production, &[]);
        rude.say(&frame(HEADERS, END_STREAM, 1, &block(&get("/"))));
        let flood = frame(CONTINUATION, 0, 1, crumb);
        let taken = rude.flood(&flood, 64 << 20, WAIT_MAX);
        assert!(taken < 64 << 20, "the flood is cut");
        serves(&edge);
    }
    assert!(resident() < before + GROWTH_MAX);
    assert_eq!(upstream.requests().len(), 2, "nothing of it was a request");
}

#[test]
fn a_head_over_the_limit_is_answered_431_and_one_far_over_it_ends_the_connection() {
    let upstream = Upstream::saying(OK);
    let mut setup = Setup::before(upstream.url());
    setup.policy.limits.header_bytes = 2_000.try_into().unwrap();
    let edge = setup.start();
    let mut rude = Rude::new(edge.production, &[]);
    let long = "x".repeat(3_000);
    let fields = [&get("/")[..], &[("x-long", &long)]].concat();
    rude.say(&frame(HEADERS, END_STREAM | END_HEADERS, 1, &block(&fields)));
    assert_eq!(rude.hear_kind(HEADERS).unwrap().status(), 431);
    // Others on the connection are none the worse.
    rude.say(&get_frame(3, "/"));
    assert_eq!(rude.hear_kind(HEADERS).unwrap().status(), 200);

    // A field of four kilobytes that the table keeps, and then a thousand times that.
    let mut bomb = block(&get("/"));
    bomb.extend([0x40, 1, b'x', 127, 0xa1, 0x1e]);
    bomb.extend([b'x'; 4_000]);
    bomb.extend([0xbe; 1_000]);
    let mut rude = Rude::new(edge.production, &[]);
    rude.say(&frame(HEADERS, END_STREAM | END_HEADERS, 1, &bomb));
    let goaway = rude.hear_kind(GOAWAY).unwrap();
    assert_ne!(goaway.error(), 0);
    assert_eq!(rude.hear_kind(DATA), None);
    assert_eq!(upstream.requests().len(), 1);
}

#[test]
fn too_many_fields_and_too_long_targets_have_their_answers() {
    let upstream = Upstream::saying(OK);
    let mut setup = Setup::before(upstream.url());
    setup.policy.limits.header_count = 10.try_into().unwrap();
    setup.policy.limits.uri_bytes = 100.try_into().unwrap();
    let edge = setup.start();
    let mut rude = Rude::new(edge.production, &[]);
    let many = [&get("/")[..], &[("x-field", "1"); 11]].concat();
    rude.say(&frame(HEADERS, END_STREAM | END_HEADERS, 1, &block(&many)));
    assert_eq!(rude.hear_kind(HEADERS).unwrap().status(), 431);
    let path = format!("/{}", "a".repeat(100));
    rude.say(&get_frame(3, &path));
    assert_eq!(rude.hear_kind(HEADERS).unwrap().status(), 414);
    rude.say(&get_frame(5, "/"));
    assert_eq!(rude.hear_kind(HEADERS).unwrap().status(), 200);
}

#[test]
fn who_asks_for_answers_and_reads_none_is_not_read_either() {
    let upstream = Upstream::saying(OK);
    let mut setup = Setup::before(upstream.url());
    setup.policy.timeouts.client_idle = Duration::from_secs(1);
    let edge = setup.start();
    let before = resident();
    for flood in [frame(PING, 0, 0, b"12345678"), settings(&[])] {
        let mut rude = Rude::new(edge.production, &[]);
        let taken = rude.flood(&flood, 256 << 20, Duration::from_millis(300));
        assert!(taken < 256 << 20, "it is read no further: {taken}");
        serves(&edge);
        // In the end, the connection is closed for having no request.
        wait_until(|| rude.try_write(&flood).is_err());
        serves(&edge);
    }
    assert!(resident() < before + GROWTH_MAX);
}

#[test]
fn frames_without_content_end_the_connection_before_they_cost_much() {
    let upstream = Upstream::new(|visit| {
        while let Some(head) = visit.head() {
            if head.starts_with("POST") {
                return visit.sees_bytes_but_reads_none();
            }
            visit.say(OK);
        }
    });
    let edge = edge(&upstream);
    let mut fields = get("/");
    fields[0].1 = "POST";
    let mut rude = Rude::new(edge.production, &[]);
    rude.say(&frame(HEADERS, END_HEADERS, 1, &block(&fields)));
    let taken = rude.flood(&frame(DATA, 0, 1, b""), 64 << 20, WAIT_MAX);
    assert!(taken < 64 << 20);
    serves(&edge);
}

#[test]
fn more_streams_than_are_allowed_are_refused_one_by_one() {
    let (asked, asks) = channel();
    let upstream = Upstream::new(move |visit| {
        while let Some(request) = visit.request() {
            if request.starts_with("GET /slow") {
                asked.send(()).unwrap();
                visit.sees_end();
                return;
            }
            visit.say(OK);
        }
    });
    let mut setup = Setup::before(upstream.url());
    setup.policy.limits.h2_streams = 3.try_into().unwrap();
    let edge = setup.start();
    let mut rude = Rude::new(edge.production, &[]);
    for stream in [1, 3, 5, 7, 9] {
        rude.say(&get_frame(stream, "/slow"));
    }
    for _ in 0..3 {
        asks.recv_timeout(WAIT_MAX).unwrap();
    }
    for stream in [7, 9] {
        let refused = rude.hear_kind(RST_STREAM).unwrap();
        assert_eq!((refused.stream, refused.error()), (stream, 7));
    }
    // There is room again once one of them is over.
    rude.say(&reset(1)).say(&get_frame(11, "/"));
    assert_eq!(rude.hear_kind(HEADERS).unwrap().stream, 11);
    serves(&edge);
}

#[test]
fn a_client_that_takes_nothing_of_a_response_loses_it() {
    let (ended, ends) = channel();
    let upstream = Upstream::new(move |visit| {
        while let Some(request) = visit.request() {
            if request.starts_with("GET /big") {
                visit.say("HTTP/1.1 200 OK\r\ncontent-length: 50000000\r\n\r\n");
                visit.say(vec![0; 50_000_000]);
                ended.send(()).unwrap();
                return;
            }
            visit.say(OK);
        }
    });
    let mut setup = Setup::before(upstream.url());
    setup.policy.timeouts.client_idle = Duration::from_millis(200);
    let edge = setup.start();
    for window in [0, 1, 30_000] {
        let mut rude = Rude::new(edge.production, &[(INITIAL_WINDOW_SIZE, window)]);
        rude.say(&get_frame(1, "/big"));
        assert_eq!(rude.hear_kind(HEADERS).unwrap().status(), 200);
        let reset = rude.hear_kind(RST_STREAM).unwrap();
        assert_eq!(reset.stream, 1, "{window}");
        ends.recv_timeout(WAIT_MAX).unwrap();
        serves(&edge);
    }
}

#[test]
fn a_client_that_takes_a_little_at_a_time_gets_it_all() {
    const LENGTH: usize = 200_000;
    const WINDOW: usize = 10_000;
    let upstream = Upstream::new(|visit| {
        while visit.request().is_some() {
            visit.say(format!("HTTP/1.1 200 OK\r\ncontent-length: {LENGTH}\r\n\r\n"));
            visit.say(vec![b'x'; LENGTH]);
        }
    });
    let mut setup = Setup::before(upstream.url());
    setup.policy.timeouts.client_idle = Duration::from_secs(1);
    let edge = setup.start();
    let window = u32::try_from(WINDOW).unwrap();
    let mut rude = Rude::new(edge.production, &[(INITIAL_WINDOW_SIZE, window)]);
    rude.say(&get_frame(1, "/"));
    let started = Instant::now();
    for round in 1..=LENGTH / WINDOW {
        let mut taken = 0;
        while taken < WINDOW {
            let data = rude.hear_kind(DATA).unwrap_or_else(|| panic!("cut in round {round}"));
            taken += data.payload.len();
        }
        // All of it takes longer than a client may stand still.
        std::thread::sleep(Duration::from_millis(100));
        rude.say(&window_update(0, window)).try_say(&window_update(1, window));
    }
    assert!(started.elapsed() > Duration::from_secs(1));
}

#[test]
fn nonsense_in_place_of_frames_ends_the_connection() {
    let upstream = Upstream::saying(OK);
    let edge = edge(&upstream);
    let ids = |stream| frame(DATA, 0, stream, b"x");
    for nonsense in [
        frame(HEADERS, END_STREAM | END_HEADERS, 1, &[0xff; 32]),
        frame(HEADERS, END_STREAM | END_HEADERS, 2, &block(&get("/"))),
        frame(HEADERS, END_STREAM | END_HEADERS, 0, &block(&get("/"))),
        frame(CONTINUATION, END_HEADERS, 1, &block(&get("/"))),
        frame(PING, 0, 0, b"short"),
        frame(frames::SETTINGS, 0, 0, b"odd"),
        frame(frames::SETTINGS, ACK, 0, b"full"),
        window_update(0, 0),
        [window_update(0, 0x7fff_ffff), window_update(0, 0x7fff_ffff)].concat(),
        ids(0),
        ids(9),
        vec![0xff; 64],
    ] {
        let mut rude = Rude::new(edge.production, &[]);
        rude.try_say(&nonsense);
        let goaway = rude.hear_kind(GOAWAY).unwrap_or_else(|| panic!("{nonsense:?}"));
        assert_ne!(goaway.error(), 0, "{nonsense:?}");
        assert_eq!(rude.hear_kind(HEADERS), None);
        serves(&edge);
    }
}
