//! `serin simulate`.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::edge::ImpossibleScenario;
use super::json::write_json;
use super::page::page;
use super::play::play;
use super::print::print;
use super::progress::bar;
use super::scenario::{NotScalable, Scenario};
use crate::document::ReadError;
use crate::report::{NoPlot, PageFile, Unwritable};

/// What the arguments say beside the scenario.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// In place of the scenario's own.
    pub seed: Option<u64>,
    /// In place of the scenario's, each population with its part of them.
    pub users: Option<u64>,
    pub json: bool,
    pub report: Option<Report>,
}

/// A page that is to be written.
#[derive(Debug, Clone)]
pub struct Report {
    pub path: PathBuf,
    /// What was typed, to have it again.
    pub command: String,
}

/// Why a scenario was not played, or what it claims is not so.
#[derive(Debug, thiserror::Error)]
pub enum SimulateError {
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error("--users {users} {source}")]
    Users { users: u64, source: NotScalable },
    #[error(transparent)]
    Impossible(#[from] ImpossibleScenario),
    #[error(transparent)]
    Report(#[from] Unwritable),
    #[error(transparent)]
    Plot(#[from] NoPlot),
    #[error("cannot write the result")]
    Output(#[source] io::Error),
    /// A check does not hold; it was told.
    #[error("")]
    Failed,
}

impl SimulateError {
    pub fn exit_status(&self) -> u8 {
        match self {
            Self::Read(ReadError::Unreadable { .. }) | Self::Report(_) | Self::Output(_) => 3,
            Self::Users { .. } => 2,
            Self::Read(_) | Self::Impossible(_) | Self::Plot(_) | Self::Failed => 1,
        }
    }
}

/// Plays the scenario at `path`, tells what came of it, and whether its checks hold.
pub fn run(path: &Path, options: &Options, out: &mut impl Write) -> Result<(), SimulateError> {
    let (mut scenario, text) = Scenario::read_with_text(path)?;
    scenario.seed = options.seed.unwrap_or(scenario.seed);
    if let Some(users) = options.users {
        let scaled = scenario.with_users(users);
        scenario = scaled.map_err(|source| SimulateError::Users { users, source })?;
    }
    // Whoever waits for a long play is to know before it that the page can be written.
    let file = options.report.as_ref().map(|report| PageFile::open(report.path.clone()));
    let file = file.transpose()?;
    let bar = bar(&scenario);
    let outcome = play(&scenario, &mut |decisions| bar.inc(decisions));
    bar.finish_and_clear();
    let outcome = outcome?;
    // Before the page: where that cannot be written after all, the numbers were told.
    let printed = if options.json { write_json(&outcome, out) } else { print(&outcome, out) };
    let printed = match printed {
        // Whoever reads has seen enough; the verdict is the same.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        printed => printed,
    };
    if let Some((file, report)) = file.zip(options.report.as_ref()) {
        file.write(&page(&scenario, &text, &outcome, &report.command)?)?;
    }
    printed.map_err(SimulateError::Output)?;
    if outcome.holds() { Ok(()) } else { Err(SimulateError::Failed) }
}

#[cfg(test)]
mod tests {
    use super::super::examples::TAKEN_BACK;
    use super::*;

    /// Fails as a device that is full or a pipe that nobody reads.
    struct Broken(io::ErrorKind);

    impl Write for Broken {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn played(report: Option<&Path>, out: &mut impl Write) -> Result<(), SimulateError> {
        let folder = tempfile::tempdir().unwrap();
        let scenario = folder.path().join("scenario.toml");
        std::fs::write(&scenario, TAKEN_BACK).unwrap();
        let report = report.map(|path| Report { path: path.into(), command: "serin".to_owned() });
        run(&scenario, &Options { report, ..Options::default() }, out)
    }

    #[test]
    fn numbers_are_told_even_if_the_page_cannot_be_written() {
        let mut out = Vec::new();
        let error = played(Some(Path::new("/dev/full")), &mut out).unwrap_err();
        assert!(matches!(error, SimulateError::Report(_)), "{error}");
        assert_eq!(error.exit_status(), 3);
        assert!(String::from_utf8(out).unwrap().ends_with("good\n"));
    }

    #[test]
    fn output_that_cannot_be_written_is_told_and_a_reader_who_leaves_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let page = folder.path().join("out.html");
        let error = played(Some(&page), &mut Broken(io::ErrorKind::StorageFull)).unwrap_err();
        assert!(matches!(error, SimulateError::Output(_)), "{error}");
        assert_eq!(error.exit_status(), 3);
        assert!(page.exists(), "the page is there all the same");
        assert!(played(None, &mut Broken(io::ErrorKind::BrokenPipe)).is_ok());
    }
}
