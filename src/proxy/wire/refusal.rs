//! Why bytes are not passed on.

use http::StatusCode;

/// Why a head is refused. Nothing behind it on the connection is read any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("the request line is not a method, a target and a version with one space between")]
    RequestLine,
    #[error("the request's target is not one of a URI")]
    Target,
    #[error("the request's target is too long")]
    TargetTooLong,
    #[error("the version of HTTP is not served here")]
    Version,
    #[error("a line of the request ends with a line feed alone")]
    BareLineFeed,
    #[error("a carriage return stands alone in the request")]
    BareCarriageReturn,
    #[error("the request holds a control character")]
    Control,
    #[error("a field of the request is folded over lines")]
    Folded,
    #[error("a line of the request has no colon")]
    NoColon,
    #[error("a blank stands before the colon of a field")]
    SpaceBeforeColon,
    #[error("a field's name is not a token")]
    FieldName,
    #[error("the request has more than one Content-Length")]
    TwoLengths,
    #[error("the request's Content-Length is not a length")]
    Length,
    #[error("the request has a Content-Length beside a Transfer-Encoding")]
    LengthBesideCoding,
    #[error("the request is HTTP/1.0 with a Transfer-Encoding")]
    CodingInOldVersion,
    #[error("the request's last transfer coding is not chunked, or it is chunked twice")]
    NotChunkedOnce,
    #[error("no transfer coding but chunked is served here")]
    UnknownCoding,
    #[error("the request's head is too long")]
    HeadTooLong,
    #[error("the request has too many fields")]
    TooManyFields,
    #[error("too many empty lines precede the request")]
    EmptyLines,
    #[error("the request's head did not arrive in time")]
    Late,
}

impl Refusal {
    /// The limit of the config that was met, if one was.
    pub(in crate::proxy) fn limit(self) -> Option<&'static str> {
        match self {
            Self::TargetTooLong => Some("uri_bytes"),
            Self::HeadTooLong => Some("header_bytes"),
            Self::TooManyFields => Some("header_count"),
            _ => None,
        }
    }

    /// What the answer is.
    pub fn status(self) -> StatusCode {
        match self {
            Self::TargetTooLong => StatusCode::URI_TOO_LONG,
            Self::HeadTooLong | Self::TooManyFields => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::UnknownCoding => StatusCode::NOT_IMPLEMENTED,
            Self::Version => StatusCode::HTTP_VERSION_NOT_SUPPORTED,
            Self::Late => StatusCode::REQUEST_TIMEOUT,
            Self::RequestLine
            | Self::Target
            | Self::BareLineFeed
            | Self::BareCarriageReturn
            | Self::Control
            | Self::Folded
            | Self::NoColon
            | Self::SpaceBeforeColon
            | Self::FieldName
            | Self::TwoLengths
            | Self::Length
            | Self::LengthBesideCoding
            | Self::CodingInOldVersion
            | Self::NotChunkedOnce
            | Self::EmptyLines => StatusCode::BAD_REQUEST,
        }
    }
}

/// Why a body breaks off: its chunks cannot be told apart with certainty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    #[error("a chunk's size is not hexadecimal digits and a line end")]
    ChunkSize,
    #[error("the extensions of chunks are malformed or too long")]
    ChunkExtension,
    #[error("a chunk does not end where its size says")]
    ChunkEnd,
    #[error("a trailer is malformed")]
    Trailer,
    #[error("the trailers are too long or too many")]
    TrailersTooLong,
}
