//! The split rule as it is published, once more: a judge shares no code with the judged.

use std::cmp::Ordering;

use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

/// What makes one seed, and no other.
const TAG: &[u8] = b"serin/split/v1";

/// Who gets which of the versions of a deployment, told by their numbers in its list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Split {
    /// All get the only one.
    Whole,
    Two {
        older: usize,
        newer: usize,
        seed: u64,
        /// Positions below it get the newer version. Beyond 64 bits at 100 %.
        threshold: u128,
    },
}

/// Whose deployment it is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Release<'a> {
    /// `routine` or `container`.
    pub(super) kind: &'a str,
    pub(super) name: &'a str,
    pub(super) cohort: &'a str,
}

impl Split {
    /// The split of one or two versions with their percentages; `None` of any other number.
    pub(super) fn new(release: &Release<'_>, shares: &[(String, u64)]) -> Option<Self> {
        match shares {
            [_] => Some(Self::Whole),
            [(first, _), (second, _)] => {
                let (older, newer) = match order(first, second) {
                    Ordering::Less => (0, 1),
                    Ordering::Equal | Ordering::Greater => (1, 0),
                };
                let (version, percent) = &shares[newer];
                let fields = [release.kind, release.name, version, release.cohort];
                let mut material = TAG.to_vec();
                for field in fields {
                    // A field is a name of some bytes, far below what 32 bits count.
                    let length = u32::try_from(field.len()).ok()?;
                    material.extend(length.to_le_bytes());
                    material.extend(field.as_bytes());
                }
                let threshold = (u128::from(*percent) << 64) / 100;
                Some(Self::Two { older, newer, seed: xxh3_64(&material), threshold })
            }
            _ => None,
        }
    }

    /// The number of the version that the user with this key gets.
    #[inline]
    pub(super) fn of(&self, key: &[u8]) -> usize {
        match *self {
            Self::Whole => 0,
            Self::Two { older, newer, seed, threshold } => {
                let position = xxh3_64_with_seed(key, seed);
                if u128::from(position) < threshold { newer } else { older }
            }
        }
    }
}

/// Numbers by their value and then by their bytes; anything else by bytes.
fn order(one: &str, other: &str) -> Ordering {
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let by_bytes = one.as_bytes().cmp(other.as_bytes());
    if !(is_number(one) && is_number(other)) {
        return by_bytes;
    }
    let (left, right) = (one.trim_start_matches('0'), other.trim_start_matches('0'));
    // Of two numbers without zeros before them the longer is the greater.
    left.len().cmp(&right.len()).then_with(|| left.cmp(right)).then(by_bytes)
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn octets(hex: &str) -> Vec<u8> {
        let digit = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
        (0..hex.len()).step_by(2).map(digit).collect()
    }

    fn hold(vectors: &str) {
        for line in vectors.lines() {
            let vector: Value = serde_json::from_str(line).unwrap();
            let text = |field: &str| vector[field].as_str().unwrap();
            let listed = vector["code_versions"].as_object().unwrap();
            let mut shares: Vec<_> = listed
                .iter()
                .map(|(version, percent)| (version.clone(), percent.as_u64().unwrap()))
                .collect();
            let release =
                Release { kind: text("kind"), name: text("name"), cohort: text("cohort") };
            let key = octets(text("key_hex"));
            for _ in 0..2 {
                let split = Split::new(&release, &shares).unwrap();
                let Split::Two { newer, seed, .. } = split else { panic!("{line}") };
                assert_eq!(shares[newer].0, text("newer"), "{line}");
                assert_eq!(format!("{seed:016x}"), text("seed"), "{line}");
                assert_eq!(
                    format!("{:016x}", xxh3_64_with_seed(&key, seed)),
                    text("position"),
                    "{line}"
                );
                assert_eq!(shares[split.of(&key)].0, text("version"), "{line}");
                // In whatever order they are listed.
                shares.reverse();
            }
        }
    }

    #[test]
    fn the_golden_vectors_hold() {
        let (contract, ours) = (
            include_str!("../../tests/vectors/contract.jsonl"),
            include_str!("../../tests/vectors/split.jsonl"),
        );
        assert!(contract.lines().count() == 60 && ours.lines().count() > 1_000);
        hold(contract);
        hold(ours);
    }

    #[test]
    fn one_version_gets_all_and_three_are_no_split() {
        let release = Release { kind: "routine", name: "shop", cohort: "" };
        let shares = |count: usize| vec![("1".to_owned(), 100); count];
        assert_eq!(Split::new(&release, &shares(1)).unwrap().of(b"anybody"), 0);
        assert_eq!(Split::new(&release, &shares(0)), None);
        assert_eq!(Split::new(&release, &shares(3)), None);
    }
}
