//! Routines, tables and requests in few words.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use http::Request;
use http::request::Parts;
use serin::model::{
    Catalog, CodeVersion, ConfigId, Deployment, DeploymentId, Domain, Environment, Percent, Record,
    Route, RouteMode, Routine, RoutineName, RoutineRoute, Rule, Shares, Site, SiteId, Sticky,
    Timestamp, Upstream, Version,
};
use serin::routing::{Decision, Draws, RoutingTable, Settings, SpreadCounters, Unroutable};

pub(crate) const PEER: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
pub(crate) const OVERRIDE: &str = "x-serin-version-override";

pub(crate) fn name(text: &str) -> RoutineName {
    RoutineName::new(text).expect("a routine's name")
}

pub(crate) fn version(text: &str) -> CodeVersion {
    CodeVersion::new(text).expect("a code version")
}

/// A routine that serves nothing yet.
pub(crate) fn routine(text: &str) -> Routine {
    Routine::new(name(text), Timestamp(0))
}

/// A routine with version 1 live in production.
pub(crate) fn serving(text: &str) -> Routine {
    routine(text).deployed(Environment::Production, 1, &[("1", 100)])
}

/// What tests say about a routine.
pub(crate) trait Described {
    fn routed(self, routes: &[&str]) -> Self;
    fn keyed(self, sources: &[&str]) -> Self;
    fn versioned(self, versions: &[&str]) -> Self;
    fn answered_at(self, version: &str, upstream: &str) -> Self;
    fn bound_to(self, hosts: &[&str]) -> Self;
    /// Adds the versions that are not there yet.
    fn deployed(self, environment: Environment, id: u64, shares: &[(&str, u64)]) -> Self;
}

impl Described for Routine {
    fn routed(mut self, routes: &[&str]) -> Self {
        let route = |text: &&str| Route::new(text).expect("a route");
        self.routes = routes.iter().map(route).collect();
        self
    }

    fn keyed(mut self, sources: &[&str]) -> Self {
        self.sticky = Sticky::parse(sources.iter().copied()).expect("sources of keys");
        self
    }

    fn versioned(mut self, versions: &[&str]) -> Self {
        for text in versions {
            let made = Version::new(version(text), Timestamp(0));
            self.versions.entry(version(text)).or_insert(Arc::new(made));
        }
        self
    }

    fn answered_at(mut self, text: &str, upstream: &str) -> Self {
        let known = self.versions.get_mut(&version(text));
        let known = Arc::make_mut(known.expect("a version of the routine"));
        known.upstream = Some(Upstream::new(upstream).expect("an upstream"));
        self
    }

    fn bound_to(mut self, hosts: &[&str]) -> Self {
        self.records =
            hosts.iter().map(|host| (Domain::new(host).expect("a host"), record(host))).collect();
        self
    }

    fn deployed(self, environment: Environment, id: u64, shares: &[(&str, u64)]) -> Self {
        let named: Vec<_> = shares.iter().map(|(version, _)| *version).collect();
        let mut routine = self.versioned(&named);
        let share = |&(text, percent)| {
            let percent = Percent::new(percent).expect("1 to 100");
            (version(text), percent)
        };
        let shares = Shares::new(shares.iter().map(share).collect());
        routine.live[environment.index()] = Some(Arc::new(Deployment {
            id: DeploymentId(id),
            shares: shares.expect("100 in all"),
            created: Timestamp(0),
        }));
        routine
    }
}

/// Site `id`, with or without an origin.
pub(crate) fn site(id: i64, domain: &str, origin: Option<&str>) -> Site {
    Site {
        id: SiteId::new(id).expect("a site's number"),
        name: Domain::new(domain).expect("a site's name"),
        origin: origin.map(|origin| Upstream::new(origin).expect("an origin")),
    }
}

/// An enabled route of site `site` to `routine`, in the order of its number.
pub(crate) fn route_of(site: i64, id: i64, routine: &str, rule: &str) -> RoutineRoute {
    RoutineRoute {
        id: ConfigId(id),
        site: SiteId::new(site).expect("a site's number"),
        routine: name(routine),
        name: format!("route-{id}"),
        enabled: true,
        rule_text: rule.to_owned(),
        rule: Rule::parse(rule).unwrap_or_else(|error| panic!("{rule}: {error}")),
        mode: RouteMode::Custom,
        bypass: false,
        fallback: false,
        sequence: 1,
        timeout: None,
        created: Timestamp(0),
    }
}

/// Enters sites and their routes, as the control plane does.
pub(crate) fn place(
    catalog: &mut Catalog,
    sites: impl IntoIterator<Item = Site>,
    routes: impl IntoIterator<Item = RoutineRoute>,
) {
    for site in sites {
        catalog.sites.insert(site.id, Arc::new(site));
    }
    for route in routes {
        catalog.routes_of.insert((route.routine.clone(), route.site, route.id));
        catalog.site_routes.insert((route.site, route.id), Arc::new(route));
    }
}

/// A record that binds `host`.
pub(crate) fn record(host: &str) -> Arc<Record> {
    Arc::new(Record {
        host: Domain::new(host).expect("a host"),
        id: 1,
        site: SiteId::new(1).expect("a site's number"),
        created: Timestamp(0),
    })
}

pub(crate) fn catalog(routines: impl IntoIterator<Item = Routine>) -> Catalog {
    let entry = |routine: Routine| (routine.name.clone(), Arc::new(routine));
    Catalog { routines: routines.into_iter().map(entry).collect(), ..Catalog::default() }
}

/// As `serve` sets it up when the config says nothing.
pub(crate) fn settings() -> Settings {
    Settings { override_allowed: true, ..Settings::default() }
}

pub(crate) fn table(routines: impl IntoIterator<Item = Routine>) -> RoutingTable {
    RoutingTable::compile(settings(), &catalog(routines))
}

pub(crate) fn request(target: &str, lines: &[(&str, &str)]) -> Parts {
    let mut request = Request::get(target);
    for (name, value) in lines {
        request = request.header(*name, *value);
    }
    request.body(()).expect("a request").into_parts().0
}

/// A request for the default record of `routine`.
pub(crate) fn request_for(routine: &str, lines: &[(&str, &str)]) -> Parts {
    let host = format!("{routine}.localhost");
    request("/", &[&[("host", &*host)], lines].concat())
}

/// Counters from 0, and minted keys that are all different.
pub(crate) fn draws() -> Draws {
    let next = AtomicU8::new(0);
    Draws {
        spread: SpreadCounters::default(),
        mint: Box::new(move || [next.fetch_add(1, Ordering::Relaxed); 16]),
        salt: 0,
    }
}

/// What production decides.
pub(crate) fn decide(table: &RoutingTable, request: &Parts) -> Result<Decision, Unroutable> {
    table.decide(Environment::Production, request, PEER, &draws())
}
