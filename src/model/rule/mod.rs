//! The rule expression of ESA: parsed once, evaluated many times.

mod display;
mod evaluate;
mod facts;
mod field;
mod hosts;
mod needle;
mod parse;
mod pattern;
mod simple;
#[cfg(test)]
mod tests;
mod text;
mod tree;

use super::{Route, RouteError};
pub use facts::Facts;
pub use hosts::HostBound;

/// The longest rule, as written and as [`Rule`] displays itself. ESA: 4 KB.
pub const RULE_MAX_BYTES: usize = 4_096;
/// How deep parentheses and functions may nest. ESA: 2, of parentheses.
pub const RULE_NESTING_MAX: usize = 8;
/// How many conditions a rule may have. ESA: 20.
pub const RULE_CONDITIONS_MAX: usize = 64;
/// How many regular expressions a rule may have: each has tables and caches.
pub const RULE_REGEXES_MAX: usize = 16;

/// Where a text stops being a rule, and what was expected there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("column {column} (byte {position}): {reason}")]
pub struct RuleError {
    /// In bytes, from 0.
    pub position: usize,
    /// In characters, from 1.
    pub column: usize,
    pub reason: String,
}

/// Which requests a route speaks of. Displays as its canonical text.
///
/// ```text
/// rule       any        or-ed conditions; `true` alone is every request
/// any        all { "or" all }
/// all        not { "and" not }
/// not        { "not" } ( "(" any ")" | condition )
/// condition  text ( "eq" | "ne" | "contains" | "matches" ) string
///          | text "in" "{" string { string } "}"
///          | ( "starts_with" | "ends_with" ) "(" text "," string ")"
///          | "exists" "(" field ")" | "ssl" | "true"
///          | "ip.src" ( "eq" | "ne" ) address | "ip.src" "in" "{" network ... "}"
///          | "ip.geoip.asnum" ( "eq" | "ne" | "gt" | "lt" | "ge" | "le" ) integer
///          | "ip.geoip.asnum" "in" "{" integer { integer } "}"
/// text       field | "lower" "(" text ")" | "concat" "(" part { "," part } ")"
///          | "regex_replace" "(" text "," string "," string ")"
/// part       text | string | integer | "ip.src" | "ip.geoip.asnum"
/// ```
///
/// In a string `\"` is a quote and `\\` a backslash; before anything else a
/// backslash stands for itself, so that `"\.html$"` is the regular expression it
/// looks like.
///
/// Where ESA's pages are silent:
///
/// - In the text that `regex_replace` puts in, `${1}` is the first group's and `$$` a dollar
///   sign; another `$` stands for itself.
/// - A text that a request lacks is empty; `exists` tells the two apart. An unknown
///   AS number passes no test but `ne`, which is always the negation of `eq`.
/// - Of a header field that comes twice the first line counts, of a cookie the
///   first of that name.
/// - Case is ignored in `http.host`, `http.referer` and
///   `http.request.uri.path.extension` when they are compared themselves. Inside a
///   function the host and the extension are in lower case.
/// - Only ASCII has case, in regular expressions too, which read octets and are
///   those of linear time: no back-references, no look-around.
/// - A full URI has no port, as the host has none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule(tree::Node);

impl Rule {
    pub fn parse(text: &str) -> Result<Self, RuleError> {
        parse::rule(text).map(Self)
    }

    /// Allocates nothing, with two exceptions. The caches of the regular expressions
    /// grow, to a bound, while they meet texts of a new kind. And a text that a
    /// function made for a regular expression to read lies on the stack up to 4 KB
    /// and on the heap beyond; one of more than 64 KB matches none.
    #[inline]
    pub fn matches(&self, facts: &Facts<'_>) -> bool {
        self.0.holds(facts)
    }

    /// The hosts that this rule could match: what to index it by.
    pub fn hosts(&self) -> HostBound {
        hosts::bound(&self.0)
    }

    /// Whether this rule reads the country or the AS number of a request: who evaluates
    /// it has to know them only then.
    pub fn asks_for_place(&self) -> bool {
        self.0.reads(|field| matches!(field, field::Field::Country | field::Field::AsNumber))
    }

    /// The rule that `esa-cli` writes for a route such as `*.example.com/api/*`.
    /// For every host, which its table lacks, the rule speaks of the path alone.
    pub fn simple(host_and_path: &str) -> Result<String, RouteError> {
        Route::new(host_and_path).map(|route| simple::rule_of(&route))
    }

    /// The route that this rule was written for, if it is of that form.
    pub fn as_simple(&self) -> Option<Route> {
        simple::route_of(&self.0)
    }
}
