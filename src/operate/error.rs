//! Why a verb did not do what it was asked, and what to do about it.

use std::io;

use crate::client::ClientError;
use crate::report::one_line;

/// Each says what to do next.
#[derive(Debug, thiserror::Error)]
pub enum OperateError {
    #[error(transparent)]
    Client(#[from] ClientError),
    /// What the API refuses, with what helps.
    #[error("refused: {} ({code}); {advice}", one_line(.message))]
    Refused { code: String, message: String, advice: String },
    #[error("there is no routine or app `{name}`; {advice}")]
    NoSubject { name: String, advice: String },
    #[error(
        "`{0}` is an edge container app, which this verb does not change: publish its versions with ESA's PublishEdgeContainerAppVersion, and go back with RollbackEdgeContainerAppVersion"
    )]
    IsApp(String),
    #[error("routine `{routine}` has no code version `{version}`; {advice}")]
    NoVersion { routine: String, version: String, advice: String },
    #[error("the percentages sum to {0}, not to 100")]
    Sum(u64),
    #[error("code version `{0}` is named twice: name one version at 100, or two")]
    Twice(String),
    #[error("nothing is deployed of `{routine}` in {environment}; {advice}")]
    NothingDeployed { routine: String, environment: &'static str, advice: String },
    #[error(
        "there is nothing to {verb}: code version `{live}` has all users of `{routine}` in {environment}; {advice}"
    )]
    OneVersion {
        verb: &'static str,
        routine: String,
        environment: &'static str,
        live: String,
        advice: String,
    },
    #[error(
        "code version `{newer}` has {has} % of the users of `{routine}` in {environment} already, and `forward` only ever gives it more; to give it less: {less}"
    )]
    NotForward { routine: String, environment: &'static str, newer: String, has: u64, less: String },
    #[error(
        "somebody has deployed `{0}` meanwhile, and nothing was changed: look with `serin status {0}`, and try again"
    )]
    Overtaken(String),
    #[error(
        "`{name}` has no deployment `{id}` among the newest thousand; `serin deployments {name}` lists them"
    )]
    NoDeployment { name: String, id: String },
    #[error(
        "`serin top` draws on a terminal, and stdout is none; `serin status` tells the same once, and with --json for programs"
    )]
    NoTerminal,
    #[error("cannot use the terminal")]
    Terminal(#[source] io::Error),
    #[error("cannot write the result")]
    Output(#[source] io::Error),
    /// Something is not well; it was told already.
    #[error("")]
    Found,
}

impl OperateError {
    /// 1: the operation failed, or something was found. 2: usage. 3: nobody was there.
    pub fn exit_status(&self) -> u8 {
        match self {
            Self::Client(ClientError::Url(_))
            | Self::Sum(_)
            | Self::Twice(_)
            | Self::NoTerminal => 2,
            Self::Client(error) if error.is_unreachable() => 3,
            Self::Client(_)
            | Self::Refused { .. }
            | Self::NoSubject { .. }
            | Self::IsApp(_)
            | Self::NoVersion { .. }
            | Self::NothingDeployed { .. }
            | Self::OneVersion { .. }
            | Self::NotForward { .. }
            | Self::Overtaken(_)
            | Self::NoDeployment { .. }
            | Self::Terminal(_)
            | Self::Output(_)
            | Self::Found => 1,
        }
    }
}
