//! The rows of the table: one for each version that is live.

use ratatui::layout::Constraint;
use ratatui::style::{Modifier, Style};
use ratatui::text::Line;
use ratatui::widgets::{Cell, Row as Drawn, Table};

use super::rates::{Rate, Rates};
use super::sample::Sample;
use crate::client::Subject;
use crate::operate::subject::{Release, Served, Share};
use crate::operate::told::Check;
use crate::report::one_line;

/// Of a version, its end is shown: that is where two of them differ.
const VERSION_MAX_CHARS: usize = 13;

/// A version that is live, or a routine or an app of which nothing is.
pub(super) struct Row {
    pub(super) subject: Subject,
    cells: [String; COLUMNS.len()],
    /// Its split is not what was asked for.
    pub(super) is_wrong: bool,
    /// It has failed lately.
    pub(super) is_failing: bool,
}

/// A title, whether what is below stands at the right, how wide it is, and which columns go
/// first where there is not the room for all: those of the highest numbers.
const COLUMNS: [(&str, bool, u16, u8); 8] = [
    ("routine", false, 16, 0),
    ("env", false, 4, 5),
    ("version", false, 13, 1),
    ("asked", true, 6, 2),
    ("share", true, 8, 3),
    ("req/s", true, 8, 4),
    ("fail/s", true, 7, 6),
    ("check", false, 12, 7),
];

/// What the first column has at least.
const NAME_MIN: u16 = 8;

pub(super) fn rows(sample: &Sample, rates: &Rates) -> Vec<Row> {
    let mut rows = Vec::new();
    for served in &sample.served {
        for release in &served.live {
            let check = sample.close.get(&served.subject);
            let check = check.and_then(|close| close.checks.get(&release.environment));
            let check = check.filter(|it| it.deployment_id.as_ref() == Some(&release.id));
            for share in &release.shares {
                rows.push(row(served, release, share, check, rates));
            }
        }
        if served.live.is_empty() {
            let mut cells = <[String; COLUMNS.len()]>::default();
            cells[0] = one_line(&served.name);
            cells[2].push_str("not deployed");
            let subject = served.subject.clone();
            rows.push(Row { subject, cells, is_wrong: false, is_failing: false });
        }
    }
    rows
}

fn row(
    served: &Served,
    release: &Release,
    share: &Share,
    check: Option<&Check>,
    rates: &Rates,
) -> Row {
    let of = |share: &Share| rates.of(&served.subject, &release.environment, &share.version);
    let rate = of(share);
    let is_failing = rate.is_some_and(|rate| rate.failed > 0.0);
    let cells = [
        one_line(&served.name),
        release.environment.chars().take(4).collect(),
        tail(&one_line(&share.version)),
        share.whom.words(),
        observed(release, share, check, of),
        rate.map(|rate| format!("{:.1}", rate.assigned)).unwrap_or_default(),
        rate.map(|rate| format!("{:.1}", rate.failed)).unwrap_or_default(),
        check.map(Check::words).unwrap_or_default(),
    ];
    let is_wrong = check.is_some_and(Check::is_mismatch);
    Row { subject: served.subject.clone(), cells, is_wrong, is_failing }
}

/// The share of the users since the deployment, where they are counted; or else that of the
/// requests of these seconds.
fn observed(
    release: &Release,
    share: &Share,
    check: Option<&Check>,
    of: impl Fn(&Share) -> Option<Rate>,
) -> String {
    let checked = check.and_then(|check| {
        let version = check.versions.iter().find(|it| it.code_version == share.version)?;
        version.observed_percentage
    });
    let of_requests = || {
        let all: f64 = release.shares.iter().filter_map(&of).map(|rate| rate.assigned).sum();
        let rate = of(share).filter(|_| all > 0.0 && release.shares.len() > 1)?;
        Some(rate.assigned * 100.0 / all)
    };
    let observed = checked.or_else(of_requests);
    observed.map(|share| format!("{share:.2} %")).unwrap_or_default()
}

fn tail(version: &str) -> String {
    let length = version.chars().count();
    if length <= VERSION_MAX_CHARS {
        return version.to_owned();
    }
    let tail: String = version.chars().skip(length + 1 - VERSION_MAX_CHARS).collect();
    format!("…{tail}")
}

/// The rows, in as many columns as there is room for.
pub(super) fn table<'r>(rows: &[&'r Row], width: u16, style: impl Fn(&Row) -> Style) -> Table<'r> {
    let columns = columns(width);
    let widths = columns.iter().map(|&at| match at {
        0 => Constraint::Min(NAME_MIN),
        at => Constraint::Length(COLUMNS[at].2),
    });
    let titles = columns.iter().map(|&at| cell(at, COLUMNS[at].0));
    let drawn = rows.iter().map(|row| {
        Drawn::new(columns.iter().map(|&at| cell(at, &row.cells[at]))).style(style(row))
    });
    let titles = Drawn::new(titles.collect::<Vec<_>>());
    Table::new(drawn.collect::<Vec<_>>(), widths.collect::<Vec<_>>())
        .header(titles.style(Style::new().add_modifier(Modifier::BOLD | Modifier::UNDERLINED)))
}

fn cell(at: usize, text: &str) -> Cell<'_> {
    let line = Line::raw(text);
    Cell::from(if COLUMNS[at].1 { line.right_aligned() } else { line })
}

/// Which columns fit, by their places.
fn columns(width: u16) -> Vec<usize> {
    let mut fit: Vec<usize> = (0..COLUMNS.len()).collect();
    let needed = |fit: &[usize]| {
        let widths = fit.iter().map(|&at| if at == 0 { NAME_MIN } else { COLUMNS[at].2 });
        widths.map(|width| width + 1).sum::<u16>().saturating_sub(1)
    };
    while fit.len() > 1 && needed(&fit) > width {
        let last = fit.iter().copied().max_by_key(|&at| COLUMNS[at].3);
        fit.retain(|&at| Some(at) != last);
    }
    fit
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_narrow_screen_has_fewer_columns_and_always_a_name() {
        let titles = |width| columns(width).into_iter().map(|at| COLUMNS[at].0).collect::<Vec<_>>();
        assert_eq!(titles(80).len(), COLUMNS.len());
        assert_eq!(titles(60), ["routine", "env", "version", "asked", "share", "req/s", "fail/s"]);
        assert_eq!(titles(40), ["routine", "version", "asked", "share"]);
        assert_eq!(titles(5), ["routine"]);
    }

    #[test]
    fn of_a_long_version_its_end_is_shown() {
        assert_eq!(tail("1723599747213377176"), "…747213377176");
        assert_eq!(tail("v1"), "v1");
    }
}
