//! What the keys mean to other tools, and what the files in `configs/` say.

use std::net::SocketAddr;
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::Path;

use super::{Config, DeclaredAccount, Listen, SecretSource};
use crate::model::{
    Account, DeclaredRoutine, Domain, Environment, Failures, Headers, HealthCheck, Limits, Probe,
    Quotas, RoutineName, Shares, Sticky, Timeouts, Upstream,
};

/// What other tools rely on: these keys, with these meanings.
const CONTRACT: &str = r#"
default_routine = "checkout"
domain = "edge.test"

[listen]
production = "127.0.0.1:8080"
staging    = "127.0.0.1:8081"
admin      = "127.0.0.1:8090"
production_tls = "127.0.0.1:8443"
staging_tls    = "127.0.0.1:8444"

[server]
workers = 2
drain_timeout = "5s"

[store]
path = "serin.db"

[timeouts]
connect = "2s"
response_head = "30s"
client_idle = "60s"
upstream_idle = "15s"
request_head = "10s"
request_body_idle = "30s"
response_body_idle = "60s"

[failover]
policy = "none"

[headers]
response = true
override = true
preserve_host = true
forwarded = false

[trusted]
proxies = ["10.0.0.0/8"]

[[routine]]
name   = "checkout"
routes = ["shop.example.com/checkout*"]
sticky = ["header:x-user-id", "cookie:uid", "client-ip"]
cohort = ""

[[routine.version]]
code_version = "1723599747213377175"
upstream     = "http://127.0.0.1:9001"

[[routine.version]]
code_version = "1723599747213377176"
upstreams    = ["http://127.0.0.1:9002", "http://127.0.0.1:9003"]

[[routine.deployment]]
env = "production"
code_versions = [{ code_version = "1723599747213377175", percentage = 90 }, { code_version = "1723599747213377176", percentage = 10 }]
"#;

const EXAMPLE: &str = include_str!("../../configs/example.toml");
const MINIMAL: &str = include_str!("../../configs/minimal.toml");
const DEMO: &str = include_str!("../../configs/demo.toml");

const STABLE: &str = "1723599747213377175";
const CANARY: &str = "1723599747213377176";

fn parsed(text: &str) -> Config {
    Config::parse(text).unwrap_or_else(|error| panic!("{error}"))
}

fn listed(shares: &Shares) -> Vec<(&str, u8)> {
    shares.iter().map(|(version, percent)| (version.as_str(), percent.get())).collect()
}

fn deployments(routine: &DeclaredRoutine) -> Vec<(Environment, Vec<(&str, u8)>)> {
    let deployments = routine.deployments.iter();
    deployments.map(|deployed| (deployed.environment, listed(&deployed.shares))).collect()
}

fn upstreams(routine: &DeclaredRoutine) -> Vec<(&str, Option<&str>)> {
    let versions = routine.versions.iter();
    versions.map(|v| (v.code_version.as_str(), v.upstream.as_ref().map(Upstream::as_str))).collect()
}

fn routes(routine: &DeclaredRoutine) -> Vec<String> {
    routine.routes.iter().map(ToString::to_string).collect()
}

#[test]
fn the_contract_means_what_it_says() {
    let config = parsed(CONTRACT);

    assert_eq!(config.warnings, []);
    assert_eq!(config.default_routine.as_ref().map(RoutineName::as_str), Some("checkout"));
    assert_eq!(config.domain.as_ref().map(Domain::as_str), Some("edge.test"));
    let tls = |port| Some(SocketAddr::from(([127, 0, 0, 1], port)));
    let (production_tls, staging_tls) = (tls(8443), tls(8444));
    assert_eq!(config.listen, Listen { production_tls, staging_tls, ..Listen::default() });
    assert_eq!(config.server.workers_or(NonZeroUsize::MIN).get(), 2);
    assert_eq!(config.server.drain_timeout.as_secs(), 5);
    assert_eq!(config.store_path.as_deref(), Some(Path::new("serin.db")));
    assert_eq!(config.policy.timeouts, Timeouts::default());
    assert_eq!(config.policy.headers, Headers::default());
    assert!(config.policy.trusted.contains([10, 255, 0, 1].into()));
    assert!(!config.policy.trusted.contains([11, 0, 0, 1].into()));

    let [checkout] = config.routines.as_slice() else { panic!("one routine") };
    assert_eq!(checkout.name.as_str(), "checkout");
    assert_eq!(routes(checkout), ["shop.example.com/checkout*"]);
    let sticky = Sticky::parse(["header:x-user-id", "cookie:uid", "client-ip"]).unwrap();
    assert_eq!(checkout.sticky, Some(sticky));
    assert_eq!(checkout.cohort.as_deref(), Some(""));
    let (stable, canary) = ("http://127.0.0.1:9001", "http://127.0.0.1:9002 http://127.0.0.1:9003");
    assert_eq!(upstreams(checkout), [(STABLE, Some(stable)), (CANARY, Some(canary))]);
    assert_eq!(
        deployments(checkout),
        [(Environment::Production, vec![(STABLE, 90), (CANARY, 10)])]
    );
}

#[test]
fn the_example_is_whole_and_without_warnings() {
    let config = parsed(EXAMPLE);

    assert_eq!(config.warnings, []);
    let [checkout] = config.routines.as_slice() else { panic!("one routine") };
    assert_eq!(checkout.name.as_str(), "checkout");
    assert_eq!(routes(checkout), ["shop.example.com/checkout*", "*.shop.example.com/*"]);
    let sticky = Sticky::parse(["header:x-user-id", "cookie:uid", "client-ip"]).unwrap();
    assert_eq!(checkout.sticky, Some(sticky));
    assert_eq!(checkout.cohort.as_deref(), Some(""));
    let (stable, canary) = ("http://127.0.0.1:9001", "unix:/run/checkout.sock");
    let next = ("1723599747213377177", Some("https://127.0.0.1:9004 https://127.0.0.1:9005"));
    assert_eq!(upstreams(checkout), [(STABLE, Some(stable)), (CANARY, Some(canary)), next]);
    let [storefront] = config.apps.as_slice() else { panic!("one app") };
    assert_eq!((storefront.name.as_str(), storefront.versions.len()), ("storefront", 2));
    let jiangsu = config.regions.find([198, 51, 100, 7].into()).unwrap();
    assert_eq!((jiangsu.name.as_str(), jiangsu.asn), ("jiangsu", Some(4134)));
}

#[test]
fn the_keys_that_the_example_explains_are_sound() {
    // Keys begin at once behind the `#`, prose after a blank.
    let uncomment = |line: &'static str| match line.strip_prefix('#') {
        Some(key) if key.starts_with(|c: char| c == '[' || c.is_ascii_lowercase()) => key,
        _ => line,
    };
    let config = parsed(&EXAMPLE.lines().map(uncomment).collect::<Vec<_>>().join("\n"));
    let [pipeline, dashboard, laptop] = config.access_keys.as_slice() else { panic!("three") };
    assert_eq!(pipeline.secret, SecretSource::Env("RELEASE_PIPELINE_SECRET".to_owned()));
    assert!(matches!(laptop.secret, SecretSource::Text(_)));
    assert_eq!(dashboard.secret, SecretSource::File("dashboard.secret".into()));
    assert_eq!((pipeline.read_only, dashboard.read_only), (false, true));
    assert_eq!(parsed(EXAMPLE).access_keys.len(), 0);
}

#[test]
fn the_example_writes_every_default_that_it_names() {
    let (example, default) = (parsed(EXAMPLE), parsed(""));
    // Nothing speaks TLS unless it is written.
    assert_eq!(
        Listen { production_tls: None, staging_tls: None, admin_tls: None, ..example.listen },
        default.listen
    );
    assert_eq!(example.tls.authority, example.store_path.map(|path| path.with_extension("db.ca")));
    assert_eq!(example.server.drain_timeout, default.server.drain_timeout);
    assert_eq!(example.policy.timeouts, default.policy.timeouts);
    assert_eq!(example.policy.headers, default.policy.headers);
    let limits = Limits {
        connections_per_address: None,
        requests_per_connection: None,
        body_bytes: None,
        ..example.policy.limits
    };
    assert_eq!(limits, default.policy.limits);
    assert_eq!(example.policy.upgrades, default.policy.upgrades);
    assert_eq!(example.policy.failover, default.policy.failover);
    assert_eq!(example.policy.retries, default.policy.retries);
    let asked = parsed("[health]\nprobe_type = \"tcpSocket\"").policy.health;
    let probe = Probe::TcpSocket;
    let example_asks = example.policy.health.map(|health| HealthCheck { probe, ..health });
    assert_eq!(example_asks, asked);
    assert_eq!(example.policy.ejection, parsed("[ejection]").policy.ejection);
    // Limits have no default, nor has the action that fails.
    let account = example.account.account;
    let failures = Failures { action: None, ..account.failures.clone() };
    let account = Account { calls_per_second: None, failures, ..account };
    assert_eq!(account, default.account.account);
}

#[test]
fn the_example_explains_every_key_of_the_account() {
    let DeclaredAccount { account, quotas, .. } = parsed(EXAMPLE).account;
    assert_eq!(account.calls_per_second.map(NonZeroU32::get), Some(100));
    let action = account.failures.action.unwrap();
    assert_eq!(action.as_str(), "CreateRoutineCodeDeployment");
    let [routines, versions_per_routine, routes] = [100, 20, 100].map(Some);
    assert_eq!(quotas, Quotas { routines, versions_per_routine, routes });
    for key in ["service", "in_arrears", "locked", "locked_calls", "latency", "plan"] {
        assert!(EXAMPLE.lines().any(|line| line.starts_with(&format!("{key} = "))), "{key}");
    }
    for key in ["percent", "calls", "code"] {
        assert!(EXAMPLE.lines().any(|line| line.starts_with(&format!("{key} = "))), "{key}");
    }
}

#[test]
fn the_demo_is_a_canary_at_ten_percent() {
    let config = parsed(DEMO);

    assert_eq!(config.warnings, []);
    assert_eq!(config.default_routine.as_ref().unwrap().as_str(), "checkout");
    assert_eq!((config.listen, config.store_path), (Listen::default(), None));
    let [checkout] = config.routines.as_slice() else { panic!("one routine") };
    assert_eq!(checkout.sticky, Some(Sticky::default()));
    assert_eq!(upstreams(checkout), [(STABLE, None), (CANARY, None)]);
    assert_eq!(
        deployments(checkout),
        [
            (Environment::Production, vec![(STABLE, 90), (CANARY, 10)]),
            (Environment::Staging, vec![(CANARY, 100)]),
        ]
    );
}

#[test]
fn the_minimal_config_serves_one_version_and_keeps_its_state() {
    let config = parsed(MINIMAL);

    assert_eq!(config.warnings, []);
    assert!(config.store_path.is_some());
    let [shop] = config.routines.as_slice() else { panic!("one routine") };
    assert_eq!(config.default_routine.as_ref(), Some(&shop.name));
    assert_eq!(deployments(shop), [(Environment::Production, vec![("1", 100)])]);
}
