//! The head of a response, as bytes, and how its content is framed.

use std::cell::RefCell;
use std::io::Write;
use std::time::{SystemTime, UNIX_EPOCH};

use http::{HeaderMap, HeaderValue, Method, StatusCode, Version};
use http_body::SizeHint;

use crate::proxy::headers::{Back, Hearer};
use crate::proxy::reply::Known;
use crate::proxy::wire::elements;

/// What a response answers.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    pub(super) method: Method,
    pub(super) version: Version,
    /// Whether the connection may go on.
    pub(super) persists: bool,
}

/// How content is told to end (RFC 9112, section 6.3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Framing {
    /// There is none.
    None,
    /// Behind so many bytes, which are some.
    Length(u64),
    /// In chunks; the trailer fields that are announced go with it.
    Chunks(Option<HeaderValue>),
    UntilClose,
}

/// What a head that was written has told.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) framing: Framing,
    /// Whether the connection goes on behind the response.
    pub(super) persists: bool,
}

/// Lines of a head.
struct Lines<'a>(&'a mut Vec<u8>);

impl Hearer for Lines<'_> {
    fn say(&mut self, name: &[u8], value: &[u8]) {
        // One reservation for all parts.
        self.0.reserve(name.len() + value.len() + 4);
        for part in [name, b": ", value, b"\r\n"] {
            self.0.extend_from_slice(part);
        }
    }
}

/// Writes the head of a response to what was `asked`, with content of this size.
pub(super) fn write(head: &Back, size: &SizeHint, asked: &Asked, out: &mut Vec<u8>) -> Told {
    let framing = framing(head, size, asked);
    let is_switch = head.status() == StatusCode::SWITCHING_PROTOCOLS;
    let goes_on = asked.persists && !head.closes() && framing != Framing::UntilClose;
    write_status(head, asked.version, out);
    head.tell(&mut Lines(out));
    match framing {
        Framing::Chunks(_) => out.extend_from_slice(b"transfer-encoding: chunked\r\n"),
        _ if head.tells(Known::ContentLength) => {}
        Framing::Length(length) => length_line(length, out),
        Framing::None if has_length(head, size, asked) => {
            length_line(size.exact().unwrap_or(0), out);
        }
        Framing::None | Framing::UntilClose => {}
    }
    match (goes_on, asked.version) {
        // It says itself how the connection goes on.
        _ if is_switch => {}
        (false, _) => out.extend_from_slice(b"connection: close\r\n"),
        (true, Version::HTTP_10) => out.extend_from_slice(b"connection: keep-alive\r\n"),
        (true, _) => {}
    }
    if !head.tells(Known::Date) {
        write_date(out);
    }
    out.extend_from_slice(b"\r\n");
    Told { framing, persists: goes_on && !is_switch }
}

/// RFC 9112, section 6.3, as far as there is content at all (RFC 9110, section 6.4.1).
fn framing(head: &Back, size: &SizeHint, asked: &Asked) -> Framing {
    if asked.method == Method::HEAD || !may_have_content(head.status()) {
        return Framing::None;
    }
    match size.exact() {
        Some(0) => Framing::None,
        Some(length) => Framing::Length(length),
        None if asked.version == Version::HTTP_10 => Framing::UntilClose,
        None => Framing::Chunks(head.announced().cloned()),
    }
}

fn may_have_content(status: StatusCode) -> bool {
    !status.is_informational()
        && !matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED)
}

/// Whether a response without content, which does not tell how long it is, has to (RFC 9110,
/// section 8.6). One to HEAD may: then it is Serin's own, and has what a GET would get.
fn has_length(head: &Back, size: &SizeHint, asked: &Asked) -> bool {
    may_have_content(head.status())
        && (asked.method != Method::HEAD || size.exact().is_some_and(|size| size > 0))
}

fn write_status(head: &Back, asked_in: Version, out: &mut Vec<u8>) {
    let (status, said) = (head.status(), head.reason());
    if status == StatusCode::OK && asked_in != Version::HTTP_10 && said.is_none() {
        out.extend_from_slice(b"HTTP/1.1 200 OK\r\n");
        return;
    }
    // Who asks in HTTP/1.0 is not told what came later.
    out.extend_from_slice(if asked_in == Version::HTTP_10 { b"HTTP/1.0 " } else { b"HTTP/1.1 " });
    out.extend_from_slice(status.as_str().as_bytes());
    out.push(b' ');
    let usual = status.canonical_reason().unwrap_or_default();
    out.extend_from_slice(said.unwrap_or(usual.as_bytes()));
    out.extend_from_slice(b"\r\n");
}

fn length_line(length: u64, out: &mut Vec<u8>) {
    write!(out, "content-length: {length}\r\n").expect("a vector takes what is written");
}

/// The line before a chunk of so many bytes, which are some.
pub(super) fn write_chunk_size(bytes: usize, out: &mut Vec<u8>) {
    write!(out, "{bytes:x}\r\n").expect("a vector takes what is written");
}

/// The end of chunks, with what of `trailers` was announced.
pub(super) fn write_last_chunk(
    trailers: Option<&HeaderMap>,
    announced: Option<&HeaderValue>,
    out: &mut Vec<u8>,
) {
    out.extend_from_slice(b"0\r\n");
    if let Some((trailers, announced)) = trailers.zip(announced) {
        for (name, value) in trailers {
            let name = name.as_str().as_bytes();
            if elements(announced.as_bytes()).any(|named| named.eq_ignore_ascii_case(name)) {
                Lines(out).say(name, value.as_bytes());
            }
        }
    }
    out.extend_from_slice(b"\r\n");
}

/// `Date` of a response without one (RFC 9110, section 6.6.1), which is formatted once a
/// second.
fn write_date(out: &mut Vec<u8>) {
    thread_local! {
        static LINE: RefCell<(u64, String)> = const { RefCell::new((0, String::new())) };
    }
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    LINE.with_borrow_mut(|(second, line)| {
        if *second != since || line.is_empty() {
            *second = since;
            *line = date_line(since);
        }
        out.extend_from_slice(line.as_bytes());
    });
}

/// `Date` of a second since the epoch.
fn date_line(second: u64) -> String {
    let moment = i64::try_from(second).ok().and_then(|it| jiff::Timestamp::from_second(it).ok());
    let printer = jiff::fmt::rfc2822::DateTimePrinter::new();
    let text = moment.and_then(|moment| printer.timestamp_to_rfc9110_string(&moment).ok());
    text.map(|text| format!("date: {text}\r\n")).unwrap_or_default()
}
