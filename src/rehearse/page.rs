//! A rehearsal as a page: the verdict, plots, tables, and how to have it all again.

use super::foresee::{Rehearsal, Step};
use super::tables::{
    findings, head, heaviest_table, loads_table, moves_table, notes, overlaps_table, shares_text,
};
use crate::control::Load;
use crate::model::CodeVersion;
use crate::report::{Axis, NoPlot, Page, Part, Plot, Series};
use crate::stats::ratio;

/// The page of `rehearsal`. `command` has it again.
pub(super) fn page(rehearsal: &Rehearsal, command: &str) -> Result<String, NoPlot> {
    let heading = |text: &str| Part::Heading(text.to_owned());
    let mut parts: Vec<Part> = head(rehearsal).into_iter().map(Part::Text).collect();
    parts.push(heading("Share of the users by version, step by step"));
    parts.push(Part::Plot(plot(rehearsal, Of::Users).to_svg()?));
    parts.push(Part::Text(
        "A band is where the share of a version would be in 999 of 1,000 draws of as many users, \
         at one step looked at alone."
            .to_owned(),
    ));
    parts.push(heading("Share of the requests by version, step by step"));
    parts.push(Part::Plot(plot(rehearsal, Of::Requests).to_svg()?));
    parts.push(heading("Who moves"));
    parts.push(Part::Plot(moves_plot(rehearsal).to_svg()?));
    parts.extend((1..).zip(&rehearsal.steps).map(|(number, step)| {
        Part::Text(format!("Step {}: {}", i32::to_string(&number), shares_text(&step.shares)))
    }));
    parts.push(Part::Table(moves_table(rehearsal)));
    parts.extend(notes(rehearsal).into_iter().map(Part::Text));
    parts.push(heading("What each version has after each step"));
    parts.push(Part::Table(loads_table(rehearsal)));
    parts.push(heading("Who asks most"));
    parts.push(Part::Table(heaviest_table(rehearsal)));
    if rehearsal.steps.iter().any(|step| step.overlap.is_some()) {
        parts.push(heading("Who was in the last canary, too"));
        parts.push(Part::Table(overlaps_table(rehearsal)));
    }
    parts.push(heading("The same again"));
    parts.push(Part::Command(command.to_owned()));
    let current = &rehearsal.current;
    let title = format!("serin rehearse {} in {}", current.routine, current.environment);
    Ok(Page { title, findings: findings(rehearsal), parts }.to_html())
}

/// What a plot is of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Of {
    Users,
    Requests,
}

/// A stair for each version: what it has now, and from each step on.
fn plot(rehearsal: &Rehearsal, of: Of) -> Plot {
    let mut versions: Vec<&CodeVersion> = Vec::new();
    for load in rehearsal.steps.iter().flat_map(|step| &step.consequence.versions) {
        if !versions.contains(&&load.version) {
            versions.push(&load.version);
        }
    }
    let series = versions.into_iter().map(|version| stair(rehearsal, version, of));
    let steps = rehearsal.steps.len();
    let axis = |name: &str, to: f64, write: fn(f64) -> String, labels: usize| Axis {
        name: name.to_owned(),
        from: 0.0,
        to,
        write,
        labels,
    };
    Plot {
        x: axis("step", place(steps + 1), |step| format!("{step:.0}"), (steps + 2).min(12)),
        y: axis("share", 100.0, |percent| format!("{percent:.0} %"), 6),
        series: series.collect(),
        marks: Vec::new(),
    }
}

/// The shares of users and of requests that move at each step, over an area as high as the
/// share that must.
fn moves_plot(rehearsal: &Rehearsal) -> Plot {
    let at_each = |height: &dyn Fn(&Step) -> f64| -> Vec<_> {
        (1..).zip(&rehearsal.steps).map(|(number, step)| (number, height(step))).collect()
    };
    let users = |step: &Step| {
        let consequence = &step.consequence;
        100.0 * ratio(consequence.moved().users, consequence.total.users)
    };
    let requests = |step: &Step| {
        let consequence = &step.consequence;
        100.0 * ratio(consequence.moved().requests, consequence.requests())
    };
    let least = |step: &Step| f64::from(step.consequence.least_percent);
    let series = vec![
        Series::stair("users", at_each(&users)),
        Series::stair("requests", at_each(&requests)),
        Series::area("least possible", at_each(&least)),
    ];
    let steps = rehearsal.steps.len();
    Plot {
        x: Axis {
            name: "step".to_owned(),
            from: 1.0,
            to: place(steps + 1),
            write: |step| format!("{step:.0}"),
            labels: (steps + 1).min(12),
        },
        y: Axis::percent("move", &series),
        series,
        marks: Vec::new(),
    }
}

fn stair(rehearsal: &Rehearsal, version: &CodeVersion, of: Of) -> Series {
    let (mut points, mut expected) = (Vec::new(), Vec::new());
    let mut tread = |from: usize, share: f64| {
        points.extend([(place(from), 100.0 * share), (place(from + 1), 100.0 * share)]);
    };
    for (number, step) in (1..).zip(&rehearsal.steps) {
        let consequence = &step.consequence;
        let (users, requests) = (consequence.total.users, consequence.requests());
        let share = |load: &Load| match of {
            Of::Users => ratio(load.amount.users, users),
            Of::Requests => ratio(load.requests(), requests),
        };
        let mut loads = consequence.versions.iter().zip(&step.expected);
        let found = loads.find(|(load, _)| load.version == *version);
        if number == 1 {
            tread(0, found.map_or(0.0, |(load, _)| share(&load.before)));
        }
        tread(number, found.map_or(0.0, |(load, _)| share(&load.after)));
        if let (Of::Users, Some((_, band))) = (of, found) {
            let [low, high] = [band.start(), band.end()].map(|it| 100.0 * ratio(*it, users));
            expected.extend([place(number), place(number + 1)].map(|at| (at, low, high)));
        }
    }
    Series { name: version.to_string(), points, expected }
}

#[expect(clippy::cast_precision_loss, reason = "a plan has few steps")]
fn place(step: usize) -> f64 {
    step as f64
}
