//! Why a request, or a user, gets the version it gets.

use std::net::IpAddr;

use http::request::Parts;

use super::host::Host;
use super::paths::FoundPath;
use super::sticky::{Sought, seek};
use super::table::{CompiledRoutine, FoundHost, RoutingTable, Way};
use super::target::Reason;
use super::version_override::named_version;
use crate::model::{
    CodeVersion, DeploymentId, Environment, KeySource, Percent, Position, RoutineName, Side, Split,
    Upstream,
};

/// A decision with its reasons. What is `None` played no part.
#[derive(Debug, Clone)]
pub struct Explanation {
    pub environment: Environment,
    pub routine: RoutineName,
    /// The route that matched, `record` or `default_routine`; `None` when the
    /// routine was asked for by name.
    pub matched: Option<String>,
    pub deployment: Option<DeploymentId>,
    pub key: Option<KeyFound>,
    pub placement: Option<Placement>,
    /// `None` for a keyless request of a canary: its turn is counted, or its key
    /// minted, when it comes.
    pub version: Option<CodeVersion>,
    pub reason: Reason,
    /// Where the version answers; `None` is the built-in backend.
    pub upstream: Option<Upstream>,
    /// What each version is configured to get, as the operator listed it.
    pub shares: Vec<(CodeVersion, Percent)>,
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
    /// Explains what `request` would get; `None` when no routine takes it. A
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
        let Some((routine, way)) = self.routine_for(host.as_ref(), request.uri.path()) else {
            return Ok(None);
        };
        let name = routine.routine.name.as_str();
        let (key, minted) = match seek(&routine.sources, request, peer, &self.settings.trusted) {
            Sought::Key(key, source) => {
                let (octets, source) = (key.to_vec(), Some(source.clone()));
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
        if self.settings.override_allowed
            && let Some(named) = named_version(&request.headers, name)?
        {
            let (version, known) =
                routine.routine.versions.get_key_value(named.as_str()).ok_or(format!(
                    "the version override names `{named}`, and routine `{name}` has no such version"
                ))?;
            explanation.version = Some(version.clone());
            explanation.upstream.clone_from(&known.upstream);
            explanation.reason = Reason::Override;
            explanation.placement = None;
        }
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
        let key = key
            .filter(|key| !key.is_empty())
            .map(|key| KeyFound { octets: key.to_vec(), source: None });
        Some(self.named(name)?.explain(environment, key))
    }
}

impl CompiledRoutine {
    fn explain(&self, environment: Environment, key: Option<KeyFound>) -> Explanation {
        let routine = &self.routine;
        let live = self.live[environment.index()].as_ref().map(|live| &live.deployment);
        let split = live.map(|live| routine.split(&live.shares));
        let (version, reason, placement) = match (split, &key) {
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
        let known = version.as_ref().and_then(|version| routine.versions.get(version));
        Explanation {
            environment,
            routine: routine.name.clone(),
            matched: None,
            deployment: live.map(|live| live.id),
            key,
            placement,
            upstream: known.and_then(|version| version.upstream.clone()),
            version,
            reason,
            shares: live.map_or_else(Vec::new, |live| {
                live.shares.iter().map(|(version, percent)| (version.clone(), percent)).collect()
            }),
        }
    }
}

impl std::fmt::Display for Way<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
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
