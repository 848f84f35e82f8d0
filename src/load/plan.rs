//! What a run is to do.

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderName, HeaderValue, Method};
use rustls::ClientConfig;

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

/// How long anything of a run may take.
pub(super) const TIME_MAX: Duration = Duration::from_hours(24 * 365);

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
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Users {
    pub count: u64,
    pub seed: u64,
    /// Of Zipf's law: user number n asks in proportion to 1/n to this power.
    pub exponent: f64,
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
        routine: String,
        environment: String,
    },
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
            .or_else(|| self.mistake_of_request())
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
        let exponent = self.users.exponent;
        if !(exponent.is_finite() && exponent >= 0.0) {
            return Some(format!("an exponent of Zipf's law is 0 or more, not {exponent}"));
        }
        let over = match self.model {
            Model::Open(rate) => rate.over,
            Model::Closed => Duration::ZERO,
        };
        if self.duration.max(self.timeout).max(over) > TIME_MAX {
            return Some("no time is longer than a year".to_owned());
        }
        self.timeout.is_zero().then(|| "a timeout is more than nothing".to_owned())
    }

    fn mistake_of_request(&self) -> Option<String> {
        if self.method.parse::<Method>().is_err() || self.method == "CONNECT" {
            return Some(format!("`{}` is no method of a request with an answer", self.method));
        }
        let (KeyIn::Header(key) | KeyIn::Cookie(key)) = &self.key;
        if key.parse::<HeaderName>().is_err() {
            return Some(format!("`{key}` is no name of a header or a cookie"));
        }
        for (name, value) in &self.headers {
            if name.parse::<HeaderName>().is_err() || HeaderValue::from_str(value).is_err() {
                return Some(format!("`{name}: {value}` is no header"));
            }
            let framing = ["connection", "transfer-encoding", "content-length"];
            if framing.iter().any(|known| name.eq_ignore_ascii_case(known)) {
                return Some(format!("`{name}` is for the load generator to say"));
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
            return Some("a deployment needs an admin endpoint and a routine".to_owned());
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
