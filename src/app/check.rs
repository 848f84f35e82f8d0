//! `serin check`.

use std::io::{self, Write};
use std::path::Path;

use serde_json::json;

use super::Failure;
use super::warnings::warnings;
use crate::config::{Config, Finding, ReadError};

/// Reports every mistake of the file at `path` at once.
pub fn check(path: &Path, as_json: bool, out: &mut impl Write) -> Result<(), Failure> {
    let (mistakes, warnings) = match Config::read(path) {
        Ok(config) => (Vec::new(), warnings(&config)),
        Err(ReadError::Mistakes { source, .. }) => (source.findings().to_vec(), Vec::new()),
        Err(other) => return Err(other.into()),
    };
    match report(path, &mistakes, &warnings, as_json, out) {
        // Whoever reads has seen enough; the verdict is the same.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            return Err(Failure::Output(error));
        }
        _ => {}
    }
    if mistakes.is_empty() { Ok(()) } else { Err(Failure::Found) }
}

fn report(
    path: &Path,
    mistakes: &[Finding],
    warnings: &[Finding],
    as_json: bool,
    out: &mut impl Write,
) -> io::Result<()> {
    let file = path.display();
    if as_json {
        let list = |findings: &[Finding]| -> Vec<_> {
            let findings = findings.iter();
            findings.map(|f| json!({ "line": f.line, "key": f.key, "message": f.text })).collect()
        };
        let report = json!({
            "file": file.to_string(),
            "ok": mistakes.is_empty(),
            "mistakes": list(mistakes),
            "warnings": list(warnings),
        });
        writeln!(out, "{report}")?;
    } else {
        for mistake in mistakes {
            writeln!(out, "{file}: {mistake}")?;
        }
        for warning in warnings {
            writeln!(out, "{file}: warning: {warning}")?;
        }
        if mistakes.is_empty() {
            writeln!(out, "{file}: no mistakes")?;
        }
    }
    out.flush()
}
