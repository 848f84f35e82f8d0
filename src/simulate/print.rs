//! An outcome for people.

use std::io::{self, Write};
use std::time::Duration;

use super::outcome::{Canary, Latencies, Outcome, RuleOutcome, Window};
use crate::report::percent;
use crate::stats::ratio;

/// More rows of a timeline than that are for programs.
const TIMELINE_ROWS_MAX: usize = 500;

/// Which of users' first requests are told.
const TOLD_REQUESTS: [usize; 7] = [1, 2, 3, 5, 10, 22, 32];

/// Prints `outcome` as tables.
pub(super) fn print(outcome: &Outcome, out: &mut impl Write) -> io::Result<()> {
    let Outcome { title, seed, users, requests, length, .. } = outcome;
    writeln!(out, "{title}\n{users} users, {requests} requests in {}, seed {seed}", span(*length))?;
    deployments(outcome).print("Deployments", out)?;
    rules(outcome).print("Rules, over all users and requests", out)?;
    canaries(outcome)
        .print("Is it the split that was asked for? By users, at their first request", out)?;
    first_requests(outcome)
        .print("After so many requests of a user: to the canary, on several versions", out)?;
    if outcome.timeline.len() <= TIMELINE_ROWS_MAX {
        windows(outcome, &outcome.timeline).print("Timeline of serin", out)?;
    } else {
        writeln!(out, "\nThe timeline has {} rows: --json has them", outcome.timeline.len())?;
    }
    windows(outcome, &outcome.totals).print("Totals of serin", out)?;
    checks(outcome).print("Checks", out)?;
    out.flush()
}

/// Rows under a head; the first column is text, the others stand to the right.
struct Rows {
    rows: Vec<Vec<String>>,
}

impl Rows {
    fn new(head: &[&str]) -> Self {
        Self { rows: vec![head.iter().map(|&name| name.to_owned()).collect()] }
    }

    fn push(&mut self, row: Vec<String>) {
        self.rows.push(row);
    }

    /// Nothing, if there is nothing under the head.
    fn print(&self, title: &str, out: &mut impl Write) -> io::Result<()> {
        if self.rows.len() < 2 {
            return Ok(());
        }
        writeln!(out, "\n{title}")?;
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let width = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<_> = (0..columns).map(width).collect();
        for row in &self.rows {
            let mut line = String::from(" ");
            for (column, cell) in row.iter().enumerate() {
                let blanks = " ".repeat(widths[column] - cell.chars().count());
                line.push(' ');
                if column == 0 {
                    line.push_str(cell);
                    line.push_str(&blanks);
                } else {
                    line.push(' ');
                    line.push_str(&blanks);
                    line.push_str(cell);
                }
            }
            writeln!(out, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

fn deployments(outcome: &Outcome) -> Rows {
    let mut rows =
        Rows::new(&["shares", "at", "users moved", "until all nodes know", "stale requests"]);
    let moved = outcome.rules.first().map(|own| own.moved.as_slice()).unwrap_or_default();
    for (release, moved) in outcome.releases.iter().zip(moved) {
        let shares =
            release.shares.iter().map(|(version, percent)| format!("{version}@{}", percent.get()));
        rows.push(vec![
            shares.collect::<Vec<_>>().join(" "),
            span(release.at),
            moved.map_or_else(String::new, |moved| percent(moved.share())),
            span(release.spread),
            release.stale.to_string(),
        ]);
    }
    rows
}

fn rules(outcome: &Outcome) -> Rows {
    let versions: Vec<String> = outcome.versions.iter().map(|it| format!("to {it}")).collect();
    let mut head = vec!["rule"];
    head.extend(versions.iter().map(String::as_str));
    head.extend([
        "failed",
        "on several versions",
        "flapped",
        "met an error",
        "moved at each deployment",
    ]);
    let mut rows = Rows::new(&head);
    for rule in &outcome.rules {
        let RuleOutcome {
            requests,
            failed,
            users,
            users_on_several,
            users_flapped,
            users_failed,
            ..
        } = rule;
        let all: u64 = requests.iter().sum();
        let mut row = vec![rule.rule.as_str().to_owned()];
        row.extend(requests.iter().map(|requests| percent(ratio(*requests, all))));
        row.push(percent(ratio(failed.iter().sum(), all)));
        for of_users in [users_on_several, users_flapped, users_failed] {
            row.push(percent(ratio(*of_users, *users)));
        }
        let moves = rule.moved.iter().skip(1).map(|moved| match moved {
            Some(moved) => percent(moved.share()),
            None => "not kept".to_owned(),
        });
        row.push(moves.collect::<Vec<_>>().join(", "));
        rows.push(row);
    }
    rows
}

fn canaries(outcome: &Outcome) -> Rows {
    let mut rows =
        Rows::new(&["rule", "deployment", "users", "share", "expected", "odds against", "verdict"]);
    for rule in &outcome.rules {
        let canaries = (1..).zip(&rule.canaries);
        for (number, canary) in canaries.filter_map(|(n, it)| Some((n, it.as_ref()?))) {
            let Canary { keys, newer, expected, evidence_ln, alarm, .. } = canary;
            let [least, most] =
                [expected.start(), expected.end()].map(|it| percent(ratio(*it, *keys)));
            let verdict = match alarm {
                None => "as asked for".to_owned(),
                Some(user) => format!("ALARM at user {user}"),
            };
            rows.push(vec![
                rule.rule.as_str().to_owned(),
                i32::to_string(&number),
                keys.to_string(),
                percent(ratio(*newer, *keys)),
                format!("{least} to {most}"),
                odds(*evidence_ln),
                verdict,
            ]);
        }
    }
    rows
}

fn first_requests(outcome: &Outcome) -> Rows {
    let told: Vec<usize> = TOLD_REQUESTS
        .into_iter()
        .filter(|nth| outcome.rules.iter().any(|rule| rule.first_requests.len() >= *nth))
        .collect();
    let is_canary = outcome.releases.iter().any(|release| release.shares.len() > 1);
    let heads: Vec<String> = told.iter().map(usize::to_string).collect();
    let mut head = vec!["rule"];
    head.extend(heads.iter().map(String::as_str));
    let mut rows = Rows::new(&head);
    for rule in outcome.rules.iter().filter(|_| is_canary) {
        let mut row = vec![rule.rule.as_str().to_owned()];
        row.extend(told.iter().map(|nth| {
            let nth = rule.first_requests.get(nth - 1).copied().unwrap_or_default();
            let [newer, on_several] =
                [nth.newer, nth.on_several].map(|it| percent(ratio(it, nth.requests)));
            format!("{newer} {on_several}")
        }));
        rows.push(row);
    }
    rows
}

fn windows(outcome: &Outcome, windows: &[Window]) -> Rows {
    let mut rows = Rows::new(&[
        "version", "from", "region", "requests", "share", "failed", "p50", "p99", "max",
    ]);
    for window in windows {
        let latency = |of: fn(&Latencies) -> Duration| {
            window.latency.as_ref().map_or_else(String::new, |it| milliseconds(of(it)))
        };
        rows.push(vec![
            outcome.versions[window.version].to_string(),
            span(window.start),
            outcome.regions[window.region].clone(),
            window.requests.to_string(),
            percent(window.share),
            percent(ratio(window.failed, window.requests)),
            latency(|it| it.p50),
            latency(|it| it.p99),
            latency(|it| it.max),
        ]);
    }
    rows
}

fn checks(outcome: &Outcome) -> Rows {
    let mut rows = Rows::new(&["claim", "found", ""]);
    for checked in &outcome.checks {
        rows.push(vec![
            checked.claim.clone(),
            checked.found.map_or_else(|| "nothing".to_owned(), |found| format!("{found:.4}")),
            if checked.holds { "holds" } else { "FAILS" }.to_owned(),
        ]);
    }
    rows
}

fn milliseconds(duration: Duration) -> String {
    format!("{:.1} ms", duration.as_secs_f64() * 1_000.0)
}

/// Odds to one, of their natural logarithm.
fn odds(ln: f64) -> String {
    let log10 = ln / std::f64::consts::LN_10;
    match log10 {
        -3.0..6.0 => format!("{:.3}", libm::exp(ln)),
        _ => format!("10^{log10:.0}"),
    }
}

/// `1h30m`, `20s`, `1m0.250s`.
fn span(duration: Duration) -> String {
    let (seconds, millis) = (duration.as_secs(), duration.subsec_millis());
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let whole = |number: u64, unit| match number {
        0 => String::new(),
        _ => format!("{number}{unit}"),
    };
    let rest = match (seconds, millis) {
        (0, 0) if hours + minutes > 0 => String::new(),
        (_, 0) => format!("{seconds}s"),
        _ => format!("{seconds}.{millis:03}s"),
    };
    whole(hours, "h") + &whole(minutes, "m") + &rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_read_as_they_are_written() {
        for (ms, text) in
            [(0, "0s"), (250, "0.250s"), (60_000, "1m"), (5_400_000, "1h30m"), (86_400_000, "24h")]
        {
            assert_eq!(span(Duration::from_millis(ms)), text);
        }
    }

    #[test]
    fn odds_are_numbers_where_one_can_read_them() {
        assert_eq!(odds(0.0), "1.000");
        assert_eq!(odds(1_000.0_f64.ln()), "1000.000");
        assert_eq!(odds(100.0), "10^43");
        assert_eq!(odds(-100.0), "10^-43");
    }

    #[test]
    fn columns_stand_under_their_heads() {
        let mut rows = Rows::new(&["rule", "share"]);
        rows.push(vec!["serin".to_owned(), "10.00 %".to_owned()]);
        let mut out = Vec::new();
        rows.print("Rules", &mut out).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "\nRules\n  rule     share\n  serin  10.00 %\n"
        );
        let mut nothing = Vec::new();
        Rows::new(&["rule"]).print("Rules", &mut nothing).unwrap();
        assert!(nothing.is_empty());
    }
}
