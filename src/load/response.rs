//! A response of HTTP/1.1, read without believing it.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;

use tokio::io::{AsyncRead, AsyncReadExt, ReadBuf};

use super::chunks::Chunks;
use super::fault::Fault;
use super::head::{Answer, Framing, HEAD_MAX_BYTES, Reading, head};

/// What is read at once, and the room that a connection holds.
const BUFFER_BYTES: usize = 16 * 1024;

/// The most provisional responses (1xx) before the final one.
const PROVISIONAL_MAX: usize = 16;

/// Of a body in which a version is named, as much is kept and searched.
pub(super) const BODY_KEPT_MAX_BYTES: usize = 64 * 1024;

/// Bytes that have come and are not read yet: those from `start` to `end`.
pub(super) struct Buffer {
    bytes: Vec<u8>,
    start: usize,
    end: usize,
    kept: Vec<u8>,
}

impl Buffer {
    pub(super) fn new() -> Self {
        Self { bytes: vec![0; BUFFER_BYTES], start: 0, end: 0, kept: Vec::new() }
    }

    pub(super) fn clear(&mut self) {
        (self.start, self.end) = (0, 0);
    }

    fn unread(&self) -> &[u8] {
        &self.bytes[self.start..self.end]
    }

    /// Reads what comes next, at least one byte.
    async fn fill(&mut self, stream: &mut (impl AsyncRead + Unpin)) -> Result<(), Fault> {
        if self.start == self.end {
            self.clear();
        } else if self.end == self.bytes.len() {
            if self.start > 0 {
                self.bytes.copy_within(self.start..self.end, 0);
                (self.start, self.end) = (0, self.end - self.start);
            } else if self.bytes.len() < HEAD_MAX_BYTES {
                self.bytes.resize(HEAD_MAX_BYTES, 0);
            } else {
                return Err(Fault::BadResponse);
            }
        }
        match stream.read(&mut self.bytes[self.end..]).await {
            Ok(0) => Err(Fault::Closed),
            Ok(read) => {
                self.end += read;
                Ok(())
            }
            Err(error) => Err(Fault::of(&error)),
        }
    }

    /// Reads one response to its end.
    pub(super) async fn response(
        &mut self,
        stream: &mut (impl AsyncRead + Unpin),
        reading: &Reading,
    ) -> Result<Answer, Fault> {
        let mut provisional = 0;
        let head = loop {
            match head(self.unread(), reading)? {
                Some(head) if (100..200).contains(&head.answer.status) => {
                    provisional += 1;
                    if head.answer.status == 101 || provisional > PROVISIONAL_MAX {
                        return Err(Fault::BadResponse);
                    }
                    self.start += head.bytes;
                    continue;
                }
                Some(head) => break head,
                None => {}
            }
            self.fill(stream).await?;
        };
        self.start += head.bytes;
        let keeps_body = reading.from.field().is_none();
        self.kept.clear();
        self.body(stream, head.framing, keeps_body).await?;
        let mut answer = head.answer;
        if keeps_body {
            reading.from.in_body(&self.kept, |octets| {
                answer.version = Some(reading.known.borrow_mut().number(octets));
            });
        }
        if self.start < self.end {
            // Nothing was asked that this could be an answer to, and what comes on this
            // connection from here on could be an answer to anything.
            (answer.more, answer.keeps) = (true, false);
        }
        Ok(answer)
    }

    async fn body(
        &mut self,
        stream: &mut (impl AsyncRead + Unpin),
        framing: Framing,
        keeps: bool,
    ) -> Result<(), Fault> {
        match framing {
            Framing::Nothing => Ok(()),
            Framing::Length(mut left) => loop {
                let here = usize::try_from(left).unwrap_or(usize::MAX).min(self.end - self.start);
                self.pass(here, keeps);
                left -= here as u64;
                if left == 0 {
                    return Ok(());
                }
                self.fill(stream).await?;
            },
            Framing::Chunked => {
                let mut chunks = Chunks::START;
                loop {
                    let (unread, kept) = (&self.bytes[self.start..self.end], &mut self.kept);
                    let read = chunks.read(unread, |content| {
                        if keeps {
                            keep(kept, content);
                        }
                    });
                    self.start += read.map_err(|_| Fault::BadResponse)?;
                    if chunks.is_done() {
                        return Ok(());
                    }
                    self.fill(stream).await?;
                }
            }
            Framing::UntilClose => loop {
                self.pass(self.end - self.start, keeps);
                match self.fill(stream).await {
                    Ok(()) => {}
                    Err(Fault::Closed) => return Ok(()),
                    Err(fault) => return Err(fault),
                }
            },
        }
    }

    /// Goes past bytes of the body.
    fn pass(&mut self, count: usize, keeps: bool) {
        if keeps {
            keep(&mut self.kept, &self.bytes[self.start..self.start + count]);
        }
        self.start += count;
    }
}

fn keep(kept: &mut Vec<u8>, content: &[u8]) {
    let room = BODY_KEPT_MAX_BYTES - kept.len();
    kept.extend_from_slice(&content[..content.len().min(room)]);
}

/// What a connection does that nobody waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rest {
    Quiet,
    /// It is of no more use.
    Ended,
    /// It says what nobody has asked for.
    Speaks,
}

/// How some servers end a connection that has rested for long (RFC 9110, section 15.5.9).
const TOO_LATE: &[u8] = b" 408";

/// Looks at a connection that rests.
pub(super) async fn rest(stream: &mut (impl AsyncRead + Unpin)) -> Rest {
    // As much as a status needs.
    let mut octets = [0; b"HTTP/1.1 408".len()];
    poll_fn(|context| {
        let mut room = ReadBuf::new(&mut octets);
        Poll::Ready(match Pin::new(&mut *stream).poll_read(context, &mut room) {
            Poll::Pending => Rest::Quiet,
            Poll::Ready(Ok(())) if room.filled().is_empty() => Rest::Ended,
            Poll::Ready(Ok(())) if room.filled().ends_with(TOO_LATE) => Rest::Ended,
            Poll::Ready(Ok(())) => Rest::Speaks,
            Poll::Ready(Err(_)) => Rest::Ended,
        })
    })
    .await
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::io;
    use std::sync::Arc;
    use std::task::Context;

    use proptest::prelude::*;

    use super::super::head::FIELDS_MAX;
    use super::super::version::{Known, Pattern, VersionFrom, Versions};
    use super::*;

    fn header() -> VersionFrom {
        VersionFrom::Header("X-Version".to_owned())
    }

    /// What is made of bytes that come in pieces of this length and end with a close.
    fn answered(
        bytes: &[u8],
        piece: usize,
        from: &VersionFrom,
        is_head: bool,
    ) -> Result<(u16, Option<String>, bool), Fault> {
        let versions = Arc::new(Versions::default());
        let known = RefCell::new(Known::new(versions.clone()));
        let reading = Reading { from: from.clone(), known, is_head };
        let mut stream = Pieces { bytes, piece };
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let answer = runtime.block_on(Buffer::new().response(&mut stream, &reading))?;
        let name = answer.version.map(|number| versions.names()[number].clone());
        Ok((answer.status, name, answer.keeps))
    }

    struct Pieces<'a> {
        bytes: &'a [u8],
        piece: usize,
    }

    impl AsyncRead for Pieces<'_> {
        fn poll_read(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            room: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            let count = self.piece.min(room.remaining()).min(self.bytes.len());
            room.put_slice(&self.bytes[..count]);
            self.bytes = &self.bytes[count..];
            Poll::Ready(Ok(()))
        }
    }

    #[test]
    fn responses_end_where_they_say_whatever_the_pieces() {
        let ok = "HTTP/1.1 200 OK\r\nx-version: v1\r\n";
        for (bytes, keeps) in [
            (format!("{ok}content-length: 5\r\n\r\nhello"), true),
            (format!("{ok}Content-Length: 5, 5\r\nconnection: x, Close\r\n\r\nhello"), false),
            (format!("{ok}transfer-encoding: Chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"), true),
            (format!("{ok}\r\nto the end"), false),
            (format!("{ok}transfer-encoding: gzip\r\n\r\nto the end"), false),
            (format!("HTTP/1.1 100 Continue\r\n\r\n{ok}content-length: 0\r\n\r\n"), true),
            ("HTTP/1.0 200 OK\r\nx-version: v1\r\ncontent-length: 0\r\n\r\n".to_owned(), false),
        ] {
            for piece in [1, 7, 1_000] {
                let answer = answered(bytes.as_bytes(), piece, &header(), false);
                assert_eq!(answer, Ok((200, Some("v1".to_owned()), keeps)), "{bytes} by {piece}");
            }
        }
        for (bytes, is_head) in [
            ("HTTP/1.1 204 No\r\ncontent-length: 5\r\n\r\n", false),
            ("HTTP/1.1 304 Same\r\ncontent-length: 5\r\n\r\n", false),
            ("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n", true),
        ] {
            let answer = answered(bytes.as_bytes(), 9, &header(), is_head).unwrap();
            assert!(answer.2, "{bytes}");
        }
    }

    #[test]
    fn what_is_no_response_is_a_fault() {
        let ok = "HTTP/1.1 200 OK\r\n";
        for bytes in [
            "hello\r\n\r\n".to_owned(),
            format!("{ok}content-length: x\r\n\r\n"),
            format!("{ok}content-length: +5\r\n\r\nhello"),
            format!("{ok}content-length: 99999999999999999999\r\n\r\n"),
            format!("{ok}content-length: 5\r\ncontent-length: 6\r\n\r\nhello"),
            format!(
                "{ok}content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
            ),
            format!("{ok}transfer-encoding: chunked\r\n\r\nhello"),
            "HTTP/1.1 101 Switching\r\n\r\n".to_owned(),
            "HTTP/1.1 100 Continue\r\n\r\n".repeat(17),
            format!("{ok}{}\r\n", "x: y\r\n".repeat(FIELDS_MAX + 1)),
            format!("{ok}x: {}", "y".repeat(HEAD_MAX_BYTES)),
        ] {
            let fault = answered(bytes.as_bytes(), 4_096, &header(), false);
            assert_eq!(fault, Err(Fault::BadResponse), "{bytes:.80}");
        }
        for bytes in ["", "HTTP/1.1 200", "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhell"] {
            let fault = answered(bytes.as_bytes(), 4_096, &header(), false);
            assert_eq!(fault, Err(Fault::Closed), "{bytes}");
        }
    }

    #[test]
    fn what_comes_after_a_response_is_more_than_was_asked_for() {
        let ok = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n";
        let versions = Arc::new(Versions::default());
        let reading =
            Reading { from: header(), known: RefCell::new(Known::new(versions)), is_head: false };
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        for (bytes, more) in [
            (format!("{ok}\r\n"), false),
            (format!("{ok}\r\n{ok}\r\n"), true),
            (format!("{ok}connection: close\r\n\r\n!"), true),
        ] {
            let mut stream = Pieces { bytes: bytes.as_bytes(), piece: 1_000 };
            let answer = runtime.block_on(Buffer::new().response(&mut stream, &reading)).unwrap();
            assert_eq!((answer.status, answer.more), (200, more), "{bytes}");
            assert!(!more || !answer.keeps);
        }
        for (bytes, found) in [
            ("", Rest::Ended),
            ("HTTP/1.1 408 Request Timeout\r\n\r\n", Rest::Ended),
            ("HTTP/1.1 200 OK\r\n\r\n", Rest::Speaks),
            ("\r\n", Rest::Speaks),
        ] {
            let mut stream = Pieces { bytes: bytes.as_bytes(), piece: 1_000 };
            assert_eq!(runtime.block_on(rest(&mut stream)), found, "{bytes}");
        }
    }

    #[test]
    fn a_version_is_found_in_a_body_however_it_is_framed() {
        let from = VersionFrom::Pattern(Pattern::new("by (v[0-9]+)").unwrap());
        for bytes in [
            "HTTP/1.1 200 OK\r\ncontent-length: 12\r\n\r\nserved by v2",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n9\r\nserved by\r\n3\r\n v2\r\n0\r\n\r\n",
            "HTTP/1.1 200 OK\r\n\r\nserved by v2",
        ] {
            let (_, version, _) = answered(bytes.as_bytes(), 5, &from, false).unwrap();
            assert_eq!(version.as_deref(), Some("v2"), "{bytes}");
        }
    }

    proptest! {
        #[test]
        fn hostile_bytes_are_no_more_than_a_fault(
            bytes in prop::collection::vec(any::<u8>(), 0..200), piece in 1..50_usize,
        ) {
            drop(answered(&bytes, piece, &header(), false));
            let whole = [b"HTTP/1.1 200 OK\r\n", &bytes[..]].concat();
            drop(answered(&whole, piece, &header(), false));
            let chunked = [b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", &bytes[..]];
            drop(answered(&chunked.concat(), piece, &header(), false));
        }
    }
}
