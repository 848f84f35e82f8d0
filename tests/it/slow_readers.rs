//! Who reads slowly gets all of it, whatever it speaks and to whom; who has stopped is
//! given up.

use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::mpsc;
use std::time::Duration;

use serde_json::json;
use serin::model::Environment;
use socket2::SockRef;

use crate::support::WAIT_MAX;
use crate::support::desk::Desk;
use crate::support::edge::{Edge, Setup, deploy, routine};
use crate::support::frames::{
    DATA, END_STREAM, Frame, INITIAL_WINDOW_SIZE, PREFACE, Rude, get_frame, settings, window_update,
};
use crate::support::raw::head_of;
use crate::support::tls::Stream;
use crate::support::upstream::Upstream;

/// More than all the buffers between two ends of a connection hold.
const HUGE: usize = 64 << 20;
/// Twice the steps in which a window opens on loopback, at most.
const STEP: usize = 128 << 10;
const PAUSE: Duration = Duration::from_millis(75);

const IDLE: Duration = Duration::from_millis(300);

/// All that a connection may hold is one window of the client, which is never full: what
/// is slow is how it reads.
fn opened<S: Read + Write>(stream: S) -> Rude<S> {
    let mut client = Rude(stream);
    client.say(PREFACE).say(&settings(&[(INITIAL_WINDOW_SIZE, 1 << 30)]));
    client.say(&window_update(0, 1 << 30));
    client
}

fn tls(edge: &Edge, protocol: &str) -> Stream {
    let trust = edge.trust().speaking(&[protocol]);
    trust.connect(edge.production_tls.unwrap(), "localhost").unwrap()
}

/// Takes data of any stream, so many bytes or all there are, slowly or not: how many of
/// each stream, and whether it ended.
fn take<S: Read + Write>(
    client: &mut Rude<S>,
    taken: &mut HashMap<u32, (usize, bool)>,
    max: usize,
    slowly: bool,
) {
    let (_never, pause) = mpsc::channel::<()>();
    let (mut count, mut in_step) = (0, 0);
    while count < max && !taken.values().all(|&(_, ended)| ended) {
        let Some(Frame { flags, stream, payload, .. }) = client.hear_kind(DATA) else { return };
        let (of_stream, ended) = taken.get_mut(&stream).unwrap();
        *of_stream += payload.len();
        *ended |= flags & END_STREAM != 0;
        count += payload.len();
        in_step += payload.len();
        if slowly && in_step >= STEP {
            in_step = 0;
            assert!(pause.recv_timeout(PAUSE).is_err());
        }
    }
}

fn huge() -> Upstream {
    Upstream::new(|visit| {
        visit.request();
        visit.say(format!("HTTP/1.1 200 OK\r\ncontent-length: {HUGE}\r\n\r\n"));
        visit.say(vec![b'x'; HUGE]);
        visit.sees_end();
    })
}

/// Reads slowly for longer than a client may stand still.
fn gets_all<S: Read + Write>(mut client: Rude<S>) {
    client.say(&get_frame(1, "/"));
    let mut taken = HashMap::from([(1, (0, false))]);
    take(&mut client, &mut taken, 20 * STEP, true);
    take(&mut client, &mut taken, HUGE, false);
    assert_eq!(taken[&1], (HUGE, true));
}

#[test]
fn an_http2_client_that_reads_slowly_gets_all() {
    let upstream = huge();
    let mut setup = Setup::before(upstream.url()).with_tls();
    setup.policy.timeouts.client_idle = IDLE;
    setup.policy.timeouts.request_head = IDLE / 2;
    let edge = setup.start();
    gets_all(opened(TcpStream::connect(edge.production).unwrap()));
    gets_all(opened(tls(&edge, "h2")));
}

/// Each of them moves less than a stream must by itself.
#[test]
fn streams_that_share_a_slow_connection_are_all_served() {
    const STREAMS: u32 = 100;
    const WHOLE: usize = 256 << 10;
    let mut shop = routine("shop", &[("1", None)]);
    deploy(&mut shop, Environment::Production, 1, &[("1", 100)]);
    let mut setup = Setup::of([shop]);
    setup.built_in = Box::new(|_| vec![b'x'; WHOLE]);
    setup.policy.timeouts.client_idle = IDLE / 2;
    let edge = setup.start();
    let mut client = opened(TcpStream::connect(edge.production).unwrap());
    let streams = (0..STREAMS).map(|number| 2 * number + 1);
    for stream in streams.clone() {
        client.say(&get_frame(stream, "/"));
    }
    let mut taken: HashMap<_, _> = streams.map(|stream| (stream, (0, false))).collect();
    take(&mut client, &mut taken, 40 * STEP, true);
    take(&mut client, &mut taken, usize::MAX, false);
    for (stream, taken) in taken {
        assert_eq!(taken, (WHOLE, true), "{stream}");
    }
}

#[test]
fn an_http2_client_that_takes_nothing_off_the_wire_is_given_up() {
    let (tell, told) = mpsc::channel();
    let upstream = Upstream::new(move |visit| {
        visit.request();
        visit.say(format!("HTTP/1.1 200 OK\r\ncontent-length: {HUGE}\r\n\r\n"));
        visit.say(vec![b'x'; HUGE]);
        tell.send(visit.sees_end()).unwrap();
    });
    let mut setup = Setup::before(upstream.url()).with_tls();
    setup.policy.timeouts.client_idle = IDLE / 3;
    let edge = setup.start();
    let mut plain = opened(TcpStream::connect(edge.production).unwrap());
    plain.say(&get_frame(1, "/"));
    assert_eq!(told.recv_timeout(WAIT_MAX), Ok(true));
    let mut secure = opened(tls(&edge, "h2"));
    secure.say(&get_frame(1, "/"));
    assert_eq!(told.recv_timeout(WAIT_MAX), Ok(true));
}

/// Requests for much of the same, one behind the other, and a client that has not read yet.
fn asked(desk: &Desk, requests: usize) -> (TcpStream, usize) {
    for number in 0..100 {
        let name = format!("a-routine-whose-name-is-long-{number}");
        desk.tell("POST", "/routines", &json!({ "name": name })).with(201);
    }
    let answer = desk.ask("GET", "/routines").body.len();
    let mut stream = TcpStream::connect_timeout(&desk.address, WAIT_MAX).unwrap();
    stream.set_read_timeout(Some(WAIT_MAX)).unwrap();
    SockRef::from(&stream).set_recv_buffer_size(16 << 10).unwrap();
    let get = format!("GET /api/v1/routines HTTP/1.1\r\nhost: {}\r\n\r\n", desk.address);
    stream.write_all(get.repeat(requests).as_bytes()).unwrap();
    (stream, answer)
}

#[test]
fn an_operator_that_reads_slowly_gets_all() {
    const REQUESTS: usize = 800;
    let desk = Desk::impatient(IDLE);
    let (stream, answer) = asked(&desk, REQUESTS);
    assert!(answer * REQUESTS > 8 << 20, "more than all the buffers hold: {answer}");
    let mut reader = io::BufReader::with_capacity(16 << 10, stream);
    let (_never, pause) = mpsc::channel::<()>();
    for number in 0..REQUESTS {
        assert!(head_of(&mut reader).unwrap().is_some(), "{number}");
        reader.read_exact(&mut vec![0; answer]).unwrap();
        if number < 64 && number % 16 == 0 {
            // Longer than a connection may be idle.
            assert!(pause.recv_timeout(IDLE * 3 / 2).is_err());
        }
    }
}

#[test]
fn an_operator_that_has_stopped_reading_is_given_up() {
    const REQUESTS: usize = 800;
    let desk = Desk::impatient(IDLE / 3);
    let (mut stream, answer) = asked(&desk, REQUESTS);
    let (_never, pause) = mpsc::channel::<()>();
    assert!(pause.recv_timeout(4 * IDLE).is_err());
    let mut rest = Vec::new();
    drop(stream.read_to_end(&mut rest));
    assert!(rest.len() < REQUESTS * answer, "{}", rest.len());
}
