//! The settings of Serin itself, and their defaults.

use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

/// `[listen]`: no two collide, and those of admin are loopback addresses unless there
/// is an access key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listen {
    pub production: SocketAddr,
    pub staging: SocketAddr,
    pub admin: SocketAddr,
    /// Where production and staging speak TLS; nowhere unless written.
    pub production_tls: Option<SocketAddr>,
    pub staging_tls: Option<SocketAddr>,
    /// Where admin speaks TLS; nowhere unless written.
    pub admin_tls: Option<SocketAddr>,
}

/// `[tls]`: where the certificates of listeners come from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tls {
    /// The operator's own, in the order of the file; with any, the local authority makes
    /// none.
    pub files: Vec<CertificateFiles>,
    /// The folder that keeps the local authority; `None` keeps it in memory.
    pub authority: Option<PathBuf>,
    /// Authorities that `https://` upstreams may have, beside those of the system.
    pub upstream_ca: Option<PathBuf>,
}

/// A certificate and its key, in PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateFiles {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

/// `[server]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Server {
    pub(super) workers: Option<NonZeroUsize>,
    /// How long an exchange may take to end once the process is asked to; idle
    /// connections close at once.
    pub drain_timeout: Duration,
}

impl Server {
    /// How many workers are written.
    pub fn workers(&self) -> Option<usize> {
        self.workers.map(NonZeroUsize::get)
    }

    /// As many workers as written, else one per core.
    pub fn workers_or(&self, cores: NonZeroUsize) -> NonZeroUsize {
        self.workers.unwrap_or(cores)
    }
}

impl Default for Listen {
    fn default() -> Self {
        let local = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        Self {
            production: local(8080),
            staging: local(8081),
            admin: local(8090),
            production_tls: None,
            staging_tls: None,
            admin_tls: None,
        }
    }
}

impl Default for Server {
    fn default() -> Self {
        Self { workers: None, drain_timeout: Duration::from_secs(5) }
    }
}
