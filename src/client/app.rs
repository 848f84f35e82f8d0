//! What an admin endpoint says of an edge container app, and publishing its versions.

use http::Method;
use serde::Deserialize;
use serde_json::json;

use super::deployed::segment;
use super::exchange::{ClientError, Endpoint, ask, read, send};

/// Of an app, what decides who gets which version, and how it is reached.
#[derive(Debug, Clone, Deserialize)]
pub struct App {
    pub app_id: String,
    pub name: String,
    /// Hosts that reach it by its name, then those that are bound to it.
    pub records: Vec<String>,
    /// Where a request's key is looked for, in order.
    pub sticky: Vec<String>,
    pub cohort: String,
    /// Newest first.
    pub versions: Vec<AppVersion>,
    environments: Environments,
}

#[derive(Debug, Clone, Deserialize)]
pub struct AppVersion {
    pub version_id: String,
    pub name: String,
    pub created: String,
    /// `None` is the built-in backend.
    pub upstream: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
struct Environments {
    staging: Option<Publish>,
    production: Option<Publish>,
}

/// What an environment serves.
#[derive(Debug, Clone, Deserialize)]
pub struct Publish {
    pub environment: String,
    pub deployment_id: String,
    pub created: String,
    pub version_id: String,
    /// `None` where regions say who gets it.
    pub percentage: Option<u64>,
    pub regions: Option<Vec<String>>,
    /// Those regions were not all: it was given to everybody in the end.
    pub full_release: bool,
    /// The version that keeps the rest of the users, if there is one.
    pub rest: Option<String>,
}

impl App {
    /// What `environment` serves; `None` where nothing is published.
    pub fn live(&self, environment: &str) -> Option<&Publish> {
        match environment {
            "staging" => self.environments.staging.as_ref(),
            "production" => self.environments.production.as_ref(),
            _ => None,
        }
    }
}

/// Asks for an app.
pub fn app(admin: &Endpoint, id: &str) -> Result<App, ClientError> {
    let answer = ask(admin, &format!("/api/v1/apps/{}", segment(id)))?;
    read(admin, answer)
}

/// Gives `version` to `percentage` of the users; the rest keep the version that last had
/// everybody. The native API does not publish, so it is asked for as ESA's clients do.
pub fn publish(
    admin: &Endpoint,
    id: &str,
    environment: &str,
    version: &str,
    percentage: u64,
) -> Result<(), ClientError> {
    let body = json!({
        "AppId": id,
        "VersionId": version,
        "PublishEnv": if environment == "production" { "prod" } else { environment },
        "PublishType": "percentage",
        "Percentage": percentage,
    });
    let path = "/?Action=PublishEdgeContainerAppVersion&Version=2024-09-10";
    send(admin, &Method::POST, path, &body).map(drop)
}
