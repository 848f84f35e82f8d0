//! A route of a site as requests meet it: which routine it leads to, and when the
//! site's origin answers instead.

use std::sync::Arc;
use std::time::Duration;

use http::HeaderValue;

use super::decision::{Decision, Unroutable};
use super::paths::Slot;
use super::target::header_value;
use crate::model::{
    ConfigId, Domain, Environment, RouteTimeout, RoutineName, RoutineRoute, Site, Upstream,
};

/// One route of a site, ready to be tried.
#[derive(Debug)]
pub struct SiteRoute {
    pub(super) route: Arc<RoutineRoute>,
    pub(super) slot: Slot,
    pub(super) asks_for_place: bool,
    site: Domain,
    /// `None` where the site has no origin.
    origin: Option<Arc<SiteOrigin>>,
}

/// A site's origin where it answers, in the place of a routine or for nobody's request.
#[derive(Debug)]
pub struct SiteOrigin {
    pub site: Domain,
    pub upstream: Upstream,
    /// Whose requests these are, as it is and as a response says it.
    pub routine: Option<(RoutineName, HeaderValue)>,
}

impl SiteOrigin {
    /// `None` where the site has no origin.
    pub(super) fn new(site: &Site, routine: Option<&RoutineName>) -> Option<Arc<Self>> {
        let upstream = site.origin.clone()?;
        let routine = routine.map(|name| (name.clone(), header_value(name.as_str())));
        Some(Arc::new(Self { site: site.name.clone(), upstream, routine }))
    }
}

impl SiteRoute {
    pub(super) fn new(site: &Site, route: &Arc<RoutineRoute>, slot: Slot) -> Self {
        Self {
            origin: SiteOrigin::new(site, Some(&route.routine)),
            asks_for_place: route.rule.asks_for_place(),
            route: route.clone(),
            slot,
            site: site.name.clone(),
        }
    }

    /// The order in which the routes of a site are tried.
    pub(super) fn order(&self) -> (u32, ConfigId) {
        self.route.order()
    }

    pub fn site(&self) -> &Domain {
        &self.site
    }

    /// How long the routine may take, where the route says so.
    pub fn timeout(&self) -> Option<Duration> {
        self.route.timeout.map(RouteTimeout::duration)
    }

    /// Whether what the routine fails is the origin's.
    pub fn falls_back(&self) -> bool {
        self.route.fallback
    }

    pub fn origin(&self) -> Option<&Arc<SiteOrigin>> {
        self.origin.as_ref()
    }

    /// What is decided past the routine.
    #[cold]
    pub(super) fn bypassed(self: &Arc<Self>) -> Result<Decision, Unroutable> {
        self.to_origin().ok_or_else(|| Unroutable::NoOrigin {
            routine: self.route.routine.clone(),
            site: self.site.clone(),
        })
    }

    /// What is decided where the routine has nothing in `environment`.
    pub(super) fn without_routine(
        self: &Arc<Self>,
        environment: Environment,
    ) -> Result<Decision, Unroutable> {
        let routine = self.route.routine.clone();
        if !self.falls_back() {
            return Err(Unroutable::NoDeployment { routine, environment });
        }
        let site = self.site.clone();
        self.to_origin().ok_or(Unroutable::NoFallback { routine, environment, site })
    }

    fn to_origin(self: &Arc<Self>) -> Option<Decision> {
        let origin = self.origin.clone()?;
        Some(Decision::of_origin(origin, Some(self.clone())))
    }
}
