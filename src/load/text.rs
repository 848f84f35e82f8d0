//! Printing the report.

use std::io::{self, Write};

use super::summary::Summary;
use super::told::told;

/// Prints `summary`: for people, or as one line of JSON.
pub fn print(summary: &Summary, as_json: bool, out: &mut impl Write) -> io::Result<()> {
    let text = if as_json {
        let mut line = serde_json::to_string(summary).map_err(io::Error::other)?;
        line.push('\n');
        line
    } else {
        told(summary, None).to_text()
    };
    out.write_all(text.as_bytes())?;
    out.flush()
}
