//! What is heard of a client, however its bytes are cut and whatever follows them.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::io;
use std::os::unix::net::UnixStream;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::BytesMut;
use http::request::Parts;
use proptest::prelude::*;
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::content::Content;
use super::head;
use super::hearing::{Heard, Hearing, Next};
use crate::model::Limits;
use crate::proxy::tunnel::Line;
use crate::proxy::wire::tests::{cut, stream};
use crate::proxy::wire::{HeadLimits, Refusal};
use crate::server::Presence;

/// Long enough for what must come, and no test waits for it.
const LONG: Duration = Duration::from_secs(30);

const GET: &[u8] = b"GET / HTTP/1.1\r\nhost: a\r\n\r\n";
const UPGRADE: &[u8] = b"GET / HTTP/1.1\r\nupgrade: a\r\nconnection: upgrade\r\n\r\n";
const POST: &[u8] = b"POST / HTTP/1.1\r\ncontent-length: 2\r\n\r\n";

static FLOOD: [u8; 1 << 20] = [b'x'; 1 << 20];

/// A peer that has sent these pieces, and is silent, gone or broken off then.
struct Pieces {
    unread: VecDeque<Vec<u8>>,
    then: Then,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Then {
    IsSilent,
    Ends,
    BreaksOff,
}

impl AsyncRead for Pieces {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let Self { unread, then } = &mut *self;
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

impl Line for Pieces {
    fn socket<T>(&self, look: impl FnOnce(SockRef<'_>) -> T) -> T {
        let (one, _other) = UnixStream::pair().expect("a pair of sockets");
        look(SockRef::from(&one))
    }

    fn is_broken(&self) -> bool {
        self.then == Then::BreaksOff
    }

    fn has_said_all(&self) -> bool {
        self.then == Then::Ends
    }
}

/// A client that is heard.
struct Client {
    pieces: Pieces,
    presence: Rc<Presence>,
    hearing: Hearing,
    parts: Parts,
}

impl Client {
    fn of(pieces: &[&[u8]], then: Then) -> Self {
        let presence = Rc::new(Presence::new());
        let limits = HeadLimits::of(&Limits::default());
        let pieces = pieces.iter().filter(|piece| !piece.is_empty());
        Self {
            pieces: Pieces { unread: pieces.map(|piece| piece.to_vec()).collect(), then },
            hearing: Hearing::new(presence.clone(), limits, BytesMut::new()),
            presence,
            parts: head::blank(),
        }
    }

    fn next(&mut self, cx: &mut Context<'_>) -> Poll<Next> {
        head::clear(&mut self.parts);
        self.hearing.settle();
        self.hearing.poll_next(cx, &mut self.pieces, &mut self.parts)
    }

    /// Hears a request that has no content.
    fn expect_request(&mut self) {
        let next = self.next(&mut Context::from_waker(Waker::noop()));
        assert!(matches!(next, Poll::Ready(Next::Request(None))));
    }

    /// What is heard while a request runs.
    fn hear(&mut self) -> Poll<Heard> {
        let mut cx = Context::from_waker(Waker::noop());
        self.hearing.poll(&mut cx, &mut self.pieces, false)
    }

    /// The whole of a request's content; what of it came, if it breaks off.
    fn content(&mut self, mut content: Content) -> (Vec<u8>, Outcome) {
        let mut cx = Context::from_waker(Waker::noop());
        let mut bytes = Vec::new();
        loop {
            match content.poll_frame(&mut cx) {
                Poll::Ready(None) => return (bytes, Outcome::Whole),
                Poll::Ready(Some(Ok(frame))) => {
                    bytes.extend(frame.into_data().unwrap_or_default());
                }
                Poll::Ready(Some(Err(_))) => return (bytes, Outcome::Broken),
                Poll::Pending => match self.hear() {
                    Poll::Ready(Heard::Part) => {}
                    Poll::Ready(Heard::Gone) => return (bytes, Outcome::Broken),
                    Poll::Pending => return (bytes, Outcome::Waits),
                },
            }
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Whole,
    Broken,
    Waits,
}

/// The requests that are heard, the content of each, and what comes after the last.
fn all_heard(pieces: &[&[u8]], then: Then) -> (Vec<String>, Option<Refusal>, Outcome) {
    let mut client = Client::of(pieces, then);
    let mut heard = Vec::new();
    loop {
        let next = client.next(&mut Context::from_waker(Waker::noop()));
        let (content, outcome) = match next {
            Poll::Ready(Next::Request(None)) => (Vec::new(), Outcome::Whole),
            Poll::Ready(Next::Request(Some(content))) => client.content(content),
            Poll::Ready(Next::Refused(refusal)) => return (heard, Some(refusal), Outcome::Broken),
            Poll::Ready(_) => return (heard, None, Outcome::Whole),
            Poll::Pending => return (heard, None, Outcome::Waits),
        };
        let Parts { method, uri, headers, .. } = &client.parts;
        heard.push(format!("{method} {uri} {headers:?} {}", content.escape_ascii()));
        if outcome != Outcome::Whole {
            return (heard, None, outcome);
        }
    }
}

proptest! {
    #[test]
    fn what_is_heard_does_not_depend_on_the_cuts(
        stream in stream(),
        cuts in proptest::collection::vec(any::<usize>(), 0..6),
        then in prop_oneof![Just(Then::IsSilent), Just(Then::Ends)],
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let _within = runtime.enter();
        let whole = all_heard(&[&stream], then);
        prop_assert_eq!(all_heard(&cut(&stream, &cuts), then), whole);
    }
}

#[test]
fn content_is_read_as_it_is_framed_and_what_follows_is_the_next_request() {
    let chunked = b"POST /b HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n";
    let chunks = b"2;a=b\r\nhi\r\n4\r\n you\r\n0\r\nx-sum: 1\r\n\r\n";
    let said = [POST, b"hi", chunked, chunks, GET].concat();
    let (heard, refused, outcome) = all_heard(&[&said], Then::Ends);
    assert_eq!((heard.len(), refused, outcome), (3, None, Outcome::Whole));
    assert!(heard[0].ends_with(" hi") && heard[1].ends_with("} hi you"), "{heard:?}");
}

#[test]
fn what_follows_a_request_waits_for_its_answer_and_is_left_to_another_protocol() {
    let mut client = Client::of(&[UPGRADE, b"one", b"\r\ntwo"], Then::IsSilent);
    client.expect_request();
    assert!(client.hear().is_pending());
    assert_eq!(&client.hearing.into_read()[..], b"one\r\ntwo");

    let mut client = Client::of(&[&[GET, GET].concat(), GET], Then::IsSilent);
    for _ in 0..3 {
        client.expect_request();
        assert!(client.hear().is_pending());
    }
}

#[test]
fn what_is_held_is_bounded() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let _within = runtime.enter();
    for first in [GET, UPGRADE] {
        let mut client = Client::of(&[first, &FLOOD], Then::IsSilent);
        client.expect_request();
        for _ in 0..9 {
            assert!(client.hear().is_pending());
        }
        assert!(client.hearing.into_read().len() <= 32 << 10);
    }
}

#[test]
fn a_peer_that_breaks_off_is_seen_whatever_it_has_sent() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    for pieces in [
        &[GET][..],
        &[GET, GET],
        &[GET, &GET[..5]],
        &[GET, b"\r\n"],
        &[GET, b"GET /\r\n\r\n"],
        &[UPGRADE, b"behind"],
        &[GET, &FLOOD],
        &[UPGRADE, &FLOOD],
    ] {
        let mut client = Client::of(pieces, Then::BreaksOff);
        client.expect_request();
        let Client { hearing, pieces, .. } = &mut client;
        let heard = poll_fn(|cx| hearing.poll(cx, pieces, false));
        let heard = runtime.block_on(async { tokio::time::timeout(LONG, heard).await });
        assert!(matches!(heard, Ok(Heard::Gone)));
    }
}

#[test]
fn an_end_is_held_back_from_a_request_that_runs_and_breaks_off_its_content() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let _within = runtime.enter();
    for pieces in [&[GET][..], &[UPGRADE, b"behind"], &[GET, &GET[..9]]] {
        let mut client = Client::of(pieces, Then::Ends);
        client.expect_request();
        assert!(client.hear().is_pending());
        let next = client.next(&mut Context::from_waker(Waker::noop()));
        assert!(matches!(next, Poll::Ready(Next::End | Next::Refused(_))));
    }
    for (said, outcome) in [(&b"hi"[..], Outcome::Whole), (b"h", Outcome::Broken)] {
        let (_, _, heard) = all_heard(&[POST, said], Then::Ends);
        assert_eq!(heard, outcome);
    }
}

#[test]
fn a_head_that_is_late_is_refused_behind_what_was_good() {
    let mut client = Client::of(&[GET, &GET[..5]], Then::IsSilent);
    let mut cx = Context::from_waker(Waker::noop());
    client.expect_request();
    assert!(client.next(&mut cx).is_pending());
    assert!(client.presence.head().is_running());
    client.presence.head().give_up();
    assert!(matches!(client.next(&mut cx), Poll::Ready(Next::Refused(Refusal::Late))));
    assert!(!client.hearing.goes_on() && client.hearing.leaves_unheard());
}

#[test]
fn who_rests_gives_its_memory_back_but_for_what_it_has_begun_to_say() {
    let mut cx = Context::from_waker(Waker::noop());
    for (said, rests) in [(&[GET][..], true), (&[GET, b"\r\n"], true), (&[GET, b"G"], false)] {
        let mut client = Client::of(said, Then::IsSilent);
        client.expect_request();
        assert!(client.next(&mut cx).is_pending());
        client.presence.rest();
        assert_eq!(matches!(client.next(&mut cx), Poll::Ready(Next::Idle)), rests);
    }
}
