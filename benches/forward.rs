//! Requests through a running Serin beside the same requests straight to the backend.
//!
//! Machines are noisy, so what counts is the ratio: batches of both ways take turns,
//! and their medians are compared.

#[path = "support/ends.rs"]
mod ends;

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ends::{Client, responder};
use rustls::RootCertStore;
use serin::model::{
    Catalog, CodeVersion, Deployment, DeploymentId, Environment, Percent, Policy, Routine,
    RoutineName, Shares, Timeouts, Timestamp, Upstream, Version,
};
use serin::observe::{Requests, Tallies, Traffic, Users, Wellness};
use serin::proxy::{Listeners, Proxy, Seats, UpstreamTls, start};
use serin::routing::{Draws, RoutingTable, Settings, SpreadCounters, published};
use serin::tls::{client_config, unchecked_client_config};
use tokio::sync::watch;

const CONNECTIONS: [usize; 2] = [1, 32];
/// Batches of each way that are compared.
const ROUNDS: usize = 60;
/// Requests of a batch, over all its connections.
const BATCH: usize = 640;

fn forward(criterion: &mut Criterion) {
    let backend = responder();
    let (serin, _shutdown) = serin_before(backend);
    for connections in CONNECTIONS {
        let mut direct = connect(backend, connections);
        let mut through = connect(serin, connections);
        let mut group = criterion.benchmark_group(format!("forward/{connections}"));
        group.throughput(Throughput::Elements(BATCH as u64));
        group.sample_size(10);
        group.measurement_time(Duration::from_secs(3));
        group.bench_function("direct", |bencher| bencher.iter(|| batch(&mut direct)));
        group.bench_function("through", |bencher| bencher.iter(|| batch(&mut through)));
        group.finish();
        report(connections, &mut direct, &mut through);
    }
}

#[expect(clippy::print_stderr, clippy::cast_precision_loss, reason = "a report for a reader")]
fn report(connections: usize, direct: &mut [Client], through: &mut [Client]) {
    let mut times = [Vec::new(), Vec::new()];
    let mut ratios = Vec::new();
    for round in 0..ROUNDS {
        // Who goes first alternates, so that neither always follows the other.
        let mut took = [Duration::ZERO; 2];
        for way in [round % 2, 1 - round % 2] {
            let clients = if way == 0 { &mut *direct } else { &mut *through };
            took[way] = batch(clients);
            times[way].push(took[way].as_secs_f64());
        }
        ratios.push(took[1].as_secs_f64() / took[0].as_secs_f64());
    }
    let [direct, through] = times.map(|mut times| median(&mut times) / BATCH as f64 * 1e6);
    let ratio = median(&mut ratios);
    let spread = [ratios[ROUNDS / 4], ratios[ROUNDS * 3 / 4]];
    eprintln!(
        "forward/{connections}: through / direct = {ratio:.2} (middle half {:.2} to {:.2}); \
         {direct:.1} µs and {through:.1} µs a request\n",
        spread[0], spread[1]
    );
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn connect(address: SocketAddr, connections: usize) -> Vec<Client> {
    (0..connections).map(|_| Client::new(address)).collect()
}

/// The time for a batch of requests, spread over all connections at once.
fn batch(clients: &mut [Client]) -> Duration {
    let each = BATCH / clients.len();
    let begin = Instant::now();
    if let [only] = clients {
        (0..each).for_each(|_| only.ask());
    } else {
        std::thread::scope(|scope| {
            for client in clients {
                scope.spawn(move || (0..each).for_each(|_| client.ask()));
            }
        });
    }
    begin.elapsed()
}

/// A data plane of one worker, with a canary that hashes the key of each request.
fn serin_before(backend: SocketAddr) -> (SocketAddr, watch::Sender<bool>) {
    let bind = || TcpListener::bind("127.0.0.1:0").expect("loopback has free ports");
    let listeners =
        Listeners { production: bind(), staging: bind(), production_tls: None, staging_tls: None };
    let address = listeners.production.local_addr();
    let settings = Settings::default();
    let (_, table) = published(RoutingTable::compile(settings, &catalog(backend)));
    let minute = Duration::from_mins(1);
    let timeouts = Timeouts {
        connect: minute,
        response_head: minute,
        upstream_idle: minute,
        client_idle: minute,
        ..Timeouts::default()
    };
    let (_, policy) = watch::channel(Arc::new(Policy { timeouts, ..Policy::default() }));
    let proxy = Arc::new(Proxy {
        table,
        draws: Draws { spread: SpreadCounters::default(), mint: Box::new(|| [0; 16]), salt: 0 },
        seats: Seats::default(),
        tallies: Tallies::new(1),
        traffic: Traffic::new(1),
        requests: Requests::new(1),
        users: Users::new(1),
        wellness: Wellness::default(),
        policy,
        drain: watch::channel(Duration::ZERO).1,
        built_in: Box::new(|_| Vec::new()),
        tls: Arc::new(UpstreamTls::new(
            &client_config(RootCertStore::empty()),
            &unchecked_client_config(),
        )),
    });
    let (shutdown, ended) = watch::channel(false);
    start(0, proxy, &listeners, ended, ()).expect("a worker starts");
    (address.expect("a bound socket has an address"), shutdown)
}

fn catalog(backend: SocketAddr) -> Catalog {
    let name = RoutineName::new("shop").expect("a good name");
    let upstream = Upstream::new(&format!("http://{backend}")).expect("a good address");
    let version = |text| CodeVersion::new(text).expect("a good version");
    let versions = ["1", "2"].map(|text| {
        let made = Version {
            upstream: Some(upstream.clone()),
            ..Version::new(version(text), Timestamp::default())
        };
        (version(text), Arc::new(made))
    });
    let half = Percent::new(50).expect("a percentage");
    let shares = Shares::new(vec![(version("1"), half), (version("2"), half)]);
    let mut routine = Routine {
        versions: versions.into_iter().collect(),
        ..Routine::new(name.clone(), Timestamp::default())
    };
    routine.live[Environment::Production.index()] = Some(Arc::new(Deployment {
        id: DeploymentId(1),
        shares: shares.expect("halves of a whole"),
        created: Timestamp::default(),
    }));
    Catalog { routines: [(name, Arc::new(routine))].into_iter().collect(), ..Catalog::default() }
}

criterion_group!(benches, forward);
criterion_main!(benches);
