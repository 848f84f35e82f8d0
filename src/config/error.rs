//! What is wrong with a config, for the operator's eyes.

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

/// Every mistake of a config, by line, so that all are mended in one go. Prints
/// one a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError(Vec<Finding>);

impl ConfigError {
    pub(super) fn new(findings: Vec<Finding>) -> Self {
        Self(findings)
    }

    pub fn findings(&self) -> &[Finding] {
        &self.0
    }
}

impl fmt::Display for ConfigError {
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

impl std::error::Error for ConfigError {}

/// Why a file is no config.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    #[error("cannot read the config `{}`", path.display())]
    Unreadable { path: PathBuf, source: io::Error },
    #[error("the config `{}` is longer than {max_bytes} bytes", path.display())]
    TooLong { path: PathBuf, max_bytes: u64 },
    #[error("the config `{}` is not UTF-8 on line {line}", path.display())]
    NotText { path: PathBuf, line: usize },
    #[error("the config `{}` has mistakes", path.display())]
    Mistakes { path: PathBuf, source: ConfigError },
}
