//! Publishes of apps: made at once, put off, taken up when due, rolled back.

use std::sync::Arc;

use super::Outcome;
use super::app::{existing, put};
use super::mint::mint_number;
use crate::control::app_change::AppChange;
use crate::control::app_command::AppRefused;
use crate::control::change::Change;
use crate::control::command::Reply;
use crate::model::{
    AppId, AppVersion, Catalog, EdgeContainerApp, Environment, Percent, Publish, Reach,
    ScheduledPublish, Timestamp, VersionId,
};

/// Publishes of one app that may wait for their time.
const SCHEDULED_MAX: usize = 100;

#[expect(clippy::too_many_arguments, reason = "a publish is asked for in as many words")]
pub(super) fn publish(
    catalog: &mut Catalog,
    id: &AppId,
    environment: Environment,
    version: VersionId,
    reach: Reach,
    remarks: String,
    start: Option<Timestamp>,
    now: Timestamp,
) -> Outcome {
    let mut app = existing(catalog, id)?;
    if !app.versions.contains_key(&version) {
        return Err(AppRefused::NoVersion(id.clone(), version).into());
    }
    let Some(start) = start.filter(|start| *start > now) else {
        let asked = Asked { environment, version, reach, remarks };
        let (changes, publish) = make_live(catalog, app, asked, now);
        return Ok((changes, Reply::Published(publish)));
    };
    if app.scheduled.len() >= SCHEDULED_MAX {
        return Err(AppRefused::ScheduleFull(id.clone(), SCHEDULED_MAX).into());
    }
    let number = mint_number(catalog, now)?;
    let scheduled = ScheduledPublish { number, environment, version, reach, remarks, start };
    let scheduled = Arc::new(scheduled);
    let at = app.scheduled.partition_point(|other| (other.start, other.number) < (start, number));
    app.scheduled.insert(at, scheduled.clone());
    put(catalog, app);
    catalog.schedule.insert((start, number, id.clone()));
    let changes = vec![
        Change::App(AppChange::Scheduled(id.clone(), scheduled.clone())),
        Change::Minted(catalog.last_minted),
    ];
    Ok((changes, Reply::Scheduled(scheduled)))
}

/// Publishes what is due at `now`, in the order in which it was to start. None of it
/// can be refused: what waits keeps its version from being deleted.
pub(in crate::control) fn take_up_due(catalog: &mut Catalog, now: Timestamp) -> Vec<Change> {
    let mut changes = Vec::new();
    while let Some((start, number, id)) = catalog.schedule.get_min().cloned()
        && start <= now
    {
        catalog.schedule.remove_min();
        let Ok(mut app) = existing(catalog, &id) else { continue };
        let Some(at) = app.scheduled.iter().position(|waiting| waiting.number == number) else {
            continue;
        };
        let due = app.scheduled.remove(at);
        changes.push(Change::App(AppChange::ScheduleGone(id, number)));
        let asked = Asked {
            environment: due.environment,
            version: due.version.clone(),
            reach: due.reach.clone(),
            remarks: due.remarks.clone(),
        };
        changes.extend(make_live(catalog, app, asked, now).0);
    }
    changes
}

pub(super) fn roll_back(
    catalog: &mut Catalog,
    id: &AppId,
    environment: Environment,
    version: VersionId,
    percent: Option<Percent>,
    remarks: String,
    now: Timestamp,
) -> Outcome {
    let mut app = existing(catalog, id)?;
    if !app.versions.contains_key(&version) {
        return Err(AppRefused::NoVersion(id.clone(), version).into());
    }
    let Some(live) = app.publish(environment).cloned() else {
        return Err(AppRefused::NotPublished(id.clone(), environment).into());
    };
    let mut changes = Vec::new();
    let dropped: Vec<_> = app.waiting(environment).map(|it| (it.start, it.number)).collect();
    for (start, number) in dropped {
        app.scheduled.retain(|waiting| waiting.number != number);
        catalog.schedule.remove(&(start, number, id.clone()));
        changes.push(Change::App(AppChange::ScheduleGone(id.clone(), number)));
    }
    let rolled_back = Publish {
        id: catalog.next_deployment(),
        version,
        reach: Reach::Percent(percent.unwrap_or(Percent::ALL)),
        rest: Some(live.version.clone()),
        baseline: live.settled().cloned(),
        rollback: true,
        remarks,
        created: now,
    };
    let (made, publish) = replace_live(catalog, app, environment, rolled_back);
    changes.extend(made);
    Ok((changes, Reply::Published(publish)))
}

struct Asked {
    environment: Environment,
    version: VersionId,
    reach: Reach,
    remarks: String,
}

fn make_live(
    catalog: &mut Catalog,
    app: EdgeContainerApp,
    asked: Asked,
    now: Timestamp,
) -> (Vec<Change>, Arc<Publish>) {
    let Asked { environment, version, reach, remarks } = asked;
    let baseline = app.publish(environment).and_then(|live| live.settled()).cloned();
    let publish = Publish {
        id: catalog.next_deployment(),
        version,
        reach,
        rest: baseline.clone(),
        baseline,
        rollback: false,
        remarks,
        created: now,
    };
    replace_live(catalog, app, environment, publish)
}

fn replace_live(
    catalog: &mut Catalog,
    mut app: EdgeContainerApp,
    environment: Environment,
    publish: Publish,
) -> (Vec<Change>, Arc<Publish>) {
    let (id, publish) = (app.id.clone(), Arc::new(publish));
    let mut changes = Vec::new();
    if let Some(version) = app.versions.get(&publish.version) {
        let version = Arc::new(AppVersion {
            published: version.published.or(Some(publish.created)),
            last_published: Some(publish.created),
            ..AppVersion::clone(version)
        });
        app.versions.insert(version.version_id.clone(), version.clone());
        changes.push(Change::App(AppChange::Version(id.clone(), version)));
    }
    app.live[environment.index()] = Some(publish.clone());
    put(catalog, app);
    catalog.last_deployment = publish.id.0;
    changes.push(Change::App(AppChange::Published(id, environment, publish.clone())));
    (changes, publish)
}
