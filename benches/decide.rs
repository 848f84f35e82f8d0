//! What a decision costs, whole and in parts, and how little that depends on the
//! number of routines.

use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use http::HeaderValue;
use http::header::HOST;
use http::request::Parts;
use serin::model::{
    Catalog, ConfigId, Domain, Environment, Kind, Release, RouteMode, Routine, RoutineRoute, Rule,
    Shares, Site, SiteId, Split, Sticky, Timestamp,
};
use serin::routing::{Draws, RoutingTable, Settings, TableReader, published};

mod support;

const SIZES: [usize; 4] = [10, 1_000, 10_000, 100_000];
const PEER: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
/// Requests of one timed batch: enough that reading the clock is lost in it, few
/// enough that they stay in the cache where a parsed request is.
const BATCH: u32 = 64;

fn settings() -> Settings {
    Settings {
        default_routine: Some(support::name(0)),
        override_allowed: true,
        ..Settings::default()
    }
}

fn reader(catalog: &Catalog) -> TableReader {
    published(RoutingTable::compile(settings(), catalog)).1
}

/// The whole decision, as the proxy makes it.
fn decide(table: &TableReader, request: &Parts, peer: IpAddr, draws: &Draws) {
    let environment = Environment::Production;
    let decision = table.read(|table| table.decide(environment, black_box(request), peer, draws));
    black_box(decision.is_ok());
}

/// Requests for the ten routines that every catalog has.
fn same_hosts() -> Vec<Parts> {
    (0..10).map(|number| support::request(&support::record_host(number), "/cart")).collect()
}

fn ten_decisions(table: &TableReader, requests: &[Parts], draws: &Draws) {
    for request in requests {
        decide(table, request, PEER, draws);
    }
}

/// Hosts drawn uniformly, one batch after the other.
struct Uniform {
    hosts: Vec<HeaderValue>,
    requests: Vec<Parts>,
    next: usize,
}

impl Uniform {
    fn among(routines: usize) -> Self {
        // A full cycle through all hosts in a scattered order: no two draws alike
        // until every host has had its turn.
        let stride = 61_803;
        let host = |turn: usize| support::record_host(turn * stride % routines);
        let value = |turn| HeaderValue::from_str(&host(turn)).expect("a host");
        Self {
            hosts: (0..routines).map(value).collect(),
            requests: (0..BATCH).map(|_| support::request("localhost", "/cart")).collect(),
            next: 0,
        }
    }

    /// The time of one batch, drawing left out.
    fn batch(&mut self, table: &TableReader, draws: &Draws) -> Duration {
        for request in &mut self.requests {
            let host = self.hosts[self.next].clone();
            request.headers.insert(HOST, host);
            self.next = (self.next + 1) % self.hosts.len();
        }
        support::timed(|| ten_decisions(table, &self.requests, draws))
    }
}

fn by_size(criterion: &mut Criterion) {
    let draws = support::draws();
    let mut tables: Vec<_> = SIZES.map(|size| (size, reader(&support::catalog(size)))).into();

    let mut group = criterion.benchmark_group("decide/same-hosts");
    let requests = same_hosts();
    for (size, table) in &tables {
        let mut next = requests.iter().cycle();
        group.bench_function(BenchmarkId::from_parameter(size), |bench| {
            bench.iter(|| decide(table, next.next().expect("a cycle"), PEER, &draws));
        });
    }
    group.finish();

    let mut group = criterion.benchmark_group("decide/uniform-hosts");
    for (size, table) in &tables {
        let mut uniform = Uniform::among(*size);
        group.bench_function(BenchmarkId::from_parameter(size), |bench| {
            bench.iter_custom(|count| {
                // Whole batches, and their time as if there had been `count` decisions.
                let batches = count.div_ceil(BATCH.into());
                let total: Duration = (0..batches).map(|_| uniform.batch(table, &draws)).sum();
                let decisions = u128::from(batches) * u128::from(BATCH);
                let nanos = total.as_nanos() * u128::from(count) / decisions;
                Duration::from_nanos(
                    u64::try_from(nanos).expect("a bench is shorter than centuries"),
                )
            });
        });
    }
    group.finish();

    let (_, smallest) = tables.remove(0);
    for (size, table) in &tables {
        let of = |table| {
            support::timed(|| (0..50).for_each(|_| ten_decisions(table, &requests, &draws)))
        };
        let pair = support::alternate(2_001, || of(&smallest), || of(table));
        support::report_ratio(&format!("decide/{size}-same-hosts"), "decide/10", pair);
    }
    for (size, table) in &tables {
        let (mut few, mut many) = (Uniform::among(10), Uniform::among(*size));
        let pair = support::alternate(
            10_001,
            || few.batch(&smallest, &draws),
            || many.batch(table, &draws),
        );
        support::report_ratio(&format!("decide/{size}-uniform-hosts"), "decide/10", pair);
    }
}

fn by_way(criterion: &mut Criterion) {
    let draws = support::draws();
    let table = reader(&support::catalog(1_000));
    let mut group = criterion.benchmark_group("decide/way");
    let ways = [
        ("record", support::record_host(7)),
        ("route", support::routed_host(7)),
        ("default", "nobody.example.net".to_owned()),
    ];
    for (way, host) in ways {
        let request = support::request(&host, "/cart");
        group.bench_function(way, |bench| {
            bench.iter(|| decide(&table, &request, PEER, &draws));
        });
    }
    group.finish();
}

fn ruled_host(number: usize) -> String {
    format!("shop-{number}.rules.example")
}

/// A rule about one host, as `esa-cli` writes it.
fn host_rule(number: usize) -> String {
    let host = ruled_host(number);
    format!(r#"(http.host eq "{host}" and starts_with(http.request.uri.path, "/"))"#)
}

/// Adds a site, and a route of it to the first routine for each rule.
fn add_site(catalog: &mut Catalog, rules: impl IntoIterator<Item = String>) {
    let site = SiteId::new(1).expect("in range");
    let name = Domain::new("rules.example").expect("a domain");
    catalog.sites.insert(site, Arc::new(Site { id: site, name, origin: None }));
    for (id, rule_text) in (1_i64..).zip(rules) {
        let route = RoutineRoute {
            id: ConfigId(id),
            site,
            routine: support::name(0),
            name: String::new(),
            enabled: true,
            rule: Rule::parse(&rule_text).expect("a rule"),
            rule_text,
            mode: RouteMode::Custom,
            bypass: false,
            fallback: false,
            sequence: 1,
            timeout: None,
            created: Timestamp(0),
        };
        catalog.site_routes.insert((site, route.id), Arc::new(route));
    }
}

/// Routes of one site by rule, each for a host of its own, beside a table without any.
fn by_rule(criterion: &mut Criterion) {
    let draws = support::draws();
    let mut group = criterion.benchmark_group("decide/rule");
    let (host, path) = (ruled_host(7), "/cart");
    for routes in [1, 10, 1_000] {
        let mut catalog = support::catalog(1_000);
        add_site(&mut catalog, (7..7 + routes).map(host_rule));
        let table = reader(&catalog);
        let request = support::request(&host, path);
        group.bench_function(BenchmarkId::new("host", routes), |bench| {
            bench.iter(|| decide(&table, &request, PEER, &draws));
        });
    }
    let mut catalog = support::catalog(1_000);
    add_site(&mut catalog, (0..1_000).map(host_rule));
    let table = reader(&catalog);
    // A host of the site that no rule speaks of, and one of no site.
    for (case, host) in [("no-route", "nobody.rules.example"), ("no-site", "nobody.example.net")] {
        let request = support::request(host, path);
        group.bench_function(BenchmarkId::new(case, 1_000), |bench| {
            bench.iter(|| decide(&table, &request, PEER, &draws));
        });
    }
    for (case, rule) in [
        ("path", r#"starts_with(http.request.uri.path, "/cart")"#),
        ("regex", r#"http.request.uri.path matches "^/ca[a-z]+$""#),
        ("cookie", r#"http.request.cookies["theme"] eq "dark""#),
        ("country", r#"ip.geoip.country ne "CN""#),
    ] {
        let mut catalog = support::catalog(1_000);
        add_site(&mut catalog, [rule.to_owned()]);
        let table = reader(&catalog);
        let request = support::request(&host, path);
        group.bench_function(case, |bench| {
            bench.iter(|| decide(&table, &request, PEER, &draws));
        });
    }
    group.finish();
}

fn by_source(criterion: &mut Criterion) {
    let draws = support::draws();
    let v6 = IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0xa, 0xb, 1, 2, 3, 4));
    let mut group = criterion.benchmark_group("decide/source");
    let sources = [
        ("header", "header:x-serin-key", PEER),
        ("cookie", "cookie:serin_user", PEER),
        ("query", "query:u", PEER),
        ("query-encoded", "query:e", PEER),
        ("client-ip-4", "client-ip", PEER),
        ("client-ip-6", "client-ip", v6),
        ("mint", "mint:fresh", PEER),
        ("spread", "spread", PEER),
    ];
    for (case, source, peer) in sources {
        let sticky = Sticky::parse([source]).expect("a source");
        let table = reader(&one_of_a_thousand(support::routine(7, &sticky)));
        let target = format!("/cart?page=2&u={0}&e=%30{0}", support::KEY);
        let request = support::request(&support::record_host(7), &target);
        group.bench_function(case, |bench| {
            bench.iter(|| decide(&table, &request, peer, &draws));
        });
    }
    let mut routine = support::routine(7, &Sticky::default());
    let versions: Vec<_> = routine.versions.keys().cloned().collect();
    for live in routine.live.iter_mut().flatten() {
        Arc::make_mut(live).shares = Shares::whole(versions[0].clone());
    }
    let table = reader(&one_of_a_thousand(routine));
    let request = support::request(&support::record_host(7), "/cart");
    group.bench_function("only", |bench| {
        bench.iter(|| decide(&table, &request, PEER, &draws));
    });
    group.finish();
}

fn one_of_a_thousand(routine: Routine) -> Catalog {
    let mut catalog = support::catalog(1_000);
    catalog.routines.insert(routine.name.clone(), Arc::new(routine));
    catalog
}

fn key_to_version(criterion: &mut Criterion) {
    let routine = support::routine(7, &Sticky::default());
    let release = Release { kind: Kind::Routine, name: routine.name.as_str(), cohort: "" };
    let live = routine.deployment(Environment::Production).expect("it is deployed");
    let split = Split::new(&release, &live.shares);
    let mut group = criterion.benchmark_group("key-to-version");
    for length in [8, 16, 36, 64, 256] {
        // Many keys, so that no branch predictor knows who is a canary.
        let keys: Vec<_> = (0..1_024).map(|number| format!("{number:0length$}")).collect();
        let mut next = keys.iter().cycle();
        group.bench_function(BenchmarkId::from_parameter(length), |bench| {
            bench.iter(|| black_box(&split).version(next.next().expect("a cycle").as_bytes()));
        });
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(50).measurement_time(Duration::from_secs(2)).warm_up_time(Duration::from_millis(500)).without_plots();
    targets = by_size, by_way, by_rule, by_source, key_to_version
}
criterion_main!(benches);
