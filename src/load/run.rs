//! A run from start to end.

use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Arc, Barrier, OnceLock};
use std::thread;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};

use super::connect::Opener;
use super::error::LoadError;
use super::judge::Judge;
use super::operator::{End, Operated, Splits, deploy};
use super::plan::Plan;
use super::summarize::Run;
use super::summary::Summary;
use super::tally::Tally;
use super::version::Versions;
use super::view::View;
use super::visits::population;
use super::worker::{self, Common, telling};

/// How often the view is drawn.
const DRAW_EVERY: Duration = Duration::from_millis(500);

/// Carries `plan` out, until its end or until somebody sets `stopped`. Draws what is seen
/// meanwhile on `terminal`, if there is one.
pub fn run(
    plan: Plan,
    stopped: Arc<AtomicBool>,
    terminal: Option<&mut dyn Write>,
) -> Result<Summary, LoadError> {
    if let Some(mistake) = plan.mistake() {
        return Err(LoadError::Usage(mistake));
    }
    let population = population(&plan.users)?;
    let users = usize::try_from(plan.users.count)
        .map_err(|error| LoadError::Usage(format!("users: {error}")))?;
    let opener =
        Opener::new(&plan).map_err(|source| LoadError::Lookup(plan.target.host.clone(), source))?;
    let versions = Arc::new(Versions::default());
    let Splits { periods, deployment_id } = Splits::of(&plan, &versions)?;
    let threads = plan.threads;
    let plan = Arc::new(plan);
    let common = Arc::new(Common {
        plan: plan.clone(),
        judge: Arc::new(Judge::new(periods, versions, users)),
        population,
        opener,
        stopped,
        start: Barrier::new(threads + 1),
        origin: OnceLock::new(),
        reached: AtomicUsize::new(0),
    });
    let runtimes = runtimes(threads).map_err(LoadError::Runtime)?;
    let (mut tellers, mut listeners) = (Vec::new(), Vec::new());
    if terminal.is_some() {
        (tellers, listeners) = (0..threads).map(|_| telling()).unzip();
    }
    let mut tellers = tellers.into_iter();

    thread::scope(|scope| {
        let (ended, all_ended) = channel::<()>();
        let workers: Vec<_> = runtimes
            .iter()
            .enumerate()
            .map(|(index, runtime)| {
                let (common, ended, teller) = (common.clone(), ended.clone(), tellers.next());
                scope.spawn(move || {
                    let counted = worker::run(index, &common, runtime, teller.as_ref());
                    if counted.is_err() {
                        common.stopped.store(true, Ordering::Relaxed);
                    }
                    // Closing it says that this thread has ended.
                    drop(ended);
                    counted
                })
            })
            .collect();
        drop(ended);
        let origin = common.begin();
        let (running, end) = channel::<()>();
        let operator = {
            let common = common.clone();
            scope.spawn(move || {
                if !common.is_reached() {
                    return Operated::default();
                }
                deploy(&common.plan, &common.judge, origin, &common.stopped, &end)
            })
        };
        let mut view = terminal.map(|terminal| View::new(&common.plan, terminal));
        let mut tally = Tally::new();
        while let Err(RecvTimeoutError::Timeout) = all_ended.recv_timeout(DRAW_EVERY) {
            let Some(view) = &mut view else { continue };
            for listener in &listeners {
                listener.hear(&mut tally);
            }
            view.draw(origin.elapsed(), &tally, &common.judge);
        }
        let took = origin.elapsed();
        drop(running);
        if let Some(view) = view {
            view.end();
        }
        // What came between the last look and the end.
        for listener in &listeners {
            listener.hear(&mut tally);
        }
        for worker in workers {
            let counted = worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            tally.add(&counted.map_err(|source| {
                if common.is_reached() {
                    LoadError::Runtime(source)
                } else {
                    LoadError::Unreachable(plan.target.authority.clone(), source)
                }
            })?);
        }
        let operated = operator.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        let last = operated.made.last().map(|made| &made.id).or(deployment_id.as_ref());
        let end = End::of(&plan, last);
        let run = Run {
            plan: &plan,
            population: &common.population,
            judge: &common.judge,
            tally: &tally,
            took,
            operated,
            end,
        };
        Ok(Summary::of(&run, deployment_id))
    })
}

/// One for each thread.
fn runtimes(threads: usize) -> io::Result<Vec<Runtime>> {
    (0..threads).map(|_| Builder::new_current_thread().enable_all().build()).collect()
}
