//! A request, as bytes.

use std::io::Write;

use http::HeaderMap;
use http::request::Parts;

/// Writes the head of a request in origin form, all of its fields as they stand.
pub(super) fn write(head: &Parts, out: &mut Vec<u8>) {
    let target = head.uri.path_and_query().map_or("/", |target| target.as_str());
    for part in [head.method.as_str(), " ", target, " HTTP/1.1\r\n"] {
        out.extend_from_slice(part.as_bytes());
    }
    write_fields(&head.headers, out);
}

/// The line before a chunk of so many bytes, which are some.
pub(super) fn write_chunk_size(bytes: usize, out: &mut Vec<u8>) {
    write!(out, "{bytes:x}\r\n").expect("a vector takes what is written");
}

/// The end of chunks, with what follows the content.
pub(super) fn write_last_chunk(trailers: Option<&HeaderMap>, out: &mut Vec<u8>) {
    out.extend_from_slice(b"0\r\n");
    match trailers {
        Some(trailers) => write_fields(trailers, out),
        None => out.extend_from_slice(b"\r\n"),
    }
}

/// Writes field lines and the empty line behind them.
fn write_fields(fields: &HeaderMap, out: &mut Vec<u8>) {
    for (name, value) in fields {
        for part in [name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"] {
            out.extend_from_slice(part);
        }
    }
    out.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    #[test]
    fn a_head_is_written_line_by_line() {
        let request = Request::get("/a?b=c").header("host", "a.test").header("x", "1");
        let (mut parts, ()) = request.body(()).unwrap().into_parts();
        parts.headers.append("x", http::HeaderValue::from_static(""));
        let mut out = Vec::new();
        write(&parts, &mut out);
        let text = String::from_utf8(out).unwrap();
        assert_eq!(text, "GET /a?b=c HTTP/1.1\r\nhost: a.test\r\nx: 1\r\nx: \r\n\r\n");
    }

    #[test]
    fn a_target_of_the_whole_server_stays_one() {
        let (parts, ()) = Request::options("*").body(()).unwrap().into_parts();
        let mut out = Vec::new();
        write(&parts, &mut out);
        assert_eq!(out, b"OPTIONS * HTTP/1.1\r\n\r\n");
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
