//! What we refuse, in the words of the native API.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::header::WWW_AUTHENTICATE;
use http::{HeaderValue, StatusCode};
use serde_json::json;

use crate::admin::body::BodyError;
use crate::admin::signature::Denied;
use crate::control::{AppRefused, CommandError, Refused};

/// `{"error": {"code", "message"}}`: the code for programs, the message for people.
#[derive(Debug)]
pub(in crate::admin) struct ApiError {
    status: StatusCode,
    code: &'static str,
    message: String,
}

impl ApiError {
    #[expect(clippy::needless_pass_by_value, reason = "reads well in `map_err`")]
    fn new(status: StatusCode, code: &'static str, message: impl ToString) -> Self {
        Self { status, code, message: message.to_string() }
    }

    pub(super) fn into_message(self) -> String {
        self.message
    }

    /// What cannot be read as what it should be.
    pub(in crate::admin) fn bad_request(message: impl ToString) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad_request", message)
    }

    pub(super) fn forbidden(message: impl ToString) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", message)
    }

    pub(in crate::admin) fn not_found(code: &'static str, message: impl ToString) -> Self {
        Self::new(StatusCode::NOT_FOUND, code, message)
    }

    pub(super) fn wrong_method(message: impl ToString) -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", message)
    }

    pub(super) fn not_json() -> Self {
        Self::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "not_json",
            "the body must be sent as application/json",
        )
    }

    /// What can be read and makes no sense.
    pub(super) fn invalid(message: impl ToString) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", message)
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let error = json!({ "error": { "code": self.code, "message": self.message } });
        let mut response = (self.status, Json(error)).into_response();
        if self.status == StatusCode::UNAUTHORIZED {
            // RFC 9110, section 15.5.2: a 401 says how to be known.
            response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

impl From<Denied> for ApiError {
    fn from(denied: Denied) -> Self {
        let (status, code) = match &denied {
            Denied::Unsigned | Denied::Incomplete(_) => {
                (StatusCode::UNAUTHORIZED, "IncompleteSignature")
            }
            Denied::UnknownKey(_) | Denied::UnknownSecret => {
                (StatusCode::UNAUTHORIZED, "InvalidAccessKeyId.NotFound")
            }
            Denied::TimeFormat(_) => (StatusCode::UNAUTHORIZED, "InvalidTimeStamp.Format"),
            Denied::Expired { .. } => (StatusCode::UNAUTHORIZED, "InvalidTimeStamp.Expired"),
            Denied::Mismatch { .. } => (StatusCode::UNAUTHORIZED, "SignatureDoesNotMatch"),
            Denied::NonceUsed(_) => (StatusCode::UNAUTHORIZED, "SignatureNonceUsed"),
            Denied::TooManyNonces => (StatusCode::TOO_MANY_REQUESTS, "Throttling.User"),
            Denied::ReadOnly(_) => (StatusCode::FORBIDDEN, "Forbidden.RAM"),
        };
        Self::new(status, code, denied)
    }
}

impl From<BodyError> for ApiError {
    fn from(error: BodyError) -> Self {
        match error {
            BodyError::TooLarge(_) => {
                Self::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", error)
            }
            BodyError::TooSlow => Self::new(StatusCode::REQUEST_TIMEOUT, "body_too_slow", error),
            BodyError::Broken(_) => Self::bad_request(error),
        }
    }
}

impl From<CommandError> for ApiError {
    fn from(error: CommandError) -> Self {
        match error {
            CommandError::Refused(refused) => refused.into(),
            CommandError::Store(_) => {
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, "store_failed", error)
            }
            CommandError::Stopped => Self::new(StatusCode::SERVICE_UNAVAILABLE, "stopping", error),
        }
    }
}

impl From<Refused> for ApiError {
    fn from(refused: Refused) -> Self {
        let (status, code) = match &refused {
            Refused::NoRoutine(_) => (StatusCode::NOT_FOUND, "routine_not_found"),
            Refused::RoutineExists(_) => (StatusCode::CONFLICT, "routine_exists"),
            Refused::NoVersion(..) => (StatusCode::NOT_FOUND, "version_not_found"),
            Refused::VersionExists(..) => (StatusCode::CONFLICT, "version_exists"),
            Refused::VersionDeployed(..) => (StatusCode::CONFLICT, "version_deployed"),
            Refused::NotAvailable(..) => (StatusCode::CONFLICT, "version_not_available"),
            Refused::AlreadyUploaded(_) => (StatusCode::CONFLICT, "version_uploaded"),
            Refused::NothingStaged(_) => (StatusCode::CONFLICT, "nothing_staged"),
            Refused::NoDeployment(..) => (StatusCode::NOT_FOUND, "no_deployment"),
            Refused::NoEarlierDeployment(..) => (StatusCode::CONFLICT, "no_earlier_deployment"),
            Refused::UnknownDeployment(..) => (StatusCode::NOT_FOUND, "deployment_not_found"),
            Refused::HostTaken(..) => (StatusCode::CONFLICT, "host_taken"),
            Refused::NoSite(_) => (StatusCode::NOT_FOUND, "site_not_found"),
            Refused::ForeignHost(..) => (StatusCode::UNPROCESSABLE_ENTITY, "foreign_host"),
            Refused::NoRecord(..) => (StatusCode::NOT_FOUND, "record_not_found"),
            Refused::NoRoute(..) => (StatusCode::NOT_FOUND, "route_not_found"),
            Refused::RoutesFull(..) => (StatusCode::CONFLICT, "routes_full"),
            Refused::QuotaReached(_) => (StatusCode::CONFLICT, "quota_reached"),
            Refused::App(refused) => match refused {
                AppRefused::NoApp(_) => (StatusCode::NOT_FOUND, "app_not_found"),
                AppRefused::AppExists(_) => (StatusCode::CONFLICT, "app_exists"),
                AppRefused::NoVersion(..) => (StatusCode::NOT_FOUND, "version_not_found"),
                AppRefused::VersionNeeded(..) => (StatusCode::CONFLICT, "version_deployed"),
                AppRefused::NoRecord(..) => (StatusCode::NOT_FOUND, "record_not_found"),
                AppRefused::NotPublished(..) => (StatusCode::NOT_FOUND, "not_published"),
                AppRefused::ScheduleFull(..) => (StatusCode::CONFLICT, "schedule_full"),
            },
            Refused::Invalid(_) => (StatusCode::UNPROCESSABLE_ENTITY, "invalid"),
        };
        Self::new(status, code, refused)
    }
}
