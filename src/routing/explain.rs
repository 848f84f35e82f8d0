//! Why a request, or a user, gets the version it gets.

use std::net::IpAddr;

use http::request::Parts;

use super::host::Host;
use super::paths::FoundPath;
use super::region::region_of;
use super::site_route::{SiteOrigin, SiteRoute};
use super::sticky::{Sought, seek};
use super::subject::SubjectName;
use super::table::{CompiledRoutine, FoundHost, RoutingTable, Settings, Way};
use super::target::Reason;
use super::version_override::named_version;
use crate::model::{
    Allotment, AppName, CodeVersion, DeploymentId, Environment, KeySource, Percent, Position,
    RegionName, RoutineName, RoutineRoute, Shares, Side, Split, Upstream,
};

/// A decision with its reasons. What is `None` played no part.
#[derive(Debug, Clone)]
pub struct Explanation {
    pub environment: Environment,
    /// `None` where a site's origin answers what no routine takes.
    pub subject: Option<SubjectName>,
    /// The route that matched, of the config or of a site, `bound record`, `record`,
    /// `default_routine` or the site that is left untouched; `None` when it was asked for by name.
    pub matched: Option<String>,
    pub deployment: Option<DeploymentId>,
    pub key: Option<KeyFound>,
    pub placement: Option<Placement>,
    /// `None` for a keyless request of a canary: its turn is counted, or its key
    /// minted, when it comes. `None` where an origin answers, too.
    pub version: Option<CodeVersion>,
    pub reason: Reason,
    /// Where the version answers; `None` is the built-in backend. Where an origin
    /// answers, it; `None` is one that the site does not have.
    pub upstream: Option<Upstream>,
    /// Whether what the version fails goes to the site's origin.
    pub fallback: bool,
    /// What each version is configured to get, as the operator listed it.
    pub shares: Vec<(CodeVersion, Percent)>,
    /// Of a release by regions.
    pub regional: Option<Regional>,
}

/// A release by regions, as one request sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Regional {
    pub regions: Vec<RegionName>,
    pub inside: CodeVersion,
    pub outside: CodeVersion,
    /// Where the request comes from, as far as anybody says.
    pub found: Option<String>,
}

/// A key and where it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyFound {
    pub octets: Vec<u8>,
    /// `None` when the key was given outright.
    pub source: Option<KeySource>,
}

/// Where a key stands, and who is beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placement {
    pub newer: CodeVersion,
    pub older: CodeVersion,
    pub percent: Percent,
    pub seed: u64,
    pub threshold: u64,
    pub position: Position,
}

impl RoutingTable {
    /// Explains what `request` would get; `None` when nobody answers it. A
    /// routine without a deployment has neither a version nor shares.
    ///
    /// # Errors
    ///
    /// What is wrong with the request's version override, in words.
    pub fn explain(
        &self,
        environment: Environment,
        request: &Parts,
        peer: IpAddr,
    ) -> Result<Option<Explanation>, String> {
        let host = Host::of(request);
        let Some((routine, way)) = self.routine_for(host.as_ref(), request, peer) else {
            let origin = self.untouched(host.as_ref());
            return Ok(origin.map(|origin| Explanation::untouched(environment, origin)));
        };
        let subject = &routine.subject;
        let overridden = self.settings.override_allowed;
        let named = overridden.then(|| named_version(&request.headers, subject.name().as_str()));
        let named = named.transpose()?.flatten();
        let (key, minted) = match seek(&routine.sources, request, peer, &self.settings.trusted) {
            Sought::Key(key, at) => {
                let (octets, source) = (key.to_vec(), Some(routine.sources[at].clone()));
                (Some(KeyFound { octets, source }), false)
            }
            Sought::Mint(_) => (None, true),
            Sought::Nothing => (None, false),
        };
        let mut explanation = routine.explain(environment, key);
        if minted && explanation.reason == Reason::Spread {
            // A fresh key will decide, and nobody knows it yet.
            explanation.reason = Reason::Key;
        }
        explanation.matched = Some(way.to_string());
        if let Some(regional) = &mut explanation.regional {
            let Settings { trusted, regions, .. } = &*self.settings;
            let found = region_of(&request.headers, peer, trusted, regions);
            let within = regional.regions.iter().any(|it| Some(it.as_str().as_bytes()) == found);
            regional.found = found.map(|found| String::from_utf8_lossy(found).into_owned());
            let version = if within { &regional.inside } else { &regional.outside }.clone();
            explanation.upstream = subject.version(version.as_str()).and_then(|(_, at)| at);
            explanation.version = Some(version);
        }
        if let Some(route) = way.site_route() {
            let is_bypassed = route.route.bypass && named.is_none();
            let has_version = named.is_some() || routine.live[environment.index()].is_some();
            let has_fallback = route.falls_back() && route.origin().is_some();
            explanation.fallback = has_fallback && !is_bypassed && named.is_none();
            if is_bypassed || explanation.fallback && !has_version {
                return Ok(Some(explanation.past_the_routine(route)));
            }
        }
        if let Some(named) = named {
            let (version, upstream) =
                subject.version(&named).ok_or_else(|| subject.no_version(&named))?;
            explanation.version = Some(version);
            explanation.upstream = upstream;
            explanation.reason = Reason::Override;
            explanation.placement = None;
        }
        // The built-in backend does not fail.
        explanation.fallback &= explanation.version.is_none() || explanation.upstream.is_some();
        Ok(Some(explanation))
    }

    /// Explains what the user with `key` gets of the routine `name`; `None` when
    /// there is no such routine. An empty key is a missing one.
    pub fn explain_key(
        &self,
        name: &RoutineName,
        environment: Environment,
        key: Option<&[u8]>,
    ) -> Option<Explanation> {
        self.explain_key_of(&SubjectName::Routine(name.clone()), environment, key)
    }

    /// As [`RoutingTable::explain_key`], of an app.
    pub fn explain_app_key(
        &self,
        name: &AppName,
        environment: Environment,
        key: Option<&[u8]>,
    ) -> Option<Explanation> {
        self.explain_key_of(&SubjectName::App(name.clone()), environment, key)
    }

    fn explain_key_of(
        &self,
        name: &SubjectName,
        environment: Environment,
        key: Option<&[u8]>,
    ) -> Option<Explanation> {
        let key = key
            .filter(|key| !key.is_empty())
            .map(|key| KeyFound { octets: key.to_vec(), source: None });
        let found = self.named(name.as_str()).filter(|found| found.subject.name() == *name);
        Some(found?.explain(environment, key))
    }
}

impl Explanation {
    /// Of a request that goes where it would go without Serin.
    fn untouched(environment: Environment, origin: &SiteOrigin) -> Self {
        Self {
            environment,
            subject: None,
            matched: Some(format!("site {}", origin.site)),
            deployment: None,
            key: None,
            placement: None,
            version: None,
            reason: Reason::Origin,
            upstream: Some(origin.upstream.clone()),
            fallback: false,
            shares: Vec::new(),
            regional: None,
        }
    }

    /// The same where the origin answers in the place of the routine.
    fn past_the_routine(self, route: &SiteRoute) -> Self {
        Self {
            deployment: None,
            key: None,
            placement: None,
            version: None,
            reason: Reason::Origin,
            upstream: route.origin().map(|origin| origin.upstream.clone()),
            shares: Vec::new(),
            regional: None,
            ..self
        }
    }
}

impl CompiledRoutine {
    fn explain(&self, environment: Environment, key: Option<KeyFound>) -> Explanation {
        let live = self.subject.live(environment);
        let deployment = live.as_ref().map(|(id, _)| *id);
        let (shares, regional) = match live {
            None => (None, None),
            Some((_, Allotment::Shares(shares))) => (Some(shares), None),
            Some((_, Allotment::Regional { regions, inside, outside })) => {
                let (inside, outside) = (inside.code_version(), outside.code_version());
                let regions = regions.to_vec();
                (None, Some(Regional { regions, inside, outside, found: None }))
            }
        };
        let split = shares.as_ref().map(|shares| self.subject.split(shares));
        let (version, reason, placement) = match (split, &key) {
            // Where a user is, the key does not say.
            (None, _) if regional.is_some() => (None, Reason::Region, None),
            (None, _) => (None, Reason::Only, None),
            (Some(Split::Whole(only)), _) => (Some(only), Reason::Only, None),
            (Some(Split::Canary { .. }), None) => (None, Reason::Spread, None),
            (Some(Split::Canary { older, newer, percent, seed, threshold }), Some(key)) => {
                let position = Position::of(seed, &key.octets);
                let version = match position.side(threshold) {
                    Side::Older => older.clone(),
                    Side::Newer => newer.clone(),
                };
                let placement = Placement { newer, older, percent, seed, threshold, position };
                (Some(version), Reason::Key, Some(placement))
            }
        };
        let known = version.as_ref().and_then(|version| self.subject.version(version.as_str()));
        Explanation {
            environment,
            subject: Some(self.subject.name()),
            matched: None,
            deployment,
            key,
            placement,
            upstream: known.and_then(|(_, upstream)| upstream),
            version,
            reason,
            fallback: false,
            shares: shares.iter().flat_map(Shares::iter).map(owned).collect(),
            regional,
        }
    }
}

fn owned((version, percent): (&CodeVersion, Percent)) -> (CodeVersion, Percent) {
    (version.clone(), percent)
}

impl std::fmt::Display for Way<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Site(route) => {
                let (RoutineRoute { name, id, .. }, site) = (&*route.route, route.site());
                write!(f, "route {name} (ConfigId {id} of site {site})")
            }
            Self::Bound => f.write_str("bound record"),
            Self::Record => f.write_str("record"),
            Self::Default => f.write_str("default_routine"),
            Self::Route { host, path } => {
                match host {
                    FoundHost::Exact(host) => f.write_str(&String::from_utf8_lossy(host))?,
                    FoundHost::Suffix(suffix) => {
                        write!(f, "*{}", String::from_utf8_lossy(suffix))?;
                    }
                    FoundHost::Any => f.write_str("*")?,
                }
                match path {
                    FoundPath::Exact(path) => f.write_str(path),
                    FoundPath::Prefix(path) => write!(f, "{path}*"),
                }
            }
        }
    }
}
