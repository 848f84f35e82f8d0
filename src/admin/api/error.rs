//! What we refuse, in the words of the native API.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::header::WWW_AUTHENTICATE;
use http::{HeaderValue, StatusCode};
use serde_json::json;

use super::code::Code;
use crate::admin::body::BodyError;
use crate::admin::signature::Denied;
use crate::control::{AppRefused, CommandError, Refused};

/// `{"error": {"code", "message"}}`: the code for programs, the message for people.
#[derive(Debug)]
pub(in crate::admin) struct ApiError {
    code: Code,
    message: String,
}

impl ApiError {
    #[expect(clippy::needless_pass_by_value, reason = "reads well in `map_err`")]
    pub(super) fn new(code: Code, message: impl ToString) -> Self {
        Self { code, message: message.to_string() }
    }

    pub(super) fn into_message(self) -> String {
        self.message
    }

    /// What cannot be read as what it should be.
    pub(in crate::admin) fn bad_request(message: impl ToString) -> Self {
        Self::new(Code::BadRequest, message)
    }

    pub(super) fn not_json() -> Self {
        Self::new(Code::NotJson, "the body must be sent as application/json")
    }

    /// What can be read and makes no sense.
    pub(super) fn invalid(message: impl ToString) -> Self {
        Self::new(Code::Invalid, message)
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let error = json!({ "error": { "code": self.code.as_str(), "message": self.message } });
        let status = self.code.status();
        let mut response = (status, Json(error)).into_response();
        if status == StatusCode::UNAUTHORIZED {
            // RFC 9110, section 15.5.2: a 401 says how to be known.
            response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

impl From<Denied> for ApiError {
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
        Self::new(code, denied)
    }
}

impl From<BodyError> for ApiError {
    fn from(error: BodyError) -> Self {
        let code = match error {
            BodyError::TooLarge(_) => Code::BodyTooLarge,
            BodyError::TooSlow => Code::BodyTooSlow,
            BodyError::Broken(_) => Code::BadRequest,
        };
        Self::new(code, error)
    }
}

impl From<CommandError> for ApiError {
    fn from(error: CommandError) -> Self {
        match error {
            CommandError::Refused(refused) => refused.into(),
            CommandError::Store(_) => Self::new(Code::StoreFailed, error),
            CommandError::Stopped => Self::new(Code::Stopping, error),
        }
    }
}

impl From<Refused> for ApiError {
    fn from(refused: Refused) -> Self {
        let code = match &refused {
            Refused::NoRoutine(_) => Code::RoutineNotFound,
            Refused::RoutineExists(_) => Code::RoutineExists,
            Refused::NoVersion(..) => Code::VersionNotFound,
            Refused::VersionExists(..) => Code::VersionExists,
            Refused::VersionDeployed(..) => Code::VersionDeployed,
            Refused::NotAvailable(..) => Code::VersionNotAvailable,
            Refused::AlreadyUploaded(_) => Code::VersionUploaded,
            Refused::NothingStaged(_) => Code::NothingStaged,
            Refused::NoDeployment(..) => Code::NoDeployment,
            Refused::NoEarlierDeployment(..) => Code::NoEarlierDeployment,
            Refused::UnknownDeployment(..) => Code::DeploymentNotFound,
            Refused::HostTaken(..) => Code::HostTaken,
            Refused::NoSite(_) => Code::SiteNotFound,
            Refused::ForeignHost(..) => Code::ForeignHost,
            Refused::NoRecord(..) => Code::RecordNotFound,
            Refused::NoRoute(..) => Code::RouteNotFound,
            Refused::RoutesFull(..) => Code::RoutesFull,
            Refused::QuotaReached(_) => Code::QuotaReached,
            Refused::App(refused) => match refused {
                AppRefused::NoApp(_) => Code::AppNotFound,
                AppRefused::AppExists(_) => Code::AppExists,
                AppRefused::NoVersion(..) => Code::VersionNotFound,
                AppRefused::VersionNeeded(..) => Code::VersionDeployed,
                AppRefused::NoRecord(..) => Code::RecordNotFound,
                AppRefused::NotPublished(..) => Code::NotPublished,
                AppRefused::ScheduleFull(..) => Code::ScheduleFull,
            },
            Refused::Unmet(_) => Code::PreconditionFailed,
            Refused::Invalid(_) => Code::Invalid,
        };
        Self::new(code, refused)
    }
}
