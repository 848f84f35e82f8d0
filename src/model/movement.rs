//! Who moves when one split replaces another.

use super::name::CodeVersion;
use super::split::Split;

/// Users who leave one version for another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flow {
    pub from: CodeVersion,
    pub to: CodeVersion,
    /// Share of all users, in hundredths of a percent: 0 to 10,000.
    pub basis_points: u32,
}

/// The share of users that a new split moves, and whither.
///
/// It speaks of keys: requests without one are spread anew at every moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Movement {
    pub flows: Vec<Flow>,
    /// Whether the share follows from the rule (both splits place keys alike), or
    /// is what two independent placements are expected to come to.
    pub exact: bool,
}

impl Movement {
    pub fn between(before: &Split, after: &Split) -> Self {
        let same_seed = match (before, after) {
            (Split::Canary { seed: was, .. }, Split::Canary { seed: is, .. }) => was == is,
            // A whole split places nobody, so it agrees with every seed.
            (Split::Whole(_), _) | (_, Split::Whole(_)) => true,
        };
        let (before, after) = (bands(before), bands(after));
        let mut flows: Vec<Flow> = Vec::new();
        for was in &before {
            for is in &after {
                let share =
                    if same_seed { 100 * was.overlap(is) } else { was.width() * is.width() };
                if was.version != is.version && share > 0 {
                    flows.push(Flow {
                        from: was.version.clone(),
                        to: is.version.clone(),
                        basis_points: share,
                    });
                }
            }
        }
        let movement = Self { flows, exact: same_seed };
        // When no version stays, everybody moves under any placement.
        Self { exact: same_seed || movement.basis_points() == 10_000, ..movement }
    }

    /// Share of all users that move, in hundredths of a percent: 0 to 10,000.
    pub fn basis_points(&self) -> u32 {
        self.flows.iter().map(|flow| flow.basis_points).sum()
    }
}

/// The percents of position space that a version holds: `start..end` of 0..100.
struct Band<'a> {
    version: &'a CodeVersion,
    start: u32,
    end: u32,
}

impl Band<'_> {
    fn width(&self) -> u32 {
        self.end - self.start
    }

    fn overlap(&self, other: &Self) -> u32 {
        self.end.min(other.end).saturating_sub(self.start.max(other.start))
    }
}

fn bands(split: &Split) -> Vec<Band<'_>> {
    match split {
        Split::Whole(version) => vec![Band { version, start: 0, end: 100 }],
        Split::Canary { older, newer, percent, .. } => {
            let edge = u32::from(percent.get());
            vec![
                Band { version: newer, start: 0, end: edge },
                Band { version: older, start: edge, end: 100 },
            ]
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::split::{Kind, Percent, Release, Shares};
    use super::*;

    fn split(shares: &[(&str, u64)]) -> Split {
        let release = Release { kind: Kind::Routine, name: "checkout", cohort: "" };
        let shares = shares
            .iter()
            .map(|&(version, percent)| {
                (CodeVersion::new(version).unwrap(), Percent::new(percent).unwrap())
            })
            .collect();
        Split::new(&release, &Shares::new(shares).unwrap())
    }

    fn moved(before: &[(&str, u64)], after: &[(&str, u64)]) -> (u32, bool) {
        let movement = Movement::between(&split(before), &split(after));
        (movement.basis_points(), movement.exact)
    }

    #[test]
    fn a_ramp_moves_the_difference() {
        assert_eq!(moved(&[("1", 90), ("2", 10)], &[("1", 80), ("2", 20)]), (1_000, true));
        assert_eq!(moved(&[("1", 80), ("2", 20)], &[("1", 90), ("2", 10)]), (1_000, true));
        assert_eq!(moved(&[("1", 90), ("2", 10)], &[("2", 100)]), (9_000, true));
        assert_eq!(moved(&[("1", 100)], &[("1", 90), ("2", 10)]), (1_000, true));
    }

    #[test]
    fn the_order_of_the_list_moves_nobody() {
        assert_eq!(moved(&[("1", 90), ("2", 10)], &[("2", 10), ("1", 90)]), (0, true));
    }

    #[test]
    fn another_newer_version_meets_other_users() {
        // 10 % leave 2 and 10 % come to 3; a hundredth of all users are both.
        assert_eq!(moved(&[("1", 90), ("2", 10)], &[("1", 90), ("3", 10)]), (1_900, false));
    }

    #[test]
    fn everybody_moves_when_no_version_stays() {
        assert_eq!(moved(&[("1", 90), ("2", 10)], &[("3", 90), ("4", 10)]), (10_000, true));
        assert_eq!(moved(&[("1", 100)], &[("2", 100)]), (10_000, true));
    }

    #[test]
    fn a_newer_version_may_keep_its_users_while_the_older_changes() {
        assert_eq!(moved(&[("1", 90), ("3", 10)], &[("2", 80), ("3", 20)]), (9_000, true));
    }
}
