//! Records: hosts that are bound to routines, and what is the same for those of apps.

use std::sync::Arc;

use super::mint::mint_small;
use super::{Outcome, existing, put};
use crate::control::change::Change;
use crate::control::command::{Refused, Reply};
use crate::model::{Catalog, Domain, Record, RecordOwner, RoutineName, SiteId, Timestamp};

pub(super) fn add_record(
    catalog: &mut Catalog,
    name: RoutineName,
    host: Domain,
    site: SiteId,
    now: Timestamp,
) -> Outcome {
    let mut routine = existing(catalog, &name)?;
    let owner = RecordOwner::Routine(name.clone());
    let record = bind(catalog, host.clone(), site, owner, now)?;
    routine.records.insert(host, record.clone());
    put(catalog, routine);
    let changes = vec![Change::Record(name, record.clone()), Change::Minted(catalog.last_minted)];
    Ok((changes, Reply::Record(record)))
}

pub(super) fn delete_record(
    catalog: &mut Catalog,
    name: RoutineName,
    host: Domain,
    site: SiteId,
    id: i64,
) -> Outcome {
    let mut routine = existing(catalog, &name)?;
    let found = routine.records.get(&host);
    if found.is_none_or(|record| (record.id, record.site) != (id, site)) {
        return Err(Refused::NoRecord(name, host));
    }
    routine.records.remove(&host);
    put(catalog, routine);
    catalog.bound_hosts.remove(&host);
    Ok((vec![Change::RecordGone(name, host)], Reply::Done))
}

/// Enters a host that nobody has.
pub(super) fn bind(
    catalog: &mut Catalog,
    host: Domain,
    site: SiteId,
    owner: RecordOwner,
    now: Timestamp,
) -> Result<Arc<Record>, Refused> {
    check_site(catalog, &host, site)?;
    if let Some(taken) = catalog.bound_hosts.get(&host) {
        return Err(Refused::HostTaken(host, taken.clone()));
    }
    let id = mint_small(catalog, now)?;
    catalog.bound_hosts.insert(host.clone(), owner);
    Ok(Arc::new(Record { host, id, site, created: now }))
}

/// A config without sites knows none that a host could be foreign to.
fn check_site(catalog: &Catalog, host: &Domain, id: SiteId) -> Result<(), Refused> {
    if catalog.sites.is_empty() {
        return Ok(());
    }
    let site = catalog.site(id).ok_or(Refused::NoSite(id))?;
    // A site below has the hosts that are its own.
    if catalog.site_of(host).is_some_and(|owner| owner.id == id) {
        Ok(())
    } else {
        Err(Refused::ForeignHost(id, host.clone(), site.name.clone()))
    }
}
