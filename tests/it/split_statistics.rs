//! What a percentage promises, counted on millions of keys.
//!
//! Keys and seeds are fixed, so a result is a fact and not a draw: what passes
//! once passes always.

use std::sync::OnceLock;

use serin::model::{
    CodeVersion, Kind, Movement, Percent, Position, Release, SPLIT_TAG, Shares, Side, Split,
};

use crate::support::keys::Family;
use crate::support::statistics::{chi_square_z, overlap_z, share_z, spread_z};

const KEYS: u32 = 1_000_000;
const STABLE: &str = "1723599747213377175";
const CANARY: &str = "1723599747213377176";
const CHECKOUT: Release<'_> = Release { kind: Kind::Routine, name: "checkout", cohort: "" };

fn version(text: &str) -> CodeVersion {
    CodeVersion::new(text).unwrap()
}

fn split(release: &Release<'_>, listed: &[(&str, u64)]) -> Split {
    let shares = listed
        .iter()
        .map(|&(text, percent)| (version(text), Percent::new(percent).unwrap()))
        .collect();
    Split::new(release, &Shares::new(shares).unwrap())
}

/// The routine `checkout` with its canary at `percent`, 1 to 99.
fn canary_at(percent: u64) -> Split {
    split(&CHECKOUT, &[(STABLE, 100 - percent), (CANARY, percent)])
}

fn seed_and_threshold(split: &Split) -> (u64, u64) {
    match split {
        Split::Canary { seed, threshold, .. } => (*seed, *threshold),
        Split::Whole(only) => panic!("{only} is no canary"),
    }
}

fn threshold_at(percent: u64) -> u64 {
    seed_and_threshold(&canary_at(percent)).1
}

/// Where the family's keys stand under `checkout`'s canary. They stand there at
/// every percentage, so one million hashes serve all of them.
fn positions(family: Family) -> &'static [Position] {
    static POSITIONS: [OnceLock<Vec<Position>>; Family::ALL.len()] =
        [const { OnceLock::new() }; Family::ALL.len()];
    POSITIONS[family as usize].get_or_init(|| {
        let (seed, _) = seed_and_threshold(&canary_at(1));
        let mut positions = Vec::with_capacity(KEYS as usize);
        family.each(KEYS, |key| positions.push(Position::of(seed, key)));
        positions
    })
}

/// How many keys are on one side of a threshold and on one of another's.
fn count(positions: &[Position], was: (u64, Side), is: (u64, Side)) -> usize {
    positions.iter().filter(|at| at.side(was.0) == was.1 && at.side(is.0) == is.1).count()
}

#[test]
fn a_family_has_a_million_distinct_keys() {
    for family in Family::ALL {
        let mut places = positions(family).to_vec();
        places.sort_unstable();
        places.dedup();
        assert_eq!(places.len(), KEYS as usize, "{family:?}");
    }
}

/// The other tests of this file count positions; users meet `Split::version`.
#[test]
fn a_split_answers_as_its_positions_say() {
    for (family, percent) in Family::ALL.into_iter().zip([1, 10, 33, 50, 90, 99]) {
        let split = canary_at(percent);
        let (seed, threshold) = seed_and_threshold(&split);
        assert_eq!(seed, seed_and_threshold(&canary_at(1)).0, "one seed at every percentage");
        let mut positions = positions(family).iter();
        family.each(KEYS, |key| {
            let answer = match positions.next().unwrap().side(threshold) {
                Side::Newer => CANARY,
                Side::Older => STABLE,
            };
            assert_eq!(split.version(key).as_str(), answer, "{family:?} at {percent} %");
        });
    }
}

#[test]
fn s1_positions_are_uniform() {
    for family in Family::ALL {
        let mut counts = vec![0_u32; 10_000];
        for position in positions(family) {
            counts[usize::from(position.bucket())] += 1;
        }
        for width in [1, 10, 100] {
            let wider: Vec<u32> = counts.chunks(width).map(|chunk| chunk.iter().sum()).collect();
            let z = chi_square_z(&wider);
            assert!(z.abs() < 5.0, "{family:?} in {} buckets: z = {z}", wider.len());
        }
    }
}

#[test]
fn s2_every_percentage_gets_its_share() {
    for family in Family::ALL {
        for percent in 1..=99_u8 {
            let at = (threshold_at(percent.into()), Side::Newer);
            let canary = count(positions(family), at, at);
            let z = share_z(canary, KEYS as usize, f64::from(percent) / 100.0);
            assert!(z.abs() < 4.3, "{family:?} at {percent} %: {canary} keys, z = {z}");
        }
    }
}

/// Neighbours suffice: a subset of a subset is one.
#[test]
fn s3_a_canary_only_grows_as_its_share_grows() {
    for family in Family::ALL {
        for percent in 1..99 {
            let (small, large) = (threshold_at(percent), threshold_at(percent + 1));
            let lost = count(positions(family), (small, Side::Newer), (large, Side::Older));
            assert_eq!(lost, 0, "{family:?} from {percent} % up");
            let gained = count(positions(family), (large, Side::Older), (small, Side::Newer));
            assert_eq!(gained, 0, "{family:?} down to {percent} %");
        }
    }
}

/// A share that comes back finds exactly the users it had.
#[test]
fn s3_going_down_is_the_reverse_of_going_up() {
    for percent in 1..=99 {
        let up = canary_at(percent);
        let down = split(&CHECKOUT, &[(CANARY, percent), (STABLE, 100 - percent)]);
        assert_eq!(up, down);
        let growth = Movement::between(&canary_at(1), &up).basis_points();
        assert_eq!(growth, Movement::between(&up, &canary_at(1)).basis_points());
    }
}

#[test]
fn s4_a_ramp_moves_the_difference_and_nobody_the_other_way() {
    const RAMP: [u8; 7] = [1, 5, 10, 25, 50, 75, 99];
    let up = RAMP.windows(2).map(|step| (step[0], step[1]));
    let steps: Vec<_> = up.clone().chain(up.rev().map(|(p, q)| (q, p))).collect();
    for family in Family::ALL {
        for &(p, q) in &steps {
            let (before, after) = (canary_at(p.into()), canary_at(q.into()));
            let (was, is) = (seed_and_threshold(&before).1, seed_and_threshold(&after).1);
            let joined = count(positions(family), (was, Side::Older), (is, Side::Newer));
            let left = count(positions(family), (was, Side::Newer), (is, Side::Older));
            let (moved, astray) = if q > p { (joined, left) } else { (left, joined) };
            assert_eq!(astray, 0, "{family:?} from {p} to {q} %");
            let z = share_z(moved, KEYS as usize, f64::from(p.abs_diff(q)) / 100.0);
            assert!(z.abs() < 5.0, "{family:?} from {p} to {q} %: {moved} keys, z = {z}");

            let movement = Movement::between(&before, &after);
            assert!(movement.exact);
            assert_eq!(movement.basis_points(), 100 * u32::from(p.abs_diff(q)));
        }
    }
}

/// At 50/50 a rule by list order would move everybody.
#[test]
fn s5_neither_list_order_nor_posting_again_moves_a_key() {
    for (family, percent) in Family::ALL.into_iter().zip([50, 50, 50, 10, 1, 99]) {
        let before = split(&CHECKOUT, &[(STABLE, 100 - percent), (CANARY, percent)]);
        let swapped = split(&CHECKOUT, &[(CANARY, percent), (STABLE, 100 - percent)]);
        let again = split(&CHECKOUT, &[(STABLE, 100 - percent), (CANARY, percent)]);
        family.each(KEYS, |key| {
            assert_eq!(before.version(key), swapped.version(key), "{family:?} at {percent} %");
            assert_eq!(before.version(key), again.version(key), "{family:?} at {percent} %");
        });
    }
}

/// Which of the family's first keys are in a cohort, a bit each.
struct Cohort(Vec<u64>);

impl Cohort {
    const KEYS: u32 = 100_000;

    /// The newer version's users under each seed; the keys are made but once.
    fn under(seeds: &[(u64, u64)], family: Family) -> Vec<Self> {
        let words = (Self::KEYS as usize).div_ceil(64);
        let mut cohorts: Vec<Self> = seeds.iter().map(|_| Self(vec![0; words])).collect();
        let mut number = 0;
        family.each(Self::KEYS, |key| {
            for (cohort, &(seed, threshold)) in cohorts.iter_mut().zip(seeds) {
                let joined = Position::of(seed, key).side(threshold) == Side::Newer;
                cohort.0[number / 64] |= u64::from(joined) << (number % 64);
            }
            number += 1;
        });
        cohorts
    }

    fn of(splits: &[Split], family: Family) -> Vec<Self> {
        let seeds: Vec<_> = splits.iter().map(seed_and_threshold).collect();
        Self::under(&seeds, family)
    }

    fn len(&self) -> usize {
        self.0.iter().map(|word| word.count_ones() as usize).sum()
    }

    fn both(&self, other: &Self) -> usize {
        self.0.iter().zip(&other.0).map(|(a, b)| (a & b).count_ones() as usize).sum()
    }
}

/// How far the overlap of each pair of cohorts is from that of independent ones.
fn overlaps(cohorts: &[Cohort]) -> Vec<f64> {
    let sizes: Vec<usize> = cohorts.iter().map(Cohort::len).collect();
    let mut overlaps = Vec::new();
    for b in 1..cohorts.len() {
        for a in 0..b {
            let both = cohorts[a].both(&cohorts[b]);
            overlaps.push(overlap_z(both, sizes[a], sizes[b], Cohort::KEYS as usize));
        }
    }
    overlaps
}

/// Judges 60 cohorts by their 1,770 pairs: zero-padded ids, on which other hashes
/// fail worst, pair by pair; every family by all of its pairs together.
///
/// The bar of 5 is made for a few thousand pairs. Of the 31,860 that this file
/// looks at, one is beyond it: `v102` and `v112` on IPv4 addresses, at 5.4. On the
/// next 900,000 addresses the same two stand at −2.4, so it is chance and no tie.
fn assert_independent(family: Family, cohorts: &[Cohort]) {
    let overlaps = overlaps(cohorts);
    assert_eq!(overlaps.len(), 1_770);
    if family == Family::ZeroPaddedIds {
        let worst = overlaps.iter().fold(0.0_f64, |worst, z| worst.max(z.abs()));
        assert!(worst < 5.0, "{family:?}: worst z = {worst}");
    }
    let spread = spread_z(&overlaps);
    assert!(spread.abs() < 5.0, "{family:?}: z of the spread = {spread}");
}

#[test]
fn s6_routines_of_similar_names_meet_other_users() {
    let routine = |number: u32| {
        let name = &format!("routine-{number}");
        split(&Release { name, ..CHECKOUT }, &[(STABLE, 90), (CANARY, 10)])
    };
    let splits: Vec<Split> = (0..60).map(routine).collect();
    for family in Family::ALL {
        assert_independent(family, &Cohort::of(&splits, family));
    }
}

#[test]
fn s6_successive_releases_of_one_routine_meet_other_users() {
    let minted = |number: u64| (1_723_599_747_213_377_175 + number).to_string();
    let named = |number: u64| format!("v{}", 100 + number);
    let release = |name: &dyn Fn(u64) -> String, number| {
        split(&CHECKOUT, &[(&name(number), 90), (&name(number + 1), 10)])
    };
    for name in [&minted as &dyn Fn(u64) -> String, &named] {
        let splits: Vec<Split> = (0..60).map(|number| release(name, number)).collect();
        for family in Family::ALL {
            assert_independent(family, &Cohort::of(&splits, family));
        }
    }
}

/// And an operator who sets a cohort gets other users for the same two versions.
#[test]
fn s6_another_cohort_is_other_users() {
    let again = |number: u32| {
        let cohort = &if number == 0 { String::new() } else { format!("again-{number}") };
        split(&Release { cohort, ..CHECKOUT }, &[(STABLE, 90), (CANARY, 10)])
    };
    let splits: Vec<Split> = (0..20).map(again).collect();
    for family in Family::ALL {
        for z in overlaps(&Cohort::of(&splits, family)) {
            assert!(z.abs() < 5.0, "{family:?}: z = {z}");
        }
    }
}

#[test]
fn s8_all_is_all_of_ten_million_keys() {
    let all = split(&CHECKOUT, &[(CANARY, 100)]);
    let mut astray = 0_u32;
    Family::ZeroPaddedIds.each(10 * KEYS, |key| {
        astray += u32::from(all.version(key).as_str() != CANARY);
    });
    assert_eq!(astray, 0);
}

#[test]
fn s11_decisions_under_other_tags_are_independent() {
    let tags: [&[u8]; 6] =
        [SPLIT_TAG, b"serin/split/v2", b"serin/log/v1", b"serin/mirror/v1", b"serin/fault/v1", b""];
    let threshold = threshold_at(10);
    let seeds = tags.map(|tag| (CHECKOUT.seed_tagged(tag, &version(CANARY)), threshold));
    assert_eq!(seeds[0], seed_and_threshold(&canary_at(10)), "the split's own tag is the split");
    for family in Family::ALL {
        for z in overlaps(&Cohort::under(&seeds, family)) {
            assert!(z.abs() < 5.0, "{family:?}: z = {z}");
        }
    }
}

/// What an operator is told before a release, against what keys then do.
#[test]
fn expected_movement_is_what_keys_do() {
    const NEXT: &str = "1723599747213377177";
    let before = canary_at(10);
    let after = [
        // 10 % leave the canary and 10 % come to the next; a hundredth are both.
        (split(&CHECKOUT, &[(STABLE, 90), (NEXT, 10)]), 1_900),
        // Nobody stays but those of the canary who do not come to the next.
        (split(&CHECKOUT, &[(CANARY, 80), (NEXT, 20)]), 9_200),
    ];
    for (after, basis_points) in &after {
        let movement = Movement::between(&before, after);
        assert!(!movement.exact);
        assert_eq!(movement.basis_points(), *basis_points);
    }
    for family in [Family::SequentialIntegers, Family::Ipv4, Family::Emails] {
        let mut moved = [0; 2];
        family.each(KEYS, |key| {
            let was = before.version(key);
            for (moved, (after, _)) in moved.iter_mut().zip(&after) {
                *moved += usize::from(was != after.version(key));
            }
        });
        for (moved, (_, basis_points)) in moved.into_iter().zip(&after) {
            let z = share_z(moved, KEYS as usize, f64::from(*basis_points) / 10_000.0);
            assert!(z.abs() < 5.0, "{family:?}: {moved} keys and not {basis_points}, z = {z}");
        }
    }
}
