//! What a verb ends with when it does not end well.

use std::ffi::OsString;
use std::io;
use std::process::ExitCode;

use crate::admin::Unexplained;
use crate::client::ClientError;
use crate::config::ReadError;
use crate::control::StoreError;

use super::{CertificatesError, EndpointError, Fallen, StartError, TrustError};

/// Why a verb failed. Prints on one or more lines, the cause included.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    #[error("{}", with_causes(.0))]
    Config(#[from] ReadError),
    /// A config that is asked, and not there.
    #[error(transparent)]
    Unread(ReadError),
    #[error("{}", with_causes(.0))]
    Start(#[from] StartError),
    #[error("which config? write --config FILE, or FILE behind `serin check`, or set SERIN_CONFIG")]
    NoConfig,
    #[error("{}", with_causes(.0))]
    Endpoint(#[from] EndpointError),
    #[error("{}", with_causes(.0))]
    Trust(#[from] TrustError),
    #[error("{}", with_causes(.0))]
    Certificates(#[from] CertificatesError),
    #[error("{}", with_causes(.0))]
    Client(#[from] ClientError),
    #[error("{}", with_causes(.0))]
    Store(#[from] StoreError),
    #[error("{0}")]
    Unexplained(#[from] Unexplained),
    #[error("routine `{0}` does not exist")]
    NoRoutine(String),
    #[error("{}", with_causes(.0))]
    Fallen(#[from] Fallen),
    #[error("cannot write the result: {0}")]
    Output(io::Error),
    #[error("cannot catch signals: {0}")]
    Signals(io::Error),
    #[error("RUST_LOG is {text:?}: {reason}; write, for instance, warn,serin=debug")]
    LogFilter { text: OsString, reason: String },
    /// A check found something; it was reported already.
    #[error("")]
    Found,
    /// A second signal cut the drain; it was logged already.
    #[error("")]
    Cut,
}

impl Failure {
    /// 1: a check or the operation failed. 2: usage; what the arguments alone tell is
    /// told before a verb runs. 3: something could not be reached.
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::LogFilter { .. } | Self::NoConfig | Self::Client(ClientError::Url(_)) => {
                ExitCode::from(2)
            }
            Self::Client(error) if error.is_unreachable() => ExitCode::from(3),
            Self::Unread(_) => ExitCode::from(3),
            Self::Config(_)
            | Self::Start(_)
            | Self::Endpoint(_)
            | Self::Trust(_)
            | Self::Certificates(_)
            | Self::Client(_)
            | Self::Store(_)
            | Self::Unexplained(_)
            | Self::NoRoutine(_)
            | Self::Fallen(_)
            | Self::Output(_)
            | Self::Signals(_)
            | Self::Found
            | Self::Cut => ExitCode::from(1),
        }
    }
}

/// An error and what caused it, in one text. A list of findings begins on a line of
/// its own.
pub fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let said = error.to_string();
        let separator = if said.starts_with("line ") { ":\n" } else { ": " };
        text.push_str(separator);
        text.push_str(&said);
        cause = error.source();
    }
    text
}
