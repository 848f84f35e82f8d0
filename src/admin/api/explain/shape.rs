//! An explanation, as JSON.

use schemars::JsonSchema;
use serde::Serialize;

use crate::admin::api::document::{
    AppNameText, CodeVersionText, DeploymentIdText, DigestText, EnvironmentText, RoutineNameText,
};
use crate::admin::api::shape::{ShareShape, shares};
use crate::routing::{Explanation, Reason, SubjectName};

/// Where the version answers when nothing says otherwise.
const BUILT_IN: &str = "built-in";

/// 64-bit values are text of 16 hex digits: JSON's numbers end at 2^53.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Explanation")]
pub(in crate::admin::api) struct ExplanationShape {
    /// Of the two one is given, unless no routine takes the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "RoutineNameText")]
    routine: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "AppNameText")]
    app: Option<String>,
    #[schemars(with = "EnvironmentText")]
    environment: &'static str,
    /// The route, `bound record`, `record` or `default_routine`; null when asked by name.
    matched: Option<String>,
    #[schemars(with = "Option<DeploymentIdText>")]
    deployment_id: Option<String>,
    code_versions: Vec<ShareShape>,
    key: Option<String>,
    /// Null when the key was given outright.
    key_source: Option<String>,
    #[schemars(with = "Option<DigestText>")]
    seed: Option<String>,
    #[schemars(with = "Option<DigestText>")]
    position: Option<String>,
    #[schemars(with = "Option<DigestText>")]
    threshold: Option<String>,
    #[schemars(range(max = 9_999))]
    bucket: Option<u16>,
    #[schemars(with = "Option<CodeVersionText>")]
    newer: Option<String>,
    /// Of the newer version.
    #[schemars(range(min = 1, max = 100))]
    percentage: Option<u8>,
    #[schemars(range(min = 1, max = 100))]
    joins_at: Option<u8>,
    /// Null without a deployment, where a keyless request takes its turn, and where an
    /// origin answers.
    #[schemars(with = "Option<CodeVersionText>")]
    version: Option<String>,
    #[schemars(extend("enum" = reasons()))]
    reason: Option<&'static str>,
    /// Null for the reason `origin` is a site that has none.
    upstream: Option<String>,
    /// What the version fails goes to the site's origin. Left out where it does not.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    fallback: bool,
    /// Of a release by regions.
    #[serde(skip_serializing_if = "Option::is_none")]
    regional: Option<RegionalShape>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Regional")]
struct RegionalShape {
    regions: Vec<String>,
    #[schemars(with = "CodeVersionText")]
    inside: String,
    #[schemars(with = "CodeVersionText")]
    outside: String,
    /// Null where nobody says where the request comes from.
    found: Option<String>,
}

impl ExplanationShape {
    pub(super) fn new(explanation: &Explanation) -> Self {
        let placement = explanation.placement.as_ref();
        let key = explanation.key.as_ref();
        let is_origin = explanation.reason == Reason::Origin;
        let decided =
            explanation.version.is_some() || explanation.deployment.is_some() || is_origin;
        let (routine, app) = match &explanation.subject {
            Some(SubjectName::Routine(name)) => (Some(name.to_string()), None),
            Some(SubjectName::App(name)) => (None, Some(name.to_string())),
            None => (None, None),
        };
        Self {
            routine,
            app,
            environment: explanation.environment.as_str(),
            matched: explanation.matched.clone(),
            deployment_id: explanation.deployment.map(|id| id.to_string()),
            code_versions: shares(
                explanation.shares.iter().map(|(version, percent)| (version, *percent)),
            ),
            key: key.map(|key| String::from_utf8_lossy(&key.octets).into_owned()),
            key_source: key.and_then(|key| key.source.as_ref().map(ToString::to_string)),
            seed: placement.map(|placement| hex(placement.seed)),
            position: placement.map(|placement| hex(placement.position.get())),
            threshold: placement.map(|placement| hex(placement.threshold)),
            bucket: placement.map(|placement| placement.position.bucket()),
            newer: placement.map(|placement| placement.newer.to_string()),
            percentage: placement.map(|placement| placement.percent.get()),
            joins_at: placement.map(|placement| placement.position.joins_at().get()),
            version: explanation.version.as_ref().map(ToString::to_string),
            reason: decided.then(|| explanation.reason.as_str()),
            upstream: match (&explanation.upstream, &explanation.version) {
                (Some(upstream), _) => Some(upstream.to_string()),
                (None, Some(_)) => Some(BUILT_IN.to_owned()),
                (None, None) => None,
            },
            fallback: explanation.fallback,
            regional: explanation.regional.as_ref().map(|regional| RegionalShape {
                regions: regional.regions.iter().map(ToString::to_string).collect(),
                inside: regional.inside.to_string(),
                outside: regional.outside.to_string(),
                found: regional.found.clone(),
            }),
        }
    }
}

/// Why a version was chosen; null where none was.
fn reasons() -> Vec<Option<&'static str>> {
    Reason::ALL.map(|reason| Some(reason.as_str())).into_iter().chain([None]).collect()
}

fn hex(value: u64) -> String {
    format!("{value:016x}")
}
