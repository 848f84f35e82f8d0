//! What is decided about a request: who answers it, or why nobody does.

use std::sync::Arc;

use super::site_route::{SiteOrigin, SiteRoute};
use super::sticky::MintedKey;
use super::target::{Reason, Target};
use crate::model::{AppName, Domain, Environment, Position, RoutineName};

/// Who answers a request, and why.
#[derive(Debug)]
pub struct Decision {
    pub answerer: Answerer,
    pub reason: Reason,
    /// Whose request it is, where a key decided; the data plane finds it out, too, where there
    /// is one version alone.
    pub user: Option<User>,
    /// A key that was minted for this request, to be set as a cookie.
    pub minted: Option<MintedKey>,
    /// The route of a site that led here, if one did.
    pub route: Option<Arc<SiteRoute>>,
    /// The version that the request was assigned to, where another one answers. An
    /// assignment never changes because of who is well.
    pub assigned: Option<Arc<Target>>,
}

/// Who has a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct User {
    /// The hash of the key under [`Draws::salt`](super::Draws::salt).
    pub hash: u64,
    /// Where the key comes from, by its place in [`Target::sources`]; `None` of one that was
    /// minted for this request.
    pub source: Option<usize>,
    /// Where the key stands, where that decided.
    pub position: Option<Position>,
}

#[derive(Debug, Clone)]
pub enum Answerer {
    /// A version of the routine or app.
    Version(Arc<Target>),
    /// A site's origin, in the place of a route's routine or because nothing else does.
    Origin(Arc<SiteOrigin>),
}

impl Decision {
    /// `route` is the one that led to the origin, if one did.
    pub(super) fn of_origin(origin: Arc<SiteOrigin>, route: Option<Arc<SiteRoute>>) -> Self {
        let answerer = Answerer::Origin(origin);
        Self { answerer, reason: Reason::Origin, user: None, minted: None, route, assigned: None }
    }

    /// The version that answers; `None` where an origin does.
    #[inline]
    pub fn target(&self) -> Option<&Arc<Target>> {
        match &self.answerer {
            Answerer::Version(target) => Some(target),
            Answerer::Origin(_) => None,
        }
    }

    /// The origin that takes over should the version fail.
    #[inline]
    pub fn fallback(&self) -> Option<&Arc<SiteOrigin>> {
        self.falling_back()?.origin()
    }

    /// The site that has no origin, where its route would have fallen back to one.
    pub fn without_fallback(&self) -> Option<&Domain> {
        let route = self.falling_back()?;
        route.origin().is_none().then(|| route.site())
    }

    fn falling_back(&self) -> Option<&SiteRoute> {
        let route = self.route.as_deref().filter(|route| route.falls_back())?;
        // Who named the version wants to know what becomes of it.
        if self.reason == Reason::Override {
            return None;
        }
        // The built-in backend does not fail.
        self.target()?.upstream.as_ref().map(|_| route)
    }

    /// The version that takes over should the one that was assigned fail. Who named a
    /// version gets no other: an override has none beside it.
    #[inline]
    pub fn other(&self) -> Option<&Arc<Target>> {
        self.target()?.other.as_ref()
    }

    /// What becomes of a decision whose version failed, if there is another.
    pub fn fail_over(&mut self) {
        if let Answerer::Version(target) = &mut self.answerer
            && let Some(other) = target.other.clone()
        {
            self.assigned = Some(std::mem::replace(target, other));
            self.reason = Reason::Failover;
        }
    }

    /// What becomes of a decision whose versions failed.
    pub fn fall_back_to(&mut self, origin: Arc<SiteOrigin>) {
        if let Answerer::Version(target) = &self.answerer {
            self.assigned.get_or_insert_with(|| target.clone());
        }
        self.answerer = Answerer::Origin(origin);
        self.reason = Reason::Origin;
    }
}

/// Why nobody answers a request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unroutable {
    #[error("no routine answers for this host and path")]
    NoRoutine,
    #[error("routine `{routine}` has no deployment in {environment}")]
    NoDeployment { routine: RoutineName, environment: Environment },
    #[error(
        "routine `{routine}` has no deployment in {environment}, and site `{site}` has no origin to fall back to"
    )]
    NoFallback { routine: RoutineName, environment: Environment, site: Domain },
    #[error("a route bypasses routine `{routine}`, and site `{site}` has no origin")]
    NoOrigin { routine: RoutineName, site: Domain },
    #[error("app `{app}` has nothing published in {environment}")]
    NotPublished { app: AppName, environment: Environment },
    #[error("{0}")]
    BadOverride(String),
}
