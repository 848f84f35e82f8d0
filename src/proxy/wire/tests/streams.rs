//! Requests one after the other, and what stands between them.

use proptest::prelude::*;
use proptest::sample::select;

use super::super::framer::Step;
use super::super::refusal::{Refusal, Violation};
use super::{HeadLimits, cut, limits, outcome};

const CHUNKED: &str = "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n";

/// What is said of this body, and of it byte by byte.
fn chunked(body: &[u8]) -> Option<Step> {
    let stream = [CHUNKED.as_bytes(), body].concat();
    let whole = outcome(limits(), &[&stream]);
    let bytes: Vec<&[u8]> = stream.chunks(1).collect();
    assert_eq!(whole, outcome(limits(), &bytes), "{}", body.escape_ascii());
    whole.last
}

#[test]
fn odd_but_legal_chunks_pass() {
    for body in [
        &b"0\r\n\r\n"[..],
        b"2\r\nhi\r\n0\r\n\r\n",
        b"a\r\n0123456789\r\n0\r\n\r\n",
        b"A\r\n0123456789\r\n0\r\n\r\n",
        b"0000000000000002\r\nhi\r\n000\r\n\r\n",
        b"2;a\r\nhi\r\n0;b=c;d=\"e f\"\r\n\r\n",
        b"2 \t; a=b\r\nhi\r\n0\r\n\r\n",
        b"2\r\n\r\n\r\n0\r\n\r\n",
        b"0\r\nx-sum: 1\r\ny:\r\n\r\n",
    ] {
        let next = [body, b"GET / HTTP/1.1\r\n\r\n"].concat();
        assert_eq!(chunked(&next), None, "{}", body.escape_ascii());
        let stream = [CHUNKED.as_bytes(), &next].concat();
        let outcome = outcome(limits(), &[&stream]);
        assert_eq!((outcome.heads, outcome.passed), (2, stream));
    }
}

#[test]
fn chunks_that_two_could_read_differently_break_off() {
    for (body, violation) in [
        (&b"\r\n"[..], Violation::ChunkSize),
        (b"\n", Violation::ChunkSize),
        (b"x", Violation::ChunkSize),
        (b" 2\r\n", Violation::ChunkSize),
        (b"+2\r\n", Violation::ChunkSize),
        (b"-2\r\n", Violation::ChunkSize),
        (b"0x2\r\n", Violation::ChunkSize),
        (b"2_0\r\n", Violation::ChunkSize),
        (b"2 \r\n", Violation::ChunkSize),
        (b"2 0\r\n", Violation::ChunkSize),
        (b"2\n", Violation::ChunkSize),
        (b"2\rx", Violation::ChunkSize),
        (b";a\r\n", Violation::ChunkSize),
        (b"00000000000000002\r\n", Violation::ChunkSize),
        (b"2;a\n", Violation::ChunkExtension),
        (b"2;a\0\r\n", Violation::ChunkExtension),
        (b"2;a\rb", Violation::ChunkSize),
        (b"2\r\nhi!", Violation::ChunkEnd),
        (b"2\r\nhi\n", Violation::ChunkEnd),
        (b"2\r\nhi\rx", Violation::ChunkEnd),
        (b"2\r\nhi0\r\n", Violation::ChunkEnd),
        (b"0\r\n\n", Violation::Trailer),
        (b"0\r\n\rx", Violation::Trailer),
        (b"0\r\nx\r\n", Violation::Trailer),
        (b"0\r\nx y\r\n", Violation::Trailer),
        (b"0\r\n: y\r\n", Violation::Trailer),
        (b"0\r\nx : y\r\n", Violation::Trailer),
        (b"0\r\n x: y\r\n", Violation::Trailer),
        (b"0\r\nx: y\n", Violation::Trailer),
        (b"0\r\nx: y\0", Violation::Trailer),
        (b"0\r\nx: y\r\n z", Violation::Trailer),
        (b"0\r\nGET / HTTP/1.1\r\n", Violation::Trailer),
    ] {
        assert_eq!(chunked(body), Some(Step::Break(violation)), "{}", body.escape_ascii());
    }
}

#[test]
fn extensions_and_trailers_have_an_end() {
    let many = |line: &str, count: usize| line.repeat(count).into_bytes();
    let extension = |len: usize| format!("1;{}\r\nx\r\n", "a".repeat(len - 1)).into_bytes();
    assert_eq!(chunked(&extension(4 << 10)), None);
    let long = Some(Step::Break(Violation::ChunkExtension));
    assert_eq!(chunked(&extension((4 << 10) + 1)), long);
    assert_eq!(chunked(&extension(3 << 10).repeat(4)), None);
    assert_eq!(chunked(&extension(3 << 10).repeat(5)), long);

    let trailers = |lines: Vec<u8>| [b"0\r\n", &lines[..], b"\r\n"].concat();
    let long = Some(Step::Break(Violation::TrailersTooLong));
    assert_eq!(chunked(&trailers(many("x: y\r\n", 64))), None);
    assert_eq!(chunked(&trailers(many("x: y\r\n", 65))), long);
    assert_eq!(chunked(&trailers(many("x", (8 << 10) + 1))), long);
}

#[test]
fn empty_lines_before_a_request_are_dropped_and_few_are_borne() {
    let get = "GET / HTTP/1.1\r\n\r\n";
    let stream = format!("\r\n{get}\r\n\r\n{get}{}{get}\r\n", "\r\n".repeat(8));
    let outcome_of = |stream: &str| outcome(limits(), &[stream.as_bytes()]);
    assert_eq!(outcome_of(&stream).passed, get.repeat(3).as_bytes());
    assert_eq!(outcome_of(&stream).waiting, 0, "an empty line begins no head");
    for (stream, refusal) in [
        (format!("{}{get}", "\r\n".repeat(9)), Refusal::EmptyLines),
        (format!("\n{get}"), Refusal::BareLineFeed),
        (format!("\r\n\n{get}"), Refusal::BareLineFeed),
        (format!("\r{get}"), Refusal::BareCarriageReturn),
        (format!("\r\r\n{get}"), Refusal::BareCarriageReturn),
    ] {
        let bytes: Vec<&[u8]> = stream.as_bytes().chunks(1).collect();
        for outcome in [outcome_of(&stream), outcome(limits(), &bytes)] {
            assert_eq!(outcome.last, Some(Step::Refuse(refusal)), "{stream:?}");
            assert!(outcome.passed.is_empty());
        }
    }
}

/// Requests that may be good, and may have something in them that is not.
pub(in crate::proxy) fn stream() -> impl Strategy<Value = Vec<u8>> {
    let line = select(vec![
        "x: y\r\n",
        "x:\r\n",
        "x: \t\u{e9}\t \r\n",
        "connection: keep-alive\r\n",
        "content-length: 3\r\n",
        "content-length: 0\r\n",
        "transfer-encoding: chunked\r\n",
        "Transfer-Encoding: CHUNKED\r\n",
        "x: y\n",
        "x : y\r\n",
        " x: y\r\n",
        "x: \0\r\n",
        "expect: 100-continue\r\n",
    ]);
    let body = select(vec![
        "",
        "",
        "abc",
        "0\r\n\r\n",
        "3\r\nabc\r\n0\r\n\r\n",
        "3;a=b\r\nabc\r\n0\r\nx: y\r\n\r\n",
        "\r\n",
        "3\r\nabcd\r\n",
        "3 \r\nabc\r\n0\r\n\r\n",
    ]);
    let target = select(vec!["/", "/a?b", "/<", "/?\"<>\"`", "http://a/`"]);
    let message = (target, proptest::collection::vec(line, 0..3), body);
    let messages = proptest::collection::vec(message, 1..4);
    let change = (any::<usize>(), select(b"\r\n\0 :,;0aG<\x80".to_vec()));
    (messages, proptest::option::weighted(0.3, change)).prop_map(|(messages, change)| {
        let mut stream = Vec::new();
        for (target, lines, body) in messages {
            stream.extend(format!("POST {target} HTTP/1.1\r\nhost: a\r\n").bytes());
            stream.extend(lines.concat().bytes());
            stream.extend(b"\r\n");
            stream.extend(body.bytes());
        }
        if let Some((at, byte)) = change {
            let at = at % stream.len();
            stream[at] = byte;
        }
        stream
    })
}

proptest! {
    #[test]
    fn the_verdict_does_not_depend_on_the_cuts(
        stream in stream(),
        cuts in proptest::collection::vec(any::<usize>(), 0..6),
        head_bytes in prop_oneof![Just(1_000usize), 20..90usize],
        fields in 1..5usize,
    ) {
        let limits = HeadLimits { head_bytes, fields, target_bytes: 30 };
        let whole = outcome(limits, &[&stream]);
        prop_assert_eq!(outcome(limits, &cut(&stream, &cuts)), whole);
    }

    #[test]
    fn bytes_of_any_kind_are_judged_alike(
        stream in proptest::collection::vec(any::<u8>(), 0..60),
        cuts in proptest::collection::vec(any::<usize>(), 0..6),
    ) {
        for begin in ["", "GET / HTTP/1.1\r\n", CHUNKED] {
            let stream = [begin.as_bytes(), &stream].concat();
            let whole = outcome(limits(), &[&stream]);
            prop_assert_eq!(outcome(limits(), &cut(&stream, &cuts)), whole);
        }
    }

    #[test]
    fn a_good_stream_passes_byte_for_byte(
        bodies in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..40), 0..5),
        sized in any::<bool>(),
        cuts in proptest::collection::vec(any::<usize>(), 0..6),
    ) {
        let mut stream = Vec::new();
        for body in &bodies {
            let len = body.len();
            if sized {
                stream.extend(format!("PUT / HTTP/1.1\r\ncontent-length: {len}\r\n\r\n").bytes());
                stream.extend(body);
            } else {
                stream.extend(CHUNKED.bytes());
                for chunk in body.chunks(16) {
                    stream.extend(format!("{:x}\r\n", chunk.len()).bytes());
                    stream.extend(chunk);
                    stream.extend(b"\r\n");
                }
                stream.extend(b"0\r\n\r\n");
            }
        }
        let outcome = outcome(limits(), &cut(&stream, &cuts));
        prop_assert_eq!(outcome.heads, bodies.len() as u64);
        prop_assert_eq!((outcome.passed, outcome.last, outcome.waiting), (stream, None, 0));
    }
}
