//! Why an exchange breaks off.

use std::io;

use crate::proxy::upload::UploadError;
use crate::proxy::wire::Violation;

/// Why an exchange breaks off.
#[derive(Debug, thiserror::Error)]
pub(in crate::proxy) enum Broken {
    #[error("the connection failed")]
    Io(#[from] io::Error),
    #[error("the connection was closed before the message was complete")]
    Ended,
    #[error("the request's body is not as long as its head says")]
    Length,
    #[error("the head is malformed: {0}")]
    Head(&'static str),
    #[error("the head is not one of HTTP/1.1")]
    Unparsed(#[from] httparse::Error),
    #[error("the head is too large")]
    HeadTooLarge,
    #[error(transparent)]
    Chunks(#[from] Violation),
    /// It was the client who broke off.
    #[error(transparent)]
    Upload(#[from] UploadError),
}
