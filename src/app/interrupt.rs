//! Ctrl-C ends what is under way, and is not the end of the process at once.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::signal::unix::{SignalKind, signal};

use super::Failure;

/// The status of a process that SIGINT has ended, as shells tell it.
const INTERRUPTED: i32 = 130;

/// Turns true at the first SIGINT or SIGTERM. The second ends the process.
pub fn stop_at_interrupt() -> Result<Arc<AtomicBool>, Failure> {
    let stopped = Arc::new(AtomicBool::new(false));
    let stop = stopped.clone();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(Failure::Signals)?;
    let (mut interrupt, mut terminate) = {
        let _inside = runtime.enter();
        let catch = |kind| signal(kind).map_err(Failure::Signals);
        (catch(SignalKind::interrupt())?, catch(SignalKind::terminate())?)
    };
    let wait = async move {
        for _ in 0..2 {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            if stop.swap(true, Ordering::Relaxed) {
                std::process::exit(INTERRUPTED);
            }
        }
    };
    let thread = std::thread::Builder::new().name("signals".to_owned());
    let spawned: io::Result<_> = thread.spawn(move || runtime.block_on(wait));
    spawned.map_err(Failure::Signals)?;
    Ok(stopped)
}
