//! What of a command is nobody's business who reads the report.

use super::target::Target;

/// Headers whose values are nobody's secret. What others say may be.
const HARMLESS: [&str; 5] = ["accept", "accept-language", "content-type", "host", "user-agent"];

/// What stands for what is left out.
pub(super) const HIDDEN: &str = "…";

/// The words of a command with `…` in the place of what headers say, of the body, and of the
/// query of `target`.
pub(super) fn without_secrets(words: Vec<String>, target: &Target) -> Vec<String> {
    let mut before = String::new();
    let shown = words.into_iter().map(|word| {
        let shown = without_secret(&before, &word, target);
        before = word;
        shown
    });
    shown.collect()
}

/// `word` as it is shown behind the word `before`.
fn without_secret(before: &str, word: &str, target: &Target) -> String {
    match before {
        "-H" | "--header" => return without_value(word),
        "--data" => return HIDDEN.to_owned(),
        _ => {}
    }
    for option in ["--header=", "-H=", "-H"] {
        if let Some(header) = word.strip_prefix(option).filter(|header| !header.is_empty()) {
            return option.to_owned() + &without_value(header);
        }
    }
    if word.starts_with("--data=") {
        return format!("--data={HIDDEN}");
    }
    if Target::parse(word).is_ok_and(|url| url == *target) {
        target.shown()
    } else {
        word.to_owned()
    }
}

fn without_value(header: &str) -> String {
    let Some((name, value)) = header.split_once(':') else { return HIDDEN.to_owned() };
    let is_harmless = HARMLESS.iter().any(|known| name.trim().eq_ignore_ascii_case(known));
    if is_harmless || value.trim().is_empty() {
        return header.to_owned();
    }
    format!("{name}: {HIDDEN}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(words: &[&str], url: &str) -> Vec<String> {
        let words = words.iter().map(|&word| word.to_owned());
        without_secrets(words.collect(), &Target::parse(url).unwrap())
    }

    #[test]
    fn what_headers_and_bodies_say_is_hidden_however_it_was_given() {
        for (words, then) in [
            (&["-H", "authorization: Bearer x"][..], &["-H", "authorization: …"][..]),
            (&["--header", "x-session: 1:2"], &["--header", "x-session: …"]),
            (&["-HCookie: a=b"], &["-HCookie: …"]),
            (&["-H=X-Api-Key:k"], &["-H=X-Api-Key: …"]),
            (&["--header=Sign: eA=="], &["--header=Sign: …"]),
            (&["-H", "Host: shop.test"], &["-H", "Host: shop.test"]),
            (&["-Hcookie:"], &["-Hcookie:"]),
            (&["--data", "a: b"], &["--data", "…"]),
            (&["--data=hunter2"], &["--data=…"]),
        ] {
            assert_eq!(shown(words, "http://a/"), then);
        }
    }

    #[test]
    fn what_is_no_secret_is_not_cut() {
        let url = "http://cookie.test:80/token";
        for word in [url, "--key-cookie", "authorization", "10s:1@90,2@10", "token: x", "--"] {
            assert_eq!(shown(&[word], url), [word]);
        }
    }

    #[test]
    fn a_query_of_the_target_is_hidden_and_no_other() {
        let url = "http://a/b?token=c:d";
        let words = ["serin", "load", url, "--admin", "http://a/?b"];
        assert_eq!(shown(&words, url), ["serin", "load", "http://a/b?…", "--admin", "http://a/?b"]);
        assert_eq!(Target::parse("http://a?b").unwrap().shown(), "http://a/?…");
    }
}
