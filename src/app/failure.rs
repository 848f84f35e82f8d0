//! What a verb ends with when it does not end well.

use std::process::ExitCode;

use crate::client::ClientError;
use crate::config::ReadError;

use super::{CertificatesError, StartError};

/// Why a verb failed. Prints on one or more lines, the cause included.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    #[error("{}", with_causes(.0))]
    Config(#[from] ReadError),
    #[error("{}", with_causes(.0))]
    Start(#[from] StartError),
    #[error("{}", with_causes(.0))]
    Certificates(#[from] CertificatesError),
    #[error("{}", with_causes(.0))]
    Client(#[from] ClientError),
    #[error("cannot write the result: {0}")]
    Output(#[from] std::io::Error),
    /// A check found something; it was reported already.
    #[error("")]
    Found,
}

impl Failure {
    /// 1: a check or the operation failed. 3: something could not be reached. (2,
    /// usage, is told before a verb runs.)
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::Client(error) if error.is_unreachable() => ExitCode::from(3),
            Self::Config(_)
            | Self::Start(_)
            | Self::Certificates(_)
            | Self::Client(_)
            | Self::Output(_)
            | Self::Found => ExitCode::from(1),
        }
    }
}

/// An error and what caused it, in one text. A list of findings begins on a line of
/// its own.
fn with_causes(error: &dyn std::error::Error) -> String {
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
