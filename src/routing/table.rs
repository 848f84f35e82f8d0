//! The catalog, compiled for one lookup a request.

use std::net::IpAddr;
use std::sync::Arc;

use http::request::Parts;
use imbl::OrdMap;
use xxhash_rust::xxh3::Xxh3;

use super::decision::{Answerer, Decision, Unroutable};
use super::draws::Draws;
use super::host::Host;
use super::index::{Hash, Index};
use super::paths::{FoundPath, Paths, Slot};
use super::region::region_of;
use super::site_route::SiteRoute;
use super::sites::CompiledSite;
use super::sticky::{MintedKey, Sought, seek};
use super::subject::{Subject, SubjectName};
use super::target::{Reason, SplitNumber, Tally, Target, placing};
use super::version_override::{may_name_version, named_version};
use crate::model::{
    CodeVersion, Domain, Endpoint, Environment, KeySource, Percent, Position, Region, RegionName,
    Regions, RoutineName, Side, TrustedProxies, Upstream,
};

/// What the operator's config says about routing as a whole.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// Takes the requests that match nothing, once a routine of that name exists.
    pub default_routine: Option<RoutineName>,
    /// `<name>.<domain>` reaches a routine, as `<name>.localhost` always does.
    pub domains: Vec<Domain>,
    /// Whether a request may name its version.
    pub override_allowed: bool,
    pub trusted: TrustedProxies,
    pub regions: Regions,
}

/// All that a request needs to find its version. A persistent value: the next
/// table shares everything that a change leaves alone.
#[derive(Clone)]
pub struct RoutingTable {
    pub(super) settings: Arc<Settings>,
    pub(super) hosts: Index<HostEntry>,
    /// By what follows the `*`, leading dot included.
    pub(super) suffixes: Index<Paths>,
    pub(super) suffix_count: usize,
    pub(super) any_host: Arc<Paths>,
    /// Every site of the account, by name.
    pub(super) sites: Index<Option<Arc<CompiledSite>>>,
    /// How many of them have routes that are enabled.
    pub(super) routed_sites: usize,
    pub(super) names: Index<Option<Slot>>,
    pub(super) default: Option<Slot>,
    pub(super) routines: Vec<Arc<Chunk>>,
    pub(super) next_slot: Slot,
    pub(super) next_tally: u32,
    /// How many tables were published before this one.
    pub(super) generation: u64,
}

/// What one host leads to: routes first, then what it is bound to, then what its
/// name is the default record of.
#[derive(Clone, Default)]
pub(super) struct HostEntry {
    pub(super) paths: Paths,
    pub(super) bound: Option<Slot>,
    pub(super) record: Option<Slot>,
}

impl HostEntry {
    pub(super) fn leads_somewhere(&self) -> bool {
        self.bound.is_some() || self.record.is_some() || !self.paths.is_empty()
    }
}

/// Slots are never given twice, so that what counts by slot counts one routine. A
/// change copies one chunk.
pub(super) const CHUNK_LEN: usize = 256;

pub(super) type Chunk = [Option<Arc<CompiledRoutine>>; CHUNK_LEN];

/// One routine or app, ready to decide.
pub(super) struct CompiledRoutine {
    pub(super) subject: Subject,
    pub(super) slot: Slot,
    pub(super) sources: Arc<[KeySource]>,
    /// Where each version that is or was live is counted. Persistent, so that the
    /// next table does not copy what a long history of versions has left.
    pub(super) tallies: OrdMap<(Environment, CodeVersion), Tally>,
    pub(super) live: [Option<Choice>; 2],
}

/// What one environment serves.
pub(super) enum Choice {
    Only(Arc<Target>),
    Canary { seed: u64, threshold: u64, percent: Percent, older: Arc<Target>, newer: Arc<Target> },
    Regional { regions: Arc<[RegionName]>, inside: Arc<Target>, outside: Arc<Target> },
}

/// How a request came to its routine.
#[derive(Clone, Copy)]
pub(super) enum Way<'t> {
    Route { host: FoundHost<'t>, path: FoundPath<'t> },
    Site(&'t Arc<SiteRoute>),
    Bound,
    Record,
    Default,
}

impl<'t> Way<'t> {
    #[inline]
    pub(super) fn site_route(&self) -> Option<&'t Arc<SiteRoute>> {
        match self {
            Self::Site(route) => Some(route),
            Self::Route { .. } | Self::Bound | Self::Record | Self::Default => None,
        }
    }
}

#[derive(Clone, Copy)]
pub(super) enum FoundHost<'t> {
    Exact(&'t [u8]),
    Suffix(&'t [u8]),
    Any,
}

impl RoutingTable {
    /// A table without routines.
    pub fn new(settings: Settings) -> Self {
        Self {
            settings: Arc::new(settings),
            hosts: Index::default(),
            suffixes: Index::default(),
            suffix_count: 0,
            any_host: Arc::default(),
            sites: Index::default(),
            routed_sites: 0,
            names: Index::default(),
            default: None,
            routines: Vec::new(),
            next_slot: 0,
            next_tally: 0,
            generation: 0,
        }
    }

    /// Whether what `peer` says of others is believed.
    #[inline]
    pub fn trusts(&self, peer: IpAddr) -> bool {
        self.settings.trusted.contains(peer)
    }

    /// Decides who answers `request`, which came from `peer`.
    #[inline]
    pub fn decide(
        &self,
        environment: Environment,
        request: &Parts,
        peer: IpAddr,
        draws: &Draws,
    ) -> Result<Decision, Unroutable> {
        let host = Host::of(request);
        let found = self.routine_for(host.as_ref(), request, peer);
        let Some((routine, way)) = found else {
            // What matches no route of its site goes where it would go without Serin.
            let origin = self.untouched(host.as_ref()).ok_or(Unroutable::NoRoutine)?;
            return Ok(Decision::of_origin(origin.clone(), None));
        };
        let route = way.site_route();

        if self.settings.override_allowed
            && may_name_version(&request.headers)
            && let Some(target) = routine.overridden(environment, request)?
        {
            let (answerer, route) = (Answerer::Version(target), route.cloned());
            let (reason, user, minted) = (Reason::Override, None, None);
            return Ok(Decision { answerer, reason, user, minted, route, assigned: None });
        }
        if let Some(route) = route
            && route.route.bypass
        {
            return route.bypassed();
        }
        let Some(live) = &routine.live[environment.index()] else {
            return match route {
                Some(route) => route.without_routine(environment),
                None => Err(routine.subject.not_live(environment)),
            };
        };
        let (mut user, mut minted) = (None, None);
        let (target, reason) = match live {
            Choice::Only(target) => (target, Reason::Only),
            Choice::Canary { seed, threshold, percent, older, newer } => {
                let (side, reason) =
                    match seek(&routine.sources, request, peer, &self.settings.trusted) {
                        Sought::Key(key, _) => {
                            user = Some(key.hash(draws.salt));
                            (key.position(*seed).side(*threshold), Reason::Key)
                        }
                        Sought::Mint(cookie) => {
                            let key = MintedKey::new(cookie, (draws.mint)());
                            let octets = key.value.as_bytes();
                            user = Some(Position::of(draws.salt, octets).get());
                            let side = Position::of(*seed, octets).side(*threshold);
                            minted = Some(key);
                            (side, Reason::Key)
                        }
                        Sought::Nothing => {
                            let turn = draws.spread.next(routine.slot, environment);
                            (Side::of_turn(turn, *percent), Reason::Spread)
                        }
                    };
                let target = match side {
                    Side::Older => older,
                    Side::Newer => newer,
                };
                (target, reason)
            }
            Choice::Regional { regions, inside, outside } => {
                let within = self.is_within(regions, request, peer);
                (if within { inside } else { outside }, Reason::Region)
            }
        };
        let answerer = Answerer::Version(target.clone());
        Ok(Decision { answerer, reason, user, minted, route: route.cloned(), assigned: None })
    }

    /// The regions that the config knows.
    pub fn regions(&self) -> &[Region] {
        self.settings.regions.all()
    }

    /// Whether a request comes from one of `regions`. Apart from `decide`, where nearly
    /// no request needs it.
    #[inline(never)]
    fn is_within(&self, regions: &[RegionName], request: &Parts, peer: IpAddr) -> bool {
        let Settings { trusted, regions: known, .. } = &*self.settings;
        let region = region_of(&request.headers, peer, trusted, known);
        region.is_some_and(|region| regions.iter().any(|it| it.as_str().as_bytes() == region))
    }

    /// Whose request it is under the sources of `target`'s routine, as
    /// [`Decision::user`] says it where a key decides; `None` of a request that has none, and
    /// would be given one.
    pub fn user_of(
        &self,
        target: &Target,
        request: &Parts,
        peer: IpAddr,
        draws: &Draws,
    ) -> Option<u64> {
        match seek(&target.sources, request, peer, &self.settings.trusted) {
            Sought::Key(key, _) => Some(key.hash(draws.salt)),
            Sought::Mint(_) | Sought::Nothing => None,
        }
    }

    /// The key of a request under the sources of `target`'s routine.
    pub fn key_of(&self, target: &Target, request: &Parts, peer: IpAddr) -> Option<Vec<u8>> {
        match seek(&target.sources, request, peer, &self.settings.trusted) {
            Sought::Key(key, _) => Some(key.to_vec()),
            Sought::Mint(_) | Sought::Nothing => None,
        }
    }

    /// The two versions that share the users of what is seen at `number`, older first;
    /// `None` where one has them all, or nothing is live.
    pub fn canary(&self, number: SplitNumber) -> Option<[(&Target, Percent); 2]> {
        let (slot, environment) = number.parts();
        match self.at(slot)?.live[environment.index()].as_ref()? {
            Choice::Canary { percent, older, newer, .. } => {
                let rest = percent.rest().expect("a canary leaves something");
                Some([(older, rest), (newer, *percent)])
            }
            Choice::Only(_) | Choice::Regional { .. } => None,
        }
    }

    /// Where what is seen of the users of a routine or app is kept, and where their keys come
    /// from, as [`Target::placing`] says it.
    pub fn split_number(
        &self,
        name: &SubjectName,
        environment: Environment,
    ) -> Option<(SplitNumber, u64)> {
        let found = self.named(name.as_str()).filter(|found| found.subject.name() == *name)?;
        let placing = placing(&found.sources, found.subject.cohort());
        Some((SplitNumber::of(found.slot, environment), placing))
    }

    /// Every version that is live somewhere, once for each environment.
    pub fn live_targets(&self) -> impl Iterator<Item = &Arc<Target>> {
        let routines = self.routines.iter().flat_map(|chunk| chunk.iter().flatten());
        routines.flat_map(|routine| routine.live.iter().flatten()).flat_map(|live| match live {
            Choice::Only(target) => vec![target],
            Choice::Canary { older, newer, .. } => vec![older, newer],
            Choice::Regional { inside, outside, .. } => vec![outside, inside],
        })
    }

    /// The endpoints of every version that is live somewhere, of some more than once.
    pub fn endpoints(&self) -> impl Iterator<Item = &Endpoint> {
        let upstreams = self.live_targets().filter_map(|target| target.upstream.as_ref());
        upstreams.flat_map(Upstream::endpoints)
    }

    /// Differs between any two tables that were published one after the other.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// Where the requests of a routine or app are counted, by environment and version:
    /// of what is live, and of what was.
    pub fn tallies(
        &self,
        name: &SubjectName,
    ) -> impl Iterator<Item = (Environment, &CodeVersion, Tally)> {
        let found = self.named(name.as_str()).filter(|found| found.subject.name() == *name);
        let tallies = found.into_iter().flat_map(|found| &found.tallies);
        tallies.map(|((environment, version), tally)| (*environment, version, *tally))
    }

    /// The version that is counted at each number, live or not.
    pub fn counted(&self) -> impl Iterator<Item = (Tally, SubjectName, Environment, &CodeVersion)> {
        let routines = self.routines.iter().flat_map(|chunk| chunk.iter().flatten());
        routines.flat_map(|routine| {
            let tallies = routine.tallies.iter();
            tallies.map(|((environment, version), tally)| {
                (*tally, routine.subject.name(), *environment, version)
            })
        })
    }

    /// A digest of what is live: each version of each routine and app, its share, its
    /// deployment and where its keys come from. Two tables with the same digest give the same
    /// users the same versions, if they know the same routes and regions.
    pub fn digest(&self) -> u64 {
        // A sum, so that it does not matter what was made first.
        self.live_targets().map(|target| self.digest_of(target)).fold(0, u64::wrapping_add)
    }

    fn digest_of(&self, target: &Target) -> u64 {
        let canary = self.canary(target.split).into_iter().flatten();
        let percent = { canary }.find(|(of, _)| of.version == target.version).map(|(_, it)| it);
        let mut digest = Xxh3::new();
        for text in [
            target.subject.noun(),
            target.subject.as_str(),
            target.environment.as_str(),
            target.version.as_str(),
        ] {
            digest.update(&(text.len() as u64).to_le_bytes());
            digest.update(text.as_bytes());
        }
        let deployment = target.deployment.map_or(0, |it| it.0);
        let percent = percent.map_or(0, |it| u64::from(it.get()));
        for number in [deployment, percent, target.placing, u64::from(target.is_canary)] {
            digest.update(&number.to_le_bytes());
        }
        digest.digest()
    }

    /// What a request leads to: by a route of the config, host before path; by a route
    /// of its host's site; by a record that is bound to the host; by a default record;
    /// else the default routine.
    #[inline]
    pub(super) fn routine_for<'t>(
        &'t self,
        host: Option<&'t Host<'_>>,
        request: &Parts,
        peer: IpAddr,
    ) -> Option<(&'t CompiledRoutine, Way<'t>)> {
        let path = request.uri.path().as_bytes();
        let (mut bound, mut record) = (None, None);
        if let Some(host) = host {
            let name = host.as_bytes();
            if let Some(entry) = self.hosts.get(Hash::of(name), name) {
                if let Some((slot, path)) = entry.paths.find(path) {
                    return self.found(slot, Way::Route { host: FoundHost::Exact(name), path });
                }
                (bound, record) = (entry.bound, entry.record);
            }
            if self.suffix_count > 0 {
                for suffix in host.suffixes() {
                    let paths = self.suffixes.get(Hash::of(suffix), suffix);
                    if let Some((slot, path)) = paths.and_then(|paths| paths.find(path)) {
                        let host = FoundHost::Suffix(suffix);
                        return self.found(slot, Way::Route { host, path });
                    }
                }
            }
        }
        if let Some((slot, path)) = self.any_host.find(path) {
            return self.found(slot, Way::Route { host: FoundHost::Any, path });
        }
        if self.routed_sites > 0
            && let Some(route) = host.and_then(|host| self.site_route(host, request, peer))
        {
            return self.found(route.slot, Way::Site(route));
        }
        match (bound, record, self.default) {
            (Some(slot), _, _) => self.found(slot, Way::Bound),
            (None, Some(slot), _) => self.found(slot, Way::Record),
            (None, None, Some(slot)) => self.found(slot, Way::Default),
            (None, None, None) => None,
        }
    }

    fn found<'t>(&'t self, slot: Slot, way: Way<'t>) -> Option<(&'t CompiledRoutine, Way<'t>)> {
        self.at(slot).map(|routine| (routine, way))
    }

    #[inline]
    pub(super) fn at(&self, slot: Slot) -> Option<&CompiledRoutine> {
        let slot = slot as usize;
        self.routines.get(slot / CHUNK_LEN)?[slot % CHUNK_LEN].as_deref()
    }

    pub(super) fn named(&self, name: &str) -> Option<&CompiledRoutine> {
        let name = name.as_bytes();
        let slot = self.names.get(Hash::of(name), name)?;
        self.at((*slot)?)
    }
}

impl Subject {
    #[cold]
    fn not_live(&self, environment: Environment) -> Unroutable {
        match self.name() {
            SubjectName::Routine(routine) => Unroutable::NoDeployment { routine, environment },
            SubjectName::App(app) => Unroutable::NotPublished { app, environment },
        }
    }
}

impl Choice {
    /// The newer one of two versions.
    fn canary(&self) -> Option<&Target> {
        let targets = match self {
            Self::Only(_) => return None,
            Self::Canary { older, newer, .. } => [older, newer],
            Self::Regional { inside, outside, .. } => [outside, inside],
        };
        targets.into_iter().map(|target| &**target).find(|target| target.is_canary)
    }
}

impl CompiledRoutine {
    /// A version that was named, in the role that it has for others.
    fn named_target(&self, environment: Environment, version: &CodeVersion) -> Arc<Target> {
        let target = self.target(environment, version);
        let live = self.live[environment.index()].as_ref();
        match live.and_then(Choice::canary) {
            Some(canary) if canary.version == *version => {
                Arc::new(Target { is_canary: true, ..Target::clone(&target) })
            }
            _ => target,
        }
    }

    /// The version that the request names, whether or not it is deployed, so that a
    /// version can be tried while it is dark.
    fn overridden(
        &self,
        environment: Environment,
        request: &Parts,
    ) -> Result<Option<Arc<Target>>, Unroutable> {
        let named = named_version(&request.headers, self.subject.name().as_str());
        let Some(named) = named.map_err(Unroutable::BadOverride)? else {
            return Ok(None);
        };
        match self.subject.version(&named) {
            Some((version, _)) => Ok(Some(self.named_target(environment, &version))),
            None => Err(Unroutable::BadOverride(self.subject.no_version(&named))),
        }
    }
}
