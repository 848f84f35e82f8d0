//! What of a command is nobody's business who reads the report.

/// Headers whose values are secrets, wherever these words are in their names.
const SECRET: [&str; 7] =
    ["authorization", "cookie", "api-key", "apikey", "token", "secret", "password"];

/// What stands for a secret.
const HIDDEN: &str = "…";

/// The words of a command with `…` in the place of what secret headers say.
pub(super) fn without_secrets(words: Vec<String>) -> Vec<String> {
    words.into_iter().map(without_secret).collect()
}

/// A header is a word of its own, or stands behind its option in the same.
fn without_secret(word: String) -> String {
    let options = ["--header=", "-H=", "-H"];
    let option = options.into_iter().find(|option| word.starts_with(option)).unwrap_or_default();
    let Some((name, value)) = word[option.len()..].split_once(':') else { return word };
    let folded = name.to_ascii_lowercase();
    if value.trim().is_empty() || !SECRET.iter().any(|secret| folded.contains(secret)) {
        return word;
    }
    // What has more than a name before the colon is no header, a URL for instance.
    let is_name = name
        .trim()
        .bytes()
        .all(|octet| octet.is_ascii_alphanumeric() || octet == b'-' || octet == b'_');
    if is_name { format!("{option}{name}: {HIDDEN}") } else { word }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_hidden_however_it_was_given() {
        for (word, shown) in [
            ("authorization: Bearer x", "authorization: …"),
            ("-HCookie: a=b", "-HCookie: …"),
            ("-H=X-Api-Key:k", "-H=X-Api-Key: …"),
            ("--header=Proxy-Authorization: Basic eA==", "--header=Proxy-Authorization: …"),
            ("x-session-token: 1:2", "x-session-token: …"),
            ("-Hx-note: cookie", "-Hx-note: cookie"),
            ("http://cookie.test:80/token", "http://cookie.test:80/token"),
            ("http://a/?token=b:c", "http://a/?token=b:c"),
            ("cookie:", "cookie:"),
            ("--key-cookie", "--key-cookie"),
        ] {
            assert_eq!(without_secret(word.to_owned()), shown);
        }
    }
}
