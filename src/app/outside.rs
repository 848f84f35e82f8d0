//! Time, randomness and the environment.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::SystemTime;

use super::Failure;
use crate::model::Timestamp;

/// Names a config where no argument does.
const CONFIG_VARIABLE: &str = "SERIN_CONFIG";

/// The wall clock.
pub(super) fn now() -> Timestamp {
    let since_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since_epoch.as_nanos()).unwrap_or(i64::MAX))
}

/// `N` bytes from the system's source.
pub(super) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the system has a source of randomness");
    bytes
}

/// A variable of the environment; an empty one is none.
pub(super) fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

/// The config that is asked for, or else the one that the environment names.
pub fn config_path(asked: Option<PathBuf>) -> Result<PathBuf, Failure> {
    asked.or_else(|| variable(CONFIG_VARIABLE).map(PathBuf::from)).ok_or(Failure::NoConfig)
}

/// Whether who reads wants colours: on a terminal, unless `NO_COLOR` is set (no-color.org);
/// `CLICOLOR_FORCE` has them elsewhere, too.
pub fn wants_colour(is_terminal: bool) -> bool {
    colour_wanted(is_terminal, |name| variable(name).is_some_and(|value| value != "0"))
}

fn colour_wanted(is_terminal: bool, is_set: impl Fn(&str) -> bool) -> bool {
    !is_set("NO_COLOR") && (is_terminal || is_set("CLICOLOR_FORCE"))
}

/// What this process was called with, as a shell takes it.
pub fn command_line() -> String {
    as_typed(&words())
}

/// What this process was called with, word by word.
pub fn words() -> Vec<String> {
    std::env::args_os().map(|word| word.to_string_lossy().into_owned()).collect()
}

/// Words as a shell takes them.
pub fn as_typed(words: &[String]) -> String {
    words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ")
}

fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@,=%+".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_for_terminals_and_for_who_forces_them_and_never_against_a_wish() {
        let wanted = |is_terminal, set: &[&str]| colour_wanted(is_terminal, |it| set.contains(&it));
        assert!(wanted(true, &[]) && !wanted(false, &[]));
        assert!(wanted(false, &["CLICOLOR_FORCE"]));
        assert!(!wanted(true, &["NO_COLOR"]) && !wanted(true, &["NO_COLOR", "CLICOLOR_FORCE"]));
    }

    #[test]
    fn a_word_is_quoted_where_a_shell_would_read_something_else() {
        assert_eq!(quoted("http://127.0.0.1:80/"), "http://127.0.0.1:80/");
        assert_eq!(quoted(""), "''");
        assert_eq!(quoted("a: b"), "'a: b'");
        assert_eq!(quoted("it's"), r"'it'\''s'");
    }
}
