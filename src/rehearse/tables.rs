//! What is told of a plan, in tables and sentences, wherever it is printed.

use super::foresee::{Rehearsal, Step};
use crate::control::{Amount, Heavy};
use crate::model::{CodeVersion, Shares};
use crate::report::{Column, Table, count, percent};
use crate::stats::ratio;

/// `1@90 2@10`, as `serin deploy` takes it.
pub(super) fn shares_text(shares: &Shares) -> String {
    let shares = shares.iter().map(|(version, percent)| format!("{version}@{}", percent.get()));
    shares.collect::<Vec<_>>().join(" ")
}

/// What is live, who the users are, and what was broken.
pub(super) fn head(rehearsal: &Rehearsal) -> Vec<String> {
    let Rehearsal { current, gathered, .. } = rehearsal;
    let live = current.live.as_ref().map_or_else(|| "nothing".to_owned(), shares_text);
    let mut head = vec![format!("{} in {}: {live}", current.routine, current.environment)];
    if let Some(step) = rehearsal.steps.first() {
        let Amount { users, requests } = step.consequence.total;
        let keyless = match step.consequence.keyless {
            0 => String::new(),
            keyless => format!(", and {} without a key", count(keyless)),
        };
        head.push(format!(
            "{}: {} users, {} requests{keyless}",
            gathered.from,
            count(users),
            count(requests)
        ));
    }
    if rehearsal.is_sample {
        let kept = count(rehearsal.kept);
        head.push(format!("a sample of {kept} users stands for all of them"));
    }
    if gathered.broken > 0 {
        let numbers: Vec<_> = gathered.broken_lines.iter().map(u64::to_string).collect();
        let more = if gathered.broken > numbers.len() as u64 { ", …" } else { "" };
        head.push(format!(
            "{} of {} lines are broken: {}{more}",
            count(gathered.broken),
            count(gathered.lines),
            numbers.join(", ")
        ));
    }
    head
}

/// What is not in the tables, and why.
pub(super) fn notes(rehearsal: &Rehearsal) -> Vec<String> {
    let mut notes = Vec::new();
    if rehearsal.has_times {
        notes.push(
            "see both: users to be expected to see both versions in one session, if the step is made at any moment of that time".to_owned(),
        );
    } else {
        notes.push(
            "there are no times, so who sees both versions in one session is not told".to_owned(),
        );
    }
    notes.push("least: the share that must move at least, under any rule".to_owned());
    notes
}

pub(super) fn moves_table(rehearsal: &Rehearsal) -> Table {
    let mut table = Table::new(&[
        Column::Right("step"),
        Column::Left("from"),
        Column::Left("to"),
        Column::Right("users move"),
        Column::Right("of all"),
        Column::Right("least"),
        Column::Right("requests move"),
        Column::Right("of all"),
        Column::Right("see both"),
    ]);
    for (number, step) in (1..).zip(&rehearsal.steps) {
        let consequence = &step.consequence;
        let (total, requests) = (consequence.total, consequence.requests());
        let least = format!("{} %", consequence.least_percent);
        let see_both = step.in_session.map_or_else(String::new, |users| format!("{users:.1}"));
        let mut once = [least, see_both];
        if consequence.moves.is_empty() {
            let [least, see_both] = std::mem::take(&mut once);
            let cells = ["nobody", "", "0", "", &least, "0", "", &see_both].map(str::to_owned);
            table.row([i32::to_string(&number)].into_iter().chain(cells));
        }
        for of in &consequence.moves {
            let [least, see_both] = std::mem::take(&mut once);
            table.row([
                i32::to_string(&number),
                of.from.to_string(),
                of.to.to_string(),
                count(of.amount.users),
                percent(ratio(of.amount.users, total.users)),
                least,
                count(of.amount.requests),
                percent(ratio(of.amount.requests, requests)),
                see_both,
            ]);
        }
    }
    table
}

pub(super) fn loads_table(rehearsal: &Rehearsal) -> Table {
    let mut table = Table::new(&[
        Column::Right("step"),
        Column::Left("version"),
        Column::Right("asked"),
        Column::Right("users"),
        Column::Right("share"),
        Column::Right("expected"),
        Column::Right("requests"),
        Column::Right("share"),
    ]);
    for (number, step) in (1..).zip(&rehearsal.steps) {
        let consequence = &step.consequence;
        let users = consequence.total.users;
        let loads = consequence.versions.iter().zip(&step.expected);
        for (load, band) in loads.filter(|(load, _)| load.after.percent > 0) {
            let [low, high] = [band.start(), band.end()].map(|it| percent(ratio(*it, users)));
            let requests = load.after.requests();
            table.row([
                i32::to_string(&number),
                load.version.to_string(),
                format!("{} %", load.after.percent),
                count(load.after.amount.users),
                percent(ratio(load.after.amount.users, users)),
                format!("{} to {high}", low.trim_end_matches(" %")),
                count(requests),
                percent(ratio(requests, consequence.requests())),
            ]);
        }
    }
    table
}

/// The users who ask most, and when each of them moves.
pub(super) fn heaviest_table(rehearsal: &Rehearsal) -> Table {
    let mut table = Table::new(&[
        Column::Left("heaviest"),
        Column::Right("requests"),
        Column::Right("share"),
        Column::Left("now"),
        Column::Left("moves at"),
    ]);
    let Some(first) = rehearsal.steps.first() else { return table };
    for heavy in &first.consequence.heaviest {
        let moves: Vec<_> = (1..)
            .zip(&rehearsal.steps)
            .filter_map(|(number, step)| moves_at(number, step, heavy))
            .collect();
        table.row([
            heavy.who.to_string(),
            count(heavy.requests),
            percent(ratio(heavy.requests, first.consequence.requests())),
            heavy.before.as_ref().map_or_else(String::new, CodeVersion::to_string),
            moves.join(", "),
        ]);
    }
    table
}

fn moves_at(number: usize, step: &Step, heavy: &Heavy) -> Option<String> {
    let found = step.consequence.heaviest.iter().find(|it| it.who == heavy.who)?;
    let (before, after) = (found.before.as_ref()?, found.after.as_ref()?);
    (before != after).then(|| format!("step {number} to {after}"))
}

pub(super) fn overlaps_table(rehearsal: &Rehearsal) -> Table {
    let mut table = Table::new(&[
        Column::Right("step"),
        Column::Right("users of the canary"),
        Column::Left("last canary"),
        Column::Right("in both"),
        Column::Right("share"),
        Column::Right("if independent"),
    ]);
    for (number, step) in (1..).zip(&rehearsal.steps) {
        let Some(overlap) = &step.overlap else { continue };
        let (version, share) = &overlap.last;
        table.row([
            i32::to_string(&number),
            count(overlap.of),
            format!("{version}@{}", share.get()),
            count(overlap.both),
            percent(overlap.share()),
            percent(overlap.share_if_independent()),
        ]);
    }
    table
}

/// Each finding with its steps, if there are several.
pub(super) fn findings(rehearsal: &Rehearsal) -> Vec<String> {
    let finding = |(text, numbers): &(String, Vec<usize>)| {
        let listed: Vec<_> = numbers.iter().map(usize::to_string).collect();
        match (rehearsal.steps.len(), listed.len()) {
            (1, _) => text.clone(),
            (_, 1) => format!("step {}: {text}", listed.concat()),
            _ => format!("steps {}: {text}", listed.join(", ")),
        }
    };
    rehearsal.findings.iter().map(finding).collect()
}
