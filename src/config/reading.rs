//! How a config is read where it is no TOML, or has keys that there are not.

use proptest::prelude::*;

use super::{Config, mistakes_of};

const EXAMPLE: &str = include_str!("../../configs/example.toml");
const DEMO: &str = include_str!("../../configs/demo.toml");

#[test]
fn what_is_no_toml_is_told_beside_the_other_mistakes() {
    let text = "[server]\nworkers = \ndrain_timeout = \"x\"\n[timeouts]\nconnect = 2s\n[headers\nresponse = true\n[listen]\nadmin = 1\n";
    let mistakes = mistakes_of(text);
    let lines: Vec<_> = mistakes.iter().map(|m| m.split(':').next().unwrap()).collect();
    assert_eq!(lines, ["line 2", "line 3", "line 5", "line 6", "line 9"], "{mistakes:#?}");
}

#[test]
fn a_line_is_told_once_that_it_is_no_toml() {
    let mistakes = mistakes_of("[trusted]\nproxies = [x y =");
    assert_eq!(mistakes.len(), 1, "{mistakes:#?}");
    assert_eq!(
        mistakes_of("[server]\nworkers = 1\nworkers = 2"),
        ["line 3: duplicate key: `workers`"]
    );
}

#[test]
fn a_line_that_cannot_be_read_makes_no_other_mistake() {
    // Without its name and one of its versions, much would seem to be missing.
    let text = DEMO.replacen("name   = ", "name   ", 1).replacen(
        "code_version = \"1723599747213377175\"",
        "code_version = 17a",
        1,
    );
    let mistakes = mistakes_of(&text);
    assert_eq!(mistakes.len(), 2, "{mistakes:#?}");
    // Half of a header is no unknown key.
    let mistakes = mistakes_of("[time outs]\nconnect = \"2s\"");
    assert_eq!(mistakes.len(), 1, "{mistakes:#?}");
}

#[test]
fn an_error_prints_one_mistake_a_line() {
    let error = Config::parse("a = 1\nb = \"\"\n\"x\\ny\" = 2").unwrap_err();
    let printed = error.to_string();
    assert_eq!(printed.lines().count(), error.findings().len());
    assert!(printed.contains("line 3: x\\ny: unknown key"), "{printed}");
}

/// A change of a text: what is cut out at a place, and what is put there.
fn edits() -> impl Strategy<Value = Vec<(usize, usize, String)>> {
    let put = prop_oneof!["[\\[\\]{}\"'=.,\n#0-9a-z_\\\\ -]{0,8}", ".{0,4}"];
    prop::collection::vec((0..EXAMPLE.len(), 0..40usize, put), 1..6)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn random_bytes_are_refused_or_taken(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = Config::parse(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn a_mutilated_config_is_refused_or_taken(edits in edits()) {
        let mut text: Vec<char> = EXAMPLE.chars().collect();
        for (at, cut, put) in edits {
            let at = at.min(text.len());
            let end = (at + cut).min(text.len());
            text.splice(at..end, put.chars());
        }
        let text: String = text.into_iter().collect();
        if let Err(error) = Config::parse(&text) {
            let lines = 1 + text.matches('\n').count();
            prop_assert!(!error.findings().is_empty());
            prop_assert!(error.findings().is_sorted_by_key(|finding| finding.line));
            prop_assert!(error.findings().iter().all(|f| (1..=lines).contains(&f.line)));
            prop_assert_eq!(error.to_string().lines().count(), error.findings().len());
        }
    }
}

#[test]
fn an_unknown_key_is_told_with_what_may_be_meant() {
    assert_eq!(
        mistakes_of("[lisen]\n[server]\nthreads = 1"),
        [
            "line 1: lisen: unknown key; did you mean `listen`?",
            "line 3: server.threads: unknown key; there are `workers`, `drain_timeout`",
        ]
    );
}
