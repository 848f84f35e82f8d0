//! Deploying: what became live, and who moves.

use http::{HeaderValue, Method};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::exchange::{ClientError, Endpoint, ask_tagged, read, send, send_if};
use super::routine::Live;

/// A deployment that has become live, as the admin endpoint tells it.
#[derive(Debug, Serialize, Deserialize)]
pub struct Deployed {
    pub routine: String,
    pub environment: String,
    pub deployment_id: String,
    pub created: String,
    pub code_versions: Vec<Share>,
    /// The deployment before it; `None` for the first of its environment.
    pub replaced: Option<String>,
    /// Who moves; `None` where nothing was replaced.
    pub moved: Option<Moved>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Share {
    pub code_version: String,
    pub percentage: u8,
}

/// Shares of all users, in percent.
#[derive(Debug, Serialize, Deserialize)]
pub struct Moved {
    pub percent: f64,
    /// Whether the share follows from the rule, or is what is to be expected of two
    /// independent placements.
    pub exact: bool,
    pub flows: Vec<Flow>,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct Flow {
    pub from: String,
    pub to: String,
    pub percent: f64,
}

/// Deploys `shares` (code versions and percentages) through the admin endpoint.
pub fn deploy(
    admin: &Endpoint,
    routine: &str,
    environment: &str,
    shares: &[(String, u64)],
) -> Result<Deployed, ClientError> {
    deploy_over(admin, routine, environment, shares, None)
}

/// The same in the place of what was seen, and of nothing else: where somebody has deployed
/// meanwhile it is refused as `precondition_failed`.
pub fn deploy_over(
    admin: &Endpoint,
    routine: &str,
    environment: &str,
    shares: &[(String, u64)],
    seen: Option<&Seen>,
) -> Result<Deployed, ClientError> {
    let body = json!({ "code_versions": listed(shares) });
    let path = path(routine, environment, "deployment");
    let tag = seen.and_then(|seen| seen.tag.as_ref());
    read(admin, send_if(admin, &Method::POST, &path, &body, tag)?)
}

/// A live deployment, as it was when it was looked at.
#[derive(Debug, Clone)]
pub struct Seen {
    pub deployment_id: String,
    /// None of a Serin that gives none.
    tag: Option<HeaderValue>,
}

/// Looks at what is live.
pub fn live(admin: &Endpoint, routine: &str, environment: &str) -> Result<Seen, ClientError> {
    let routine = segment(routine);
    let path = format!("/api/v1/routines/{routine}/environments/{environment}");
    let (value, tag) = ask_tagged(admin, &path)?;
    let live: Live = read(admin, value)?;
    Ok(Seen { deployment_id: live.deployment_id, tag })
}

/// What deploying `shares` would do to the users who came lately; nothing is deployed.
pub fn dry_run(
    admin: &Endpoint,
    routine: &str,
    environment: &str,
    shares: &[(String, u64)],
) -> Result<Value, ClientError> {
    let body = json!({ "code_versions": listed(shares), "dry_run": true });
    send(admin, &Method::POST, &path(routine, environment, "deployment"), &body)
}

/// Deploys again what the deployment `to` had, or the one before the live one.
pub fn roll_back(
    admin: &Endpoint,
    routine: &str,
    environment: &str,
    to: Option<&str>,
) -> Result<Deployed, ClientError> {
    let body = to.map_or_else(|| json!({}), |id| json!({ "deployment_id": id }));
    let answer = send(admin, &Method::POST, &path(routine, environment, "rollback"), &body)?;
    read(admin, answer)
}

fn listed(shares: &[(String, u64)]) -> Vec<Value> {
    let shares = shares.iter();
    shares
        .map(|(version, percent)| json!({ "code_version": version, "percentage": percent }))
        .collect()
}

fn path(routine: &str, environment: &str, what: &str) -> String {
    format!("/api/v1/routines/{}/environments/{environment}/{what}", segment(routine))
}

/// Whatever was typed as a name stays one segment of a path.
pub(super) fn segment(name: &str) -> String {
    form_urlencoded::byte_serialize(name.as_bytes()).collect()
}
