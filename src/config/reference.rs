//! The one table of every key, `configs/README.md`: made from the example, and held
//! against what the code knows.

use std::collections::BTreeSet;
use std::fmt::Write;

use super::mistakes_of;

const EXAMPLE: &str = include_str!("../../configs/example.toml");
const REFERENCE: &str = include_str!("../../configs/README.md");
const PATH: &str = "configs/README.md";

/// A key as the example explains it.
struct Explained {
    /// `[limits]` or `[[routine.version]]`; empty at the top.
    table: String,
    key: String,
    what: String,
    default: String,
}

/// The keys of the example, each once, in its order.
fn explained() -> Vec<Explained> {
    let mut keys: Vec<Explained> = Vec::new();
    let (mut table, mut comment, mut last) = (String::new(), String::new(), String::new());
    let mut of_table = String::new();
    let mut open = 0_usize;
    for line in EXAMPLE.lines() {
        if open > 0 {
            open = open + line.matches('[').count() - line.matches(']').count();
            continue;
        }
        // Keys that are commented out begin at once behind the `#`, prose after a blank.
        let written = line.strip_prefix('#').filter(|rest| !rest.starts_with(' '));
        let written = written.unwrap_or(line).trim();
        if let Some(prose) = line.strip_prefix("# ") {
            comment.push_str(prose);
            comment.push(' ');
        } else if written.is_empty() {
            comment.clear();
        } else if written.starts_with('[') {
            table = written.to_owned();
            of_table = parted(&comment).1;
            last = std::mem::take(&mut comment);
        } else if let Some((key, value)) = written.split_once(" = ") {
            open = value.matches('[').count() - value.matches(']').count();
            if !comment.is_empty() {
                last = std::mem::take(&mut comment);
            }
            if !keys.iter().any(|known| known.table == table && known.key == key) {
                let (what, default) = parted(&last);
                let default = if default.is_empty() { of_table.clone() } else { default };
                keys.push(Explained { table: table.clone(), key: key.to_owned(), what, default });
            }
        }
    }
    keys
}

/// What a comment says of a key, and of its default.
fn parted(comment: &str) -> (String, String) {
    let comment = comment.trim();
    if let Some(what) = comment.strip_suffix("Required.") {
        return (what.trim().to_owned(), "required".to_owned());
    }
    for mark in ["Default: ", "Default of each: "] {
        if let Some((what, default)) = comment.split_once(mark) {
            return (what.trim().to_owned(), default.trim_end_matches('.').to_owned());
        }
    }
    (comment.to_owned(), String::new())
}

fn rendered() -> String {
    let mut text = String::from(
        "# Every key of a config\n\n\
         Made from the comments of [example.toml](example.toml), which shows each key in its place, \
         and held against the code by a test (`SERIN_WRITE=1 cargo test --lib config::reference` \
         writes it again). A duration is a number and its unit, `ms`, `s`, `m` or `h`.\n\n\
         | key | default | what it says |\n|---|---|---|\n",
    );
    for Explained { table, key, what, default } in explained() {
        let table = table.trim_matches(['[', ']']);
        let dot = if table.is_empty() { "" } else { "." };
        let cell = |text: &str| text.replace('|', "\\|").replace('<', "&lt;");
        writeln!(text, "| `{table}{dot}{key}` | {} | {} |", cell(&default), cell(&what))
            .expect("a string takes everything");
    }
    text
}

/// The keys that the code knows in `table`, as it tells who writes another one.
fn known_in(table: &str) -> BTreeSet<String> {
    let parent = table.trim_matches(['[', ']']).split_once('.').map(|(parent, _)| parent);
    let parent = parent.filter(|_| table.starts_with("[["));
    let parent = parent.map(|parent| format!("[[{parent}]]\n")).unwrap_or_default();
    let mistakes = mistakes_of(&format!("{parent}{table}\nzqzqzqzqzqzqzqzqzqzqzqzq = 1\n"));
    let told = mistakes.iter().find_map(|mistake| mistake.split_once("unknown key; there are "));
    let (_, told) = told.unwrap_or_else(|| panic!("{table}: {mistakes:?}"));
    told.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

#[test]
fn the_example_explains_every_key_that_the_code_knows_and_no_other() {
    let keys = explained();
    let tables: BTreeSet<&str> = keys.iter().map(|key| key.table.as_str()).collect();
    let heads: BTreeSet<&str> = tables.iter().map(|table| table.trim_matches(['[', ']'])).collect();
    for table in &tables {
        let of_table = keys.iter().filter(|key| key.table == *table);
        let mut explained: BTreeSet<String> = of_table.map(|key| key.key.clone()).collect();
        // Tables in it are explained as tables.
        let name = table.trim_matches(['[', ']']);
        let below = heads.iter().filter_map(|head| match name {
            "" => head.split('.').next().filter(|head| !head.is_empty()),
            _ => head.strip_prefix(name)?.strip_prefix('.'),
        });
        explained.extend(below.map(str::to_owned));
        assert_eq!(explained, known_in(table), "{table}");
    }
    for Explained { table, key, what, default } in keys {
        assert!(!what.is_empty() || !default.is_empty(), "{table} {key} is not explained");
        assert!(!default.is_empty(), "{table} {key} has no default and is not required");
    }
}

#[test]
fn the_table_of_keys_says_what_the_example_says() {
    if std::env::var_os("SERIN_WRITE").is_some() {
        std::fs::write(PATH, rendered()).unwrap();
        return;
    }
    assert_eq!(REFERENCE, rendered(), "{PATH} is not what the example makes of it");
}
