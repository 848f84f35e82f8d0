//! Where a verb tells what it found.

use std::fmt::Display;
use std::io::Write;

use serde_json::Value;

use super::error::OperateError;
use crate::report::Table;

const BOLD: &str = "\x1b[1m";
const RED: &str = "\x1b[31m";
const PLAIN: &str = "\x1b[0m";

/// What is told goes to `out`: as JSON, or for people.
pub struct Output<'a> {
    pub out: &'a mut dyn Write,
    pub as_json: bool,
    /// Whether who reads wants colours.
    pub in_colour: bool,
}

impl Output<'_> {
    /// One document, on one line.
    pub(super) fn json(&mut self, document: &Value) -> Result<(), OperateError> {
        self.line(document)
    }

    pub(super) fn line(&mut self, text: impl Display) -> Result<(), OperateError> {
        writeln!(self.out, "{text}").map_err(OperateError::Output)
    }

    /// What must not be overlooked.
    pub(super) fn alarm(&mut self, text: impl Display) -> Result<(), OperateError> {
        self.painted(RED, text)
    }

    /// A table, of whose rows these must not be overlooked.
    pub(super) fn table(&mut self, table: &Table, alarms: &[usize]) -> Result<(), OperateError> {
        for (number, line) in table.to_string().lines().enumerate() {
            match number.checked_sub(1) {
                None => self.painted(BOLD, line)?,
                Some(row) if alarms.contains(&row) => self.painted(RED, line)?,
                Some(_) => self.line(line)?,
            }
        }
        Ok(())
    }

    fn painted(&mut self, colour: &str, text: impl Display) -> Result<(), OperateError> {
        if self.in_colour {
            self.line(format_args!("{colour}{text}{PLAIN}"))
        } else {
            self.line(text)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Column;

    #[test]
    fn colours_are_there_for_who_wants_them_alone() {
        let mut table = Table::new(&[Column::Left("version"), Column::Right("asked")]);
        table.row(["1", "90 %"].map(str::to_owned));
        table.row(["2", "10 %"].map(str::to_owned));
        let printed = |in_colour| {
            let mut out = Vec::new();
            let mut output = Output { out: &mut out, as_json: false, in_colour };
            output.table(&table, &[1]).unwrap();
            String::from_utf8(out).unwrap()
        };
        let plain = "version  asked\n1         90 %\n2         10 %\n";
        assert_eq!(printed(false), plain);
        let red = printed(true);
        assert_eq!(red.replace(BOLD, "").replace(RED, "").replace(PLAIN, ""), plain);
        assert!(red.contains("\x1b[31m2         10 %\x1b[0m\n"), "{red:?}");
        assert!(red.contains("\n1         90 %\n"), "{red:?}");
    }
}
