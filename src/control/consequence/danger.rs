//! What is wrong with a deployment, in words.

use std::fmt;

use super::{Amount, Consequence, Heavy, Load, VersionLoad, Who};
use crate::model::{CodeVersion, Movement, Split};

/// From that share of all requests on, no split divides them: the version that has the one
/// key has them.
pub const HEAVY_KEY_PERCENT: u64 = 20;

/// A version is unevenly loaded if its share of the requests is at least so many times its
/// share of the users, ...
pub const UNEVEN_TIMES: u64 = 2;

/// ... and at least so many percentage points above it.
pub const UNEVEN_POINTS: u64 = 5;

/// Where more users move than need to, so many percentage points are worth a word.
pub const NEEDLESS_POINTS: u64 = 5;

/// What strikes 3 % of users is seen with a probability of 95 % among a hundred of them
/// (the rule of three: 3/n); fewer tell less.
pub const USERS_TOLD_MIN: u64 = 100;

/// From that share of all requests on, it matters that those without a key take turns.
pub const KEYLESS_PERCENT: u64 = 10;

/// What an operator would want to know before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Danger {
    /// One key makes [`HEAVY_KEY_PERCENT`] of all requests or more.
    HeavyKey {
        heavy: Heavy,
        /// Of all.
        requests: u64,
    },
    /// A version gets far more of the requests than of the users.
    UnevenLoad {
        version: CodeVersion,
        load: Load,
        of: Amount,
        /// All of them, with and without a key.
        requests: u64,
    },
    /// A version that nobody has gets everybody.
    EverybodyAtOnce { version: CodeVersion },
    /// Users are placed anew, and so more of them move than the shares make necessary.
    NeedlessMoves { basis_points: u32, least_percent: u8 },
    /// A version has so few users that it shows nothing.
    TooFewUsers { version: CodeVersion, users: u64 },
    /// Many requests have no key: they take turns, and who makes them meets both versions.
    Keyless { requests: u64, of: u64 },
}

impl Danger {
    /// For programs.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::HeavyKey { .. } => "heavy_key",
            Self::UnevenLoad { .. } => "uneven_load",
            Self::EverybodyAtOnce { .. } => "everybody_at_once",
            Self::NeedlessMoves { .. } => "needless_moves",
            Self::TooFewUsers { .. } => "too_few_users",
            Self::Keyless { .. } => "keyless",
        }
    }
}

/// What is dangerous about `consequence`, of `after` in the place of `before`.
pub(super) fn dangers(
    consequence: &Consequence,
    before: Option<&Split>,
    after: Option<&Split>,
) -> Vec<Danger> {
    let heavy_keys = consequence.heaviest.iter().filter_map(|heavy| heavy_key(heavy, consequence));
    let mut dangers: Vec<_> = heavy_keys.collect();
    if let (Some(before), Some(Split::Whole(only))) = (before, after)
        && !names(before, only)
    {
        dangers.push(Danger::EverybodyAtOnce { version: only.clone() });
    }
    if let (Some(before), Some(after)) = (before, after) {
        dangers.extend(needless_moves(consequence, before, after));
    }
    if matches!(after, Some(Split::Canary { .. })) {
        let loads = consequence.versions.iter().filter(|load| load.after.percent > 0);
        for load in loads {
            dangers.extend(uneven_load(load, consequence));
            dangers.extend(too_few_users(load, consequence));
        }
        let (requests, of) = (consequence.keyless, consequence.requests());
        if requests > 0 && is_percent(requests, of, KEYLESS_PERCENT) {
            dangers.push(Danger::Keyless { requests, of });
        }
    }
    dangers
}

fn heavy_key(heavy: &Heavy, consequence: &Consequence) -> Option<Danger> {
    let requests = consequence.requests();
    // A single user is no share of a crowd.
    let is_heavy =
        consequence.total.users > 1 && is_percent(heavy.requests, requests, HEAVY_KEY_PERCENT);
    is_heavy.then(|| Danger::HeavyKey { heavy: heavy.clone(), requests })
}

/// By the users that it gets: where they are few, chance alone brings more than their share,
/// and no key is to blame.
fn uneven_load(version: &VersionLoad, consequence: &Consequence) -> Option<Danger> {
    let (load, of, requests) = (version.after, consequence.total, consequence.requests());
    let users = millionths(load.amount.users, of.users);
    let is_uneven = |part, whole| {
        let share = millionths(part, whole);
        share >= users * u128::from(UNEVEN_TIMES)
            && share >= users + u128::from(UNEVEN_POINTS) * 10_000
    };
    let is_seen = load.amount.users > 0 && of.requests > 0;
    let is_danger = is_seen
        && is_uneven(load.amount.requests, of.requests)
        && is_uneven(load.requests(), requests);
    let version = version.version.clone();
    is_danger.then_some(Danger::UnevenLoad { version, load, of, requests })
}

/// By the share, and not by how many of these users the version happens to get.
fn too_few_users(load: &VersionLoad, consequence: &Consequence) -> Option<Danger> {
    let expected = consequence.total.part(u64::from(load.after.percent), 100);
    let Amount { users, .. } = expected;
    let version = load.version.clone();
    (users < USERS_TOLD_MIN).then_some(Danger::TooFewUsers { version, users })
}

fn needless_moves(consequence: &Consequence, before: &Split, after: &Split) -> Option<Danger> {
    let basis_points = Movement::between(before, after).basis_points();
    let least_percent = consequence.least_percent;
    let is_needless = u64::from(basis_points) >= 100 * (u64::from(least_percent) + NEEDLESS_POINTS);
    is_needless.then_some(Danger::NeedlessMoves { basis_points, least_percent })
}

fn names(split: &Split, version: &CodeVersion) -> bool {
    match split {
        Split::Whole(only) => only == version,
        Split::Canary { older, newer, .. } => older == version || newer == version,
    }
}

fn millionths(part: u64, whole: u64) -> u128 {
    u128::from(part) * 1_000_000 / u128::from(whole.max(1))
}

/// Whether `part` is at least `percent` of `whole`.
const fn is_percent(part: u64, whole: u64, percent: u64) -> bool {
    whole > 0 && part as u128 * 100 >= whole as u128 * percent as u128
}

impl fmt::Display for Danger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::HeavyKey { heavy: Heavy { who, requests: of_key, before, after }, requests } => {
                let share = Share(*of_key, *requests);
                write!(f, "{share} of requests come from one key")?;
                match who {
                    Who::Key(_) => write!(f, ", {who}")?,
                    Who::At(_) => write!(f, " {who}")?,
                }
                match (before, after) {
                    (Some(before), Some(after)) if before != after => {
                        write!(f, ", which moves from {before} to {after}")
                    }
                    (_, Some(after)) => write!(f, ", which {after} gets"),
                    (_, None) => Ok(()),
                }
            }
            Self::UnevenLoad { version, load, of, requests } => {
                let share = Share(load.requests(), *requests);
                let users = Share(load.amount.users, of.users);
                write!(
                    f,
                    "{version} gets {share} of requests for {users} of users, because of heavy keys"
                )
            }
            Self::EverybodyAtOnce { version } => {
                write!(f, "{version}, which nobody has now, gets everybody at once")
            }
            Self::NeedlessMoves { basis_points, least_percent } => {
                let share = Share(u64::from(*basis_points), 10_000);
                write!(
                    f,
                    "{share} of users move where {least_percent} % would do: the newer version or the cohort changes, so users are placed anew"
                )
            }
            Self::TooFewUsers { version, users } => write!(
                f,
                "{version} gets about {users} users: below {USERS_TOLD_MIN}, what strikes 3 % of them may well show nothing"
            ),
            Self::Keyless { requests, of } => {
                let share = Share(*requests, *of);
                write!(
                    f,
                    "{share} of requests have no key: they take turns, and who makes them meets both versions"
                )
            }
        }
    }
}

/// A share in percent, with a digit more where it is small.
struct Share(u64, u64);

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(part, whole) = *self;
        let permille =
            (u128::from(part) * 1_000 + u128::from(whole) / 2) / u128::from(whole).max(1);
        match permille {
            100.. => write!(f, "{} %", (permille + 5) / 10),
            permille => write!(f, "{}.{} %", permille / 10, permille % 10),
        }
    }
}
