//! What is allowed in a config and may not be meant.

use crate::admin;
use crate::config::{Config, Finding};

/// The config's own warnings, and those for which other rooms must be asked; by line.
pub(super) fn warnings(config: &Config) -> Vec<Finding> {
    let mut warnings = config.warnings.clone();
    warnings.extend(unknown_failing_action(config));
    warnings.sort_by_key(|warning| warning.line);
    warnings
}

fn unknown_failing_action(config: &Config) -> Option<Finding> {
    let action = config.account.account.failures.action.as_ref()?;
    let line = config.account.failing_action_line?;
    let text = format!("there is no action `{action}` here, so nothing fails");
    let key = "account.failures.action".to_owned();
    (!admin::has_action(action.as_str())).then_some(Finding { line, key, text })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn warned(text: &str) -> Vec<String> {
        let config = Config::parse(text).expect("a config");
        warnings(&config).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn an_action_that_nobody_knows_cannot_fail() {
        assert_eq!(warned("[account.failures]\naction = \"GetRoutine\""), [""; 0]);
        let text = "default_routine = \"shop\"\n[account.failures]\naction = \"GetRoutines\"";
        let warned = warned(text);
        assert_eq!(warned.len(), 2, "{warned:?}");
        assert_eq!(
            warned[1],
            "line 3: account.failures.action: there is no action `GetRoutines` here, so nothing fails"
        );
    }
}
