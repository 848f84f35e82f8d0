//! The head of a response, from bytes.

use std::mem::MaybeUninit;

use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, Version, response};
use hyper::ext::ReasonPhrase;
use memchr::memchr;

use super::broken::Broken;
use super::content::Framing;
use crate::proxy::fields::{names, number};

/// Fields of a head that are read without allocation.
const FIELDS_INLINE: usize = 100;

/// Room for what is said to the client beside what the upstream says.
const FIELDS_ADDED: usize = 8;

/// How far the end of a head was looked for.
#[derive(Debug, Default)]
pub(super) struct Search {
    /// Where the line begins that was not whole.
    line: usize,
}

impl Search {
    /// How long the head is that `bytes` begin with; `None` while its end is missing. They
    /// are those of the last time and more.
    pub(super) fn end(&mut self, bytes: &[u8]) -> Option<usize> {
        while let Some(len) = memchr(b'\n', &bytes[self.line..]) {
            let line = &bytes[self.line..self.line + len];
            self.line += len + 1;
            if matches!(line, b"" | b"\r") {
                return Some(std::mem::take(&mut self.line));
            }
        }
        None
    }
}

/// A head, and what it says of the connection.
#[derive(Debug)]
pub(super) struct Parsed {
    pub(super) parts: response::Parts,
    /// Whether the connection goes on behind the response, if that has an end of its own.
    pub(super) persists: bool,
}

impl Parsed {
    /// Whether another response follows (RFC 9110, section 15.2). Behind 101, another
    /// protocol does.
    pub(super) fn is_interim(&self) -> bool {
        let status = self.parts.status;
        status.is_informational() && status != StatusCode::SWITCHING_PROTOCOLS
    }
}

/// Refuses the beginning of what will be no head, so that its end is not waited for.
pub(super) fn judge(beginning: &[u8], fields_max: usize) -> Result<(), Broken> {
    read(beginning, fields_max, |_| Ok(())).map(drop)
}

/// Reads a whole head of at most `fields_max` fields, of which values are slices.
pub(super) fn parse(head: &Bytes, fields_max: usize) -> Result<Parsed, Broken> {
    let read = read(head, fields_max, |read| {
        let status = read.code.and_then(|code| StatusCode::from_u16(code).ok());
        let status = status.ok_or(Broken::Head("its status is none"))?;
        let mut parts = Response::new(()).into_parts().0;
        parts.status = status;
        parts.version = if read.version == Some(1) { Version::HTTP_11 } else { Version::HTTP_10 };
        if let Some(reason) = read.reason
            && status.canonical_reason() != Some(reason)
            && let Ok(reason) = ReasonPhrase::try_from(reason.as_bytes())
        {
            parts.extensions.insert(reason);
        }
        parts.headers.reserve(read.headers.len() + FIELDS_ADDED);
        append(&mut parts.headers, head, read.headers)?;
        let persists = persists(parts.version, &parts.headers);
        Ok(Parsed { parts, persists })
    });
    read?.ok_or(Broken::Head("it does not begin with a status line"))
}

/// What `take` makes of a head, if all of `bytes` are a whole one; `None` where they could
/// become one.
fn read<T>(
    bytes: &[u8],
    fields_max: usize,
    take: impl FnOnce(&httparse::Response<'_, '_>) -> Result<T, Broken>,
) -> Result<Option<T>, Broken> {
    let mut inline = [const { MaybeUninit::uninit() }; FIELDS_INLINE];
    let mut more = Vec::new();
    let fields = if fields_max <= FIELDS_INLINE {
        &mut inline[..fields_max]
    } else {
        more.resize_with(fields_max, MaybeUninit::uninit);
        &mut more[..]
    };
    let mut response = httparse::Response::new(&mut []);
    let config = httparse::ParserConfig::default();
    match config.parse_response_with_uninit_headers(&mut response, bytes, fields) {
        Ok(httparse::Status::Complete(len)) if len == bytes.len() => take(&response).map(Some),
        Ok(_) => Ok(None),
        Err(httparse::Error::TooManyHeaders) => Err(Broken::HeadTooLarge),
        Err(error) => Err(error.into()),
    }
}

/// Adds `fields`, which were read from `bytes`.
fn append(
    headers: &mut HeaderMap,
    bytes: &Bytes,
    fields: &[httparse::Header<'_>],
) -> Result<(), Broken> {
    for field in fields {
        let name = HeaderName::from_bytes(field.name.as_bytes());
        let name = name.map_err(|_| Broken::Head("the name of a field is none"))?;
        let value = HeaderValue::from_maybe_shared(bytes.slice_ref(field.value));
        let value = value.map_err(|_| Broken::Head("the value of a field is none"))?;
        headers.append(name, value);
    }
    Ok(())
}

/// Reads the trailer section of a chunked response, its empty line included.
pub(in crate::proxy) fn parse_trailers(
    section: &Bytes,
    fields_max: usize,
) -> Result<HeaderMap, Broken> {
    let mut fields = vec![httparse::EMPTY_HEADER; fields_max];
    let mut trailers = HeaderMap::new();
    match httparse::parse_headers(section, &mut fields)? {
        httparse::Status::Complete((_, fields)) => append(&mut trailers, section, fields)?,
        httparse::Status::Partial => return Err(Broken::Head("its trailers have no end")),
    }
    Ok(trailers)
}

/// RFC 9112, section 9.3. `close` on any line stands.
fn persists(version: Version, headers: &HeaderMap) -> bool {
    if !headers.contains_key(CONNECTION) {
        return version == Version::HTTP_11;
    }
    !names(headers, CONNECTION, "close")
        && (version == Version::HTTP_11 || names(headers, CONNECTION, "keep-alive"))
}

/// How the content of a response to `method` is framed (RFC 9112, section 6.3).
pub(super) fn framing(
    method: &Method,
    response: &response::Parts,
    fields_max: usize,
) -> Result<Framing, Broken> {
    let response::Parts { status, headers, .. } = response;
    if *method == Method::HEAD
        || status.is_informational()
        || matches!(*status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED)
    {
        return Ok(Framing::Ended);
    }
    if headers.contains_key(TRANSFER_ENCODING) {
        // Whatever else may be named is refused by who looks at the fields.
        return Ok(if names(headers, TRANSFER_ENCODING, "chunked") {
            Framing::chunked(fields_max)
        } else {
            Framing::UntilClose
        });
    }
    match headers.get(CONTENT_LENGTH) {
        None => Ok(Framing::UntilClose),
        // Whether all of them are the same is looked at with the other fields.
        Some(length) => match number(first(length)) {
            Some(length) => Ok(Framing::of_length(length)),
            None => Err(Broken::Head("its Content-Length is none")),
        },
    }
}

fn first(list: &HeaderValue) -> &[u8] {
    let first = list.as_bytes().split(|byte| *byte == b',').next();
    first.unwrap_or_default().trim_ascii()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(head: &'static str) -> Result<Parsed, Broken> {
        parse(&Bytes::from_static(head.as_bytes()), 4)
    }

    #[test]
    fn a_head_ends_behind_its_empty_line_wherever_it_is_cut() {
        for head in ["HTTP/1.1 200 OK\r\na: b\r\n\r\n", "HTTP/1.1 200 OK\na: b\n\n"] {
            let bytes = [head, "\r\n\r\n"].concat().into_bytes();
            for cut in 0..head.len() {
                let mut search = Search::default();
                assert_eq!(search.end(&bytes[..cut]), None, "{cut}");
                assert_eq!(search.end(&bytes), Some(head.len()));
                assert!(judge(&bytes[..cut], 4).is_ok());
            }
        }
    }

    #[test]
    fn what_will_be_no_head_is_known_early() {
        for beginning in ["SSH-2.0-", "HTTP/2", "\0", "HTTP/1.1 abc", "HTTP/1.1 200 OK\r\na b"] {
            assert!(judge(beginning.as_bytes(), 4).is_err(), "{beginning}");
        }
    }

    #[test]
    fn a_head_has_a_status_a_reason_and_fields() {
        let head = parsed("HTTP/1.0 299 Fine\r\nA:  b \r\nset-cookie: 1\r\nSet-Cookie: 2\r\n\r\n");
        let Parsed { parts, persists } = head.unwrap();
        assert_eq!((parts.status.as_u16(), parts.version), (299, Version::HTTP_10));
        assert_eq!(parts.extensions.get::<ReasonPhrase>().unwrap().as_bytes(), b"Fine");
        assert_eq!((parts.headers["a"].as_bytes(), parts.headers.len()), (&b"b"[..], 3));
        assert!(!persists);
        for none in [
            "HTTP/1.1 200 OK\r\na : b\r\n\r\n",
            "HTTP/1.1 200 OK\r\na: b\r\n c\r\n\r\n",
            "HTTP/1.1 099 OK\r\n\r\n",
            "\r\n\r\n",
        ] {
            assert!(parsed(none).is_err(), "{none:?}");
        }
        let many = parsed("HTTP/1.1 200 OK\r\na:\r\nb:\r\nc:\r\nd:\r\ne:\r\n\r\n");
        assert!(matches!(many, Err(Broken::HeadTooLarge)));
    }

    #[test]
    fn a_connection_persists_unless_the_response_says_otherwise() {
        for (version, connection, expected) in [
            ("1.1", "", true),
            ("1.1", "connection: x, Close\r\nconnection: keep-alive\r\n", false),
            ("1.0", "", false),
            ("1.0", "connection: Keep-Alive\r\n", true),
            ("1.0", "connection: close, keep-alive\r\n", false),
        ] {
            let head = format!("HTTP/{version} 200 OK\r\n{connection}\r\n");
            let head = parse(&Bytes::from(head), 4).unwrap();
            assert_eq!(head.persists, expected, "{version} {connection}");
        }
    }
}
