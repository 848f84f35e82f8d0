//! The file that the page goes to.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::PathBuf;

use super::number::one_line;

/// The page cannot be put where it was asked for.
#[derive(Debug, thiserror::Error)]
#[error("cannot write the report `{}`", one_line(&path.to_string_lossy()))]
pub struct Unwritable {
    path: PathBuf,
    source: io::Error,
}

/// Open from before the run. What it had before stays until there is something to put in
/// its place; if it was not there before and nothing comes, it is taken away again.
#[derive(Debug)]
pub struct PageFile {
    path: PathBuf,
    file: File,
    is_new: bool,
}

impl PageFile {
    pub fn open(path: PathBuf) -> Result<Self, Unwritable> {
        let mut options = OpenOptions::new();
        options.write(true);
        let opened = match options.clone().create_new(true).open(&path) {
            Ok(file) => Ok((file, true)),
            Err(_) => options.open(&path).map(|file| (file, false)),
        };
        match opened {
            Ok((file, is_new)) => Ok(Self { path, file, is_new }),
            Err(source) => Err(Unwritable { path, source }),
        }
    }

    pub fn write(mut self, page: &str) -> Result<(), Unwritable> {
        self.is_new = false;
        // A pipe has nothing to take away.
        let is_file = self.file.metadata().is_ok_and(|it| it.is_file());
        let emptied = if is_file { self.file.set_len(0) } else { Ok(()) };
        let written = emptied.and_then(|()| self.file.write_all(page.as_bytes()));
        written.map_err(|source| Unwritable { path: self.path.clone(), source })
    }
}

impl Drop for PageFile {
    fn drop(&mut self) {
        if self.is_new {
            // Empty, and nobody has asked for that.
            drop(fs::remove_file(&self.path));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_as_it_was_until_there_is_a_page() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.html");
        drop(PageFile::open(path.clone()).unwrap());
        assert!(!path.exists());
        fs::write(&path, "a long one that was there before").unwrap();
        drop(PageFile::open(path.clone()).unwrap());
        assert!(fs::read_to_string(&path).unwrap().starts_with("a long one"));
        PageFile::open(path.clone()).unwrap().write("a page").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "a page");
        let failed = PageFile::open(folder.path().join("no/where")).map(drop).unwrap_err();
        assert!(failed.to_string().contains("no/where"), "{failed}");
    }
}
