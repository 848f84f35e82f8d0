//! Why nobody may do what a request asks for; each dialect has its own words for it.

use crate::model::AccessKeyId;

/// Why a request is denied. Prints as what the caller can do about it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(in crate::admin) enum Denied {
    #[error(
        "the request must be signed with an access key, or carry `Authorization: Bearer SECRET`"
    )]
    Unsigned,
    /// Signed, and not as a signature has to be.
    #[error("{0}")]
    Incomplete(String),
    #[error("there is no access key `{0}`")]
    UnknownKey(String),
    #[error("no access key has the secret that the request carries")]
    UnknownSecret,
    #[error("`{0}` is no time such as `2026-11-22T08:26:48Z`")]
    TimeFormat(String),
    #[error("the request was signed at {signed}, and here it is {now}: 15 minutes may lie between")]
    Expired { signed: String, now: String },
    /// `canonical` is what the string to sign is a digest of, where it is one.
    #[error("the signature is not the one of this secret and this request{}", told(.canonical.as_deref()))]
    Mismatch { string_to_sign: String, canonical: Option<String> },
    #[error("the nonce `{0}` was used already: each request needs one of its own")]
    NonceUsed(String),
    #[error("this access key sent more requests in 15 minutes than nonces are remembered")]
    TooManyNonces,
    #[error("the access key `{0}` may read and not write")]
    ReadOnly(AccessKeyId),
}

fn told(canonical: Option<&str>) -> String {
    match canonical {
        Some(canonical) => format!("; the canonical request is here:\n{canonical}"),
        None => String::new(),
    }
}
