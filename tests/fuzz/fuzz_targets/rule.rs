//! Rules typed by users: whatever the text, it is a rule or an error with a place in
//! the text. A rule prints as a text that is read as the same rule, can be evaluated,
//! and matches no host outside its bound.

#![no_main]

use std::net::{IpAddr, Ipv4Addr};

use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderValue, Version};
use libfuzzer_sys::{Corpus, fuzz_target};
use serin::model::{Facts, Rule};

fuzz_target!(|input: (&str, &[u8], &str)| -> Corpus {
    let (text, value, host) = input;
    let rule = match Rule::parse(text) {
        Ok(rule) => rule,
        Err(error) => {
            assert!(text.is_char_boundary(error.position), "{error}");
            return Corpus::Keep;
        }
    };
    let printed = rule.to_string();
    assert_eq!(Rule::parse(&printed).as_ref(), Ok(&rule), "{printed}");

    let uri = std::str::from_utf8(value).ok().and_then(|value| value.parse().ok());
    let uri = uri.unwrap_or_else(|| PathAndQuery::from_static("/a/b.html?c=d"));
    let mut headers = HeaderMap::new();
    if let Ok(value) = HeaderValue::from_bytes(value) {
        for name in ["cookie", "referer", "user-agent", "a"] {
            headers.append(name, value.clone());
        }
    }
    let host = host.to_ascii_lowercase();
    let facts = Facts {
        method: "GET",
        scheme: "https",
        version: Version::HTTP_11,
        host: host.as_bytes(),
        uri: &uri,
        headers: &headers,
        client: IpAddr::V4(Ipv4Addr::LOCALHOST),
        country: Some("CN"),
        as_number: Some(45_104),
    };
    let matches = rule.matches(&facts);
    assert!(!matches || rule.hosts().admits(host.as_bytes()), "{printed}");
    if let Some(route) = rule.as_simple() {
        assert!(Rule::simple(&route.to_string()).is_ok(), "{printed}");
    }
    Corpus::Keep
});
