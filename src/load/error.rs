//! Why there was no run, or none to its end.

use std::error::Error;
use std::io;

use super::version::VERSIONS_MAX;
use crate::client::ClientError;
use crate::report::{NoPlot, Unwritable, one_line};

#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    #[error("{}", one_line(.0))]
    Usage(String),
    #[error("the target `{0}` is not found")]
    Lookup(String, #[source] io::Error),
    #[error("cannot reach the target `{0}`")]
    Unreachable(String, #[source] io::Error),
    #[error("{}", said(.0))]
    Client(ClientError),
    #[error("nothing of {} is deployed in {environment}", one_line(release))]
    NotLive { release: String, environment: String },
    #[error("regions say which users of the app get which version, and no percentage")]
    ByRegions,
    #[error(
        "the users of an app whom a version does not get keep the version that last had everybody, which is not the other one here"
    )]
    OtherRest,
    #[error(
        "{} would not place users by the key of these requests: it looks for one in {}; say where with --key-header or --key-cookie",
        one_line(release),
        one_line(sticky)
    )]
    KeyNotFound { release: String, sticky: String },
    #[error("more than {VERSIONS_MAX} versions are asked for: name fewer")]
    TooManyVersions,
    #[error("cannot run")]
    Runtime(#[source] io::Error),
    #[error(transparent)]
    Report(#[from] Unwritable),
    #[error("cannot write the result")]
    Output(#[source] io::Error),
    #[error(transparent)]
    Plot(#[from] NoPlot),
    /// Something was found; it was told.
    #[error("")]
    Found,
}

impl From<ClientError> for LoadError {
    fn from(error: ClientError) -> Self {
        Self::Client(error)
    }
}

/// What an admin endpoint has said may be anything, so it and its causes are made one line.
fn said(error: &ClientError) -> String {
    let mut text = one_line(&error.to_string());
    let mut cause = error.source();
    while let Some(error) = cause {
        text.extend([": ", &one_line(&error.to_string())]);
        cause = error.source();
    }
    text
}

impl LoadError {
    /// 1: the operation failed. 2: usage. 3: something could not be reached, or the report
    /// not written.
    pub fn exit_status(&self) -> u8 {
        match self {
            Self::Usage(_)
            | Self::KeyNotFound { .. }
            | Self::TooManyVersions
            | Self::Client(ClientError::Url(_)) => 2,
            Self::Lookup(..) | Self::Unreachable(..) | Self::Report(_) | Self::Output(_) => 3,
            Self::Client(error) if error.is_unreachable() => 3,
            Self::Client(_)
            | Self::NotLive { .. }
            | Self::ByRegions
            | Self::OtherRest
            | Self::Runtime(_)
            | Self::Plot(_)
            | Self::Found => 1,
        }
    }
}
