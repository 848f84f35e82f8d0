//! Tables of an outcome, for a terminal and for a page.

use std::time::Duration;

use super::outcome::{Canary, Latencies, Outcome, RuleOutcome, Window};
use super::words::{milliseconds, odds, span};
use crate::report::{Column, Table, count, one_line, percent};
use crate::stats::ratio;
use Column::{Left, Right};

/// Which of users' first requests are told.
const TOLD_REQUESTS: [usize; 7] = [1, 2, 3, 5, 10, 22, 32];

/// Those that have anything to say, with their titles.
pub(super) fn tables(outcome: &Outcome) -> Vec<(&'static str, Table)> {
    let is_canary = outcome.releases.iter().any(|release| release.shares.len() > 1);
    let tables = [
        ("Checks", checks(outcome), !outcome.checks.is_empty()),
        ("Deployments", deployments(outcome), true),
        ("Actions", actions(outcome), !outcome.actions.is_empty()),
        ("Requests by rule", requests(outcome), true),
        ("Users by rule", users(outcome), true),
        (
            "Is it the split that was asked for? By users, at their first request",
            canaries(outcome),
            is_canary,
        ),
        ("Users after so many requests", first_requests(outcome), is_canary),
        ("Totals of serin", windows(outcome, &outcome.totals), !outcome.totals.is_empty()),
    ];
    let told = tables.into_iter().filter(|(_, _, is_told)| *is_told);
    told.map(|(title, table, _)| (title, table)).collect()
}

/// What a deployment is called in a plot.
pub(super) fn deployment_mark(number: usize) -> String {
    format!("D{number}")
}

pub(super) fn action_mark(number: usize) -> String {
    format!("A{number}")
}

fn deployments(outcome: &Outcome) -> Table {
    let mut table = Table::new(&[
        Left("deployment"),
        Left("shares"),
        Right("at"),
        Right("users moved"),
        Right("until all nodes know"),
        Right("stale requests"),
    ]);
    let moved = outcome.rules.first().map(|own| own.moved.as_slice()).unwrap_or_default();
    for (number, (release, moved)) in (1..).zip(outcome.releases.iter().zip(moved)) {
        let shares =
            release.shares.iter().map(|(version, percent)| format!("{version}@{}", percent.get()));
        let mut shares = shares.collect::<Vec<_>>().join(" ");
        if let Some(earlier) = release.rollback_to {
            shares = format!("{shares}, rollback to {}", deployment_mark(earlier));
        }
        table.row([
            deployment_mark(number),
            shares,
            span(release.at),
            moved.map_or_else(String::new, |moved| percent(moved.share())),
            if release.at + release.spread < outcome.length {
                span(release.spread)
            } else {
                "not by the end".to_owned()
            },
            count(release.stale),
        ]);
    }
    table
}

fn actions(outcome: &Outcome) -> Table {
    let mut table = Table::new(&[Left("action"), Left("what"), Right("from"), Right("until")]);
    for (number, action) in (1..).zip(&outcome.actions) {
        table.row([action_mark(number), action.what.clone(), span(action.at), span(action.until)]);
    }
    table
}

fn requests(outcome: &Outcome) -> Table {
    let mut table = Table::new(&[
        Left("rule"),
        Left("version"),
        Right("requests"),
        Right("share"),
        Right("failed"),
    ]);
    for rule in &outcome.rules {
        let all: u64 = rule.requests.iter().sum();
        let by_version = rule.requests.iter().zip(&rule.failed);
        for (version, (requests, failed)) in outcome.versions.iter().zip(by_version) {
            table.row([
                rule.rule.as_str().to_owned(),
                version.to_string(),
                count(*requests),
                percent(ratio(*requests, all)),
                percent(ratio(*failed, *requests)),
            ]);
        }
    }
    table
}

fn users(outcome: &Outcome) -> Table {
    let mut table = Table::new(&[
        Left("rule"),
        Right("users"),
        Right("on several versions"),
        Right("flapped"),
        Right("met an error"),
        Left("moved at each deployment"),
    ]);
    for rule in &outcome.rules {
        let RuleOutcome { users, users_on_several, users_flapped, users_failed, .. } = rule;
        let moves = rule.moved.iter().skip(1).map(|moved| match moved {
            Some(moved) => percent(moved.share()),
            None => "not kept".to_owned(),
        });
        let [on_several, flapped, failed] = [users_on_several, users_flapped, users_failed]
            .map(|of_users| percent(ratio(*of_users, *users)));
        table.row([
            rule.rule.as_str().to_owned(),
            count(*users),
            on_several,
            flapped,
            failed,
            moves.collect::<Vec<_>>().join(", "),
        ]);
    }
    table
}

fn canaries(outcome: &Outcome) -> Table {
    let mut table = Table::new(&[
        Left("rule"),
        Left("deployment"),
        Right("users"),
        Right("share"),
        Left("expected"),
        Right("odds against"),
        Left("verdict"),
    ]);
    for rule in &outcome.rules {
        let canaries = (1..).zip(&rule.canaries);
        for (number, canary) in canaries.filter_map(|(n, it)| Some((n, it.as_ref()?))) {
            let Canary { keys, newer, expected, evidence_ln, alarm, .. } = canary;
            let [least, most] =
                [expected.start(), expected.end()].map(|it| percent(ratio(*it, *keys)));
            let verdict = match alarm {
                _ if *keys == 0 => "nobody asked".to_owned(),
                None => "as asked for".to_owned(),
                Some(user) => format!("ALARM at user {user}"),
            };
            table.row([
                rule.rule.as_str().to_owned(),
                deployment_mark(number),
                count(*keys),
                percent(ratio(*newer, *keys)),
                format!("{least} to {most}"),
                odds(*evidence_ln),
                verdict,
            ]);
        }
    }
    table
}

fn first_requests(outcome: &Outcome) -> Table {
    let mut table = Table::new(&[
        Left("rule"),
        Right("request"),
        Right("users"),
        Right("to the canary"),
        Right("on several versions by then"),
    ]);
    for rule in &outcome.rules {
        for number in TOLD_REQUESTS {
            let Some(nth) = rule.first_requests.get(number - 1) else { break };
            table.row([
                rule.rule.as_str().to_owned(),
                number.to_string(),
                count(nth.requests),
                percent(ratio(nth.newer, nth.requests)),
                percent(ratio(nth.on_several, nth.requests)),
            ]);
        }
    }
    table
}

/// By time, version and region.
pub(super) fn windows(outcome: &Outcome, windows: &[Window]) -> Table {
    let mut table = Table::new(&[
        Right("from"),
        Left("version"),
        Left("region"),
        Right("requests"),
        Right("share"),
        Right("failed"),
        Right("p50"),
        Right("p99"),
        Right("max"),
    ]);
    for window in windows {
        let latency = |of: fn(&Latencies) -> Duration| {
            window.latency.as_ref().map_or_else(String::new, |it| milliseconds(of(it)))
        };
        table.row([
            span(window.start),
            outcome.versions[window.version].to_string(),
            one_line(&outcome.regions[window.region]),
            count(window.requests),
            percent(window.share),
            percent(ratio(window.failed, window.requests)),
            latency(|it| it.p50),
            latency(|it| it.p99),
            latency(|it| it.max),
        ]);
    }
    table
}

fn checks(outcome: &Outcome) -> Table {
    let mut table = Table::new(&[Left("claim"), Left("found"), Left("verdict")]);
    for checked in &outcome.checks {
        table.row([
            checked.claim.clone(),
            checked.found_in_words(),
            if checked.holds { "holds" } else { "FAILS" }.to_owned(),
        ]);
    }
    table
}
