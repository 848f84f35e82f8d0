//! The split rule: which key gets which version. A contract with every user of
//! a canary, so it never changes; golden vectors in `tests/vectors` guard it.

use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use super::name::CodeVersion;

/// Opens the seed's material. Every other decision that hashes a key (sampling,
/// mirrors, faults) takes a tag of its own, so that it is independent of this one.
pub const SPLIT_TAG: &[u8] = b"serin/split/v1";

/// A share in whole percent, 1 to 100.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Percent(u8);

impl Percent {
    pub const ALL: Self = Self(100);

    /// `None` outside 1 to 100.
    pub const fn new(percent: u64) -> Option<Self> {
        match percent {
            #[expect(clippy::cast_possible_truncation, reason = "1 to 100 fit a byte")]
            1..=100 => Some(Self(percent as u8)),
            _ => None,
        }
    }

    pub const fn get(self) -> u8 {
        self.0
    }

    /// What is left of everything; `None` where that is nothing.
    pub const fn rest(self) -> Option<Self> {
        match self.0 {
            100.. => None,
            percent => Some(Self(100 - percent)),
        }
    }
}

/// What is released: a routine's code or a container app's image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    Routine,
    Container,
}

impl Kind {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Routine => "routine",
            Self::Container => "container",
        }
    }
}

/// Whose users are divided. The environment is left out on purpose: a rehearsal
/// in staging predicts production's cohort.
#[derive(Debug, Clone, Copy)]
pub struct Release<'a> {
    pub kind: Kind,
    /// The routine's Name, or the `AppId`.
    pub name: &'a str,
    /// Empty unless the operator asks for other users than the last time.
    pub cohort: &'a str,
}

impl Release<'_> {
    /// The seed under which this release places its keys.
    ///
    /// Each newer version hashes under its own seed; under a shared one, the same
    /// unlucky users would meet every canary first. Each field is preceded by its
    /// length, so that no two releases share their material.
    pub fn seed(&self, newer: &CodeVersion) -> u64 {
        self.seed_tagged(SPLIT_TAG, newer)
    }

    /// The seed of another decision about the same release, told apart by `tag`.
    pub fn seed_tagged(&self, tag: &[u8], newer: &CodeVersion) -> u64 {
        let mut material = Vec::with_capacity(128);
        material.extend_from_slice(tag);
        for field in [self.kind.as_str(), self.name, newer.as_str(), self.cohort] {
            let length = u32::try_from(field.len()).expect("names and cohorts are short");
            material.extend_from_slice(&length.to_le_bytes());
            material.extend_from_slice(field.as_bytes());
        }
        xxh3_64(&material)
    }
}

/// Where a key stands under one release, forever: uniform over all of `u64`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position(u64);

impl Position {
    pub fn of(seed: u64, key: &[u8]) -> Self {
        Self(xxh3_64_with_seed(key, seed))
    }

    /// The position that a streamed digest of the key came to.
    pub const fn from_digest(digest: u64) -> Self {
        Self(digest)
    }

    pub const fn get(self) -> u64 {
        self.0
    }

    /// For people: 0 to 9999, in the order of positions.
    pub const fn bucket(self) -> u16 {
        #[expect(clippy::cast_possible_truncation, reason = "the product's top is below 10,000")]
        let bucket = ((self.0 as u128 * 10_000) >> 64) as u16;
        bucket
    }

    /// The smallest percentage of the newer version that includes this key.
    pub fn joins_at(self) -> Percent {
        (1..100).map(Percent).find(|&percent| self.is_within(percent)).unwrap_or(Percent::ALL)
    }

    /// Whether a newer version that has `percent` of the users has this key.
    pub fn is_within(self, percent: Percent) -> bool {
        percent == Percent::ALL || self.0 < threshold(percent)
    }
}

/// The positions below which a share of `percent` lies, for 1 to 99 percent.
///
/// A threshold and not `%`: a finer percentage later would move nobody.
const fn threshold(percent: Percent) -> u64 {
    #[expect(clippy::cast_possible_truncation, reason = "below 2^64 for less than 100 percent")]
    let threshold = (((percent.0 as u128) << 64) / 100) as u64;
    threshold
}

/// Why a list of versions and percentages is no deployment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SharesError {
    #[error("takes one or two code versions, not {0}")]
    Count(usize),
    #[error("names code version `{0}` twice")]
    Twice(CodeVersion),
    #[error("percentages must sum to 100, not {0}")]
    Sum(u32),
}

/// One or two versions and their percentages, as the operator listed them; they
/// sum to 100. The order is kept for echoing and means nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shares(Vec<(CodeVersion, Percent)>);

impl Shares {
    pub fn new(shares: Vec<(CodeVersion, Percent)>) -> Result<Self, SharesError> {
        if !(1..=2).contains(&shares.len()) {
            return Err(SharesError::Count(shares.len()));
        }
        if let [(first, _), (second, _)] = shares.as_slice()
            && first == second
        {
            return Err(SharesError::Twice(first.clone()));
        }
        let sum = shares.iter().map(|(_, percent)| u32::from(percent.get())).sum();
        if sum != 100 {
            return Err(SharesError::Sum(sum));
        }
        Ok(Self(shares))
    }

    pub fn whole(version: CodeVersion) -> Self {
        Self(vec![(version, Percent::ALL)])
    }

    /// Two different versions, the first with all that the second leaves.
    pub(super) fn complementary(rest: CodeVersion, version: CodeVersion, percent: Percent) -> Self {
        match percent.rest() {
            Some(left) if rest != version => Self(vec![(rest, left), (version, percent)]),
            _ => Self::whole(version),
        }
    }

    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&CodeVersion, Percent)> {
        self.0.iter().map(|(version, percent)| (version, *percent))
    }

    pub fn names(&self, version: &CodeVersion) -> bool {
        self.0.iter().any(|(named, _)| named == version)
    }
}

/// One of the two versions of a canary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Side {
    Older,
    Newer,
}

/// How one environment divides its users between versions.
///
/// Invariant: the newer version has the low positions, whatever order the
/// operator wrote. That is what makes a canary gentle: when its share grows,
/// users move toward it and nobody moves back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Split {
    Whole(CodeVersion),
    Canary { older: CodeVersion, newer: CodeVersion, percent: Percent, seed: u64, threshold: u64 },
}

impl Split {
    pub fn new(release: &Release<'_>, shares: &Shares) -> Self {
        match shares.0.as_slice() {
            [(first, first_percent), (second, second_percent)] => {
                let (older, newer, percent) = if first.is_newer_than(second) {
                    (second, first, *first_percent)
                } else {
                    (first, second, *second_percent)
                };
                Self::Canary {
                    older: older.clone(),
                    newer: newer.clone(),
                    percent,
                    seed: release.seed(newer),
                    threshold: threshold(percent),
                }
            }
            [(only, _), ..] => Self::Whole(only.clone()),
            [] => unreachable!("shares hold one or two versions"),
        }
    }

    /// The newer of two versions.
    pub const fn newer(&self) -> Option<&CodeVersion> {
        match self {
            Self::Whole(_) => None,
            Self::Canary { newer, .. } => Some(newer),
        }
    }

    /// Under which keys are placed, where they decide.
    pub const fn seed(&self) -> Option<u64> {
        match self {
            Self::Whole(_) => None,
            Self::Canary { seed, .. } => Some(*seed),
        }
    }

    /// The version of the user with this key.
    #[inline]
    pub fn version(&self, key: &[u8]) -> &CodeVersion {
        match self {
            Self::Whole(only) => only,
            Self::Canary { older, newer, seed, threshold, .. } => {
                match Position::of(*seed, key).side(*threshold) {
                    Side::Older => older,
                    Side::Newer => newer,
                }
            }
        }
    }
}

impl Position {
    /// The side of a canary whose newer version lies below `threshold`.
    #[inline]
    pub const fn side(self, threshold: u64) -> Side {
        if self.0 < threshold { Side::Newer } else { Side::Older }
    }
}

impl Side {
    /// The side of the keyless request number `count`, from 0.
    ///
    /// The newer version's turns are spread evenly, so that in any window of n
    /// requests it gets n·p/100 of them, give or take one.
    #[inline]
    pub const fn of_turn(count: u64, percent: Percent) -> Self {
        // floor((c+1)·p/100) − floor(c·p/100) depends on c mod 100 alone.
        let (turn, share) = (count % 100, percent.0 as u64);
        if (turn + 1) * share / 100 > turn * share / 100 { Self::Newer } else { Self::Older }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn version(text: &str) -> CodeVersion {
        CodeVersion::new(text).unwrap()
    }

    fn shares(listed: &[(&str, u64)]) -> Result<Shares, SharesError> {
        let named = |&(text, percent)| (version(text), Percent::new(percent).unwrap());
        Shares::new(listed.iter().map(named).collect())
    }

    fn canary_at(percent: u64) -> Split {
        let release = Release { kind: Kind::Routine, name: "checkout", cohort: "" };
        Split::new(&release, &shares(&[("1", 100 - percent), ("2", percent)]).unwrap())
    }

    fn newer_turns(counts: impl Iterator<Item = u64>, percent: Percent) -> u64 {
        counts.map(|count| u64::from(Side::of_turn(count, percent) == Side::Newer)).sum()
    }

    #[test]
    fn a_percent_is_1_to_100() {
        assert_eq!(Percent::new(0), None);
        assert_eq!(Percent::new(101), None);
        assert_eq!(Percent::new(256 + 10), None);
        assert!(
            (1..=100).all(|n| Percent::new(n).is_some_and(|percent| u64::from(percent.get()) == n))
        );
    }

    #[test]
    fn shares_are_one_or_two_versions_that_sum_to_100() {
        assert!(shares(&[("1", 100)]).is_ok());
        assert!(shares(&[("1", 1), ("2", 99)]).is_ok());
        assert_eq!(shares(&[]), Err(SharesError::Count(0)));
        assert_eq!(shares(&[("1", 50), ("2", 25), ("3", 25)]), Err(SharesError::Count(3)));
        assert_eq!(shares(&[("1", 50), ("1", 50)]), Err(SharesError::Twice(version("1"))));
        assert_eq!(shares(&[("1", 99)]), Err(SharesError::Sum(99)));
        assert_eq!(shares(&[("1", 50), ("2", 51)]), Err(SharesError::Sum(101)));
        assert_eq!(shares(&[("1", 100), ("2", 100)]), Err(SharesError::Sum(200)));
    }

    #[test]
    fn shares_echo_the_order_they_were_listed_in() {
        let listed = shares(&[("2", 10), ("1", 90)]).unwrap();
        assert!(listed.iter().map(|(version, _)| version.as_str()).eq(["2", "1"]));
        assert!(listed.names(&version("1")) && !listed.names(&version("3")));
    }

    #[test]
    fn buckets_end_where_positions_do() {
        assert_eq!(Position(0).bucket(), 0);
        assert_eq!(Position(u64::MAX).bucket(), 9_999);
    }

    #[test]
    fn the_ends_of_position_space_join_first_and_last() {
        assert_eq!(Position(0).joins_at().get(), 1);
        assert_eq!(Position(u64::MAX).joins_at(), Percent::ALL);
        for percent in (1..100).map(Percent) {
            assert_eq!(Position(threshold(percent) - 1).joins_at(), percent);
            assert_eq!(Position(threshold(percent)).joins_at().get(), percent.get() + 1);
        }
    }

    proptest! {
        #[test]
        fn a_bucket_is_a_ten_thousandth_of_position_space(position: u64) {
            let (position, bucket) = (u128::from(position), u128::from(Position(position).bucket()));
            prop_assert!(bucket << 64 <= position * 10_000);
            prop_assert!(position * 10_000 < (bucket + 1) << 64);
        }

        #[test]
        fn growing_a_canary_never_moves_a_user_back(
            before in 1..=99_u64, after in 1..=99_u64, user: Vec<u8>,
        ) {
            let was_canary = canary_at(before.min(after)).version(&user).as_str() == "2";
            let is_canary = canary_at(before.max(after)).version(&user).as_str() == "2";
            prop_assert!(!was_canary || is_canary);
        }

        #[test]
        fn a_user_is_on_the_canary_from_the_percentage_it_joins_at(user: Vec<u8>) {
            for percent in 1..=99 {
                let split = canary_at(percent);
                let Split::Canary { seed, .. } = &split else { panic!("two versions") };
                let joined = u64::from(Position::of(*seed, &user).joins_at().get()) <= percent;
                prop_assert_eq!(split.version(&user).as_str() == "2", joined);
            }
        }

        #[test]
        fn the_order_of_the_list_means_nothing(one in "[0-9a-b]{1,3}", other in "[0-9a-b]{1,3}") {
            prop_assume!(one != other);
            let release = Release { kind: Kind::Container, name: "app-1", cohort: "" };
            let listed = shares(&[(&one, 30), (&other, 70)]).unwrap();
            let swapped = shares(&[(&other, 70), (&one, 30)]).unwrap();
            prop_assert_eq!(Split::new(&release, &listed), Split::new(&release, &swapped));
        }

        #[test]
        fn a_turn_is_the_newer_ones_where_its_due_grows(count in 0..u64::MAX) {
            for percent in (1..=100).map(Percent) {
                let due = |count: u128| count * u128::from(percent.0) / 100;
                let grows = due(u128::from(count) + 1) > due(u128::from(count));
                prop_assert_eq!(Side::of_turn(count, percent) == Side::Newer, grows);
            }
        }

        #[test]
        fn every_window_of_turns_is_exact_to_one(start in 0..u64::MAX - 1_000, length in 0..1_000_u64) {
            for percent in (1..=100).map(Percent) {
                let turns = newer_turns(start..start + length, percent);
                prop_assert!((100 * turns).abs_diff(length * u64::from(percent.0)) <= 100);
            }
        }
    }

    /// Turns repeat every hundred, so these are all the windows there are.
    #[test]
    fn every_window_of_up_to_two_hundred_turns_is_exact_to_one() {
        for percent in (1..=100).map(Percent) {
            for start in 0..100 {
                let mut turns = 0;
                for length in 1..=200 {
                    turns += newer_turns(std::iter::once(start + length - 1), percent);
                    let due = length * u64::from(percent.0);
                    assert!((100 * turns).abs_diff(due) <= 100, "{percent:?} {start} {length}");
                }
            }
        }
    }
}
