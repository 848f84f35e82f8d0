//! The routes of sites, compiled: found by the host of a request, then by rule.

use std::sync::Arc;

use hashbrown::HashTable;

use super::index::Hash;
use super::paths::Slot;
use super::table::RoutingTable;
use crate::model::{ConfigId, HostBound, HostPattern, RoutineRoute, Site, Upstream};

/// A site with its routes, by the hosts that their rules could match. Only routes that
/// are enabled are here.
#[derive(Clone)]
pub(super) struct CompiledSite {
    pub(super) site: Arc<Site>,
    hosts: HashTable<(Arc<str>, Vec<Arc<CompiledRoute>>)>,
    /// By what follows the `*`, leading dot included.
    suffixes: HashTable<(Arc<str>, Vec<Arc<CompiledRoute>>)>,
    any_host: Vec<Arc<CompiledRoute>>,
}

/// One route, ready to be tried.
pub(super) struct CompiledRoute {
    pub(super) route: Arc<RoutineRoute>,
    pub(super) slot: Slot,
    /// Where a bypass or a fallback leads; `None` where the site has no origin.
    pub(super) origin: Option<Upstream>,
}

impl CompiledRoute {
    fn order(&self) -> (u32, ConfigId) {
        self.route.order()
    }
}

impl CompiledSite {
    fn new(site: &Arc<Site>, mut routes: Vec<Arc<CompiledRoute>>) -> Self {
        let mut compiled = Self {
            site: site.clone(),
            hosts: HashTable::new(),
            suffixes: HashTable::new(),
            any_host: Vec::new(),
        };
        // Every list is then in the order in which routes are tried.
        routes.sort_by_key(|route| route.order());
        for route in routes {
            match route.route.rule.hosts() {
                HostBound::Any => compiled.any_host.push(route),
                HostBound::Among(patterns) => {
                    for pattern in patterns {
                        compiled.enter(&pattern, route.clone());
                    }
                }
            }
        }
        compiled
    }

    fn enter(&mut self, pattern: &HostPattern, route: Arc<CompiledRoute>) {
        let (table, text) = match pattern {
            HostPattern::Exact(host) => (&mut self.hosts, host),
            HostPattern::Suffix(suffix) => (&mut self.suffixes, suffix),
            HostPattern::Any => return self.any_host.push(route),
        };
        let entry = table.entry(
            Hash::of(text.as_bytes()).value(),
            |(known, _)| known == text,
            |(known, _)| Hash::of(known.as_bytes()).value(),
        );
        entry.or_insert_with(|| (text.clone(), Vec::new())).get_mut().1.push(route);
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
            // Whoever has a route to a routine keeps it from leaving the table first.
            let routes = enabled.filter_map(|route| {
                let slot = next.named(route.routine.as_str())?.slot;
                let origin = site.origin.clone();
                Some(Arc::new(CompiledRoute { route: route.clone(), slot, origin }))
            });
            let routes: Vec<_> = routes.collect();
            let has_routes = !routes.is_empty();
            let compiled = Arc::new(CompiledSite::new(site, routes));
            let routed = &mut next.routed_sites;
            next.sites.update(site.name.as_str(), |known| {
                let had_routes =
                    known.as_ref().is_some_and(|known: &Arc<CompiledSite>| !known.is_empty());
                *routed = *routed + usize::from(has_routes) - usize::from(had_routes);
                *known = Some(compiled);
                true
            });
        }
        next
    }
}

impl CompiledSite {
    fn is_empty(&self) -> bool {
        self.hosts.is_empty() && self.suffixes.is_empty() && self.any_host.is_empty()
    }
}
