//! What a Serin says of itself at one moment.

use std::collections::BTreeMap;
use std::time::Instant;

use crate::client::{self, App, Endpoint, Routine, Subject};
use crate::operate::error::OperateError;
use crate::operate::subject::Served;
use crate::operate::told::{Check, EndpointState, OfSubject, Traffic, read};

/// More routines, or apps, are not listed: who looks for one of more searches.
const LISTED_MAX: usize = 1_000;

/// More endpoints are not looked through.
const ENDPOINTS_MAX: usize = 10_000;

/// All that is shown of one moment.
#[derive(Debug)]
pub(super) struct Sample {
    pub(super) at: Instant,
    /// The routines that were found, then the apps.
    pub(super) served: Vec<Served>,
    /// Whether there are more than were listed.
    pub(super) is_cut: bool,
    /// Of those that are looked at closely.
    pub(super) close: BTreeMap<Subject, Close>,
    pub(super) traffic: Traffic,
    pub(super) endpoints: usize,
    /// Those that are not well.
    pub(super) sick: Vec<EndpointState>,
}

/// What a routine or an app is asked for each.
#[derive(Debug)]
pub(super) struct Close {
    pub(super) tallies: OfSubject,
    /// By environment.
    pub(super) checks: BTreeMap<String, Check>,
}

impl Sample {
    /// Asks for everything with `search` in its name, and closely for `wanted`.
    pub(super) fn take(
        admin: &Endpoint,
        search: &str,
        wanted: &[Subject],
    ) -> Result<Self, OperateError> {
        let at = Instant::now();
        let listed = client::routines(admin, search, LISTED_MAX)?;
        let routines: Vec<Routine> = read(admin, &listed["routines"])?;
        let listed_apps = client::apps(admin, search, LISTED_MAX)?;
        let apps: Vec<App> = read(admin, &listed_apps["apps"])?;
        let served: Vec<_> = routines
            .iter()
            .map(Served::of_routine)
            .chain(apps.iter().map(Served::of_app))
            .collect();
        let mut close = BTreeMap::new();
        for of in served.iter().filter(|it| wanted.contains(&it.subject)) {
            // It may have been deleted since it was listed.
            if let Some(found) = Close::look(admin, of)? {
                close.insert(of.subject.clone(), found);
            }
        }
        let traffic = read(admin, &client::traffic(admin)?)?;
        let endpoints = client::endpoints(admin, ENDPOINTS_MAX)?;
        let states: Vec<EndpointState> = read(admin, &endpoints["endpoints"])?;
        Ok(Self {
            at,
            served,
            is_cut: listed["next"].is_string() || listed_apps["next"].is_string(),
            close,
            traffic,
            endpoints: states.len(),
            sick: states.into_iter().filter(|it| it.ailment().is_some()).collect(),
        })
    }
}

impl Close {
    fn look(admin: &Endpoint, of: &Served) -> Result<Option<Self>, OperateError> {
        let tallies = match client::traffic_of(admin, &of.subject) {
            Ok(tallies) => read(admin, &tallies)?,
            Err(client::ClientError::Refused { .. }) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let mut checks = BTreeMap::new();
        for release in of.live.iter().filter(|release| release.is_split()) {
            match client::check(admin, &of.subject, &release.environment) {
                Ok(check) => {
                    checks.insert(release.environment.clone(), read(admin, &check)?);
                }
                Err(client::ClientError::Refused { .. }) => return Ok(None),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(Some(Self { tallies, checks }))
    }
}
