//! Quotas: how many of a thing the API may make.

use std::fmt;

/// The largest quota: the largest number that every client's integer holds.
pub const QUOTA_MAX: u32 = i32::MAX.unsigned_abs();

/// What the API may make at most; `None` is no limit. None exceeds [`QUOTA_MAX`].
///
/// What the config declares is made whatever these say, and counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Quotas {
    /// Routines of the account.
    pub routines: Option<u32>,
    /// Code versions of one routine.
    pub versions_per_routine: Option<u32>,
    /// Routes of the account.
    pub routes: Option<u32>,
}

/// What a quota counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quota {
    Routines,
    VersionsPerRoutine,
    Routes,
}

/// Why one more is not made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the quota of {max} {what} is reached: delete one, or raise the quota")]
pub struct QuotaReached {
    pub what: Quota,
    pub max: u32,
}

impl Quotas {
    /// Whether one more routine may be made beside `used`.
    pub fn check_routines(&self, used: usize) -> Result<(), QuotaReached> {
        check(Quota::Routines, self.routines, used)
    }

    /// Whether a routine with `used` code versions may have one more.
    pub fn check_versions(&self, used: usize) -> Result<(), QuotaReached> {
        check(Quota::VersionsPerRoutine, self.versions_per_routine, used)
    }

    /// Whether one more route may be made beside `used`.
    pub fn check_routes(&self, used: usize) -> Result<(), QuotaReached> {
        check(Quota::Routes, self.routes, used)
    }
}

fn check(what: Quota, max: Option<u32>, used: usize) -> Result<(), QuotaReached> {
    match max {
        // More than the quota may be there: it was lowered, or the config declares them.
        Some(max) if used >= max as usize => Err(QuotaReached { what, max }),
        _ => Ok(()),
    }
}

impl fmt::Display for Quota {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Routines => "routines",
            Self::VersionsPerRoutine => "code versions of a routine",
            Self::Routes => "routes",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_quota_nothing_is_too_much() {
        let none = Quotas::default();
        assert_eq!(none.check_routines(usize::MAX), Ok(()));
        assert_eq!(none.check_versions(usize::MAX), Ok(()));
        assert_eq!(none.check_routes(usize::MAX), Ok(()));
    }

    #[test]
    fn a_quota_is_filled_and_not_exceeded() {
        let quotas = Quotas { routines: Some(1), versions_per_routine: Some(2), routes: Some(3) };
        assert_eq!(quotas.check_routines(0), Ok(()));
        assert_eq!(quotas.check_versions(1), Ok(()));
        assert_eq!(quotas.check_routes(2), Ok(()));
        let reached = |what, max| Err(QuotaReached { what, max });
        assert_eq!(quotas.check_routines(1), reached(Quota::Routines, 1));
        assert_eq!(quotas.check_versions(2), reached(Quota::VersionsPerRoutine, 2));
        assert_eq!(quotas.check_routes(3), reached(Quota::Routes, 3));
    }

    #[test]
    fn a_lowered_quota_refuses_more_and_a_quota_of_nothing_refuses_all() {
        let quotas = Quotas { routines: Some(0), routes: Some(3), ..Quotas::default() };
        assert!(quotas.check_routines(0).is_err());
        assert!(quotas.check_routes(7).is_err());
    }
}
