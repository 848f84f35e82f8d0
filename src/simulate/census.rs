//! Who moves at a deployment: every user is asked for its version before and after.

use std::ops::Range;

use super::rules::Chooser;
use super::traffic::Populations;
use crate::stats::ratio;

/// Of others' rules, whose hashes take longer, so many users of each population are
/// asked: a share of them is off by at most 0.15 % with a probability of 99.7 %.
pub(super) const FOREIGN_USERS_MAX: u64 = 1_000_000;

/// How many users move, and of how many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Moved {
    pub moved: u64,
    pub of: u64,
}

impl Moved {
    pub fn share(self) -> f64 {
        ratio(self.moved, self.of)
    }
}

/// Counts on so many `cores`; a sum is the same in any order.
pub(super) fn moved(
    populations: &Populations,
    users_max: u64,
    cores: usize,
    before: &Chooser,
    after: &Chooser,
) -> Moved {
    let threads = cores as u64;
    let mut all = Moved::default();
    for (keys, users) in populations.keys().into_iter().zip(populations.sizes()) {
        let users = users.min(users_max);
        let part = users.div_ceil(threads).max(1);
        let count = |range: Range<u64>| {
            let (mut keys, mut before, mut after) = (keys.clone(), before.clone(), after.clone());
            let moves = range.filter(|user| before.differs(&mut after, keys.of(*user)));
            moves.count() as u64
        };
        std::thread::scope(|scope| {
            let starts = (0..threads).map(|number| number * part).filter(|start| *start < users);
            let parts: Vec<_> = starts
                .map(|start| scope.spawn(move || count(start..(start + part).min(users))))
                .collect();
            for part in parts {
                all.moved += part.join().expect("counting does not panic");
            }
        });
        all.of += users;
    }
    all
}

#[cfg(test)]
mod tests {
    use super::super::Scenario;
    use super::*;

    const THREE_USERS_TWICE: &str = r#"
title = "small"
length = "1h"
[[population]]
users = 3
requests_per_user = 1
[[population]]
users = 4_000
key_prefix = "bot-"
requests_per_user = 1
[[version]]
code_version = "1"
[[deployment]]
at = "0s"
code_versions = [{ code_version = "1", percentage = 100 }]
"#;

    #[test]
    fn every_user_is_asked_once_even_where_there_are_fewer_than_cores() {
        let scenario = Scenario::parse(THREE_USERS_TWICE).unwrap();
        let populations = Populations::new(&scenario);
        let (one, other) = (Chooser::Only(0), Chooser::Only(1));
        let all = Moved { moved: 4_003, of: 4_003 };
        for cores in [1, 2, 7] {
            let moved =
                |users_max, before, after| moved(&populations, users_max, cores, before, after);
            assert_eq!(moved(u64::MAX, &one, &other), all);
            assert_eq!(moved(2, &one, &other), Moved { moved: 4, of: 4 });
            assert_eq!(moved(u64::MAX, &one, &one), Moved { moved: 0, of: 4_003 });
        }
    }
}
