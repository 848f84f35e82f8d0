//! A run from start to end.

use std::io::Write;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Arc, Barrier, Mutex, OnceLock, PoisonError};
use std::thread;
use std::time::Duration;

use super::connect::Opener;
use super::error::LoadError;
use super::judge::Judge;
use super::operator::{Splits, deploy, live_id};
use super::plan::Plan;
use super::summarize::Run;
use super::summary::Summary;
use super::tally::Tally;
use super::version::Versions;
use super::view::View;
use super::visits::population;
use super::worker::{self, Common};

/// How often the view is drawn.
const DRAW_EVERY: Duration = Duration::from_secs(1);

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
    let usage = |error: &dyn std::error::Error| LoadError::Usage(format!("users: {error}"));
    let population = population(plan.users).map_err(|error| usage(&error))?;
    let users = usize::try_from(plan.users.count).map_err(|error| usage(&error))?;
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
    let runtimes: Result<Vec<_>, _> = (0..threads)
        .map(|_| tokio::runtime::Builder::new_current_thread().enable_all().build())
        .collect();
    let runtimes = runtimes.map_err(LoadError::Runtime)?;
    let told: Vec<_> = (0..threads).map(|_| Mutex::new(Tally::new())).collect();
    let has_view = terminal.is_some();

    thread::scope(|scope| {
        let (ended, all_ended) = channel::<()>();
        let workers: Vec<_> = runtimes
            .iter()
            .zip(&told)
            .enumerate()
            .map(|(index, (runtime, told))| {
                let (common, ended) = (common.clone(), ended.clone());
                let told = has_view.then_some(told);
                scope.spawn(move || {
                    let counted = worker::run(index, &common, runtime, told);
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
                    return (Vec::new(), None);
                }
                deploy(&common.plan, &common.judge, origin, &common.stopped, &end)
            })
        };
        let mut view = terminal.map(|terminal| View::new(&common.plan, terminal));
        while let Err(RecvTimeoutError::Timeout) = all_ended.recv_timeout(DRAW_EVERY) {
            let Some(view) = &mut view else { continue };
            let mut tally = Tally::new();
            for told in &told {
                tally.add(&told.lock().unwrap_or_else(PoisonError::into_inner));
            }
            view.draw(origin.elapsed(), &tally, &common.judge);
        }
        let took = origin.elapsed();
        drop(running);
        if let Some(view) = view {
            view.end();
        }
        let mut tally = Tally::new();
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
        let (made, failure) =
            operator.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        if let Some(failure) = failure {
            return Err(failure);
        }
        let last = made.last().map(|made| &made.id).or(deployment_id.as_ref());
        let stranger = live_id(&plan).filter(|live| Some(live) != last);
        let run = Run { plan: &plan, judge: &common.judge, tally: &tally, took, stranger };
        Ok(Summary::of(&run, deployment_id, &made))
    })
}
