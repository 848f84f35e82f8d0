//! SIGINT and SIGTERM: the first one drains, the second one cuts the drain. SIGHUP is
//! for whoever waits meanwhile.

use tokio::runtime::Runtime;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::{Failure, Running};

/// Signals that are caught, and wait to be seen.
pub(super) struct Signals {
    runtime: Runtime,
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
}

impl Signals {
    /// Catches signals from here on. Before anything starts or says that it serves:
    /// whoever reads that may end it at once, and still have it drained.
    pub(super) fn catch() -> Result<Self, Failure> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(Failure::Signals)?;
        let caught = |kind| {
            let _inside = runtime.enter();
            signal(kind).map_err(Failure::Signals)
        };
        let interrupt = caught(SignalKind::interrupt())?;
        let terminate = caught(SignalKind::terminate())?;
        let hangup = caught(SignalKind::hangup())?;
        Ok(Self { runtime, interrupt, terminate, hangup })
    }

    /// Waits for the end to be asked for while `meanwhile` runs beside it, which is
    /// given SIGHUP.
    pub(super) fn wait(&mut self, meanwhile: impl AsyncFnOnce(&mut Signal)) {
        let Self { runtime, interrupt, terminate, hangup } = self;
        runtime.block_on(async {
            tokio::select! {
                () = either(interrupt, terminate) => {}
                () = meanwhile(hangup) => {}
            }
        });
    }

    /// Ends `running`, and does not wait for it any longer once another signal comes.
    pub(super) fn drain(self, running: Running) -> Result<(), Failure> {
        let Self { runtime, mut interrupt, mut terminate, hangup: _hangup } = self;
        tracing::info!("serin drains");
        let stopping = runtime.spawn_blocking(|| running.stop());
        let stopped = runtime.block_on(async {
            tokio::select! {
                biased;
                stopped = stopping => Some(stopped.expect("stopping does not panic")),
                () = either(&mut interrupt, &mut terminate) => None,
            }
        });
        // What still runs ends with the process.
        runtime.shutdown_background();
        let Some(stopped) = stopped else {
            tracing::warn!("a second signal cuts the drain, and the requests that still run");
            return Err(Failure::Cut);
        };
        Ok(stopped?)
    }
}

async fn either(interrupt: &mut Signal, terminate: &mut Signal) {
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}
