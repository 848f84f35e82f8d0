//! Reading a request's body whole, under a limit.

use std::time::Duration;

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;

/// A body must be complete this long after its head.
const BODY_PATIENCE: Duration = Duration::from_secs(30);
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
    #[error("the body did not arrive within {BODY_PATIENCE:?}")]
    TooSlow,
    #[error("the body broke off: {0}")]
    Broken(#[source] axum::Error),
}

/// All of `body`, when it has at most `max_bytes`.
pub(super) async fn read(body: Body, max_bytes: usize) -> Result<Bytes, BodyError> {
    tokio::time::timeout(BODY_PATIENCE, collect(body, max_bytes))
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
    use super::*;

    #[tokio::test]
    async fn a_body_may_fill_its_limit_and_no_more() {
        let whole = read(Body::from("12345"), 5).await.unwrap();
        assert_eq!(whole, "12345");
        let refused = read(Body::from("123456"), 5).await.unwrap_err();
        assert!(matches!(refused, BodyError::TooLarge(5)));
    }
}
