//! Parameters, wherever the client put them, and one reader for all actions.

use std::collections::HashMap;
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;

use http::HeaderMap;
use http::header::CONTENT_TYPE;
use serde_json::Value;

use super::error::{Code, EsaError};
use crate::model::{CodeVersion, Domain, Environment, RoutineName, SiteId};

/// The largest page that is given. The pages say 20, `esa-cli` asks for 50.
pub(super) const PAGE_MAX: usize = 100;
/// The size of a page that nobody asked for.
const PAGE_DEFAULT: usize = 20;

/// The parameters of one call, from query, form body and JSON body alike. Where a
/// name comes twice, the body holds before the query and the last before the first.
#[derive(Debug, Default)]
pub(super) struct Params(HashMap<String, Value>);

/// Which part of a list is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Paging {
    /// From 1.
    pub(super) number: usize,
    pub(super) size: usize,
}

impl Paging {
    /// This page of `items`; a page beyond the end is empty.
    pub(super) fn of<T>(self, items: impl Iterator<Item = T>) -> Vec<T> {
        let before = (self.number - 1).saturating_mul(self.size);
        items.skip(before).take(self.size).collect()
    }
}

impl Params {
    pub(super) fn read(
        query: Option<&str>,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Result<Self, EsaError> {
        let mut params = Self::default();
        params.add_form(query.unwrap_or_default().as_bytes())?;
        if body.is_empty() {
            return Ok(params);
        }
        let kind = headers
            .get(CONTENT_TYPE)
            .and_then(|kind| kind.to_str().ok())
            .and_then(|kind| kind.split(';').next())
            .map(|kind| kind.trim().to_ascii_lowercase());
        match kind.as_deref() {
            Some("application/x-www-form-urlencoded") => params.add_form(body)?,
            Some("application/json") => params.add_json(body)?,
            _ => {
                return Err(EsaError::invalid(
                    "the body must be application/x-www-form-urlencoded or application/json",
                ));
            }
        }
        Ok(params)
    }

    fn add_form(&mut self, text: &[u8]) -> Result<(), EsaError> {
        for (name, value) in form_urlencoded::parse(text) {
            // What stands for octets that are no UTF-8 cannot be what was meant.
            if name.contains('\u{FFFD}') || value.contains('\u{FFFD}') {
                return Err(EsaError::invalid("parameters must be UTF-8"));
            }
            self.add(name.into_owned(), Value::String(value.into_owned()));
        }
        Ok(())
    }

    fn add_json(&mut self, text: &[u8]) -> Result<(), EsaError> {
        match serde_json::from_slice(text) {
            Ok(Value::Object(fields)) => {
                for (name, value) in fields {
                    self.add(name, value);
                }
                Ok(())
            }
            Ok(_) => Err(EsaError::invalid("the JSON body must be an object")),
            Err(error) => Err(EsaError::invalid(format!("the body is no JSON: {error}"))),
        }
    }

    /// An empty value is an absent one: some clients send `RegionId=&SearchKeyWord=`.
    fn add(&mut self, name: String, value: Value) {
        if !matches!(&value, Value::Null) && value != "" {
            self.0.insert(name, value);
        }
    }

    /// Refuses a call that lacks one of `names`.
    pub(super) fn require(&self, names: &[&str]) -> Result<(), EsaError> {
        match names.iter().find(|name| !self.0.contains_key(**name)) {
            Some(name) => Err(absent(name)),
            None => Ok(()),
        }
    }

    pub(super) fn text(&self, name: &str) -> Result<Option<String>, EsaError> {
        match self.0.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(scalar @ (Value::Bool(_) | Value::Number(_))) => Ok(Some(scalar.to_string())),
            Some(_) => Err(EsaError::invalid(format!("{name} must be a text"))),
        }
    }

    pub(super) fn required(&self, name: &str) -> Result<String, EsaError> {
        self.text(name)?.ok_or_else(|| absent(name))
    }

    pub(super) fn routine_name(&self, name: &str) -> Result<RoutineName, EsaError> {
        RoutineName::new(&self.required(name)?).map_err(EsaError::invalid)
    }

    pub(super) fn routine_name_if_given(
        &self,
        name: &str,
    ) -> Result<Option<RoutineName>, EsaError> {
        let given = self.text(name)?.is_some();
        given.then(|| self.routine_name(name)).transpose()
    }

    pub(super) fn code_version(&self, name: &str) -> Result<CodeVersion, EsaError> {
        CodeVersion::new(&self.required(name)?).map_err(EsaError::invalid)
    }

    pub(super) fn environment(&self, name: &str) -> Result<Environment, EsaError> {
        let text = self.required(name)?;
        Environment::new(&text).ok_or_else(|| {
            EsaError::invalid(format!("{name} must be `staging` or `production`, not `{text}`"))
        })
    }

    /// A host of DNS, in whatever case it came.
    pub(super) fn record_name(&self) -> Result<Domain, EsaError> {
        let name = self.required("RecordName")?;
        Domain::new(&name.to_ascii_lowercase()).map_err(EsaError::invalid)
    }

    pub(super) fn site_id(&self) -> Result<Option<SiteId>, EsaError> {
        Ok(self.integer("SiteId", 1..=SiteId::MAX)?.and_then(SiteId::new))
    }

    /// In digits alone.
    pub(super) fn integer<N: FromStr + PartialOrd + Display>(
        &self,
        name: &str,
        range: RangeInclusive<N>,
    ) -> Result<Option<N>, EsaError> {
        let Some(text) = self.text(name)? else {
            return Ok(None);
        };
        let digits = text.bytes().all(|b| b.is_ascii_digit());
        match text.parse() {
            Ok(number) if digits && range.contains(&number) => Ok(Some(number)),
            _ => {
                let (least, most) = (range.start(), range.end());
                let reason =
                    format!("{name} must be an integer of {least} to {most}, not `{text}`");
                Err(EsaError::invalid(reason))
            }
        }
    }

    /// One of `known`, or the first of them.
    pub(super) fn one_of(
        &self,
        name: &str,
        known: &[&'static str],
    ) -> Result<&'static str, EsaError> {
        match self.text(name)? {
            None => Ok(known.first().copied().unwrap_or_default()),
            Some(text) => known.iter().find(|it| **it == text).copied().ok_or_else(|| {
                EsaError::invalid(format!("{name} must be one of `{}`", known.join("`, `")))
            }),
        }
    }

    pub(super) fn environment_if_given(&self, name: &str) -> Result<Option<Environment>, EsaError> {
        let given = self.text(name)?.is_some();
        given.then(|| self.environment(name)).transpose()
    }

    /// Python says `True`, Node says `true`.
    pub(super) fn boolean(&self, name: &str) -> Result<Option<bool>, EsaError> {
        match self.text(name)? {
            None => Ok(None),
            Some(text) if text.eq_ignore_ascii_case("true") => Ok(Some(true)),
            Some(text) if text.eq_ignore_ascii_case("false") => Ok(Some(false)),
            Some(text) => {
                Err(EsaError::invalid(format!("{name} must be `true` or `false`, not `{text}`")))
            }
        }
    }

    /// A structured parameter: JSON text inside a string, or JSON as it is.
    pub(super) fn json(&self, name: &str) -> Result<Value, EsaError> {
        self.json_if_given(name)?.ok_or_else(|| absent(name))
    }

    pub(super) fn json_if_given(&self, name: &str) -> Result<Option<Value>, EsaError> {
        match self.0.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => serde_json::from_str(text)
                .map(Some)
                .map_err(|error| EsaError::invalid(format!("{name} is no JSON: {error}"))),
            Some(value) => Ok(Some(value.clone())),
        }
    }

    /// `PageNumber` and `PageSize`. The pages end at page 10 of 20; nothing that is
    /// not configured limits anybody here, so later pages are given too.
    pub(super) fn paging(&self) -> Result<Paging, EsaError> {
        self.paging_up_to(PAGE_MAX)
    }

    /// As [`Params::paging`], with another largest page.
    pub(super) fn paging_up_to(&self, size_max: usize) -> Result<Paging, EsaError> {
        self.paging_of(PAGE_DEFAULT, size_max)
    }

    /// As [`Params::paging_up_to`], with another page for who asks for none.
    pub(super) fn paging_of(&self, size: usize, size_max: usize) -> Result<Paging, EsaError> {
        let number = self.integer("PageNumber", 1..=usize::MAX)?.unwrap_or(1);
        let size = self.integer("PageSize", 1..=size_max)?.unwrap_or(size);
        Ok(Paging { number, size })
    }
}

pub(super) fn absent(name: &str) -> EsaError {
    EsaError::new(Code::ParameterNotExist, format!("{name} is missing"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &str, kind: &str, body: &str) -> Result<Params, EsaError> {
        let mut headers = HeaderMap::new();
        if !kind.is_empty() {
            headers.insert(CONTENT_TYPE, kind.parse().unwrap());
        }
        Params::read(Some(query), &headers, body.as_bytes())
    }

    const FORM: &str = "application/x-www-form-urlencoded";
    const JSON: &str = "Application/JSON; charset=utf-8";

    #[test]
    fn every_place_will_do() {
        for params in [
            read("Name=a%20b", "", "").unwrap(),
            read("", FORM, "Name=a+b").unwrap(),
            read("Name=", JSON, r#"{"Name": "a b"}"#).unwrap(),
        ] {
            assert_eq!(params.required("Name").unwrap(), "a b");
        }
    }

    #[test]
    fn the_body_holds_before_the_query_but_an_empty_value_is_absent() {
        let params = read("Name=query&Env=query", FORM, "Name=body&Env=").unwrap();
        assert_eq!(params.required("Name").unwrap(), "body");
        assert_eq!(params.required("Env").unwrap(), "query");
        let params = read("", JSON, r#"{"Name": null, "Env": ""}"#).unwrap();
        assert_eq!(params.require(&["Name"]).unwrap_err().code, Code::ParameterNotExist);
        assert_eq!(params.text("Env").unwrap(), None);
    }

    #[test]
    fn structures_are_text_or_json() {
        let list = serde_json::json!([{"CodeVersion": "1", "Percentage": 100}]);
        let text = serde_json::to_string(&list).unwrap();
        let as_text = serde_json::json!({ "CodeVersions": text }).to_string();
        let as_json = serde_json::json!({ "CodeVersions": list }).to_string();
        for body in [as_text, as_json] {
            let params = read("", JSON, &body).unwrap();
            assert_eq!(params.json("CodeVersions").unwrap(), list);
        }
    }

    #[test]
    fn scalars_of_json_are_read_like_texts() {
        let params = read("", JSON, r#"{"PageNumber": 2, "HasAssets": true}"#).unwrap();
        assert_eq!(params.paging().unwrap().number, 2);
        assert_eq!(params.boolean("HasAssets").unwrap(), Some(true));
        let params = read("HasAssets=FALSE", "", "").unwrap();
        assert_eq!(params.boolean("HasAssets").unwrap(), Some(false));
        assert!(read("HasAssets=1", "", "").unwrap().boolean("HasAssets").is_err());
        let params = read("", JSON, r#"{"Name": ["a"]}"#).unwrap();
        assert_eq!(params.required("Name").unwrap_err().code, Code::InvalidParameter);
    }

    #[test]
    fn a_body_that_does_not_parse_is_refused() {
        for (kind, body) in [
            (JSON, "{"),
            (JSON, "[]"),
            (FORM, "Name=%FF"),
            ("text/plain", "Name=a"),
            ("", "Name=a"),
        ] {
            let refused = read("", kind, body).unwrap_err();
            assert_eq!(refused.code, Code::InvalidParameter, "{kind} {body}");
        }
    }

    #[test]
    fn pages_are_counted_from_one() {
        let paging = |query| read(query, "", "").unwrap().paging();
        assert_eq!(paging("").unwrap(), Paging { number: 1, size: 20 });
        assert_eq!(paging("PageNumber=11&PageSize=50").unwrap().size, 50);
        for query in [
            "PageNumber=0",
            "PageNumber=x",
            "PageNumber=%2B1",
            "PageNumber=-1",
            "PageNumber=1.0",
            "PageSize=0",
            "PageSize=101",
        ] {
            assert!(paging(query).is_err(), "{query}");
        }
        let page = |number| Paging { number, size: 2 }.of([1, 2, 3].into_iter());
        assert_eq!((page(1), page(2), page(usize::MAX)), (vec![1, 2], vec![3], vec![]));
    }
}
