//! What an admin endpoint says of a routine.

use http::StatusCode;
use serde::Deserialize;

use super::deployed::{Share, segment};
use super::exchange::{ClientError, Endpoint, ask};

/// Of a routine, what decides who gets which version.
#[derive(Debug, Deserialize)]
pub struct Routine {
    pub name: String,
    /// Where a request's key is looked for, in order.
    pub sticky: Vec<String>,
    pub cohort: String,
    pub versions: Vec<Version>,
    environments: Environments,
}

#[derive(Debug, Deserialize)]
pub struct Version {
    pub code_version: String,
}

#[derive(Debug, Deserialize)]
struct Environments {
    staging: Option<Live>,
    production: Option<Live>,
}

/// What an environment serves, or served.
#[derive(Debug, Clone, Deserialize)]
pub struct Live {
    pub deployment_id: String,
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
    let foreign = |_| ClientError::Foreign { url: admin.url.clone(), status: StatusCode::OK };
    serde_json::from_value(answer).map_err(foreign)
}

#[derive(Deserialize)]
struct Listed {
    deployments: Vec<Live>,
}

/// Asks for what an environment serves and served, the newest first: at most
/// a hundred deployments.
pub fn history(admin: &Endpoint, name: &str, environment: &str) -> Result<Vec<Live>, ClientError> {
    let name = segment(name);
    let path = format!("/api/v1/routines/{name}/deployments?environment={environment}&limit=100");
    let answer = ask(admin, &path)?;
    let foreign = |_| ClientError::Foreign { url: admin.url.clone(), status: StatusCode::OK };
    let listed: Listed = serde_json::from_value(answer).map_err(foreign)?;
    Ok(listed.deployments)
}
