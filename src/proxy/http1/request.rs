//! A request, as bytes.

use std::io::Write;

use http::{HeaderMap, HeaderName, HeaderValue};

use crate::model::Endpoint;
use crate::proxy::connect::Protocol;
use crate::proxy::headers::{Fields, Head};

/// Lines of a head.
pub(super) struct Lines<'a>(pub(super) &'a mut Vec<u8>);

impl Lines<'_> {
    fn line(&mut self, name: &HeaderName, value: &[u8]) {
        // One reservation for all parts.
        let name = name.as_str().as_bytes();
        self.0.reserve(name.len() + value.len() + 4);
        for part in [name, b": ", value, b"\r\n"] {
            self.0.extend_from_slice(part);
        }
    }
}

impl Fields for Lines<'_> {
    fn pass(&mut self, name: &HeaderName, value: &HeaderValue) {
        self.line(name, value.as_bytes());
    }

    fn say(&mut self, name: &HeaderName, value: &[u8]) {
        self.line(name, value);
    }
}

/// Writes a head.
pub(super) fn write(head: &impl Head, endpoint: &Endpoint, out: &mut Vec<u8>) {
    let (before, target) = head.target();
    for part in [head.method().as_str(), " ", before, target, " HTTP/1.1\r\n"] {
        out.extend_from_slice(part.as_bytes());
    }
    head.tell(endpoint, Protocol::Http1, &mut Lines(out));
    out.extend_from_slice(b"\r\n");
}

/// The line before a chunk of so many bytes, which are some.
pub(super) fn write_chunk_size(bytes: usize, out: &mut Vec<u8>) {
    write!(out, "{bytes:x}\r\n").expect("a vector takes what is written");
}

/// The end of chunks, with what follows the content.
pub(super) fn write_last_chunk(trailers: Option<&HeaderMap>, out: &mut Vec<u8>) {
    out.extend_from_slice(b"0\r\n");
    for (name, value) in trailers.into_iter().flatten() {
        Lines(out).pass(name, value);
    }
    out.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use http::Method;
    use http::header::{HOST, TE};

    use super::*;

    struct Asked;

    impl Head for Asked {
        fn method(&self) -> &Method {
            &Method::OPTIONS
        }

        fn target(&self) -> (&'static str, &str) {
            ("/", "?a")
        }

        fn tell(&self, endpoint: &Endpoint, protocol: Protocol, to: &mut impl Fields) {
            assert_eq!(protocol, Protocol::Http1);
            to.say(&HOST, endpoint.authority().as_bytes());
            to.pass(&TE, &HeaderValue::from_static(""));
        }
    }

    #[test]
    fn a_head_is_written_line_by_line() {
        let mut out = Vec::new();
        write(&Asked, &Endpoint::new("http://a.test:1").unwrap(), &mut out);
        let text = String::from_utf8(out).unwrap();
        assert_eq!(text, "OPTIONS /?a HTTP/1.1\r\nhost: a.test:1\r\nte: \r\n\r\n");
    }

    #[test]
    fn chunks_are_told_their_size_and_their_end() {
        let mut out = Vec::new();
        write_chunk_size(300, &mut out);
        write_last_chunk(None, &mut out);
        let trailers = HeaderMap::from_iter([("x-sum".parse().unwrap(), "1".parse().unwrap())]);
        write_last_chunk(Some(&trailers), &mut out);
        assert_eq!(out, b"12c\r\n0\r\n\r\n0\r\nx-sum: 1\r\n\r\n");
    }
}
