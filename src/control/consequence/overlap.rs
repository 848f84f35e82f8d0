//! Who meets one canary after the other.

use crate::model::{CodeVersion, Percent, Position, Split};

/// Users of a canary's newer version who were among those of the last canary, too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overlap {
    /// The last canary's newer version, and its share.
    pub last: (CodeVersion, Percent),
    /// Users of the canary's newer version.
    pub of: u64,
    pub both: u64,
    /// The last canary's, of all users: what `both` would be of `of` if the two had nothing
    /// to do with each other.
    pub in_last: u64,
    pub users: u64,
    /// Whether both place keys alike, so that the same users are met first again.
    pub same_seed: bool,
    newer: CodeVersion,
    last_seed: u64,
}

/// The newest canary of another newer version than that of `planned`: its newer version, and
/// its share; `None` where `planned` is no canary. `before` has the newest first, with what is
/// live.
pub fn last_canary(
    planned: &Split,
    before: impl IntoIterator<Item = Split>,
) -> Option<(CodeVersion, Percent)> {
    let planned = planned.newer()?;
    let mut canaries = before.into_iter().filter_map(|split| match split {
        Split::Canary { newer, percent, .. } => Some((newer, percent)),
        Split::Whole(_) => None,
    });
    canaries.find(|(version, _)| version != planned)
}

impl Overlap {
    /// How its danger is named, as those of a consequence are.
    pub const DANGER_NAME: &str = "same_users";

    /// Of `after`, which nobody is counted of yet, with the last canary, which placed users
    /// under `last_seed`; `None` where `after` is no canary.
    pub fn new(after: &Split, last: (CodeVersion, Percent), last_seed: u64) -> Option<Self> {
        let newer = after.newer()?.clone();
        let same_seed = after.seed() == Some(last_seed);
        Some(Self { last, of: 0, both: 0, in_last: 0, users: 0, same_seed, newer, last_seed })
    }

    /// Takes up a user with `key`, who stands for `weight` users and gets `version`.
    pub fn count(&mut self, key: &[u8], version: &CodeVersion, weight: u64) {
        let is_newer = *version == self.newer;
        let is_in_last = Position::of(self.last_seed, key).is_within(self.last.1);
        self.users += weight;
        self.of += u64::from(is_newer) * weight;
        self.in_last += u64::from(is_in_last) * weight;
        self.both += u64::from(is_newer && is_in_last) * weight;
    }

    /// Of the canary's users, the share that was among those of the last one, 0 to 1.
    pub fn share(&self) -> f64 {
        ratio(self.both, self.of)
    }

    /// What that would be if the two had nothing to do with each other.
    pub fn share_if_independent(&self) -> f64 {
        ratio(self.in_last, self.users)
    }

    /// What is dangerous about it, in words.
    pub fn danger(&self) -> Option<String> {
        let (version, percent) = &self.last;
        let percent = percent.get();
        self.same_seed.then(|| {
            format!(
                "the canary meets the users whom {version} met at {percent} % again: give the routine another cohort"
            )
        })
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of users are far below 2^52")]
fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}
