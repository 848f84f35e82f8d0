//! From declared access keys to their secrets, which files and the environment hold.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::config::{DeclaredKey, SecretSource};
use crate::model::{AccessKey, AccessKeyId, Secret, SecretError};

/// More than a secret and its line end, in bytes.
const FILE_MAX_BYTES: u64 = 4_096;

/// Why an access key has no secret. Never tells one.
#[derive(Debug, thiserror::Error)]
pub enum AccessKeyError {
    #[error("cannot read the secret of the access key `{id}` from `{}`", path.display())]
    File { id: AccessKeyId, path: PathBuf, source: io::Error },
    #[error(
        "the access key `{id}` has its secret in the environment variable `{name}`, which is not set"
    )]
    Unset { id: AccessKeyId, name: String },
    #[error("the secret of the access key `{id}` in {place} is none")]
    Malformed { id: AccessKeyId, place: String, source: SecretError },
    #[error("the access keys `{first}` and `{second}` have the same secret: each needs its own")]
    Same { first: AccessKeyId, second: AccessKeyId },
}

/// The keys with their secrets. A bearer shows its secret alone, so no two are the same.
pub(super) fn access_keys(
    declared: &[DeclaredKey],
    variable: impl Fn(&str) -> Option<OsString>,
) -> Result<Vec<AccessKey>, AccessKeyError> {
    let mut keys: Vec<AccessKey> = Vec::with_capacity(declared.len());
    for DeclaredKey { id, secret, read_only } in declared {
        let secret = secret_of(id, secret, &variable)?;
        if let Some(first) = keys.iter().find(|key| key.secret == secret) {
            let (first, second) = (first.id.clone(), id.clone());
            return Err(AccessKeyError::Same { first, second });
        }
        keys.push(AccessKey { id: id.clone(), secret, read_only: *read_only });
    }
    Ok(keys)
}

fn secret_of(
    id: &AccessKeyId,
    source: &SecretSource,
    variable: impl Fn(&str) -> Option<OsString>,
) -> Result<Secret, AccessKeyError> {
    let malformed =
        |place: String| move |source| AccessKeyError::Malformed { id: id.clone(), place, source };
    match source {
        SecretSource::Text(secret) => Ok(secret.clone()),
        SecretSource::File(path) => {
            let failed =
                |source| AccessKeyError::File { id: id.clone(), path: path.clone(), source };
            let text = read(path).map_err(failed)?;
            // Editors and `echo` end a line.
            let text = text.trim_end_matches(['\r', '\n']);
            Secret::new(text).map_err(malformed(format!("`{}`", path.display())))
        }
        SecretSource::Env(name) => {
            let unset = || AccessKeyError::Unset { id: id.clone(), name: name.clone() };
            let text = variable(name).ok_or_else(unset)?;
            // What is no UTF-8 is no ASCII either.
            Secret::new(&text.to_string_lossy()).map_err(malformed(format!("`${name}`")))
        }
    }
}

fn read(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    File::open(path)?.take(FILE_MAX_BYTES).read_to_string(&mut text)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn declared(id: &str, secret: SecretSource) -> DeclaredKey {
        DeclaredKey { id: AccessKeyId::new(id).unwrap(), secret, read_only: false }
    }

    fn environment(name: &str) -> Option<OsString> {
        (name == "SET").then(|| "from-env".into())
    }

    fn resolved(keys: &[DeclaredKey]) -> Result<Vec<String>, String> {
        let keys = access_keys(keys, environment).map_err(|error| error.to_string())?;
        Ok(keys.iter().map(|key| key.secret.expose().to_owned()).collect())
    }

    #[test]
    fn a_secret_is_where_it_was_said_to_be() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        std::fs::write(&path, "from-file\r\n").unwrap();
        let keys = [
            declared("a", SecretSource::Text(Secret::new("written").unwrap())),
            declared("b", SecretSource::File(path.clone())),
            declared("c", SecretSource::Env("SET".to_owned())),
        ];
        assert_eq!(resolved(&keys).unwrap(), ["written", "from-file", "from-env"]);

        for (text, reason) in [
            ("", "is none"),
            ("\n", "is none"),
            ("hunter2\nhunter2\n", "is none"),
            ("hunter2 ", "is none"),
        ] {
            std::fs::write(&path, text).unwrap();
            let said = resolved(&keys[1..]).unwrap_err();
            assert!(said.contains(reason) && !said.contains("hunter2"), "{text:?}: {said}");
        }
        std::fs::write(&path, "x".repeat(1 << 20)).unwrap();
        assert!(resolved(&keys[1..]).unwrap_err().contains("is none"));
    }

    #[test]
    fn a_secret_that_is_nowhere_is_told() {
        let unset = declared("a", SecretSource::Env("UNSET".to_owned()));
        let said = resolved(&[unset]).unwrap_err();
        assert!(said.contains("`a`") && said.contains("`UNSET`"), "{said}");
        let absent = declared("a", SecretSource::File("/nowhere/secret".into()));
        let said = resolved(&[absent]).unwrap_err();
        assert!(said.contains("`a`") && said.contains("`/nowhere/secret`"), "{said}");
    }

    #[test]
    fn no_two_keys_share_a_secret() {
        let text = SecretSource::Text(Secret::new("from-env").unwrap());
        let keys = [declared("a", text), declared("b", SecretSource::Env("SET".to_owned()))];
        let said = resolved(&keys).unwrap_err();
        assert!(said.contains("`a` and `b`") && !said.contains("from-env"), "{said}");
    }
}
