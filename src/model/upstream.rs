//! Where a version answers: at one endpoint, or at several that are alike.

use std::fmt;
use std::sync::Arc;

use super::endpoint::Endpoint;

/// Why a text is no upstream.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "upstream `{text}` must be `http://host:port`, `https://host:port`, `h2c://host:port` or `unix:/path`, or several of them with blanks between: {why}"
)]
pub struct UpstreamError {
    text: String,
    why: &'static str,
}

/// Where a version answers: one to [`ENDPOINTS_MAX`] endpoints, each once, written with
/// blanks between.
///
/// Cheap to clone. Two upstreams of the same text are the same upstream.
#[derive(Clone)]
pub struct Upstream(Arc<Parts>);

struct Parts {
    text: String,
    endpoints: Box<[Endpoint]>,
}

/// How many endpoints an upstream has at most.
pub const ENDPOINTS_MAX: usize = 64;

impl Upstream {
    pub fn new(text: &str) -> Result<Self, UpstreamError> {
        let bad = |why| UpstreamError { text: text.to_owned(), why };
        let endpoints = text.split_ascii_whitespace().map(Endpoint::new);
        let endpoints = endpoints.collect::<Result<Vec<_>, _>>().map_err(bad)?;
        Self::of(endpoints).map_err(bad)
    }

    /// An upstream of endpoints that were read one by one.
    pub fn of(endpoints: Vec<Endpoint>) -> Result<Self, &'static str> {
        if endpoints.is_empty() {
            return Err("it names no endpoint");
        }
        if endpoints.len() > ENDPOINTS_MAX {
            return Err("it names more than 64 endpoints");
        }
        let is_repeated = |(index, endpoint)| endpoints[..index].contains(endpoint);
        if endpoints.iter().enumerate().any(is_repeated) {
            return Err("it names an endpoint twice");
        }
        let texts: Vec<&str> = endpoints.iter().map(Endpoint::as_str).collect();
        let text = texts.join(" ");
        Ok(Self(Arc::new(Parts { text, endpoints: endpoints.into() })))
    }

    pub fn as_str(&self) -> &str {
        &self.0.text
    }

    /// In the order in which they were written.
    #[inline]
    pub fn endpoints(&self) -> &[Endpoint] {
        &self.0.endpoints
    }
}

impl PartialEq for Upstream {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.0.text == other.0.text
    }
}

impl Eq for Upstream {}

impl fmt::Display for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.text)
    }
}

impl fmt::Debug for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Upstream({})", self.0.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_upstream_is_what_its_text_says_and_says_it_again() {
        let text = "http://A.test:1 https+insecure://b.test unix:/run/c.sock";
        let upstream = Upstream::new(text).unwrap();
        let endpoints: Vec<_> = upstream.endpoints().iter().map(Endpoint::as_str).collect();
        assert_eq!(endpoints, ["http://a.test:1", "https+insecure://b.test", "unix:/run/c.sock"]);
        assert_eq!(Upstream::new(upstream.as_str()).unwrap(), upstream);
    }

    #[test]
    fn an_upstream_names_each_endpoint_once_and_not_too_many() {
        let why = |text: &str| Upstream::new(text).unwrap_err().why;
        assert_eq!(why(" "), "it names no endpoint");
        assert_eq!(why("http://a http://A/"), "it names an endpoint twice");
        assert_eq!(why("http://a moon"), "no other scheme is spoken");
        let many: Vec<_> = (0..65).map(|number| format!("http://a{number}")).collect();
        assert_eq!(why(&many.join(" ")), "it names more than 64 endpoints");
        assert!(Upstream::new(&many[1..].join(" ")).is_ok());
    }
}
