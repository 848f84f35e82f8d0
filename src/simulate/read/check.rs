//! `[[check]]`: what the scenario claims of its numbers.

use super::super::check::{Check, Number};
use super::super::counts::FIRST_REQUESTS;
use super::super::rules::Rule;
use super::super::scenario::VersionPlan;
use super::{or, rule, small, version_number};
use crate::document::{Table, Value};

/// What checks may name; `None` where it has a mistake.
pub(super) struct Known<'k> {
    pub(super) versions: Option<&'k [VersionPlan]>,
    pub(super) deployments: Option<usize>,
    pub(super) rules: &'k [Rule],
}

pub(super) const KEYS: [&str; 7] =
    ["number", "rule", "version", "deployment", "request", "least", "most"];

/// What a number is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Name {
    Requests,
    Users,
    VersionShare,
    ErrorRate,
    UsersFailed,
    UsersOnSeveral,
    UsersFlapped,
    CanaryShare,
    Moved,
    StaleShare,
    Alarms,
    LatencyP99Ms,
}

impl Name {
    pub(super) const ALL: [Self; 12] = [
        Self::Requests,
        Self::Users,
        Self::VersionShare,
        Self::ErrorRate,
        Self::UsersFailed,
        Self::UsersOnSeveral,
        Self::UsersFlapped,
        Self::CanaryShare,
        Self::Moved,
        Self::StaleShare,
        Self::Alarms,
        Self::LatencyP99Ms,
    ];

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Requests => "requests",
            Self::Users => "users",
            Self::VersionShare => "version_share",
            Self::ErrorRate => "error_rate",
            Self::UsersFailed => "users_failed",
            Self::UsersOnSeveral => "users_on_several",
            Self::UsersFlapped => "users_flapped",
            Self::CanaryShare => "canary_share",
            Self::Moved => "moved",
            Self::StaleShare => "stale_share",
            Self::Alarms => "alarms",
            Self::LatencyP99Ms => "latency_p99_ms",
        }
    }
}

pub(super) fn checks(root: &Table<'_>, known: &Known<'_>) -> Vec<Check> {
    root.tables("check", &KEYS).iter().filter_map(|table| check(table, known)).collect()
}

fn check(table: &Table<'_>, known: &Known<'_>) -> Option<Check> {
    let of = Of {
        version: Written::read(table.get("version"), |value| version_number(value, known.versions)),
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
        let name = value.parsed(named)?;
        let number = of.number(name);
        number.unwrap_or_else(|why| {
            value.refuse_together(format!("`{}` {why}", name.as_str()));
            None
        })
    });
    let (least, most) = (least?, most?);
    if least.is_none() && most.is_none() {
        table.refuse_together("must say `least` or `most`");
        return None;
    }
    if least.zip(most).is_some_and(|(least, most)| least > most) {
        let most = table.get("most")?;
        most.refuse("must not be below `least`: no number is within such bounds");
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
    fn number(&self, name: Name) -> Result<Option<Number>, &'static str> {
        let Self { version, deployment, request } = *self;
        let takes_version =
            matches!(name, Name::VersionShare | Name::ErrorRate | Name::LatencyP99Ms);
        if version.is_there() && !takes_version {
            return Err("takes no `version`");
        }
        if deployment.is_there() && name != Name::Moved {
            return Err("takes no `deployment`");
        }
        if request.is_there() && !matches!(name, Name::UsersOnSeveral | Name::CanaryShare) {
            return Err("takes no `request`");
        }
        match name {
            Name::Requests => Ok(Some(Number::Requests)),
            Name::Users => Ok(Some(Number::Users)),
            Name::UsersFailed => Ok(Some(Number::UsersFailed)),
            Name::UsersFlapped => Ok(Some(Number::UsersFlapped)),
            Name::StaleShare => Ok(Some(Number::StaleShare)),
            Name::Alarms => Ok(Some(Number::Alarms)),
            Name::ErrorRate => Ok(version.optional(|version| Number::ErrorRate { version })),
            Name::UsersOnSeveral => {
                Ok(request.optional(|within| Number::UsersOnSeveral { within }))
            }
            Name::VersionShare => {
                version.needed("needs a `version`", |version| Number::VersionShare { version })
            }
            Name::LatencyP99Ms => {
                version.needed("needs a `version`", |version| Number::LatencyP99Ms { version })
            }
            Name::CanaryShare => {
                request.needed("needs a `request`", |request| Number::CanaryShare { request })
            }
            Name::Moved => {
                deployment.needed("needs a `deployment`", |deployment| Number::Moved { deployment })
            }
        }
    }
}

fn named(text: &str) -> Result<Name, String> {
    let known = Name::ALL.map(Name::as_str).join("`, `");
    let name = Name::ALL.into_iter().find(|name| name.as_str() == text);
    name.ok_or_else(|| format!("`{text}` is no number; there are `{known}`"))
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
