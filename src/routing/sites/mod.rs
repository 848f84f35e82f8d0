//! The routes of sites, compiled: found by the host of a request, then by rule.

use std::net::IpAddr;
use std::sync::Arc;

use hashbrown::HashTable;
use http::request::Parts;

use super::asked::Asked;
use super::host::Host;
use super::index::{Hash, Index};
use super::site_route::{SiteOrigin, SiteRoute};
use super::table::RoutingTable;
use crate::model::{HostBound, HostPattern, RoutineRoute, Site};

/// The routes of a site, by the hosts that their rules could match. Only those that are
/// enabled are here. Every list is in the order in which routes are tried.
#[derive(Default)]
pub(super) struct CompiledSite {
    /// What answers the requests that nothing else takes; `None` where the site has no
    /// origin.
    origin: Option<Arc<SiteOrigin>>,
    hosts: Lists,
    /// By what follows the `*`, leading dot included.
    suffixes: Lists,
    any_host: Vec<Arc<SiteRoute>>,
}

/// Routes by a text.
#[derive(Default)]
struct Lists(HashTable<(Arc<str>, Vec<Arc<SiteRoute>>)>);

impl CompiledSite {
    fn new(site: &Site, mut routes: Vec<Arc<SiteRoute>>) -> Self {
        let mut compiled = Self { origin: SiteOrigin::new(site, None), ..Self::default() };
        routes.sort_by_key(|route| route.order());
        for route in routes {
            match route.route.rule.hosts() {
                HostBound::Any => compiled.any_host.push(route),
                HostBound::Among(patterns) => compiled.enter(&patterns, &route),
            }
        }
        compiled
    }

    /// Enters a route so that a host meets it once: not by a pattern that another
    /// one covers.
    fn enter(&mut self, patterns: &[HostPattern], route: &Arc<SiteRoute>) {
        let suffixes = || {
            patterns.iter().filter_map(|pattern| match pattern {
                HostPattern::Suffix(suffix) => Some(suffix),
                HostPattern::Exact(_) | HostPattern::Any => None,
            })
        };
        let is_covered =
            |text: &Arc<str>| suffixes().any(|suffix| suffix != text && text.ends_with(&**suffix));
        for pattern in patterns {
            match pattern {
                HostPattern::Exact(text) | HostPattern::Suffix(text) if is_covered(text) => {}
                HostPattern::Exact(host) => self.hosts.enter(host, route),
                HostPattern::Suffix(suffix) => self.suffixes.enter(suffix, route),
                HostPattern::Any => self.any_host.push(route.clone()),
            }
        }
    }

    fn is_empty(&self) -> bool {
        self.hosts.0.is_empty() && self.suffixes.0.is_empty() && self.any_host.is_empty()
    }

    /// The routes whose rules could match `host`, in lists of which no two hold the
    /// same one.
    fn lists<'s>(&'s self, host: &[u8]) -> impl Iterator<Item = &'s [Arc<SiteRoute>]> {
        // Also the whole host: a malformed one may begin with a dot.
        let dots = || host.iter().enumerate().filter(|&(_, &byte)| byte == b'.');
        let of_suffixes = (!self.suffixes.0.is_empty()).then(dots);
        let of_suffixes =
            of_suffixes.into_iter().flatten().filter_map(|(at, _)| self.suffixes.of(&host[at..]));
        let of_host = self.hosts.of(host);
        of_host.into_iter().chain(of_suffixes).chain(std::iter::once(&*self.any_host))
    }

    /// The first route of `host` that `matches`. Of a list, only what comes before the
    /// best of those before it is tried.
    fn first(
        &self,
        host: &[u8],
        mut matches: impl FnMut(&SiteRoute) -> bool,
    ) -> Option<&Arc<SiteRoute>> {
        let mut best: Option<&Arc<SiteRoute>> = None;
        for list in self.lists(host) {
            let bound = best.map(|best| best.order());
            let better = |route: &&Arc<SiteRoute>| bound.is_none_or(|bound| route.order() < bound);
            best = list.iter().take_while(better).find(|route| matches(route)).or(best);
        }
        best
    }
}

impl Lists {
    fn of(&self, text: &[u8]) -> Option<&[Arc<SiteRoute>]> {
        if self.0.is_empty() {
            return None;
        }
        let found = self.0.find(Hash::of(text).value(), |(known, _)| known.as_bytes() == text);
        found.map(|(_, routes)| &**routes)
    }

    fn enter(&mut self, text: &Arc<str>, route: &Arc<SiteRoute>) {
        let entry = self.0.entry(
            Hash::of(text.as_bytes()).value(),
            |(known, _)| known == text,
            |(known, _)| Hash::of(known.as_bytes()).value(),
        );
        let mut entry = entry.or_insert_with(|| (text.clone(), Vec::new()));
        entry.get_mut().1.push(route.clone());
    }
}

impl RoutingTable {
    /// This table with some sites as they and their routes now are. The routines of the
    /// routes are in the table already.
    #[must_use]
    pub fn with_sites<'a, R>(&self, sites: impl IntoIterator<Item = (&'a Arc<Site>, R)>) -> Self
    where
        R: IntoIterator<Item = &'a Arc<RoutineRoute>>,
    {
        let mut next = self.clone();
        for (site, routes) in sites {
            let enabled = routes.into_iter().filter(|route| route.enabled);
            // A routine that is gone has taken its routes with it.
            let routes = enabled.filter_map(|route| {
                let slot = next.named(route.routine.as_str())?.slot;
                Some(Arc::new(SiteRoute::new(site, route, slot)))
            });
            let compiled = CompiledSite::new(site, routes.collect());
            let count = &mut next.routed_sites;
            next.sites.update(site.name.as_str(), |known| {
                let was_routed = known.as_ref().is_some_and(|known| !known.is_empty());
                *count = *count + usize::from(!compiled.is_empty()) - usize::from(was_routed);
                *known = Some(Arc::new(compiled));
                true
            });
        }
        next
    }

    /// This table as if there were no sites.
    #[must_use]
    pub fn without_sites(&self) -> Self {
        Self { sites: Index::default(), routed_sites: 0, ..self.clone() }
    }

    /// The first route of the host's site whose rule holds for `request`. Apart from
    /// `decide`, which comes here only where there are routes of sites.
    #[inline(never)]
    pub(super) fn site_route(
        &self,
        host: &Host<'_>,
        request: &Parts,
        peer: IpAddr,
    ) -> Option<&Arc<SiteRoute>> {
        let host = host.as_bytes();
        let site = self.site_of(host)?;
        let mut asked = Asked::new(host, request, peer, &self.settings)?;
        site.first(host, |route| asked.satisfies(&route.route.rule, route.asks_for_place))
    }

    /// The origin of the host's site, for a request that nothing takes.
    #[cold]
    pub(super) fn untouched(&self, host: Option<&Host<'_>>) -> Option<&Arc<SiteOrigin>> {
        self.site_of(host?.as_bytes())?.origin.as_ref()
    }

    /// The site with the longest name that is `host` or above it. One without routes
    /// counts as well: what is above it has none of its requests.
    fn site_of(&self, host: &[u8]) -> Option<&CompiledSite> {
        let below = host.iter().enumerate().filter(|&(_, &byte)| byte == b'.');
        let mut names = std::iter::once(host).chain(below.map(|(at, _)| &host[at + 1..]));
        names.find_map(|name| self.sites.get(Hash::of(name), name)?.as_deref())
    }
}

#[cfg(test)]
mod tests;
