//! Keeps the last hour: once every slice, what was counted since.

use super::outside;
use crate::observe::{Answering, Courses, History, Requests, SLICE, Standing, Tallies, Users};
use crate::routing::{SplitNumber, TableReader};

/// Ends a slice of the history from time to time, for ever.
pub(super) async fn keep_history(
    table: TableReader,
    tallies: Tallies,
    requests: Requests,
    users: Users,
    history: History,
) {
    let mut ticks = tokio::time::interval(SLICE);
    loop {
        ticks.tick().await;
        let live: Vec<(u32, u32)> = table.read(|table| {
            let targets = table.live_targets();
            targets.filter_map(|target| Some((target.split.0, target.tally?.0))).collect()
        });
        let standing = |split| standing(&table, &users, split);
        let total = |number| tallies.total(number);
        let courses = |number| Courses::of(&requests.of(Answering::Version(number)));
        history.turn(outside::now(), live.into_iter(), total, courses, standing);
    }
}

/// How the users of a split stand; `None` where one version has them all, or nobody of its
/// deployment was counted yet.
fn standing(table: &TableReader, users: &Users, split: u32) -> Option<Standing> {
    let checked = users.checked(split)?;
    let deployment = table.read(|table| {
        let [(target, _), _] = table.canary(SplitNumber(split))?;
        target.deployment
    })?;
    let [_, newer] = checked.versions.as_slice() else { return None };
    (deployment.0 == checked.deployment).then(|| Standing {
        deployment: deployment.0,
        share: newer.share,
        users: checked.users(),
        newer: newer.users,
        least: *newer.expected.start(),
        most: *newer.expected.end(),
    })
}
