//! What was typed, and the plan that comes of it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;

use super::error::LoadError;
use super::plan::{Configured, KeyIn, Model, Plan, Planned, Protocol, Users};
use super::rate::Rate;
use super::target::Target;
use super::version::{Pattern, VersionFrom};

/// The arguments of `serin load`, each as it was given.
#[derive(Debug, Clone)]
pub struct Wish {
    pub url: String,
    /// From and to.
    pub rate: Option<(f64, f64)>,
    pub over: Option<Duration>,
    pub connections: usize,
    pub threads: usize,
    pub duration: Duration,
    pub requests: Option<u64>,
    pub timeout: Duration,
    pub http2: bool,
    pub streams: usize,
    pub method: String,
    pub headers: Vec<(String, String)>,
    pub data: Option<String>,
    pub users: Users,
    pub key_header: String,
    pub key_cookie: Option<String>,
    /// The one of Serin, unless an answer's version is elsewhere.
    pub version_header: Option<String>,
    pub version_json: Option<String>,
    pub version_regex: Option<String>,
    pub expect: Vec<(String, u64)>,
    /// Whom to ask for the split, in place of `expect`.
    pub deployed: Option<Configured>,
    pub deployments: Vec<Planned>,
    pub max_errors: u64,
    pub json: bool,
    pub report: Option<PathBuf>,
}

impl Wish {
    /// `tls` says by whom a target must be vouched for.
    pub(super) fn plan(self, tls: Arc<ClientConfig>) -> Result<Plan, LoadError> {
        let usage = |error: &dyn std::error::Error| LoadError::Usage(error.to_string());
        let model = self.model()?;
        let target = Target::parse(&self.url).map_err(|error| usage(&error))?;
        let version_from = match (self.version_json, self.version_regex, self.version_header) {
            (Some(field), _, _) => Some(VersionFrom::Json(field)),
            (_, Some(pattern), _) => {
                Some(VersionFrom::Pattern(Pattern::new(&pattern).map_err(|error| usage(&error))?))
            }
            (None, None, header) => header.map(VersionFrom::Header),
        };
        Ok(Plan {
            tls,
            target,
            protocol: if self.http2 {
                Protocol::Http2 { streams: self.streams }
            } else {
                Protocol::Http1
            },
            model,
            connections: self.connections,
            threads: self.threads,
            duration: self.duration,
            requests_max: self.requests,
            timeout: self.timeout,
            method: self.method,
            headers: self.headers,
            body: self.data.map(String::into_bytes),
            users: self.users,
            key: self.key_cookie.map_or(KeyIn::Header(self.key_header), KeyIn::Cookie),
            is_told_where: version_from.is_some(),
            version_from: version_from.unwrap_or_else(VersionFrom::serin),
            split: match self.deployed {
                Some(deployed) => deployed,
                None if self.expect.is_empty() => Configured::Unknown,
                None => Configured::Given(self.expect),
            },
            deployments: self.deployments,
            errors_max: self.max_errors,
        })
    }

    fn model(&self) -> Result<Model, LoadError> {
        let usage = |text: &str| Err(LoadError::Usage(text.to_owned()));
        let Some((from, to)) = self.rate else { return Ok(Model::Closed) };
        let is_ramp = (from - to).abs() > 0.0;
        let over = match self.over {
            Some(_) if !is_ramp => return usage("--over is for a rate that changes: FROM..TO"),
            Some(over) if over.is_zero() => return usage("--over is more than nothing"),
            Some(over) => over,
            None if is_ramp => self.duration,
            None => Duration::ZERO,
        };
        Ok(Model::Open(Rate { from, to, over }))
    }
}
