//! Which parts of the table a list of changes touches.

use std::collections::BTreeSet;

use super::app_change::AppChange;
use super::change::Change;
use crate::model::{AppId, AppName, Catalog, RoutineName, SiteId};
use crate::routing::RoutingTable;

/// What is to be compiled anew, so that a table agrees with a catalog again.
pub(super) struct Moved<'c> {
    routines: BTreeSet<&'c RoutineName>,
    routines_gone: Vec<&'c RoutineName>,
    apps: BTreeSet<&'c AppId>,
    apps_gone: Vec<(&'c AppId, &'c AppName)>,
    sites: BTreeSet<SiteId>,
}

impl<'c> Moved<'c> {
    pub(super) fn by(changes: &'c [Change]) -> Self {
        let of_apps = || {
            changes.iter().filter_map(|change| match change {
                Change::App(change) => Some(change),
                _ => None,
            })
        };
        let gone = of_apps().filter_map(|change| match change {
            AppChange::AppGone(id, name) => Some((id, name)),
            _ => None,
        });
        let routines_gone = changes.iter().filter_map(|change| match change {
            Change::RoutineGone(name) => Some(name),
            _ => None,
        });
        Self {
            routines_gone: routines_gone.collect(),
            routines: changes.iter().filter_map(Change::routed).collect(),
            apps: of_apps().filter_map(AppChange::routed).collect(),
            apps_gone: gone.collect(),
            sites: changes.iter().filter_map(Change::rerouted).collect(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        // What is gone has moved.
        let Self { routines, routines_gone: _, apps, apps_gone, sites } = self;
        routines.is_empty() && apps.is_empty() && apps_gone.is_empty() && sites.is_empty()
    }

    /// `table` with all of it as `catalog` now has it.
    pub(super) fn in_table(&self, table: &RoutingTable, catalog: &Catalog) -> RoutingTable {
        let routines = self.routines.iter().map(|&name| (name, catalog.routines.get(name)));
        let apps = self.apps.iter().filter_map(|&id| catalog.apps.get(id));
        let sites = self.sites.iter().filter_map(|&id| catalog.site(id));
        // What is gone goes first: a name or a host may have found another owner, and who has a
        // name again is somebody else.
        let table = table.without_apps(self.apps_gone.iter().copied());
        let table = table.with(self.routines_gone.iter().map(|&name| (name, None)));
        let table = table.with(routines).with_apps(apps);
        table.with_sites(sites.map(|site| (site, catalog.routes_of_site(site.id))))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::model::{Environment, Routine, Timestamp};
    use crate::routing::{Settings, SubjectName};

    /// As when both wait for the same commit.
    #[test]
    fn who_has_a_name_again_is_somebody_else() {
        let name = RoutineName::new("shop").unwrap();
        let routine = Arc::new(Routine::new(name.clone(), Timestamp(0)));
        let mut catalog = Catalog::default();
        catalog.routines.insert(name.clone(), routine.clone());
        let table = RoutingTable::compile(Settings::default(), &catalog);
        let number = |table: &RoutingTable| {
            let subject = SubjectName::Routine(name.clone());
            table.split_number(&subject, Environment::Production).map(|(number, _)| number)
        };
        let revised = [Change::Routine(routine.clone())];
        let same = Moved::by(&revised).in_table(&table, &catalog);
        assert_eq!(number(&same), number(&table));
        let made_again = [Change::RoutineGone(name.clone()), Change::Routine(routine)];
        let other = Moved::by(&made_again).in_table(&table, &catalog);
        assert!(number(&other).is_some());
        assert_ne!(number(&other), number(&table));
    }
}
