//! A route of the API: which requests of a site go to a routine, by a rule.

use std::fmt;
use std::time::Duration;

use super::name::RoutineName;
use super::routine::Timestamp;
use super::rule::Rule;
use super::site::SiteId;

/// How many routes one site may have.
pub const ROUTES_PER_SITE_MAX: usize = 10_000;

/// The number of a route, unique over all sites; below 2^53, so that every client
/// holds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConfigId(pub i64);

impl fmt::Display for ConfigId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// How long the head of a response may take for a request of one route: 5 to 60 whole
/// seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct RouteTimeout(u8);

impl RouteTimeout {
    pub fn new(seconds: u64) -> Option<Self> {
        u8::try_from(seconds).ok().filter(|seconds| (5..=60).contains(seconds)).map(Self)
    }

    pub const fn seconds(self) -> u8 {
        self.0
    }

    pub const fn duration(self) -> Duration {
        Duration::from_secs(self.0 as u64)
    }
}

/// Whether a rule was made of a host and a path, or written freely.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RouteMode {
    Simple,
    Custom,
}

impl RouteMode {
    pub const ALL: [Self; 2] = [Self::Simple, Self::Custom];

    pub fn new(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.as_str() == text)
    }

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Simple => "simple",
            Self::Custom => "custom",
        }
    }
}

/// One route of a site. Of those that match a request, the first by
/// [`RoutineRoute::order`] takes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoutineRoute {
    pub id: ConfigId,
    pub site: SiteId,
    pub routine: RoutineName,
    /// What people call it; no two need differ.
    pub name: String,
    pub enabled: bool,
    /// As it was written.
    pub rule_text: String,
    pub rule: Rule,
    pub mode: RouteMode,
    /// Matching requests skip the routine and go to the site's origin.
    pub bypass: bool,
    /// Requests that the routine fails go to the site's origin.
    pub fallback: bool,
    /// Lower comes first.
    pub sequence: u32,
    /// `None`: as long as every request.
    pub timeout: Option<RouteTimeout>,
    pub created: Timestamp,
}

impl RoutineRoute {
    /// Of two with one sequence the older comes first.
    pub fn order(&self) -> (u32, ConfigId) {
        (self.sequence, self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timeout_is_5_to_60_seconds() {
        for seconds in [5, 60] {
            let timeout = RouteTimeout::new(seconds).unwrap();
            assert_eq!(timeout.duration(), Duration::from_secs(seconds));
        }
        for seconds in [0, 4, 61, 300] {
            assert_eq!(RouteTimeout::new(seconds), None, "{seconds}");
        }
    }
}
