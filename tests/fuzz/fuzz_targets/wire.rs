//! What clients of HTTP/1.1 send: whatever the bytes, and however they are cut, the same
//! of them pass. A head that passes is one to the parser of hyper, whole and to the byte.

#![no_main]

use http::{HeaderName, HeaderValue, Method, Uri};
use libfuzzer_sys::fuzz_target;
use serin::model::Limits;
use serin::proxy::wire::{Framer, HeadLimits, Step};

/// Limits that short inputs meet.
const TIGHT: HeadLimits = HeadLimits { head_bytes: 100, fields: 3, target_bytes: 20 };

#[derive(Debug, Default, PartialEq, Eq)]
struct Outcome {
    passed: Vec<u8>,
    heads: usize,
    refused: Option<Step>,
    waiting: usize,
}

fuzz_target!(|input: (bool, &[u8], Vec<u8>)| {
    let (tight, stream, lengths) = input;
    let limits = if tight { TIGHT } else { HeadLimits::of(&Limits::default()) };
    let whole = outcome(limits, [stream].into_iter());
    assert_eq!(outcome(limits, stream.chunks(1)), whole, "byte by byte");
    assert_eq!(outcome(limits, pieces(stream, &lengths)), whole, "{lengths:?}");
});

/// `stream` in pieces of these lengths, over and over.
fn pieces<'s>(mut stream: &'s [u8], lengths: &[u8]) -> impl Iterator<Item = &'s [u8]> {
    let mut lengths = lengths.iter().map(|&length| usize::from(length).max(1)).cycle();
    std::iter::from_fn(move || {
        if stream.is_empty() {
            return None;
        }
        let length = lengths.next().unwrap_or(stream.len()).min(stream.len());
        let (piece, rest) = stream.split_at(length);
        stream = rest;
        Some(piece)
    })
}

/// What becomes of these pieces.
fn outcome<'s>(limits: HeadLimits, pieces: impl Iterator<Item = &'s [u8]>) -> Outcome {
    let mut framer = Framer::new(limits);
    let mut outcome = Outcome::default();
    let mut kept = Vec::new();
    'pieces: for piece in pieces {
        kept.extend_from_slice(piece);
        while !kept.is_empty() {
            match framer.step(&mut kept) {
                Step::Skip(count) => drop(kept.drain(..count)),
                Step::Head(count) => {
                    assert!(count > 0, "a step leads on");
                    outcome.heads += 1;
                    let head: Vec<u8> = kept.drain(..count).collect();
                    let head = match framer.respell(&head) {
                        Some(respelled) => {
                            assert!(respelled.len() > count);
                            respelled
                        }
                        None => head,
                    };
                    expect_head(limits, &head, count);
                    outcome.passed.extend(head);
                }
                Step::Data(count) | Step::Frame(count) | Step::Trailers(count) => {
                    assert!(count > 0, "a step leads on");
                    outcome.passed.extend(kept.drain(..count));
                }
                Step::Wait => {
                    assert!(kept.len() <= limits.head_bytes, "no more is kept than a head has");
                    break;
                }
                refused @ (Step::Refuse(_) | Step::Break(_)) => {
                    assert_eq!(framer.step(&mut kept), refused, "there is no way back");
                    outcome.refused = Some(refused);
                    kept.clear();
                    break 'pieces;
                }
            }
        }
    }
    Outcome { waiting: kept.len(), ..outcome }
}

/// Asserts that `head` is one, whose client has written so many bytes of it.
fn expect_head(limits: HeadLimits, head: &[u8], written: usize) {
    assert!(written <= limits.head_bytes);
    let mut fields = vec![httparse::EMPTY_HEADER; limits.fields];
    let mut request = httparse::Request::new(&mut fields);
    assert_eq!(request.parse(head), Ok(httparse::Status::Complete(head.len())));
    let [method, target] = [request.method, request.path].map(|part| part.expect("it is parsed"));
    assert!(Method::from_bytes(method.as_bytes()).is_ok(), "{method}");
    assert!(target.len() - (head.len() - written) <= limits.target_bytes, "{target}");
    assert!(target.parse::<Uri>().is_ok(), "{target}");
    for field in request.headers {
        assert!(HeaderName::from_bytes(field.name.as_bytes()).is_ok(), "{}", field.name);
        assert!(HeaderValue::from_bytes(field.value).is_ok(), "{}", field.value.escape_ascii());
    }
}
