//! A record: a host that is bound to a routine or an edge container app.

use std::fmt;

use super::name::{AppId, Domain, RoutineName};
use super::routine::Timestamp;
use super::site::SiteId;

/// All requests for `host` belong to one routine or app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    pub host: Domain,
    /// Unique over all records; below 2^53, so that every client holds it.
    pub id: i64,
    pub site: SiteId,
    pub created: Timestamp,
}

/// Whose a host is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RecordOwner {
    Routine(RoutineName),
    App(AppId),
}

impl fmt::Display for RecordOwner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Routine(name) => write!(f, "routine `{name}`"),
            Self::App(id) => write!(f, "app `{id}`"),
        }
    }
}
