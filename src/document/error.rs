//! What is wrong with a file, for the eyes of whoever wrote it.

use std::fmt;
use std::io;
use std::path::PathBuf;

/// One remark about one line: a mistake, or what is allowed and surprising.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// From 1.
    pub line: usize,
    /// The key it is about, such as `routine.name`; empty where the line is no TOML.
    pub key: String,
    /// What is wrong, on one line.
    pub text: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: ", self.line)?;
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        f.write_str(&self.text)
    }
}

/// Every mistake of a file, by line, so that all are mended in one go. Prints
/// one a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistakes(Vec<Finding>);

impl Mistakes {
    pub(super) fn new(findings: Vec<Finding>) -> Self {
        Self(findings)
    }

    pub fn findings(&self) -> &[Finding] {
        &self.0
    }
}

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, finding) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            finding.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for Mistakes {}

/// Why a file is not what it should be, such as `config`.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    #[error("cannot read the {what} `{}`", path.display())]
    Unreadable { what: &'static str, path: PathBuf, source: io::Error },
    #[error("the {what} `{}` is longer than {max_bytes} bytes", path.display())]
    TooLong { what: &'static str, path: PathBuf, max_bytes: u64 },
    #[error("the {what} `{}` is not UTF-8 on line {line}", path.display())]
    NotText { what: &'static str, path: PathBuf, line: usize },
    #[error("the {what} `{}` has mistakes", path.display())]
    Mistakes { what: &'static str, path: PathBuf, source: Mistakes },
}
