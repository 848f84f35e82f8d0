//! What a deployment would do to given users, before it is made. Pure: who the users are,
//! and how much they ask, is handed in.

mod danger;
mod overlap;
mod user;
mod weighing;

pub use danger::{
    Danger, HEAVY_KEY_PERCENT, KEYLESS_PERCENT, NEEDLESS_POINTS, UNEVEN_POINTS, UNEVEN_TIMES,
    USERS_TOLD_MIN,
};
pub use overlap::{Overlap, last_canary};
pub use user::{User, Who};
pub use weighing::Weighing;

use crate::model::CodeVersion;

/// So many of the users who ask most are named.
pub const HEAVIEST_NAMED: usize = 5;

/// What becomes of users and their requests when one split replaces another.
///
/// The users are those of the [`Weighing`]: a sample of them stands for all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consequence {
    /// Of all versions together. The requests are those of users alone.
    pub total: Amount,
    /// Requests without a key. Nobody moves with them: they are spread anew at every moment.
    pub keyless: u64,
    /// Whether each user's version follows from the rule; else how many get which, where
    /// somebody's position is not known, is what the shares lead to expect.
    pub exact: bool,
    /// Those of before and those of after, the older first.
    pub versions: Vec<VersionLoad>,
    /// Who leaves one version for another.
    pub moves: Vec<Move>,
    /// How few could move: what the versions' shares lose, in percent of users.
    pub least_percent: u8,
    /// Those who ask most, the heaviest first, at most [`HEAVIEST_NAMED`].
    pub heaviest: Vec<Heavy>,
    pub dangers: Vec<Danger>,
}

/// Users, and what they ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Amount {
    pub users: u64,
    pub requests: u64,
}

/// What a version has before and after.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionLoad {
    pub version: CodeVersion,
    pub before: Load,
    pub after: Load,
}

/// What a version has to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Load {
    /// What it is configured to have; 0 of what is not deployed.
    pub percent: u8,
    /// Its users.
    pub amount: Amount,
    /// Its turns among the requests without a key.
    pub keyless: u64,
}

/// Users who leave one version for another, with their requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Move {
    pub from: CodeVersion,
    pub to: CodeVersion,
    pub amount: Amount,
}

/// A user who asks much, and who carries it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heavy {
    pub who: Who,
    pub requests: u64,
    /// `None` where nothing was deployed, or where their position is not known.
    pub before: Option<CodeVersion>,
    /// `None` where their position is not known.
    pub after: Option<CodeVersion>,
}

impl Consequence {
    /// All who move.
    pub fn moved(&self) -> Amount {
        self.moves.iter().fold(Amount::default(), |sum, of| sum.plus(of.amount))
    }

    /// All requests, with and without a key.
    pub fn requests(&self) -> u64 {
        self.total.requests.saturating_add(self.keyless)
    }

    /// How few of so many users could be expected to move; of these, chance has placed a few
    /// more or fewer.
    pub fn least_users(&self) -> u64 {
        part(self.total.users, u64::from(self.least_percent), 100)
    }
}

impl Load {
    /// With and without a key.
    pub const fn requests(&self) -> u64 {
        self.amount.requests.saturating_add(self.keyless)
    }
}

impl Amount {
    /// More than there are numbers for stays at the last one.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self {
            users: self.users.saturating_add(other.users),
            requests: self.requests.saturating_add(other.requests),
        }
    }

    pub(super) const fn part(self, share: u64, whole: u64) -> Self {
        Self { users: part(self.users, share, whole), requests: part(self.requests, share, whole) }
    }

    pub(super) const fn minus(self, other: Self) -> Self {
        Self {
            users: self.users.saturating_sub(other.users),
            requests: self.requests.saturating_sub(other.requests),
        }
    }
}

/// `share` of `whole` of a number, to the nearest one.
const fn part(number: u64, share: u64, whole: u64) -> u64 {
    let doubled = 2 * number as u128 * share as u128 + whole as u128;
    #[expect(clippy::cast_possible_truncation, reason = "a part is no more than the number")]
    let part = (doubled / (2 * whole as u128)) as u64;
    part
}

#[cfg(test)]
mod tests;
