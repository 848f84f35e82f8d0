//! `serin serve`.

use std::path::Path;

use tokio::signal::unix::Signal;

use super::descriptors::raise_limit;
use super::failure::with_causes;
use super::inherited::Inherited;
use super::reload::{ReloadError, Reloader};
use super::running::start_on;
use super::signals::Signals;
use super::systemd::ServiceManager;
use super::warnings::warnings;
use super::watched::Watched;
use super::{Addresses, Failure};
use crate::config::{Config, ReadError};

/// Serves what the file at `path` describes until SIGINT or SIGTERM, then drains. Takes
/// the file again at SIGHUP, and when it holds something else.
pub fn serve(path: &Path) -> Result<(), Failure> {
    let inherited = Inherited::from_environment();
    let manager = ServiceManager::from_environment();
    // Before it is read, so that no change goes unseen.
    let watched = Watched::new(path);
    let config = Config::read(path)?;
    warn_of(path, &config);
    raise_limit();
    let mut signals = Signals::catch()?;
    let mut running = start_on(inherited, &config)?;
    let Addresses { production, staging, admin, .. } = running.addresses;
    let Addresses { production_tls, staging_tls, admin_tls, .. } = running.addresses;
    let serves =
        format!("serves production on {production}, staging on {staging}, admin on {admin}");
    let [production_tls, staging_tls, admin_tls] = [production_tls, staging_tls, admin_tls]
        .map(|address| address.map(tracing::field::display));
    tracing::info!(
        %production, %staging, %admin, production_tls, staging_tls, admin_tls,
        "serin serves"
    );
    manager.ready(&serves);
    let mut file = File { path, watched, manager: &manager, serves: &serves };
    signals.wait(async |hangup| file.follow(hangup, &mut running.reloader).await);
    manager.stopping(running.drain());
    signals.drain(running)
}

fn warn_of(path: &Path, config: &Config) {
    for warning in warnings(config) {
        tracing::warn!("{}: {warning}", path.display());
    }
}

/// The config that is served, as a file that may change.
struct File<'a> {
    path: &'a Path,
    watched: Watched,
    manager: &'a ServiceManager,
    /// What the service manager is told while all is well.
    serves: &'a str,
}

impl File<'_> {
    /// Reloads for ever.
    async fn follow(&mut self, hangup: &mut Signal, reloader: &mut Reloader) {
        loop {
            let cause = tokio::select! {
                Some(()) = hangup.recv() => "SIGHUP",
                () = self.watched.changed() => "the file has changed",
            };
            self.reload(cause, reloader).await;
        }
    }

    async fn reload(&mut self, cause: &str, reloader: &mut Reloader) {
        let path = self.path.display();
        tracing::info!(%path, cause, "serin reloads the config");
        self.manager.reloading();
        match self.take(reloader).await {
            Ok(()) => {
                tracing::info!(%path, "{cause}: the config is in effect");
                self.manager.ready(self.serves);
            }
            Err(error) => {
                let reason = self.tell(&error);
                tracing::error!(
                    %path,
                    "{cause}: the config was refused, and all is as it was: {reason}"
                );
                let status = format!("{}; another config was refused: {reason}", self.serves);
                self.manager.ready(&status);
            }
        }
    }

    async fn take(&mut self, reloader: &mut Reloader) -> Result<(), ReloadError> {
        if !self.watched.is_file() {
            return Err(ReloadError::NoFile(self.path.to_owned()));
        }
        self.watched.look_again();
        let config = Config::read(self.path)?;
        let disagreements = reloader.reload(&config).await?;
        warn_of(self.path, &config);
        for warning in disagreements {
            tracing::warn!("{warning}");
        }
        Ok(())
    }

    /// Logs every mistake with its line. Why the config was refused, on one line.
    fn tell(&self, error: &ReloadError) -> String {
        if let ReloadError::Config(ReadError::Mistakes { source, .. }) = error {
            for mistake in source.findings() {
                tracing::error!("{}: {mistake}", self.path.display());
            }
            return error.to_string();
        }
        with_causes(error)
    }
}
