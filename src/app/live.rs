//! One line of live counts on a terminal.

use std::io::Write;
use std::time::Duration;

use super::log::CLEAR_LINE;
use crate::model::Environment;
use crate::observe::Tallies;
use crate::routing::{TableReader, Target};

const REFRESH: Duration = Duration::from_millis(250);

/// Longer lines wrap on small terminals, and a wrapped line is not overwritten.
const LINE_MAX_CHARS: usize = 78;

/// Of a version, its end is shown: that is where two of them differ.
const VERSION_MAX_CHARS: usize = 4;

/// Rewrites one line with the requests that were assigned to each live version, for
/// ever. It is written again even when nothing changed, for the log may have taken
/// its place.
pub(super) async fn show_live_counts(table: &TableReader, tallies: &Tallies, out: &mut impl Write) {
    let mut ticks = tokio::time::interval(REFRESH);
    loop {
        ticks.tick().await;
        let count =
            |target: &Target| target.tally.map_or(0, |tally| tallies.total(tally.0).assigned);
        let line = table.read(|table| {
            // None takes less than one character.
            let targets = table.live_targets().take(LINE_MAX_CHARS).map(|target| Counted {
                routine: target.subject.as_str(),
                environment: target.environment,
                version: target.version.as_str(),
                count: count(target),
            });
            line(targets.collect())
        });
        // A terminal that is gone is no reason to stop serving.
        drop(write!(out, "{CLEAR_LINE}{line}").and_then(|()| out.flush()));
    }
}

/// One live version and how many requests were assigned to it.
struct Counted<'a> {
    /// The routine or app.
    routine: &'a str,
    environment: Environment,
    version: &'a str,
    count: u64,
}

/// As many of `targets`, which are together by routine, as one line has room for, and
/// whether there are more. Production comes first, and is not named.
fn line(mut targets: Vec<Counted<'_>>) -> String {
    for of_routine in targets.chunk_by_mut(|a, b| a.routine == b.routine) {
        of_routine.sort_by_key(|target| target.environment != Environment::Production);
    }
    let mut line = "sent to".to_owned();
    let mut length = line.len();
    let mut before: Option<(&str, Environment)> = None;
    for Counted { routine, environment, version, count } in targets {
        let label = match environment {
            Environment::Production => "",
            Environment::Staging => " staging",
        };
        let whose = match before {
            Some((same, there)) if same == routine && there == environment => String::new(),
            Some((same, _)) if same == routine => format!(",{label}"),
            Some(_) => format!("; {routine}{label}"),
            None => format!(" {routine}{label}"),
        };
        let part = format!("{whose} {} {count}", tail(version));
        length += part.chars().count();
        // A number is never cut: it would be a wrong one.
        if length + " …".chars().count() > LINE_MAX_CHARS {
            line.push_str(" …");
            break;
        }
        line.push_str(&part);
        before = Some((routine, environment));
    }
    line
}

fn tail(version: &str) -> String {
    let skip = version.chars().count().saturating_sub(VERSION_MAX_CHARS);
    let tail: String = version.chars().skip(skip).collect();
    if skip > 0 { format!("…{tail}") } else { tail }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_count_has_its_routine_environment_and_version() {
        let (production, staging) = (Environment::Production, Environment::Staging);
        let (older, newer) = ("1723599747213377175", "1723599747213377176");
        let targets = |highest| {
            let targets = [
                ("checkout", staging, newer, 7),
                ("checkout", production, older, highest),
                ("checkout", production, newer, 100),
                ("cart", staging, "1", 5),
            ];
            let targets = targets.map(|(routine, environment, version, count)| Counted {
                routine,
                environment,
                version,
                count,
            });
            Vec::from(targets)
        };
        let shown = line(targets(900));
        assert_eq!(
            shown,
            "sent to checkout …7175 900 …7176 100, staging …7176 7; cart staging 1 5"
        );

        let shown = line(targets(1_000_000_000));
        assert_eq!(shown, "sent to checkout …7175 1000000000 …7176 100, staging …7176 7 …");
    }
}
