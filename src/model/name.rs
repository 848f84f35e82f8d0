//! Names, checked once.

use std::fmt;
use std::sync::Arc;

/// Why a text is not the name it was meant to be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} `{text}` {rule}")]
pub struct NameError {
    what: &'static str,
    text: String,
    rule: &'static str,
}

macro_rules! checked_text {
    ($name:ident, $what:literal, $rule:literal, $check:expr) => {
        impl $name {
            /// Checks `text`.
            pub fn new(text: &str) -> Result<Self, NameError> {
                let check: fn(&str) -> bool = $check;
                if check(text) {
                    Ok(Self(Arc::from(text)))
                } else {
                    Err(NameError { what: $what, text: text.to_owned(), rule: $rule })
                }
            }

            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
    };
}

/// The name of a routine, unique in the account and immutable.
///
/// 2 to 41 characters: lower-case letters, digits and hyphens, starting with a
/// letter and not ending with a hyphen, as ESA has it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RoutineName(Arc<str>);

checked_text!(
    RoutineName,
    "routine name",
    "must be 2 to 41 lower-case letters, digits and hyphens, start with a letter and not end with a hyphen",
    |text| {
        (2..=41).contains(&text.len())
            && text.starts_with(|first: char| first.is_ascii_lowercase())
            && !text.ends_with('-')
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    }
);

/// One version of a routine's code: 1 to 64 characters of `[A-Za-z0-9._-]`.
///
/// Those that Serin mints are 19 digits, the nanoseconds of their creation.
/// `Ord` is by bytes and for maps alone; which of two versions is the newer one
/// is asked with [`CodeVersion::is_newer_than`], which is no total order:
/// `9 < 10` as numbers, `10 < 1a` and `1a < 9` as bytes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CodeVersion(Arc<str>);

checked_text!(
    CodeVersion,
    "code version",
    "must be 1 to 64 characters of A-Z, a-z, 0-9, `.`, `_` and `-`, and not `unstable`, ESA's staging slot",
    |text| {
        (1..=64).contains(&text.len())
            && text != "unstable"
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
    }
);

impl CodeVersion {
    /// Whether this is the newer of the two in the split rule's canonical order.
    ///
    /// Digits compare as numbers of any length, equal numbers by bytes; anything
    /// else compares by bytes.
    pub fn is_newer_than(&self, other: &Self) -> bool {
        let (mine, theirs) = (self.as_str(), other.as_str());
        match (number(mine), number(theirs)) {
            (Some(a), Some(b)) => (a.len(), a, mine.as_bytes()) > (b.len(), b, theirs.as_bytes()),
            _ => mine.as_bytes() > theirs.as_bytes(),
        }
    }
}

/// The significant digits of a text that is all digits.
fn number(text: &str) -> Option<&str> {
    text.bytes().all(|b| b.is_ascii_digit()).then(|| text.trim_start_matches('0'))
}

/// The id of an access key: 1 to 128 characters of `[A-Za-z0-9._-]`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AccessKeyId(Arc<str>);

checked_text!(
    AccessKeyId,
    "access key id",
    "must be 1 to 128 characters of A-Z, a-z, 0-9, `.`, `_` and `-`",
    |text| {
        (1..=128).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
    }
);

/// The name of an action of the ESA dialect, known there or not: 1 to 64 ASCII letters
/// and digits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActionName(Arc<str>);

checked_text!(ActionName, "action", "must be 1 to 64 letters and digits", |text| {
    (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric())
});

/// The plan of an account: 1 to 64 characters, none of them a control character.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanName(Arc<str>);

checked_text!(PlanName, "plan", "must be 1 to 64 characters without control characters", |text| {
    (1..=64).contains(&text.chars().count()) && !text.contains(char::is_control)
});

impl Default for PlanName {
    /// The plan of an account that pays for what it uses.
    fn default() -> Self {
        Self(Arc::from("er_paymode"))
    }
}

/// The name of an edge container app, unique among apps and routines.
///
/// 6 to 128 characters: lower-case letters, digits and hyphens, starting with a
/// letter, as ESA has it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AppName(Arc<str>);

checked_text!(
    AppName,
    "app name",
    "must be 6 to 128 lower-case letters, digits and hyphens, and start with a letter",
    |text| {
        (6..=128).contains(&text.len())
            && text.starts_with(|first: char| first.is_ascii_lowercase())
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    }
);

/// An edge container app, forever: `app-` and 18 digits or more.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AppId(Arc<str>);

checked_text!(AppId, "app id", "must be `app-` and 18 to 60 digits", |text| {
    text.strip_prefix("app-").is_some_and(|digits| is_number(digits, 18))
});

/// One version of an app: `ver-` and digits, 20 to 64 characters in all.
///
/// The split rule compares them as any other text that is no number: by bytes. Those
/// that Serin mints have one width, so the later one is the newer one.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct VersionId(Arc<str>);

checked_text!(VersionId, "version id", "must be `ver-` and 16 to 60 digits", |text| {
    text.strip_prefix("ver-").is_some_and(|digits| is_number(digits, 16))
});

impl VersionId {
    /// The same text, where a split wants a version.
    pub fn code_version(&self) -> CodeVersion {
        CodeVersion(self.0.clone())
    }
}

/// Whether `text` is digits, at least `least` and at most 60 of them.
fn is_number(text: &str, least: usize) -> bool {
    (least..=60).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit())
}

/// Where a user is, as an operator calls it: `jiangsu`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RegionName(Arc<str>);

checked_text!(
    RegionName,
    "region",
    "must be 1 to 64 lower-case letters, digits and hyphens",
    |text| {
        (1..=64).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    }
);

/// A DNS name under which default records live: `edge.test` in `shop.edge.test`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Domain(Arc<str>);

checked_text!(Domain, "domain", "must be a lower-case DNS name such as `edge.test`", is_dns_name);

/// What follows the account in the default records that ESA gives to routines:
/// `<routine>.<account>.er.aliyun-esa.net`.
pub const ESA_RECORDS: &str = "er.aliyun-esa.net";

/// Whether `text` is labels of lower-case letters, digits, hyphens and
/// underscores (which resolvers accept), joined by dots: at most 253 bytes.
pub(super) fn is_dns_name(text: &str) -> bool {
    (1..=253).contains(&text.len())
        && text.split('.').all(|label| {
            (1..=63).contains(&label.len())
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.bytes().all(|b| {
                    b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_')
                })
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn newer(a: &str, b: &str) -> bool {
        CodeVersion::new(a).unwrap().is_newer_than(&CodeVersion::new(b).unwrap())
    }

    #[test]
    fn digits_compare_as_numbers_of_any_length() {
        assert!(newer("10", "9"));
        assert!(newer("9", "007"));
        let long = "9".repeat(64);
        assert!(newer(&long, &"9".repeat(63)));
    }

    #[test]
    fn equal_numbers_compare_by_bytes() {
        assert!(newer("7", "007"));
        assert!(!newer("007", "7"));
        assert!(newer("00", "0"));
    }

    #[test]
    fn anything_else_compares_by_bytes() {
        assert!(newer("v9", "v10"));
        assert!(newer("9", "1a"));
        assert!(newer("green", "blue"));
    }

    #[test]
    fn routine_names_are_those_of_esa() {
        for good in ["ab", "a1", "shop-2", &"a".repeat(41)] {
            assert!(RoutineName::new(good).is_ok(), "{good}");
        }
        for bad in ["", "a", "Ab", "1a", "-a", "a-", "a_b", "a.b", "é1", &"a".repeat(42)] {
            assert!(RoutineName::new(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn access_key_ids_fit_between_commas() {
        for good in ["testid", "LTAI5tXyZ", "STS.N1_a-b"] {
            assert!(AccessKeyId::new(good).is_ok(), "{good}");
        }
        for bad in ["", "a b", "a,b", "a=b", "é", &"a".repeat(129)] {
            assert!(AccessKeyId::new(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn actions_and_plans_are_short() {
        for bad in ["", "Get Routine", "Get-Routine", "é", &"a".repeat(65)] {
            assert!(ActionName::new(bad).is_err(), "{bad}");
        }
        assert!(ActionName::new("GetRoutine").is_ok());
        for bad in ["", "a\nb", &"é".repeat(65)] {
            assert!(PlanName::new(bad).is_err(), "{bad}");
        }
        assert!(PlanName::new(&"é".repeat(64)).is_ok());
        assert_eq!(PlanName::new("er_paymode"), Ok(PlanName::default()));
    }

    #[test]
    fn a_refused_name_says_why() {
        let error = RoutineName::new("Shop").unwrap_err().to_string();
        assert!(error.starts_with("routine name `Shop` must be 2 to 41"), "{error}");
    }
}
