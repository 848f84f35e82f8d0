//! What a deployment would do, as Serin tells it of the users who came lately.

use serde::Deserialize;
use serde_json::Value;

use super::error::OperateError;
use super::output::Output;
use super::told::read;
use crate::client::Endpoint;
use crate::report::{Column, Table, count, plural};

#[derive(Deserialize)]
struct Told {
    at_most_minutes: u64,
    users: u64,
    requests: u64,
    keyless_requests: u64,
    moved: Amount,
    least: Least,
    versions: Vec<OfVersion>,
    moves: Vec<Move>,
    heaviest: Vec<Heavy>,
    dangers: Vec<Danger>,
}

#[derive(Deserialize)]
struct Amount {
    users: u64,
    requests: u64,
}

#[derive(Deserialize)]
struct Least {
    percent: u64,
    users: u64,
}

#[derive(Deserialize)]
struct OfVersion {
    code_version: String,
    before: Load,
    after: Load,
}

#[derive(Deserialize)]
struct Load {
    percentage: u64,
    users: u64,
    requests: u64,
}

#[derive(Deserialize)]
struct Move {
    from: String,
    to: String,
    users: u64,
    requests: u64,
}

#[derive(Deserialize)]
struct Heavy {
    bucket: Option<u16>,
    requests: u64,
    before: Option<String>,
    after: Option<String>,
}

#[derive(Deserialize)]
struct Danger {
    text: String,
}

/// So many of those who ask most are told.
const HEAVIEST_MAX: usize = 5;

/// Whether no danger was found.
pub(super) fn is_good(told: &Value) -> bool {
    told["dangers"].as_array().is_none_or(Vec::is_empty)
}

pub(super) fn print_dry_run(
    admin: &Endpoint,
    routine: &str,
    environment: &str,
    shares: &[(String, u64)],
    told: &Value,
    output: &mut Output<'_>,
) -> Result<(), OperateError> {
    let told: Told = read(admin, told)?;
    output.line(format_args!("nothing was deployed: this would be {routine} in {environment}"))?;
    for (version, percent) in shares {
        output.line(format_args!("  {percent:>3} %  {version}"))?;
    }
    output.line(format_args!(
        "of the last {} minutes or less: {}, {}, {} of them without a key",
        told.at_most_minutes,
        plural(told.users, "user"),
        plural(told.requests, "request"),
        count(told.keyless_requests),
    ))?;
    output.line(format_args!(
        "{} would move, who made {}; {} must under any rule ({} %)",
        plural(told.moved.users, "user"),
        plural(told.moved.requests, "request"),
        plural(told.least.users, "user"),
        told.least.percent,
    ))?;
    for table in [versions(&told), moves(&told), heaviest(&told)].into_iter().flatten() {
        output.line("")?;
        output.table(&table, &[])?;
    }
    output.line("")?;
    if told.dangers.is_empty() {
        output.line("good")?;
    }
    for danger in &told.dangers {
        output.alarm(format_args!("DANGER: {}", danger.text))?;
    }
    Ok(())
}

fn versions(told: &Told) -> Option<Table> {
    let mut table = Table::new(&[
        Column::Left("version"),
        Column::Right("now"),
        Column::Right("users"),
        Column::Right("requests"),
        Column::Right("then"),
        Column::Right("users"),
        Column::Right("requests"),
    ]);
    for OfVersion { code_version, before, after } in &told.versions {
        let cells = |load: &Load| {
            [format!("{} %", load.percentage), count(load.users), count(load.requests)]
        };
        let cells = [[code_version.clone()].as_slice(), &cells(before), &cells(after)].concat();
        table.row(cells);
    }
    (!told.versions.is_empty()).then_some(table)
}

fn moves(told: &Told) -> Option<Table> {
    let columns = ["from", "to"].map(Column::Left);
    let mut table =
        Table::new(&[columns[0], columns[1], Column::Right("users"), Column::Right("requests")]);
    for Move { from, to, users, requests } in &told.moves {
        table.row([from.clone(), to.clone(), count(*users), count(*requests)]);
    }
    (!told.moves.is_empty()).then_some(table)
}

fn heaviest(told: &Told) -> Option<Table> {
    let mut table = Table::new(&[
        Column::Right("heaviest, by bucket"),
        Column::Right("requests"),
        Column::Left("now"),
        Column::Left("then"),
    ]);
    for Heavy { bucket, requests, before, after } in told.heaviest.iter().take(HEAVIEST_MAX) {
        let bucket = bucket.map_or_else(|| "unknown".to_owned(), |bucket| bucket.to_string());
        let text = |version: &Option<String>| version.clone().unwrap_or_default();
        table.row([bucket, count(*requests), text(before), text(after)]);
    }
    (!told.heaviest.is_empty()).then_some(table)
}
