//! A decision allocates nothing.

use std::hint::black_box;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;

use allocation_counter::measure;
use serin::model::{
    AppId, AppName, AppRecord, AppVersion, Catalog, DeploymentId, Domain, EdgeContainerApp,
    Environment, Kind, Publish, Reach, Region, RegionName, Regions, Release, Routine, Split,
    Sticky, Timestamp, VersionId,
};
use serin::routing::{Reason, RoutingTable, Settings, published};

use crate::support::fixtures::{Described, PEER, draws, request, routine, table};

const DECISIONS: u64 = 1_000;

fn canary(sources: &[&str]) -> Routine {
    let canary = routine("shop").deployed(Environment::Production, 1, &[("1", 60), ("2", 40)]);
    canary.keyed(sources).routed(&["*.a.test/cart/*"])
}

/// The allocations of each of many decisions, the first left out: it makes what
/// all later ones share, such as the counter of a spread.
fn allocations(table: RoutingTable, target: &str, peer: IpAddr, reason: Reason) -> u64 {
    let (_writer, reader) = published(table);
    let lines = [("cookie", "a=b; uid=carol"), ("x-user", "alice"), ("x-forwarded-for", "::1")];
    let draws = draws();
    let mut total = 0;
    for host in ["shop.localhost", "www.a.test:8080", "WWW.A.TEST."] {
        let request = request(target, &[&[("host", host)], &lines[..]].concat());
        let decide = || {
            let environment = Environment::Production;
            let decision =
                reader.read(|table| table.decide(environment, black_box(&request), peer, &draws));
            assert_eq!(black_box(decision).map(|it| it.reason), Ok(reason));
        };
        decide();
        let counted = measure(|| (0..DECISIONS).for_each(|_| decide()));
        total += counted.count_total;
    }
    total
}

#[test]
fn a_decision_allocates_nothing_whatever_the_key_is() {
    let six = IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0xa, 0xb, 1, 2, 3, 4));
    for source in
        ["header:x-user", "cookie:uid", "mint:uid", "query:plain", "query:coded", "client-ip"]
    {
        for peer in [PEER, six] {
            let table = table([canary(&["header:missing", source])]);
            let target = "/cart/1?plain=bob&coded=b%20o+b";
            assert_eq!(allocations(table, target, peer, Reason::Key), 0, "{source}, {peer}");
        }
    }
}

#[test]
fn a_decision_without_a_key_allocates_nothing() {
    let spread = table([canary(&["header:missing", "cookie:missing", "query:missing"])]);
    assert_eq!(allocations(spread, "/cart/1?a=b", PEER, Reason::Spread), 0);
    let only = canary(&["mint:id"]).deployed(Environment::Production, 1, &[("1", 100)]);
    assert_eq!(allocations(table([only]), "/cart/1", PEER, Reason::Only), 0);
}

#[test]
fn a_key_finds_its_version_without_allocating() {
    let shop = canary(&[]);
    let live = shop.deployment(Environment::Production).unwrap();
    let release = Release { kind: Kind::Routine, name: "shop", cohort: "" };
    let split = Split::new(&release, &live.shares);
    let keys: Vec<_> = (0..1_000).map(|length| "k".repeat(length)).collect();
    let counted = measure(|| {
        for key in &keys {
            black_box(split.version(black_box(key.as_bytes())));
        }
    });
    assert_eq!(counted.count_total, 0);
}

#[test]
fn a_release_by_regions_allocates_nothing() {
    let region = |name: &str| RegionName::new(name).unwrap();
    let version = |number: u64| VersionId::new(&format!("ver-{number:019}")).unwrap();
    let settings = Settings {
        regions: Regions::new(vec![Region {
            name: region("jiangsu"),
            networks: vec!["192.0.2.0/24".parse().unwrap()],
            country: None,
            asn: None,
        }]),
        domain: Some(Domain::new("a.test").unwrap()),
        ..Settings::default()
    };
    let mut app = app("storefront", &[version(1), version(2)]);
    app.records.insert(Domain::new("www.a.test").unwrap(), record("www.a.test"));
    app.records.insert(Domain::new("shop.localhost").unwrap(), record("shop.localhost"));
    app.live[Environment::Production.index()] = Some(Arc::new(Publish {
        id: DeploymentId(1),
        version: version(2),
        reach: Reach::Regions([region("jiangsu")].into()),
        rest: Some(version(1)),
        baseline: Some(version(1)),
        rollback: false,
        remarks: String::new(),
        created: Timestamp(0),
    }));
    let catalog = Catalog {
        apps: [(app.id.clone(), Arc::new(app))].into_iter().collect(),
        ..Catalog::default()
    };
    let table = RoutingTable::compile(settings, &catalog);
    assert_eq!(allocations(table, "/", PEER, Reason::Region), 0);
}

fn record(host: &str) -> Arc<AppRecord> {
    Arc::new(AppRecord { host: Domain::new(host).unwrap(), id: 1, site: 1, created: Timestamp(0) })
}

fn app(name: &str, versions: &[VersionId]) -> EdgeContainerApp {
    let version = |id: &VersionId| AppVersion {
        version_id: id.clone(),
        name: "release".to_owned(),
        remarks: String::new(),
        containers: "[]".to_owned(),
        created: Timestamp(0),
        updated: Timestamp(0),
        published: None,
        last_published: None,
        upstream: None,
        declared: false,
    };
    EdgeContainerApp {
        id: AppId::new("app-880688675783790000").unwrap(),
        name: AppName::new(name).unwrap(),
        remarks: String::new(),
        service_port: 80,
        target_port: 80,
        health_check: "{}".to_owned(),
        created: Timestamp(0),
        updated: Timestamp(0),
        declared: false,
        sticky: Sticky::default(),
        cohort: String::new(),
        versions: versions.iter().map(|id| (id.clone(), Arc::new(version(id)))).collect(),
        records: imbl::OrdMap::new(),
        live: [None, None],
        scheduled: Vec::new(),
    }
}

/// What the other tests of this file stand on.
#[test]
fn an_allocation_would_be_counted() {
    let minted = measure(|| {
        let (table, draws) = (table([canary(&["mint:id"])]), draws());
        let request = request("/", &[("host", "shop.localhost")]);
        let decision = table.decide(Environment::Production, &request, PEER, &draws);
        black_box(decision.is_ok());
    });
    assert!(minted.count_total > 0);
}
