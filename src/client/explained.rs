//! Asking what a user or a request gets, and saying why.

use std::io::{self, Write};

use serde::Deserialize;
use serde_json::Value;

use super::deployed::Share;
use super::exchange::{ClientError, Endpoint, ask};

/// What is asked about, by the parameters of `/api/v1/explain`.
#[derive(Debug, Clone, Default)]
pub struct Question(Vec<(&'static str, String)>);

impl Question {
    /// Names a parameter, if it has a value.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl IntoIterator<Item = String>) -> Self {
        self.0.extend(value.into_iter().map(|value| (name, value)));
        self
    }

    /// As a query.
    pub fn query(&self) -> String {
        form_urlencoded::Serializer::new(String::new()).extend_pairs(&self.0).finish()
    }
}

/// Asks an admin endpoint.
pub fn explain(admin: &Endpoint, question: &Question) -> Result<Value, ClientError> {
    ask(admin, &format!("/api/v1/explain?{}", question.query()))
}

/// What is told to people.
#[derive(Debug, Deserialize)]
struct Explained {
    routine: Option<String>,
    app: Option<String>,
    environment: String,
    matched: Option<String>,
    deployment_id: Option<String>,
    code_versions: Vec<Share>,
    key: Option<String>,
    key_source: Option<String>,
    seed: Option<String>,
    position: Option<String>,
    threshold: Option<String>,
    bucket: Option<u16>,
    newer: Option<String>,
    percentage: Option<u8>,
    joins_at: Option<u8>,
    version: Option<String>,
    reason: Option<String>,
    upstream: Option<String>,
    #[serde(default)]
    fallback: bool,
    regional: Option<Regional>,
}

#[derive(Debug, Deserialize)]
struct Regional {
    regions: Vec<String>,
    inside: String,
    outside: String,
    found: Option<String>,
}

/// Prints an explanation for people, or as one line of JSON.
pub fn print_explained(
    explained: &Value,
    as_json: bool,
    out: &mut impl Write,
) -> Result<(), PrintError> {
    if as_json {
        return Ok(writeln!(out, "{explained}")?);
    }
    let explained = Explained::deserialize(explained)?;
    Ok(explained.print(out)?)
}

/// Why an explanation could not be printed.
#[derive(Debug, thiserror::Error)]
pub enum PrintError {
    #[error("cannot write the result: {0}")]
    Output(#[from] io::Error),
    #[error("this is no explanation of Serin: {0}")]
    Foreign(#[from] serde_json::Error),
}

impl Explained {
    fn print(&self, out: &mut impl Write) -> io::Result<()> {
        let subject = match (&self.routine, &self.app) {
            (Some(routine), _) => routine.clone(),
            (None, Some(app)) => format!("app {app}"),
            (None, None) => "no routine".to_owned(),
        };
        writeln!(out, "{subject} in {}{}", self.environment, self.deployed())?;
        for Share { code_version, percentage } in &self.code_versions {
            writeln!(out, "  {percentage:>3} %  {code_version}")?;
        }
        let mut line = |name: &str, value: Option<String>| match value {
            Some(value) => writeln!(out, "{name:<10} {value}"),
            None => Ok(()),
        };
        line("matched", self.matched.clone())?;
        line("region", self.region())?;
        line("key", self.key())?;
        line("seed", self.seed.clone())?;
        line("position", self.position())?;
        line("threshold", self.threshold())?;
        line("version", self.version())?;
        line("reason", self.reason.as_deref().map(meaning))?;
        line("upstream", self.upstream())?;
        line("would move", self.would_move())
    }

    fn deployed(&self) -> String {
        match &self.deployment_id {
            Some(id) => format!(", deployment {id}"),
            // A route may lead past what is deployed.
            None if self.reason.is_some() => String::new(),
            None if self.routine.is_none() && self.app.is_none() => String::new(),
            None => ": nothing is deployed".to_owned(),
        }
    }

    fn region(&self) -> Option<String> {
        let Regional { regions, inside, outside, found } = self.regional.as_ref()?;
        let found = found.as_deref().unwrap_or("unknown");
        let regions = regions.join(", ");
        Some(format!("{found}: in {regions} it is {inside}, elsewhere {outside}"))
    }

    fn key(&self) -> Option<String> {
        let key = self.key.as_ref()?;
        Some(match &self.key_source {
            Some(source) => format!("{key}, from {source}"),
            None => key.clone(),
        })
    }

    fn position(&self) -> Option<String> {
        let (position, bucket) = (self.position.as_ref()?, self.bucket?);
        Some(format!("{position}, bucket {bucket} of 10000"))
    }

    fn threshold(&self) -> Option<String> {
        let (threshold, percentage) = (self.threshold.as_ref()?, self.percentage?);
        Some(format!("{threshold}, {percentage} %"))
    }

    fn version(&self) -> Option<String> {
        let version = self.version.as_ref()?;
        Some(match (&self.newer, &self.position) {
            (Some(newer), Some(_)) if newer == version => {
                format!("{version}, the newer one: the position is below the threshold")
            }
            (Some(_), Some(_)) => {
                format!("{version}, the older one: the position is not below the threshold")
            }
            _ => version.clone(),
        })
    }

    fn upstream(&self) -> Option<String> {
        let upstream = self.upstream.as_ref()?;
        let fallback = if self.fallback { ", and the site's origin if it fails" } else { "" };
        Some(format!("{upstream}{fallback}"))
    }

    fn would_move(&self) -> Option<String> {
        let (newer, joins_at, percentage) =
            (self.newer.as_ref()?, self.joins_at?, self.percentage?);
        Some(if joins_at <= percentage {
            format!("back from {newer} below {joins_at} %")
        } else {
            format!("to {newer} from {joins_at} % on")
        })
    }
}

/// A reason, with what it means.
fn meaning(reason: &str) -> String {
    let meaning = match reason {
        "only" => "the only version has everybody",
        "key" => "the key's position decides",
        "spread" => "a request without a key takes its turn",
        "override" => "the request names a version",
        "region" => "where the request comes from decides",
        "origin" => "the site's origin answers",
        _ => return reason.to_owned(),
    };
    format!("{reason}: {meaning}")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn printed(explained: &Value) -> String {
        let mut out = Vec::new();
        print_explained(explained, false, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_question_is_a_query() {
        let question = Question::default()
            .with("routine", Some("shop".to_owned()))
            .with("key", Some("a b&c".to_owned()))
            .with("host", None)
            .with("header", ["x: 1".to_owned(), "y: 2".to_owned()]);
        assert_eq!(question.query(), "routine=shop&key=a+b%26c&header=x%3A+1&header=y%3A+2");
    }

    #[test]
    fn a_user_is_told_when_they_would_move() {
        let of = |joins_at: u8, version: &str| {
            printed(&json!({
                "routine": "shop", "environment": "production", "matched": null,
                "deployment_id": "3",
                "code_versions": [{ "code_version": "1", "percentage": 90 },
                                  { "code_version": "2", "percentage": 10 }],
                "key": "ann", "key_source": null, "seed": "0a", "position": "0b",
                "threshold": "0c", "bucket": 2843, "newer": "2", "percentage": 10,
                "joins_at": joins_at, "version": version, "reason": "key",
                "upstream": "http://a.test",
            }))
        };
        let later = of(29, "1");
        assert!(later.starts_with("shop in production, deployment 3\n   90 %  1\n"), "{later}");
        assert!(later.contains("\nwould move to 2 from 29 % on\n"), "{later}");
        assert!(later.contains("the older one: the position is not below the threshold"));
        let already = of(4, "2");
        assert!(already.contains("\nwould move back from 2 below 4 %\n"), "{already}");
        assert!(already.contains("the newer one: the position is below the threshold"));
    }

    #[test]
    fn what_is_no_explanation_is_told() {
        let error = print_explained(&json!({ "a": 1 }), false, &mut Vec::new()).unwrap_err();
        assert!(error.to_string().starts_with("this is no explanation of Serin"), "{error}");
    }
}
