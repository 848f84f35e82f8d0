//! Compiling: from the catalog to a table, whole or change by change.

use std::sync::Arc;

use imbl::OrdMap;

use super::paths::Slot;
use super::subject::Subject;
use super::table::{CHUNK_LEN, Choice, CompiledRoutine, RoutingTable, Settings};
use super::target::{SplitNumber, Tally, Target};
use crate::model::{
    Allotment, AppId, AppName, Catalog, CodeVersion, Domain, EdgeContainerApp, Environment,
    HostPattern, KeySource, Record, Routine, RoutineName, Split,
};

type Records = OrdMap<Domain, Arc<Record>>;

impl RoutingTable {
    /// The table of a whole catalog. Nothing in it can conflict: what could was
    /// refused before it reached the catalog.
    pub fn compile(settings: Settings, catalog: &Catalog) -> Self {
        let all = catalog.routines.iter();
        let table = Self::new(settings).with(all.map(|(name, routine)| (name, Some(routine))));
        let table = table.with_apps(catalog.apps.values());
        let sites = catalog.sites.values();
        table.with_sites(sites.map(|site| (site, catalog.routes_of_site(site.id))))
    }

    /// This table under other settings. What is counted by slot or tally goes on.
    #[must_use]
    pub fn with_settings(&self, settings: Settings) -> Self {
        let mut next = self.clone();
        next.settle(settings);
        next
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

    /// This table with some apps as they now are.
    #[must_use]
    pub fn with_apps<'a>(&self, apps: impl IntoIterator<Item = &'a Arc<EdgeContainerApp>>) -> Self {
        let mut next = self.clone();
        for app in apps {
            next.replace_app(app);
        }
        next
    }

    /// This table without some apps.
    #[must_use]
    pub fn without_apps<'a>(
        &self,
        gone: impl IntoIterator<Item = (&'a AppId, &'a AppName)>,
    ) -> Self {
        let mut next = self.clone();
        for (id, name) in gone {
            next.remove_app(id, name);
        }
        next
    }
}

/// Changing a table that is not published yet.
impl RoutingTable {
    fn settle(&mut self, settings: Settings) {
        let before = std::mem::replace(&mut self.settings, Arc::new(settings));
        if before.domains != self.settings.domains {
            let names = self.routines.iter().flat_map(|chunk| chunk.iter().flatten());
            let names: Vec<_> =
                names.map(|routine| (routine.slot, routine.subject.name())).collect();
            for (slot, name) in names {
                self.enter_records(slot, name.as_str(), &before.domains, false);
                self.record(slot, name.as_str(), true);
            }
        }
        let default = self.settings.default_routine.as_ref();
        let default = default.and_then(|name| self.named(name.as_str()));
        self.default = default.and_then(|routine| match routine.subject {
            Subject::Routine(_) => Some(routine.slot),
            Subject::App(_) => None,
        });
    }

    fn replace(&mut self, name: &RoutineName, routine: Option<&Arc<Routine>>) {
        let before = self.named(name.as_str()).and_then(|compiled| match &compiled.subject {
            Subject::Routine(routine) => Some((compiled.slot, routine.clone())),
            Subject::App(_) => None,
        });
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
        self.rebind(slot, was.map(|was| &was.records), is.map(|is| &is.records));
        if was.is_some() != is.is_some() {
            self.record(slot, name.as_str(), is.is_some());
            if self.settings.default_routine.as_ref() == Some(name) {
                self.default = is.is_some().then_some(slot);
            }
        }
        self.fill(slot, is.map(|routine| Subject::Routine(routine.clone())));
    }

    fn replace_app(&mut self, app: &Arc<EdgeContainerApp>) {
        let before = self.app_at(&app.id, &app.name);
        let slot = match &before {
            Some((slot, _)) => *slot,
            None => self.take_slot(),
        };
        let was = before.map(|(_, app)| app);
        if was.is_none() {
            self.record(slot, app.name.as_str(), true);
        }
        self.rebind(slot, was.as_ref().map(|was| &was.records), Some(&app.records));
        self.fill(slot, Some(Subject::App(app.clone())));
    }

    fn remove_app(&mut self, id: &AppId, name: &AppName) {
        if let Some((slot, was)) = self.app_at(id, name) {
            self.rebind(slot, Some(&was.records), None);
            self.record(slot, name.as_str(), false);
            self.fill(slot, None);
        }
    }

    fn app_at(&self, id: &AppId, name: &AppName) -> Option<(Slot, Arc<EdgeContainerApp>)> {
        let compiled = self.named(name.as_str())?;
        match &compiled.subject {
            Subject::App(app) if app.id == *id => Some((compiled.slot, app.clone())),
            _ => None,
        }
    }

    /// Binds the hosts of `is` to a slot, and lets go of those of `was` that have not
    /// found another one meanwhile.
    fn rebind(&mut self, slot: Slot, was: Option<&Records>, is: Option<&Records>) {
        if was == is {
            return;
        }
        for host in was.into_iter().flat_map(OrdMap::keys) {
            self.hosts.update(host.as_str(), |entry| {
                entry.bound = entry.bound.filter(|bound| *bound != slot);
                entry.leads_somewhere()
            });
        }
        for host in is.into_iter().flat_map(OrdMap::keys) {
            self.hosts.update(host.as_str(), |entry| {
                entry.bound = Some(slot);
                true
            });
        }
    }

    fn fill(&mut self, slot: Slot, subject: Option<Subject>) {
        let compiled = subject.map(|subject| Arc::new(self.compiled(slot, subject)));
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

    /// Enters a name and its default records, or removes them.
    fn record(&mut self, slot: Slot, name: &str, present: bool) {
        self.names.update(name, |known| {
            *known = present.then_some(slot);
            present
        });
        self.enter_record(slot, &format!("{name}.localhost"), present);
        let settings = self.settings.clone();
        self.enter_records(slot, name, &settings.domains, present);
    }

    fn enter_records(&mut self, slot: Slot, name: &str, domains: &[Domain], present: bool) {
        for domain in domains {
            self.enter_record(slot, &format!("{name}.{domain}"), present);
        }
    }

    fn enter_record(&mut self, slot: Slot, host: &str, present: bool) {
        self.hosts.update(host, |entry| {
            entry.record = present.then_some(slot);
            entry.leads_somewhere()
        });
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
                    entry.leads_somewhere()
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

    fn compiled(&mut self, slot: Slot, subject: Subject) -> CompiledRoutine {
        let mut tallies = self.at(slot).map(|before| before.tallies.clone()).unwrap_or_default();
        for environment in Environment::ALL {
            for version in subject.live_versions(environment) {
                tallies.entry((environment, version)).or_insert_with(|| self.take_tally());
            }
        }
        let sources: Arc<[KeySource]> = subject.sticky().sources().into();
        let mut compiled = CompiledRoutine { subject, slot, sources, tallies, live: [None, None] };
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
    fn live(&self, environment: Environment) -> Option<Choice> {
        let (_, allotment) = self.subject.live(environment)?;
        let shares = match allotment {
            Allotment::Shares(shares) => shares,
            Allotment::Regional { regions, inside, outside } => {
                let [inside, outside] =
                    self.pair(environment, [&inside.code_version(), &outside.code_version()]);
                return Some(Choice::Regional { regions: regions.clone(), inside, outside });
            }
        };
        Some(match self.subject.split(&shares) {
            Split::Whole(version) => Choice::Only(self.target(environment, &version)),
            Split::Canary { older, newer, percent, seed, threshold } => {
                let [older, newer] = self.pair(environment, [&older, &newer]);
                Choice::Canary { seed, threshold, percent, older, newer }
            }
        })
    }

    /// Two versions of one deployment, which know each other unless they are one.
    fn pair(&self, environment: Environment, versions: [&CodeVersion; 2]) -> [Arc<Target>; 2] {
        let [one, other] = versions.map(|version| self.target(environment, version));
        if one.version == other.version {
            return [one, other];
        }
        [one.beside(&other), other.beside(&one)]
    }

    pub(super) fn target(&self, environment: Environment, version: &CodeVersion) -> Arc<Target> {
        let tally = self.tallies.get(&(environment, version.clone())).copied();
        let deployment = self.subject.live(environment).map(|(id, _)| id);
        let sources = self.sources.clone();
        let split = SplitNumber::of(self.slot, environment);
        Arc::new(Target::new(
            &self.subject,
            split,
            deployment,
            environment,
            version,
            tally,
            sources,
        ))
    }
}
