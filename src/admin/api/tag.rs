//! Entity tags, and requests that want one to hold (RFC 9110, sections 8.8.3 and 13.1).
//!
//! A tag is the hash of what a GET would answer, so it is strong: another answer has
//! another tag, after a restart too.

use axum::body::Body;
use axum::extract::{FromRequestParts, Request};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, ETAG, IF_MATCH, IF_NONE_MATCH, LOCATION};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use serde::Serialize;
use xxhash_rust::xxh3::xxh3_128;

use super::code::Code;
use super::error::ApiError;
use crate::control::Condition;
use crate::model::Catalog;

/// What a tag is the tag of: a representation, with its quotes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct EntityTag(String);

impl EntityTag {
    pub(super) fn of(shape: &impl Serialize) -> Self {
        Self::of_octets(&written(shape))
    }

    fn of_octets(octets: &[u8]) -> Self {
        Self(format!("\"{:032x}\"", xxh3_128(octets)))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    fn field(&self) -> HeaderValue {
        HeaderValue::from_str(&self.0).expect("hex digits in quotes are a field's value")
    }
}

fn written(shape: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(shape).expect("a shape's keys are text")
}

/// What is answered with its tag.
#[derive(Debug)]
pub(super) struct Tagged<T>(pub(super) T);

impl<T: Serialize> IntoResponse for Tagged<T> {
    fn into_response(self) -> Response {
        let octets = written(&self.0);
        let tag = EntityTag::of_octets(&octets);
        json(StatusCode::OK, octets, &tag)
    }
}

/// Something new: where it is from now on, and its tag there.
pub(super) struct Made<T> {
    pub(super) body: T,
    pub(super) at: String,
    pub(super) tag: EntityTag,
}

impl<T: Serialize> IntoResponse for Made<T> {
    fn into_response(self) -> Response {
        let mut response = json(StatusCode::CREATED, written(&self.body), &self.tag);
        let at = HeaderValue::from_str(&self.at).expect("names need no escapes in a path");
        response.headers_mut().insert(LOCATION, at);
        response
    }
}

fn json(status: StatusCode, octets: Vec<u8>, tag: &EntityTag) -> Response {
    let kind = HeaderValue::from_static("application/json");
    (status, [(CONTENT_TYPE, kind), (ETAG, tag.field())], octets).into_response()
}

/// The tags that a field names.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Named {
    /// `*`: whatever is there.
    Any,
    Tags(Vec<Name>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Name {
    weak: bool,
    /// With its quotes.
    text: String,
}

/// What a request wants to be so, before it changes anything.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Preconditions {
    if_match: Option<Named>,
    if_none_match: Option<Named>,
}

/// What a command is about, as the catalog has it.
pub(super) enum Found {
    /// Not even what it would belong to: the rules say so better.
    Nowhere,
    /// Nothing, in words.
    Nothing(String),
    /// Something, in words.
    There(String, EntityTag),
}

impl Preconditions {
    pub(super) fn read(headers: &HeaderMap) -> Result<Self, ApiError> {
        Ok(Self {
            if_match: Named::read(headers, &IF_MATCH)?,
            if_none_match: Named::read(headers, &IF_NONE_MATCH)?,
        })
    }

    /// What the one writer asks of the catalog before it carries out a command about what
    /// `find` finds there.
    pub(super) fn about(self, find: impl FnOnce(&Catalog) -> Found + Send + 'static) -> Condition {
        Box::new(move |catalog| self.check(|| find(catalog)))
    }

    /// `Err` says what is there where something else was wanted.
    pub(super) fn check(&self, find: impl FnOnce() -> Found) -> Result<(), String> {
        if *self == Self::default() {
            return Ok(());
        }
        let (now, tag) = match find() {
            Found::Nowhere => return Ok(()),
            Found::Nothing(now) => (now, None),
            Found::There(now, tag) => (now, Some(tag)),
        };
        let tag = tag.as_ref();
        let now = || match tag {
            Some(tag) => format!("{now}, and its ETag is {}", tag.as_str()),
            None => now,
        };
        if self.if_match.as_ref().is_some_and(|wanted| !wanted.strongly_names(tag)) {
            return Err(format!("If-Match does not hold, nothing was changed: {}", now()));
        }
        if self.if_none_match.as_ref().is_some_and(|unwanted| unwanted.weakly_names(tag)) {
            return Err(format!("If-None-Match does not hold, nothing was changed: {}", now()));
        }
        Ok(())
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Preconditions {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        Self::read(&parts.headers)
    }
}

impl Named {
    /// All lines of the field are one list.
    fn read(headers: &HeaderMap, field: &HeaderName) -> Result<Option<Self>, ApiError> {
        let lines: Vec<&[u8]> = headers.get_all(field).iter().map(HeaderValue::as_bytes).collect();
        if lines.is_empty() {
            return Ok(None);
        }
        let list = lines.join(&b","[..]);
        Self::parse(&list).map(Some).ok_or_else(|| {
            let name = if *field == IF_MATCH { "If-Match" } else { "If-None-Match" };
            ApiError::bad_request(format!("{name} must be `*` or entity tags in quotes"))
        })
    }

    fn parse(list: &[u8]) -> Option<Self> {
        if list.trim_ascii() == b"*" {
            return Some(Self::Any);
        }
        let mut tags = Vec::new();
        let mut rest = list.trim_ascii_start();
        while let Some(first) = rest.first() {
            // An empty element of a list says nothing (section 5.6.1.2).
            if *first == b',' {
                rest = rest[1..].trim_ascii_start();
                continue;
            }
            let (weak, quoted) = match rest.strip_prefix(b"W/") {
                Some(quoted) => (true, quoted),
                None => (false, rest),
            };
            let inside = quoted.strip_prefix(b"\"")?;
            let end = inside.iter().position(|&octet| octet == b'"')?;
            if !inside[..end].iter().all(|&octet| octet == 0x21 || octet > 0x22 && octet != 0x7F) {
                return None;
            }
            tags.push(Name { weak, text: format!("\"{}\"", inside[..end].escape_ascii()) });
            rest = inside[end + 1..].trim_ascii_start();
            if !matches!(rest.first(), None | Some(b',')) {
                return None;
            }
        }
        (!tags.is_empty()).then_some(Self::Tags(tags))
    }

    fn strongly_names(&self, tag: Option<&EntityTag>) -> bool {
        self.names(tag, |name| !name.weak)
    }

    fn weakly_names(&self, tag: Option<&EntityTag>) -> bool {
        self.names(tag, |_| true)
    }

    fn names(&self, tag: Option<&EntityTag>, counts: impl Fn(&Name) -> bool) -> bool {
        let Some(tag) = tag else { return false };
        match self {
            Self::Any => true,
            Self::Tags(names) => names.iter().any(|name| counts(name) && name.text == tag.0),
        }
    }
}

/// Answers whoever reads and has what there is: 304 in place of 200.
pub(super) async fn spare(request: Request, next: Next) -> Response {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return next.run(request).await;
    }
    let wanted = Preconditions::read(request.headers());
    let response = next.run(request).await;
    let tag = response.headers().get(ETAG).and_then(|tag| tag.to_str().ok());
    let Some(tag) = tag.filter(|_| response.status() == StatusCode::OK) else {
        return response;
    };
    let tag = EntityTag(tag.to_owned());
    let wanted = match wanted {
        Ok(wanted) => wanted,
        Err(error) => return error.into_response(),
    };
    if wanted.if_match.is_some_and(|wanted| !wanted.strongly_names(Some(&tag))) {
        let why = format!("If-Match does not hold: the ETag is {}", tag.as_str());
        return ApiError::new(Code::PreconditionFailed, why).into_response();
    }
    if wanted.if_none_match.is_some_and(|known| known.weakly_names(Some(&tag))) {
        return (StatusCode::NOT_MODIFIED, [(ETAG, tag.field())], Body::empty()).into_response();
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(list: &str) -> Option<Vec<(bool, String)>> {
        match Named::parse(list.as_bytes())? {
            Named::Any => None,
            Named::Tags(tags) => Some(tags.into_iter().map(|tag| (tag.weak, tag.text)).collect()),
        }
    }

    fn wanting(field: &'static str, list: &str) -> Preconditions {
        let value = HeaderValue::from_str(list).unwrap();
        Preconditions::read(&[(HeaderName::from_static(field), value)].into_iter().collect())
            .unwrap()
    }

    #[test]
    fn a_list_names_tags_weak_and_strong() {
        assert_eq!(Named::parse(b" * "), Some(Named::Any));
        let found = tags(r#" "a" ,, W/"b,c", "" "#).unwrap();
        let expected = [(false, r#""a""#), (true, r#""b,c""#), (false, r#""""#)];
        assert_eq!(found, expected.map(|(weak, text)| (weak, text.to_owned())));
    }

    #[test]
    fn what_is_no_list_of_tags_is_refused() {
        for list in ["", ",", "a", r#""a"#, r#""a" "b""#, r#"*, "a""#, r#"w/"a""#, r#""a b""#] {
            assert_eq!(Named::parse(list.as_bytes()), None, "{list}");
        }
    }

    #[test]
    fn another_representation_has_another_tag() {
        let tag = EntityTag::of(&serde_json::json!({"a": 1}));
        assert_eq!(tag, EntityTag::of_octets(br#"{"a":1}"#));
        assert_ne!(tag, EntityTag::of_octets(br#"{"a":2}"#));
        assert_eq!(tag.as_str().len(), 34);
    }

    #[test]
    fn a_change_is_for_what_the_caller_has_seen() {
        let tag = EntityTag::of(&"now");
        let there = || Found::There("it is `now`".to_owned(), tag.clone());
        let nothing = || Found::Nothing("there is nothing".to_owned());
        let other = EntityTag::of(&"then");
        let both = format!("{}, {}", other.as_str(), tag.as_str());
        for list in ["*", tag.as_str(), &both] {
            assert_eq!(wanting("if-match", list).check(there), Ok(()), "{list}");
            assert!(wanting("if-none-match", list).check(there).is_err(), "{list}");
            assert!(wanting("if-match", list).check(nothing).is_err(), "{list}");
            assert_eq!(wanting("if-none-match", list).check(nothing), Ok(()), "{list}");
        }
        let why = wanting("if-match", other.as_str()).check(there).unwrap_err();
        assert!(why.ends_with(&format!("it is `now`, and its ETag is {}", tag.as_str())), "{why}");
        assert_eq!(wanting("if-none-match", other.as_str()).check(there), Ok(()));
        let weak = format!("W/{}", tag.as_str());
        assert!(wanting("if-match", &weak).check(there).is_err());
        assert!(wanting("if-none-match", &weak).check(there).is_err());
        assert_eq!(wanting("if-match", other.as_str()).check(|| Found::Nowhere), Ok(()));
        assert_eq!(Preconditions::default().check(|| panic!("nobody asks")), Ok(()));
    }
}
