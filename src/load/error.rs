//! Why there was no run, or none to its end.

use std::io;

use crate::client::ClientError;
use crate::report::NoPlot;

#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    #[error("{0}")]
    Usage(String),
    #[error("the target `{0}` is not found")]
    Lookup(String, #[source] io::Error),
    #[error("cannot reach the target `{0}`")]
    Unreachable(String, #[source] io::Error),
    #[error(transparent)]
    Client(#[from] ClientError),
    #[error("nothing of routine `{routine}` is deployed in {environment}")]
    NotLive { routine: String, environment: String },
    #[error(
        "routine `{routine}` would not place users by the key of these requests: it looks for one in {sticky}; say where with --key-header or --key-cookie"
    )]
    KeyNotFound { routine: String, sticky: String },
    #[error("more versions are named than are told apart")]
    TooManyVersions,
    #[error("cannot run")]
    Runtime(#[source] io::Error),
    #[error(transparent)]
    Report(#[from] NoPlot),
}

impl LoadError {
    /// 1: the operation failed. 2: usage. 3: something could not be reached.
    pub fn exit_status(&self) -> u8 {
        match self {
            Self::Usage(_) | Self::KeyNotFound { .. } | Self::Client(ClientError::Url(_)) => 2,
            Self::Lookup(..) | Self::Unreachable(..) => 3,
            Self::Client(error) if error.is_unreachable() => 3,
            Self::Client(_)
            | Self::NotLive { .. }
            | Self::TooManyVersions
            | Self::Runtime(_)
            | Self::Report(_) => 1,
        }
    }
}
