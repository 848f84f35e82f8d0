//! The one list of what is wrong with a file, which starts with what is no TOML.

use std::cell::RefCell;
use std::collections::HashSet;
use std::fmt::Display;

use toml::de::DeTable;

use super::error::{Finding, Mistakes};

/// Reads as much of `text` as is TOML, and starts the list with what is not.
///
/// The parser stops at a line such as `workers 2`, which has a key and no `=`. Such
/// lines are told, then made blank and the rest is read again, so that they hide
/// nothing.
pub(super) fn read<T>(
    text: &str,
    check: impl FnOnce(&DeTable<'_>, &Findings) -> T,
) -> (T, Findings) {
    let (tree, errors) = DeTable::parse_recoverable(text);
    let mut findings = Findings::new(text);
    findings.add_syntax(text, &errors);
    let rest = findings.without_bare_keys(text);
    if rest == text {
        return (check(tree.get_ref(), &findings), findings);
    }
    let (tree, errors) = DeTable::parse_recoverable(&rest);
    findings.add_syntax(text, &errors);
    (check(tree.get_ref(), &findings), findings)
}

/// What was found so far, by place.
///
/// Reading goes on after a mistake, so every value can report here (hence the
/// cells); [`Findings::verdict`] is asked at the end.
pub(super) struct Findings {
    line_starts: Vec<usize>,
    /// Lines that are no TOML. What else was understood of them is a guess.
    broken_lines: HashSet<usize>,
    /// Lines below a table's header that is broken: whose keys they are is unknown.
    headless_lines: HashSet<usize>,
    mistakes: RefCell<Vec<(usize, Finding)>>,
    warnings: RefCell<Vec<(usize, Finding)>>,
}

impl Findings {
    fn new(text: &str) -> Self {
        let newlines = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        Self {
            line_starts: std::iter::once(0).chain(newlines.map(|(at, _)| at + 1)).collect(),
            broken_lines: HashSet::new(),
            headless_lines: HashSet::new(),
            mistakes: RefCell::default(),
            warnings: RefCell::default(),
        }
    }

    /// Adds what is no TOML: the first of each line, since the parser's next ones
    /// follow from it.
    fn add_syntax(&mut self, text: &str, errors: &[toml::de::Error]) {
        let span = |error: &toml::de::Error| error.span().unwrap_or_default();
        let mut errors: Vec<_> =
            errors.iter().map(|error| (span(error), error.message())).collect();
        errors.sort_by_key(|(span, _)| span.start);
        for (span, message) in errors {
            if !self.broken_lines.insert(self.line(span.start)) {
                continue;
            }
            // What was expected says it all; what was not, such as a duplicate, does not.
            let written = text.get(span.clone()).filter(|text| !text.is_empty());
            let finding = match written.filter(|_| !message.contains("expected")) {
                Some(written) => self.finding(span.start, "", &format!("{message}: `{written}`")),
                None => self.finding(span.start, "", &message),
            };
            self.mistakes.get_mut().push((span.start, finding));
        }
        let mut headless = false;
        for (number, line) in (1..).zip(text.split('\n')) {
            if line.trim_start().starts_with('[') {
                headless = self.broken_lines.contains(&number);
            } else if headless {
                self.headless_lines.insert(number);
            }
        }
    }

    /// The text with blanks for its broken lines that neither assign nor nest: every
    /// byte of the others keeps its place.
    fn without_bare_keys(&self, text: &str) -> String {
        let blank = |(index, line): (usize, &str)| {
            let bare = !line.contains(['=', '[', ']', '{', '}']) && !line.contains("\"\"\"");
            if bare && !line.contains("'''") && self.broken_lines.contains(&(index + 1)) {
                " ".repeat(line.len())
            } else {
                line.to_owned()
            }
        };
        text.split('\n').enumerate().map(blank).collect::<Vec<_>>().join("\n")
    }

    pub(super) fn line(&self, at: usize) -> usize {
        self.line_starts.partition_point(|start| *start <= at)
    }

    /// The mistakes if there are any, else the warnings; both by line.
    pub(super) fn verdict(self) -> Result<Vec<Finding>, Mistakes> {
        let mistakes = by_place(self.mistakes.into_inner());
        if mistakes.is_empty() {
            Ok(by_place(self.warnings.into_inner()))
        } else {
            Err(Mistakes::new(mistakes))
        }
    }

    /// Reports a mistake, unless its line is no TOML: then it is a guess.
    pub(super) fn mistake(&self, at: usize, key: &str, why: &dyn Display) {
        let finding = self.finding(at, key, why);
        if !self.broken_lines.contains(&finding.line) {
            self.mistakes.borrow_mut().push((at, finding));
        }
    }

    /// As [`Findings::mistake`], of a key that its table does not have.
    pub(super) fn unknown_key(&self, at: usize, key: &str, advice: &dyn Display) {
        if !self.headless_lines.contains(&self.line(at)) {
            self.mistake(at, key, advice);
        }
    }

    pub(super) fn warning(&self, at: usize, key: &str, why: &dyn Display) {
        self.warnings.borrow_mut().push((at, self.finding(at, key, why)));
    }

    /// Whether what is missing is missing indeed, and not on a broken line.
    pub(super) fn all_is_toml(&self) -> bool {
        self.broken_lines.is_empty()
    }

    fn finding(&self, at: usize, key: &str, text: &dyn Display) -> Finding {
        let (key, text) = (printable(key), printable(&text.to_string()));
        Finding { line: self.line(at), key, text }
    }
}

fn by_place(mut findings: Vec<(usize, Finding)>) -> Vec<Finding> {
    findings.sort_by_key(|(at, _)| *at);
    findings.into_iter().map(|(_, finding)| finding).collect()
}

/// Keeps a finding on its line, and the terminal as it is.
fn printable(text: &str) -> String {
    let mut printable = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() {
            printable.extend(c.escape_default());
        } else {
            printable.push(c);
        }
    }
    printable
}
