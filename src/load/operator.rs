//! What the operator of a Serin has configured, and does in the middle of a run.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use super::error::LoadError;
use super::judge::Judge;
use super::period::Period;
use super::plan::{Configured, KeyIn, Plan};
use super::split::Release;
use super::version::Versions;
use crate::client::{self, Routine};

/// The split before, between and after the deployments of a run.
pub(super) struct Splits {
    pub(super) periods: Vec<Period>,
    /// Of what is live at the start, if that is known.
    pub(super) deployment_id: Option<String>,
}

/// A deployment that was made.
#[derive(Debug, Clone)]
pub(super) struct Made {
    pub(super) id: String,
    /// After the start.
    pub(super) at: Duration,
}

impl Splits {
    /// Asks the admin endpoint, if the plan names one.
    pub(super) fn of(plan: &Plan, versions: &Versions) -> Result<Self, LoadError> {
        let planned = plan.deployments.iter().map(|planned| planned.shares.clone());
        let (first, routine, deployment_id) = match &plan.split {
            Configured::Unknown => (Vec::new(), None, None),
            Configured::Given(shares) => (shares.clone(), None, None),
            Configured::Deployed { admin, routine, environment } => {
                let routine = client::routine(admin, routine)?;
                let not_live = || LoadError::NotLive {
                    routine: routine.name.clone(),
                    environment: environment.clone(),
                };
                let live = routine.live(environment).ok_or_else(not_live)?;
                finds_the_key(plan, &routine)?;
                let shares = live.code_versions.iter();
                let shares =
                    shares.map(|share| (share.code_version.clone(), share.percentage.into()));
                let (shares, id) = (shares.collect(), live.deployment_id.clone());
                (shares, Some(routine), Some(id))
            }
        };
        let release = routine.as_ref().map(|routine| Release {
            kind: "routine",
            name: &routine.name,
            cohort: &routine.cohort,
        });
        let period = |shares: Vec<(String, u64)>| {
            let period = Period::new(&shares, release.as_ref(), versions);
            period.ok_or(LoadError::TooManyVersions)
        };
        let periods =
            std::iter::once(first).chain(planned).map(period).collect::<Result<_, _>>()?;
        Ok(Self { periods, deployment_id })
    }
}

/// What is live now, if the admin endpoint says so.
pub(super) fn live_id(plan: &Plan) -> Option<String> {
    let Configured::Deployed { admin, routine, environment } = &plan.split else { return None };
    let routine = client::routine(admin, routine).ok()?;
    routine.live(environment).map(|live| live.deployment_id.clone())
}

/// Whether the routine finds the key of a user where requests carry it, and nothing
/// before.
fn finds_the_key(plan: &Plan, routine: &Routine) -> Result<(), LoadError> {
    let carries = |name: &str| {
        plan.headers
            .iter()
            .any(|(known, value)| known.eq_ignore_ascii_case(name) && !value.is_empty())
    };
    let has_cookie = |name: &str| {
        let lines = plan.headers.iter().filter(|(known, _)| known.eq_ignore_ascii_case("cookie"));
        let mut cookies = lines.flat_map(|(_, line)| line.split(';'));
        cookies.any(|cookie| cookie.trim().split('=').next() == Some(name))
    };
    for source in &routine.sticky {
        let (kind, name) = source.split_once(':').unwrap_or((source, ""));
        let is_key = match (&plan.key, kind) {
            (KeyIn::Header(key), "header") => key.eq_ignore_ascii_case(name),
            // A cookie that Serin mints is as good as any once it is there.
            (KeyIn::Cookie(key), "cookie" | "mint") => key == name,
            _ => false,
        };
        if is_key {
            return Ok(());
        }
        let is_found_before = match kind {
            "header" => carries(name),
            "cookie" => has_cookie(name),
            "query" => plan.target.path.contains(&format!("{name}=")),
            // `client-ip` and `spread` are always there, and so is what is minted.
            _ => true,
        };
        if is_found_before {
            break;
        }
    }
    Err(LoadError::KeyNotFound { routine: routine.name.clone(), sticky: routine.sticky.join(", ") })
}

/// Makes the deployments of `plan` at their moments. Ends when they are made, when one
/// fails, which ends the run too, or when the run ends, which closes `running`.
pub(super) fn deploy(
    plan: &Plan,
    judge: &Judge,
    origin: Instant,
    stopped: &Arc<AtomicBool>,
    running: &Receiver<()>,
) -> (Vec<Made>, Option<LoadError>) {
    let mut made = Vec::new();
    let Configured::Deployed { admin, routine, environment } = &plan.split else {
        return (made, None);
    };
    for planned in &plan.deployments {
        let wait = (origin + planned.at).saturating_duration_since(Instant::now());
        if running.recv_timeout(wait) != Err(RecvTimeoutError::Timeout) {
            break;
        }
        judge.deployment_begins();
        let at = origin.elapsed();
        match client::deploy(admin, routine, environment, &planned.shares) {
            Ok(deployed) => made.push(Made { id: deployed.deployment_id, at }),
            Err(error) => {
                // What is live now is not known, so nothing can be judged any more.
                stopped.store(true, Ordering::Relaxed);
                return (made, Some(error.into()));
            }
        }
        judge.deployment_is_made();
    }
    (made, None)
}
