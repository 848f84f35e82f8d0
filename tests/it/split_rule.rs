//! The split rule is forever: golden vectors and a second implementation hold it.
//!
//! A failure here means that users would change versions on an update of Serin.
//! The rule is right and the change is wrong.

use std::collections::BTreeSet;

use serde_json::Value;
use serin::model::{CodeVersion, Kind, Percent, Position, Release, Shares, Split};

use crate::support::keys::{Draw, Family};
use crate::support::second_rule::SecondRule;

/// One line of a file of golden vectors.
struct Vector {
    kind: Kind,
    name: String,
    cohort: String,
    /// In the order the operator listed them.
    shares: [(String, u64); 2],
    key: Vec<u8>,
    newer: String,
    seed: u64,
    position: u64,
    version: String,
}

impl Vector {
    fn parse(line: &str) -> Self {
        let line: Value = serde_json::from_str(line).unwrap();
        let text = |field: &str| line[field].as_str().unwrap().to_owned();
        let number = |field: &str| u64::from_str_radix(line[field].as_str().unwrap(), 16).unwrap();
        let shares: Vec<_> = line["code_versions"]
            .as_object()
            .unwrap()
            .iter()
            .map(|(version, percent)| (version.clone(), percent.as_u64().unwrap()))
            .collect();
        Self {
            kind: match line["kind"].as_str().unwrap() {
                "routine" => Kind::Routine,
                "container" => Kind::Container,
                other => panic!("unknown kind {other}"),
            },
            name: text("name"),
            cohort: text("cohort"),
            shares: shares.try_into().unwrap(),
            key: octets(&text("key_hex")),
            newer: text("newer"),
            seed: number("seed"),
            position: number("position"),
            version: text("version"),
        }
    }

    fn release(&self) -> Release<'_> {
        Release { kind: self.kind, name: &self.name, cohort: &self.cohort }
    }

    fn listed(&self) -> [(&str, u64); 2] {
        self.shares.each_ref().map(|(version, percent)| (version.as_str(), *percent))
    }

    fn percent(&self) -> u64 {
        self.shares.iter().find(|(version, _)| *version == self.newer).unwrap().1
    }
}

fn octets(hex: &str) -> Vec<u8> {
    hex.as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

fn contract() -> Vec<Vector> {
    include_str!("../vectors/contract.jsonl").lines().map(Vector::parse).collect()
}

fn ours() -> Vec<Vector> {
    include_str!("../vectors/split.jsonl").lines().map(Vector::parse).collect()
}

fn split(release: &Release<'_>, shares: [(&str, u64); 2]) -> Split {
    let shares = shares.map(|(version, percent)| {
        (CodeVersion::new(version).unwrap(), Percent::new(percent).unwrap())
    });
    Split::new(release, &Shares::new(shares.to_vec()).unwrap())
}

#[test]
fn every_golden_vector_holds() {
    for (number, vector) in contract().into_iter().chain(ours()).enumerate() {
        let split = split(&vector.release(), vector.listed());
        let Split::Canary { newer, seed, percent, .. } = &split else {
            panic!("vector {number}: two versions are a canary");
        };
        assert_eq!(newer.as_str(), vector.newer, "vector {number}");
        assert_eq!(u64::from(percent.get()), vector.percent(), "vector {number}");
        assert_eq!(*seed, vector.seed, "vector {number}");
        let position = Position::of(*seed, &vector.key);
        assert_eq!(position.get(), vector.position, "vector {number}");
        assert_eq!(split.version(&vector.key).as_str(), vector.version, "vector {number}");
        let joined = u64::from(position.joins_at().get()) <= vector.percent();
        assert_eq!(joined, vector.version == vector.newer, "vector {number}");
    }
}

#[test]
fn the_second_rule_holds_every_golden_vector_too() {
    for (number, vector) in contract().into_iter().chain(ours()).enumerate() {
        let kind = match vector.kind {
            Kind::Routine => "routine",
            Kind::Container => "container",
        };
        let second = SecondRule::new(kind, &vector.name, &vector.cohort, vector.listed());
        assert_eq!(second.newer(), vector.newer, "vector {number}");
        assert_eq!(second.seed(), vector.seed, "vector {number}");
        assert_eq!(second.position(&vector.key), vector.position, "vector {number}");
        assert_eq!(second.version(&vector.key), vector.version, "vector {number}");
    }
}

/// Golden vectors prove nothing about what they do not contain.
#[test]
fn the_vectors_cover_what_the_rule_tells_apart() {
    let vectors = ours();
    assert_eq!(contract().len(), 60);
    assert!(vectors.len() >= 1_000, "{}", vectors.len());

    let some = |what: &str, holds: &dyn Fn(&Vector) -> bool| {
        let count = vectors.iter().filter(|vector| holds(vector)).count();
        assert!(count >= 3, "{count} vectors with {what}");
    };
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let numbers = |vector: &Vector| vector.shares.iter().filter(|(v, _)| digits(v)).count();
    let same_number = |vector: &Vector| {
        let [one, other] = vector.listed().map(|(version, _)| version.trim_start_matches('0'));
        numbers(vector) == 2 && one == other
    };
    some("a routine", &|v| v.kind == Kind::Routine);
    some("a container", &|v| v.kind == Kind::Container);
    some("no cohort", &|v| v.cohort.is_empty());
    some("an ASCII cohort", &|v| !v.cohort.is_empty() && v.cohort.is_ascii());
    some("a cohort beyond ASCII", &|v| !v.cohort.is_ascii());
    some("two numbers", &|v| numbers(v) == 2);
    some("a number and a text", &|v| numbers(v) == 1);
    some("two texts", &|v| numbers(v) == 0);
    some("one number in two spellings", &same_number);
    some("a leading zero", &|v| v.shares.iter().any(|(v, _)| digits(v) && v.starts_with('0')));
    some("numbers beyond 128 bits", &|v| {
        v.shares.iter().all(|(v, _)| digits(v) && v.trim_start_matches('0').len() > 39)
    });
    some("numbers that bytes would order otherwise", &|v| {
        numbers(v) == 2 && v.shares.iter().any(|(other, _)| *other > v.newer)
    });
    some("the newer version first", &|v| v.shares[0].0 == v.newer);
    some("the newer version last", &|v| v.shares[1].0 == v.newer);
    some("a user of the newer version", &|v| v.version == v.newer);
    some("a user of the older version", &|v| v.version != v.newer);
    some("a key that is no text", &|v| std::str::from_utf8(&v.key).is_err());
    // XXH3 takes another path for each of these.
    for class in [1..=3, 4..=8, 9..=16, 17..=128, 129..=240, 241..=1024] {
        for length in [*class.start(), *class.end()] {
            some(&format!("a key of {length} octets"), &|v| v.key.len() == length);
        }
    }
    let percentages: BTreeSet<u64> = vectors.iter().map(Vector::percent).collect();
    assert!(percentages.into_iter().eq(1..=99));
    // At every percentage, the last position inside and the first outside.
    for percent in 1..=99_u128 {
        let edge = u64::try_from((percent << 64) / 100).unwrap();
        let stands_at =
            |at| vectors.iter().any(|v| u128::from(v.percent()) == percent && v.position == at);
        assert!(stands_at(edge - 1) && stands_at(edge), "the edge at {percent} %");
    }
}

/// 1,000 releases of all shapes, a thousand keys of all lengths each.
#[test]
fn a_second_implementation_agrees_on_a_million_keys() {
    const VERSIONS: [&str; 12] = [
        "1723599747213377175",
        "1723599747213377176",
        "7",
        "007",
        "10",
        "99999999999999999999999999999999999999999999999999999999999999",
        "18446744073709551616",
        "v9",
        "v10",
        "1a",
        "blue",
        "2024-01-02.rc1",
    ];
    let mut draw = Draw::new(1);
    let mut key = Vec::new();
    let mut newer_users = 0;
    for _ in 0..1_000 {
        let kind = if draw.below(2) == 0 { Kind::Routine } else { Kind::Container };
        let name = format!("{}-{}", draw.one_of(&["routine", "app"]), draw.below(1_000));
        let cohort = draw.one_of(&["", "again", "été", "冬🎿"]);
        let one = draw.one_of(&VERSIONS);
        let other = loop {
            let other = draw.one_of(&VERSIONS);
            if other != one {
                break other;
            }
        };
        let percent = 1 + draw.below(99);
        let shares = [(one, percent), (other, 100 - percent)];

        let ours = split(&Release { kind, name: &name, cohort }, shares);
        let kind = if kind == Kind::Routine { "routine" } else { "container" };
        let second = SecondRule::new(kind, &name, cohort, shares);
        for _ in 0..1_000 {
            draw.octets(&mut key);
            let version = second.version(&key);
            assert_eq!(ours.version(&key).as_str(), version, "{name} {shares:?} {key:?}");
            newer_users += u32::from(version == second.newer());
        }
    }
    assert!((300_000..700_000).contains(&newer_users), "both sides are met: {newer_users}");
}

/// Nothing but the deployment decides: neither who built the split nor when.
#[test]
fn two_independently_made_splits_agree_on_a_million_keys() {
    let made = || {
        let (name, cohort) = (String::from("checkout"), String::new());
        let release = Release { kind: Kind::Routine, name: &name, cohort: &cohort };
        split(&release, [("1723599747213377175", 90), ("1723599747213377176", 10)])
    };
    let answers = |split: Split| {
        let mut answers = Vec::with_capacity(1_000_000);
        Family::UuidV4.each(1_000_000, |key| {
            answers.push(split.version(key).as_str() == "1723599747213377176");
        });
        answers
    };
    let elsewhere = std::thread::spawn(move || answers(made()));
    let here = answers(made());
    assert!(here == elsewhere.join().unwrap());
    assert!(here.contains(&true) && here.contains(&false));
}

#[test]
fn a_single_version_gets_everything() {
    let release = Release { kind: Kind::Routine, name: "checkout", cohort: "" };
    let only = CodeVersion::new("7").unwrap();
    let split = Split::new(&release, &Shares::whole(only.clone()));
    // Nothing is hashed where there is no choice: a whole split has no seed.
    assert_eq!(split, Split::Whole(only));
}

/// Without their lengths, some of these would share their material.
#[test]
fn each_field_of_a_release_makes_other_seeds() {
    let seed = |kind, name, newer, cohort| {
        Release { kind, name, cohort }.seed(&CodeVersion::new(newer).unwrap())
    };
    let seeds = [
        seed(Kind::Routine, "ab", "c", ""),
        seed(Kind::Container, "ab", "c", ""),
        seed(Kind::Routine, "a", "bc", ""),
        seed(Kind::Routine, "ab", "cd", ""),
        seed(Kind::Routine, "ab", "c", "d"),
        seed(Kind::Routine, "abc", "d", ""),
    ];
    assert_eq!(BTreeSet::from(seeds).len(), seeds.len());
}
