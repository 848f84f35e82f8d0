//! `[[access_key]]`: who may call admin.

use std::collections::HashMap;
use std::path::PathBuf;

use crate::document::{Table, Value};
use crate::model::{AccessKeyId, Secret};

/// An access key as written. What its secret is, the file or the variable says once
/// Serin starts.
#[derive(Debug, Clone)]
pub struct DeclaredKey {
    pub id: AccessKeyId,
    pub secret: SecretSource,
    pub read_only: bool,
}

/// Where a secret is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretSource {
    Text(Secret),
    /// Relative to the working directory.
    File(PathBuf),
    /// The name of an environment variable.
    Env(String),
}

/// Where a secret may be written, of which a key has one.
const SOURCES: [&str; 3] = ["secret", "secret_file", "secret_env"];
const KEYS: [&str; 5] = ["id", SOURCES[0], SOURCES[1], SOURCES[2], "read_only"];

/// Whether at least one key is written, sound or not.
pub(super) fn has_access_keys(root: &Table<'_>) -> bool {
    root.get("access_key").is_some_and(|value| value.holds_tables())
}

/// `[[access_key]]`.
pub(super) fn access_keys(root: &Table<'_>) -> Vec<DeclaredKey> {
    let (mut ids, mut secrets) = (HashMap::new(), HashMap::new());
    let tables = root.tables("access_key", &KEYS);
    let keys = tables.iter().filter_map(|table| {
        let id = table.required("id").and_then(|value| {
            let id = value.parsed(AccessKeyId::new)?;
            if let Some(line) = ids.get(&id) {
                value.refuse(format!("`{id}` is on line {line} already"));
                return None;
            }
            ids.insert(id.clone(), value.line());
            Some(id)
        });
        let secret = source(table, &mut secrets);
        let read_only = table.get("read_only").and_then(|value| value.switch());
        Some(DeclaredKey { id: id?, secret: secret?, read_only: read_only.unwrap_or(false) })
    });
    keys.collect()
}

/// The one place where the secret of `table` is; `secrets` are those before it, with
/// their lines. A mistake never quotes a secret.
fn source(table: &Table<'_>, secrets: &mut HashMap<String, usize>) -> Option<SecretSource> {
    let written: Vec<(&str, Value<'_>)> =
        SOURCES.iter().filter_map(|key| Some((*key, table.get(key)?))).collect();
    let [(key, value)] = written.as_slice() else {
        match written.as_slice() {
            [] => table
                .refuse_together("a key has its secret in `secret`, `secret_file` or `secret_env`"),
            [(first, at), rest @ ..] => {
                for (_, value) in rest {
                    let line = at.line();
                    value.refuse(format!(
                        "a key has one secret, and there is `{first}` on line {line}"
                    ));
                }
            }
        }
        return None;
    };
    match *key {
        "secret" => {
            let secret = value.parsed(Secret::new)?;
            // A bearer shows its secret alone, so that must say which key it is.
            if let Some(line) = secrets.get(secret.expose()) {
                value.refuse(format!("is the same as on line {line}: each key has its own"));
                return None;
            }
            secrets.insert(secret.expose().to_owned(), value.line());
            Some(SecretSource::Text(secret))
        }
        "secret_file" => value.parsed(path).map(SecretSource::File),
        _ => value.parsed(variable).map(SecretSource::Env),
    }
}

fn path(text: &str) -> Result<PathBuf, &'static str> {
    if text.is_empty() || text.contains('\0') {
        return Err("must be the path of a file");
    }
    Ok(PathBuf::from(text))
}

fn variable(text: &str) -> Result<String, &'static str> {
    if text.is_empty() || text.contains(['=', '\0']) {
        return Err("must be the name of an environment variable");
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::{Config, mistakes_of};
    use super::*;

    /// Asserts that `text` has this one mistake.
    fn refused(text: &str, mistake: &str) {
        assert_eq!(mistakes_of(text), [mistake], "{text}");
    }

    #[test]
    fn a_key_has_its_secret_in_one_of_three_places() {
        let config = Config::parse(
            r#"
            [[access_key]]
            id = "ci"
            secret = "testsecret"
            [[access_key]]
            id = "LTAI5t.x_y-z"
            secret_file = "secrets/ops"
            read_only = false
            [[access_key]]
            id = "watcher"
            secret_env = "WATCHER_SECRET"
            read_only = true
            "#,
        );
        let keys = config.unwrap().access_keys;
        let keys: Vec<_> =
            keys.iter().map(|key| (key.id.as_str(), &key.secret, key.read_only)).collect();
        let text = SecretSource::Text(Secret::new("testsecret").unwrap());
        let file = SecretSource::File(PathBuf::from("secrets/ops"));
        let env = SecretSource::Env("WATCHER_SECRET".to_owned());
        assert_eq!(
            keys,
            [("ci", &text, false), ("LTAI5t.x_y-z", &file, false), ("watcher", &env, true)]
        );
    }

    #[test]
    fn a_key_without_its_secret_or_with_two_is_refused() {
        refused(
            "\n[[access_key]]\nid = \"a\"",
            "line 2: access_key: a key has its secret in `secret`, `secret_file` or `secret_env`",
        );
        refused(
            "[[access_key]]\nid = \"a\"\nsecret_env = \"A\"\nsecret = \"x\"",
            "line 3: access_key.secret_env: a key has one secret, and there is `secret` on line 4",
        );
        refused("[[access_key]]\nsecret = \"x\"", "line 1: access_key.id: is missing");
    }

    #[test]
    fn ids_and_secrets_are_each_keys_own() {
        refused(
            "[[access_key]]\nid = \"a\"\nsecret = \"x\"\n[[access_key]]\nid = \"a\"\nsecret = \"y\"",
            "line 5: access_key.id: `a` is on line 2 already",
        );
        refused(
            "[[access_key]]\nid = \"a\"\nsecret = \"x\"\n[[access_key]]\nid = \"b\"\nsecret = \"x\"",
            "line 6: access_key.secret: is the same as on line 3: each key has its own",
        );
    }

    #[test]
    fn what_cannot_be_a_secret_is_refused_without_telling_it() {
        let key = |line: &str| format!("[[access_key]]\nid = \"a\"\n{line}");
        for text in ["", "hunter 2", "hunter2\\n"] {
            refused(
                &key(&format!("secret = \"{text}\"")),
                "line 3: access_key.secret: must be 1 to 256 visible ASCII characters",
            );
        }
        for (line, why) in [
            ("secret_file = \"\"", "secret_file: must be the path of a file"),
            ("secret_env = \"\"", "secret_env: must be the name of an environment variable"),
            ("secret_env = \"A=b\"", "secret_env: must be the name of an environment variable"),
            ("secret = 1\n", "secret: must be a string in quotes, not an integer"),
        ] {
            refused(&key(line), &format!("line 3: access_key.{why}"));
        }
    }

    #[test]
    fn no_slip_of_the_pen_tells_a_secret() {
        for line in [
            "secret = hunter2",
            "secret = \"hunter2",
            "secret = \"hunter2\" hunter2",
            "secret = \"\\hunter2\"",
            "secret = 'hunter2'hunter2'",
            "secret \"hunter2\"",
            "secret = \"hunter2\"\nsecret = \"hunter2\"",
            "secret = [\"hunter2\"]",
            "secret = \"\\u{hunter2}\"",
            "secret: hunter2",
        ] {
            let error = Config::parse(&format!("[[access_key]]\nid = \"a\"\n{line}")).unwrap_err();
            assert!(!error.to_string().contains("hunter2"), "{line}: {error}");
            assert!(!format!("{error:?}").contains("hunter2"), "{line}");
        }
    }

    #[test]
    fn a_config_prints_without_its_secrets() {
        let text = "[[access_key]]\nid = \"a\"\nsecret = \"hunter2\"";
        assert!(!format!("{:?}", Config::parse(text).unwrap()).contains("hunter2"));
    }

    #[test]
    fn a_key_has_no_other_keys() {
        refused(
            "[[access_key]]\nid = \"a\"\nsecret = \"x\"\nreadonly = true",
            "line 4: access_key.readonly: unknown key; did you mean `read_only`?",
        );
        refused(
            "[access_key]\nid = \"a\"",
            "line 1: access_key: there may be several: write `[[access_key]]`",
        );
    }
}
