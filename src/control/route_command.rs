//! What may be asked about the routes of a site, already well-formed.

use crate::model::{RouteMode, RouteTimeout, RoutineName, Rule, SiteId};

/// A route as it is made; its number is minted.
#[derive(Debug, Clone)]
pub struct NewRoute {
    pub site: SiteId,
    pub routine: RoutineName,
    pub name: String,
    pub enabled: bool,
    pub rule: WrittenRule,
    pub bypass: bool,
    pub fallback: bool,
    /// `None` is behind all others of the site.
    pub sequence: Option<u32>,
    pub timeout: Option<RouteTimeout>,
}

/// A rule, and the text that it was read from.
#[derive(Debug, Clone)]
pub struct WrittenRule {
    pub text: String,
    pub rule: Rule,
    pub mode: RouteMode,
}

/// What changes about a route; the rest stays.
#[derive(Debug, Clone, Default)]
pub struct RouteRevision {
    pub routine: Option<RoutineName>,
    pub name: Option<String>,
    pub enabled: Option<bool>,
    pub rule: Option<WrittenRule>,
    pub bypass: Option<bool>,
    pub fallback: Option<bool>,
    pub sequence: Option<u32>,
    pub timeout: Option<RouteTimeout>,
}
