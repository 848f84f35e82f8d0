//! Routines: made, described, deleted.

use std::sync::Arc;

use super::app::app_named;
use super::route::forget_routes_of;
use super::{Outcome, existing, put};
use crate::control::app_command::AppRefused;
use crate::control::change::Change;
use crate::control::command::{Refused, Reply};
use crate::model::{Catalog, CodeVersion, Routine, RoutineName, Sticky, Timestamp};

pub(super) fn create_routine(
    catalog: &mut Catalog,
    name: RoutineName,
    description: String,
    has_assets: bool,
    now: Timestamp,
) -> Outcome {
    if catalog.routines.contains_key(&name) {
        return Err(Refused::RoutineExists(name));
    }
    if let Some(taken) = app_named(catalog, &name) {
        return Err(AppRefused::AppExists(taken).into());
    }
    catalog.quotas.check_routines(catalog.routines.len())?;
    let routine = Routine { description, has_assets, ..Routine::new(name.clone(), now) };
    let routine = Arc::new(routine);
    let mut changes = vec![Change::Routine(routine.clone())];
    if catalog.deleted_routines.remove(&name).is_some() {
        changes.push(Change::RoutineExhumed(name.clone()));
    }
    catalog.routines.insert(name, routine.clone());
    Ok((changes, Reply::Routine(routine)))
}

pub(super) fn revise(
    catalog: &mut Catalog,
    name: &RoutineName,
    description: Option<String>,
    sticky: Option<Sticky>,
    cohort: Option<String>,
) -> Outcome {
    let mut routine = existing(catalog, name)?;
    if let Some(description) = description {
        routine.description = description;
    }
    if let Some(sticky) = sticky {
        (routine.sticky, routine.sticky_declared) = (sticky, false);
    }
    if let Some(cohort) = cohort {
        (routine.cohort, routine.cohort_declared) = (cohort, false);
    }
    let routine = put(catalog, routine);
    let changes = vec![Change::Routine(routine.clone())];
    Ok((changes, Reply::Routine(routine)))
}

pub(super) fn delete_routine(catalog: &mut Catalog, name: RoutineName) -> Outcome {
    let Some(routine) = catalog.routines.remove(&name) else {
        return Err(Refused::NoRoutine(name));
    };
    let mut changes = let_go(catalog, &routine);
    // The routine's own tombstone says it all: made anew, it starts without others.
    for version in deleted_versions_of(catalog, &name) {
        catalog.deleted_versions.remove(&(name.clone(), version));
    }
    catalog.deleted_routines.insert(name.clone());
    changes.extend([Change::RoutineGone(name.clone()), Change::RoutineBuried(name)]);
    Ok((changes, Reply::Done))
}

/// Frees the hosts of a routine that goes, and takes away the routes to it.
pub(super) fn let_go(catalog: &mut Catalog, routine: &Routine) -> Vec<Change> {
    for host in routine.records.keys() {
        catalog.bound_hosts.remove(host);
    }
    forget_routes_of(catalog, &routine.name)
}

fn deleted_versions_of(catalog: &Catalog, name: &RoutineName) -> Vec<CodeVersion> {
    let least = CodeVersion::new("-").expect("`-` is a code version, and by bytes the least");
    let from = catalog.deleted_versions.range((name.clone(), least)..);
    from.take_while(|(of, _)| of == name).map(|(_, version)| version.clone()).collect()
}
