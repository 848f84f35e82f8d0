//! Plays a scenario: the requests are made on one core, and counted on the others.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::ScopedJoinHandle;

use super::census::{FOREIGN_USERS_MAX, asked, moved};
use super::counts::Counts;
use super::edge::{Edge, ImpossibleScenario};
use super::ledger::Ledger;
use super::outcome::Outcome;
use super::rules::{Chooser, Rule};
use super::scenario::Scenario;
use super::traffic::{Populations, Request, Traffic};

/// Requests that change hands together: as many as a core's own cache holds with ease.
const BATCH_LEN: usize = 4 * 1024;

/// Requests whose users are brought near together.
const WARMED_LEN: usize = 64;

/// Batches that may wait for one who counts.
const BATCHES_WAITING_MAX: usize = 16;

type Batch = Arc<Vec<Request>>;

/// Plays `scenario` on all cores; `progress` is told how many decisions more were made.
pub fn play(
    scenario: &Scenario,
    progress: &mut dyn FnMut(u64),
) -> Result<Outcome, ImpossibleScenario> {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
    play_on(cores, scenario, progress)
}

/// Each rule sees the same requests in the same order and counts for itself, so the numbers
/// do not depend on how many cores there are.
fn play_on(
    cores: usize,
    scenario: &Scenario,
    progress: &mut dyn FnMut(u64),
) -> Result<Outcome, ImpossibleScenario> {
    let edge = Edge::new(scenario)?;
    let populations = Populations::new(scenario);
    let counted = count(cores, scenario, &edge, &populations, progress);
    let moves = scenario.rules.iter().map(|rule| {
        let choosers = choosers(*rule, scenario, &edge);
        let moved = moved(&populations, users_max(*rule), cores, &choosers);
        progress(moved.iter().flatten().map(|it| it.of).sum());
        moved
    });
    Ok(Outcome::new(scenario, &edge, counted, moves.collect()))
}

/// About how many decisions it will take.
pub(super) fn decisions(scenario: &Scenario) -> u64 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "not negative; a cast saturates"
    )]
    let requests = scenario.requests() as u64;
    let deployments = scenario.deployments.len() as u64 - 1;
    let of_rule = |rule: &Rule| {
        let all = scenario.users();
        let asked = scenario.populations.iter().map(|it| asked(it.users, all, users_max(*rule)));
        let asked: u64 = if rule.looks_at_keys() { asked.sum() } else { 0 };
        requests.saturating_add(asked * deployments)
    };
    scenario.rules.iter().map(of_rule).fold(0, u64::saturating_add)
}

/// What each rule counted, in the order of the scenario's rules.
fn count(
    cores: usize,
    scenario: &Scenario,
    edge: &Edge,
    populations: &Populations,
    progress: &mut dyn FnMut(u64),
) -> Vec<Counts> {
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
        let mut decided = |requests: u64| progress(requests * scenario.rules.len() as u64);
        hand_out(Traffic::new(scenario, edge, populations), &senders, &mut decided);
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
        for requests in batch.chunks(WARMED_LEN) {
            for ledger in &ledgers {
                ledger.warm(requests);
            }
            for request in requests {
                let key = keys[usize::from(request.population)].of(u64::from(request.user));
                for ledger in &mut ledgers {
                    ledger.take(request, key);
                }
            }
        }
    }
    ledgers.into_iter().map(Ledger::into_counts).collect()
}

/// How many users are asked at each deployment, where there are more.
const fn users_max(rule: Rule) -> u64 {
    match rule {
        Rule::Serin => u64::MAX,
        _ => FOREIGN_USERS_MAX,
    }
}

fn choosers(rule: Rule, scenario: &Scenario, edge: &Edge) -> Vec<Option<Chooser>> {
    let routine = scenario.edge.routine.as_str();
    let releases = edge.releases.iter();
    releases.map(|it| Chooser::new(rule, routine, &it.listed, &it.placed)).collect()
}

#[cfg(test)]
mod tests {
    use super::super::examples::taken_back;
    use super::*;

    fn told(cores: usize, scenario: &Scenario) -> String {
        format!("{:?}", play_on(cores, scenario, &mut |_| {}).unwrap())
    }

    #[test]
    fn a_seed_gives_the_same_on_any_number_of_cores() {
        let scenario = taken_back();
        let on_one = told(1, &scenario);
        assert_eq!(on_one, told(2, &scenario));
        assert_eq!(on_one, told(5, &scenario));
        let other = Scenario { seed: 2, ..scenario };
        assert_ne!(on_one, told(1, &other));
    }

    #[test]
    fn progress_ends_with_the_last_decision() {
        let scenario = taken_back();
        let mut made = 0;
        let outcome = play_on(2, &scenario, &mut |decisions| made += decisions).unwrap();
        assert_eq!(made, outcome.decisions);
        let expected = decisions(&scenario);
        assert!(made.abs_diff(expected) < expected / 20, "{made}, and {expected} expected");
    }
}
