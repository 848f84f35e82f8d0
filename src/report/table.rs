//! Tables of text.

use std::fmt;
use std::fmt::Write;

/// How a column stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Column {
    Left(&'static str),
    Right(&'static str),
}

/// Rows below their titles, each column as wide as it must be.
#[derive(Debug, Clone)]
pub struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub fn new(columns: &[Column]) -> Self {
        Self { columns: columns.to_vec(), rows: Vec::new() }
    }

    /// What is missing at the end of a row is left empty.
    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().take(self.columns.len()).collect());
    }

    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }
}

impl Column {
    const fn title(self) -> &'static str {
        match self {
            Self::Left(title) | Self::Right(title) => title,
        }
    }
}

impl fmt::Display for Table {
    /// Lines that each end, without spaces at their ends.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let titles: Vec<_> = self.columns.iter().map(|column| column.title().to_owned()).collect();
        let length = |text: &String| text.chars().count();
        let width = |at: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(at));
            cells.chain([&titles[at]]).map(length).max().unwrap_or_default()
        };
        let widths: Vec<_> = (0..self.columns.len()).map(width).collect();
        for row in std::iter::once(&titles).chain(&self.rows) {
            let mut line = String::new();
            for ((cell, column), &width) in row.iter().zip(&self.columns).zip(&widths) {
                if !line.is_empty() || column != &self.columns[0] {
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
    fn columns_are_as_wide_as_they_must_be() {
        let mut table =
            Table::new(&[Column::Left("version"), Column::Right("keys"), Column::Left("note")]);
        table.row(["17".to_owned(), "12,345".to_owned(), "é".to_owned()]);
        table.row(["18".to_owned(), "7".to_owned()]);
        let expected = "\
version    keys  note
17       12,345  é
18            7
";
        assert_eq!(table.to_string(), expected);
    }
}
