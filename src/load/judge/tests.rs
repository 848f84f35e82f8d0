//! Users who are asked for, answered, moved and lied to.

use super::*;

const NOW: Duration = Duration::ZERO;

fn shares(listed: &[(&str, u64)]) -> Vec<(String, u64)> {
    listed.iter().map(|&(version, percent)| (version.to_owned(), percent)).collect()
}

fn judge(periods: &[&[(&str, u64)]], with_rule: bool) -> Judge {
    let versions = Arc::new(Versions::default());
    let release = super::super::split::Release { kind: "routine", name: "shop", cohort: "" };
    let period = |listed: &&[(&str, u64)]| {
        Period::new(&shares(listed), with_rule.then_some(&release), &versions).unwrap()
    };
    let periods = periods.iter().map(period).collect();
    Judge::new(periods, versions, 10_000)
}

fn key(user: usize) -> Vec<u8> {
    format!("user-{user}").into_bytes()
}

fn answer(judge: &Judge, user: usize, version: usize) -> Option<bool> {
    judge.hear(judge.ask(user), user, &key(user), version, NOW)
}

#[test]
fn a_user_who_changes_version_is_named_and_counted_once() {
    let judge = judge(&[&[("1", 50), ("2", 50)]], false);
    for version in [0, 0, 1, 1, 0] {
        assert_eq!(answer(&judge, 7, version), None);
    }
    assert_eq!(answer(&judge, 8, 1), None);
    let watch = judge.watch();
    assert_eq!((watch.changes.count, watch.users_changed), (2, 1));
    let first = Change { user: key(7), from: 0, to: 1, at: NOW };
    assert_eq!(watch.changes.examples[0], first);
    assert_eq!(watch.counted[0].keys[..2], [1, 1]);
}

#[test]
fn a_version_that_is_not_the_rules_is_a_disagreement() {
    let judge = judge(&[&[("1", 90), ("2", 10)]], true);
    let by_rule = |user: usize| judge.periods[0].by_rule(&key(user)).unwrap();
    let user = (0..100).find(|&user| by_rule(user) == 0).unwrap();
    assert_eq!(answer(&judge, user, 0), Some(true));
    assert_eq!(answer(&judge, user, 1), Some(false));
    let stranger = judge.versions.number(b"3").unwrap();
    assert_eq!(answer(&judge, user, stranger), Some(false));
    let watch = judge.watch();
    assert_eq!((watch.disagreements.count, watch.strangers), (2, 1));
    assert_eq!(watch.disagreements.examples[0].user, key(user));
}

#[test]
fn around_a_deployment_either_split_may_show_and_after_it_the_new_one_alone() {
    let judge = judge(&[&[("1", 90), ("2", 10)], &[("1", 50), ("2", 50)]], true);
    let by_rule = |period: usize, user: usize| judge.periods[period].by_rule(&key(user));
    let mover = (0..100).find(|&user| by_rule(0, user) != by_rule(1, user)).unwrap();
    assert_eq!(answer(&judge, mover, 0), Some(true));
    let early = judge.ask(mover);
    judge.deployment_begins();
    // Before, within and over it.
    for version in [0, 1] {
        assert_eq!(answer(&judge, mover, version), Some(true));
        assert_eq!(judge.hear(early, mover, &key(mover), version, NOW), Some(true));
    }
    let within = judge.ask(mover);
    judge.deployment_is_made();
    for asked in [early, within] {
        for version in [0, 1] {
            assert_eq!(judge.hear(asked, mover, &key(mover), version, NOW), Some(true));
        }
    }
    // What was asked since shows the new split.
    assert_eq!(answer(&judge, mover, 1), Some(true));
    assert_eq!(answer(&judge, mover, 0), Some(false));
    let watch = judge.watch();
    assert_eq!((watch.changes.count, watch.disagreements.count), (1, 1));
    let counted = &watch.counted[1];
    assert_eq!((counted.seen_before, counted.moved, counted.to_move), (1, 1, 1));
    assert_eq!(counted.flows, [((0, 1), 1)]);
}

#[test]
fn who_stays_at_a_deployment_is_counted_as_staying() {
    let judge = judge(&[&[("1", 90), ("2", 10)], &[("1", 50), ("2", 50)]], true);
    let all = 0..2_000_usize;
    for user in all.clone() {
        let version = judge.periods[0].by_rule(&key(user)).unwrap();
        assert_eq!(answer(&judge, user, version), Some(true));
    }
    judge.deployment_begins();
    judge.deployment_is_made();
    for user in all {
        let version = judge.periods[1].by_rule(&key(user)).unwrap();
        assert_eq!(answer(&judge, user, version), Some(true));
    }
    let watch = judge.watch();
    let counted = &watch.counted[1];
    assert_eq!((counted.seen_before, counted.moved), (2_000, counted.to_move));
    // 40 % of them: these keys are these.
    assert_eq!(counted.flows, [((0, 1), counted.moved)]);
    assert!((700..900).contains(&counted.moved), "{}", counted.moved);
}

/// Of 2,000 users of a fair split, those of the slow version are answered last.
#[test]
fn a_slow_version_is_not_taken_for_a_missing_one() {
    let judge = judge(&[&[("1", 50), ("2", 50)]], false);
    let asked: Vec<_> = (0..2_000).map(|user| judge.ask(user)).collect();
    for version in [0, 1] {
        for user in (version..2_000).step_by(2) {
            judge.hear(asked[user], user, &key(user), version, NOW);
        }
    }
    let watch = judge.watch();
    let ratio = watch.counted[0].ratio.as_ref().unwrap();
    assert_eq!(ratio.alarm(), None);
    assert_eq!(watch.counted[0].keys[..2], [1_000, 1_000]);
    assert!(watch.counted[0].is_settled());
}

#[test]
fn a_split_that_is_not_the_configured_one_raises_the_alarm() {
    let judge = judge(&[&[("1", 90), ("2", 10)]], false);
    for user in 0..2_000 {
        assert_eq!(answer(&judge, user, usize::from(user % 5 == 0)), None);
    }
    let watch = judge.watch();
    assert!(watch.counted[0].ratio.as_ref().unwrap().alarm().is_some());
}

#[test]
fn who_was_not_answered_stands_in_line_again() {
    let judge = judge(&[&[("1", 50), ("2", 50)]], false);
    let asked = judge.ask(3);
    assert!(asked.place.is_some());
    // Twice at once counts once.
    assert!(judge.ask(3).place.is_none());
    judge.hear_nothing(asked, 3);
    let again = judge.ask(3);
    assert!(again.place.is_some());
    judge.hear(again, 3, &key(3), 0, NOW);
    assert!(judge.ask(3).place.is_none());
    assert!(judge.watch().counted[0].is_settled());
}

#[test]
fn who_is_never_answered_in_a_period_is_counted_in_it() {
    let judge = judge(&[&[("1", 90), ("2", 10)], &[("1", 50), ("2", 50)]], false);
    let unanswered = || judge.watch().counted.iter().map(|it| it.unanswered).collect::<Vec<_>>();
    let fail = |user| judge.hear_nothing(judge.ask(user), user);
    for user in [1, 1, 2, 3] {
        fail(user);
    }
    assert_eq!(unanswered(), [3, 0]);
    answer(&judge, 1, 0);
    judge.hear_no_version(judge.ask(2), 2);
    assert_eq!(unanswered(), [1, 0]);
    // Who was answered once is not one of them, whatever comes.
    fail(1);
    assert_eq!(unanswered(), [1, 0]);
    judge.deployment_begins();
    fail(4);
    judge.deployment_is_made();
    fail(1);
    assert_eq!(unanswered(), [1, 1]);
}

#[test]
fn the_version_that_was_to_answer_is_that_of_the_rule_or_else_the_last_one() {
    let periods: &[&[_]] = &[&[("1", 90), ("2", 10)], &[("1", 50), ("2", 50)]];
    let ruled = judge(periods, true);
    let by_rule = |period: usize, user: usize| ruled.periods[period].by_rule(&key(user));
    let expected = |judge: &Judge, user| judge.expected(judge.ask(user), user, &key(user));
    for user in 0..50 {
        assert_eq!(expected(&ruled, user), by_rule(0, user));
    }
    // Around a deployment the rule may say one thing and another.
    let mover = (0..100).find(|&user| by_rule(0, user) != by_rule(1, user)).unwrap();
    let stays = (0..100).find(|&user| by_rule(0, user) == by_rule(1, user)).unwrap();
    ruled.deployment_begins();
    assert_eq!(expected(&ruled, mover), None);
    assert_eq!(expected(&ruled, stays), by_rule(0, stays));
    let unruled = judge(periods, false);
    assert_eq!(expected(&unruled, 7), None);
    answer(&unruled, 7, 1);
    assert_eq!(expected(&unruled, 7), Some(1));
    // Where there is one version, it is that.
    assert_eq!(expected(&judge(&[&[("1", 100)]], false), 7), Some(0));
}
