//! What a change costs, and what it costs those who decide meanwhile.

use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use serin::model::{DeploymentId, Environment, Percent, Routine, Shares, Sticky};
use serin::routing::{RoutingTable, Settings, TableWriter, published};

mod support;

const SIZES: [usize; 4] = [10, 1_000, 10_000, 100_000];

fn compile(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("compile");
    group.sample_size(10);
    for size in SIZES {
        let catalog = support::catalog(size);
        group.bench_function(BenchmarkId::from_parameter(size), |bench| {
            bench.iter(|| RoutingTable::compile(Settings::default(), &catalog));
        });
    }
    group.finish();
}

/// One routine in two states, which take turns.
struct Deployments {
    states: [Arc<Routine>; 2],
    turn: usize,
}

impl Deployments {
    fn of(number: usize) -> Self {
        let before = support::routine(number, &Sticky::default());
        let mut after = before.clone();
        for live in after.live.iter_mut().flatten() {
            let live = Arc::make_mut(live);
            live.id = DeploymentId(live.id.0 + 1_000_000);
            let percents = [80, 20].map(|percent| Percent::new(percent).expect("in range"));
            let versions = before.versions.keys().cloned();
            live.shares = Shares::new(versions.zip(percents).collect()).expect("100 in all");
        }
        Self { states: [before, after].map(Arc::new), turn: 0 }
    }

    fn publish(&mut self, writer: &mut TableWriter) {
        self.turn += 1;
        let routine = &self.states[self.turn % 2];
        writer.publish(|table| table.with([(&routine.name, Some(routine))]));
    }
}

fn publish(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("publish-one");
    let mut tables = Vec::new();
    for size in SIZES {
        let table = RoutingTable::compile(Settings::default(), &support::catalog(size));
        let (mut writer, _) = published(table);
        let mut deployments = Deployments::of(7);
        group.bench_function(BenchmarkId::from_parameter(size), |bench| {
            bench.iter(|| deployments.publish(&mut writer));
        });
        tables.push((size, writer, deployments));
    }
    group.finish();

    let (_, mut few, mut few_deployments) = tables.remove(0);
    for (size, mut many, mut many_deployments) in tables {
        let pair = support::alternate(
            2_001,
            || support::timed(|| (0..10).for_each(|_| few_deployments.publish(&mut few))),
            || support::timed(|| (0..10).for_each(|_| many_deployments.publish(&mut many))),
        );
        support::report_ratio(&format!("publish-one/{size}"), "publish-one/10", pair);
    }
}

/// Decisions in slices of 10 ms, in every other of which a writer swaps 1,000
/// times a second.
fn decide_while_publishing(_: &mut Criterion) {
    let draws = support::draws();
    let table = RoutingTable::compile(Settings::default(), &support::catalog(10_000));
    let (mut writer, reader) = published(table);
    let requests: Vec<_> =
        (0..10).map(|number| support::request(&support::record_host(number), "/cart")).collect();
    let (swapping, done) = (AtomicBool::new(false), AtomicBool::new(false));

    let slice = |swaps: bool| {
        swapping.store(swaps, Ordering::Relaxed);
        let (start, mut decisions) = (Instant::now(), 0);
        while start.elapsed() < Duration::from_millis(10) {
            for request in &requests {
                let peer = IpAddr::V4(Ipv4Addr::LOCALHOST);
                let decision = reader.read(|table| {
                    table.decide(Environment::Production, black_box(request), peer, &draws)
                });
                black_box(decision.is_ok());
                decisions += 1;
            }
        }
        start.elapsed() / decisions
    };
    let pair = std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut deployments = Deployments::of(7);
            let mut due = Instant::now();
            while !done.load(Ordering::Relaxed) {
                if swapping.load(Ordering::Relaxed) {
                    deployments.publish(&mut writer);
                }
                due += Duration::from_millis(1);
                std::thread::sleep(due.saturating_duration_since(Instant::now()));
            }
        });
        let pair = support::alternate(201, || slice(false), || slice(true));
        done.store(true, Ordering::Relaxed);
        pair
    });
    support::report_ratio("decide/1000-swaps-a-second", "decide/no-writer", pair);
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(50).measurement_time(Duration::from_secs(2)).warm_up_time(Duration::from_millis(500)).without_plots();
    targets = compile, publish, decide_while_publishing
}
criterion_main!(benches);
