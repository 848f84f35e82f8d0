//! What a decision costs in virtual time, as throughput: decisions a second on all cores.

use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use serin::simulate::{Scenario, play};

const USERS: u64 = 4_000_000;

/// A split of one canary, of which each user asks once, and `more` of what is done to it.
fn split(more: &str) -> Scenario {
    let text = format!(
        r#"
title = "a plain split"
length = "1h"
[[population]]
users = {USERS}
pace = "rounds"
requests_per_user = 1
[[version]]
code_version = "1"
[[version]]
code_version = "2"
[[deployment]]
at = "0s"
code_versions = [{{ code_version = "1", percentage = 90 }}, {{ code_version = "2", percentage = 10 }}]
{more}"#
    );
    Scenario::parse(&text).expect("a scenario without mistakes")
}

/// The canary grows in `steps`, at each of which every user is asked whether it moves.
fn growing(steps: u64) -> Scenario {
    let grown = (1..=steps).map(|step| {
        let newer = 10 + step;
        format!(
            "[[deployment]]\nat = \"{step}m\"\ncode_versions = [\
             {{ code_version = \"1\", percentage = {} }}, \
             {{ code_version = \"2\", percentage = {newer} }}]\n",
            100 - newer
        )
    });
    split(&grown.collect::<Vec<_>>().concat())
}

fn decisions(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("simulate");
    // Requests are made, handed out, decided and counted; of who moves there is the decision
    // alone.
    for (case, scenario) in [("plain-split", split("")), ("growing-split", growing(10))] {
        let outcome = play(&scenario, &mut |_| {}).expect("it can be played");
        group.throughput(Throughput::Elements(outcome.decisions));
        group.bench_function(case, |bench| bench.iter(|| play(&scenario, &mut |_| {})));
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(10).measurement_time(Duration::from_secs(5)).warm_up_time(Duration::from_millis(500)).without_plots();
    targets = decisions
}
criterion_main!(benches);
