//! The stream that hyper is given.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use proptest::prelude::*;
use tokio::io::{AsyncRead, ReadBuf};

use super::super::framer::Step;
use super::super::gate::Gate;
use super::super::guarded::{Guarded, STAND_IN};
use super::super::refusal::Refusal;
use super::streams::stream;
use super::{cut, limits, outcome};
use crate::server::Presence;

/// A peer that has sent these pieces, and is silent or gone then.
struct Pieces {
    unread: VecDeque<Vec<u8>>,
    ends: bool,
    reads: usize,
}

impl Pieces {
    fn of(pieces: &[&[u8]], ends: bool) -> Self {
        let pieces = pieces.iter().filter(|piece| !piece.is_empty());
        Self { unread: pieces.map(|piece| piece.to_vec()).collect(), ends, reads: 0 }
    }
}

impl AsyncRead for Pieces {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let Self { unread, ends, reads } = &mut *self;
        *reads += 1;
        match unread.front_mut() {
            Some(piece) => {
                let count = piece.len().min(buf.remaining());
                buf.put_slice(&piece[..count]);
                piece.drain(..count);
                if piece.is_empty() {
                    unread.pop_front();
                }
                Poll::Ready(Ok(()))
            }
            None if *ends => Poll::Ready(Ok(())),
            None => Poll::Pending,
        }
    }
}

/// A guarded peer, and the gate before it.
fn guarded(pieces: &[&[u8]], ends: bool) -> (Guarded<Pieces>, Rc<Gate>) {
    let gate = Gate::new(Rc::new(Presence::new()));
    (Guarded::new(Pieces::of(pieces, ends), gate.clone(), limits()), gate)
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

/// What is given until there is nothing more for now; and whether that is an error.
fn read_all(guarded: &mut Guarded<Pieces>, size: usize) -> (Vec<u8>, Option<io::ErrorKind>) {
    let mut all = Vec::new();
    loop {
        match read(guarded, size) {
            Poll::Ready(Ok(bytes)) if bytes.is_empty() => return (all, None),
            Poll::Ready(Ok(bytes)) => all.extend(bytes),
            Poll::Ready(Err(error)) => return (all, Some(error.kind())),
            Poll::Pending => return (all, None),
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
        size in prop_oneof![STAND_IN.len()..60, Just(8_192usize)],
        ends in any::<bool>(),
    ) {
        let outcome = outcome(limits(), &[&stream]);
        let (mut guarded, gate) = guarded(&cut(&stream, &cuts), ends);
        let (given, error) = read_all(&mut guarded, size);
        let mut expected = outcome.passed;
        match outcome.last {
            Some(Step::Refuse(_)) => expected.extend(STAND_IN),
            Some(Step::Break(_)) => prop_assert_eq!(error, Some(io::ErrorKind::InvalidData)),
            _ => prop_assert_eq!(error, None),
        }
        prop_assert_eq!(given.escape_ascii().to_string(), expected.escape_ascii().to_string());
        for _ in 0..outcome.heads {
            prop_assert_eq!(gate.admit(), Ok(()));
        }
        if let Some(Step::Refuse(refusal)) = outcome.last {
            prop_assert_eq!(gate.admit(), Err(refusal));
        }
        prop_assert_eq!(gate.presence().head().is_running(), outcome.waiting > 0 && !ends);
    }
}

#[test]
fn a_whole_head_takes_one_read_and_no_memory() {
    let (mut guarded, _) = guarded(&[GET, GET], false);
    for reads in 1..=2 {
        assert!(matches!(read(&mut guarded, 8_192), Poll::Ready(Ok(given)) if given == GET));
        assert_eq!((guarded.stream().reads, guarded.kept()), (reads, 0));
    }
}

#[test]
fn an_idle_peer_takes_no_memory() {
    let (mut guarded, gate) = guarded(&[&GET[..9], &GET[9..], b"\r\n"], false);
    assert_eq!(read_all(&mut guarded, 8_192), (GET.to_vec(), None));
    assert_eq!(guarded.kept(), 0);
    assert!(!gate.presence().head().is_running());
}

#[test]
fn what_is_held_is_taken_back_for_another_protocol() {
    let (mut guarded, gate) = guarded(&[UPGRADE, b"one", b"two"], false);
    assert_eq!(read_all(&mut guarded, 8_192), (UPGRADE.to_vec(), None));
    assert_eq!(gate.admit(), Ok(()));
    assert!(read(&mut guarded, 8_192).is_pending());
    assert_eq!(&guarded.into_parts().1[..], b"onetwo");
}

#[test]
fn what_is_held_is_the_next_request_once_it_is_released() {
    let together = [UPGRADE, GET].concat();
    for pieces in [&[UPGRADE, GET][..], &[&together], &[UPGRADE, &GET[..5], &GET[5..]]] {
        let (mut guarded, gate) = guarded(pieces, false);
        assert_eq!(read_all(&mut guarded, 8_192), (UPGRADE.to_vec(), None));
        assert_eq!(gate.admit(), Ok(()));
        gate.release();
        assert_eq!(read_all(&mut guarded, 8_192), (GET.to_vec(), None));
    }
}

#[test]
fn a_release_in_advance_counts() {
    let head = b"POST / HTTP/1.1\r\nupgrade: a\r\nconnection: upgrade\r\ncontent-length: 2\r\n\r\n";
    let (mut guarded, gate) = guarded(&[head, b"hi", GET], false);
    assert!(matches!(read(&mut guarded, 8_192), Poll::Ready(Ok(given)) if given == head));
    assert_eq!(gate.admit(), Ok(()));
    gate.release();
    assert_eq!(read_all(&mut guarded, 8_192), ([b"hi", GET].concat(), None));
}

#[test]
fn a_peer_is_seen_to_leave_while_bytes_are_held() {
    let (mut guarded, _) = guarded(&[UPGRADE, b"one"], true);
    assert!(matches!(read(&mut guarded, 8_192), Poll::Ready(Ok(given)) if given == UPGRADE));
    assert!(matches!(read(&mut guarded, 8_192), Poll::Ready(Ok(end)) if end.is_empty()));
}

#[test]
fn what_is_held_is_bounded() {
    let flood = vec![b'x'; 1 << 20];
    let (mut guarded, _) = guarded(&[UPGRADE, &flood], false);
    assert_eq!(read_all(&mut guarded, 8_192).0, UPGRADE);
    assert!(guarded.into_parts().1.len() <= 32 << 10);
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
        let (mut guarded, gate) = guarded(said, true);
        assert!(matches!(read(&mut guarded, 8_192), Poll::Ready(Ok(head)) if !head.is_empty()));
        let busy = gate.presence().busy();
        let end = loop {
            match read(&mut guarded, 8_192) {
                Poll::Ready(Ok(bytes)) if !bytes.is_empty() => {}
                end => break end,
            }
        };
        assert_eq!(end.is_pending(), is_whole, "{said:?}");
        assert!(!gate.presence().head().is_running());
        drop(busy);
        assert!(matches!(read(&mut guarded, 8_192), Poll::Ready(Ok(end)) if end.is_empty()));
    }
}

#[test]
fn heads_in_another_spelling_take_memory_until_they_are_read() {
    let odd = b"GET /<a> HTTP/1.1\r\nhost: a\r\n\r\n";
    let spelled = b"GET /%3Ca%3E HTTP/1.1\r\nhost: a\r\n\r\n";
    let (mut guarded, _) =
        guarded(&[&[GET, odd, b"\r\n", GET, odd, &GET[..5]].concat(), &GET[5..]], false);
    assert!(matches!(read(&mut guarded, 8_192), Poll::Ready(Ok(given)) if given == GET));
    let (given, _) = read_all(&mut guarded, 20);
    assert_eq!(
        given.escape_ascii().to_string(),
        [&spelled[..], GET, spelled, GET].concat().escape_ascii().to_string()
    );
    assert_eq!(guarded.kept(), 0);
}

#[test]
fn a_head_that_is_late_is_refused_behind_what_was_good() {
    let (mut guarded, gate) = guarded(&[GET, &GET[..5]], false);
    assert_eq!(read_all(&mut guarded, 8_192), (GET.to_vec(), None));
    assert!(gate.presence().head().is_running());
    gate.presence().head().give_up();
    assert_eq!(read_all(&mut guarded, 8_192), (STAND_IN.to_vec(), None));
    assert_eq!((gate.admit(), gate.admit()), (Ok(()), Err(Refusal::Late)));
}
