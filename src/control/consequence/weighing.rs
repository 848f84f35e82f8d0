//! Asking every user for their version before and after.

use std::cmp::Ordering;

use super::danger::dangers;
use super::user::User;
use super::{Amount, Consequence, HEAVIEST_NAMED, Heavy, Load, Move, VersionLoad, part};
use crate::model::{CodeVersion, Split};

/// Where users are counted: the places of a split's versions, and what is not known.
const OLDER: usize = 0;
const NEWER: usize = 1;
const UNKNOWN: usize = 2;

/// A split with the place of each version; an only one is the newer.
#[derive(Debug, Clone)]
struct Side<'a> {
    split: Option<&'a Split>,
    versions: [Option<&'a CodeVersion>; 2],
    percent: [u8; 2],
}

/// Users who are looked at one after the other, each once.
#[derive(Debug, Clone)]
pub struct Weighing<'a> {
    before: Side<'a>,
    after: Side<'a>,
    /// By place before and place after.
    cells: [[Amount; 3]; 3],
    keyless: u64,
    heaviest: Vec<Heavy>,
}

impl<'a> Side<'a> {
    fn of(split: Option<&'a Split>) -> Self {
        let (versions, newer) = match split {
            None => ([None, None], 100),
            Some(Split::Whole(only)) => ([None, Some(only)], 100),
            Some(Split::Canary { older, newer, percent, .. }) => {
                ([Some(older), Some(newer)], percent.get())
            }
        };
        Self { split, versions, percent: [100 - newer, newer] }
    }

    fn seed(&self) -> Option<u64> {
        self.split.and_then(Split::seed)
    }

    #[inline]
    fn place(&self, user: User<'_>) -> usize {
        self.split.map_or(NEWER, |split| user.place(split).unwrap_or(UNKNOWN))
    }

    fn version(&self, place: usize) -> Option<CodeVersion> {
        self.versions.get(place).copied().flatten().cloned()
    }

    /// Requests without a key are spread exactly.
    fn load(&self, place: usize, amount: Amount, keyless: u64) -> Load {
        let newer = part(keyless, u64::from(self.percent[NEWER]), 100);
        let keyless = if place == NEWER { newer } else { keyless - newer };
        Load { percent: self.percent[place], amount, keyless }
    }
}

impl<'a> Weighing<'a> {
    /// What `after` does in the place of `before`; `None` is nothing deployed.
    pub fn new(before: Option<&'a Split>, after: &'a Split) -> Self {
        Self {
            before: Side::of(before),
            after: Side::of(Some(after)),
            cells: Default::default(),
            keyless: 0,
            heaviest: Vec::new(),
        }
    }

    /// Takes up a user, who makes so many requests and stands for `weight` such users:
    /// 1, unless the users are a sample.
    #[inline]
    pub fn add(&mut self, user: User<'_>, requests: u64, weight: u64) {
        let (before, after) = (self.before.place(user), self.after.place(user));
        let cell = &mut self.cells[before][after];
        *cell = cell.plus(Amount { users: weight, requests: requests.saturating_mul(weight) });
        let at = self.heaviest.iter().position(|heavy| match requests.cmp(&heavy.requests) {
            Ordering::Greater => true,
            // By name where they ask alike, so that the order of users means nothing.
            Ordering::Equal => user.is_before(&heavy.who),
            Ordering::Less => false,
        });
        let at = at.unwrap_or(self.heaviest.len());
        if at < HEAVIEST_NAMED {
            self.name(at, user, requests, before, after);
        }
    }

    /// Takes up requests without a key.
    pub const fn add_keyless(&mut self, requests: u64) {
        self.keyless = self.keyless.saturating_add(requests);
    }

    fn name(&mut self, at: usize, user: User<'_>, requests: u64, before: usize, after: usize) {
        let heavy = Heavy {
            who: user.named(),
            requests,
            before: self.before.version(before),
            after: self.after.version(after),
        };
        self.heaviest.insert(at, heavy);
        self.heaviest.truncate(HEAVIEST_NAMED);
    }

    /// What it comes to.
    pub fn end(self) -> Consequence {
        let known = self.known();
        let (exact, least_percent) = (self.is_exact(), self.least_percent());
        let mut consequence = Consequence {
            total: sum(self.cells.iter().flatten()),
            keyless: self.keyless,
            exact,
            versions: self.loads(&known),
            moves: self.moves(&known),
            least_percent,
            heaviest: self.heaviest,
            dangers: Vec::new(),
        };
        consequence.dangers = dangers(&consequence, self.before.split, self.after.split);
        consequence
    }

    fn is_exact(&self) -> bool {
        self.unknown().all(|(.., amount)| amount == Amount::default())
    }

    fn loads(&self, known: &[[Amount; 2]; 2]) -> Vec<VersionLoad> {
        let mut loads: Vec<VersionLoad> = Vec::new();
        for place in [OLDER, NEWER] {
            let had = sum(&known[place]);
            let gets = sum(known.iter().map(|row| &row[place]));
            if let Some(version) = self.before.versions[place] {
                load_of(&mut loads, version).before = self.before.load(place, had, self.keyless);
            }
            if let Some(version) = self.after.versions[place] {
                load_of(&mut loads, version).after = self.after.load(place, gets, self.keyless);
            }
        }
        in_order(loads)
    }

    fn moves(&self, known: &[[Amount; 2]; 2]) -> Vec<Move> {
        let pairs = [OLDER, NEWER].into_iter().flat_map(|was| [(was, OLDER), (was, NEWER)]);
        let moves = pairs.filter_map(|(was, is)| {
            let (from, to) = (self.before.versions[was]?, self.after.versions[is]?);
            let amount = known[was][is];
            let is_one = from != to && amount != Amount::default();
            is_one.then(|| Move { from: from.clone(), to: to.clone(), amount })
        });
        moves.collect()
    }

    /// What the versions of before lose together; nothing where nothing was deployed.
    fn least_percent(&self) -> u8 {
        let shares = |side: &Side<'a>| {
            let shares = side.versions.into_iter().zip(side.percent);
            shares.filter_map(|(version, percent)| Some((version?, percent))).collect::<Vec<_>>()
        };
        let after = shares(&self.after);
        let lost = shares(&self.before).into_iter().map(|(version, percent)| {
            let kept = after.iter().find(|(it, _)| *it == version).map_or(0, |(_, kept)| *kept);
            percent.saturating_sub(kept)
        });
        lost.sum()
    }

    /// The amounts of whom something is not known, by places.
    fn unknown(&self) -> impl Iterator<Item = (usize, usize, Amount)> {
        let pairs = (0..=UNKNOWN).flat_map(|was| (0..=UNKNOWN).map(move |is| (was, is)));
        let unknown = pairs.filter(|(was, is)| *was == UNKNOWN || *is == UNKNOWN);
        unknown.map(|(was, is)| (was, is, self.cells[was][is]))
    }

    /// The amounts by places, those of whom something is not known divided as the shares
    /// lead to expect.
    fn known(&self) -> [[Amount; 2]; 2] {
        let mut known = [OLDER, NEWER].map(|was| [OLDER, NEWER].map(|is| self.cells[was][is]));
        let expected = self.expected();
        for (was, is, amount) in self.unknown() {
            let mut weights = expected;
            for (row, weights) in weights.iter_mut().enumerate() {
                for (column, weight) in weights.iter_mut().enumerate() {
                    let fits = (was == UNKNOWN || was == row) && (is == UNKNOWN || is == column);
                    *weight *= u64::from(fits);
                }
            }
            divide(amount, &weights, &mut known);
        }
        known
    }

    /// How many of 10,000 users are to be expected at each place before and after.
    fn expected(&self) -> [[u64; 2]; 2] {
        let [was, is] = [&self.before, &self.after].map(|side| side.percent.map(u64::from));
        if self.before.seed().is_some() && self.before.seed() == self.after.seed() {
            let both = |place: usize| was[place].min(is[place]);
            let left = |place: usize| was[place] - both(place);
            return [[both(OLDER), left(OLDER)], [left(NEWER), both(NEWER)]]
                .map(|row| row.map(|it| it * 100));
        }
        was.map(|was| is.map(|is| was * is))
    }
}

fn load_of<'l>(loads: &'l mut Vec<VersionLoad>, version: &CodeVersion) -> &'l mut VersionLoad {
    let known = loads.iter().position(|load| load.version == *version);
    let at = known.unwrap_or(loads.len());
    if known.is_none() {
        let (before, after) = Default::default();
        loads.push(VersionLoad { version: version.clone(), before, after });
    }
    &mut loads[at]
}

fn sum<'a>(amounts: impl IntoIterator<Item = &'a Amount>) -> Amount {
    amounts.into_iter().fold(Amount::default(), |sum, it| sum.plus(*it))
}

/// The older first. Names that are no numbers among those that are have no order of all,
/// and then stand as they come.
fn in_order(mut loads: Vec<VersionLoad>) -> Vec<VersionLoad> {
    for end in 1..loads.len() {
        let mut at = end;
        while at > 0 && loads[at - 1].version.is_newer_than(&loads[at].version) {
            loads.swap(at - 1, at);
            at -= 1;
        }
    }
    loads
}

/// Adds `amount` to `cells` in proportion to `weights`, all of it.
fn divide(amount: Amount, weights: &[[u64; 2]; 2], cells: &mut [[Amount; 2]; 2]) {
    let (mut left, mut weight_left) = (amount, weights.iter().flatten().sum::<u64>());
    let weights = weights.iter().flatten();
    for (cell, weight) in cells.iter_mut().flatten().zip(weights).filter(|(_, it)| **it > 0) {
        let part = left.part(*weight, weight_left);
        *cell = cell.plus(part);
        left = left.minus(part);
        weight_left -= weight;
    }
}
