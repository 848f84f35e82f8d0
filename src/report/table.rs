//! Tables of text.

use std::fmt;
use std::fmt::Write;

use super::number::one_line;

/// How a column stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Column {
    Left(&'static str),
    Right(&'static str),
}

/// Rows below their titles, each column as wide as it must be. A column in which no row
/// has anything is left out.
#[derive(Debug, Clone)]
pub struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub fn new(columns: &[Column]) -> Self {
        Self { columns: columns.to_vec(), rows: Vec::new() }
    }

    /// What is missing at the end of a row is left empty. Whatever a cell says, it is one
    /// line and moves no cursor.
    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        let cells = cells.into_iter().take(self.columns.len());
        self.rows.push(cells.map(|cell| one_line(&cell)).collect());
    }

    pub(super) fn rows(&self) -> &[Vec<String>] {
        &self.rows
    }

    /// The columns in which there is anything, with their places in a row.
    pub(super) fn filled(&self) -> Vec<(usize, Column)> {
        let columns = self.columns.iter().copied().enumerate();
        let is_filled = |at| self.rows.is_empty() || self.cells(at).next().is_some();
        columns.filter(|(at, _)| is_filled(*at)).collect()
    }

    fn cells(&self, at: usize) -> impl Iterator<Item = &str> {
        let cells = self.rows.iter().filter_map(move |row| row.get(at));
        cells.map(String::as_str).filter(|cell| !cell.is_empty())
    }
}

impl Column {
    pub(super) const fn title(self) -> &'static str {
        match self {
            Self::Left(title) | Self::Right(title) => title,
        }
    }
}

impl fmt::Display for Table {
    /// Lines that each end, without spaces at their ends.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns: Vec<_> = self
            .filled()
            .into_iter()
            .map(|(at, column)| {
                let texts = self.cells(at).chain([column.title()]);
                let width = texts.map(|text| text.chars().count()).max().unwrap_or_default();
                (at, column, width)
            })
            .collect();
        let mut line = String::new();
        for row in std::iter::once(None).chain(self.rows.iter().map(Some)) {
            line.clear();
            for (number, &(at, column, width)) in columns.iter().enumerate() {
                let cell = match row {
                    Some(row) => row.get(at).map(String::as_str).unwrap_or_default(),
                    None => column.title(),
                };
                if number > 0 {
                    line.push_str("  ");
                }
                match column {
                    Column::Left(_) => write!(line, "{cell:<width$}")?,
                    Column::Right(_) => write!(line, "{cell:>width$}")?,
                }
            }
            writeln!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_they_must_be_and_empty_ones_are_left_out() {
        let mut table =
            Table::new(&["version", "keys", "empty", "note"].map(|title| match title {
                "keys" => Column::Right(title),
                title => Column::Left(title),
            }));
        table.row(["17", "12,345", "", "é"].map(str::to_owned));
        table.row(["18", "7"].map(str::to_owned));
        let expected = "\
version    keys  note
17       12,345  é
18            7
";
        assert_eq!(table.to_string(), expected);
    }
}
