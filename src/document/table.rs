//! Tables and values that know their place, and report what is not as asked.

use std::fmt::Display;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::findings::Findings;
use super::spelling::nearest;

/// A table of the file, or an empty one where it is not written.
pub struct Table<'a> {
    path: String,
    at: usize,
    entries: Option<&'a DeTable<'a>>,
    findings: &'a Findings,
}

impl<'a> Table<'a> {
    /// The whole file, which may hold the keys `known`.
    pub(super) fn root(entries: &'a DeTable<'a>, findings: &'a Findings, known: &[&str]) -> Self {
        let root = Self { path: String::new(), at: 0, entries: Some(entries), findings };
        root.refuse_unknown(known);
        root
    }

    /// The table `key`, which may hold the keys `known`; empty if it is not written.
    #[must_use]
    pub fn section(&self, key: &str, known: &[&str]) -> Self {
        let written = self.get(key).and_then(|value| value.table(known));
        written.unwrap_or_else(|| Self {
            path: self.path_of(key),
            at: self.at,
            entries: None,
            findings: self.findings,
        })
    }

    /// The tables of `[[key]]`, which may hold the keys `known`.
    pub fn tables(&self, key: &str, known: &[&str]) -> Vec<Self> {
        match self.get(key) {
            Some(value) if matches!(value.written, DeValue::Table(_)) => {
                value.refuse(format!("there may be several: write `[[{}]]`", value.path));
                Vec::new()
            }
            Some(value) => value.list().iter().flatten().filter_map(|v| v.table(known)).collect(),
            None => Vec::new(),
        }
    }

    pub fn get(&self, key: &str) -> Option<Value<'a>> {
        let value = self.entries?.get(key)?;
        Some(Value::new(self.path_of(key), value, self.findings))
    }

    /// As [`Table::get`], and refuses a table without it.
    pub fn required(&self, key: &str) -> Option<Value<'a>> {
        let value = self.get(key);
        if value.is_none() && self.findings.all_is_toml() {
            self.findings.mistake(self.at, &self.path_of(key), &"is missing");
        }
        value
    }

    /// As [`Value::refuse_together`], of what the table lacks.
    pub fn refuse_together(&self, why: impl Display) {
        if self.findings.all_is_toml() {
            self.findings.mistake(self.at, &self.path, &why);
        }
    }

    fn refuse_unknown(&self, known: &[&str]) {
        for key in self.entries.iter().flat_map(|entries| entries.keys()) {
            let written: &str = key.get_ref();
            if known.contains(&written) {
                continue;
            }
            let advice = match nearest(written, known) {
                Some(meant) => format!("unknown key; did you mean `{meant}`?"),
                None => format!("unknown key; there are `{}`", known.join("`, `")),
            };
            self.findings.unknown_key(key.span().start, &self.path_of(written), &advice);
        }
    }

    fn path_of(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }
}

/// A value of the file. What is not as asked is reported, and `None`.
pub struct Value<'a> {
    path: String,
    at: usize,
    written: &'a DeValue<'a>,
    findings: &'a Findings,
}

impl<'a> Value<'a> {
    fn new(path: String, value: &'a Spanned<DeValue<'a>>, findings: &'a Findings) -> Self {
        Self { path, at: value.span().start, written: value.get_ref(), findings }
    }

    pub fn line(&self) -> usize {
        self.findings.line(self.at)
    }

    pub fn refuse(&self, why: impl Display) {
        self.findings.mistake(self.at, &self.path, &why);
    }

    /// As [`Value::refuse`], where the mistake shows only beside other values:
    /// one of those may be on a line that could not be read.
    pub fn refuse_together(&self, why: impl Display) {
        if self.findings.all_is_toml() {
            self.refuse(why);
        }
    }

    /// Says what is allowed and may not be meant.
    pub fn warn(&self, why: impl Display) {
        self.findings.warning(self.at, &self.path, &why);
    }

    pub fn text(&self) -> Option<&'a str> {
        match self.written {
            DeValue::String(text) => Some(text),
            _ => self.refuse_type("a string in quotes"),
        }
    }

    /// What `parse` makes of the text.
    pub fn parsed<T, E: Display>(&self, parse: impl FnOnce(&str) -> Result<T, E>) -> Option<T> {
        parse(self.text()?).map_err(|error| self.refuse(error)).ok()
    }

    /// A number from 0 up.
    pub fn whole(&self) -> Option<u64> {
        match self.written {
            DeValue::Integer(integer) => {
                let number = u64::from_str_radix(integer.as_str(), integer.radix());
                number.map_err(|_| self.refuse(format!("{integer} is out of range"))).ok()
            }
            _ => self.refuse_type("a whole number"),
        }
    }

    /// A number that may have a fraction; neither infinite nor nothing at all.
    pub fn number(&self) -> Option<f64> {
        let number = match self.written {
            DeValue::Integer(integer) if integer.radix() == 10 => integer.as_str().parse(),
            DeValue::Float(float) => float.as_str().parse(),
            _ => return self.refuse_type("a number"),
        };
        let number = number.ok().filter(|number: &f64| number.is_finite());
        if number.is_none() {
            self.refuse("is out of range");
        }
        number
    }

    pub fn switch(&self) -> Option<bool> {
        match self.written {
            DeValue::Boolean(switch) => Some(*switch),
            _ => self.refuse_type("`true` or `false`"),
        }
    }

    pub fn list(&self) -> Option<Vec<Self>> {
        match self.written {
            DeValue::Array(array) => {
                let item = |item| Self::new(self.path.clone(), item, self.findings);
                Some(array.iter().map(item).collect())
            }
            _ => self.refuse_type("a list in brackets"),
        }
    }

    pub fn table(&self, known: &[&str]) -> Option<Table<'a>> {
        match self.written {
            DeValue::Table(entries) => {
                let (path, at, findings) = (self.path.clone(), self.at, self.findings);
                let table = Table { path, at, entries: Some(entries), findings };
                table.refuse_unknown(known);
                Some(table)
            }
            _ => self.refuse_type("a table"),
        }
    }

    /// Whether this is `[[..]]`, at least once.
    pub fn holds_tables(&self) -> bool {
        match self.written {
            DeValue::Array(array) => !array.is_empty(),
            _ => false,
        }
    }

    fn refuse_type<T>(&self, expected: &str) -> Option<T> {
        let written = match self.written {
            DeValue::String(_) => "a string",
            DeValue::Integer(_) => "an integer",
            DeValue::Float(_) => "a float",
            DeValue::Boolean(_) => "a boolean",
            DeValue::Datetime(_) => "a date",
            DeValue::Array(_) => "a list",
            DeValue::Table(_) => "a table",
        };
        self.refuse(format!("must be {expected}, not {written}"));
        None
    }
}
