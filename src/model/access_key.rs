//! Access keys: who may call, and what proves it.

use std::fmt;
use std::sync::Arc;

use super::AccessKeyId;

/// The longest secret, in characters.
const SECRET_MAX: usize = 256;

/// Someone who may call.
#[derive(Debug, Clone)]
pub struct AccessKey {
    pub id: AccessKeyId,
    pub secret: Secret,
    /// Whether it may look and not touch.
    pub read_only: bool,
}

/// What proves an access key. It prints as nothing: neither a log nor an error can
/// tell it.
///
/// 1 to 256 visible ASCII characters, since it also travels in a header field.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Arc<str>);

/// Why a text is no secret, without the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be 1 to {SECRET_MAX} visible ASCII characters")]
pub struct SecretError;

impl Secret {
    /// Checks `text`.
    pub fn new(text: &str) -> Result<Self, SecretError> {
        let visible = text.bytes().all(|b| b.is_ascii_graphic());
        if visible && (1..=SECRET_MAX).contains(&text.len()) {
            Ok(Self(Arc::from(text)))
        } else {
            Err(SecretError)
        }
    }

    /// The secret itself, for computing with it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_visible_ascii() {
        for text in ["x", "testsecret", "a+b/c=~!", &"x".repeat(256)] {
            assert_eq!(Secret::new(text).unwrap().expose(), text);
        }
        for text in ["", " ", "a b", "a\n", "ü", &"x".repeat(257)] {
            assert_eq!(Secret::new(text), Err(SecretError), "{text}");
        }
    }

    #[test]
    fn a_secret_prints_as_nothing() {
        let (id, secret) = (AccessKeyId::new("ci").unwrap(), Secret::new("hunter2").unwrap());
        let printed = format!("{:?}", AccessKey { id, secret, read_only: false });
        assert!(printed.contains("ci") && !printed.contains("hunter2"), "{printed}");
    }
}
