//! Where the messages of a connection begin and end.

use super::chunks::{Chunks, Part};
use super::head::{Framing, Head, HeadLimits};
use super::refusal::{Refusal, Violation};

/// Empty lines before a head: a client may have sent one behind its last body (RFC 9112,
/// section 2.2).
const EMPTY_LINES_MAX: u8 = 8;

/// Follows the bytes of one connection, from one request to the next.
///
/// What it says of them does not depend on how they are cut into pieces.
#[derive(Debug)]
pub struct Framer {
    limits: HeadLimits,
    place: Place,
    /// The head that is arriving, or the last one that was whole.
    head: Head,
}

#[derive(Debug)]
enum Place {
    Between { lines: u8, after_cr: bool },
    Head,
    Length(u64),
    Chunks(Chunks),
    Refused(Refusal),
    Broken(Violation),
}

const BETWEEN: Place = Place::Between { lines: 0, after_cr: false };

/// What the bytes are that were shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The first so many are empty lines, which say nothing.
    Skip(usize),
    /// The first so many are a whole head.
    Head(usize),
    /// The first so many are content.
    Data(usize),
    /// The first so many tell chunks apart.
    Frame(usize),
    /// The first so many belong to the trailer section, its empty line included.
    Trailers(usize),
    /// All of them begin a head. They are to be shown again, with more behind them.
    Wait,
    /// The bytes begin a head that nobody shall read, nor anything behind it.
    Refuse(Refusal),
    /// The body that was arriving goes on with what is no part of one.
    Break(Violation),
}

impl Framer {
    pub fn new(limits: HeadLimits) -> Self {
        Self { limits, place: BETWEEN, head: Head::default() }
    }

    /// The last head, once it was whole.
    pub(in crate::proxy) fn head(&self) -> &Head {
        &self.head
    }

    /// `head`, which are the bytes of the last one, with its target in the spelling that
    /// goes on; `None` if that is the one it has.
    pub fn respell(&self, head: &[u8]) -> Option<Vec<u8>> {
        self.head.respell(head)
    }

    /// Whether nothing has begun: no request, and no empty line before one.
    pub(in crate::proxy) fn is_at_rest(&self) -> bool {
        matches!(self.place, Place::Between { after_cr: false, .. })
    }

    /// Bytes that the body is to have, if its head has told.
    pub(in crate::proxy) fn left(&self) -> Option<u64> {
        match self.place {
            Place::Length(left) => Some(left),
            _ => None,
        }
    }

    /// Whether a body has begun and more of it is to come.
    pub fn is_in_body(&self) -> bool {
        matches!(self.place, Place::Length(_) | Place::Chunks(_))
    }

    /// Judges the beginning of `bytes`, which are all that were not taken and must be at
    /// least one. A head of a later HTTP/1 is made one of HTTP/1.1, as which it is to be
    /// read.
    pub fn step(&mut self, bytes: &mut [u8]) -> Step {
        match &mut self.place {
            Place::Between { lines, after_cr } => match empty_lines(bytes, lines, after_cr) {
                Ok(0) => {
                    self.head.begin();
                    self.judge(bytes)
                }
                Ok(skipped) => Step::Skip(skipped),
                Err(refusal) => self.refuse(refusal),
            },
            Place::Head => self.judge(bytes),
            Place::Length(left) => {
                let here = bytes.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
                *left -= here as u64;
                if *left == 0 {
                    self.place = BETWEEN;
                }
                Step::Data(here)
            }
            Place::Chunks(chunks) => match chunks.part(bytes) {
                Ok(part) => {
                    if chunks.is_ended() {
                        self.place = BETWEEN;
                    }
                    match part {
                        Part::Frame(len) => Step::Frame(len),
                        Part::Data(len) => Step::Data(len),
                        Part::Trailers(len) => Step::Trailers(len),
                    }
                }
                Err(violation) => {
                    self.place = Place::Broken(violation);
                    Step::Break(violation)
                }
            },
            Place::Refused(refusal) => Step::Refuse(*refusal),
            Place::Broken(violation) => Step::Break(*violation),
        }
    }

    fn judge(&mut self, bytes: &mut [u8]) -> Step {
        match self.head.judge(bytes, &self.limits) {
            Ok(None) => {
                self.place = Place::Head;
                Step::Wait
            }
            Ok(Some(whole)) => {
                self.place = match whole.framing {
                    Framing::None | Framing::Length(0) => BETWEEN,
                    Framing::Length(length) => Place::Length(length),
                    Framing::Chunked => Place::Chunks(Chunks::new(self.limits.fields)),
                };
                Step::Head(whole.len)
            }
            Err(refusal) => self.refuse(refusal),
        }
    }

    fn refuse(&mut self, refusal: Refusal) -> Step {
        self.place = Place::Refused(refusal);
        Step::Refuse(refusal)
    }
}

/// How many bytes of empty lines there are.
fn empty_lines(bytes: &[u8], lines: &mut u8, after_cr: &mut bool) -> Result<usize, Refusal> {
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let refusal = match byte {
            b'\n' if *after_cr && *lines == EMPTY_LINES_MAX => Refusal::EmptyLines,
            b'\n' if *after_cr => {
                *lines += 1;
                *after_cr = false;
                at += 1;
                continue;
            }
            _ if *after_cr => Refusal::BareCarriageReturn,
            b'\n' => Refusal::BareLineFeed,
            b'\r' => {
                *after_cr = true;
                at += 1;
                continue;
            }
            _ => break,
        };
        // Met again as the first byte, if it is not.
        return if at == 0 { Err(refusal) } else { Ok(at) };
    }
    Ok(at)
}
