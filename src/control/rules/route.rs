//! Routes of a site: made, revised, deleted.

use std::sync::Arc;

use super::Outcome;
use super::mint::mint_small;
use crate::control::change::Change;
use crate::control::command::{Refused, Reply};
use crate::control::route_command::{NewRoute, RouteRevision};
use crate::model::{
    Catalog, ConfigId, ROUTES_PER_SITE_MAX, RoutineName, RoutineRoute, SiteId, Timestamp,
};

pub(super) fn add_route(catalog: &mut Catalog, new: NewRoute, now: Timestamp) -> Outcome {
    // Only a site that is there says which hosts its rules speak of.
    catalog.site(new.site).ok_or(Refused::NoSite(new.site))?;
    check_routine(catalog, &new.routine)?;
    let (mut count, mut last) = (0, 0);
    for route in catalog.routes_of_site(new.site) {
        count += 1;
        last = last.max(route.sequence);
    }
    catalog.quotas.check_routes(catalog.site_routes.len())?;
    if count >= ROUTES_PER_SITE_MAX {
        return Err(Refused::RoutesFull(new.site, ROUTES_PER_SITE_MAX));
    }
    let route = RoutineRoute {
        id: ConfigId(mint_small(catalog, now)?),
        site: new.site,
        routine: new.routine,
        name: new.name,
        enabled: new.enabled,
        rule_text: new.rule.text,
        rule: new.rule.rule,
        mode: new.rule.mode,
        bypass: new.bypass,
        fallback: new.fallback,
        sequence: new.sequence.unwrap_or_else(|| last.saturating_add(1)),
        timeout: new.timeout,
        created: now,
    };
    let route = put_route(catalog, route);
    let changes = vec![Change::Route(route.clone()), Change::Minted(catalog.last_minted)];
    Ok((changes, Reply::Route(route)))
}

pub(super) fn revise_route(
    catalog: &mut Catalog,
    site: SiteId,
    id: ConfigId,
    revision: RouteRevision,
) -> Outcome {
    let mut route = RoutineRoute::clone(existing_route(catalog, site, id)?);
    if let Some(routine) = revision.routine {
        check_routine(catalog, &routine)?;
        catalog.routes_of.remove(&(route.routine.clone(), site, id));
        route.routine = routine;
    }
    if let Some(written) = revision.rule {
        (route.rule_text, route.rule, route.mode) = (written.text, written.rule, written.mode);
    }
    route.name = revision.name.unwrap_or(route.name);
    route.enabled = revision.enabled.unwrap_or(route.enabled);
    route.bypass = revision.bypass.unwrap_or(route.bypass);
    route.fallback = revision.fallback.unwrap_or(route.fallback);
    route.sequence = revision.sequence.unwrap_or(route.sequence);
    route.timeout = revision.timeout.or(route.timeout);
    let route = put_route(catalog, route);
    Ok((vec![Change::Route(route.clone())], Reply::Route(route)))
}

pub(super) fn delete_route(
    catalog: &mut Catalog,
    site: SiteId,
    id: ConfigId,
    of: Option<&RoutineName>,
) -> Outcome {
    let route = existing_route(catalog, site, id)?;
    if of.is_some_and(|name| *name != route.routine) {
        return Err(Refused::NoRoute(site, id));
    }
    Ok((vec![forget_route(catalog, site, id)], Reply::Done))
}

/// Takes away every route to a routine that goes.
pub(super) fn forget_routes_of(catalog: &mut Catalog, name: &RoutineName) -> Vec<Change> {
    let keys: Vec<_> = catalog.routes_of_routine(name).map(|it| (it.site, it.id)).collect();
    keys.into_iter().map(|(site, id)| forget_route(catalog, site, id)).collect()
}

fn forget_route(catalog: &mut Catalog, site: SiteId, id: ConfigId) -> Change {
    if let Some(route) = catalog.site_routes.remove(&(site, id)) {
        catalog.routes_of.remove(&(route.routine.clone(), site, id));
    }
    Change::RouteGone(site, id)
}

fn existing_route(catalog: &Catalog, site: SiteId, id: ConfigId) -> Result<&RoutineRoute, Refused> {
    let route = catalog.site_routes.get(&(site, id));
    route.map(Arc::as_ref).ok_or(Refused::NoRoute(site, id))
}

fn check_routine(catalog: &Catalog, name: &RoutineName) -> Result<(), Refused> {
    catalog.routine(name).map(drop).ok_or_else(|| Refused::NoRoutine(name.clone()))
}

fn put_route(catalog: &mut Catalog, route: RoutineRoute) -> Arc<RoutineRoute> {
    let route = Arc::new(route);
    let key = (route.site, route.id);
    catalog.routes_of.insert((route.routine.clone(), key.0, key.1));
    catalog.site_routes.insert(key, route.clone());
    route
}
