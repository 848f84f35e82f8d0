//! Why the account does not let a call in; the ESA dialect has its own words for these.

use crate::model::{FailureCode, ServiceStatus};

/// What is in a call's way. Prints as what an operator can do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(in crate::admin) enum Hindrance {
    #[error(
        "the account takes {calls_per_second} calls a second of one access key: try again in {retry_after_ms} ms"
    )]
    TooFast { calls_per_second: u32, retry_after_ms: u64 },
    #[error("the service is `{}`: call OpenErService, or set `service` of the account", .0.as_str())]
    NotOpen(ServiceStatus),
    #[error("the account is in arrears until `in_arrears` of the account is false")]
    InArrears,
    #[error("the account is locked by `locked` or `locked_calls` of the account")]
    Locked,
    #[error("`failures` of the account let this call fail with {}", .0.as_str())]
    Failed(FailureCode),
}
