//! The stream that hyper is given.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use proptest::prelude::*;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};

use super::super::framer::Step;
use super::super::gate::Gate;
use super::super::guarded::Guarded;
use super::super::refusal::Refusal;
use super::super::sieve::STAND_IN;
use super::super::watch::Watched;
use super::streams::stream;
use super::{cut, limits, outcome};
use crate::server::Presence;

/// A peer that has sent these pieces, and is silent, gone or broken off then.
struct Pieces {
    unread: VecDeque<Vec<u8>>,
    then: Then,
    reads: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Then {
    IsSilent,
    Ends,
    BreaksOff,
}

impl Pieces {
    fn of(pieces: &[&[u8]], then: Then) -> Self {
        let pieces = pieces.iter().filter(|piece| !piece.is_empty());
        Self { unread: pieces.map(|piece| piece.to_vec()).collect(), then, reads: 0 }
    }
}

impl AsyncRead for Pieces {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let Self { unread, then, reads } = &mut *self;
        *reads += 1;
        match (unread.front_mut(), then) {
            (Some(piece), _) => {
                let count = piece.len().min(buf.remaining());
                buf.put_slice(&piece[..count]);
                piece.drain(..count);
                if piece.is_empty() {
                    unread.pop_front();
                }
                Poll::Ready(Ok(()))
            }
            (None, Then::IsSilent) => Poll::Pending,
            (None, Then::Ends) => Poll::Ready(Ok(())),
            (None, Then::BreaksOff) => Poll::Ready(Err(io::ErrorKind::ConnectionReset.into())),
        }
    }
}

impl AsyncWrite for Pieces {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl Watched for Pieces {
    fn is_broken(&self) -> bool {
        self.then == Then::BreaksOff
    }

    fn has_said_all(&self) -> bool {
        self.then == Then::Ends
    }
}

/// A guarded peer, and the gate before it.
fn guarded(pieces: &[&[u8]], then: Then) -> (Guarded<Pieces>, Rc<Gate>) {
    let gate = Gate::new(Rc::new(Presence::new()));
    (Guarded::new(Pieces::of(pieces, then), gate.clone(), limits()), gate)
}

/// What one call gives into a buffer of this size.
fn read(guarded: &mut Guarded<Pieces>, size: usize) -> Poll<io::Result<Vec<u8>>> {
    let mut bytes = vec![0; size];
    let mut buf = ReadBuf::new(&mut bytes);
    let mut cx = Context::from_waker(Waker::noop());
    let polled = Pin::new(guarded).poll_read(&mut cx, &mut buf);
    let given = buf.filled().to_vec();
    polled.map_ok(|()| given)
}

/// Asserts that the next call gives this.
fn expect_given(guarded: &mut Guarded<Pieces>, expected: &[u8]) {
    match read(guarded, 8_192) {
        Poll::Ready(Ok(given)) => {
            assert_eq!(given.escape_ascii().to_string(), expected.escape_ascii().to_string());
        }
        other => panic!("{other:?}"),
    }
}

/// What is given until there is nothing more for now, where each request is answered as
/// soon as it is met; and whether that is an error.
fn read_all(
    guarded: &mut Guarded<Pieces>,
    gate: &Gate,
    size: usize,
) -> (Vec<u8>, Option<io::ErrorKind>) {
    let mut all = Vec::new();
    loop {
        match read(guarded, size) {
            Poll::Ready(Ok(bytes)) if bytes.is_empty() => return (all, None),
            Poll::Ready(Ok(bytes)) => all.extend(bytes),
            Poll::Ready(Err(error)) => return (all, Some(error.kind())),
            Poll::Pending => return (all, None),
        }
        if !gate.is_answered() {
            assert_eq!(gate.admit(), Ok(()));
            assert!(gate.is_answered(), "one is given at a time");
        }
    }
}

const GET: &[u8] = b"GET / HTTP/1.1\r\nhost: a\r\n\r\n";
const UPGRADE: &[u8] = b"GET / HTTP/1.1\r\nupgrade: a\r\nconnection: upgrade\r\n\r\n";

proptest! {
    #[test]
    fn a_reader_is_given_what_passes_whatever_its_buffer(
        stream in stream(),
        cuts in proptest::collection::vec(any::<usize>(), 0..6),
        size in prop_oneof![1..60usize, Just(8_192)],
        then in prop_oneof![Just(Then::IsSilent), Just(Then::Ends)],
    ) {
        let outcome = outcome(limits(), &[&stream]);
        let (mut guarded, gate) = guarded(&cut(&stream, &cuts), then);
        let (given, error) = read_all(&mut guarded, &gate, size);
        let mut expected = outcome.passed;
        match outcome.last {
            Some(Step::Refuse(_)) => expected.extend(STAND_IN),
            Some(Step::Break(_)) => prop_assert_eq!(error, Some(io::ErrorKind::InvalidData)),
            _ => prop_assert_eq!(error, None),
        }
        prop_assert_eq!(given.escape_ascii().to_string(), expected.escape_ascii().to_string());
        prop_assert!(gate.is_answered());
        if let Some(Step::Refuse(refusal)) = outcome.last {
            prop_assert_eq!(gate.admit(), Err(refusal));
        }
        let waits = outcome.waiting > 0 && then == Then::IsSilent;
        prop_assert_eq!(gate.presence().head().is_running(), waits);
    }
}

#[test]
fn a_whole_head_takes_one_read_and_no_memory() {
    let (mut guarded, gate) = guarded(&[GET, GET], Then::IsSilent);
    for reads in 1..=2 {
        expect_given(&mut guarded, GET);
        assert_eq!((guarded.stream().reads, guarded.memory()), (reads, 0));
        assert_eq!(gate.admit(), Ok(()));
    }
}

#[test]
fn an_idle_peer_takes_no_memory() {
    for pieces in [&[&GET[..9], &GET[9..], b"\r\n"][..], &[&[GET, b"\r\n"].concat()]] {
        let (mut guarded, gate) = guarded(pieces, Then::IsSilent);
        assert_eq!(read_all(&mut guarded, &gate, 8_192), (GET.to_vec(), None));
        assert_eq!(guarded.memory(), 0);
        assert!(!gate.presence().head().is_running());
    }
}

#[test]
fn what_follows_a_request_waits_for_its_answer() {
    let post = b"POST / HTTP/1.1\r\ncontent-length: 2\r\n\r\nhi";
    let chunked = b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n";
    for first in [GET, UPGRADE, post, chunked] {
        let together = [first, GET].concat();
        for pieces in [&[first, GET][..], &[&together], &[first, &GET[..5], &GET[5..]]] {
            let (mut guarded, gate) = guarded(pieces, Then::IsSilent);
            expect_given(&mut guarded, first);
            let busy = gate.presence().busy();
            assert_eq!(gate.admit(), Ok(()));
            assert!(read(&mut guarded, 8_192).is_pending());
            assert!(!gate.presence().head().is_running());
            drop(busy);
            expect_given(&mut guarded, GET);
        }
    }
}

/// Its answer may come before its body has.
#[test]
fn a_body_waits_for_no_answer_and_what_follows_it_does() {
    let head = b"POST / HTTP/1.1\r\ncontent-length: 2\r\n\r\n";
    for is_answered in [false, true] {
        let (mut guarded, gate) = guarded(&[head, b"h", &[b"i", GET].concat()], Then::IsSilent);
        expect_given(&mut guarded, head);
        let busy = gate.presence().busy();
        assert_eq!(gate.admit(), Ok(()));
        let _busy = (!is_answered).then_some(busy);
        expect_given(&mut guarded, b"h");
        if is_answered {
            expect_given(&mut guarded, &[b"i", GET].concat());
        } else {
            expect_given(&mut guarded, b"i");
            assert!(read(&mut guarded, 8_192).is_pending());
        }
    }
}

#[test]
fn a_refusal_waits_for_the_answer_before_it() {
    let (mut guarded, gate) = guarded(&[&[GET, b"GET /\r\n\r\n", GET].concat()], Then::IsSilent);
    expect_given(&mut guarded, GET);
    let busy = gate.presence().busy();
    assert_eq!(gate.admit(), Ok(()));
    assert!(read(&mut guarded, 8_192).is_pending());
    assert!(!gate.lingers());
    drop(busy);
    expect_given(&mut guarded, STAND_IN);
    assert_eq!(gate.admit(), Err(Refusal::RequestLine));
    assert!(read(&mut guarded, 8_192).is_pending());
}

#[test]
fn what_is_held_is_taken_back_for_another_protocol() {
    let (mut guarded, gate) = guarded(&[UPGRADE, b"one", b"\r\ntwo"], Then::IsSilent);
    expect_given(&mut guarded, UPGRADE);
    let _busy = gate.presence().busy();
    assert_eq!(gate.admit(), Ok(()));
    assert!(read(&mut guarded, 8_192).is_pending());
    assert_eq!(&guarded.into_parts().1[..], b"one\r\ntwo");
}

/// Counts how often it is woken.
#[derive(Default)]
struct Woken(AtomicUsize);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// hyper asks no stream again that had nothing.
#[test]
fn a_reader_that_was_put_off_is_woken_by_the_answer_and_nobody_else_is() {
    for (behind, wakes) in [(&b""[..], 0), (GET, 1), (&GET[..5], 1), (b"\r\n", 1)] {
        let (mut guarded, gate) = guarded(&[GET, behind], Then::IsSilent);
        let woken = Arc::new(Woken::default());
        let waker = Waker::from(woken.clone());
        let flush = |guarded: &mut Guarded<Pieces>| {
            let flushed = Pin::new(guarded).poll_flush(&mut Context::from_waker(&waker));
            assert!(flushed.is_ready());
            woken.0.load(Ordering::Relaxed)
        };
        expect_given(&mut guarded, GET);
        let busy = gate.presence().busy();
        assert_eq!(gate.admit(), Ok(()));
        assert!(read(&mut guarded, 8_192).is_pending());
        assert_eq!(flush(&mut guarded), 0);
        drop(busy);
        for _ in 0..2 {
            assert_eq!(flush(&mut guarded), wakes, "{behind:?}");
        }
    }
}

/// Requests, and what may have come behind each before its answer.
fn followed() -> Vec<Vec<Vec<u8>>> {
    let of = |pieces: &[&[u8]]| pieces.iter().map(|piece| piece.to_vec()).collect();
    vec![
        of(&[GET]),
        of(&[GET, GET]),
        of(&[&[GET, GET].concat()]),
        of(&[&[GET, &GET[..5]].concat()]),
        of(&[&[GET, b"\r\n"].concat()]),
        of(&[&[GET, b"GET /\r\n\r\n"].concat()]),
        of(&[UPGRADE, b"behind"]),
        of(&[GET, &FLOOD]),
        of(&[UPGRADE, &FLOOD]),
    ]
}

/// Long enough for what must come, and no test waits for it.
const LONG: Duration = Duration::from_secs(30);

static FLOOD: [u8; 1 << 20] = [b'x'; 1 << 20];

#[test]
fn a_peer_that_breaks_off_is_seen_whatever_it_has_sent() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    for pieces in followed() {
        let pieces: Vec<&[u8]> = pieces.iter().map(Vec::as_slice).collect();
        let (mut guarded, gate) = guarded(&pieces, Then::BreaksOff);
        assert!(matches!(read(&mut guarded, 64), Poll::Ready(Ok(head)) if !head.is_empty()));
        let _busy = gate.presence().busy();
        assert_eq!(gate.admit(), Ok(()));
        let mut byte = [0; 8_192];
        let read = async { tokio::time::timeout(LONG, guarded.read(&mut byte)).await };
        let error = runtime.block_on(read).expect("it is seen").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset, "{}", pieces[0].escape_ascii());
    }
}

#[test]
fn what_is_held_is_bounded() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let _within = runtime.enter();
    for first in [GET, UPGRADE] {
        let (mut guarded, gate) = guarded(&[first, &FLOOD], Then::IsSilent);
        expect_given(&mut guarded, first);
        let _busy = gate.presence().busy();
        assert_eq!(gate.admit(), Ok(()));
        for _ in 0..9 {
            assert!(read(&mut guarded, 8_192).is_pending());
        }
        assert!(guarded.into_parts().1.len() <= 32 << 10);
    }
}

#[test]
fn an_end_is_held_back_from_a_request_that_runs_and_is_whole() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let _within = runtime.enter();
    let post = b"POST / HTTP/1.1\r\ncontent-length: 2\r\n\r\n";
    for (said, is_whole) in [
        (&[GET][..], true),
        (&[UPGRADE], true),
        (&[UPGRADE, b"behind"], true),
        (&[GET, &GET[..9]], true),
        (&[post, b"hi"], true),
        (&[post, b"hi\r"], true),
        (&[post, b"h"], false),
        (&[post], false),
        (&[b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n"], false),
    ] {
        let (mut guarded, gate) = guarded(said, Then::Ends);
        assert!(matches!(read(&mut guarded, 8_192), Poll::Ready(Ok(head)) if !head.is_empty()));
        let busy = gate.presence().busy();
        assert_eq!(gate.admit(), Ok(()));
        let end = loop {
            match read(&mut guarded, 8_192) {
                Poll::Ready(Ok(bytes)) if !bytes.is_empty() => {}
                end => break end,
            }
        };
        assert_eq!(end.is_pending(), is_whole, "{said:?}");
        assert!(!gate.presence().head().is_running());
        drop(busy);
        expect_given(&mut guarded, b"");
    }
}

#[test]
fn what_was_said_before_an_end_is_served_before_it() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let _within = runtime.enter();
    let (mut guarded, gate) = guarded(&[&GET.repeat(3)], Then::Ends);
    for _ in 0..3 {
        expect_given(&mut guarded, GET);
        let busy = gate.presence().busy();
        assert_eq!(gate.admit(), Ok(()));
        assert!(read(&mut guarded, 8_192).is_pending());
        drop(busy);
    }
    expect_given(&mut guarded, b"");
}

#[test]
fn heads_in_another_spelling_take_memory_until_they_are_read() {
    let odd = b"GET /<a> HTTP/1.1\r\nhost: a\r\n\r\n";
    let spelled = b"GET /%3Ca%3E HTTP/1.1\r\nhost: a\r\n\r\n";
    let pieces = [&[GET, odd, b"\r\n", GET, odd, &GET[..5]].concat(), &GET[5..]];
    let (mut guarded, gate) = guarded(&pieces, Then::IsSilent);
    let (given, _) = read_all(&mut guarded, &gate, 20);
    assert_eq!(
        given.escape_ascii().to_string(),
        [GET, spelled, GET, spelled, GET].concat().escape_ascii().to_string()
    );
    assert_eq!(guarded.memory(), 0);
}

#[test]
fn a_head_that_is_late_is_refused_behind_what_was_good() {
    let (mut guarded, gate) = guarded(&[GET, &GET[..5]], Then::IsSilent);
    assert_eq!(read_all(&mut guarded, &gate, 8_192), (GET.to_vec(), None));
    assert!(gate.presence().head().is_running());
    gate.presence().head().give_up();
    assert_eq!(read_all(&mut guarded, &gate, 8_192), (STAND_IN.to_vec(), None));
    assert_eq!(gate.admit(), Err(Refusal::Late));
}
