//! A routine or an edge container app: what there is of it, in the native API's own shapes.

use serde_json::Value;

use super::deployed::segment;
use super::exchange::{ClientError, Endpoint, ask};

/// Whose users are divided.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// By its name.
    Routine(String),
    /// By its id.
    App(String),
}

impl Subject {
    pub(super) fn path(&self) -> String {
        match self {
            Self::Routine(name) => format!("/api/v1/routines/{}", segment(name)),
            Self::App(id) => format!("/api/v1/apps/{}", segment(id)),
        }
    }
}

/// All that is known of it: [`super::Routine`] or [`super::App`].
pub fn look(admin: &Endpoint, subject: &Subject) -> Result<Value, ClientError> {
    ask(admin, &subject.path())
}

/// Its versions, newest first.
pub fn versions(admin: &Endpoint, subject: &Subject) -> Result<Value, ClientError> {
    ask(admin, &format!("{}/versions", subject.path()))
}

/// What was deployed, newest first: `limit` at most, which is a thousand at most.
pub fn history(
    admin: &Endpoint,
    subject: &Subject,
    environment: Option<&str>,
    limit: u32,
) -> Result<Value, ClientError> {
    let what = match subject {
        Subject::Routine(_) => "deployments",
        Subject::App(_) => "publishes",
    };
    let environment = environment.map(|it| format!("&environment={it}")).unwrap_or_default();
    ask(admin, &format!("{}/{what}?limit={limit}{environment}", subject.path()))
}

/// Whether users get the versions that were asked for.
pub fn check(admin: &Endpoint, subject: &Subject, environment: &str) -> Result<Value, ClientError> {
    ask(admin, &format!("{}/environments/{environment}/check", subject.path()))
}

/// Requests by environment and version.
pub fn traffic_of(admin: &Endpoint, subject: &Subject) -> Result<Value, ClientError> {
    ask(admin, &format!("{}/traffic", subject.path()))
}
