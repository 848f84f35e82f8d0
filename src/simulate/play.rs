//! Plays a scenario: the requests are made on one core, and counted on the others.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::ScopedJoinHandle;

use super::census::{FOREIGN_USERS_MAX, Moved, moved};
use super::edge::{Edge, ImpossibleScenario};
use super::ledger::{Counts, Ledger};
use super::outcome::Outcome;
use super::rules::{Chooser, Rule};
use super::scenario::Scenario;
use super::traffic::{Populations, Request, Traffic};

/// Requests that change hands together.
const BATCH_LEN: usize = 16 * 1024;

/// Batches that may wait for one who counts.
const BATCHES_WAITING_MAX: usize = 8;

type Batch = Arc<Vec<Request>>;

/// Plays `scenario`; `progress` is told how many requests more were made.
///
/// Each rule sees the same requests in the same order and counts for itself, so the numbers
/// do not depend on how many cores there are.
pub fn play(
    scenario: &Scenario,
    progress: &mut dyn FnMut(u64),
) -> Result<Outcome, ImpossibleScenario> {
    let edge = Edge::new(scenario)?;
    let populations = Populations::new(scenario);
    let counted = count(scenario, &edge, &populations, progress);
    let moves = scenario.rules.iter().map(|rule| census(*rule, scenario, &edge, &populations));
    Ok(Outcome::new(scenario, &edge, counted, moves.collect()))
}

/// What each rule counted, in the order of the scenario's rules.
fn count(
    scenario: &Scenario,
    edge: &Edge,
    populations: &Populations,
    progress: &mut dyn FnMut(u64),
) -> Vec<Counts> {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
    let threads = cores.min(scenario.rules.len());
    let mut counted: Vec<(Rule, Counts)> = std::thread::scope(|scope| {
        let (mut senders, mut workers) = (Vec::new(), Vec::new());
        for thread in 0..threads {
            let (sender, batches) = sync_channel(BATCHES_WAITING_MAX);
            let rules: Vec<Rule> =
                scenario.rules.iter().copied().skip(thread).step_by(threads).collect();
            senders.push(sender);
            workers.push(scope.spawn(move || {
                let ledgers = rules.into_iter().map(|rule| Ledger::new(rule, scenario, edge));
                take_all(ledgers.collect(), populations, &batches)
            }));
        }
        hand_out(Traffic::new(scenario, edge, populations), &senders, progress);
        drop(senders);
        let counted = workers.into_iter().map(ScopedJoinHandle::join);
        counted.flat_map(|counts| counts.expect("counting does not panic")).collect()
    });
    counted.sort_by_key(|(rule, _)| scenario.rules.iter().position(|known| known == rule));
    counted.into_iter().map(|(_, counts)| counts).collect()
}

fn hand_out(
    mut traffic: Traffic<'_>,
    senders: &[SyncSender<Batch>],
    progress: &mut dyn FnMut(u64),
) {
    loop {
        let mut batch = Vec::with_capacity(BATCH_LEN);
        batch.extend(traffic.by_ref().take(BATCH_LEN));
        if batch.is_empty() {
            return;
        }
        progress(batch.len() as u64);
        let batch = Arc::new(batch);
        for sender in senders {
            // Who no longer takes any has panicked, which is told when it is joined.
            let _ = sender.send(batch.clone());
        }
    }
}

fn take_all(
    mut ledgers: Vec<Ledger<'_>>,
    populations: &Populations,
    batches: &Receiver<Batch>,
) -> Vec<(Rule, Counts)> {
    let mut keys = populations.keys();
    for batch in batches {
        for request in batch.iter() {
            let key = keys[usize::from(request.population)].of(u64::from(request.user));
            for ledger in &mut ledgers {
                ledger.take(request, key);
            }
        }
    }
    ledgers.into_iter().map(|ledger| (ledger.rule, ledger.counts)).collect()
}

/// Who moves at each release; `None` for the first, and where there is nothing to tell.
fn census(
    rule: Rule,
    scenario: &Scenario,
    edge: &Edge,
    populations: &Populations,
) -> Vec<Option<Moved>> {
    let users_max = if rule == Rule::Serin { u64::MAX } else { FOREIGN_USERS_MAX };
    let routine = scenario.edge.routine.as_str();
    let choosers: Vec<_> = edge
        .releases
        .iter()
        .map(|release| Chooser::new(rule, routine, &release.listed, &release.placed))
        .collect();
    let moves = choosers.windows(2).map(|pair| match pair {
        [Some(before), Some(after)] => Some(moved(populations, users_max, before, after)),
        _ => None,
    });
    std::iter::once(None).chain(moves).collect()
}
