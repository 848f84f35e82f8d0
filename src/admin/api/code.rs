//! What an error is called: each code has one status.

use http::StatusCode;

macro_rules! codes {
    ($($name:ident $status:ident $text:literal)*) => {
        /// A word for programs.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub(in crate::admin) enum Code {
            $($name,)*
        }

        impl Code {
            pub(super) const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }

            pub(super) const fn status(self) -> StatusCode {
                match self {
                    $(Self::$name => StatusCode::$status,)*
                }
            }
        }
    };
}

codes! {
    BadRequest BAD_REQUEST "bad_request"
    // Those of ESA's gateway.
    IncompleteSignature UNAUTHORIZED "IncompleteSignature"
    AccessKeyNotFound UNAUTHORIZED "InvalidAccessKeyId.NotFound"
    TimeStampFormat UNAUTHORIZED "InvalidTimeStamp.Format"
    TimeStampExpired UNAUTHORIZED "InvalidTimeStamp.Expired"
    SignatureDoesNotMatch UNAUTHORIZED "SignatureDoesNotMatch"
    SignatureNonceUsed UNAUTHORIZED "SignatureNonceUsed"
    ForbiddenRam FORBIDDEN "Forbidden.RAM"
    ThrottlingUser TOO_MANY_REQUESTS "Throttling.User"
    // What a foreign web page sends.
    Forbidden FORBIDDEN "forbidden"
    PathNotFound NOT_FOUND "path_not_found"
    EnvironmentNotFound NOT_FOUND "environment_not_found"
    RoutineNotFound NOT_FOUND "routine_not_found"
    AppNotFound NOT_FOUND "app_not_found"
    VersionNotFound NOT_FOUND "version_not_found"
    NoDeployment NOT_FOUND "no_deployment"
    DeploymentNotFound NOT_FOUND "deployment_not_found"
    NotPublished NOT_FOUND "not_published"
    NoRoutineMatches NOT_FOUND "no_routine_matches"
    SiteNotFound NOT_FOUND "site_not_found"
    RecordNotFound NOT_FOUND "record_not_found"
    RouteNotFound NOT_FOUND "route_not_found"
    MethodNotAllowed METHOD_NOT_ALLOWED "method_not_allowed"
    BodyTooSlow REQUEST_TIMEOUT "body_too_slow"
    RoutineExists CONFLICT "routine_exists"
    AppExists CONFLICT "app_exists"
    VersionExists CONFLICT "version_exists"
    VersionDeployed CONFLICT "version_deployed"
    VersionNotAvailable CONFLICT "version_not_available"
    VersionUploaded CONFLICT "version_uploaded"
    NothingStaged CONFLICT "nothing_staged"
    NoEarlierDeployment CONFLICT "no_earlier_deployment"
    HostTaken CONFLICT "host_taken"
    RoutesFull CONFLICT "routes_full"
    ScheduleFull CONFLICT "schedule_full"
    QuotaReached CONFLICT "quota_reached"
    KeyInUse CONFLICT "idempotency_key_in_use"
    PreconditionFailed PRECONDITION_FAILED "precondition_failed"
    BodyTooLarge PAYLOAD_TOO_LARGE "body_too_large"
    NotJson UNSUPPORTED_MEDIA_TYPE "not_json"
    Invalid UNPROCESSABLE_ENTITY "invalid"
    ForeignHost UNPROCESSABLE_ENTITY "foreign_host"
    KeyReused UNPROCESSABLE_ENTITY "idempotency_key_reused"
    StoreFailed INTERNAL_SERVER_ERROR "store_failed"
    Stopping SERVICE_UNAVAILABLE "stopping"
}
