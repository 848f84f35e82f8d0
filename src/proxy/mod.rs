//! The data plane: takes requests, has them decided, and carries the decisions
//! out. Each worker does all of it alone, on a thread of its own.

mod body;
mod complaints;
mod connect;
mod error;
mod exchange;
mod guard;
mod handle;
mod headers;
mod linger;
mod pool;
mod spare;
mod upload;
mod worker;

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use crate::model::{Environment, TrustedProxies};
use crate::observe::Tallies;
use crate::routing::{Draws, TableReader};
use crate::server::Patience;

pub use worker::{Worker, start};

/// What to serve: shared by all workers.
pub struct Proxy {
    pub table: TableReader,
    pub draws: Draws,
    pub tallies: Tallies,
    pub timeouts: Timeouts,
    pub headers: HeaderPolicy,
    pub trusted: TrustedProxies,
    pub built_in: BuiltIn,
}

/// How long the proxy waits for others.
#[derive(Debug, Clone, Copy)]
pub struct Timeouts {
    /// For a connection to an upstream, name resolution included.
    pub connect: Duration,
    /// For the head of a response, from the last byte of the request on.
    pub response_head: Duration,
    /// A pooled connection is kept this long without a request. Shorter than
    /// upstreams keep theirs, so that it is ours to close.
    pub upstream_idle: Duration,
    /// For clients.
    pub client: Patience,
}

/// Which headers the proxy writes.
#[derive(Debug, Clone, Copy)]
pub struct HeaderPolicy {
    /// `x-serin-*` on responses.
    pub response: bool,
    /// The upstream sees the client's `Host`.
    pub preserve_host: bool,
    /// RFC 7239's `Forwarded` beside `X-Forwarded-*`.
    pub forwarded: bool,
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
}

/// What a proxy shares with its workers.
type SharedProxy = Arc<Proxy>;
