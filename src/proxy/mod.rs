//! The data plane: takes requests, has them decided, and carries the decisions
//! out. Each worker does all of it alone, on a thread of its own.

mod answer;
mod body;
mod budget;
mod complaints;
mod complete;
mod connect;
mod connection;
mod crowd;
mod ejection;
mod endpoints;
mod error;
mod exchange;
mod expect;
mod failover;
mod fields;
mod fit;
mod front;
pub mod fuzzing;
mod guard;
mod h2;
mod handle;
mod headers;
mod health;
mod http1;
mod inflow;
mod linger;
mod opening;
mod outflow;
mod passage;
mod pool;
mod probe;
mod progress;
mod reply;
mod responses;
mod retry;
mod seats;
mod share;
mod spare;
mod stream;
mod trailers;
mod tunnel;
mod upgrade;
mod upload;
mod visit;
pub mod wire;
mod worker;

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use tokio::sync::watch;

use crate::model::{Environment, Policy};
use crate::observe::{Requests, Tallies, Traffic, Users, Wellness};
use crate::routing::{Draws, TableReader};

pub use connect::UpstreamTls;
pub use health::start_checks;
pub use seats::Seats;
pub use worker::{Worker, start};

/// What to serve: shared by all workers.
pub struct Proxy {
    pub table: TableReader,
    pub draws: Draws,
    /// The clients of all workers.
    pub seats: Seats,
    pub tallies: Tallies,
    pub traffic: Traffic,
    pub requests: Requests,
    pub users: Users,
    /// Written by the checks that [`start_checks`] starts.
    pub wellness: Wellness,
    /// Each worker has a copy of its own, and takes another one when it changes.
    pub policy: watch::Receiver<Arc<Policy>>,
    /// After the end was asked for, running requests have this long.
    pub drain: watch::Receiver<Duration>,
    pub built_in: BuiltIn,
    /// For endpoints that speak it.
    pub tls: Arc<UpstreamTls>,
}

/// Answers for versions that have no upstream: the JSON body of a 200.
pub type BuiltIn = Box<dyn Fn(&BuiltInRequest<'_>) -> Vec<u8> + Send + Sync>;

/// What the built-in backend is told.
pub struct BuiltInRequest<'a> {
    /// Of the two one is given: whose version it stands for.
    pub routine: Option<&'a str>,
    pub app: Option<&'a str>,
    pub version: &'a str,
    pub environment: Environment,
    pub method: &'a str,
    /// Without the query, as received.
    pub path: &'a str,
    pub key: Option<&'a [u8]>,
}

/// The bound listeners of the data plane. Each worker takes copies, so these are to be
/// dropped once all are started: a port is open for as long as any copy is, and would
/// take connections that nobody accepts while the workers drain.
pub struct Listeners {
    pub production: TcpListener,
    pub staging: TcpListener,
    pub production_tls: Option<TlsListener>,
    pub staging_tls: Option<TlsListener>,
}

/// A listener that speaks TLS alone. All workers have the same `config`, so a session
/// begun with one is resumed with any.
pub struct TlsListener {
    pub listener: TcpListener,
    pub config: Arc<ServerConfig>,
}

/// What a proxy shares with its workers.
type SharedProxy = Arc<Proxy>;
