//! A file that is looked at from time to time, for whether it holds something else.

use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use xxhash_rust::xxh3::xxh3_64;

/// How often to look. A change is taken once two looks in a row have seen the same, so
/// that a file which is being written is not read by halves.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Looked at, and not watched by the kernel's means: those follow a file and not its
/// name, while editors replace files and orchestrators exchange links to folders.
pub(super) struct Watched {
    path: PathBuf,
    seen: Option<Stamp>,
    /// Differs from `seen`, since the last look.
    changing: Option<Stamp>,
    digest: Option<u64>,
}

/// What tells without reading that a file is another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    device: u64,
    inode: u64,
    length: u64,
    written: (i64, i64),
    changed: (i64, i64),
}

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            length: metadata.len(),
            written: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }
}

impl Watched {
    /// The file as it is now.
    pub(super) fn new(path: &Path) -> Self {
        let mut watched = Self { path: path.to_owned(), seen: None, changing: None, digest: None };
        watched.look_again();
        watched
    }

    /// Whether it can be read any number of times; a pipe cannot.
    pub(super) fn is_file(&self) -> bool {
        fs::metadata(&self.path).is_ok_and(|metadata| metadata.is_file())
    }

    /// Takes the file as it is now for what is known.
    pub(super) fn look_again(&mut self) {
        self.seen = self.stamp();
        self.changing = None;
        self.digest = self.seen.and_then(|_| self.read());
    }

    /// Ends when the file holds something else than is known, which is then known.
    pub(super) async fn changed(&mut self) {
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            if self.look() {
                return;
            }
        }
    }

    fn look(&mut self) -> bool {
        // While it is replaced there may be none.
        let Some(stamp) = self.stamp() else { return false };
        if Some(stamp) == self.seen {
            self.changing = None;
            return false;
        }
        if self.changing.replace(stamp) != Some(stamp) {
            return false;
        }
        let Some(digest) = self.read() else { return false };
        self.seen = self.changing.take();
        self.digest.replace(digest) != Some(digest)
    }

    fn stamp(&self) -> Option<Stamp> {
        let metadata = fs::metadata(&self.path).ok().filter(Metadata::is_file)?;
        Some(Stamp::of(&metadata))
    }

    fn read(&self) -> Option<u64> {
        fs::read(&self.path).ok().map(|text| xxh3_64(&text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_seen_once_it_has_settled_and_whatever_the_way() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("serin.toml"), "one").unwrap();
        let mut watched = Watched::new(&at("serin.toml"));
        let mut two_looks = || [watched.look(), watched.look(), watched.look()];
        assert_eq!(two_looks(), [false, false, false]);

        fs::write(at("serin.toml"), "two").unwrap();
        assert_eq!(two_looks(), [false, true, false]);
        // As an editor does it.
        fs::write(at("new"), "six").unwrap();
        fs::rename(at("new"), at("serin.toml")).unwrap();
        assert_eq!(two_looks(), [false, true, false]);
        // Another file with the same text.
        fs::write(at("new"), "six").unwrap();
        fs::rename(at("new"), at("serin.toml")).unwrap();
        assert_eq!(two_looks(), [false, false, false]);
        // Gone for a while.
        fs::remove_file(at("serin.toml")).unwrap();
        assert_eq!(two_looks(), [false, false, false]);
        fs::write(at("serin.toml"), "ten").unwrap();
        assert_eq!(two_looks(), [false, true, false]);
    }

    #[test]
    fn a_file_that_is_being_written_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("serin.toml");
        fs::write(&path, "").unwrap();
        let mut watched = Watched::new(&path);
        for length in 1..5 {
            fs::write(&path, "x".repeat(length)).unwrap();
            assert!(!watched.look());
        }
        assert!(watched.look());
    }

    #[test]
    fn what_is_no_file_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let watched = Watched::new(folder.path());
        assert!(!watched.is_file());
        assert_eq!((watched.seen, watched.digest), (None, None));
    }
}
