//! What a run is to do.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;

use super::mistake::mistake_of_request;
use super::rate::Rate;
use super::target::Target;
use super::version::VersionFrom;
use crate::client::Endpoint;

/// Connections of one run; each holds some 20 KiB.
pub(super) const CONNECTIONS_MAX: usize = 20_000;

/// Threads of one run.
pub(super) const THREADS_MAX: usize = 64;

/// Concurrent requests of one HTTP/2 connection.
pub(super) const STREAMS_MAX: usize = 1_000;

/// Users of one run; each is remembered in 4 bytes.
pub(super) const USERS_MAX: u64 = 100_000_000;

/// Requests a second.
pub(super) const RATE_MAX: f64 = 10_000_000.0;

/// How long a request may take. What is waited for longer is told as this long.
pub(super) const TIMEOUT_MAX: Duration = Duration::from_hours(1);

/// How long anything else of a run may take.
pub(super) const TIME_MAX: Duration = Duration::from_hours(24 * 365);

/// Versions of one deployment.
const SHARES_MAX: usize = 2;

/// Deployments in the middle of a run.
pub(super) const DEPLOYMENTS_MAX: usize = 100;

/// A run, whole.
#[derive(Debug, Clone)]
pub struct Plan {
    pub target: Target,
    pub protocol: Protocol,
    pub model: Model,
    pub connections: usize,
    pub threads: usize,
    pub duration: Duration,
    /// Of all threads together.
    pub requests_max: Option<u64>,
    /// How long a request may take, from being sent, or from opening a connection for it.
    pub timeout: Duration,
    pub method: String,
    pub headers: Vec<(String, String)>,
    pub body: Option<Vec<u8>>,
    pub users: Users,
    pub key: KeyIn,
    pub version_from: VersionFrom,
    /// Somebody has said that, so that a run in which no answer names one is no good one.
    pub is_told_where: bool,
    pub split: Configured,
    /// In the order of their moments.
    pub deployments: Vec<Planned>,
    pub errors_max: u64,
    /// Whom an `https` target must be vouched for by.
    pub tls: Arc<ClientConfig>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    Http1,
    Http2 { streams: usize },
}

/// Who says when a request is sent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Model {
    /// The clock: requests are due at a rate, whatever the target does.
    Open(Rate),
    /// The target: a connection sends when it was answered.
    Closed,
}

/// Who asks.
#[derive(Debug, Clone, PartialEq)]
pub struct Users {
    pub count: u64,
    pub seed: u64,
    /// Of Zipf's law: user number n asks in proportion to 1/n to this power.
    pub exponent: f64,
    /// The first so many make such a share of all requests, 0 to 1, alike among each other.
    pub heavy: Option<(u64, f64)>,
    /// What stands before a user's number in its key.
    pub key_prefix: String,
    /// Where they are, with weights.
    pub regions: Vec<(String, f64)>,
    /// The header that says where.
    pub region_header: String,
}

impl Users {
    /// So many, who ask alike and are nowhere.
    pub fn alike(count: u64) -> Self {
        Self {
            count,
            seed: 1,
            exponent: 0.0,
            heavy: None,
            key_prefix: "user-".to_owned(),
            regions: Vec::new(),
            region_header: "x-serin-region".to_owned(),
        }
    }
}

/// Where a request carries its user's key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyIn {
    Header(String),
    Cookie(String),
}

/// How the target is to split its users.
#[derive(Debug, Clone)]
pub enum Configured {
    Unknown,
    /// Versions with their percentages; how users are told apart is not known.
    Given(Vec<(String, u64)>),
    /// As a Serin says, by the rule that it publishes.
    Deployed {
        admin: Endpoint,
        release: Release,
        environment: String,
    },
}

/// What Serin deploys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Release {
    /// By its name.
    Routine(String),
    /// An edge container app, by its id.
    App(String),
}

impl fmt::Display for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Routine(name) => write!(f, "routine `{name}`"),
            Self::App(id) => write!(f, "app `{id}`"),
        }
    }
}

/// A deployment in the middle of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    /// After the start.
    pub at: Duration,
    pub shares: Vec<(String, u64)>,
}

impl Plan {
    /// What of the plan cannot be.
    pub(super) fn mistake(&self) -> Option<String> {
        let between = |what: &str, count: u64, max: u64| {
            let fits = (1..=max).contains(&count);
            (!fits).then(|| format!("{what} must be 1 to {max}, not {count}"))
        };
        let streams = match self.protocol {
            Protocol::Http1 => 1,
            Protocol::Http2 { streams } => streams,
        };
        between("connections", self.connections as u64, CONNECTIONS_MAX as u64)
            .or_else(|| between("threads", self.threads as u64, THREADS_MAX as u64))
            .or_else(|| between("streams", streams as u64, STREAMS_MAX as u64))
            .or_else(|| between("users", self.users.count, USERS_MAX))
            .or_else(|| self.mistake_of_model())
            .or_else(|| mistake_of_request(self))
            .or_else(|| self.mistake_of_deployments())
    }

    fn mistake_of_model(&self) -> Option<String> {
        if let Model::Open(Rate { from, to, .. }) = self.model {
            let fits = |rate: f64| (0.0..=RATE_MAX).contains(&rate);
            if !fits(from) || !fits(to) || to <= 0.0 {
                return Some(format!("a rate is at most {RATE_MAX} and ends above 0"));
            }
        }
        if self.connections < self.threads {
            return Some("every thread needs a connection: give more, or fewer threads".to_owned());
        }
        let over = match self.model {
            Model::Open(rate) => rate.over,
            Model::Closed => Duration::ZERO,
        };
        if self.duration.max(over) > TIME_MAX {
            return Some("no time is longer than a year".to_owned());
        }
        if self.timeout > TIMEOUT_MAX {
            return Some("a timeout is at most an hour".to_owned());
        }
        for (what, is_nothing) in [
            ("a timeout", self.timeout.is_zero()),
            ("a duration", self.duration.is_zero()),
            ("a number of requests", self.requests_max == Some(0)),
        ] {
            if is_nothing {
                return Some(format!("{what} is more than nothing"));
            }
        }
        None
    }

    fn mistake_of_deployments(&self) -> Option<String> {
        let count = self.deployments.len();
        if count > DEPLOYMENTS_MAX {
            return Some(format!("{count} deployments are more than {DEPLOYMENTS_MAX}"));
        }
        let deployed = matches!(self.split, Configured::Deployed { .. });
        if count > 0 && !deployed {
            return Some("a deployment needs an admin endpoint and what is deployed".to_owned());
        }
        let many = self.deployments.iter().find(|planned| planned.shares.len() > SHARES_MAX);
        if let Some(Planned { shares, .. }) = many {
            let count = shares.len();
            return Some(format!("a deployment is of at most {SHARES_MAX} versions, not {count}"));
        }
        let given = match &self.split {
            Configured::Given(shares) => Some(shares),
            Configured::Unknown | Configured::Deployed { .. } => None,
        };
        for shares in self.deployments.iter().map(|planned| &planned.shares).chain(given) {
            let sum: u64 = shares.iter().map(|(_, percent)| percent).sum();
            if sum != 100 {
                return Some(format!("percentages sum to 100, not {sum}"));
            }
            let mut names: Vec<_> = shares.iter().map(|(version, _)| version).collect();
            names.sort_unstable();
            let twice = names.array_windows().find(|[one, other]| one == other);
            if let Some([twice, _]) = twice {
                return Some(format!("version `{twice}` is given twice"));
            }
        }
        let moments = self.deployments.windows(2);
        if moments.into_iter().any(|pair| pair[0].at >= pair[1].at) {
            return Some("deployments are given in the order of their moments".to_owned());
        }
        let last = self.deployments.last();
        last.is_some_and(|last| last.at >= self.duration)
            .then(|| "a deployment is due after the end".to_owned())
    }
}
