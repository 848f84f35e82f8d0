//! Response shapes of the native API.

use schemars::JsonSchema;
use serde::Serialize;

use super::document::{
    CodeVersionText, DeploymentIdText, EnvironmentText, KeySourceText, MomentText, RoutineNameText,
    UpstreamText, VersionStatusText,
};
use crate::admin::time::rfc3339;
use crate::control::Deployed;
use crate::model::{
    CodeVersion, Deployment, Domain, Environment, Percent, Routine, RoutineName, Version,
};

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Routine")]
pub(in crate::admin) struct RoutineShape {
    #[schemars(with = "RoutineNameText")]
    name: String,
    description: String,
    has_assets: bool,
    #[schemars(with = "MomentText")]
    created: String,
    /// Whether the config declares it, and so owns its shape at each start.
    declared: bool,
    routes: Vec<String>,
    /// Hosts that reach it by its name.
    records: Vec<String>,
    #[schemars(with = "Vec<KeySourceText>")]
    sticky: Vec<String>,
    cohort: String,
    /// Newest first.
    versions: Vec<VersionShape>,
    environments: Environments,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "LiveDeployments")]
struct Environments {
    staging: Option<DeploymentShape>,
    production: Option<DeploymentShape>,
}

impl RoutineShape {
    pub(in crate::admin) fn new(routine: &Routine, domain: Option<&Domain>) -> Self {
        let live = |environment| {
            let live = routine.deployment(environment)?;
            Some(DeploymentShape::new(&routine.name, environment, live))
        };
        let name = &routine.name;
        let below_domain = domain.map(|domain| format!("{name}.{}", domain.as_str()));
        Self {
            name: name.to_string(),
            description: routine.description.clone(),
            has_assets: routine.has_assets,
            created: rfc3339(routine.created),
            declared: routine.origin.is_declared(),
            routes: routine.routes.iter().map(ToString::to_string).collect(),
            records: std::iter::once(format!("{name}.localhost")).chain(below_domain).collect(),
            sticky: texts(routine.sticky.sources()),
            cohort: routine.cohort.clone(),
            versions: versions(routine),
            environments: Environments {
                staging: live(Environment::Staging),
                production: live(Environment::Production),
            },
        }
    }
}

fn texts(items: &[impl ToString]) -> Vec<String> {
    items.iter().map(ToString::to_string).collect()
}

/// Newest first.
pub(super) fn versions(routine: &Routine) -> Vec<VersionShape> {
    let newest_first = routine.versions_newest_first();
    newest_first.into_iter().map(|version| VersionShape::new(version)).collect()
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Version")]
pub(super) struct VersionShape {
    #[schemars(with = "CodeVersionText")]
    code_version: String,
    description: String,
    #[schemars(with = "MomentText")]
    created: String,
    /// Null is the built-in backend.
    #[schemars(with = "Option<UpstreamText>")]
    upstream: Option<String>,
    declared: bool,
    /// `init`, `available` or `failed`: whether its upload has come.
    #[schemars(with = "VersionStatusText")]
    status: &'static str,
}

impl VersionShape {
    pub(super) fn code_version(&self) -> &str {
        &self.code_version
    }

    pub(super) fn new(version: &Version) -> Self {
        Self {
            code_version: version.code_version.to_string(),
            description: version.description.clone(),
            created: rfc3339(version.created),
            upstream: version.upstream.as_ref().map(ToString::to_string),
            declared: version.origin.is_declared(),
            status: version.status.as_str(),
        }
    }
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Deployment")]
pub(super) struct DeploymentShape {
    #[schemars(with = "RoutineNameText")]
    routine: String,
    #[schemars(with = "EnvironmentText")]
    environment: &'static str,
    #[schemars(with = "DeploymentIdText")]
    deployment_id: String,
    #[schemars(with = "MomentText")]
    created: String,
    /// One or two, in the order in which the operator listed them.
    #[schemars(length(min = 1, max = 2))]
    code_versions: Vec<ShareShape>,
}

impl DeploymentShape {
    pub(super) fn new(
        routine: &RoutineName,
        environment: Environment,
        deployment: &Deployment,
    ) -> Self {
        Self {
            routine: routine.to_string(),
            environment: environment.as_str(),
            deployment_id: deployment.id.to_string(),
            created: rfc3339(deployment.created),
            code_versions: shares(deployment.shares.iter()),
        }
    }
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Share")]
pub(super) struct ShareShape {
    #[schemars(with = "CodeVersionText")]
    code_version: String,
    #[schemars(range(min = 1, max = 100))]
    percentage: u8,
}

/// In the order in which the operator listed them.
pub(super) fn shares<'a>(
    shares: impl Iterator<Item = (&'a CodeVersion, Percent)>,
) -> Vec<ShareShape> {
    let share = |(code_version, percent): (&CodeVersion, Percent)| ShareShape {
        code_version: code_version.to_string(),
        percentage: percent.get(),
    };
    shares.map(share).collect()
}

/// A deployment that has become live, and who moves.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Deployed")]
pub(super) struct DeployedShape {
    #[serde(flatten)]
    deployment: DeploymentShape,
    /// The deployment that was live before; null for the first.
    #[schemars(with = "Option<DeploymentIdText>")]
    replaced: Option<String>,
    moved: Option<Moved>,
}

#[derive(Serialize, JsonSchema)]
struct Moved {
    /// Of all users that have a key.
    percent: f64,
    exact: bool,
    flows: Vec<FlowShape>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Flow")]
struct FlowShape {
    #[schemars(with = "CodeVersionText")]
    from: String,
    #[schemars(with = "CodeVersionText")]
    to: String,
    percent: f64,
}

impl DeployedShape {
    pub(super) fn new(name: &RoutineName, environment: Environment, deployed: &Deployed) -> Self {
        let replaced = deployed.replaced.as_ref();
        Self {
            deployment: DeploymentShape::new(name, environment, &deployed.deployment),
            replaced: replaced.map(|(deployment, _)| deployment.id.to_string()),
            moved: replaced.map(|(_, movement)| Moved {
                percent: percent(movement.basis_points()),
                exact: movement.exact,
                flows: movement
                    .flows
                    .iter()
                    .map(|flow| FlowShape {
                        from: flow.from.to_string(),
                        to: flow.to.to_string(),
                        percent: percent(flow.basis_points),
                    })
                    .collect(),
            }),
        }
    }
}

fn percent(basis_points: u32) -> f64 {
    f64::from(basis_points) / 100.0
}
