//! The content of a response, as it is framed (RFC 9112, section 6).

use std::task::Poll;

use bytes::{Buf, Bytes, BytesMut};
use http_body::{Frame, SizeHint};

use super::broken::Broken;
use super::response::parse_trailers;
use crate::proxy::wire::{Chunks, Part};

/// Where content ends.
#[derive(Debug)]
pub(super) enum Framing {
    /// It has, or there is none.
    Ended,
    /// Behind so many bytes.
    Length(u64),
    Chunked(Box<Chunked>),
    UntilClose,
}

#[derive(Debug)]
pub(super) struct Chunked {
    chunks: Chunks,
    /// What there is of the trailer section.
    trailers: BytesMut,
    fields_max: usize,
}

impl Framing {
    pub(super) fn of_length(length: u64) -> Self {
        if length == 0 { Self::Ended } else { Self::Length(length) }
    }

    pub(super) fn chunked(fields_max: usize) -> Self {
        let chunks = Chunks::of_response(fields_max);
        Self::Chunked(Box::new(Chunked { chunks, trailers: BytesMut::new(), fields_max }))
    }

    pub(super) fn has_ended(&self) -> bool {
        matches!(self, Self::Ended)
    }

    pub(super) fn size_hint(&self) -> SizeHint {
        match self {
            Self::Ended => SizeHint::with_exact(0),
            Self::Length(left) => SizeHint::with_exact(*left),
            Self::Chunked(_) | Self::UntilClose => SizeHint::default(),
        }
    }

    /// Bytes that are known to come behind so many that were `read`.
    pub(super) fn coming(&self, read: usize) -> u64 {
        match self {
            Self::Length(left) => left.saturating_sub(read as u64),
            Self::Ended | Self::Chunked(_) | Self::UntilClose => 0,
        }
    }

    /// Takes what `read` begins with: pending where more is to be read, `None` at the end.
    pub(super) fn take(
        &mut self,
        read: &mut BytesMut,
    ) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        match self {
            Self::Ended => Poll::Ready(None),
            _ if read.is_empty() => Poll::Pending,
            Self::Length(left) => {
                let here = read.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
                *self = Self::of_length(*left - here as u64);
                Poll::Ready(Some(Ok(Frame::data(read.split_to(here).freeze()))))
            }
            Self::UntilClose => Poll::Ready(Some(Ok(Frame::data(read.split().freeze())))),
            Self::Chunked(chunked) => {
                let taken = chunked.take(read);
                if chunked.chunks.is_ended() {
                    *self = Self::Ended;
                }
                taken
            }
        }
    }

    /// The connection was closed: whether that is an end.
    pub(super) fn close(&mut self) -> Result<(), Broken> {
        match self {
            Self::Ended => Ok(()),
            Self::UntilClose => {
                *self = Self::Ended;
                Ok(())
            }
            Self::Length(_) | Self::Chunked(_) => Err(Broken::Ended),
        }
    }
}

impl Chunked {
    fn take(&mut self, read: &mut BytesMut) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        while !read.is_empty() {
            match self.chunks.part(read) {
                Ok(Part::Frame(len)) => read.advance(len),
                Ok(Part::Data(len)) => {
                    return Poll::Ready(Some(Ok(Frame::data(read.split_to(len).freeze()))));
                }
                Ok(Part::Trailers(len)) => {
                    self.trailers.extend_from_slice(&read.split_to(len));
                    if self.chunks.is_ended() {
                        return Poll::Ready(self.end());
                    }
                }
                Err(violation) => return Poll::Ready(Some(Err(violation.into()))),
            }
        }
        Poll::Pending
    }

    fn end(&mut self) -> Option<Result<Frame<Bytes>, Broken>> {
        let section = self.trailers.split().freeze();
        match parse_trailers(&section, self.fields_max) {
            Ok(fields) if fields.is_empty() => None,
            Ok(fields) => Some(Ok(Frame::trailers(fields))),
            Err(broken) => Some(Err(broken)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The data, the trailers and the end of what comes in pieces of `cut` bytes.
    fn taken(
        mut framing: Framing,
        bytes: &[u8],
        cut: usize,
    ) -> Result<(Vec<u8>, usize, bool), Broken> {
        let (mut data, mut trailers, mut read) = (Vec::new(), 0, BytesMut::new());
        for piece in bytes.chunks(cut) {
            read.extend_from_slice(piece);
            while let Poll::Ready(Some(frame)) = framing.take(&mut read) {
                match frame?.into_data() {
                    Ok(more) => data.extend_from_slice(&more),
                    Err(frame) => trailers += frame.into_trailers().map_or(0, |map| map.len()),
                }
            }
        }
        Ok((data, trailers, framing.has_ended()))
    }

    #[test]
    fn content_is_the_same_however_it_is_cut() {
        let chunks = b"3;a=b\r\nabc\r\n00a \t;c\r\n0123456789\r\n0\r\nx-sum: 1\r\ny: 2\r\n\r\n";
        for cut in 1..=chunks.len() {
            let (data, trailers, ended) = taken(Framing::chunked(9), chunks, cut).unwrap();
            assert_eq!((&data[..], trailers, ended), (&b"abc0123456789"[..], 2, true), "{cut}");
            let (data, _, ended) = taken(Framing::of_length(5), b"abcde", cut).unwrap();
            assert_eq!((&data[..], ended), (&b"abcde"[..], true));
        }
        let (data, _, ended) = taken(Framing::UntilClose, b"abc", 2).unwrap();
        assert_eq!((&data[..], ended), (&b"abc"[..], false));
    }

    #[test]
    fn what_follows_content_is_left() {
        for (mut framing, content) in
            [(Framing::of_length(2), &b"abHTTP"[..]), (Framing::chunked(9), b"0\r\n\r\nHTTP")]
        {
            let mut read = BytesMut::from(content);
            while let Poll::Ready(Some(_)) = framing.take(&mut read) {}
            assert!(framing.has_ended());
            assert_eq!(read, "HTTP");
        }
    }

    #[test]
    fn chunks_that_are_none_break_off() {
        for chunks in ["x\r\n", "1\nab", "1\r\nabc", " 1\r\n", "0\r\na b: c\r\n\r\n", "+1\r\na\r\n"]
        {
            assert!(taken(Framing::chunked(9), chunks.as_bytes(), 1).is_err(), "{chunks:?}");
        }
        assert!(Framing::chunked(9).close().is_err());
        assert!(Framing::of_length(1).close().is_err());
        assert!(Framing::UntilClose.close().is_ok());
    }
}
