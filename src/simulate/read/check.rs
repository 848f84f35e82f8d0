//! `[[check]]`: what the scenario claims of its numbers.

use super::super::check::{Check, Number};
use super::super::ledger::FIRST_REQUESTS;
use super::super::rules::Rule;
use super::super::scenario::VersionPlan;
use super::{or, rule};
use crate::document::{Table, Value};

/// What checks may name; `None` where it has a mistake.
pub(super) struct Known<'k> {
    pub(super) versions: Option<&'k [VersionPlan]>,
    pub(super) deployments: Option<usize>,
    pub(super) rules: &'k [Rule],
}

pub(super) const KEYS: [&str; 7] =
    ["number", "rule", "version", "deployment", "request", "least", "most"];

pub(super) const NUMBERS: [&str; 12] = [
    "requests",
    "users",
    "version_share",
    "error_rate",
    "users_failed",
    "users_on_several",
    "users_flapped",
    "canary_share",
    "moved",
    "stale_share",
    "alarms",
    "latency_p99_ms",
];

pub(super) fn checks(root: &Table<'_>, known: &Known<'_>) -> Vec<Check> {
    root.tables("check", &KEYS).iter().filter_map(|table| check(table, known)).collect()
}

fn check(table: &Table<'_>, known: &Known<'_>) -> Option<Check> {
    let of = Of {
        version: Written::read(table.get("version"), |value| version(value, known)),
        deployment: Written::read(table.get("deployment"), |value| deployment(value, known)),
        request: Written::read(table.get("request"), request),
    };
    let rule = or(table, "rule", Rule::Serin, |value| {
        let rule = value.parsed(rule)?;
        if !known.rules.contains(&rule) {
            value.refuse_together(format!(
                "`{}` is not among the scenario's `rules`",
                rule.as_str()
            ));
            return None;
        }
        Some(rule)
    });
    let bound = |key| or(table, key, None, |value| value.number().map(Some));
    let (least, most) = (bound("least"), bound("most"));
    let number = table.required("number").and_then(|value| {
        let name = value.parsed(known_number)?;
        let number = of.number(name);
        number.unwrap_or_else(|why| {
            value.refuse_together(format!("`{name}` {why}"));
            None
        })
    });
    let (least, most) = (least?, most?);
    if least.is_none() && most.is_none() {
        table.refuse_together("must say `least` or `most`");
        return None;
    }
    Some(Check { number: number?, rule: rule?, least, most })
}

/// A key that some numbers need, and others do not take.
#[derive(Clone, Copy)]
enum Written {
    Not,
    /// The mistake was told.
    Badly,
    As(usize),
}

impl Written {
    fn read(value: Option<Value<'_>>, read: impl FnOnce(&Value<'_>) -> Option<usize>) -> Self {
        value.map_or(Self::Not, |value| read(&value).map_or(Self::Badly, Self::As))
    }

    fn is_there(self) -> bool {
        !matches!(self, Self::Not)
    }

    /// What `number` is made of it, if it is written well.
    fn needed(
        self,
        missing: &'static str,
        number: impl FnOnce(usize) -> Number,
    ) -> Result<Option<Number>, &'static str> {
        match self {
            Self::Not => Err(missing),
            Self::Badly => Ok(None),
            Self::As(written) => Ok(Some(number(written))),
        }
    }

    /// The same, of what may be left out.
    fn optional(self, number: impl FnOnce(Option<usize>) -> Number) -> Option<Number> {
        match self {
            Self::Not => Some(number(None)),
            Self::Badly => None,
            Self::As(written) => Some(number(Some(written))),
        }
    }
}

/// What a number is of.
struct Of {
    version: Written,
    deployment: Written,
    request: Written,
}

impl Of {
    /// `None` if there was a mistake in what it is of.
    fn number(&self, name: &str) -> Result<Option<Number>, &'static str> {
        let Self { version, deployment, request } = *self;
        if version.is_there() && !["version_share", "error_rate", "latency_p99_ms"].contains(&name)
        {
            return Err("takes no `version`");
        }
        if deployment.is_there() && name != "moved" {
            return Err("takes no `deployment`");
        }
        if request.is_there() && !["users_on_several", "canary_share"].contains(&name) {
            return Err("takes no `request`");
        }
        match name {
            "requests" => Ok(Some(Number::Requests)),
            "users" => Ok(Some(Number::Users)),
            "users_failed" => Ok(Some(Number::UsersFailed)),
            "users_flapped" => Ok(Some(Number::UsersFlapped)),
            "stale_share" => Ok(Some(Number::StaleShare)),
            "alarms" => Ok(Some(Number::Alarms)),
            "error_rate" => Ok(version.optional(|version| Number::ErrorRate { version })),
            "users_on_several" => Ok(request.optional(|within| Number::UsersOnSeveral { within })),
            "version_share" => {
                version.needed("needs a `version`", |version| Number::VersionShare { version })
            }
            "latency_p99_ms" => {
                version.needed("needs a `version`", |version| Number::LatencyP99Ms { version })
            }
            "canary_share" => {
                request.needed("needs a `request`", |request| Number::CanaryShare { request })
            }
            _ => {
                deployment.needed("needs a `deployment`", |deployment| Number::Moved { deployment })
            }
        }
    }
}

fn known_number(text: &str) -> Result<&'static str, String> {
    let known = NUMBERS.iter().find(|name| **name == text).copied();
    known.ok_or_else(|| format!("`{text}` is no number; there are `{}`", NUMBERS.join("`, `")))
}

fn version(value: &Value<'_>, known: &Known<'_>) -> Option<usize> {
    let (text, versions) = (value.text()?, known.versions?);
    let found = versions.iter().position(|version| version.code_version.as_str() == text);
    if found.is_none() {
        value.refuse_together(format!("there is no `[[version]]` of `{text}`"));
    }
    found
}

fn deployment(value: &Value<'_>, known: &Known<'_>) -> Option<usize> {
    let deployment = small(value)?;
    if deployment < 2 || known.deployments.is_some_and(|there_are| deployment > there_are) {
        value.refuse_together("must be the number of a deployment that replaces one, from 2 on");
        return None;
    }
    Some(deployment)
}

fn request(value: &Value<'_>) -> Option<usize> {
    let request = small(value)?;
    if !(1..=FIRST_REQUESTS).contains(&request) {
        value.refuse(format!("must be from 1 to {FIRST_REQUESTS}, not {request}"));
        return None;
    }
    Some(request)
}

fn small(value: &Value<'_>) -> Option<usize> {
    value.whole().map(|number| usize::try_from(number).unwrap_or(usize::MAX))
}
