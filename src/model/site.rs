//! A site: a domain of the account, and where it answers without Serin.

use std::fmt;

use super::name::Domain;
use super::upstream::Upstream;

/// The number of a site, chosen by the operator: 1 to 2^53 - 1, which every client's
/// integer holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SiteId(i64);

impl SiteId {
    pub const MAX: i64 = (1 << 53) - 1;

    pub fn new(number: i64) -> Option<Self> {
        (1..=Self::MAX).contains(&number).then_some(Self(number))
    }

    pub const fn get(self) -> i64 {
        self.0
    }
}

impl fmt::Display for SiteId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// One `[[site]]` of the config.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    pub id: SiteId,
    pub name: Domain,
    /// What answers the requests that a route's bypass or fallback sends there, and those
    /// that nothing else takes.
    pub origin: Option<Upstream>,
}

impl Site {
    /// Whether `host` is this site's name or below it, at any depth.
    pub fn holds(&self, host: &Domain) -> bool {
        let above = host.as_str().strip_suffix(self.name.as_str());
        above.is_some_and(|above| above.is_empty() || above.ends_with('.'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_site_holds_its_name_and_what_is_below() {
        let domain = |name| Domain::new(name).unwrap();
        let site = Site { id: SiteId::new(1).unwrap(), name: domain("example.com"), origin: None };
        for host in ["example.com", "www.example.com", "a.b.example.com"] {
            assert!(site.holds(&domain(host)), "{host}");
        }
        for host in ["com", "anexample.com", "example.com.test", "example.org"] {
            assert!(!site.holds(&domain(host)), "{host}");
        }
    }

    #[test]
    fn a_site_has_a_number_that_every_client_holds() {
        assert_eq!(SiteId::new(1).map(SiteId::get), Some(1));
        assert!(SiteId::new(SiteId::MAX).is_some());
        for number in [0, -1, SiteId::MAX + 1, i64::MIN] {
            assert!(SiteId::new(number).is_none(), "{number}");
        }
    }
}
