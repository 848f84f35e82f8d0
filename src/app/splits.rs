//! Watches whether splits are what was asked for, and says so when one is not.

use std::time::Duration;

use crate::model::Percent;
use crate::observe::{Checked, Configured, Users};
use crate::routing::{RoutingTable, SplitNumber, TableReader, Target};

/// How often whom the workers have answered is taken up.
const CHECK_EVERY: Duration = Duration::from_secs(1);

/// A window of time in which users are noted. This one and the last are what came lately.
const WINDOW: Duration = Duration::from_mins(30);

/// Takes up what the workers have noted of their users, for ever.
pub(super) async fn watch_splits(table: TableReader, users: Users) {
    let mut ticks = tokio::time::interval(CHECK_EVERY);
    let mut window = tokio::time::Instant::now();
    loop {
        ticks.tick().await;
        let configured = |split| table.read(|table| configured(table, SplitNumber(split)));
        for split in users.check(configured) {
            let checked = users.checked(split);
            let alarm = checked
                .and_then(|checked| table.read(|table| alarm(table, SplitNumber(split), &checked)));
            if let Some(alarm) = alarm {
                tracing::warn!("{alarm}");
            }
        }
        if window.elapsed() >= WINDOW {
            window = tokio::time::Instant::now();
            users.turn();
        }
    }
}

fn configured(table: &RoutingTable, split: SplitNumber) -> Option<Configured> {
    let versions = table.canary(split)?;
    let deployment = versions[0].0.deployment?.0;
    let version =
        |(target, percent): &(&Target, Percent)| Some((target.tally?.0, f64::from(percent.get())));
    let versions = versions.iter().map(version).collect::<Option<_>>()?;
    Some(Configured { deployment, versions })
}

/// What is wrong, in words; `None` where another deployment has taken its place.
fn alarm(table: &RoutingTable, split: SplitNumber, checked: &Checked) -> Option<String> {
    let versions = table.canary(split)?;
    let (target, percent) = versions[1];
    if target.deployment?.0 != checked.deployment {
        return None;
    }
    let newer = checked.versions.get(1)?;
    Some(format!(
        "the split of {} `{}` in {} is not what was asked for: of {} users, version `{}` has \
         answered {} and was to get {} %, {} to {}",
        target.subject.noun(),
        target.subject,
        target.environment.as_str(),
        checked.users(),
        target.version,
        newer.users,
        percent.get(),
        newer.expected.start(),
        newer.expected.end(),
    ))
}
