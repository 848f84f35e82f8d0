//! What goes on where HTTP has ended: bytes both ways, for as long as both sides like.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

use serin::model::{Environment, Routine};
use socket2::SockRef;
use xxhash_rust::xxh3::Xxh3;

use crate::support::edge::{Edge, Setup, deploy, routine};
use crate::support::raw::{Client, headers, request};
use crate::support::upstream::{Upstream, Visit, write_until_blocked};
use crate::support::{WAIT_MAX, wait_until};

const ASKS: &[&str] = &["connection: upgrade", "upgrade: websocket"];
const AGREES: &str =
    "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n";

/// Agrees with everybody, then follows the script.
fn agreeing(script: impl Fn(&mut Visit) + Send + Sync + 'static) -> Upstream {
    Upstream::new(move |visit| {
        let Some(request) = visit.request() else { return };
        if headers(&request, "upgrade").is_empty() {
            return visit.say("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
        }
        visit.say(AGREES);
        script(visit);
    })
}

/// The same, with a script that tells something at its end.
fn telling<T: Send + 'static>(
    script: impl Fn(&mut Visit) -> T + Send + Sync + 'static,
) -> (Upstream, Receiver<T>) {
    let (tell, told) = mpsc::channel();
    let upstream = agreeing(move |visit| drop(tell.send(script(visit))));
    (upstream, told)
}

/// Gives back what comes, until the end.
fn echo(visit: &mut Visit) {
    while let Some(byte) = visit.bytes(1) {
        visit.say(byte);
    }
}

fn opened(edge: &Edge) -> Client {
    let mut client = edge.client();
    let answer = client.send(request("GET", "/", ASKS)).head();
    assert_eq!(answer.status, 101, "{}", answer.head);
    client
}

fn assert_echoes(client: &mut Client, said: &str) {
    assert_eq!(client.send(said).bytes(said.len()), said.as_bytes());
}

fn wait_for_tunnels(edge: &Edge, count: usize) {
    wait_until(|| edge.tallies.tunnels().total() == count);
}

/// What comes until the end; an error where the other side broke off.
fn rest(reader: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut rest = Vec::new();
    reader.read_to_end(&mut rest)?;
    Ok(rest)
}

fn reset_at_drop(client: &Client) {
    SockRef::from(client.stream()).set_linger(Some(Duration::ZERO)).unwrap();
}

#[test]
fn a_client_that_has_said_all_still_hears() {
    let (upstream, told) = telling(|visit| {
        let heard = rest(visit.reader()).unwrap();
        visit.say("all heard");
        heard
    });
    let edge = Setup::before(upstream.url()).start();
    let mut client = opened(&edge);
    client.send("all").stream().shutdown(Shutdown::Write).unwrap();
    assert_eq!(told.recv_timeout(WAIT_MAX).unwrap(), b"all");
    assert_eq!(rest(client.reader()).unwrap(), b"all heard");
    wait_for_tunnels(&edge, 0);
}

#[test]
fn an_upstream_that_has_said_all_still_hears() {
    let (upstream, told) = telling(|visit| {
        visit.say("all");
        visit.stream().shutdown(Shutdown::Write).unwrap();
        rest(visit.reader()).unwrap()
    });
    let edge = Setup::before(upstream.url()).start();
    let mut client = opened(&edge);
    assert_eq!(rest(client.reader()).unwrap(), b"all");
    client.send("all heard").stream().shutdown(Shutdown::Write).unwrap();
    assert_eq!(told.recv_timeout(WAIT_MAX).unwrap(), b"all heard");
    wait_for_tunnels(&edge, 0);
}

#[test]
fn a_client_that_breaks_off_breaks_off_from_the_upstream() {
    let (upstream, told) = telling(|visit| rest(visit.reader()).map_err(|error| error.kind()));
    let edge = Setup::before(upstream.url()).start();
    let client = opened(&edge);
    reset_at_drop(&client);
    drop(client);
    assert_eq!(told.recv_timeout(WAIT_MAX).unwrap(), Err(ErrorKind::ConnectionReset));
    wait_for_tunnels(&edge, 0);
}

#[test]
fn an_upstream_that_breaks_off_breaks_off_from_the_client() {
    let upstream = agreeing(|visit| {
        visit.say("half");
        assert_eq!(visit.bytes(1).unwrap(), b".");
        visit.reset_at_end();
    });
    let edge = Setup::before(upstream.url()).start();
    let mut client = opened(&edge);
    assert_eq!(client.bytes(4), b"half");
    client.send(".");
    assert_eq!(rest(client.reader()).unwrap_err().kind(), ErrorKind::ConnectionReset);
    wait_for_tunnels(&edge, 0);
}

/// Nothing is read from it any more, and nothing is written to it.
#[test]
fn a_client_that_breaks_off_after_its_end_is_missed() {
    let (upstream, told) = telling(|visit| {
        let heard = rest(visit.reader()).unwrap();
        visit.say("heard");
        (heard, visit.breaks_off())
    });
    let edge = Setup::before(upstream.url()).start();
    let mut client = opened(&edge);
    client.send("end").stream().shutdown(Shutdown::Write).unwrap();
    assert_eq!(client.bytes(5), b"heard");
    reset_at_drop(&client);
    drop(client);
    assert_eq!(told.recv_timeout(WAIT_MAX).unwrap(), (b"end".to_vec(), true));
    wait_for_tunnels(&edge, 0);
}

/// The upstream takes nothing, so that nothing is read from the client either.
#[test]
fn a_client_that_breaks_off_where_it_is_held_up_is_missed() {
    let upstream = agreeing(Visit::sees_bytes_but_reads_none);
    let edge = Setup::before(upstream.url()).start();
    let client = opened(&edge);
    let mut socket = client.stream().try_clone().unwrap().into();
    write_until_blocked(&mut socket, &vec![b'x'; HUGE], BLOCKED);
    assert_eq!(edge.tallies.tunnels().total(), 1);
    reset_at_drop(&client);
    drop((client, socket));
    wait_for_tunnels(&edge, 0);
}

/// It closes with something unread, as servers do that have said goodbye. What the client
/// says after that is refused there, and is no reason to break off here.
#[test]
fn the_last_words_of_an_upstream_that_hears_no_more_are_delivered() {
    let upstream = agreeing(|visit| {
        visit.say(vec![b'w'; WORDS]);
        visit.stream().shutdown(Shutdown::Write).unwrap();
        visit.bytes(1);
    });
    let edge = Setup::before(upstream.url()).start();
    let mut client = opened(&edge);
    for _ in 0..10_000 {
        client.send(".");
    }
    assert_eq!(rest(client.reader()).unwrap().len(), WORDS);
    client.stream().shutdown(Shutdown::Write).unwrap();
    wait_for_tunnels(&edge, 0);
}

const WORDS: usize = 1 << 10;

/// Far more than all the buffers between two ends of a connection hold.
const HUGE: usize = 100 << 20;
/// What those buffers may hold at most, the kernel's included.
const BUFFERED_MAX: usize = 40 << 20;
/// Nothing was taken for this long: all buffers are full.
const BLOCKED: Duration = Duration::from_millis(300);

#[test]
fn what_is_not_taken_is_not_read() {
    let (upstream, told) = telling(|visit| {
        let written = visit.say_until_blocked(&vec![b'x'; HUGE], BLOCKED);
        visit.stream().shutdown(Shutdown::Write).unwrap();
        rest(visit.reader()).unwrap();
        written
    });
    let edge = Setup::before(upstream.url()).start();
    let mut client = opened(&edge);
    // The other direction is not held up.
    let mut up = client.stream().try_clone().unwrap();
    up.write_all(b"all").unwrap();
    up.shutdown(Shutdown::Write).unwrap();
    let written = told.recv_timeout(WAIT_MAX).unwrap();
    assert!(written < BUFFERED_MAX, "{written}");
    assert_eq!(rest(client.reader()).unwrap().len(), written);

    let held_up = agreeing(Visit::sees_bytes_but_reads_none);
    let edge = Setup::before(held_up.url()).start();
    let client = opened(&edge);
    let mut socket = client.stream().try_clone().unwrap().into();
    let written = write_until_blocked(&mut socket, &vec![b'x'; HUGE], BLOCKED);
    assert!(written < BUFFERED_MAX, "{written}");
    reset_at_drop(&client);
}

const TRANSFER: usize = 64 << 20;

/// Says `TRANSFER` bytes that depend on `seed`, then ends: their checksum.
fn say_much(mut stream: impl Write, seed: u8) -> u64 {
    let mut sum = Xxh3::new();
    let mut block: Vec<u8> = (0..65_521_u32).map(|at| (at % 251) as u8 ^ seed).collect();
    let mut left = TRANSFER;
    for number in 0_u64.. {
        block[..8].copy_from_slice(&number.to_le_bytes());
        let part = &block[..left.min(block.len())];
        stream.write_all(part).unwrap();
        sum.update(part);
        left -= part.len();
        if left == 0 {
            break;
        }
    }
    sum.digest()
}

/// How much comes until the end, and its checksum.
fn hear_much(mut stream: impl Read) -> (usize, u64) {
    let (mut sum, mut count) = (Xxh3::new(), 0);
    let mut block = vec![0; 1 << 16];
    loop {
        match stream.read(&mut block).unwrap() {
            0 => return (count, sum.digest()),
            read => {
                sum.update(&block[..read]);
                count += read;
            }
        }
    }
}

#[test]
fn much_goes_both_ways_at_once_and_arrives_as_it_was_sent() {
    let (upstream, told) = telling(|visit| {
        let stream = visit.stream().try_clone().unwrap();
        let said = std::thread::spawn(move || {
            let said = say_much(&stream, 1);
            stream.shutdown(Shutdown::Write).unwrap();
            said
        });
        let heard = hear_much(visit.reader());
        (said.join().unwrap(), heard)
    });
    let edge = Setup::before(upstream.url()).start();
    let mut client = opened(&edge);
    let stream = client.stream().try_clone().unwrap();
    let said = std::thread::spawn(move || {
        let said = say_much(&stream, 2);
        stream.shutdown(Shutdown::Write).unwrap();
        said
    });
    let heard = hear_much(client.reader());
    let said = said.join().unwrap();
    let (said_by_upstream, heard_by_upstream) = told.recv_timeout(WAIT_MAX).unwrap();
    assert_eq!(heard, (TRANSFER, said_by_upstream));
    assert_eq!(heard_by_upstream, (TRANSFER, said));
}

#[test]
fn a_tunnel_may_be_silent_for_long_but_not_for_ever() {
    let (upstream, told) = telling(|visit| {
        // Five times as long as a client may be idle without a tunnel.
        let early = visit.sees_end_within(Duration::from_millis(250));
        (early, rest(visit.reader()).is_ok())
    });
    let mut setup = Setup::before(upstream.url());
    setup.policy.timeouts.client_idle = Duration::from_millis(50);
    setup.policy.timeouts.tunnel_idle = Duration::from_millis(500);
    let edge = setup.start();
    let mut client = opened(&edge);
    assert_eq!(told.recv_timeout(WAIT_MAX).unwrap(), (false, true));
    client.expect_end();
    wait_for_tunnels(&edge, 0);
}

/// Deployment `id` serves version `id` to everybody.
fn shop(id: u64, url: &str) -> Routine {
    let version = id.to_string();
    let mut shop = routine("shop", &[(&version, Some(url))]);
    deploy(&mut shop, Environment::Production, id, &[(&version, 100)]);
    shop
}

/// Ends those who go on until it is dropped, also when the test fails.
struct Enough<'d>(&'d AtomicBool);

impl Drop for Enough<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

const SESSIONS: usize = 200;
const ROUNDS: usize = 20;

#[test]
fn deployments_leave_open_sessions_where_they_are() {
    let upstreams = [
        agreeing(echo),
        agreeing(|visit| {
            while let Some(byte) = visit.bytes(1) {
                visit.say(byte.to_ascii_uppercase());
            }
        }),
    ];
    let mut setup = Setup::of([shop(1, upstreams[1].url())]);
    setup.workers = 2;
    let edge = setup.start();
    let (done, swaps) = (AtomicBool::new(false), AtomicBool::new(false));
    std::thread::scope(|scope| {
        let enough = Enough(&done);
        scope.spawn(|| {
            for id in 2_u64.. {
                if done.load(Ordering::Relaxed) {
                    break;
                }
                edge.publish([shop(id, upstreams[usize::from(!id.is_multiple_of(2))].url())]);
                swaps.store(id > 1_000, Ordering::Relaxed);
            }
        });
        let mut sessions: Vec<(Client, bool)> = (0..SESSIONS)
            .map(|_| {
                let mut client = edge.client();
                let answer = client.send(request("GET", "/", ASKS)).head();
                assert_eq!(answer.status, 101);
                let version: u64 = answer.header("x-serin-version").unwrap().parse().unwrap();
                (client, !version.is_multiple_of(2))
            })
            .collect();
        wait_for_tunnels(&edge, SESSIONS);
        for _ in 0..ROUNDS {
            for (client, is_loud) in &mut sessions {
                client.send("hi");
                assert_eq!(client.bytes(2), if *is_loud { b"HI" } else { b"hi" });
            }
        }
        wait_until(|| swaps.load(Ordering::Relaxed));
        assert_eq!(edge.tallies.tunnels().total(), SESSIONS, "none was dropped");
        drop(enough);
    });
    wait_for_tunnels(&edge, 0);
}

#[test]
fn a_session_is_one_request_and_open_while_it_lasts() {
    let upstream = agreeing(echo);
    let edge = Setup::before(upstream.url()).start();
    let requests = || (0..8).map(|number| edge.tallies.total(number).assigned).sum::<u64>();
    let mut client = opened(&edge);
    for _ in 0..3 {
        assert_echoes(&mut client, "hello");
        assert_eq!((requests(), edge.tallies.tunnels().total()), (1, 1));
    }
    let other = opened(&edge);
    wait_for_tunnels(&edge, 2);
    drop((client, other));
    wait_for_tunnels(&edge, 0);
    assert_eq!(requests(), 2);
}

fn refuses(edge: &Edge) -> bool {
    let refused = TcpStream::connect(edge.production).map_err(|error| error.kind());
    refused.err() == Some(ErrorKind::ConnectionRefused)
}

#[test]
fn a_drain_waits_for_the_end_of_sessions() {
    let upstream = agreeing(echo);
    let mut setup = Setup::before(upstream.url());
    setup.drain = WAIT_MAX;
    let mut edge = setup.start();
    let mut client = opened(&edge);
    edge.drain();
    wait_until(|| refuses(&edge));
    assert_echoes(&mut client, "still here");
    client.stream().shutdown(Shutdown::Write).unwrap();
    client.expect_end();
    edge.join();
}

#[test]
fn a_drain_cuts_sessions_in_the_end() {
    let (upstream, told) = telling(|visit| {
        echo(visit);
    });
    let mut setup = Setup::before(upstream.url());
    setup.drain = Duration::from_millis(200);
    let mut edge = setup.start();
    let mut client = opened(&edge);
    edge.drain();
    client.expect_end();
    told.recv_timeout(WAIT_MAX).unwrap();
    edge.join();
    assert_eq!(edge.tallies.tunnels().total(), 0);
}
