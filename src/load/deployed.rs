//! What a Serin says is deployed, and deploying there.

use super::error::LoadError;
use super::plan::Release;
use crate::client::{self, Endpoint};

/// A routine or an app, as it is when it is looked at.
pub(super) struct Deployed {
    /// As the split rule names it.
    pub(super) kind: &'static str,
    pub(super) name: String,
    pub(super) cohort: String,
    /// Where a request's key is looked for, in order.
    pub(super) sticky: Vec<String>,
    pub(super) live: Option<Live>,
}

/// What an environment serves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Live {
    pub(super) id: String,
    pub(super) shares: Vec<(String, u64)>,
}

impl Deployed {
    pub(super) fn look(
        admin: &Endpoint,
        release: &Release,
        environment: &str,
    ) -> Result<Self, LoadError> {
        match release {
            Release::Routine(name) => {
                let routine = client::routine(admin, name)?;
                let live = routine.live(environment).map(|live| Live {
                    id: live.deployment_id.clone(),
                    shares: live
                        .code_versions
                        .iter()
                        .map(|share| (share.code_version.clone(), share.percentage.into()))
                        .collect(),
                });
                let client::Routine { name, sticky, cohort, .. } = routine;
                Ok(Self { kind: "routine", name, cohort, sticky, live })
            }
            Release::App(id) => {
                let app = client::app(admin, id)?;
                let live = app.live(environment).map(of_publish).transpose()?;
                let client::App { app_id, sticky, cohort, .. } = app;
                Ok(Self { kind: "container", name: app_id, cohort, sticky, live })
            }
        }
    }
}

fn of_publish(publish: &client::Publish) -> Result<Live, LoadError> {
    let percentage = publish.percentage.ok_or(LoadError::ByRegions)?;
    let version = publish.version_id.clone();
    let shares = match &publish.rest {
        Some(rest) => {
            vec![(version, percentage), (rest.clone(), 100_u64.saturating_sub(percentage))]
        }
        // There is nobody who could keep the others.
        None => vec![(version, 100)],
    };
    Ok(Live { id: publish.deployment_id.clone(), shares })
}

/// Deploys `shares`: the id of the deployment.
pub(super) fn deploy(
    admin: &Endpoint,
    release: &Release,
    environment: &str,
    shares: &[(String, u64)],
) -> Result<String, LoadError> {
    match release {
        Release::Routine(name) => {
            Ok(client::deploy(admin, name, environment, shares)?.deployment_id)
        }
        Release::App(id) => publish(admin, id, environment, shares),
    }
}

/// Of an app one version is published, and the version that last had everybody keeps the
/// rest: what is not that one is published.
fn publish(
    admin: &Endpoint,
    id: &str,
    environment: &str,
    shares: &[(String, u64)],
) -> Result<String, LoadError> {
    let release = Release::App(id.to_owned());
    let look = || Deployed::look(admin, &release, environment).map(|app| app.live);
    let before = look()?.map(|live| live.shares).unwrap_or_default();
    // Where two versions are live the second is the one that keeps the rest.
    let baseline = before.last().map(|(version, _)| version);
    let (published, percentage) = match shares {
        [only] => only,
        [one, rest] | [rest, one] if Some(&rest.0) == baseline => one,
        _ => return Err(LoadError::OtherRest),
    };
    client::publish(admin, id, environment, published, *percentage)?;
    let live = look()?.ok_or(LoadError::OtherRest)?;
    let is_as_planned =
        live.shares.len() == shares.len() && shares.iter().all(|share| live.shares.contains(share));
    if is_as_planned { Ok(live.id) } else { Err(LoadError::OtherRest) }
}
