//! A rehearsal for people.

use std::io::{self, Write};

use super::foresee::Rehearsal;
use super::tables::{
    findings, head, heaviest_table, loads_table, moves_table, notes, overlaps_table, shares_text,
};

/// Prints `rehearsal` as tables.
pub(super) fn print(rehearsal: &Rehearsal, out: &mut impl Write) -> io::Result<()> {
    for line in head(rehearsal) {
        writeln!(out, "{line}")?;
    }
    writeln!(out)?;
    for (number, step) in (1..).zip(&rehearsal.steps) {
        writeln!(out, "step {}: {}", i32::to_string(&number), shares_text(&step.shares))?;
    }
    write!(out, "\n{}", moves_table(rehearsal))?;
    write!(out, "\n{}", loads_table(rehearsal))?;
    write!(out, "\n{}", heaviest_table(rehearsal))?;
    if rehearsal.steps.iter().any(|step| step.overlap.is_some()) {
        write!(out, "\n{}", overlaps_table(rehearsal))?;
    }
    writeln!(out)?;
    for note in notes(rehearsal) {
        writeln!(out, "{note}")?;
    }
    writeln!(out)?;
    if rehearsal.is_good() {
        writeln!(out, "good")?;
    }
    for finding in findings(rehearsal) {
        writeln!(out, "DANGER: {finding}")?;
    }
    out.flush()
}
