//! Environment variables of a routine.

use std::fmt;
use std::sync::Arc;

/// The longest key, in bytes.
pub const VARIABLE_KEY_MAX_BYTES: usize = 128;
/// The longest value, in bytes.
pub const VARIABLE_VALUE_MAX_BYTES: usize = 8 * 1024;

/// Why a variable cannot be. It never repeats what was sent: that may be a secret in
/// the wrong place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum VariableError {
    #[error(
        "the key of a variable must be 1 to {VARIABLE_KEY_MAX_BYTES} letters, digits and `_`, and not start with a digit"
    )]
    Key,
    #[error("the value of a variable has at most {VARIABLE_VALUE_MAX_BYTES} bytes, not {0}")]
    Value(usize),
}

/// The name of a variable: `[A-Za-z_][A-Za-z0-9_]*`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct VariableKey(Arc<str>);

impl VariableKey {
    /// Checks `text`.
    pub fn new(text: &str) -> Result<Self, VariableError> {
        let well_formed = (1..=VARIABLE_KEY_MAX_BYTES).contains(&text.len())
            && !text.starts_with(|first: char| first.is_ascii_digit())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        if well_formed { Ok(Self(Arc::from(text))) } else { Err(VariableError::Key) }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for VariableKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A variable's value. Of a secret only that there is one: no code runs here that
/// could read it, and what is not kept cannot leak.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variable(Option<Arc<str>>);

impl Variable {
    /// One whose value is shown to whoever asks.
    pub fn plain(value: &str) -> Result<Self, VariableError> {
        checked(value).map(|value| Self(Some(Arc::from(value))))
    }

    /// One whose value is checked, and forgotten.
    pub fn secret(value: &str) -> Result<Self, VariableError> {
        checked(value).map(|_| Self::SECRET)
    }

    /// A secret that was checked when it came.
    pub const SECRET: Self = Self(None);

    /// `None` is a secret.
    pub fn value(&self) -> Option<&str> {
        self.0.as_deref()
    }
}

fn checked(value: &str) -> Result<&str, VariableError> {
    if value.len() > VARIABLE_VALUE_MAX_BYTES {
        return Err(VariableError::Value(value.len()));
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_words_that_do_not_start_with_a_digit() {
        let longest = "A".repeat(VARIABLE_KEY_MAX_BYTES);
        for key in ["A", "_", "api_KEY_2", &longest] {
            assert_eq!(VariableKey::new(key).unwrap().as_str(), key);
        }
        let longer = "A".repeat(VARIABLE_KEY_MAX_BYTES + 1);
        for key in ["", "2A", "A-B", "A B", "Ä", "A\n", "A=B", &longer] {
            assert_eq!(VariableKey::new(key), Err(VariableError::Key), "{key}");
        }
    }

    #[test]
    fn a_secret_is_forgotten_at_once() {
        let secret = Variable::secret("hunter2").unwrap();
        assert_eq!(secret.value(), None);
        assert!(!format!("{secret:?}").contains("hunter2"));
        assert_eq!(Variable::plain("").unwrap().value(), Some(""));
    }

    #[test]
    fn a_value_may_fill_its_limit_and_no_more() {
        let (most, more) = (VARIABLE_VALUE_MAX_BYTES, VARIABLE_VALUE_MAX_BYTES + 1);
        assert!(Variable::plain(&"x".repeat(most)).is_ok());
        let too_long = VariableError::Value(more);
        assert_eq!(Variable::plain(&"x".repeat(more)), Err(too_long));
        assert_eq!(Variable::secret(&"x".repeat(more)), Err(too_long));
        assert!(!too_long.to_string().contains("xx"));
    }
}
