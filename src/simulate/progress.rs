//! How far a play is, for who waits at a terminal.

use indicatif::{ProgressBar, ProgressStyle};

use super::play::decisions;
use super::scenario::Scenario;

/// A bar on stderr, which shows nothing where that is no terminal.
pub(super) fn bar(scenario: &Scenario) -> ProgressBar {
    let style = ProgressStyle::with_template(
        "{bar:40} {percent:>3} %  {human_pos} of about {human_len} decisions, {per_sec}, {eta} left",
    );
    ProgressBar::new(decisions(scenario)).with_style(style.expect("the template is well-formed"))
}
