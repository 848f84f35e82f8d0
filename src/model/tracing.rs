//! Where spans of requests are sent, and which of them.

use super::access_log::Sample;

/// How traces are taken part in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tracing {
    pub collector: Collector,
    /// Of the traces that begin here. In those that go on, whoever began them has decided.
    pub sample: Sample,
    /// What Serin is called there.
    pub service: Box<str>,
}

/// Where spans are sent by OTLP over HTTP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Collector {
    host: Box<str>,
    port: u16,
    path: Box<str>,
}

/// What OTLP's specification has a collector listen on.
const PORT: u16 = 4318;

/// What it has behind the URL of a collector, for traces.
const TRACES: &str = "/v1/traces";

impl Collector {
    /// `http://HOST`, with a port and a path if need be.
    pub fn new(url: &str) -> Result<Self, String> {
        let refused =
            || format!("`{url}` must be the URL of a collector, as in `http://127.0.0.1:4318`");
        let uri: http::Uri = url.parse().map_err(|_| refused())?;
        let (authority, host) = (uri.authority(), uri.host().filter(|host| !host.is_empty()));
        let (Some(authority), Some(host)) = (authority, host) else { return Err(refused()) };
        let is_plain = uri.scheme_str() == Some("http") && uri.query().is_none();
        // What stands before the host is a user, whom nobody asks for.
        let port = match authority.as_str().strip_prefix(host) {
            Some("") => Some(PORT),
            Some(port) => port.strip_prefix(':').and_then(|port| port.parse().ok()),
            None => None,
        };
        let port = port.filter(|&port| is_plain && port != 0).ok_or_else(refused)?;
        let path = format!("{}{TRACES}", uri.path().trim_end_matches('/'));
        Ok(Self { host: host.into(), port, path: path.into() })
    }

    /// The host and the port, as a client connects to them and names them.
    pub fn authority(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    /// What spans are posted to.
    pub fn path(&self) -> &str {
        &self.path
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_collector_is_a_plain_url() {
        for (url, authority, path) in [
            ("http://127.0.0.1:4318", "127.0.0.1:4318", "/v1/traces"),
            ("http://collector.test/", "collector.test:4318", "/v1/traces"),
            ("http://[::1]:80/otlp/", "[::1]:80", "/otlp/v1/traces"),
        ] {
            let collector = Collector::new(url).unwrap();
            assert_eq!((collector.authority().as_str(), collector.path()), (authority, path));
        }
        for url in ["", "a:1", "https://a", "http://a?b", "http://u@a", "http://a:0", "http://a:x"]
        {
            assert!(Collector::new(url).is_err(), "{url}");
        }
    }
}
