//! Which Serin the command line asks, and which access key it signs with.

use std::ffi::OsString;
use std::path::Path;
use std::time::SystemTime;

use super::client_tls::{TrustError, client_tls, is_https};
use super::outside;
use crate::client::{Credentials, Endpoint};

/// Pairs of variables, the first of which that is set holds. The second pair is what
/// ESA's own command line reads.
const VARIABLES: [(&str, &str); 2] = [
    ("SERIN_ACCESS_KEY_ID", "SERIN_ACCESS_KEY_SECRET"),
    ("ESA_ACCESS_KEY_ID", "ESA_ACCESS_KEY_SECRET"),
];

/// Says where admin is, where no argument does.
const ADMIN_VARIABLE: &str = "SERIN_ADMIN";

/// Where it is, where nobody says: as `serin demo` has it.
const ADMIN_DEFAULT: &str = "http://127.0.0.1:8090";

/// Why no admin endpoint can be asked.
#[derive(Debug, thiserror::Error)]
pub enum EndpointError {
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
    #[error(transparent)]
    Trust(#[from] TrustError),
}

/// Why the environment has no access key, and is not without one either.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CredentialsError {
    #[error("{set} is set and {unset} is not: set both, or neither")]
    Half { set: &'static str, unset: &'static str },
    #[error("{0} is not UTF-8")]
    NotText(&'static str),
}

/// The admin endpoint at `url`, or else where the environment says, called as whom it says,
/// with the authorities of the file at `ca` trusted as well.
pub fn endpoint(url: Option<String>, ca: Option<&Path>) -> Result<Endpoint, EndpointError> {
    let url = match (url, outside::variable(ADMIN_VARIABLE)) {
        (Some(url), _) => url,
        (None, None) => ADMIN_DEFAULT.to_owned(),
        (None, Some(url)) => {
            url.into_string().map_err(|_| CredentialsError::NotText(ADMIN_VARIABLE))?
        }
    };
    let key = key_of(outside::variable)?;
    let credentials = key.map(|(id, secret)| Credentials {
        id,
        secret,
        clock: SystemTime::now,
        draw: outside::random,
    });
    let tls = is_https(&url).then(|| client_tls(ca, false)).transpose()?;
    Ok(Endpoint { url, tls, credentials })
}

/// An id and its secret; `None` where no variable is set.
fn key_of(
    variable: impl Fn(&str) -> Option<OsString>,
) -> Result<Option<(String, String)>, CredentialsError> {
    for (id_name, secret_name) in VARIABLES {
        let text = |name, value: OsString| {
            value.into_string().map_err(|_| CredentialsError::NotText(name))
        };
        let half = |set, unset| CredentialsError::Half { set, unset };
        return match (variable(id_name), variable(secret_name)) {
            (None, None) => continue,
            (Some(id), Some(secret)) => Ok(Some((text(id_name, id)?, text(secret_name, secret)?))),
            (Some(_), None) => Err(half(id_name, secret_name)),
            (None, Some(_)) => Err(half(secret_name, id_name)),
        };
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key_where(set: &[(&str, &str)]) -> Result<Option<String>, String> {
        let variable = |name: &str| {
            let found = set.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| OsString::from(value))
        };
        match key_of(variable) {
            Ok(key) => Ok(key.map(|(id, secret)| format!("{id}:{secret}"))),
            Err(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn serins_names_hold_before_esas() {
        let serin = [("SERIN_ACCESS_KEY_ID", "a"), ("SERIN_ACCESS_KEY_SECRET", "b")];
        let esa = [("ESA_ACCESS_KEY_ID", "c"), ("ESA_ACCESS_KEY_SECRET", "d")];
        assert_eq!(key_where(&[]), Ok(None));
        assert_eq!(key_where(&serin), Ok(Some("a:b".to_owned())));
        assert_eq!(key_where(&esa), Ok(Some("c:d".to_owned())));
        assert_eq!(key_where(&[serin, esa].concat()), Ok(Some("a:b".to_owned())));
    }

    #[test]
    fn half_a_key_is_told_and_not_completed_from_the_other_names() {
        let half = key_where(&[("SERIN_ACCESS_KEY_ID", "a"), ("ESA_ACCESS_KEY_SECRET", "d")]);
        let said = "SERIN_ACCESS_KEY_ID is set and SERIN_ACCESS_KEY_SECRET is not";
        assert!(half.unwrap_err().contains(said));
        let half = key_where(&[("ESA_ACCESS_KEY_SECRET", "hunter2")]).unwrap_err();
        assert!(half.contains("ESA_ACCESS_KEY_ID is not") && !half.contains("hunter2"), "{half}");
    }
}
