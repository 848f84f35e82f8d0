//! What the operator of a Serin has configured, and does in the middle of a run.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use super::deployed::{self, Deployed};
use super::error::LoadError;
use super::judge::Judge;
use super::period::Period;
use super::plan::{Configured, KeyIn, Plan, Protocol};
use super::split;
use super::version::Versions;

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

/// What became of the deployments of a plan.
#[derive(Debug, Default)]
pub(super) struct Operated {
    pub(super) made: Vec<Made>,
    /// When one failed, and why: it ended the run.
    pub(super) failed: Option<(Duration, LoadError)>,
}

impl Splits {
    /// Asks the admin endpoint, if the plan names one.
    pub(super) fn of(plan: &Plan, versions: &Versions) -> Result<Self, LoadError> {
        let planned = plan.deployments.iter().map(|planned| planned.shares.clone());
        let (first, deployed, deployment_id) = match &plan.split {
            Configured::Unknown => (Vec::new(), None, None),
            Configured::Given(shares) => (shares.clone(), None, None),
            Configured::Deployed { admin, release, environment } => {
                let mut deployed = Deployed::look(admin, release, environment)?;
                let not_live = || LoadError::NotLive {
                    release: release.to_string(),
                    environment: environment.clone(),
                };
                let live = deployed.live.take().ok_or_else(not_live)?;
                finds_the_key(plan, &release.to_string(), &deployed.sticky)?;
                (live.shares, Some(deployed), Some(live.id))
            }
        };
        let release = deployed.as_ref().map(|deployed| split::Release {
            kind: deployed.kind,
            name: &deployed.name,
            cohort: &deployed.cohort,
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

/// What is live at the end.
pub(super) enum End {
    /// What the run has last seen or made, or it has nothing to do with any.
    AsKnown,
    /// What somebody else has deployed; `None` where nothing is live any more.
    Another(Option<String>),
    /// The admin endpoint did not say.
    Unknown(LoadError),
}

impl End {
    /// `last`: what was live at the start, or the last that was made.
    pub(super) fn of(plan: &Plan, last: Option<&String>) -> Self {
        let Configured::Deployed { admin, release, environment } = &plan.split else {
            return Self::AsKnown;
        };
        let live = match Deployed::look(admin, release, environment) {
            Ok(deployed) => deployed.live.map(|live| live.id),
            Err(error) => return Self::Unknown(error),
        };
        if live.as_ref() == last { Self::AsKnown } else { Self::Another(live) }
    }
}

/// Whether the key of a user is found where requests carry it, and nothing before.
fn finds_the_key(plan: &Plan, release: &str, sticky: &[String]) -> Result<(), LoadError> {
    for source in sticky {
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
            "header" => carries_header(plan, name),
            "cookie" => carries_cookie(plan, name),
            "query" => carries_parameter(plan, name),
            // `client-ip` and `spread` are always there, and so is what is minted.
            _ => true,
        };
        if is_found_before {
            break;
        }
    }
    Err(LoadError::KeyNotFound { release: release.to_owned(), sticky: sticky.join(", ") })
}

/// Of several of one name the first counts, and an empty value is none.
fn carries_header(plan: &Plan, name: &str) -> bool {
    let is = |known: &str| known.eq_ignore_ascii_case(name);
    if is("cookie") && matches!(plan.key, KeyIn::Cookie(_)) {
        return true;
    }
    let mut named = plan.headers.iter().filter(|(known, _)| is(known));
    named.next().map_or_else(|| is_added(plan, is), |(_, value)| !value.is_empty())
}

/// Whether requests carry a header that nobody has given.
fn is_added(plan: &Plan, is: impl Fn(&str) -> bool) -> bool {
    let has_length = match plan.protocol {
        Protocol::Http1 => plan.body.is_some(),
        // There it is added wherever a method is for something that has a body.
        Protocol::Http2 { .. } => {
            plan.body.is_some() || !["GET", "HEAD", "DELETE"].contains(&plan.method.as_str())
        }
    };
    let users = &plan.users;
    is("host")
        || is("user-agent")
        || (is("content-length") && has_length)
        || (is(&users.region_header) && !users.regions.is_empty())
}

fn carries_cookie(plan: &Plan, name: &str) -> bool {
    let lines = plan.headers.iter().filter(|(known, _)| known.eq_ignore_ascii_case("cookie"));
    let cookies = lines.flat_map(|(_, line)| line.split(';'));
    let mut pairs = cookies.filter_map(|cookie| cookie.trim().split_once('='));
    pairs.find(|(known, _)| *known == name).is_some_and(|(_, value)| !value.is_empty())
}

fn carries_parameter(plan: &Plan, name: &str) -> bool {
    let query = plan.target.path.split_once('?').map(|(_, query)| query).unwrap_or_default();
    let mut pairs = form_urlencoded::parse(query.as_bytes());
    pairs.find(|(known, _)| known == name).is_some_and(|(_, value)| !value.is_empty())
}

/// Makes the deployments of `plan` at their moments. Ends when they are made, when one
/// fails, which ends the run too, or when the run ends, which closes `running`.
pub(super) fn deploy(
    plan: &Plan,
    judge: &Judge,
    origin: Instant,
    stopped: &Arc<AtomicBool>,
    running: &Receiver<()>,
) -> Operated {
    let mut operated = Operated::default();
    let Configured::Deployed { admin, release, environment } = &plan.split else {
        return operated;
    };
    for planned in &plan.deployments {
        let wait = (origin + planned.at).saturating_duration_since(Instant::now());
        if running.recv_timeout(wait) != Err(RecvTimeoutError::Timeout) {
            break;
        }
        judge.deployment_begins();
        let at = origin.elapsed();
        match deployed::deploy(admin, release, environment, &planned.shares) {
            Ok(id) => operated.made.push(Made { id, at }),
            Err(error) => {
                // What is live from here on is not known, so nothing more can be judged; what
                // was seen until here can.
                stopped.store(true, Ordering::Relaxed);
                operated.failed = Some((at, error));
                break;
            }
        }
        judge.deployment_is_made();
    }
    operated
}
