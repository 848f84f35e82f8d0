//! Has what the workers note of their users taken up: once a second by the checks of the
//! splits, whose alarm is told in the log; and what is old forgotten.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use crate::admin::{alarm, configured};
use crate::observe::{RECENT_WINDOW, Requests, Users};
use crate::routing::{SplitNumber, TableReader, Tally};

/// How often whom the workers have seen is taken up.
const CHECK_EVERY: Duration = Duration::from_secs(1);

/// Takes up what the workers have noted, for ever.
pub(super) async fn watch_splits(table: TableReader, users: Users, requests: Requests) {
    let mut ticks = tokio::time::interval(CHECK_EVERY);
    let mut window = Instant::now();
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
        if window.elapsed() >= RECENT_WINDOW {
            window = Instant::now();
            users.turn(|split| configured(split).is_some());
            let live: HashSet<Tally> =
                table.read(|table| table.live_targets().filter_map(|it| it.tally).collect());
            requests.turn(|number| live.contains(&Tally(number)));
        }
    }
}
