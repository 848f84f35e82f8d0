//! What lines are written to.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::AccessLogError;
use crate::model::LogDestination;

/// Something open.
#[derive(Debug)]
pub(super) struct Sink {
    to: File,
    /// `None` of stdout, which cannot be opened again.
    named: Option<Named>,
    /// The last write ended within a line.
    is_torn: bool,
}

/// A file that may be renamed.
#[derive(Debug)]
struct Named {
    path: PathBuf,
    identity: (u64, u64),
    looked: Instant,
}

impl Sink {
    pub(super) fn open(to: &LogDestination) -> Result<Self, AccessLogError> {
        let sink = match to {
            LogDestination::Stdout => stdout().map_err(|source| ("stdout".into(), source)),
            LogDestination::File(path) => file(path).map_err(|source| (path.clone(), source)),
        };
        sink.map_err(|(path, source)| AccessLogError { path, source })
    }

    /// Writes whole lines in one piece, as far as the system takes them so.
    pub(super) fn write(&mut self, lines: &[u8]) -> io::Result<()> {
        if self.is_torn {
            // What follows half of a line has a line of its own.
            self.to.write_all(b"\n")?;
        }
        self.is_torn = true;
        self.to.write_all(lines)?;
        self.is_torn = false;
        Ok(())
    }

    /// Opens the file again if it has been renamed, and looks no more often than `every` so
    /// long.
    pub(super) fn follow(&mut self, every: Duration) -> io::Result<()> {
        let Some(named) = &mut self.named else { return Ok(()) };
        if named.looked.elapsed() < every {
            return Ok(());
        }
        named.looked = Instant::now();
        let is_the_same = match std::fs::metadata(&named.path) {
            Ok(found) => identity(&found) == named.identity,
            Err(error) if error.kind() == io::ErrorKind::NotFound => false,
            Err(error) => return Err(error),
        };
        if !is_the_same {
            *self = file(&named.path)?;
        }
        Ok(())
    }
}

/// Past the buffer of the standard library, which is flushed at each line.
fn stdout() -> io::Result<Sink> {
    let to = File::from(io::stdout().as_fd().try_clone_to_owned()?);
    Ok(Sink { to, named: None, is_torn: false })
}

fn file(path: &Path) -> io::Result<Sink> {
    // A pipe whose reader is not there yet, or not any more, is no reason to wait or to fail.
    let is_pipe = std::fs::metadata(path).is_ok_and(|found| found.file_type().is_fifo());
    let to = OpenOptions::new().create(!is_pipe).append(true).read(is_pipe).open(path)?;
    let identity = identity(&to.metadata()?);
    let named = Named { path: path.to_owned(), identity, looked: Instant::now() };
    Ok(Sink { to, named: Some(named), is_torn: false })
}

fn identity(of: &Metadata) -> (u64, u64) {
    (of.dev(), of.ino())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn opened(path: &Path) -> Sink {
        Sink::open(&LogDestination::File(path.to_owned())).unwrap()
    }

    #[test]
    fn a_file_is_appended_to_and_followed_by_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let [path, rotated] = ["access.log", "access.log.1"].map(|name| folder.path().join(name));
        fs::write(&path, "before\n").unwrap();
        let mut sink = opened(&path);
        sink.write(b"one\n").unwrap();
        fs::rename(&path, &rotated).unwrap();
        sink.follow(Duration::from_hours(1)).unwrap();
        sink.write(b"two\n").unwrap();
        assert!(!path.exists(), "it was looked at a moment ago");
        sink.follow(Duration::ZERO).unwrap();
        sink.write(b"three\n").unwrap();
        sink.follow(Duration::ZERO).unwrap();
        sink.write(b"four\n").unwrap();
        assert_eq!(fs::read_to_string(&rotated).unwrap(), "before\none\ntwo\n");
        assert_eq!(fs::read_to_string(&path).unwrap(), "three\nfour\n");
    }

    #[test]
    fn a_file_that_was_truncated_is_written_from_its_beginning() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("access.log");
        let mut sink = opened(&path);
        sink.write(b"one\n").unwrap();
        OpenOptions::new().write(true).open(&path).unwrap().set_len(0).unwrap();
        sink.write(b"two\n").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "two\n");
    }

    #[test]
    fn what_follows_half_a_line_has_a_line_of_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("access.log");
        let mut sink = opened(&path);
        sink.write(b"hal").unwrap();
        sink.is_torn = true;
        sink.write(b"whole\n").unwrap();
        sink.write(b"next\n").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "hal\nwhole\nnext\n");
    }

    #[test]
    fn what_cannot_be_opened_is_named() {
        let nowhere = LogDestination::File("/nowhere/access.log".into());
        let error = Sink::open(&nowhere).unwrap_err();
        assert_eq!(error.to_string(), "cannot open the access log `/nowhere/access.log`");
    }
}
