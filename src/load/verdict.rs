//! What of a run is not as it should be.

use super::summary::Summary;

/// In words, worst first. `is_configured`: it is known which versions there should be.
pub(super) fn findings(summary: &Summary, is_configured: bool) -> Vec<String> {
    let mut findings = Vec::new();
    if let Some(id) = &summary.deployed_by_others {
        findings.push(format!(
            "deployment {id} was made by somebody else meanwhile: nothing below tells anything"
        ));
    }
    let Summary { stickiness, agreement, errors, .. } = summary;
    if stickiness.changes > 0 {
        findings.push(format!(
            "{} of {} users changed version without a deployment, {} times",
            stickiness.users_changed, stickiness.users, stickiness.changes
        ));
    }
    if let Some(agreement) = agreement.as_ref().filter(|agreement| agreement.disagreements > 0) {
        findings.push(format!(
            "{} of {} answers are of another version than the rule says",
            agreement.disagreements, agreement.answers
        ));
    }
    if summary.strangers > 0 && agreement.is_none() {
        findings.push(format!("{} answers name a version that is not expected", summary.strangers));
    }
    for (number, period) in summary.periods.iter().enumerate() {
        let alarm = period.sample_ratio.as_ref().and_then(|check| check.alarm_at_key);
        if let Some(key) = alarm {
            let when =
                if number == 0 { String::new() } else { format!(" {number} deployments in") };
            findings.push(format!(
                "the split{when} is not the configured one: at key {key} the odds were a thousand to one"
            ));
        }
    }
    let unnamed: u64 = summary.unnamed.statuses.range(..500).map(|(_, count)| count).sum();
    if is_configured && unnamed > 0 {
        findings.push(format!("{unnamed} answers name no version"));
    }
    if errors.total > errors.allowed {
        let classes = errors.by_class().into_iter().filter(|(_, count)| *count > 0);
        let classes: Vec<_> = classes.map(|(class, count)| format!("{count} {class}")).collect();
        findings.push(format!("{} errors: {}", errors.total, classes.join(", ")));
    }
    if summary.answers == 0 && errors.total <= errors.allowed {
        findings.push("nothing was answered".to_owned());
    }
    findings
}
