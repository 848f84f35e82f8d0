//! The head of a response, as bytes, and how its content is framed.

use std::cell::RefCell;
use std::io::Write;
use std::time::{SystemTime, UNIX_EPOCH};

use http::header::{CONNECTION, CONTENT_LENGTH, DATE, TRAILER, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Version, response};
use http_body::SizeHint;
use hyper::ext::ReasonPhrase;

use crate::proxy::fields::{names, number};

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

/// Writes the head of a response to what was `asked`, with content of this size.
pub(super) fn write(
    head: &response::Parts,
    size: &SizeHint,
    asked: &Asked,
    out: &mut Vec<u8>,
) -> Told {
    let framing = framing(head, size, asked);
    let is_switch = head.status == StatusCode::SWITCHING_PROTOCOLS;
    let says_close = names(&head.headers, CONNECTION, "close");
    let persists = asked.persists && !says_close && !is_switch && framing != Framing::UntilClose;

    write_status(head, asked.version, out);
    let shows_length = asked.method == Method::HEAD || head.status == StatusCode::NOT_MODIFIED;
    let mut dates = false;
    for (name, value) in &head.headers {
        let is_told = match *name {
            // Framed anew, and said below.
            TRANSFER_ENCODING => false,
            CONTENT_LENGTH => shows_length,
            TRAILER => matches!(framing, Framing::Chunks(_)),
            DATE => {
                dates = true;
                true
            }
            _ => true,
        };
        if is_told {
            line(name, value.as_bytes(), out);
        }
    }
    match framing {
        Framing::Length(length) => length_line(length, out),
        Framing::Chunks(_) => out.extend_from_slice(b"transfer-encoding: chunked\r\n"),
        Framing::UntilClose => {}
        Framing::None if has_length(head, size, asked) => {
            length_line(size.exact().unwrap_or(0), out);
        }
        Framing::None => {}
    }
    if !head.headers.contains_key(CONNECTION) {
        match (persists, asked.version) {
            (false, _) => out.extend_from_slice(b"connection: close\r\n"),
            (true, Version::HTTP_10) => out.extend_from_slice(b"connection: keep-alive\r\n"),
            (true, _) => {}
        }
    }
    if !dates {
        write_date(out);
    }
    out.extend_from_slice(b"\r\n");
    Told { framing, persists }
}

/// RFC 9112, section 6.3, as far as there is content at all (RFC 9110, section 6.4.1).
fn framing(head: &response::Parts, size: &SizeHint, asked: &Asked) -> Framing {
    if asked.method == Method::HEAD || !may_have_content(head.status) {
        return Framing::None;
    }
    let told = || number(head.headers.get(CONTENT_LENGTH)?.as_bytes());
    match size.exact().or_else(told) {
        Some(0) => Framing::None,
        Some(length) => Framing::Length(length),
        None if asked.version == Version::HTTP_10 => Framing::UntilClose,
        None => Framing::Chunks(head.headers.get(TRAILER).cloned()),
    }
}

fn may_have_content(status: StatusCode) -> bool {
    !status.is_informational()
        && !matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED)
}

/// Whether a response without content says how long it is, or would be, which its head does
/// not (RFC 9110, section 8.6).
fn has_length(head: &response::Parts, size: &SizeHint, asked: &Asked) -> bool {
    if !may_have_content(head.status) {
        return false;
    }
    asked.method != Method::HEAD
        || !head.headers.contains_key(CONTENT_LENGTH) && size.exact().is_some_and(|size| size > 0)
}

fn write_status(head: &response::Parts, asked_in: Version, out: &mut Vec<u8>) {
    let said = head.extensions.get::<ReasonPhrase>();
    if head.status == StatusCode::OK && asked_in != Version::HTTP_10 && said.is_none() {
        out.extend_from_slice(b"HTTP/1.1 200 OK\r\n");
        return;
    }
    // Who asks in HTTP/1.0 is not told what came later.
    out.extend_from_slice(if asked_in == Version::HTTP_10 { b"HTTP/1.0 " } else { b"HTTP/1.1 " });
    out.extend_from_slice(head.status.as_str().as_bytes());
    out.push(b' ');
    let usual = head.status.canonical_reason().unwrap_or("<none>");
    out.extend_from_slice(said.map_or(usual.as_bytes(), ReasonPhrase::as_bytes));
    out.extend_from_slice(b"\r\n");
}

fn line(name: &HeaderName, value: &[u8], out: &mut Vec<u8>) {
    let name = name.as_str().as_bytes();
    // One reservation for all parts.
    out.reserve(name.len() + value.len() + 4);
    for part in [name, b": ", value, b"\r\n"] {
        out.extend_from_slice(part);
    }
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
        let mut list = HeaderMap::new();
        list.insert(TRAILER, announced.clone());
        for (name, value) in trailers {
            if names(&list, TRAILER, name.as_str()) {
                line(name, value.as_bytes(), out);
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
