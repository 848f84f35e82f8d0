//! What an admin endpoint says of a routine.

use serde::Deserialize;

use super::deployed::{Share, segment};
use super::exchange::{ClientError, Endpoint, ask, read};
use super::subject::{Subject, history as history_of};

/// Of a routine, what decides who gets which version, and how it is reached.
#[derive(Debug, Clone, Deserialize)]
pub struct Routine {
    pub name: String,
    pub description: String,
    pub created: String,
    pub routes: Vec<String>,
    /// Hosts that reach it by its name.
    pub records: Vec<String>,
    /// Where a request's key is looked for, in order.
    pub sticky: Vec<String>,
    pub cohort: String,
    /// Newest first.
    pub versions: Vec<Version>,
    environments: Environments,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Version {
    pub code_version: String,
    pub description: String,
    pub created: String,
    /// `None` is the built-in backend.
    pub upstream: Option<String>,
    /// Whether its upload has come: `init`, `available` or `failed`.
    pub status: String,
}

#[derive(Debug, Clone, Deserialize)]
struct Environments {
    staging: Option<Live>,
    production: Option<Live>,
}

/// What an environment serves, or served.
#[derive(Debug, Clone, Deserialize)]
pub struct Live {
    pub environment: String,
    pub deployment_id: String,
    pub created: String,
    pub code_versions: Vec<Share>,
}

impl Routine {
    /// What `environment` serves; `None` where nothing is deployed.
    pub fn live(&self, environment: &str) -> Option<&Live> {
        match environment {
            "staging" => self.environments.staging.as_ref(),
            "production" => self.environments.production.as_ref(),
            _ => None,
        }
    }
}

/// Asks for a routine.
pub fn routine(admin: &Endpoint, name: &str) -> Result<Routine, ClientError> {
    let answer = ask(admin, &format!("/api/v1/routines/{}", segment(name)))?;
    read(admin, answer)
}

#[derive(Deserialize)]
struct Listed {
    deployments: Vec<Live>,
}

/// Asks for what an environment serves and served, the newest first: at most
/// a thousand deployments.
pub fn history(admin: &Endpoint, name: &str, environment: &str) -> Result<Vec<Live>, ClientError> {
    let subject = Subject::Routine(name.to_owned());
    let answer = history_of(admin, &subject, Some(environment), 1_000)?;
    let listed: Listed = read(admin, answer)?;
    Ok(listed.deployments)
}
