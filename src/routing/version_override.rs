//! A request that names its version: `x-serin-version-override: checkout="17"`.

use http::{HeaderMap, HeaderName};
use sfv::{BareItem, Dictionary, ListEntry, Parser};

/// Ours, then the name under which Cloudflare's users know it. Both hold an
/// RFC 8941 dictionary of routine names and versions.
pub const OVERRIDE_HEADERS: [&str; 2] =
    ["x-serin-version-override", "cloudflare-workers-version-overrides"];

const OURS: HeaderName = HeaderName::from_static(OVERRIDE_HEADERS[0]);
const ALIAS: HeaderName = HeaderName::from_static(OVERRIDE_HEADERS[1]);

/// Whether the request names a version. Nearly none does, and most names are told from these
/// at a glance, which is cheaper than two hashes.
#[inline]
pub(super) fn names_version(headers: &HeaderMap) -> bool {
    headers.keys().any(|name| *name == OURS || *name == ALIAS)
}

/// The version that the request names for `routine`; `None` when it names none.
///
/// # Errors
///
/// What is wrong, in words: a header that is ignored in silence costs its user
/// hours.
pub(super) fn named_version(headers: &HeaderMap, routine: &str) -> Result<Option<String>, String> {
    let [ours, alias] = OVERRIDE_HEADERS.map(|name| named_in(headers, name, routine));
    let (ours, alias) = (ours?, alias?);
    Ok(ours.or(alias))
}

fn named_in(headers: &HeaderMap, name: &str, routine: &str) -> Result<Option<String>, String> {
    let mut lines = headers.get_all(name).iter().peekable();
    if lines.peek().is_none() {
        return Ok(None);
    }
    // RFC 8941, section 4.2: lines of one field are one field, joined by commas.
    let field = lines.map(http::HeaderValue::as_bytes).collect::<Vec<_>>().join(&b", "[..]);
    let dictionary: Dictionary = Parser::new(&field)
        .parse()
        .map_err(|error| format!("{name} is no RFC 8941 dictionary of strings: {error}"))?;
    match dictionary.get(routine) {
        None => Ok(None),
        Some(ListEntry::Item(item)) => match &item.bare_item {
            BareItem::String(version) => Ok(Some(version.as_str().to_owned())),
            _ => {
                Err(format!("{name}: the version of `{routine}` must be a string in double quotes"))
            }
        },
        Some(ListEntry::InnerList(_)) => {
            Err(format!("{name}: `{routine}` must name one version, not a list"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn named(lines: &[(&str, &str)], routine: &str) -> Result<Option<String>, String> {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(
                HeaderName::from_bytes(name.as_bytes()).unwrap(),
                HeaderValue::from_str(value).unwrap(),
            );
        }
        named_version(&headers, routine)
    }

    const OURS: &str = "X-Serin-Version-Override";
    const ALIAS: &str = "Cloudflare-Workers-Version-Overrides";

    #[test]
    fn several_routines_fit_in_one_header() {
        let lines = [(OURS, r#"cart="1", checkout="2";why=test"#)];
        assert_eq!(named(&lines, "checkout").unwrap().as_deref(), Some("2"));
        assert_eq!(named(&lines, "cart").unwrap().as_deref(), Some("1"));
        assert_eq!(named(&lines, "search").unwrap(), None);
    }

    #[test]
    fn lines_are_joined_and_ours_is_asked_before_the_alias() {
        let lines =
            [(ALIAS, r#"checkout="9", cart="8""#), (OURS, r#"a="1""#), (OURS, r#"checkout="2""#)];
        assert_eq!(named(&lines, "checkout").unwrap().as_deref(), Some("2"));
        assert_eq!(named(&lines, "cart").unwrap().as_deref(), Some("8"));
    }

    #[test]
    fn a_malformed_header_is_never_ignored() {
        for value in [
            "checkout=\"1",
            "checkout=17",
            "checkout",
            "checkout=(\"1\")",
            "Checkout=\"1\"",
            "=",
            "\"",
        ] {
            assert!(named(&[(OURS, value)], "checkout").is_err(), "{value}");
        }
    }

    #[test]
    fn other_headers_name_nothing() {
        assert_eq!(named(&[("x-serin-key", "a")], "checkout").unwrap(), None);
        assert_eq!(named(&[(OURS, "")], "checkout").unwrap(), None);
    }
}
