//! `serin load`.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use rustls::ClientConfig;

use super::error::LoadError;
use super::page::page;
use super::run::run;
use super::secrets::without_secrets;
use super::text::print;
use super::visits::population;
use super::wish::Wish;
use crate::report::PageFile;

/// What the usual limit on descriptors leaves room for.
const MANY_CONNECTIONS: usize = 900;

/// What is around the verb: it has no environment of its own.
pub struct Around<'a> {
    /// Whom to trust.
    pub tls: Arc<ClientConfig>,
    /// Makes room for many descriptors.
    pub raise_limit: fn(),
    /// Turns true when the run is to end.
    pub stopped: Arc<AtomicBool>,
    /// Where what is seen meanwhile is drawn.
    pub terminal: Option<&'a mut dyn Write>,
    /// What was typed, word by word,
    pub words: Vec<String>,
    /// and how a shell takes words.
    pub as_typed: fn(&[String]) -> String,
}

/// Carries `wish` out, tells what came of it, and whether anything was found.
pub fn load(wish: Wish, around: Around<'_>, out: &mut impl Write) -> Result<(), LoadError> {
    let (json, report) = (wish.json, wish.report.clone());
    let plan = wish.plan(around.tls)?;
    if let Some(mistake) = plan.mistake() {
        return Err(LoadError::Usage(mistake));
    }
    // A page that cannot be written is told before the run and not after it.
    let file = report.map(PageFile::open).transpose()?;
    if plan.connections > MANY_CONNECTIONS {
        (around.raise_limit)();
    }
    let (population, target) = (population(&plan.users)?, plan.target.clone());
    let summary = run(plan, around.stopped, around.terminal)?;
    let printed = match print(&summary, json, out) {
        // Whoever reads has seen enough; the verdict is the same.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        printed => printed,
    };
    if let Some(file) = file {
        let command = (around.as_typed)(&without_secrets(around.words, &target));
        file.write(&page(&summary, &population, command)?)?;
    }
    printed.map_err(LoadError::Output)?;
    if summary.ok { Ok(()) } else { Err(LoadError::Found) }
}
