//! A TOML file that a person wrote: tables and values that know their line, and every
//! mistake of it at once.

mod duration;
mod error;
mod findings;
mod shares;
mod spelling;
mod table;

use std::fs::File;
use std::io::Read;
use std::path::Path;

pub use duration::duration;
pub use error::{Finding, Mistakes, ReadError};
pub use shares::shares;
pub use table::{Table, Value};

/// Reads a text whose whole table may hold the keys `known`. With what comes of it come
/// the warnings; whatever `check` makes of a text with mistakes is thrown away.
pub fn parse<T>(
    text: &str,
    known: &[&str],
    check: impl FnOnce(&Table<'_>) -> T,
) -> Result<(T, Vec<Finding>), Mistakes> {
    let (checked, findings) =
        findings::read(text, |tree, findings| check(&Table::root(tree, findings, known)));
    let warnings = findings.verdict()?;
    Ok((checked, warnings))
}

/// Reads the file at `path`, a `what` of at most `max_bytes`.
pub fn read<T>(
    path: &Path,
    what: &'static str,
    max_bytes: u64,
    parse: impl FnOnce(&str) -> Result<T, Mistakes>,
) -> Result<T, ReadError> {
    let path = path.to_owned();
    let read = File::open(&path).and_then(|file| {
        let mut bytes = Vec::new();
        file.take(max_bytes + 1).read_to_end(&mut bytes)?;
        Ok(bytes)
    });
    let bytes = match read {
        Ok(bytes) => bytes,
        Err(source) => return Err(ReadError::Unreadable { what, path, source }),
    };
    if bytes.len() as u64 > max_bytes {
        return Err(ReadError::TooLong { what, path, max_bytes });
    }
    let text = match str::from_utf8(&bytes) {
        Ok(text) => text,
        Err(error) => {
            let before = &bytes[..error.valid_up_to()];
            let line = before.split(|byte| *byte == b'\n').count();
            return Err(ReadError::NotText { what, path, line });
        }
    };
    parse(text).map_err(|source| ReadError::Mistakes { what, path, source })
}
