//! What the sample-ratio check promises, of Serin's own split and of one that is not what
//! was asked for. Keys and releases are fixed, so a result is a fact and not a draw.

use std::ops::Range;

use serin::model::{CodeVersion, Kind, Percent, Position, Release, Shares, Side, Split};
use serin::stats::SampleRatio;

const STABLE: &str = "1723599747213377175";
const CANARY: &str = "1723599747213377176";
const KEYS: usize = 20_000;
const THREADS: usize = 4;

/// The canary of `percent` of one of many releases, each with users of its own.
fn canary(release: usize, percent: u64) -> (u64, u64) {
    let version = |text, percent| (CodeVersion::new(text).unwrap(), Percent::new(percent).unwrap());
    let shares = vec![version(STABLE, 100 - percent), version(CANARY, percent)];
    let cohort = release.to_string();
    let release = Release { kind: Kind::Routine, name: "checkout", cohort: &cohort };
    match Split::new(&release, &Shares::new(shares).unwrap()) {
        Split::Canary { seed, threshold, .. } => (seed, threshold),
        Split::Whole(only) => panic!("{only} is no canary"),
    }
}

/// The key that raised the alarm in each of the `releases`, configured at 10 % and in
/// truth at `percent`, watched at every one of `keys`.
fn alarms(releases: Range<usize>, percent: u64, keys: usize) -> Vec<Option<u64>> {
    let keys: Vec<String> = (0..keys).map(|number| format!("user-{number}")).collect();
    let watched = |release| {
        let (seed, threshold) = canary(release, percent);
        let mut check = SampleRatio::new(&[90.0, 10.0]).unwrap();
        for key in &keys {
            let newer = Position::of(seed, key.as_bytes()).side(threshold) == Side::Newer;
            check.observe(usize::from(newer));
            if check.alarm().is_some() {
                break;
            }
        }
        check.alarm()
    };
    let part = releases.len().div_ceil(THREADS);
    std::thread::scope(|scope| {
        let parts: Vec<_> = releases
            .clone()
            .step_by(part)
            .map(|start| start..(start + part).min(releases.end))
            .map(|part| scope.spawn(|| part.map(watched).collect::<Vec<_>>()))
            .collect();
        parts.into_iter().flat_map(|part| part.join().unwrap()).collect()
    })
}

/// The bound is one in a thousand, so ten are to be expected at most.
#[test]
fn an_honest_split_watched_at_every_key_raises_at_most_twenty_alarms_in_ten_thousand_runs() {
    let alarms = alarms(0..10_000, 10, KEYS);
    let raised = alarms.iter().flatten().count();
    assert_eq!(alarms.len(), 10_000);
    assert!(raised <= 20, "{raised}");
}

#[test]
fn a_canary_of_twelve_percent_in_place_of_ten_is_found_within_five_thousand_keys() {
    let mut alarms = alarms(0..1_001, 12, 100_000);
    alarms.sort_by_key(|alarm| alarm.unwrap_or(u64::MAX));
    let median = alarms[alarms.len() / 2];
    assert!(median.is_some_and(|median| median <= 5_000), "{median:?}");
    assert!(alarms.iter().all(Option::is_some), "each of them is found");
}
