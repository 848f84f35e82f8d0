//! Reading a request's body whole, under a limit.

use std::time::Duration;

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;

/// A body must be complete this long after its head, unless its reader says otherwise.
pub(super) const BODY_PATIENCE: Duration = Duration::from_secs(30);
/// How much of a body beyond its limit is read and thrown away, in bytes.
///
/// A client that is still sending when the connection closes would meet a reset
/// instead of our answer.
const DRAINED_MAX_BYTES: usize = 64 * 1024 * 1024;

/// Why a body was not read.
#[derive(Debug, thiserror::Error)]
pub(super) enum BodyError {
    #[error("the body is larger than {0} bytes")]
    TooLarge(usize),
    #[error("the body did not arrive in time")]
    TooSlow,
    #[error("the body broke off: {0}")]
    Broken(#[source] axum::Error),
}

/// All of `body`, when it has at most `max_bytes`.
pub(super) async fn read(body: Body, max_bytes: usize) -> Result<Bytes, BodyError> {
    read_within(body, max_bytes, BODY_PATIENCE).await
}

/// All of `body`, when it has at most `max_bytes` and is complete after `patience`.
pub(super) async fn read_within(
    body: Body,
    max_bytes: usize,
    patience: Duration,
) -> Result<Bytes, BodyError> {
    tokio::time::timeout(patience, collect(body, max_bytes))
        .await
        .map_err(|_| BodyError::TooSlow)?
}

async fn collect(mut body: Body, max_bytes: usize) -> Result<Bytes, BodyError> {
    let mut read = BytesMut::new();
    let mut seen: usize = 0;
    while let Some(frame) = body.frame().await {
        let Ok(octets) = frame.map_err(BodyError::Broken)?.into_data() else {
            continue; // Trailers say nothing here.
        };
        seen = seen.saturating_add(octets.len());
        if seen <= max_bytes {
            read.extend_from_slice(&octets);
        } else if seen > max_bytes.saturating_add(DRAINED_MAX_BYTES) {
            break;
        }
    }
    if seen > max_bytes {
        return Err(BodyError::TooLarge(max_bytes));
    }
    Ok(read.freeze())
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use http_body::Frame;

    use super::*;

    /// Of which nothing ever comes.
    struct Stalled;

    impl http_body::Body for Stalled {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            Poll::Pending
        }
    }

    #[tokio::test]
    async fn a_body_may_fill_its_limit_and_no_more() {
        let whole = read(Body::from("12345"), 5).await.unwrap();
        assert_eq!(whole, "12345");
        let refused = read(Body::from("123456"), 5).await.unwrap_err();
        assert!(matches!(refused, BodyError::TooLarge(5)));
    }

    #[tokio::test]
    async fn a_body_is_waited_for_as_long_as_its_reader_says() {
        let refused = read_within(Body::new(Stalled), 5, Duration::ZERO).await.unwrap_err();
        assert!(matches!(refused, BodyError::TooSlow));
    }
}
