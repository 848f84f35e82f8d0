//! How far a play is, for who waits at a terminal.

use indicatif::{ProgressBar, ProgressStyle};

use super::scenario::Scenario;

/// A bar on stderr, which shows nothing where that is no terminal.
pub(super) fn bar(scenario: &Scenario) -> ProgressBar {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "not negative; a cast saturates"
    )]
    let expected = scenario.requests() as u64;
    let style = ProgressStyle::with_template(
        "{bar:40} {percent:>3} %  {human_pos} of about {human_len} requests, {per_sec}, {eta} left",
    );
    ProgressBar::new(expected).with_style(style.expect("the template is well-formed"))
}
