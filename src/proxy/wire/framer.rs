//! Where the messages of a connection begin and end.

use super::chunks::Chunks;
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
    heads: u64,
}

#[derive(Debug)]
enum Place {
    Between { lines: u8, after_cr: bool },
    Head(Head),
    Length(u64),
    Chunks(Chunks),
    Refused(Refusal),
    Broken(Violation),
}

const BETWEEN: Place = Place::Between { lines: 0, after_cr: false };

/// What becomes of the bytes that were shown.
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    /// The first so many are dropped: they are empty lines.
    Skip(usize),
    /// The first so many go on: a whole head, or a part of a body.
    Pass(usize),
    /// The first so many are a whole head, in the place of which this one goes on: its
    /// target is spelled otherwise, and says the same.
    PassAs(usize, Vec<u8>),
    /// All of them begin a head. They are to be shown again, with more behind them.
    Wait,
    /// The bytes begin a head that nobody shall read, nor anything behind it.
    Refuse(Refusal),
    /// The body that was passing goes on with what is no part of one.
    Break(Violation),
}

impl Framer {
    pub fn new(limits: HeadLimits) -> Self {
        Self { limits, place: BETWEEN, heads: 0 }
    }

    /// How many heads have passed.
    pub fn heads(&self) -> u64 {
        self.heads
    }

    /// Whether no request has begun, or one has and all of it has passed: what comes next
    /// is for the next one.
    pub fn is_between(&self) -> bool {
        matches!(self.place, Place::Between { .. })
    }

    /// Whether a body has begun and more of it is to come.
    pub fn is_in_body(&self) -> bool {
        matches!(self.place, Place::Length(_) | Place::Chunks(_))
    }

    /// Judges the beginning of `bytes`, which are all that have not passed and must be at
    /// least one. A head of a later HTTP/1 is made one of HTTP/1.1, as which it is to be
    /// read.
    pub fn step(&mut self, bytes: &mut [u8]) -> Step {
        match &mut self.place {
            Place::Between { lines, after_cr } => match empty_lines(bytes, lines, after_cr) {
                Ok(0) => self.head(Head::default(), bytes),
                Ok(skipped) => Step::Skip(skipped),
                Err(refusal) => self.refuse(refusal),
            },
            Place::Head(head) => {
                let head = std::mem::take(head);
                self.head(head, bytes)
            }
            Place::Length(left) => {
                let here = bytes.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
                *left -= here as u64;
                if *left == 0 {
                    self.place = BETWEEN;
                }
                Step::Pass(here)
            }
            Place::Chunks(chunks) => match chunks.pass(bytes) {
                Ok(passed) => {
                    if chunks.is_ended() {
                        self.place = BETWEEN;
                    }
                    Step::Pass(passed)
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

    fn head(&mut self, mut head: Head, bytes: &mut [u8]) -> Step {
        match head.judge(bytes, &self.limits) {
            Ok(None) => {
                self.place = Place::Head(head);
                Step::Wait
            }
            Ok(Some(whole)) => {
                self.heads += 1;
                self.place = match whole.framing {
                    Framing::None | Framing::Length(0) => BETWEEN,
                    Framing::Length(length) => Place::Length(length),
                    Framing::Chunked => Place::Chunks(Chunks::new(self.limits.fields)),
                };
                match head.respell(&bytes[..whole.len]) {
                    None => Step::Pass(whole.len),
                    Some(respelled) => Step::PassAs(whole.len, respelled),
                }
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
