//! One line of live counts on a terminal.

use std::io::Write;
use std::time::Duration;

use crate::model::Environment;
use crate::observe::Tallies;
use crate::routing::{TableReader, Target};

const REFRESH: Duration = Duration::from_millis(250);

/// Longer lines wrap on small terminals, and a wrapped line is not overwritten.
const LINE_MAX_CHARS: usize = 78;

/// Rewrites one line with the requests that each live version has answered, for
/// ever.
pub(super) async fn show_live_counts(table: &TableReader, tallies: &Tallies, out: &mut impl Write) {
    let mut ticks = tokio::time::interval(REFRESH);
    let mut shown = String::new();
    loop {
        ticks.tick().await;
        let line = line(table, tallies);
        if line != shown {
            // A terminal that is gone is no reason to stop serving.
            drop(write!(out, "\r{line}\x1b[K").and_then(|()| out.flush()));
            shown = line;
        }
    }
}

fn line(table: &TableReader, tallies: &Tallies) -> String {
    let counts = |environment: Environment| {
        let mut versions: Vec<_> = table.read(|table| {
            let targets = table.live_targets().filter(|target| target.environment == environment);
            let count = |target: &Target| target.tally.map_or(0, |tally| tallies.total(tally.0));
            targets.map(|target| (target.version.to_string(), count(target))).collect()
        });
        versions.sort();
        let versions: Vec<_> =
            versions.iter().map(|(version, count)| format!("{} {count}", tail(version))).collect();
        format!("{environment} {}", versions.join(" "))
    };
    let line = format!("{} | {}", counts(Environment::Production), counts(Environment::Staging));
    line.chars().take(LINE_MAX_CHARS).collect()
}

/// The end of a version, which is where two of them differ.
fn tail(version: &str) -> String {
    let skip = version.chars().count().saturating_sub(6);
    let tail: String = version.chars().skip(skip).collect();
    if skip > 0 { format!("…{tail}") } else { tail }
}
