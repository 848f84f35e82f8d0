//! Which heads are refused, and for what.

use std::borrow::Cow;

use proptest::prelude::*;

use super::super::bytes::{control_in, is_control};
use super::super::framer::Step;
use super::super::refusal::Refusal;
use super::super::target::spelling_of;
use super::{HeadLimits, limits, outcome};

/// What is said of this head, and of it byte by byte.
fn judged(limits: HeadLimits, head: &[u8]) -> Option<Refusal> {
    let whole = outcome(limits, &[head]);
    let bytes: Vec<&[u8]> = head.chunks(1).collect();
    assert_eq!(whole, outcome(limits, &bytes), "{}", head.escape_ascii());
    match whole.last {
        None => {
            assert_eq!((whole.heads, whole.waiting), (1, 0), "{}", head.escape_ascii());
            None
        }
        Some(Step::Refuse(refusal)) => {
            assert!(whole.passed.is_empty());
            Some(refusal)
        }
        Some(step) => panic!("{step:?}: {}", head.escape_ascii()),
    }
}

fn with_line(line: &[u8]) -> Option<Refusal> {
    let head = [b"POST / HTTP/1.1\r\nhost: a\r\n", line, b"\r\nx: y\r\n\r\n"].concat();
    judged(limits(), &head)
}

fn with_request_line(line: &[u8]) -> Option<Refusal> {
    judged(limits(), &[line, b"\r\nhost: a\r\n\r\n"].concat())
}

#[test]
fn odd_but_legal_lines_are_no_reason_to_refuse() {
    for line in [
        &b"x:"[..],
        b"x: ",
        b"x:y",
        b"x: \t y \t ",
        b"x: a\tb",
        b"!#$%&'*+-.^_`|~09azAZ: y",
        b"x: \x80\xff\xc3\xa9",
        b"X_y: z",
        b"content-length:\t0 ",
        b"content-length: 0005",
        b"content-length: 9223372036854775807",
        b"transfer-encoding:  Chunked\t",
        b"upgrade: h2c, websocket",
    ] {
        assert_eq!(with_line(line), None, "{}", line.escape_ascii());
    }
    for line in [
        &b"GET / HTTP/1.0"[..],
        b"M-SEARCH * HTTP/1.1",
        b"OPTIONS * HTTP/1.1",
        b"get / HTTP/1.1",
        b"CONNECT a.test:443 HTTP/1.1",
        b"GET http://a.test HTTP/1.1",
        b"GET https://a.test:1/b?c=d HTTP/1.1",
        b"GET //a//b HTTP/1.1",
        b"GET /a?b?c/d HTTP/1.1",
        b"GET /%00%zz HTTP/1.1",
        b"GET /\"{}|\\^[]~ HTTP/1.1",
        b"GET /\xc3\xa9?\xc3\xa9 HTTP/1.1",
        b"GET / HTTP/1.2",
    ] {
        assert_eq!(with_request_line(line), None, "{}", line.escape_ascii());
    }
}

#[test]
fn each_line_that_two_could_read_differently_has_its_refusal() {
    for (line, refusal) in [
        (&b" x: y"[..], Refusal::Folded),
        (b"\tx: y", Refusal::Folded),
        (b"x : y", Refusal::SpaceBeforeColon),
        (b"x\t: y", Refusal::SpaceBeforeColon),
        (b"x", Refusal::NoColon),
        (b"x y", Refusal::NoColon),
        (b": y", Refusal::FieldName),
        (b"x y: z", Refusal::FieldName),
        (b"x\0: y", Refusal::FieldName),
        (b"x\x80: y", Refusal::FieldName),
        (b"x(: y", Refusal::FieldName),
        (b"x: a\0b", Refusal::Control),
        (b"x: a\x7fb", Refusal::Control),
        (b"x: a\x0bb", Refusal::Control),
        (b"x: a\x1b", Refusal::Control),
        (b"x: y\rz: a", Refusal::BareCarriageReturn),
        (b"x: y\r", Refusal::BareCarriageReturn),
        (b"\rx: y", Refusal::BareCarriageReturn),
        (b"x: y\nz: a", Refusal::BareLineFeed),
        (b"x: y\n\ncontent-length: 1", Refusal::BareLineFeed),
        (b"content-length:", Refusal::Length),
        (b"content-length: +1", Refusal::Length),
        (b"content-length: -1", Refusal::Length),
        (b"content-length: 0x1", Refusal::Length),
        (b"content-length: 1 2", Refusal::Length),
        (b"content-length: 1.0", Refusal::Length),
        (b"content-length: 1, 1", Refusal::Length),
        (b"content-length: 1,", Refusal::Length),
        (b"content-length: 9223372036854775808", Refusal::Length),
        (b"content-length: 18446744073709551617", Refusal::Length),
        (b"content-length: 1\r\nContent-Length: 1", Refusal::TwoLengths),
        (b"content-length: 1\r\nContent-Length: 2", Refusal::TwoLengths),
        (b"content-length: 0\r\ntransfer-encoding: chunked", Refusal::LengthBesideCoding),
        (b"transfer-encoding: chunked\r\ncontent-length: 0", Refusal::LengthBesideCoding),
        (b"transfer-encoding:", Refusal::NotChunkedOnce),
        (b"transfer-encoding: xchunked", Refusal::NotChunkedOnce),
        (b"transfer-encoding: \"chunked\"", Refusal::NotChunkedOnce),
        (b"transfer-encoding: chunked;a=b", Refusal::NotChunkedOnce),
        (b"transfer-encoding: chunked,", Refusal::NotChunkedOnce),
        (b"transfer-encoding: ,chunked", Refusal::NotChunkedOnce),
        (b"transfer-encoding: gzip", Refusal::NotChunkedOnce),
        (b"transfer-encoding: identity", Refusal::NotChunkedOnce),
        (b"transfer-encoding: chunked, gzip", Refusal::NotChunkedOnce),
        (b"transfer-encoding: chunked\r\ntransfer-encoding: gzip", Refusal::NotChunkedOnce),
        (b"transfer-encoding: chunked, chunked", Refusal::NotChunkedOnce),
        (b"transfer-encoding: chunked\r\ntransfer-encoding: chunked", Refusal::NotChunkedOnce),
        (b"transfer-encoding: gzip, chunked", Refusal::UnknownCoding),
        (b"transfer-encoding: gzip\r\ntransfer-encoding: chunked", Refusal::UnknownCoding),
        (b"transfer-encoding: identity, chunked", Refusal::UnknownCoding),
    ] {
        assert_eq!(with_line(line), Some(refusal), "{}", line.escape_ascii());
    }
    let old = b"POST / HTTP/1.0\r\ntransfer-encoding: chunked\r\n\r\n";
    assert_eq!(judged(limits(), old), Some(Refusal::CodingInOldVersion));
}

#[test]
fn each_request_line_that_is_none_has_its_refusal() {
    for (line, refusal) in [
        (&b"\x16\x03\x01\x02"[..], Refusal::RequestLine),
        (b"GET", Refusal::RequestLine),
        (b"GET /", Refusal::RequestLine),
        (b"GET  / HTTP/1.1", Refusal::RequestLine),
        (b"GET /  HTTP/1.1", Refusal::RequestLine),
        (b"GET / a HTTP/1.1", Refusal::RequestLine),
        (b"GET / HTTP/1.1 ", Refusal::RequestLine),
        (b" GET / HTTP/1.1", Refusal::RequestLine),
        (b"GET\t/ HTTP/1.1", Refusal::RequestLine),
        (b"G(T / HTTP/1.1", Refusal::RequestLine),
        (b"G\xc3\xa9T / HTTP/1.1", Refusal::RequestLine),
        (b"GET / http/1.1", Refusal::RequestLine),
        (b"GET / HTTP/1", Refusal::RequestLine),
        (b"GET / HTTP/1.", Refusal::RequestLine),
        (b"GET / HTTP/1.10", Refusal::RequestLine),
        (b"GET / HTTP/11.1", Refusal::RequestLine),
        (b"GET / HTTP/0.9", Refusal::RequestLine),
        (b"GET / HTTP/a.b", Refusal::RequestLine),
        (b"GET / HTTPS/1.1", Refusal::RequestLine),
        (b"GET / HTTP/2.0", Refusal::Version),
        (b"GET / HTTP/9.9", Refusal::Version),
        (b"GET /a#b HTTP/1.1", Refusal::Target),
        (b"GET http://a/#b HTTP/1.1", Refusal::Target),
        (b"GET /<#> HTTP/1.1", Refusal::Target),
        (b"GET /\x80 HTTP/1.1", Refusal::Target),
        (b"GET /<\x80 HTTP/1.1", Refusal::Target),
        (b"GET <a> HTTP/1.1", Refusal::Target),
        (b"GET http://<a>/ HTTP/1.1", Refusal::Target),
        (b"GET http:// HTTP/1.1", Refusal::Target),
        (b"GET http://[::1/ HTTP/1.1", Refusal::Target),
        (b"GET ?a HTTP/1.1", Refusal::Target),
        (b"GET a/b HTTP/1.1", Refusal::Target),
        (b"GET /\x7f HTTP/1.1", Refusal::Control),
        (b"GET /\0 HTTP/1.1", Refusal::Control),
        (b"GET /\r HTTP/1.1", Refusal::Control),
        (b"GET /<\0> HTTP/1.1", Refusal::Control),
        (b"GET / HTTP/1.1\nhost: b", Refusal::BareLineFeed),
    ] {
        assert_eq!(with_request_line(line), Some(refusal), "{}", line.escape_ascii());
    }
}

#[test]
fn talk_of_another_protocol_is_not_waited_for() {
    for hello in [&b"\x16"[..], b"\0", b"\x80", b"(", b" "] {
        let outcome = outcome(limits(), &[hello]);
        assert_eq!(outcome.last, Some(Step::Refuse(Refusal::RequestLine)));
    }
}

#[test]
fn a_later_version_of_the_same_kind_is_read_as_the_one_that_is_known() {
    let outcome = outcome(limits(), &[b"GET / HTTP/1.7\r\nhost: a\r\n\r\n"]);
    assert_eq!(outcome.passed, b"GET / HTTP/1.1\r\nhost: a\r\n\r\n");
}

#[test]
fn what_has_no_place_in_a_target_is_escaped_and_nothing_else() {
    for (sent, spelled) in [
        ("/<>`\"", "/%3C%3E%60\""),
        ("/?<>`\"", "/?%3C%3E`%22"),
        ("/\"?\"<", "/\"?%22%3C"),
        ("/%3c%zz<%", "/%3c%zz%3C%"),
        ("/\u{e9}<", "/\u{e9}%3C"),
        ("//<a>/", "//%3Ca%3E/"),
        ("http://a.test/`", "http://a.test/%60"),
        ("http://a.test?`\"", "http://a.test?`%22"),
        ("/http://<", "/http://%3C"),
    ] {
        let head = |target| format!("GET {target} HTTP/1.2\r\nhost: <\r\n\r\n");
        let outcome = outcome(limits(), &[head(sent).as_bytes()]);
        let passed = String::from_utf8(outcome.passed).unwrap();
        assert_eq!(passed, head(spelled).replace("1.2", "1.1"));
    }
}

#[test]
fn limits_are_met_at_the_byte() {
    let head = |target: usize, fields: usize, value: usize| {
        let target = "a".repeat(target - 1);
        let fields = "x: y\r\n".repeat(fields - 1);
        let value = "z".repeat(value);
        format!("GET /{target} HTTP/1.1\r\n{fields}x: {value}\r\n\r\n").into_bytes()
    };
    let small = HeadLimits { head_bytes: 300, fields: 9, target_bytes: 90 };
    let used = head(90, 9, 0).len();
    assert_eq!(judged(small, &head(90, 9, 300 - used)), None);
    assert_eq!(judged(small, &head(90, 9, 301 - used)), Some(Refusal::HeadTooLong));
    assert_eq!(judged(small, &head(90, 10, 0)), Some(Refusal::TooManyFields));
    assert_eq!(judged(small, &head(91, 9, 0)), Some(Refusal::TargetTooLong));
    assert_eq!(judged(small, &head(900, 9, 0)), Some(Refusal::TargetTooLong));
    // They are for what clients write.
    let odd = format!("GET /{} HTTP/1.1\r\nx: {}\r\n\r\n", "<".repeat(89), "z".repeat(188));
    assert_eq!(odd.len(), 300);
    assert_eq!(outcome(small, &[odd.as_bytes()]).passed.len(), 300 + 2 * 89);

    // Nobody waits for the end of a line that is too long.
    for (endless, refusal) in [
        (format!("GET /{}", "a".repeat(200)), Refusal::TargetTooLong),
        ("A".repeat(200), Refusal::TargetTooLong),
        (format!("GET / HTTP/1.1\r\n{}", "a".repeat(300)), Refusal::HeadTooLong),
    ] {
        let bytes: Vec<&[u8]> = endless.as_bytes().chunks(1).collect();
        assert_eq!(outcome(small, &bytes).last, Some(Step::Refuse(refusal)), "{endless}");
    }
    let tight = HeadLimits { head_bytes: 60, ..small };
    assert_eq!(judged(tight, &head(50, 1, 0)), Some(Refusal::TargetTooLong));
    let name = format!("GET / HTTP/1.1\r\n{}: y\r\n\r\n", "x".repeat(9_000));
    assert_eq!(judged(limits(), name.as_bytes()), Some(Refusal::HeadTooLong));
}

proptest! {
    #[test]
    fn targets_are_those_that_are_read_whole(
        start in prop_oneof!["/", "http://", "\\*", ""],
        rest in proptest::collection::vec(prop_oneof![
            4 => 0x21..=0x7eu8, 1 => any::<u8>(), 1 => Just(b'?'), 1 => Just(b'/'),
        ], 0..12),
        letter in proptest::option::of(any::<char>()),
    ) {
        let letter = letter.map(String::from).unwrap_or_default();
        let target = [start.as_bytes(), &rest, letter.as_bytes()].concat();
        let is_read = |target: &[u8]| {
            http::Uri::try_from(target).is_ok() && !target.contains(&b'#')
        };
        let Ok(spelled) = spelling_of(&target) else {
            prop_assert!(!is_read(&target));
            return Ok(());
        };
        prop_assert_eq!(is_read(&target), matches!(spelled, Cow::Borrowed(_)));
        let uri = http::Uri::try_from(&*spelled).expect("what is spelled so is read");
        let read = uri.to_string();
        let same = read.as_bytes() == &*spelled || read.as_bytes() == [&spelled, &b"/"[..]].concat();
        prop_assert!(same || uri.scheme().is_some(), "{} is not {}", read, spelled.escape_ascii());

        let decoded = |target: &[u8]| percent_encoding::percent_decode(target).collect::<Vec<_>>();
        prop_assert_eq!(decoded(&spelled), decoded(&target), "it says the same");
    }

    #[test]
    fn a_control_is_found_wherever_it_stands(
        value in proptest::collection::vec(
            prop_oneof![9 => b' '..=0xff, 1 => any::<u8>(), 1 => Just(b'\t')], 0..40,
        ),
    ) {
        let found = value.iter().copied().find(|&byte| is_control(byte));
        prop_assert_eq!(control_in(&value), found);
    }
}
