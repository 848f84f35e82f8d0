//! Routes: which hosts and paths belong to a routine.

use std::fmt;
use std::sync::Arc;

use super::name::is_dns_name;

/// Why a text is no route.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RouteError {
    #[error("host `{0}` must be a DNS name, an address, `*.suffix` or `*`")]
    Host(String),
    #[error("path `{0}` must start with `/` and hold `*` at its end alone")]
    Path(String),
    #[error("names every host but no path: write `*/*` for everything, `*/` for the root alone")]
    BareStar,
}

/// Which hosts a route speaks of, in lower case and without a port.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum HostPattern {
    Exact(Arc<str>),
    /// What follows the `*`, leading dot included: `.example.com` is every host
    /// below `example.com`, at any depth, but not `example.com`.
    Suffix(Arc<str>),
    Any,
}

/// Which paths a route speaks of: octets as received, without the query.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum PathPattern {
    Exact(Arc<str>),
    /// What precedes the final `*`.
    Prefix(Arc<str>),
}

/// `host/path`, as `esa-cli` takes it: `shop.example.com/checkout*`,
/// `*.example.com/api/*`, `*/healthz`. A host alone means its path `/`, as it
/// does there; `example.com/*` is all of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Route {
    pub host: HostPattern,
    pub path: PathPattern,
}

impl Route {
    pub fn new(text: &str) -> Result<Self, RouteError> {
        let (host, path) = match text.find('/') {
            Some(slash) => text.split_at(slash),
            None if text == "*" => return Err(RouteError::BareStar),
            None => (text, "/"),
        };
        Ok(Self { host: HostPattern::new(host)?, path: PathPattern::new(path)? })
    }
}

impl HostPattern {
    fn new(text: &str) -> Result<Self, RouteError> {
        let folded = text.to_ascii_lowercase();
        if folded == "*" {
            return Ok(Self::Any);
        }
        if let Some(suffix) = folded.strip_prefix('*')
            && suffix.strip_prefix('.').is_some_and(is_dns_name)
        {
            return Ok(Self::Suffix(suffix.into()));
        }
        if is_dns_name(&folded) || is_ipv6_literal(&folded) {
            return Ok(Self::Exact(folded.into()));
        }
        Err(RouteError::Host(text.to_owned()))
    }
}

fn is_ipv6_literal(text: &str) -> bool {
    text.strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .is_some_and(|address| address.parse::<std::net::Ipv6Addr>().is_ok())
}

impl PathPattern {
    fn new(text: &str) -> Result<Self, RouteError> {
        let (path, prefix) = match text.strip_suffix('*') {
            Some(path) => (path, true),
            None => (text, false),
        };
        let sound = path.starts_with('/')
            && path.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b'*' | b'?' | b'#'));
        match (sound, prefix) {
            (true, true) => Ok(Self::Prefix(path.into())),
            (true, false) => Ok(Self::Exact(path.into())),
            (false, _) => Err(RouteError::Path(text.to_owned())),
        }
    }
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            HostPattern::Exact(host) => f.write_str(host)?,
            HostPattern::Suffix(suffix) => write!(f, "*{suffix}")?,
            HostPattern::Any => f.write_str("*")?,
        }
        match &self.path {
            PathPattern::Exact(path) => f.write_str(path),
            PathPattern::Prefix(path) => write!(f, "{path}*"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_prints_as_it_is_written() {
        for text in ["a.test/x", "a.test/x*", "*.a.test/", "*/*", "[::1]/a*", "127.0.0.1/"] {
            assert_eq!(Route::new(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn a_host_alone_is_its_root() {
        assert_eq!(Route::new("A.test").unwrap(), Route::new("a.test/").unwrap());
    }

    #[test]
    fn what_is_ambiguous_is_refused() {
        for text in
            ["", "*", "/x", "a b/x", "*a.test/", "a.*/x", "a.test:80/", "a.test/x*y", "a.test/x?y"]
        {
            assert!(Route::new(text).is_err(), "{text}");
        }
    }
}
