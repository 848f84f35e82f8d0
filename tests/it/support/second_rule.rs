//! The split rule a second time, from its text and on another XXH3. A judge
//! shares no code with the judged: nothing of `serin` is named here.

use std::cmp::Ordering;

use twox_hash::XxHash3_64;

/// What decides about a key, as an operator sees it.
pub(crate) struct SecondRule {
    newer: String,
    older: String,
    seed: u64,
    threshold: u128,
}

impl SecondRule {
    /// The rule for two versions and their percentages, in any order.
    pub(crate) fn new(kind: &str, name: &str, cohort: &str, shares: [(&str, u64); 2]) -> Self {
        let mut shares = shares;
        shares.sort_by(|(one, _), (other, _)| canonical(one, other));
        let [(older, _), (newer, percent)] = shares;

        let mut material = String::from("serin/split/v1").into_bytes();
        for field in [kind, name, newer, cohort] {
            for shift in [0, 8, 16, 24] {
                material.push((field.len() >> shift & 0xff).try_into().unwrap());
            }
            material.extend(field.bytes());
        }
        Self {
            newer: newer.to_owned(),
            older: older.to_owned(),
            seed: XxHash3_64::oneshot(&material),
            threshold: u128::from(percent) * 18_446_744_073_709_551_616 / 100,
        }
    }

    pub(crate) fn newer(&self) -> &str {
        &self.newer
    }

    pub(crate) fn seed(&self) -> u64 {
        self.seed
    }

    pub(crate) fn position(&self, key: &[u8]) -> u64 {
        XxHash3_64::oneshot_with_seed(self.seed, key)
    }

    pub(crate) fn version(&self, key: &[u8]) -> &str {
        if u128::from(self.position(key)) < self.threshold { &self.newer } else { &self.older }
    }
}

/// Numbers by value and then by bytes, anything else by bytes. Numbers of any
/// length compare as texts of one length.
fn canonical(one: &str, other: &str) -> Ordering {
    let digits = |text: &str| text.chars().all(|c| c.is_ascii_digit());
    let by_bytes = one.as_bytes().cmp(other.as_bytes());
    if digits(one) && digits(other) {
        let width = one.len().max(other.len());
        format!("{one:0>width$}").cmp(&format!("{other:0>width$}")).then(by_bytes)
    } else {
        by_bytes
    }
}
