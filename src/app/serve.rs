//! `serin serve`.

use std::path::Path;

use super::{Addresses, Failure, Running, start};
use crate::config::Config;

/// Serves what the file at `path` describes until SIGINT or SIGTERM, then drains.
pub fn serve(path: &Path) -> Result<(), Failure> {
    let config = Config::read(path)?;
    for warning in &config.warnings {
        tracing::warn!("{}: {warning}", path.display());
    }
    let running = start(&config)?;
    let Addresses { production, staging, admin, admin_tls } = running.addresses;
    let admin_tls = admin_tls.map(tracing::field::display);
    tracing::info!(%production, %staging, %admin, admin_tls, "serin serves");
    until_told_to_stop(running, std::future::pending())
}

/// Waits for a signal while `meanwhile` runs beside it, then ends `running`.
pub(super) fn until_told_to_stop(
    running: Running,
    meanwhile: impl Future<Output = ()>,
) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        use tokio::signal::unix::{SignalKind, signal};
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            () = meanwhile => {}
        }
        Ok::<_, std::io::Error>(())
    })?;
    tracing::info!("serin drains");
    running.stop();
    Ok(())
}
