//! A request in plain words, and an evaluator that puts every text together and
//! leaves regular expressions to another crate.

use std::net::IpAddr;

use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderName, HeaderValue, Version};
use regex::bytes::{Regex, RegexBuilder};

use crate::model::rule::field::Field;
use crate::model::rule::tree::{Node, NumberTest, Test, Text, TextTest};
use crate::model::rule::{Facts, Rule};

#[derive(Debug, Clone)]
pub(super) struct Request {
    pub(super) method: &'static str,
    pub(super) scheme: &'static str,
    pub(super) host: String,
    pub(super) path: String,
    pub(super) query: Option<String>,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) client: IpAddr,
    pub(super) country: Option<&'static str>,
    pub(super) as_number: Option<u32>,
}

impl Request {
    pub(super) fn facts<'r>(&'r self, uri: &'r PathAndQuery, headers: &'r HeaderMap) -> Facts<'r> {
        Facts {
            method: self.method,
            scheme: self.scheme,
            version: Version::HTTP_11,
            host: self.host.as_bytes(),
            uri,
            headers,
            client: self.client,
            country: self.country,
            as_number: self.as_number,
        }
    }

    pub(super) fn is_matched_by(&self, rule: &Rule) -> bool {
        let uri: PathAndQuery = self.uri().parse().unwrap();
        let lines = self.headers.iter().map(|(name, value)| {
            (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap())
        });
        // `FromIterator` would keep the last line of a name alone.
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(name, value);
        }
        rule.matches(&self.facts(&uri, &headers))
    }

    fn uri(&self) -> String {
        match &self.query {
            Some(query) => format!("{}?{query}", self.path),
            None => self.path.clone(),
        }
    }

    fn line(&self, name: &str) -> Option<String> {
        self.headers.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone())
    }

    fn value(&self, field: &Field) -> Option<String> {
        match field {
            Field::Host => Some(self.host.clone()).filter(|host| !host.is_empty()),
            Field::FullUri => Some(format!("{}://{}{}", self.scheme, self.host, self.uri())),
            Field::Uri => Some(self.uri()),
            Field::Path => Some(self.path.clone()),
            Field::Extension => {
                let file = &self.path[self.path.rfind('/').unwrap()..];
                let extension = file[file.rfind('.')? + 1..].to_ascii_lowercase();
                Some(extension).filter(|extension| !extension.is_empty())
            }
            Field::Query => self.query.clone(),
            Field::Method => Some(self.method.to_owned()),
            Field::Scheme => Some(self.scheme.to_owned()),
            Field::Version => Some("HTTP/1.1".to_owned()),
            Field::Cookies => self.line("cookie"),
            Field::Referer => self.line("referer"),
            Field::UserAgent => self.line("user-agent"),
            Field::Header(name) => self.line(name.as_str()),
            Field::Cookie(wanted) => {
                let lines = self.headers.iter().filter(|(name, _)| *name == "cookie");
                let all: Vec<_> = lines.map(|(_, line)| line.as_str()).collect();
                let all = all.join(";");
                let mut pairs = all.split(';').filter_map(|pair| pair.trim().split_once('='));
                pairs.find(|(name, _)| *name == &**wanted).map(|(_, value)| value.to_owned())
            }
            Field::Country => self.country.map(str::to_owned),
            Field::Address => Some(self.client.to_string()),
            Field::AsNumber => self.as_number.map(|number| number.to_string()),
        }
    }

    /// Octets: a regular expression may cut a character in two.
    fn text(&self, text: &Text) -> Vec<u8> {
        match text {
            Text::Field(field) => self.value(field).unwrap_or_default().into_bytes(),
            Text::Literal(literal) => literal.as_bytes().to_vec(),
            Text::Lower(text) => self.text(text).to_ascii_lowercase(),
            Text::Concat(parts) => parts.iter().flat_map(|part| self.text(part)).collect(),
            Text::Replace(replace) => {
                let source = self.text(&replace.source);
                let pattern = pattern(replace.pattern.text(), false);
                pattern.replacen(&source, 1, replace.to.text().as_bytes()).into_owned()
            }
        }
    }
}

fn contains(text: &[u8], wanted: &[u8]) -> bool {
    (0..=text.len()).any(|at| text[at..].starts_with(wanted))
}

fn pattern(text: &str, ignores_case: bool) -> Regex {
    RegexBuilder::new(text).unicode(false).case_insensitive(ignores_case).build().unwrap()
}

pub(super) fn holds(node: &Node, request: &Request) -> bool {
    match node {
        Node::Always => true,
        Node::Any(nodes) => nodes.iter().filter(|node| holds(node, request)).count() > 0,
        Node::All(nodes) => nodes.iter().filter(|node| !holds(node, request)).count() == 0,
        Node::Not(node) => !holds(node, request),
        Node::Test(Test::Exists(field)) => request.value(field).is_some(),
        Node::Test(Test::Secure) => request.scheme == "https",
        Node::Test(Test::Address(networks)) => {
            networks.as_slice().iter().any(|network| network.contains(&request.client))
        }
        Node::Test(Test::Number(test)) => request.as_number.is_some_and(|number| match test {
            NumberTest::OneOf(numbers) => numbers.contains(&number),
            NumberTest::Above(limit) => number > *limit,
            NumberTest::Below(limit) => number < *limit,
            NumberTest::AtLeast(limit) => number >= *limit,
            NumberTest::AtMost(limit) => number <= *limit,
        }),
        Node::Test(Test::Text(text, asked)) => {
            let ignores_case =
                matches!(text, Text::Field(Field::Host | Field::Referer | Field::Extension));
            let mut value = request.text(text);
            if ignores_case && !matches!(asked, TextTest::Matches(_)) {
                value = value.to_ascii_lowercase();
            }
            match asked {
                TextTest::OneOf(texts) => texts.texts().iter().any(|text| text.as_bytes() == value),
                TextTest::Contains(needle) => contains(&value, needle.text().as_bytes()),
                TextTest::StartsWith(prefix) => value.starts_with(prefix.as_bytes()),
                TextTest::EndsWith(needle) => value.ends_with(needle.text().as_bytes()),
                TextTest::Matches(it) => pattern(it.text(), ignores_case).is_match(&value),
            }
        }
    }
}
