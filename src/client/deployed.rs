//! Deploying, and saying what came of it.

use std::io::{self, Write};

use http::{Method, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::exchange::{ClientError, Endpoint, send};

/// A deployment that has become live, as the admin endpoint tells it.
#[derive(Debug, Serialize, Deserialize)]
pub struct Deployed {
    pub routine: String,
    pub environment: String,
    pub deployment_id: String,
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
    let shares: Vec<Value> = shares
        .iter()
        .map(|(version, percent)| json!({ "code_version": version, "percentage": percent }))
        .collect();
    let routine = segment(routine);
    let path = format!("/api/v1/routines/{routine}/environments/{environment}/deployment");
    let answer = send(admin, &Method::POST, &path, &json!({ "code_versions": shares }))?;
    let foreign = |_| ClientError::Foreign { url: admin.url.clone(), status: StatusCode::CREATED };
    serde_json::from_value(answer).map_err(foreign)
}

/// Whatever was typed as a name stays one segment of a path.
pub(super) fn segment(name: &str) -> String {
    form_urlencoded::byte_serialize(name.as_bytes()).collect()
}

/// Prints a deployment for people, or as one line of JSON.
pub fn print_deployed(deployed: &Deployed, as_json: bool, out: &mut impl Write) -> io::Result<()> {
    if as_json {
        return writeln!(out, "{}", json!(deployed));
    }
    let Deployed { routine, environment, deployment_id, code_versions, .. } = deployed;
    writeln!(out, "deployment {deployment_id}: {routine} in {environment}")?;
    for Share { code_version, percentage } in code_versions {
        writeln!(out, "  {percentage:>3} %  {code_version}")?;
    }
    match &deployed.moved {
        None => writeln!(out, "nobody moves: it is the first deployment in {environment}"),
        Some(Moved { flows, .. }) if flows.is_empty() => writeln!(out, "nobody moves"),
        Some(Moved { percent, exact, flows }) => {
            let kind = if *exact {
                "exact"
            } else {
                "expected: the newer version changes, so users are placed anew"
            };
            writeln!(out, "{percent} % of users move ({kind})")?;
            for Flow { from, to, percent } in flows {
                writeln!(out, "  {percent} %  {from} -> {to}")?;
            }
            Ok(())
        }
    }
}
