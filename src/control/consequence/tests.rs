use proptest::prelude::*;

use super::*;
use crate::model::{Kind, Movement, Percent, Position, Release, Shares, Split};

fn version(text: &str) -> CodeVersion {
    CodeVersion::new(text).unwrap()
}

fn split(shares: &[(&str, u64)]) -> Split {
    split_of("", shares)
}

fn split_of(cohort: &str, shares: &[(&str, u64)]) -> Split {
    let release = Release { kind: Kind::Routine, name: "checkout", cohort };
    let share = |&(text, percent): &(&str, u64)| (version(text), Percent::new(percent).unwrap());
    Split::new(&release, &Shares::new(shares.iter().map(share).collect()).unwrap())
}

fn canary(percent: u64) -> Split {
    if percent == 0 { split(&[("1", 100)]) } else { split_at(percent) }
}

fn split_at(percent: u64) -> Split {
    match percent {
        100 => split(&[("2", 100)]),
        percent => split(&[("1", 100 - percent), ("2", percent)]),
    }
}

fn key(user: u64) -> String {
    format!("user-{user}")
}

/// What becomes of so many users by their keys, each with these requests.
fn weighed(
    before: Option<&Split>,
    after: &Split,
    users: u64,
    requests: impl Fn(u64) -> u64,
) -> Consequence {
    let mut weighing = Weighing::new(before, after);
    for user in 0..users {
        weighing.add(User::Key(key(user).as_bytes()), requests(user), 1);
    }
    weighing.end()
}

fn names(consequence: &Consequence) -> Vec<&'static str> {
    consequence.dangers.iter().map(Danger::name).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// As the split itself says of every single key.
    #[test]
    fn users_are_counted_where_the_split_sends_them(
        before in 0..=100_u64, after in 0..=100_u64, cohort in "[a-b]?", users in 1..300_u64,
    ) {
        let was = canary(before);
        let is = match after {
            0 => split(&[("1", 100)]),
            100 => split(&[("2", 100)]),
            _ => split_of(&cohort, &[("1", 100 - after), ("2", after)]),
        };
        let requests = |user| user % 7;
        let consequence = weighed(Some(&was), &is, users, requests);
        prop_assert!(consequence.exact);
        for load in &consequence.versions {
            for (split, found) in [(&was, load.before), (&is, load.after)] {
                let own = (0..users).filter(|&user| *split.version(key(user).as_bytes()) == load.version);
                let expected = own.fold(Amount::default(), |sum, user| {
                    sum.plus(Amount { users: 1, requests: requests(user) })
                });
                prop_assert_eq!(found.amount, expected);
            }
        }
        for of in &consequence.moves {
            let moved = (0..users).filter(|&user| {
                let key = key(user);
                *was.version(key.as_bytes()) == of.from && *is.version(key.as_bytes()) == of.to
            });
            prop_assert_eq!(moved.count() as u64, of.amount.users);
        }
    }

    /// Along a plan nobody moves who need not: with users as even as positions can be.
    #[test]
    fn under_one_seed_no_more_move_than_need_to(before in 0..=100_u64, after in 0..=100_u64) {
        let (was, is) = (canary(before), canary(after));
        let seed = match (&was, &is) {
            (Split::Canary { seed, .. }, _) | (_, Split::Canary { seed, .. }) => *seed,
            _ => 0,
        };
        let mut weighing = Weighing::new(Some(&was), &is);
        for hundredth in 0..100_u64 {
            let position = Position::from_digest((u64::MAX / 100) * hundredth + 1_000);
            weighing.add(User::At { seed, position }, 1, 10);
        }
        let consequence = weighing.end();
        prop_assert!(consequence.exact);
        prop_assert_eq!(u64::from(consequence.least_percent), before.abs_diff(after));
        prop_assert_eq!(consequence.moved().users, 10 * before.abs_diff(after));
        prop_assert_eq!(consequence.moved().users, consequence.least_users());
        prop_assert!(!names(&consequence).contains(&"needless_moves"));
    }

    /// Where positions are not known, what is told is what the model expects, and nobody is
    /// lost or made.
    #[test]
    fn what_is_not_known_is_expected(
        before in 1..=99_u64, after in 1..=99_u64, users in 1..5_000_u64, other_seed: bool,
    ) {
        let was = split(&[("1", 100 - before), ("2", before)]);
        let is = split(&[("1", 100 - after), (if other_seed { "3" } else { "2" }, after)]);
        let mut weighing = Weighing::new(Some(&was), &is);
        let position = Position::from_digest(7);
        // Of a seed that is neither's.
        weighing.add(User::At { seed: 1, position }, 3, users);
        let consequence = weighing.end();
        prop_assert!(!consequence.exact);
        let all = Amount { users, requests: 3 * users };
        prop_assert_eq!(consequence.total, all);
        let sums = consequence.versions.iter().fold([Amount::default(); 2], |sums, load| {
            [sums[0].plus(load.before.amount), sums[1].plus(load.after.amount)]
        });
        prop_assert_eq!(sums, [all, all]);
        for flow in Movement::between(&was, &is).flows {
            let found = consequence.moves.iter().find(|it| it.from == flow.from && it.to == flow.to);
            let expected = u128::from(users) * u128::from(flow.basis_points) / 10_000;
            let found = found.map_or(0, |it| it.amount.users);
            prop_assert!(u128::from(found).abs_diff(expected) <= 2, "{found} {expected}");
        }
    }
}

#[test]
fn those_whom_a_canary_has_are_known_and_whither_they_go_is_expected() {
    let (was, is) = (split(&[("1", 90), ("2", 10)]), split(&[("1", 80), ("3", 20)]));
    let Split::Canary { seed, .. } = was else { panic!("two versions") };
    let mut weighing = Weighing::new(Some(&was), &is);
    let low = Position::from_digest(1);
    weighing.add(User::At { seed, position: low }, 1_000, 500);
    let consequence = weighing.end();
    assert!(!consequence.exact);
    let moves: Vec<_> =
        consequence.moves.iter().map(|it| (it.to.as_str(), it.amount.users)).collect();
    assert_eq!(moves, [("1", 400), ("3", 100)]);
    let [heavy] = consequence.heaviest.as_slice() else { panic!("one user") };
    assert_eq!((heavy.before.as_ref(), heavy.after.as_ref()), (Some(&version("2")), None));
}

#[test]
fn nobody_moves_where_nothing_was_deployed() {
    let consequence = weighed(None, &split(&[("1", 90), ("2", 10)]), 2_000, |_| 1);
    assert_eq!((consequence.moved(), consequence.least_percent), (Amount::default(), 0));
    assert!(consequence.exact && consequence.dangers.is_empty(), "{:?}", consequence.dangers);
    let users: u64 = consequence.versions.iter().map(|load| load.after.amount.users).sum();
    assert_eq!(users, 2_000);
    assert!(names(&weighed(None, &split(&[("1", 100)]), 2_000, |_| 1)).is_empty());
}

#[test]
fn requests_without_a_key_are_spread_and_move_nobody() {
    let (was, is) = (canary(1), canary(10));
    let mut weighing = Weighing::new(Some(&was), &is);
    weighing.add_keyless(1_000);
    let consequence = weighing.end();
    let keyless: Vec<_> =
        consequence.versions.iter().map(|load| (load.before.keyless, load.after.keyless)).collect();
    assert_eq!(keyless, [(990, 900), (10, 100)]);
    assert_eq!(consequence.moved(), Amount::default());
    let told = consequence.dangers.last().unwrap().to_string();
    assert!(told.starts_with("100 % of requests have no key"), "{told}");
}

#[test]
fn the_heaviest_are_named_whatever_their_order() {
    let (was, is) = (canary(10), canary(50));
    let of = |users: &mut dyn Iterator<Item = u64>| {
        let mut weighing = Weighing::new(Some(&was), &is);
        for user in users {
            weighing.add(User::Key(key(user).as_bytes()), user / 2, 1);
        }
        weighing.end()
    };
    let consequence = of(&mut (0..500));
    assert_eq!(consequence, of(&mut (0..500).rev()));
    let named: Vec<_> = consequence.heaviest.iter().map(|it| it.who.to_string()).collect();
    assert_eq!(named, ["user-498", "user-499", "user-496", "user-497", "user-494"]);
    for heavy in &consequence.heaviest {
        let Who::Key(key) = &heavy.who else { panic!("it was given by its key") };
        assert_eq!(heavy.before.as_ref(), Some(was.version(key)));
        assert_eq!(heavy.after.as_ref(), Some(is.version(key)));
    }
}

#[test]
fn a_deployment_of_many_users_who_are_alike_is_no_danger() {
    for (before, after) in [(0, 1), (1, 5), (5, 10), (10, 25), (25, 50), (50, 100), (100, 50)] {
        let consequence = weighed(Some(&canary(before)), &canary(after), 20_000, |_| 3);
        assert_eq!(consequence.dangers, [], "{before} to {after}");
    }
}

#[test]
fn a_heavy_key_is_named_with_where_it_goes() {
    // 52 requests of a hundred.
    let heavy = |user| if user == 17 { 52 * 2_000 } else { 48 };
    for (before, after) in [(1, 50), (1, 99)] {
        let (was, is) = (canary(before), canary(after));
        let consequence = weighed(Some(&was), &is, 2_001, heavy);
        let [from, to] = [&was, &is].map(|split| split.version(b"user-17").as_str());
        let told = consequence.dangers[0].to_string();
        let whither = if from == to {
            format!("which {to} gets")
        } else {
            format!("which moves from {from} to {to}")
        };
        assert_eq!(told, format!("52 % of requests come from one key, user-17, {whither}"));
    }
    let just_below = |user| if user == 17 { 499 } else { 1 };
    assert!(names(&weighed(Some(&canary(1)), &canary(50), 2_001, just_below)).is_empty());
}

#[test]
fn a_version_with_more_than_its_part_of_the_requests_is_named() {
    let (was, is) = (canary(0), canary(10));
    let newer = version("2");
    let on_newer = |user| *is.version(key(user).as_bytes()) == newer;
    let consequence = weighed(Some(&was), &is, 10_000, |user| if on_newer(user) { 4 } else { 1 });
    let told = consequence.dangers.iter().map(ToString::to_string).collect::<Vec<_>>();
    let [told] = told.as_slice() else { panic!("one danger: {told:?}") };
    // 4/13 of the requests for a tenth of the users, give or take a deviation of 0.3 %.
    assert!(told.starts_with("2 gets 3") && told.ends_with("because of heavy keys"), "{told}");
    assert!(told.contains(" % of users, "), "{told}");
    let twice = weighed(Some(&was), &canary(60), 10_000, |user| if on_newer(user) { 4 } else { 1 });
    assert!(names(&twice).is_empty());
}

#[test]
fn what_nobody_has_is_not_given_to_everybody_without_a_word() {
    let at_once = weighed(Some(&canary(0)), &canary(100), 1_000, |_| 1);
    assert_eq!(at_once.dangers[0].to_string(), "2, which nobody has now, gets everybody at once");
    for before in [1, 50, 99, 100] {
        assert!(names(&weighed(Some(&canary(before)), &canary(100), 1_000, |_| 1)).is_empty());
    }
}

#[test]
fn users_who_are_placed_anew_are_told() {
    let (was, is) = (split(&[("1", 90), ("2", 10)]), split(&[("1", 90), ("3", 10)]));
    let consequence = weighed(Some(&was), &is, 20_000, |_| 1);
    assert!(consequence.exact, "keys are known under every seed");
    let told = consequence.dangers[0].to_string();
    assert!(told.starts_with("19 % of users move where 10 % would do: "), "{told}");
    assert!(consequence.moved().users.abs_diff(3_800) < 300, "{:?}", consequence.moved());
}

#[test]
fn a_step_that_shows_nothing_is_told() {
    let consequence = weighed(Some(&canary(0)), &canary(1), 9_949, |_| 1);
    let told = consequence.dangers[0].to_string();
    assert!(told.starts_with("2 gets about 99 users: below 100, "), "{told}");
    assert!(names(&weighed(Some(&canary(0)), &canary(1), 9_950, |_| 1)).is_empty());
}

#[test]
fn no_number_is_too_great() {
    let (was, is) = (canary(10), canary(20));
    let mut weighing = Weighing::new(Some(&was), &is);
    for user in 0..9_u64 {
        weighing.add(User::Key(&user.to_le_bytes()), u64::MAX, u64::MAX);
        weighing.add(
            User::At { seed: 0, position: Position::from_digest(user) },
            u64::MAX,
            u64::MAX,
        );
    }
    weighing.add_keyless(u64::MAX);
    weighing.add_keyless(u64::MAX);
    let consequence = weighing.end();
    assert_eq!(consequence.total, Amount { users: u64::MAX, requests: u64::MAX });
    assert_eq!(consequence.requests(), u64::MAX);
    assert!(consequence.dangers.iter().all(|danger| !danger.to_string().is_empty()));
}

#[test]
fn a_key_is_shown_on_one_line_and_not_without_end() {
    let who = |key: &[u8]| Who::Key(key.into()).to_string();
    assert_eq!(who(b"a\r\n\x1b[2J"), "a\u{fffd}\u{fffd}\u{fffd}[2J");
    assert_eq!(who(&[b'x'; 65]), format!("{}…", "x".repeat(64)));
    assert_eq!(who(&[b'x'; 64]), "x".repeat(64));
    assert_eq!(Who::At(Position::from_digest(255)).to_string(), "at position 00000000000000ff");
}

#[test]
fn the_last_canary_is_that_of_another_release() {
    let last = |planned: &[(&str, u64)], before: &[&[(&str, u64)]]| {
        let last = last_canary(&split(planned), before.iter().map(|shares| split(shares)));
        last.map(|(version, percent)| (version.to_string(), percent.get()))
    };
    let of = |version: &str, percent| Some((version.to_owned(), percent));
    let whole: &[_] = &[("2", 100)];
    let (ten, half): (&[_], &[_]) = (&[("1", 90), ("2", 10)], &[("2", 50), ("1", 50)]);
    let next: &[_] = &[("2", 90), ("3", 10)];
    assert_eq!(last(next, &[whole, half, ten]), of("2", 50));
    assert_eq!(last(next, &[next, whole, half, ten]), of("2", 50));
    // What is live is the last one where another version is to come.
    assert_eq!(last(&[("1", 90), ("3", 10)], &[ten]), of("2", 10));
    // Its own earlier steps are no other release.
    assert_eq!(last(half, &[ten]), None);
    assert_eq!(last(whole, &[half, ten]), None);
}

#[test]
fn canaries_of_two_releases_meet_as_many_users_twice_as_chance_has_it() {
    let planned = split(&[("2", 60), ("3", 40)]);
    let last = (version("2"), Percent::new(30).unwrap());
    let release = Release { kind: Kind::Routine, name: "checkout", cohort: "" };
    let seed = release.seed(&last.0);
    let mut overlap = Overlap::new(&planned, last, seed).unwrap();
    let was = split(&[("1", 70), ("2", 30)]);
    let mut both = 0;
    for user in 0..2_000 {
        let key = key(user);
        let got = planned.version(key.as_bytes());
        overlap.count(key.as_bytes(), got, 1);
        both += u64::from(got.as_str() == "3" && was.version(key.as_bytes()).as_str() == "2");
    }
    assert_eq!((overlap.both, overlap.users), (both, 2_000));
    assert_eq!(overlap.danger(), None);
    let again = (version("3"), Percent::new(10).unwrap());
    let overlap = Overlap::new(&planned, again, release.seed(&version("3"))).unwrap();
    assert!(overlap.danger().unwrap().contains("met at 10 % again"));
}
