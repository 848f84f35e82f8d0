//! The head of a response, as bytes, and how its content is framed.

use std::cell::RefCell;
use std::io::Write;
use std::time::{SystemTime, UNIX_EPOCH};

use http::{HeaderValue, Method, StatusCode, Version};
use http_body::SizeHint;

use crate::proxy::headers::{Back, Hearer};
use crate::proxy::reply::Known;
use crate::proxy::wire::write_line;

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
        write_line(name, value, self.0);
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

#[cfg(test)]
mod tests {
    use super::*;

    fn back(status: u16, fields: &[(&'static str, &'static str)]) -> Back {
        let fields = fields.iter().map(|&(name, value)| {
            (http::HeaderName::from_static(name), HeaderValue::from_static(value))
        });
        Back::of_ours(StatusCode::from_u16(status).unwrap(), fields.collect())
    }

    fn asked(method: Method, version: Version) -> Asked {
        Asked { method, version, persists: true }
    }

    /// The lines of a head with this date, and what it has told.
    fn written(head: &Back, size: &SizeHint, asked: &Asked) -> (String, Told) {
        let mut out = Vec::new();
        let told = write(head, size, asked, &mut out);
        let text = String::from_utf8(out).unwrap();
        (text.strip_suffix("\r\n\r\n").unwrap().replace("\r\n", "|"), told)
    }

    #[test]
    fn a_body_is_framed_by_what_is_known_of_it_and_who_asks() {
        let head = back(200, &[("date", "today")]);
        let (sized, open) = (SizeHint::with_exact(7), SizeHint::default());
        let get = |version| asked(Method::GET, version);
        for (size, asked, lines, framing, persists) in [
            (&sized, get(Version::HTTP_11), "content-length: 7", Framing::Length(7), true),
            (
                &open,
                get(Version::HTTP_11),
                "transfer-encoding: chunked",
                Framing::Chunks(None),
                true,
            ),
            (
                &sized,
                get(Version::HTTP_10),
                "content-length: 7|connection: keep-alive",
                Framing::Length(7),
                true,
            ),
            (&open, get(Version::HTTP_10), "connection: close", Framing::UntilClose, false),
            (
                &SizeHint::with_exact(0),
                get(Version::HTTP_11),
                "content-length: 0",
                Framing::None,
                true,
            ),
            (
                &sized,
                asked(Method::HEAD, Version::HTTP_11),
                "content-length: 7",
                Framing::None,
                true,
            ),
        ] {
            let minor = if asked.version == Version::HTTP_10 { "0" } else { "1" };
            let (text, told) = written(&head, size, &asked);
            assert_eq!(text, format!("HTTP/1.{minor} 200 OK|date: today|{lines}"), "{asked:?}");
            assert_eq!(told, Told { framing, persists }, "{asked:?}");
        }
    }

    #[test]
    fn a_response_without_content_says_no_length_but_the_one_it_would_have() {
        let get = asked(Method::GET, Version::HTTP_11);
        let none = SizeHint::with_exact(0);
        for (status, fields, expected) in [
            (204, vec![], "HTTP/1.1 204 No Content"),
            (304, vec![], "HTTP/1.1 304 Not Modified"),
            (304, vec![("content-length", "9")], "HTTP/1.1 304 Not Modified|content-length: 9"),
            (299, vec![], "HTTP/1.1 299 |content-length: 0"),
        ] {
            let (text, told) = written(&back(status, &fields), &none, &get);
            let text = text.split("|date: ").next().unwrap();
            assert_eq!((text, told.framing), (expected, Framing::None));
        }
    }

    #[test]
    fn whoever_ends_the_connection_says_so() {
        let head = back(200, &[("date", "today")]);
        let none = SizeHint::with_exact(0);
        let mut last = asked(Method::GET, Version::HTTP_11);
        last.persists = false;
        let (text, told) = written(&head, &none, &last);
        assert!(text.ends_with("|connection: close") && !told.persists);
        let mut head = head;
        head.close();
        let (text, told) = written(&head, &none, &asked(Method::GET, Version::HTTP_11));
        assert!(text.ends_with("|connection: close") && !told.persists);
    }

    #[test]
    fn a_response_without_a_date_is_given_one() {
        assert_eq!(date_line(784_111_777), "date: Sun, 06 Nov 1994 08:49:37 GMT\r\n");
        let none = SizeHint::with_exact(0);
        let (text, _) = written(&back(200, &[]), &none, &asked(Method::GET, Version::HTTP_11));
        assert!(text.contains("|date: ") && text.ends_with(" GMT"), "{text}");
    }
}
