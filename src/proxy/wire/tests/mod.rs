//! What is known of the bytes of clients, however they are cut.

mod agreement;
mod heads;
mod streams;

use super::framer::{Framer, Step};
use super::head::HeadLimits;
use crate::model::Limits;

fn limits() -> HeadLimits {
    HeadLimits::of(&Limits::default())
}

/// What became of a stream.
#[derive(Debug, PartialEq, Eq)]
struct Outcome {
    passed: Vec<u8>,
    heads: u64,
    /// What was said of the first byte that did not pass; of none, if all did.
    last: Option<Step>,
    /// Bytes that wait for more.
    waiting: usize,
}

/// Shows a framer these pieces, one after the other.
fn outcome(limits: HeadLimits, pieces: &[&[u8]]) -> Outcome {
    let mut framer = Framer::new(limits);
    let mut passed = Vec::new();
    let mut kept: Vec<u8> = Vec::new();
    let mut last = None;
    let mut heads = 0;
    'pieces: for piece in pieces {
        kept.extend_from_slice(piece);
        while !kept.is_empty() {
            match framer.step(&mut kept) {
                Step::Skip(count) => drop(kept.drain(..count)),
                Step::Head(count) => {
                    heads += 1;
                    let head: Vec<u8> = kept.drain(..count).collect();
                    passed.extend(framer.respell(&head).unwrap_or(head));
                }
                Step::Data(count) | Step::Frame(count) | Step::Trailers(count) => {
                    passed.extend(kept.drain(..count));
                }
                Step::Wait => break,
                step => {
                    last = Some(step);
                    break 'pieces;
                }
            }
        }
    }
    let waiting = if last.is_some() { 0 } else { kept.len() };
    Outcome { passed, heads, last, waiting }
}

/// The pieces of `stream` between `cuts`.
fn cut<'s>(stream: &'s [u8], cuts: &[usize]) -> Vec<&'s [u8]> {
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut % (stream.len() + 1)).collect();
    cuts.push(stream.len());
    cuts.sort_unstable();
    let mut from = 0;
    cuts.into_iter()
        .map(|to| {
            let piece = &stream[from..to];
            from = to;
            piece
        })
        .collect()
}
