//! Where a user's key comes from.

use std::fmt;

use http::HeaderName;

/// Why a text is no source of keys.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StickyError {
    #[error(
        "`{0}` must be `header:NAME`, `cookie:NAME`, `query:NAME`, `client-ip`, `mint:NAME` or `spread`"
    )]
    Unknown(String),
    #[error("`{0}` holds no valid name: {1}")]
    Name(String, &'static str),
    #[error("`{0}` comes after `spread`, which is always the last")]
    AfterSpread(String),
    #[error("names `{0}` twice")]
    Twice(String),
}

/// One place to look for a key.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum KeySource {
    Header(HeaderName),
    Cookie(Box<str>),
    Query(Box<str>),
    /// The client's address: an IPv4 address, or the /64 of an IPv6 one.
    ClientIp,
    /// A cookie that Serin sets where it is missing.
    Mint(Box<str>),
    /// No key: an exact share of the requests, one by one.
    Spread,
}

impl KeySource {
    pub fn new(text: &str) -> Result<Self, StickyError> {
        let bad = |why| StickyError::Name(text.to_owned(), why);
        match text.split_once(':') {
            Some(("header", name)) => HeaderName::from_bytes(name.as_bytes())
                .map(Self::Header)
                .map_err(|_| bad("a header name is letters, digits and hyphens")),
            Some((kind @ ("cookie" | "mint"), name)) => {
                // RFC 6265, section 4.1.1: a cookie's name is a token, as a header's is.
                HeaderName::from_bytes(name.as_bytes()).map_err(|_| {
                    bad("a cookie name is letters, digits, hyphens and underscores")
                })?;
                Ok(if kind == "mint" { Self::Mint(name.into()) } else { Self::Cookie(name.into()) })
            }
            Some(("query", name)) if !name.is_empty() => Ok(Self::Query(name.into())),
            Some(("query", _)) => Err(bad("a query parameter has a name")),
            None if text == "client-ip" => Ok(Self::ClientIp),
            None if text == "spread" => Ok(Self::Spread),
            _ => Err(StickyError::Unknown(text.to_owned())),
        }
    }

    /// What is looked for, and the name that it has there.
    pub fn parts(&self) -> (&'static str, Option<&str>) {
        match self {
            Self::Header(name) => ("header", Some(name.as_str())),
            Self::Cookie(name) => ("cookie", Some(name)),
            Self::Query(name) => ("query", Some(name)),
            Self::ClientIp => ("client-ip", None),
            Self::Mint(name) => ("mint", Some(name)),
            Self::Spread => ("spread", None),
        }
    }
}

impl fmt::Display for KeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.parts() {
            (kind, Some(name)) => write!(f, "{kind}:{name}"),
            (kind, None) => f.write_str(kind),
        }
    }
}

/// What makes two requests the same user: sources, tried in order. `spread` is
/// the last one even where it is not named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sticky(Vec<KeySource>);

impl Sticky {
    pub fn new(sources: Vec<KeySource>) -> Result<Self, StickyError> {
        for (index, source) in sources.iter().enumerate() {
            if sources[..index].contains(source) {
                return Err(StickyError::Twice(source.to_string()));
            }
            if sources[..index].contains(&KeySource::Spread) {
                return Err(StickyError::AfterSpread(source.to_string()));
            }
        }
        Ok(Self(sources))
    }

    pub fn parse<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<Self, StickyError> {
        Self::new(texts.into_iter().map(KeySource::new).collect::<Result<_, _>>()?)
    }

    pub fn sources(&self) -> &[KeySource] {
        &self.0
    }
}

impl Default for Sticky {
    fn default() -> Self {
        Self(vec![
            KeySource::Header(HeaderName::from_static("x-serin-key")),
            KeySource::Cookie("serin_key".into()),
            KeySource::Spread,
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_print_as_they_are_written() {
        for text in ["header:x-user-id", "cookie:uid", "query:u", "client-ip", "mint:id", "spread"]
        {
            assert_eq!(KeySource::new(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn spread_is_the_last_and_none_is_named_twice() {
        assert!(Sticky::parse(["client-ip", "spread"]).is_ok());
        assert!(Sticky::parse(["header:a"]).is_ok());
        assert!(Sticky::parse(["spread", "header:a"]).is_err());
        assert!(Sticky::parse(["header:a", "header:A"]).is_err());
    }

    #[test]
    fn names_are_checked() {
        for text in
            ["header:", "header:a b", "cookie:", "cookie:a=b", "mint:", "query:", "ip", "x:y"]
        {
            assert!(KeySource::new(text).is_err(), "{text}");
        }
    }
}
