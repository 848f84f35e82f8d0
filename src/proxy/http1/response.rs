//! What the head of a response says of its content and of the connection.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Version};

use super::broken::Broken;
use super::content::Framing;
use crate::proxy::fields::number;
use crate::proxy::reply::{Known, Reply};
use crate::proxy::wire::elements;

/// A head, and what it says of the connection.
#[derive(Debug)]
pub(super) struct Parsed {
    pub(super) reply: Reply,
    /// Whether the connection goes on behind the response, if that has an end of its own.
    pub(super) persists: bool,
}

impl Parsed {
    pub(super) fn of(reply: Reply) -> Self {
        let persists = persists(&reply);
        Self { reply, persists }
    }

    /// Whether another response follows (RFC 9110, section 15.2). Behind 101, another
    /// protocol does.
    pub(super) fn is_interim(&self) -> bool {
        let status = self.reply.status;
        status.is_informational() && status != StatusCode::SWITCHING_PROTOCOLS
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
fn persists(reply: &Reply) -> bool {
    let is_new = reply.version == Version::HTTP_11;
    if !reply.names_options() {
        // There is nothing else in it.
        return is_new || reply.has(Known::Connection);
    }
    !reply.names(Known::Connection, "close")
        && (is_new || reply.names(Known::Connection, "keep-alive"))
}

/// How the content of a response to `method` is framed (RFC 9112, section 6.3).
pub(super) fn framing(
    method: &Method,
    reply: &Reply,
    fields_max: usize,
) -> Result<Framing, Broken> {
    let status = reply.status;
    if *method == Method::HEAD
        || status.is_informational()
        || matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED)
    {
        return Ok(Framing::Ended);
    }
    if reply.has(Known::TransferEncoding) {
        // Whatever else may be named is refused by who looks at the fields.
        return Ok(if reply.names(Known::TransferEncoding, "chunked") {
            Framing::chunked(fields_max)
        } else {
            Framing::UntilClose
        });
    }
    // Whether all of them are the same is looked at with the other fields.
    match reply.lines(Known::ContentLength).next() {
        None => Ok(Framing::UntilClose),
        Some(length) => match elements(length).next().and_then(number) {
            Some(length) => Ok(Framing::of_length(length)),
            None => Err(Broken::Head("its Content-Length is none")),
        },
    }
}

#[cfg(test)]
mod tests {
    use bytes::BytesMut;

    use super::super::reader::{HeadMax, Reader};

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
            let max = HeadMax { bytes: head.len(), fields: 2 };
            let head = Reader::default().take(&mut BytesMut::from(&*head), max).unwrap();
            assert_eq!(head.unwrap().persists, expected, "{version} {connection}");
        }
    }
}
