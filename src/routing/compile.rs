//! Compiling: from the catalog to a table, whole or change by change.

use std::sync::Arc;

use super::paths::Slot;
use super::table::{CHUNK_LEN, Choice, CompiledRoutine, Live, RoutingTable, Settings};
use super::target::{Tally, Target};
use crate::model::{
    Catalog, CodeVersion, Domain, Environment, HostPattern, KeySource, Routine, RoutineName, Split,
};

impl RoutingTable {
    /// The table of a whole catalog. Nothing in it can conflict: what could was
    /// refused before it reached the catalog.
    pub fn compile(settings: Settings, catalog: &Catalog) -> Self {
        let all = catalog.routines.iter();
        Self::new(settings).with(all.map(|(name, routine)| (name, Some(routine))))
    }

    /// This table with some routines as they now are; `None` is one that is gone.
    #[must_use]
    pub fn with<'a>(
        &self,
        changed: impl IntoIterator<Item = (&'a RoutineName, Option<&'a Arc<Routine>>)>,
    ) -> Self {
        let mut next = self.clone();
        for (name, routine) in changed {
            next.replace(name, routine);
        }
        next
    }
}

/// Changing a table that is not published yet.
impl RoutingTable {
    fn replace(&mut self, name: &RoutineName, routine: Option<&Arc<Routine>>) {
        let before = self.named(name).map(|compiled| (compiled.slot, compiled.routine.clone()));
        let slot = match (&before, routine) {
            (Some((slot, _)), _) => *slot,
            (None, Some(_)) => self.take_slot(),
            (None, None) => return,
        };
        let (was, is) = (before.as_ref().map(|(_, routine)| routine), routine);
        let routes = |routine: Option<&Arc<Routine>>| routine.map_or(0, |r| r.routes.len());
        let same_routes = match (was, is) {
            (Some(was), Some(is)) => was.routes == is.routes,
            _ => routes(was) + routes(is) == 0,
        };
        if !same_routes {
            self.unroute(slot, was);
            self.route(slot, is);
        }
        if was.is_some() != is.is_some() {
            self.record(slot, name, is.is_some());
        }
        let compiled = is.map(|routine| Arc::new(self.compiled(slot, routine)));
        let chunk = &mut self.routines[slot as usize / CHUNK_LEN];
        Arc::make_mut(chunk)[slot as usize % CHUNK_LEN] = compiled;
    }

    fn take_slot(&mut self) -> Slot {
        let slot = self.next_slot;
        self.next_slot += 1;
        if slot as usize / CHUNK_LEN == self.routines.len() {
            self.routines.push(Arc::new([const { None }; CHUNK_LEN]));
        }
        slot
    }

    /// Enters a routine's name and default records, or removes them.
    fn record(&mut self, slot: Slot, name: &RoutineName, present: bool) {
        self.names.update(name.as_str(), |known| {
            *known = present.then_some(slot);
            present
        });
        let settings = self.settings.clone();
        let domains = settings.domains.iter().map(Domain::as_str);
        for domain in std::iter::once("localhost").chain(domains) {
            self.hosts.update(&format!("{name}.{domain}"), |entry| {
                entry.record = present.then_some(slot);
                present || !entry.paths.is_empty()
            });
        }
        if self.settings.default_routine.as_ref() == Some(name) {
            self.default = present.then_some(slot);
        }
    }

    fn route(&mut self, slot: Slot, routine: Option<&Arc<Routine>>) {
        for route in routine.iter().flat_map(|routine| &routine.routes) {
            match &route.host {
                HostPattern::Exact(host) => self.hosts.update(host, |entry| {
                    entry.paths.insert(&route.path, slot);
                    true
                }),
                HostPattern::Suffix(suffix) => {
                    let count = &mut self.suffix_count;
                    self.suffixes.update(suffix, |paths| {
                        *count += usize::from(paths.is_empty());
                        paths.insert(&route.path, slot);
                        true
                    });
                }
                HostPattern::Any => Arc::make_mut(&mut self.any_host).insert(&route.path, slot),
            }
        }
    }

    fn unroute(&mut self, slot: Slot, routine: Option<&Arc<Routine>>) {
        for route in routine.iter().flat_map(|routine| &routine.routes) {
            match &route.host {
                HostPattern::Exact(host) => self.hosts.update(host, |entry| {
                    entry.paths.remove(&route.path, slot);
                    entry.record.is_some() || !entry.paths.is_empty()
                }),
                HostPattern::Suffix(suffix) => {
                    let count = &mut self.suffix_count;
                    self.suffixes.update(suffix, |paths| {
                        let was_empty = paths.is_empty();
                        paths.remove(&route.path, slot);
                        *count -= usize::from(!was_empty && paths.is_empty());
                        !paths.is_empty()
                    });
                }
                HostPattern::Any => Arc::make_mut(&mut self.any_host).remove(&route.path, slot),
            }
        }
    }

    fn compiled(&mut self, slot: Slot, routine: &Arc<Routine>) -> CompiledRoutine {
        let mut tallies = self.at(slot).map(|before| before.tallies.clone()).unwrap_or_default();
        for environment in Environment::ALL {
            let live = routine.deployment(environment);
            for (version, _) in live.iter().flat_map(|live| live.shares.iter()) {
                tallies.entry((environment, version.clone())).or_insert_with(|| self.take_tally());
            }
        }
        let sources: Arc<[KeySource]> = routine.sticky.sources().into();
        let mut compiled = CompiledRoutine {
            routine: routine.clone(),
            slot,
            sources,
            tallies,
            live: [None, None],
        };
        compiled.live = Environment::ALL.map(|environment| compiled.live(environment));
        compiled
    }

    fn take_tally(&mut self) -> Tally {
        let tally = Tally(self.next_tally);
        self.next_tally += 1;
        tally
    }
}

impl CompiledRoutine {
    fn live(&self, environment: Environment) -> Option<Live> {
        let deployment = self.routine.deployment(environment)?.clone();
        let choice = match self.routine.split(&deployment.shares) {
            Split::Whole(version) => Choice::Only(self.target(environment, &version)),
            Split::Canary { older, newer, percent, seed, threshold } => Choice::Canary {
                seed,
                threshold,
                percent,
                older: self.target(environment, &older),
                newer: self.target(environment, &newer),
            },
        };
        Some(Live { deployment, choice })
    }

    pub(super) fn target(&self, environment: Environment, version: &CodeVersion) -> Arc<Target> {
        let tally = self.tallies.get(&(environment, version.clone())).copied();
        Arc::new(Target::new(&self.routine, environment, version, tally, self.sources.clone()))
    }
}
