//! `serin rehearse`.

use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Duration;

use super::current::Current;
use super::foresee::{Rehearsal, foresee};
use super::json::write_json;
use super::page::page;
use super::plan::{Planned, steps};
use super::print::print;
use super::source::{Gathered, Users, gather};
use crate::model::{CodeVersion, RoutineName};
use crate::report::{NoPlot, PageFile, Unwritable};

/// What is asked for beside what is deployed.
#[derive(Debug, Clone)]
pub struct Options {
    pub planned: Planned,
    pub users: Users,
    /// Requests of a user that are no further apart are of one session.
    pub session: Duration,
    /// The last canary's newer version and its share, in the place of what the history tells.
    pub last: Option<(String, u64)>,
    pub json: bool,
    /// Where a page is written, too.
    pub report: Option<PathBuf>,
    /// What has it all again.
    pub command: String,
}

/// Why nothing was rehearsed, or what was found.
#[derive(Debug, thiserror::Error)]
pub enum RehearseError {
    #[error("{0}")]
    Usage(String),
    #[error("routine `{0}` has no code version `{1}`")]
    NoVersion(RoutineName, CodeVersion),
    #[error("this is no routine of Serin: {0}")]
    Foreign(String),
    #[error("cannot read `{}`", path.display())]
    Unreadable { path: PathBuf, source: io::Error },
    #[error("{}", broken(path, gathered))]
    Broken { path: PathBuf, gathered: Gathered },
    #[error("no line of `{}` has a `{field}`: name the field of the key with --field", path.display())]
    NoKey { path: PathBuf, field: String },
    #[error("there is nobody to rehearse with: no line names a user")]
    Nobody,
    #[error(transparent)]
    Report(#[from] Unwritable),
    #[error(transparent)]
    Plot(#[from] NoPlot),
    #[error("cannot write the result: {0}")]
    Output(io::Error),
    /// Something is dangerous; it was told.
    #[error("")]
    Danger,
}

fn broken(path: &std::path::Path, gathered: &Gathered) -> String {
    let numbers: Vec<_> = gathered.broken_lines.iter().map(u64::to_string).collect();
    format!(
        "{} of {} lines of `{}` are broken, such as {}: it is another kind of file",
        gathered.broken,
        gathered.lines,
        path.display(),
        numbers.join(", ")
    )
}

impl RehearseError {
    pub const fn exit_status(&self) -> u8 {
        match self {
            Self::Usage(_) => 2,
            Self::Unreadable { .. } | Self::Report(_) => 3,
            Self::NoVersion(..)
            | Self::Foreign(_)
            | Self::Broken { .. }
            | Self::NoKey { .. }
            | Self::Nobody
            | Self::Plot(_)
            | Self::Output(_)
            | Self::Danger => 1,
        }
    }
}

/// Rehearses what is planned where `current` is deployed, tells what would come of it, and
/// whether it is dangerous.
pub fn run(current: Current, options: &Options, out: &mut impl Write) -> Result<(), RehearseError> {
    // Before the work, so that nobody waits for a page that cannot be written.
    let file = options.report.clone().map(PageFile::open).transpose()?;
    let rehearsal = rehearse(current, options)?;
    let written = if options.json { write_json(&rehearsal, out) } else { print(&rehearsal, out) };
    if let Some(file) = file {
        file.write(&page(&rehearsal, &options.command)?)?;
    }
    match written {
        // Whoever reads has seen enough; the verdict is the same.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            return Err(RehearseError::Output(error));
        }
        _ => {}
    }
    if rehearsal.is_good() { Ok(()) } else { Err(RehearseError::Danger) }
}

/// What would come of it.
pub fn rehearse(mut current: Current, options: &Options) -> Result<Rehearsal, RehearseError> {
    let plan = steps(&options.planned, &current)?;
    if let Some((version, percent)) = &options.last {
        current.last = Some(Current::last_of(version, *percent)?);
    }
    let (crowd, gathered) = gather(&options.users, options.session)?;
    Ok(foresee(current, plan, &crowd, gathered))
}
