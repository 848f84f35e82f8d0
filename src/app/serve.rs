//! `serin serve`.

use std::path::Path;

use super::signals::Signals;
use super::warnings::warnings;
use super::{Addresses, Failure, start};
use crate::config::Config;

/// Serves what the file at `path` describes until SIGINT or SIGTERM, then drains.
pub fn serve(path: &Path) -> Result<(), Failure> {
    let config = Config::read(path)?;
    for warning in warnings(&config) {
        tracing::warn!("{}: {warning}", path.display());
    }
    let mut signals = Signals::catch()?;
    let running = start(&config)?;
    let Addresses { production, staging, admin, .. } = running.addresses;
    let Addresses { production_tls, staging_tls, admin_tls, .. } = running.addresses;
    let [production_tls, staging_tls, admin_tls] = [production_tls, staging_tls, admin_tls]
        .map(|address| address.map(tracing::field::display));
    tracing::info!(
        %production, %staging, %admin, production_tls, staging_tls, admin_tls,
        "serin serves"
    );
    signals.wait(std::future::pending());
    signals.drain(running)
}
