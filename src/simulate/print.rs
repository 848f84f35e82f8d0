//! An outcome for people.

use std::io::{self, Write};

use super::outcome::Outcome;
use super::tables::{tables, windows};
use super::words::span;
use crate::report::{Table, count, one_line};

/// More rows of a timeline than that are for programs.
const TIMELINE_ROWS_MAX: usize = 500;

/// Prints `outcome` as tables.
pub(super) fn print(outcome: &Outcome, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "{}\n{}", one_line(&outcome.title), summary(outcome))?;
    for (title, table) in tables(outcome) {
        print_table(title, &table, out)?;
    }
    if outcome.timeline.len() <= TIMELINE_ROWS_MAX {
        print_table("Timeline of serin", &windows(outcome, &outcome.timeline), out)?;
    } else {
        writeln!(out, "\nThe timeline has {} rows: --json has them", outcome.timeline.len())?;
    }
    writeln!(out, "\n{}", if outcome.holds() { "good" } else { "FAILED" })?;
    out.flush()
}

/// What was played, in one line.
pub(super) fn summary(outcome: &Outcome) -> String {
    format!(
        "{} users, {} requests and {} decisions in {}, seed {}",
        count(outcome.users),
        count(outcome.requests),
        count(outcome.decisions),
        span(outcome.length),
        outcome.seed
    )
}

fn print_table(title: &str, table: &Table, out: &mut impl Write) -> io::Result<()> {
    write!(out, "\n{title}\n{table}")
}
