//! The head of a response, from bytes.

use std::mem::MaybeUninit;

use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Version, response};
use hyper::ext::ReasonPhrase;
use memchr::memchr;

use super::broken::Broken;
use super::content::Framing;
use crate::proxy::fields::{names, number};

/// Fields of a head that are read without allocation.
const FIELDS_INLINE: usize = 100;

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
pub(super) struct Head {
    pub(super) parts: response::Parts,
    /// Whether the connection goes on behind the response, if that has an end of its own.
    pub(super) persists: bool,
}

/// Reads a whole head of at most `fields_max` fields, of which values are slices.
pub(super) fn parse(head: &Bytes, fields_max: usize) -> Result<Head, Broken> {
    let mut inline = [const { MaybeUninit::uninit() }; FIELDS_INLINE];
    let mut more = Vec::new();
    let fields = if fields_max <= FIELDS_INLINE {
        &mut inline[..fields_max]
    } else {
        more.resize(fields_max, MaybeUninit::uninit());
        &mut more[..]
    };
    let mut read = httparse::Response::new(&mut []);
    let config = httparse::ParserConfig::default();
    let parsed = config.parse_response_with_uninit_headers(&mut read, head, fields);
    match parsed {
        Ok(httparse::Status::Complete(len)) if len == head.len() => {}
        Ok(_) => return Err(Broken::Head("it does not begin with a status line")),
        Err(httparse::Error::TooManyHeaders) => return Err(Broken::HeadTooLarge),
        Err(error) => return Err(error.into()),
    }
    let status = read.code.and_then(|code| StatusCode::from_u16(code).ok());
    let status = status.ok_or(Broken::Head("its status is none"))?;
    let mut response = http::Response::new(()).into_parts().0;
    response.status = status;
    response.version = if read.version == Some(1) { Version::HTTP_11 } else { Version::HTTP_10 };
    if let Some(reason) = read.reason
        && status.canonical_reason() != Some(reason)
        && let Ok(reason) = ReasonPhrase::try_from(reason.as_bytes())
    {
        response.extensions.insert(reason);
    }
    let headers = &mut response.headers;
    headers.reserve(read.headers.len());
    append(headers, head, read.headers)?;
    let persists = persists(response.version, headers);
    Ok(Head { parts: response, persists })
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
pub(super) fn parse_trailers(section: &Bytes, fields_max: usize) -> Result<HeaderMap, Broken> {
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
