//! An outcome for programs: one line of JSON.

use std::io::{self, Write};
use std::time::Duration;

use serde_json::{Value, json};

use super::outcome::{Acted, Canary, Outcome, Released, RuleOutcome, Window};
use crate::model::Movement;

/// Writes `outcome` as one line of JSON. Times are in milliseconds, and shares from 0 to 1.
pub(super) fn write_json(outcome: &Outcome, out: &mut impl Write) -> io::Result<()> {
    let Outcome { title, seed, users, requests, .. } = outcome;
    let checks = outcome.checks.iter();
    let checks: Vec<Value> = checks
        .map(|it| json!({ "claim": it.claim, "found": it.found, "holds": it.holds }))
        .collect();
    let whole = json!({
        "title": title,
        "seed": seed,
        "length_ms": ms(outcome.length),
        "users": users,
        "requests": requests,
        "decisions": outcome.decisions,
        "deployments": outcome.releases.iter().map(released).collect::<Vec<_>>(),
        "actions": outcome.actions.iter().map(acted).collect::<Vec<_>>(),
        "rules": outcome.rules.iter().map(|rule| of_rule(outcome, rule)).collect::<Vec<_>>(),
        "step_ms": ms(outcome.step),
        "timeline": windows(outcome, &outcome.timeline),
        "totals": windows(outcome, &outcome.totals),
        "checks": checks,
        "ok": outcome.holds(),
    });
    writeln!(out, "{whole}")?;
    out.flush()
}

fn released(release: &Released) -> Value {
    let shares = release.shares.iter().map(|(version, percent)| {
        json!({ "code_version": version.as_str(), "percentage": percent.get() })
    });
    json!({
        "deployment_id": release.id.to_string(),
        "at_ms": ms(release.at),
        "code_versions": shares.collect::<Vec<_>>(),
        "rollback_to": release.rollback_to,
        "spread_ms": ms(release.spread),
        "stale_requests": release.stale,
        "moved_percent": release.movement.as_ref().map(moved_percent),
    })
}

fn acted(action: &Acted) -> Value {
    json!({ "at_ms": ms(action.at), "until_ms": ms(action.until), "what": action.what })
}

fn moved_percent(movement: &Movement) -> f64 {
    f64::from(movement.basis_points()) / 100.0
}

fn of_rule(outcome: &Outcome, rule: &RuleOutcome) -> Value {
    let by_version = |counts: &[u64]| {
        let named = outcome.versions.iter().map(|version| version.as_str().to_owned());
        named.zip(counts.iter().map(|count| json!(count))).collect::<serde_json::Map<_, _>>()
    };
    let firsts = rule.first_requests.iter().map(
        |nth| json!({ "requests": nth.requests, "newer": nth.newer, "on_several": nth.on_several }),
    );
    let moved = rule.moved.iter().map(|moved| {
        moved.map(|moved| json!({ "moved": moved.moved, "of": moved.of, "share": moved.share() }))
    });
    json!({
        "rule": rule.rule.as_str(),
        "requests": by_version(&rule.requests),
        "failed": by_version(&rule.failed),
        "users": rule.users,
        "users_on_several": rule.users_on_several,
        "users_flapped": rule.users_flapped,
        "flapped_by_step": rule.flapped,
        "users_failed": rule.users_failed,
        "first_requests": firsts.collect::<Vec<_>>(),
        "moved": moved.collect::<Vec<_>>(),
        "canaries": rule.canaries.iter().map(|it| it.as_ref().map(canary)).collect::<Vec<_>>(),
    })
}

fn canary(canary: &Canary) -> Value {
    json!({
        "users": canary.keys,
        "newer": canary.newer,
        "expected_least": canary.expected.start(),
        "expected_most": canary.expected.end(),
        "evidence_ln": rounded(canary.evidence_ln),
        "p_value": rounded(canary.p_value),
        "alarm_at_user": canary.alarm,
    })
}

/// To nine digits: logarithms differ from machine to machine in what lies beyond that.
fn rounded(number: f64) -> f64 {
    format!("{number:.8e}").parse().unwrap_or(number)
}

fn windows(outcome: &Outcome, windows: &[Window]) -> Vec<Value> {
    let of = |window: &Window| {
        json!({
            "start_ms": ms(window.start),
            "code_version": outcome.versions[window.version].as_str(),
            "region": outcome.regions[window.region],
            "requests": window.requests,
            "share": window.share,
            "failed": window.failed,
            "p50_us": window.latency.map(|it| us(it.p50)),
            "p99_us": window.latency.map(|it| us(it.p99)),
            "max_us": window.latency.map(|it| us(it.max)),
        })
    };
    windows.iter().map(of).collect()
}

fn ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn us(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_chance_have_nine_digits() {
        for (number, told) in [
            (-1.234_567_890_123, -1.234_567_89_f64),
            (1.234_567_894e-30, 1.234_567_89e-30),
            (0.0, 0.0),
        ] {
            assert_eq!(rounded(number).to_bits(), told.to_bits(), "{number}");
        }
    }
}
