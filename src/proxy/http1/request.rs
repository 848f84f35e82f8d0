//! A request, as bytes.

use http::{HeaderName, HeaderValue};

use crate::model::Endpoint;
use crate::proxy::connect::Protocol;
use crate::proxy::headers::{Fields, Head};
use crate::proxy::wire::write_line;

/// Lines of a head.
struct Lines<'a>(&'a mut Vec<u8>);

impl Fields for Lines<'_> {
    fn pass(&mut self, name: &HeaderName, value: &HeaderValue) {
        self.say(name, value.as_bytes());
    }

    fn say(&mut self, name: &HeaderName, value: &[u8]) {
        write_line(name.as_str().as_bytes(), value, self.0);
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
}
