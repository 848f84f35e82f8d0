//! What of a run is not as it should be.

use super::summary::Summary;
use super::version::VERSIONS_MAX;
use crate::report::plural;

/// In words, worst first. `is_configured`: it is known which versions there should be.
/// `is_told_where`: somebody has said where an answer names its own.
pub(super) fn findings(summary: &Summary, is_configured: bool, is_told_where: bool) -> Vec<String> {
    let mut findings = Vec::new();
    if let Some(id) = &summary.deployed_by_others {
        findings.push(format!(
            "deployment {id} was made by somebody else meanwhile: what was judged does not hold"
        ));
    }
    if let Some(why) = &summary.end_in_doubt {
        findings.push(format!("whether somebody else has deployed meanwhile is not known: {why}"));
    }
    if let Some(failed) = &summary.deployment_failed {
        findings.push(format!(
            "the deployment at {:.1} s was not made, which ended the run: {}",
            failed.at_s, failed.why
        ));
    }
    if summary.too_many_versions {
        findings.push(format!(
            "more than {VERSIONS_MAX} versions are named: those beyond are counted together"
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
        let answers = name(summary.strangers);
        findings.push(format!("{answers} a version that is not expected"));
    }
    for (number, period) in summary.periods.iter().enumerate() {
        let alarm = period.sample_ratio.as_ref().and_then(|check| check.alarm_at_key);
        if let Some(key) = alarm {
            let when =
                if number == 0 { String::new() } else { format!(" {number} deployments in") };
            // Who fails is missing among the answered, and no split is to blame for that.
            let but = match period.users_unanswered {
                0 => String::new(),
                users => format!(
                    " among the users who were answered; {users} never were, so it may be that a version fails"
                ),
            };
            findings.push(format!(
                "the split{when} is not the configured one: at key {key} the odds were a thousand to one{but}"
            ));
        }
    }
    let unnamed: u64 = summary.unnamed.statuses.range(..500).map(|(_, count)| count).sum();
    if is_configured && unnamed > 0 {
        findings.push(format!("{} no version", name(unnamed)));
    } else if is_told_where && summary.answers > 0 && summary.unnamed.requests == summary.answers {
        findings.push("no answer names a version, so nothing was judged".to_owned());
    }
    if errors.total > errors.allowed {
        findings.push(format!("{}: {}", plural(errors.total, "error"), errors.by_class.told()));
    }
    if summary.answers == 0 && errors.total <= errors.allowed {
        findings.push("nothing was answered".to_owned());
    }
    findings
}

fn name(answers: u64) -> String {
    format!("{} {}", plural(answers, "answer"), if answers == 1 { "names" } else { "name" })
}
