use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::*;

const SPLIT: u32 = 6;

fn hash(key: &str) -> u64 {
    xxh3_64_with_seed(key.as_bytes(), 7)
}

const fn under(deployment: u64) -> Terms {
    Terms { placing: 1, deployment }
}

/// A user whose version is 0 of the tests.
fn ask(worker: &WorkerUsers, terms: Terms, key: &str) -> Option<Unanswered> {
    let visit = Visit { split: SPLIT, user: hash(key), terms, assigned: Some(0) };
    worker.note(visit, || Some(key.as_bytes().to_vec()))
}

/// Version 1 of the tests is to get `percent`, and 0 the rest.
fn canary(deployment: u64, percent: u32) -> impl Fn(u32) -> Option<Configured> {
    let versions = vec![(0, f64::from(100 - percent)), (1, f64::from(percent))];
    move |split| {
        assert_eq!(split, SPLIT);
        Some(Configured { terms: under(deployment), versions: versions.clone() })
    }
}

/// Has `worker` answer `keys`, every tenth of them by version 1.
fn answer_tenths(worker: &WorkerUsers, deployment: u64, keys: std::ops::Range<u32>) {
    for key in keys {
        if let Some(first) = ask(worker, under(deployment), &format!("u-{key}")) {
            first.answered_by(u32::from(key % 10 == 0));
        }
    }
}

fn observed(users: &Users) -> Vec<u64> {
    let checked = users.checked(SPLIT).expect("somebody was answered");
    checked.versions.iter().map(|version| version.users).collect()
}

#[test]
fn recent_users_are_added_up_over_workers_and_windows() {
    let users = Users::new(2);
    let workers = [users.of_worker(0), users.of_worker(1)];
    drop(ask(&workers[0], under(3), "a"));
    workers[0].note_keyless(SPLIT, 1);
    users.turn(|_| true);
    for worker in &workers {
        drop(ask(worker, under(3), "a"));
        drop(ask(worker, under(3), "b"));
        worker.note_keyless(SPLIT, 1);
    }
    let requests = |users: &Users| {
        let recent = users.recent(SPLIT, 1);
        assert!((recent.share - 1.0).abs() < 1e-12);
        let text = |user: RecentUser| {
            assert_eq!(user.weight, 1);
            (String::from_utf8(user.key.unwrap().to_vec()).unwrap(), user.requests)
        };
        let mut all: Vec<_> = recent.users.into_iter().map(text).collect();
        all.sort();
        (all, recent.keyless)
    };
    let [a, b] = ["a", "b"].map(str::to_owned);
    assert_eq!(requests(&users), (vec![(a.clone(), 3), (b.clone(), 2)], 3));
    users.turn(|_| true);
    assert_eq!(requests(&users), (vec![(a, 2), (b, 2)], 2));
    users.turn(|_| true);
    assert_eq!(requests(&users), (vec![], 0));
    assert!(users.recent(SPLIT + 1, 1).users.is_empty());
}

#[test]
fn a_user_of_several_workers_counts_once() {
    let users = Users::new(2);
    for worker in [0, 1, 0] {
        answer_tenths(&users.of_worker(worker), 3, 0..1_000);
        assert!(users.check(canary(3, 10)).is_empty());
    }
    assert_eq!(observed(&users), [900, 100]);
}

#[test]
fn a_split_that_is_not_what_was_asked_for_raises_the_alarm_once() {
    let users = Users::new(1);
    let worker = users.of_worker(0);
    answer_tenths(&worker, 3, 0..4_000);
    assert_eq!(users.check(canary(3, 20)), [SPLIT]);
    let checked = users.checked(SPLIT).unwrap();
    assert!(checked.alarm.is_some_and(|at| at < 1_000), "{checked:?}");
    assert!(checked.p_value < 0.001);
    answer_tenths(&worker, 3, 4_000..5_000);
    assert!(users.check(canary(3, 20)).is_empty());
    assert!(users.checked(SPLIT).unwrap().alarm.is_some());
}

/// Two versions that share the users evenly, one of which takes longer: were those counted
/// who are answered, it would look like one that gets nobody.
#[test]
fn a_version_that_takes_longer_is_not_one_that_gets_fewer() {
    let users = Users::new(2);
    let workers = [users.of_worker(0), users.of_worker(1)];
    let mut waiting = Vec::new();
    for key in 0..2_000_u32 {
        let first = ask(&workers[key as usize % 2], under(3), &format!("u-{key}")).unwrap();
        let by = u32::from(hash(&format!("u-{key}")) < u64::MAX / 2);
        if by == 0 {
            first.answered_by(by);
        } else {
            waiting.push(first);
        }
        if waiting.len() > 300 {
            waiting.remove(0).answered_by(1);
        }
        assert!(users.check(canary(3, 50)).is_empty());
    }
    for first in waiting {
        first.answered_by(1);
    }
    assert!(users.check(canary(3, 50)).is_empty());
    assert_eq!(observed(&users).iter().sum::<u64>(), 2_000);
    assert_eq!(users.checked(SPLIT).unwrap().alarm, None);
}

/// Errors, and clients that leave, are told elsewhere: users are divided as was asked for.
#[test]
fn a_version_that_does_not_answer_still_has_its_users() {
    let users = Users::new(1);
    let worker = users.of_worker(0);
    for key in 0..2_000_u32 {
        let visit = Visit {
            split: SPLIT,
            user: hash(&format!("u-{key}")),
            terms: under(3),
            assigned: Some(key % 2),
        };
        let first = worker.note(visit, || None).unwrap();
        if key % 2 == 0 {
            first.answered_by(0);
        }
    }
    assert!(users.check(canary(3, 50)).is_empty());
    assert_eq!(observed(&users), [1_000, 1_000]);
}

#[test]
fn a_version_for_which_others_answer_has_none() {
    let users = Users::new(1);
    let worker = users.of_worker(0);
    for key in 0..200_u32 {
        let user = hash(&format!("u-{key}"));
        let visit = Visit { split: SPLIT, user, terms: under(3), assigned: Some(key % 2) };
        worker.note(visit, || None).unwrap().answered_by(0);
    }
    assert_eq!(users.check(canary(3, 50)), [SPLIT]);
    assert_eq!(observed(&users), [200, 0]);
}

#[test]
fn other_terms_begin_the_check_again() {
    let users = Users::new(2);
    let worker = users.of_worker(0);
    answer_tenths(&worker, 3, 0..1_000);
    users.check(canary(3, 10));
    let late = ask(&users.of_worker(1), under(3), "late").unwrap();
    // Of the next deployment, before the check has heard of it; they came behind who waits.
    answer_tenths(&worker, 4, 0..500);
    assert!(users.check(canary(3, 10)).is_empty());
    assert_eq!(observed(&users), [900, 100]);
    answer_tenths(&worker, 4, 500..700);
    // Who still waits under the terms of before holds nobody up now.
    users.check(canary(4, 10));
    assert_eq!(observed(&users), [630, 70]);
    late.answered_by(1);
    // By other keys.
    let terms = Terms { placing: 2, ..under(4) };
    ask(&worker, terms, "u-1").unwrap().answered_by(0);
    users.check(|split| Some(Configured { terms, ..canary(4, 10)(split)? }));
    assert_eq!(observed(&users), [1, 0]);
}

#[test]
fn what_has_one_version_is_not_checked() {
    let users = Users::new(1);
    let worker = users.of_worker(0);
    answer_tenths(&worker, 3, 0..1_000);
    users.check(canary(3, 10));
    answer_tenths(&worker, 4, 0..10);
    assert!(users.check(|_| None).is_empty());
    assert_eq!(users.checked(SPLIT), None);
    let visit = Visit { split: SPLIT, user: 1, terms: under(5), assigned: None };
    assert!(worker.note(visit, || None).is_none());
}

#[test]
fn a_split_that_is_none_any_more_is_forgotten() {
    let users = Users::new(1);
    let worker = users.of_worker(0);
    answer_tenths(&worker, 3, 0..1_000);
    users.check(canary(3, 10));
    let late = ask(&worker, under(3), "late").unwrap();
    users.turn(|_| false);
    assert_eq!(users.checked(SPLIT), None);
    let next = ask(&worker, under(4), "next").unwrap();
    // Settles nobody else.
    late.answered_by(1);
    assert!(users.check(canary(4, 10)).is_empty());
    assert_eq!(users.checked(SPLIT), None);
    next.answered_by(0);
    users.check(canary(4, 10));
    assert_eq!(observed(&users), [1, 0]);
}

#[test]
fn a_version_that_is_no_part_of_the_split_is_not_counted() {
    let users = Users::new(1);
    ask(&users.of_worker(0), under(3), "a").unwrap().answered_by(9);
    users.check(canary(3, 10));
    assert_eq!(observed(&users), [0, 0]);
}
