//! Where requests go.

use http::Uri;

use super::secrets::HIDDEN;

/// An origin and what is asked of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    pub tls: bool,
    /// A name, an IPv4 address, or an IPv6 address without brackets.
    pub host: String,
    pub port: u16,
    /// With the query; `/` if there is none.
    pub path: String,
    /// As written, for the `host` field.
    pub authority: String,
}

/// Why a text is no target.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no target: write http://host:port/path or https://host/path")]
pub struct NoTarget(String);

impl Target {
    pub fn parse(text: &str) -> Result<Self, NoTarget> {
        Self::read(text).ok_or_else(|| NoTarget(text.to_owned()))
    }

    /// Without what stands in the query, which may be a secret.
    pub(super) fn shown(&self) -> String {
        let scheme = if self.tls { "https" } else { "http" };
        let (path, query) = match self.path.split_once('?') {
            Some((path, _)) => (path, format!("?{HIDDEN}")),
            None => (self.path.as_str(), String::new()),
        };
        format!("{scheme}://{}{path}{query}", self.authority)
    }

    fn read(text: &str) -> Option<Self> {
        let uri: Uri = text.parse().ok()?;
        let tls = match uri.scheme_str()? {
            "http" => false,
            "https" => true,
            _ => return None,
        };
        let authority = uri.authority()?.as_str();
        // What stands before the host is a user, whom nobody asks for.
        let port = match authority.strip_prefix(uri.host()?)? {
            "" if tls => 443,
            "" => 80,
            port => port.strip_prefix(':')?.parse().ok()?,
        };
        let host = uri.host()?.trim_start_matches('[').trim_end_matches(']');
        if host.is_empty() {
            return None;
        }
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        Some(Self {
            tls,
            host: host.to_owned(),
            port,
            path: if path.starts_with('?') { format!("/{path}") } else { path.to_owned() },
            authority: authority.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_an_http_url() {
        let target = Target::parse("http://127.0.0.1:8080/cart?a=b").unwrap();
        assert_eq!((target.tls, target.port), (false, 8080));
        assert_eq!((target.host.as_str(), target.path.as_str()), ("127.0.0.1", "/cart?a=b"));
        assert_eq!(target.authority, "127.0.0.1:8080");
        let target = Target::parse("https://[::1]").unwrap();
        assert_eq!((target.tls, target.port), (true, 443));
        assert_eq!((target.host.as_str(), target.path.as_str()), ("::1", "/"));
        assert_eq!(Target::parse("http://a?b").unwrap().path, "/?b");
        for text in ["", "a", "/", "ftp://a", "http://", "http://a:", "http://u@a", "http://a:0x1"]
        {
            assert!(Target::parse(text).is_err(), "{text}");
        }
    }
}
