//! What both sides write: lines of fields, and what tells chunks apart.

use http::{HeaderMap, HeaderValue};

use super::bytes::elements;

/// A field line (RFC 9112, section 5).
pub(in crate::proxy) fn write_line(name: &[u8], value: &[u8], out: &mut Vec<u8>) {
    // One reservation for all parts.
    out.reserve(name.len() + value.len() + 4);
    for part in [name, b": ", value, b"\r\n"] {
        out.extend_from_slice(part);
    }
}

/// The line before a chunk of so many bytes, which are some.
pub(in crate::proxy) fn write_chunk_size(bytes: usize, out: &mut Vec<u8>) {
    let first = bytes.max(1).ilog2() / 4;
    out.extend((0..=first).rev().map(|at| b"0123456789abcdef"[(bytes >> (4 * at)) & 0xf]));
    out.extend_from_slice(b"\r\n");
}

/// The end of chunks, with what of `trailers` was `announced` in a list.
pub(in crate::proxy) fn write_last_chunk(
    trailers: Option<&HeaderMap>,
    announced: Option<&HeaderValue>,
    out: &mut Vec<u8>,
) {
    out.extend_from_slice(b"0\r\n");
    if let Some((trailers, announced)) = trailers.zip(announced) {
        for (name, value) in trailers {
            let name = name.as_str().as_bytes();
            if elements(announced.as_bytes()).any(|named| named.eq_ignore_ascii_case(name)) {
                write_line(name, value.as_bytes(), out);
            }
        }
    }
    out.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_are_told_their_size_and_their_end() {
        let mut out = Vec::new();
        write_chunk_size(300, &mut out);
        write_last_chunk(None, None, &mut out);
        let trailers = HeaderMap::from_iter([("x-sum".parse().unwrap(), "1".parse().unwrap())]);
        write_last_chunk(Some(&trailers), Some(&HeaderValue::from_static("x-sum")), &mut out);
        assert_eq!(out, b"12c\r\n0\r\n\r\n0\r\nx-sum: 1\r\n\r\n");
    }

    #[test]
    fn trailers_that_were_announced_end_the_chunks_and_no_others() {
        let trailers = HeaderMap::from_iter([
            (http::header::ETAG, HeaderValue::from_static("1")),
            (http::header::AGE, HeaderValue::from_static("2")),
        ]);
        let mut out = Vec::new();
        write_last_chunk(Some(&trailers), Some(&HeaderValue::from_static("x, ETag")), &mut out);
        assert_eq!(out, b"0\r\netag: 1\r\n\r\n");
        out.clear();
        write_last_chunk(Some(&trailers), None, &mut out);
        write_chunk_size(255, &mut out);
        assert_eq!(out, b"0\r\n\r\nff\r\n");
    }

    #[test]
    fn a_size_is_told_in_hexadecimal() {
        for size in [1, 9, 15, 16, 255, 256, 0xabc, 0x1_0000, usize::MAX] {
            let mut out = Vec::new();
            write_chunk_size(size, &mut out);
            assert_eq!(out, format!("{size:x}\r\n").into_bytes());
        }
    }
}
