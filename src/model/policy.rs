//! How the data plane treats those on both sides of it, as the config says. Plain values:
//! a reload replaces them whole.

use std::num::{NonZeroU32, NonZeroU64, NonZeroUsize};
use std::time::Duration;

use super::network::TrustedProxies;
use super::tracing::Tracing;

/// All of it.
#[derive(Debug, Clone, Default)]
pub struct Policy {
    pub timeouts: Timeouts,
    pub limits: Limits,
    pub headers: Headers,
    pub trusted: TrustedProxies,
    pub upgrades: Upgrades,
    pub failover: Failover,
    pub retries: Retries,
    /// Nobody is asked unless written.
    pub health: Option<HealthCheck>,
    /// Nobody is ejected unless written.
    pub ejection: Option<Ejection>,
    /// No span is made unless written.
    pub tracing: Option<Tracing>,
}

/// `[timeouts]`: none is zero. Those on heads and bodies are silences between bytes, and
/// never limit a transfer that moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// For a connection to an endpoint: name resolution, TLS and a place in the queue
    /// included.
    pub connect: Duration,
    /// For the head of a response, from the last byte of the request on.
    pub response_head: Duration,
    /// In the body of a response, while the client takes it.
    pub response_body_idle: Duration,
    /// Of a client that has begun a head. A whole head may take six times as long.
    pub request_head: Duration,
    /// In the body of a request, while the upstream takes it.
    pub request_body_idle: Duration,
    /// Of a client's connection without a request, and, for three times as long, of one that
    /// takes nothing of its response.
    pub client_idle: Duration,
    /// Of a pooled connection without a request. Shorter than upstreams keep theirs, so
    /// that it is ours to close.
    pub upstream_idle: Duration,
    /// Of a connection that switched protocols, in both directions at once.
    pub tunnel_idle: Duration,
}

/// `[limits]`. Where there is an `Option`, there is no limit unless written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Of clients in all; one more is answered 503 on a plain connection, else closed.
    pub connections: NonZeroUsize,
    /// Of one client address; one more is treated alike.
    pub connections_per_address: Option<NonZeroUsize>,
    /// On one connection of a client, which is closed after the last.
    pub requests_per_connection: Option<NonZeroU64>,
    /// Of a message's head, start line included; a request with more is answered 431, a
    /// response with more is a 502.
    pub header_bytes: NonZeroUsize,
    /// Field lines of a head; answered as `header_bytes` are.
    pub header_count: NonZeroUsize,
    /// Of a request's target; a longer one is answered 414.
    pub uri_bytes: NonZeroUsize,
    /// Of a request's body; a larger one is answered 413.
    pub body_bytes: Option<NonZeroU64>,
    /// Connections to one endpoint that a worker has open, idle ones included.
    pub connections_per_endpoint: NonZeroUsize,
    /// Requests of a worker that wait for a connection to one endpoint, each for as long
    /// as `timeouts.connect`; one more is answered 503 with `Retry-After`.
    pub waiting_per_endpoint: usize,
    /// Requests that run at once on one HTTP/2 connection of a client.
    pub h2_streams: NonZeroU32,
}

/// `[headers]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "four switches that know nothing of each other")]
pub struct Headers {
    /// Whether responses say `x-serin-*`.
    pub response: bool,
    /// Whether a request may name its version.
    pub r#override: bool,
    /// Whether upstreams see the client's `Host`.
    pub preserve_host: bool,
    /// Whether RFC 7239's `Forwarded` is set beside `X-Forwarded-*`.
    pub forwarded: bool,
}

/// `[upgrades]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upgrades {
    /// The protocols that a connection may switch to, in lower case. Others are ignored:
    /// the request is served as HTTP/1.1 (RFC 9110, section 7.8).
    pub protocols: Vec<String>,
}

/// `[failover]`: what becomes of a request whose version does not answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Failover {
    /// It fails.
    #[default]
    None,
    /// The other version of the deployment answers, and the response says so.
    OtherVersion,
}

/// `[retries]`: how many requests may be sent a second time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retries {
    /// Of the requests of a worker, in percent: 0 to 100.
    pub budget_percent: u32,
    /// This many a second and worker are always allowed, so that rare traffic is
    /// retried, too.
    pub at_least_per_second: u32,
}

/// `[health]`: endpoints are asked by themselves, as ESA's containers are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HealthCheck {
    pub probe: Probe,
    /// Before the first question.
    pub initial_delay: Duration,
    pub period: Duration,
    pub timeout: Duration,
    /// Good answers in a row that make an endpoint healthy.
    pub success_threshold: NonZeroU32,
    /// Failures in a row that make it unhealthy.
    pub failure_threshold: NonZeroU32,
}

/// What an endpoint is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Probe {
    /// To take a connection.
    TcpSocket,
    /// `GET path`; 200 to 399 is good.
    HttpGet {
        path: String,
        /// The endpoint's own authority unless written.
        host: Option<String>,
    },
}

/// `[ejection]`: an endpoint that fails requests is left out for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ejection {
    /// Failures in a row that eject.
    pub failures: NonZeroU32,
    /// The first time out; each next one is twice as long.
    pub base: Duration,
    /// And none is longer.
    pub max: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(2),
            response_head: Duration::from_secs(30),
            response_body_idle: Duration::from_mins(1),
            request_head: Duration::from_secs(10),
            request_body_idle: Duration::from_secs(30),
            client_idle: Duration::from_mins(1),
            upstream_idle: Duration::from_secs(15),
            tunnel_idle: Duration::from_hours(1),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: NonZeroUsize::new(50_000).expect("50,000 is not zero"),
            connections_per_address: None,
            requests_per_connection: None,
            header_bytes: NonZeroUsize::new(65_536).expect("65,536 is not zero"),
            header_count: NonZeroUsize::new(100).expect("100 is not zero"),
            uri_bytes: NonZeroUsize::new(8_192).expect("8,192 is not zero"),
            body_bytes: None,
            connections_per_endpoint: NonZeroUsize::new(4_096).expect("4,096 is not zero"),
            waiting_per_endpoint: 1_024,
            h2_streams: NonZeroU32::new(128).expect("128 is not zero"),
        }
    }
}

impl Default for Headers {
    fn default() -> Self {
        Self { response: true, r#override: true, preserve_host: true, forwarded: false }
    }
}

impl Default for Upgrades {
    fn default() -> Self {
        Self { protocols: vec!["websocket".to_owned()] }
    }
}

impl Default for Retries {
    fn default() -> Self {
        Self { budget_percent: 20, at_least_per_second: 10 }
    }
}
