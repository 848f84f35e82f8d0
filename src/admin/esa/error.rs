//! What we refuse, as ESA would say it.

use http::StatusCode;

use crate::admin::account::Hindrance;
use crate::admin::guard::Trespass;
use crate::admin::signature::Denied;
use crate::control::{AppRefused, CommandError, Refused};
use crate::model::FailureCode;

/// ESA's word for what is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Code {
    ActionNotFound,
    UnsupportedMethod,
    NoPermission,
    AccessKeyNotFound,
    SignatureDoesNotMatch,
    IncompleteSignature,
    TimeStampFormat,
    TimeStampExpired,
    SignatureNonceUsed,
    ThrottlingUser,
    ThrottlingApi,
    AccessKeyInactive,
    ForbiddenRam,
    ParameterNotExist,
    InvalidParameter,
    RoutineNotExist,
    RoutineAlreadyExist,
    DependedByOthers,
    InvalidAppId,
    InvalidAppNotFound,
    InvalidPercentage,
    InvalidPublishEnv,
    InvalidVersionId,
    InternalError,
    InternalException,
    InternalOperationError,
    ServiceNotOpen,
    ServiceHasOpened,
    ServiceStatusHalt,
    OperationLocked,
    QuotaLimit,
}

/// What the pages say where the fault is not the caller's.
const SERVICE_TEXT: &str =
    "Failed to call the service. Try again later or contact technical support.";

impl Code {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::ActionNotFound => "InvalidAction.NotFound",
            Self::UnsupportedMethod => "UnsupportedHTTPMethod",
            Self::NoPermission => "NoPermission",
            Self::AccessKeyNotFound => "InvalidAccessKeyId.NotFound",
            Self::SignatureDoesNotMatch => "SignatureDoesNotMatch",
            Self::IncompleteSignature => "IncompleteSignature",
            Self::TimeStampFormat => "InvalidTimeStamp.Format",
            Self::TimeStampExpired => "InvalidTimeStamp.Expired",
            Self::SignatureNonceUsed => "SignatureNonceUsed",
            Self::ThrottlingUser => "Throttling.User",
            Self::ThrottlingApi => "Throttling.Api",
            Self::AccessKeyInactive => "InvalidAccessKeyId.Inactive",
            Self::ForbiddenRam => "Forbidden.RAM",
            Self::ParameterNotExist => "ParameterNotExist",
            Self::InvalidParameter => "InvalidParameter",
            Self::RoutineNotExist => "RoutineNotExist",
            Self::RoutineAlreadyExist => "RoutineAlreadyExist",
            Self::DependedByOthers => "DependedByOthers",
            Self::InvalidAppId => "InvalidParameter.appid",
            Self::InvalidAppNotFound => "InvalidApp.NotFound",
            Self::InvalidPercentage => "InvalidParameter.Percentage",
            Self::InvalidPublishEnv => "InvalidParameter.PublishEnv",
            Self::InvalidVersionId => "InvalidParameter.VersionId",
            Self::InternalError => "InternalError",
            Self::InternalException => "InternalException",
            Self::InternalOperationError => "InternalOperationError",
            Self::ServiceNotOpen => "ServiceNotOpen",
            Self::ServiceHasOpened => "ErService.HasOpened",
            Self::ServiceStatusHalt => "RoutineUserServiceStatusHalt",
            Self::OperationLocked => "UserOperationStatusIsLocked",
            Self::QuotaLimit => "RoutineNumberExceedQuotaLimit",
        }
    }

    /// 400 even for what is our fault: so the pages have it.
    pub(super) const fn status(self) -> StatusCode {
        match self {
            Self::ActionNotFound | Self::AccessKeyNotFound | Self::InvalidAppNotFound => {
                StatusCode::NOT_FOUND
            }
            Self::InternalError => StatusCode::INTERNAL_SERVER_ERROR,
            Self::NoPermission | Self::ForbiddenRam => StatusCode::FORBIDDEN,
            Self::UnsupportedMethod
            | Self::SignatureDoesNotMatch
            | Self::IncompleteSignature
            | Self::TimeStampFormat
            | Self::TimeStampExpired
            | Self::SignatureNonceUsed
            | Self::ThrottlingUser
            | Self::ThrottlingApi
            | Self::AccessKeyInactive
            | Self::ParameterNotExist
            | Self::InvalidParameter
            | Self::RoutineNotExist
            | Self::RoutineAlreadyExist
            | Self::DependedByOthers
            | Self::InvalidAppId
            | Self::InvalidPercentage
            | Self::InvalidPublishEnv
            | Self::InvalidVersionId
            | Self::InternalException
            | Self::InternalOperationError
            | Self::ServiceNotOpen
            | Self::ServiceHasOpened
            | Self::ServiceStatusHalt
            | Self::OperationLocked
            | Self::QuotaLimit => StatusCode::BAD_REQUEST,
        }
    }

    /// The exact text of the pages. One code has two texts, by action.
    pub(super) fn message(self, action: Option<&str>) -> &'static str {
        match self {
            Self::ActionNotFound => "Specified api is not found, please check your url and method.",
            Self::UnsupportedMethod => "This http method is not supported.",
            Self::NoPermission => "You are not authorized to do this action.",
            Self::AccessKeyNotFound => "Specified access key is not found.",
            Self::SignatureDoesNotMatch => {
                "Specified signature is not matched with our calculation."
            }
            Self::IncompleteSignature => {
                "The request signature does not conform to Aliyun standards."
            }
            Self::TimeStampFormat => "Specified time stamp or date value is not well formatted.",
            Self::TimeStampExpired => "Specified time stamp or date value is expired.",
            Self::SignatureNonceUsed => "Specified signature nonce was used already.",
            Self::ThrottlingUser => "Request was denied due to user flow control.",
            Self::ThrottlingApi => "Request was denied due to api flow control.",
            Self::AccessKeyInactive => "Specified access key is disabled.",
            Self::ForbiddenRam => {
                "User not authorized to operate on the specified resource, or this API doesn't support RAM."
            }
            Self::ParameterNotExist => {
                "The specified parameter does not exist. Check your configurations and try again."
            }
            Self::InvalidParameter if action == Some("CreateRoutineCodeDeployment") => {
                "Parameter verification failed. Check your configurations and try again."
            }
            Self::InvalidParameter if action.is_some_and(|it| it.contains("EdgeContainer")) => {
                "Invalid parameter. Check the parameter configuration."
            }
            Self::InvalidParameter => "The specified parameter is invalid.",
            Self::InvalidAppId => {
                "The format of the application ID is invalid. You can call ListEdgeContainerApps to obtain the application ID."
            }
            Self::InvalidAppNotFound => {
                "The application does not exist. Check whether the application ID you specified is correct and try again."
            }
            Self::InvalidPercentage => {
                "The Percentage parameter is invalid. Please check the Percentage parameter, which should be in the range of 1-100. Modify it accordingly and call the interface again."
            }
            Self::InvalidPublishEnv => {
                "The specified PublishEnv is invalid. Please check the PublishEnv parameter. It may not be set to either \"prod\" or \"staging.\" Please make the necessary changes and call the interface again."
            }
            Self::InvalidVersionId => {
                "The specified VersionId is invalid. Please check the VersionId parameter. You may not have entered the parameter or the parameter does not start with ver-string. Please modify it and call the interface again."
            }
            Self::RoutineNotExist => {
                "The routine name does not exist. Check the routine name and try again."
            }
            Self::RoutineAlreadyExist => "The routine name already exists.",
            Self::DependedByOthers
            | Self::InternalError
            | Self::InternalException
            | Self::InternalOperationError => SERVICE_TEXT,
            Self::ServiceNotOpen => {
                "You have not activated Edge Routine. Activate the service and try again."
            }
            // The pages have the code and no text.
            Self::ServiceHasOpened => "The Edge Routine service has been activated already.",
            Self::ServiceStatusHalt => {
                "Failed to update the configurations because you have overdue payments."
            }
            Self::OperationLocked => {
                "You are calling an another routine related api. Please wait for the api finished, and try again later."
            }
            Self::QuotaLimit => {
                "The maximum number of configuration items for the feature has been reached. Adjust your configurations and try again."
            }
        }
    }
}

/// Why an action did nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct EsaError {
    pub(super) code: Code,
    /// What is wrong in words of ours: ESA's texts never say it.
    pub(super) reason: String,
    /// What ESA appends to its text in this one case.
    pub(super) appended: String,
    /// When to try again, in milliseconds, where the SDKs wait for that.
    pub(super) retry_after_ms: Option<u64>,
}

impl EsaError {
    #[expect(clippy::needless_pass_by_value, reason = "reads well in `map_err`")]
    pub(super) fn new(code: Code, reason: impl ToString) -> Self {
        let reason = reason.to_string();
        Self { code, reason, appended: String::new(), retry_after_ms: None }
    }

    pub(super) fn invalid(reason: impl ToString) -> Self {
        Self::new(Code::InvalidParameter, reason)
    }
}

impl From<&Trespass> for EsaError {
    fn from(trespass: &Trespass) -> Self {
        Self::new(Code::NoPermission, trespass)
    }
}

impl From<Denied> for EsaError {
    fn from(denied: Denied) -> Self {
        let code = match &denied {
            Denied::Unsigned | Denied::Incomplete(_) => Code::IncompleteSignature,
            Denied::UnknownKey(_) | Denied::UnknownSecret => Code::AccessKeyNotFound,
            Denied::TimeFormat(_) => Code::TimeStampFormat,
            Denied::Expired { .. } => Code::TimeStampExpired,
            Denied::Mismatch { .. } => Code::SignatureDoesNotMatch,
            Denied::NonceUsed(_) => Code::SignatureNonceUsed,
            Denied::TooManyNonces => Code::ThrottlingUser,
            Denied::ReadOnly(_) => Code::ForbiddenRam,
        };
        let mut error = Self::new(code, &denied);
        if let Denied::Mismatch { string_to_sign, .. } = denied {
            // Tools compare what is behind the colon with their own string, to tell a
            // wrong secret from a wrong signature.
            error.appended = format!(" server string to sign is:{string_to_sign}");
        }
        error
    }
}

impl From<Hindrance> for EsaError {
    fn from(hindrance: Hindrance) -> Self {
        let code = match hindrance {
            Hindrance::TooFast { .. } => Code::ThrottlingUser,
            Hindrance::NotOpen(_) => Code::ServiceNotOpen,
            Hindrance::InArrears => Code::ServiceStatusHalt,
            Hindrance::Locked => Code::OperationLocked,
            Hindrance::Failed(FailureCode::InternalException) => Code::InternalException,
            Hindrance::Failed(FailureCode::InternalOperationError) => Code::InternalOperationError,
            Hindrance::Failed(FailureCode::DependedByOthers) => Code::DependedByOthers,
            Hindrance::Failed(FailureCode::InternalError) => Code::InternalError,
            Hindrance::Failed(FailureCode::ThrottlingApi) => Code::ThrottlingApi,
            Hindrance::Failed(FailureCode::AccessKeyInactive) => Code::AccessKeyInactive,
        };
        let mut error = Self::new(code, hindrance);
        if let Hindrance::TooFast { retry_after_ms, .. } = hindrance {
            error.retry_after_ms = Some(retry_after_ms);
        }
        error
    }
}

impl From<CommandError> for EsaError {
    fn from(error: CommandError) -> Self {
        let code = match &error {
            CommandError::Refused(refused) => code_of(refused),
            CommandError::Store(_) => Code::InternalOperationError,
            CommandError::Stopped => Code::InternalException,
        };
        Self::new(code, error)
    }
}

fn code_of(refused: &Refused) -> Code {
    match refused {
        Refused::NoRoutine(_) => Code::RoutineNotExist,
        Refused::RoutineExists(_) | Refused::App(AppRefused::AppExists(_)) => Code::RoutineAlreadyExist,
        Refused::VersionDeployed(..) => Code::DependedByOthers,
        // The text speaks of items of any kind, so one code serves every quota.
        Refused::QuotaReached(_) => Code::QuotaLimit,
        Refused::NoVersion(..)
        | Refused::VersionExists(..)
        | Refused::NotAvailable(..)
        | Refused::AlreadyUploaded(_)
        | Refused::NothingStaged(_)
        | Refused::NoDeployment(..)
        | Refused::NoEarlierDeployment(..)
        | Refused::UnknownDeployment(..)
        | Refused::HostTaken(..)
        | Refused::NoSite(_)
        | Refused::ForeignHost(..)
        | Refused::NoRecord(..)
        | Refused::NoRoute(..)
        | Refused::RoutesFull(..)
        // Actions about apps have words of their own; this is a routine's.
        | Refused::App(_)
        | Refused::Unmet(_)
        | Refused::Invalid(_) => Code::InvalidParameter,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_those_of_the_pages() {
        let invalid = Code::InvalidParameter;
        assert_eq!(invalid.message(Some("CreateRoutine")), "The specified parameter is invalid.");
        assert_eq!(
            invalid.message(Some("CreateRoutineCodeDeployment")),
            "Parameter verification failed. Check your configurations and try again."
        );
        assert_eq!(
            Code::DependedByOthers.message(None),
            "Failed to call the service. Try again later or contact technical support."
        );
    }

    #[test]
    fn an_unknown_action_alone_is_not_found() {
        assert_eq!(Code::ActionNotFound.status(), StatusCode::NOT_FOUND);
        assert_eq!(Code::RoutineNotExist.status(), StatusCode::BAD_REQUEST);
        assert_eq!(Code::InternalException.status(), StatusCode::BAD_REQUEST);
    }
}
