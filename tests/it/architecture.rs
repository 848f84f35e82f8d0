//! The house's rules about who may name whom, read from the sources.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Each room and the rooms that it may name. What is not listed is forbidden.
const DOORS: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("routing", &["model"]),
    ("server", &[]),
    ("observe", &["model", "stats"]),
    ("tls", &["model"]),
    ("document", &[]),
    ("config", &["document", "model"]),
    ("proxy", &["routing", "model", "observe", "server"]),
    ("control", &["routing", "model", "observe"]),
    ("admin", &["control", "model", "observe", "routing", "server"]),
    ("backend", &[]),
    ("client", &[]),
    ("stats", &[]),
    ("population", &[]),
    ("report", &["stats"]),
    ("operate", &["client", "report"]),
    ("load", &["client", "population", "report", "stats"]),
    ("rehearse", &["control", "model", "population", "report", "routing", "stats"]),
    ("simulate", &["control", "document", "model", "population", "report", "routing", "stats"]),
    ("cli", &["document"]),
    (
        "app",
        &[
            "admin", "backend", "client", "config", "control", "document", "model", "observe",
            "proxy", "routing", "server", "tls",
        ],
    ),
    ("main", &["app", "cli", "client", "load", "operate", "rehearse", "simulate"]),
    ("lib", &[]),
];

/// Words that a room never holds, wherever they come from.
const NEVER: &[(&str, &[&str])] = &[
    ("model", &["tokio", "serde", "SystemTime", "Instant"]),
    ("routing", &["tokio", "SystemTime", "Instant", "getrandom", "async "]),
    ("control", &["http::", "hyper", "axum"]),
    ("backend", &["tokio"]),
    ("simulate", &["tokio", "http", "SystemTime", "Instant", "getrandom", "async "]),
    ("rehearse", &["tokio", "http", "SystemTime", "Instant", "getrandom", "async "]),
    ("population", &["tokio", "SystemTime", "Instant", "getrandom", "async "]),
    ("stats", &["tokio", "SystemTime", "Instant", "getrandom", "async "]),
];

fn sources() -> Vec<(String, PathBuf, String)> {
    let house = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut folders = vec![house.clone()];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let inside = path.strip_prefix(&house).unwrap();
                let first = inside.components().next().unwrap();
                let room = Path::new(first.as_os_str()).with_extension("");
                let text = fs::read_to_string(&path).unwrap();
                files.push((room.display().to_string(), inside.to_owned(), text));
            }
        }
    }
    assert!(files.len() > 30, "the sources were found");
    files
}

/// The code of a file: without comments, which may name anything.
fn code(text: &str) -> String {
    let lines = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
}

/// The rooms that a piece of code names: what follows `crate::` or `serin::`.
fn named_rooms(code: &str) -> BTreeSet<String> {
    let mut rooms = BTreeSet::new();
    for prefix in ["crate::", "serin::"] {
        for (at, _) in code.match_indices(prefix) {
            let rest = &code[at + prefix.len()..];
            assert!(
                !rest.starts_with('{'),
                "one `use` a room, so that doors are visible: {rest:.60}"
            );
            let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
            rooms.insert(rest[..end].to_owned());
        }
    }
    rooms
}

#[test]
fn every_door_is_one_of_the_house() {
    for (room, file, text) in sources() {
        let (_, may_name) = DOORS
            .iter()
            .find(|(known, _)| *known == room)
            .unwrap_or_else(|| panic!("room `{room}` ({}) is not on the map", file.display()));
        for named in named_rooms(&code(&text)) {
            let own = named == room;
            assert!(
                own || may_name.contains(&named.as_str()),
                "{} names `{named}`, and `{room}` has no door to it",
                file.display()
            );
        }
    }
}

#[test]
fn pure_rooms_stay_pure() {
    for (room, file, text) in sources() {
        for (_, words) in NEVER.iter().filter(|(known, _)| *known == room) {
            for word in *words {
                assert!(!code(&text).contains(word), "{} holds `{word}`", file.display());
            }
        }
    }
}

/// What `lib.rs` says: each row of its table, and the sentence about `main`.
fn map() -> Vec<(String, BTreeSet<String>)> {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lib.rs"));
    let mut map: Vec<(String, BTreeSet<String>)> = Vec::new();
    for line in text.unwrap().lines() {
        let named = |text: &str| text.split('`').skip(1).step_by(2).map(str::to_owned).collect();
        if let Some((room, rest)) = line.strip_prefix("//! | [`").and_then(|l| l.split_once("`]")) {
            let doors = rest.trim_end_matches('|').rsplit('|').next().unwrap();
            let may_name = match doors.trim() {
                "all of the above" => map.iter().map(|(room, _)| room.clone()).collect(),
                doors => named(doors),
            };
            map.push((room.to_owned(), may_name));
        } else if let Some(doors) = line.strip_prefix("//! `main` names ") {
            map.push(("main".to_owned(), named(doors)));
        }
    }
    map
}

#[test]
fn the_map_in_the_crate_documentation_lists_every_room_and_its_doors() {
    let said: BTreeMap<_, _> = map().into_iter().collect();
    assert_eq!(said.len(), map().len(), "a room has one row");
    let of_house = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
    let known: BTreeMap<_, BTreeSet<_>> = DOORS
        .iter()
        .filter(|(room, _)| *room != "lib")
        .map(|(room, may_name)| ((*room).to_owned(), of_house(may_name)))
        .collect();
    assert_eq!(said, known, "the map in lib.rs, and the doors of the house");
    let built: BTreeSet<_> = sources().into_iter().map(|(room, _, _)| room).collect();
    let known: BTreeSet<_> = DOORS.iter().map(|(room, _)| (*room).to_owned()).collect();
    assert_eq!(built, known, "the rooms that there are, and those of the house");
}

#[test]
fn there_is_one_swap() {
    for (_, file, text) in sources() {
        let swaps = code(&text).contains("ArcSwap");
        assert_eq!(swaps, file == Path::new("routing/publish.rs"), "{}", file.display());
    }
}

#[test]
fn nobody_switches_a_lint_off_in_silence() {
    for (_, file, text) in sources() {
        assert!(
            !code(&text).contains("#[allow("),
            "{}: use #[expect] with a reason",
            file.display()
        );
    }
}
