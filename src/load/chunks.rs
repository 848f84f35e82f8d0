//! Where a chunked body ends (RFC 9112, section 7.1).

/// The longest rest of a line with a size: what extensions there are mean nothing here.
const EXTENSION_MAX_BYTES: u32 = 4 * 1024;

/// The longest trailer section.
const TRAILERS_MAX_BYTES: u32 = 16 * 1024;

/// A size has so many digits at most: more would not fit 60 bits.
const SIZE_MAX_DIGITS: u8 = 15;

/// How far a chunked body is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Chunks {
    Size {
        digits: u8,
        value: u64,
    },
    Extension {
        bytes: u32,
        value: u64,
    },
    SizeEnd {
        value: u64,
    },
    Content {
        left: u64,
    },
    ContentEnd,
    ContentEndLine,
    /// `fresh`: at the start of a line.
    Trailers {
        bytes: u32,
        fresh: bool,
    },
    /// After a CR; `last`: of the empty line.
    TrailersLine {
        bytes: u32,
        last: bool,
    },
    Done,
}

/// The bytes are no chunks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NoChunks;

impl Chunks {
    pub(super) const START: Self = Self::Size { digits: 0, value: 0 };

    pub(super) fn is_done(self) -> bool {
        self == Self::Done
    }

    /// Reads on, up to the end of the body or of `bytes`: how many belong to it. Hands
    /// what is content on.
    pub(super) fn read(
        &mut self,
        bytes: &[u8],
        mut content: impl FnMut(&[u8]),
    ) -> Result<usize, NoChunks> {
        let mut at = 0;
        while at < bytes.len() && !self.is_done() {
            if let Self::Content { left } = *self {
                let here = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len() - at);
                content(&bytes[at..at + here]);
                at += here;
                let left = left - here as u64;
                *self = if left == 0 { Self::ContentEnd } else { Self::Content { left } };
            } else {
                *self = self.after(bytes[at])?;
                at += 1;
            }
        }
        Ok(at)
    }

    /// Takes one byte that is no content.
    fn after(self, byte: u8) -> Result<Self, NoChunks> {
        let next = match (self, byte) {
            (Self::Size { digits, value }, _) if byte.is_ascii_hexdigit() => {
                if digits == SIZE_MAX_DIGITS {
                    return Err(NoChunks);
                }
                let digit = char::from(byte).to_digit(16).ok_or(NoChunks)?;
                Self::Size { digits: digits + 1, value: value << 4 | u64::from(digit) }
            }
            (Self::Size { digits: 1.., value } | Self::Extension { value, .. }, b'\r') => {
                Self::SizeEnd { value }
            }
            (Self::Size { digits: 1.., value }, b';' | b' ' | b'\t') => {
                Self::Extension { bytes: 1, value }
            }
            (Self::Extension { bytes, value }, byte) if byte != b'\n' => {
                Self::Extension { bytes: bounded(bytes, EXTENSION_MAX_BYTES)?, value }
            }
            (Self::SizeEnd { value: 0 }, b'\n') => Self::Trailers { bytes: 0, fresh: true },
            (Self::SizeEnd { value }, b'\n') => Self::Content { left: value },
            (Self::ContentEnd, b'\r') => Self::ContentEndLine,
            (Self::ContentEndLine, b'\n') => Self::START,
            (Self::Trailers { bytes, fresh }, b'\r') => Self::TrailersLine { bytes, last: fresh },
            (Self::Trailers { bytes, .. }, byte) if byte != b'\n' => {
                Self::Trailers { bytes: bounded(bytes, TRAILERS_MAX_BYTES)?, fresh: false }
            }
            (Self::TrailersLine { last: true, .. }, b'\n') => Self::Done,
            (Self::TrailersLine { bytes, last: false }, b'\n') => {
                Self::Trailers { bytes, fresh: true }
            }
            _ => return Err(NoChunks),
        };
        Ok(next)
    }
}

fn bounded(bytes: u32, max: u32) -> Result<u32, NoChunks> {
    if bytes < max { Ok(bytes + 1) } else { Err(NoChunks) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The content of `bytes` read in pieces of this length, and what follows the body.
    fn read(bytes: &[u8], piece: usize) -> Result<(Vec<u8>, usize, bool), NoChunks> {
        let (mut chunks, mut content, mut read) = (Chunks::START, Vec::new(), 0);
        for piece in bytes.chunks(piece) {
            let taken = chunks.read(piece, |octets| content.extend_from_slice(octets))?;
            read += taken;
            if taken < piece.len() {
                break;
            }
        }
        Ok((content, read, chunks.is_done()))
    }

    #[test]
    fn chunks_end_where_they_say_whatever_the_pieces() {
        let body = b"5;a=b\r\nhello\r\n00A \r\n0123456789\r\n0\r\nx: y\r\nz: \r\n\r\n";
        let more = [&body[..], b"HTTP/1.1 200"].concat();
        for piece in 1..more.len() {
            let (content, taken, done) = read(&more, piece).unwrap();
            assert_eq!(
                (content.as_slice(), taken, done),
                (&b"hello0123456789"[..], body.len(), true)
            );
        }
    }

    #[test]
    fn what_is_no_chunk_is_refused() {
        for body in [
            "\r\n",
            "x\r\n",
            "5\nhello\r\n",
            "5\r\nhello!",
            "5\r\nhello\n",
            "-5\r\n",
            "0x5\r\n",
            "1000000000000000\r\n",
            "0\r\nx\n\r\n",
            "0\r\n\r\r",
            "5;\n",
        ] {
            assert_eq!(read(body.as_bytes(), 3), Err(NoChunks), "{body:?}");
        }
        let endless = format!("5;{}", "x".repeat(5_000));
        assert_eq!(read(endless.as_bytes(), 100), Err(NoChunks));
        let endless = format!("0\r\n{}", "x: y\r\n".repeat(5_000));
        assert_eq!(read(endless.as_bytes(), 100), Err(NoChunks));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_alike_in_any_pieces(
            bytes in prop::collection::vec(prop::sample::select(&b"0159aAf;\r\n x"[..]), 0..60),
            piece in 1..20_usize,
        ) {
            prop_assert_eq!(read(&bytes, piece), read(&bytes, 1.max(bytes.len())));
        }
    }
}
