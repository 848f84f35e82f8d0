//! The tables of the file that say how the data plane treats clients and upstreams.

use std::num::{NonZeroU32, NonZeroU64, NonZeroUsize};
use std::time::Duration;

use super::tracing::tracing;
use super::value::{duration, network, timeout};
use crate::document::{Table, Value};
use crate::model::{
    Ejection, Failover, Headers, HealthCheck, Limits, Policy, Probe, Retries, Timeouts,
    TrustedProxies, Upgrades,
};

/// All of them.
pub(super) fn policy(root: &Table<'_>) -> Policy {
    Policy {
        timeouts: timeouts(root),
        limits: limits(root),
        headers: headers(root),
        trusted: trusted_proxies(root),
        upgrades: upgrades(root),
        failover: failover(root),
        retries: retries(root),
        health: health(root),
        ejection: ejection(root),
        tracing: tracing(root),
    }
}

/// `[timeouts]`.
fn timeouts(root: &Table<'_>) -> Timeouts {
    let known = [
        "connect",
        "response_head",
        "response_body_idle",
        "request_head",
        "request_body_idle",
        "client_idle",
        "upstream_idle",
        "tunnel_idle",
    ];
    let table = root.section("timeouts", &known);
    let default = Timeouts::default();
    let read = |key, default: Duration| {
        table.get(key).and_then(|value| value.parsed(timeout)).unwrap_or(default)
    };
    Timeouts {
        connect: read("connect", default.connect),
        response_head: read("response_head", default.response_head),
        response_body_idle: read("response_body_idle", default.response_body_idle),
        request_head: read("request_head", default.request_head),
        request_body_idle: read("request_body_idle", default.request_body_idle),
        client_idle: read("client_idle", default.client_idle),
        upstream_idle: read("upstream_idle", default.upstream_idle),
        tunnel_idle: read("tunnel_idle", default.tunnel_idle),
    }
}

/// `[headers]`.
fn headers(root: &Table<'_>) -> Headers {
    let table = root.section("headers", &["response", "override", "preserve_host", "forwarded"]);
    let default = Headers::default();
    let read = |key, default| table.get(key).and_then(|value| value.switch()).unwrap_or(default);
    Headers {
        response: read("response", default.response),
        r#override: read("override", default.r#override),
        preserve_host: read("preserve_host", default.preserve_host),
        forwarded: read("forwarded", default.forwarded),
    }
}

/// `[trusted]`.
fn trusted_proxies(root: &Table<'_>) -> TrustedProxies {
    let table = root.section("trusted", &["proxies"]);
    let values = table.get("proxies").and_then(|list| list.list()).unwrap_or_default();
    let read = |value: &Value<'_>| {
        let network = value.parsed(network)?;
        if network.prefix_len() == 0 {
            value.warn(format!("`{network}` is everybody: whatever a client claims is believed"));
        }
        Some(network)
    };
    TrustedProxies::new(values.iter().filter_map(read).collect())
}

/// Of what is counted, more is a slip of the keyboard.
const COUNT_MAX: u64 = 1_000_000_000;

/// Of a body, in bytes: 2^53 - 1, which JSON holds.
const BODY_MAX_BYTES: u64 = (1 << 53) - 1;

/// Of a head, in bytes: what each connection may make this process hold.
const HEAD_MAX_BYTES: u64 = 1 << 20;

/// Field lines of a head.
const FIELDS_MAX: u64 = 10_000;

/// `[limits]`.
fn limits(root: &Table<'_>) -> Limits {
    let known = [
        "connections",
        "connections_per_address",
        "requests_per_connection",
        "header_bytes",
        "header_count",
        "uri_bytes",
        "body_bytes",
        "connections_per_endpoint",
        "waiting_per_endpoint",
        "h2_streams",
    ];
    let table = root.section("limits", &known);
    let default = Limits::default();
    let read = |key, max| {
        let number = table.get(key).and_then(|value| within(&value, 1, max))?;
        usize::try_from(number).ok().and_then(NonZeroUsize::new)
    };
    let read_64 = |key, max| {
        let number = table.get(key).and_then(|value| within(&value, 1, max))?;
        NonZeroU64::new(number)
    };
    let waiting = table.get("waiting_per_endpoint").and_then(|value| within(&value, 0, COUNT_MAX));
    let streams = table.get("h2_streams").and_then(|value| number(&value, 1, STREAMS_MAX));
    Limits {
        connections: read("connections", COUNT_MAX).unwrap_or(default.connections),
        connections_per_address: read("connections_per_address", COUNT_MAX),
        requests_per_connection: read_64("requests_per_connection", COUNT_MAX),
        header_bytes: read("header_bytes", HEAD_MAX_BYTES).unwrap_or(default.header_bytes),
        header_count: read("header_count", FIELDS_MAX).unwrap_or(default.header_count),
        uri_bytes: read("uri_bytes", URI_MAX_BYTES).unwrap_or(default.uri_bytes),
        body_bytes: read_64("body_bytes", BODY_MAX_BYTES),
        connections_per_endpoint: read("connections_per_endpoint", COUNT_MAX)
            .unwrap_or(default.connections_per_endpoint),
        waiting_per_endpoint: waiting
            .and_then(|waiting| usize::try_from(waiting).ok())
            .unwrap_or(default.waiting_per_endpoint),
        h2_streams: streams.and_then(NonZeroU32::new).unwrap_or(default.h2_streams),
    }
}

/// Of a target, in bytes: the longest that the types of a request hold is 65,534.
const URI_MAX_BYTES: u64 = 65_534;

/// Of one connection.
const STREAMS_MAX: u32 = 10_000;

fn within(value: &Value<'_>, min: u64, max: u64) -> Option<u64> {
    let number = value.whole()?;
    if (min..=max).contains(&number) {
        return Some(number);
    }
    value.refuse(format!("must be {min} to {max}, not {number}"));
    None
}

fn number(value: &Value<'_>, min: u32, max: u32) -> Option<u32> {
    within(value, min.into(), max.into()).and_then(|number| u32::try_from(number).ok())
}

/// `[upgrades]`.
fn upgrades(root: &Table<'_>) -> Upgrades {
    let table = root.section("upgrades", &["protocols"]);
    let Some(values) = table.get("protocols").and_then(|list| list.list()) else {
        return Upgrades::default();
    };
    Upgrades { protocols: values.iter().filter_map(|value| value.parsed(protocol)).collect() }
}

/// A protocol that a connection may switch to, as `Upgrade` names it.
fn protocol(text: &str) -> Result<String, String> {
    let is_token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~/".contains(&b);
    if text.is_empty() || !text.bytes().all(is_token) {
        return Err(format!("`{text}` must be the name of a protocol, as in `websocket`"));
    }
    let protocol = text.to_ascii_lowercase();
    if protocol == "h2c" || protocol.starts_with("http/") {
        return Err(format!(
            "`{text}` is HTTP, and requests in it would pass unseen; clients speak HTTP/2 by prior knowledge"
        ));
    }
    Ok(protocol)
}

/// `[failover]`.
fn failover(root: &Table<'_>) -> Failover {
    let table = root.section("failover", &["policy"]);
    let policy = |text: &str| match text {
        "none" => Ok(Failover::None),
        "other-version" => Ok(Failover::OtherVersion),
        _ => Err(format!("`{text}` must be `none` or `other-version`")),
    };
    table.get("policy").and_then(|value| value.parsed(policy)).unwrap_or_default()
}

/// `[retries]`.
fn retries(root: &Table<'_>) -> Retries {
    let table = root.section("retries", &["budget_percent", "at_least_per_second"]);
    let default = Retries::default();
    let read = |key, max, default| {
        table.get(key).and_then(|value| number(&value, 0, max)).unwrap_or(default)
    };
    Retries {
        budget_percent: read("budget_percent", 100, default.budget_percent),
        at_least_per_second: read("at_least_per_second", 1_000_000, default.at_least_per_second),
    }
}

/// `[health]`: nobody is asked where it is not written.
fn health(root: &Table<'_>) -> Option<HealthCheck> {
    let known = [
        "probe_type",
        "path",
        "host",
        "initial_delay",
        "period",
        "timeout",
        "success_threshold",
        "failure_threshold",
    ];
    let table = root.get("health")?.table(&known)?;
    let (path, host) = (table.get("path"), table.get("host"));
    let kind = table.required("probe_type").and_then(|value| value.parsed(probe_type));
    let path_text = path.as_ref().and_then(|value| value.parsed(probe_path));
    let host_text = host.as_ref().and_then(|value| value.parsed(probe_host));
    let probe = match kind {
        Some(ProbeType::HttpGet) => {
            let path = path_text.unwrap_or_else(|| "/".to_owned());
            Probe::HttpGet { path, host: host_text }
        }
        Some(ProbeType::TcpSocket) | None => {
            for value in [path, host].iter().flatten().filter(|_| kind.is_some()) {
                value.refuse("asks nothing of a `tcpSocket`; it goes with `httpGet`");
            }
            Probe::TcpSocket
        }
    };
    let threshold = |key, default| {
        let written = table.get(key).and_then(|value| number(&value, 1, THRESHOLD_MAX));
        NonZeroU32::new(written.unwrap_or(default)).expect("a threshold is at least 1")
    };
    let time = |key, default| table.get(key).and_then(|v| v.parsed(timeout)).unwrap_or(default);
    let initial_delay = table.get("initial_delay").and_then(|value| value.parsed(duration));
    Some(HealthCheck {
        probe,
        initial_delay: initial_delay.unwrap_or_default(),
        period: time("period", Duration::from_secs(10)),
        timeout: time("timeout", Duration::from_secs(1)),
        success_threshold: threshold("success_threshold", 1),
        failure_threshold: threshold("failure_threshold", 3),
    })
}

/// Answers in a row.
const THRESHOLD_MAX: u32 = 1_000;

#[derive(Clone, Copy)]
enum ProbeType {
    HttpGet,
    TcpSocket,
}

fn probe_type(text: &str) -> Result<ProbeType, String> {
    match text {
        "httpGet" => Ok(ProbeType::HttpGet),
        "tcpSocket" => Ok(ProbeType::TcpSocket),
        "exec" => Err("`exec` runs a command in a container, and there is none here".to_owned()),
        _ => Err(format!("`{text}` must be `httpGet` or `tcpSocket`")),
    }
}

fn probe_path(text: &str) -> Result<String, String> {
    // What is no target, nobody could be asked for.
    let is_target = text.parse::<http::Uri>().is_ok();
    let is_plain = text.bytes().all(|b| b.is_ascii_graphic() && b != b'#');
    if text.starts_with('/') && is_plain && is_target {
        return Ok(text.to_owned());
    }
    Err(format!("`{text}` must be a path, as in `/healthz`"))
}

fn probe_host(text: &str) -> Result<String, String> {
    let is_host = |b: u8| b.is_ascii_alphanumeric() || b"-._~:[]%".contains(&b);
    if !text.is_empty() && text.bytes().all(is_host) {
        return Ok(text.to_owned());
    }
    Err(format!("`{text}` must be a host, as in `shop.test`"))
}

/// `[ejection]`: nobody is ejected where it is not written.
fn ejection(root: &Table<'_>) -> Option<Ejection> {
    let table = root.get("ejection")?.table(&["failures", "base", "max"])?;
    let failures = table.get("failures").and_then(|value| number(&value, 1, THRESHOLD_MAX));
    let failures = NonZeroU32::new(failures.unwrap_or(5)).expect("failures are at least 1");
    let time = |key, default| table.get(key).and_then(|v| v.parsed(timeout)).unwrap_or(default);
    let base = time("base", Duration::from_secs(10));
    let max = time("max", Duration::from_mins(5));
    if base > max {
        table.refuse_together("has a `base` that is longer than its `max`");
    }
    Some(Ejection { failures, base, max })
}

#[cfg(test)]
mod tests {
    use super::super::{Config, mistakes_of};
    use super::*;

    /// Asserts that `text` has this one mistake.
    fn refused(text: &str, mistake: &str) {
        assert_eq!(mistakes_of(text), [mistake], "{text}");
    }

    fn read(text: &str) -> Policy {
        Config::parse(text).unwrap_or_else(|error| panic!("{error}")).policy
    }

    #[test]
    fn durations_have_a_unit() {
        refused(
            "[timeouts]\nconnect = \"2\"",
            "line 2: timeouts.connect: `2` must be a number and `ms`, `s`, `m` or `h`, as in `2s` or `1.5h`",
        );
        refused(
            "[server]\ndrain_timeout = 5",
            "line 2: server.drain_timeout: must be a string in quotes, not an integer",
        );
        for key in [
            "connect",
            "response_head",
            "response_body_idle",
            "request_head",
            "request_body_idle",
            "client_idle",
            "upstream_idle",
            "tunnel_idle",
        ] {
            let mistake = format!("line 2: timeouts.{key}: must be longer than zero");
            refused(&format!("[timeouts]\n{key} = \"0s\""), &mistake);
        }
    }

    #[test]
    fn switches_are_true_or_false() {
        for key in ["response", "override", "preserve_host", "forwarded"] {
            let mistake =
                format!("line 2: headers.{key}: must be `true` or `false`, not an integer");
            refused(&format!("[headers]\n{key} = 1"), &mistake);
        }
    }

    #[test]
    fn proxies_are_networks_or_addresses() {
        refused(
            "[trusted]\nproxies = [\n\"10.0.0.1\",\n\"proxy.test\",\n]",
            "line 4: trusted.proxies: `proxy.test` must be a network or an address, as in `10.0.0.0/8` or `10.0.0.1`",
        );
    }

    #[test]
    fn to_trust_everybody_is_taken_with_a_warning() {
        let config = Config::parse("[trusted]\nproxies = [\"0.0.0.0/0\"]").unwrap();
        assert_eq!((config.warnings.len(), config.warnings[0].line), (1, 2));
        assert!(config.policy.trusted.contains([192, 0, 2, 1].into()));
    }

    #[test]
    fn limits_are_whole_numbers_and_off_where_they_may_be() {
        let limits = read("[limits]\nbody_bytes = 5\nwaiting_per_endpoint = 0").limits;
        assert_eq!(limits.body_bytes.map(NonZeroU64::get), Some(5));
        assert_eq!(limits.waiting_per_endpoint, 0);
        let default = Limits { body_bytes: None, waiting_per_endpoint: 1_024, ..limits };
        assert_eq!(default, Limits::default());
        assert_eq!(
            (default.connections_per_address, default.requests_per_connection),
            (None, None)
        );
        refused(
            "[limits]\nconnections = 0",
            "line 2: limits.connections: must be 1 to 1000000000, not 0",
        );
        refused(
            "[limits]\nuri_bytes = 65535",
            "line 2: limits.uri_bytes: must be 1 to 65534, not 65535",
        );
    }

    #[test]
    fn protocols_are_names_and_never_http() {
        let protocols = |text| read(text).upgrades.protocols;
        assert_eq!(protocols(""), ["websocket"]);
        assert_eq!(protocols("[upgrades]\nprotocols = []"), [""; 0]);
        assert_eq!(
            protocols("[upgrades]\nprotocols = [\"WebSocket\", \"tcp\"]"),
            ["websocket", "tcp"]
        );
        for text in ["h2c", "HTTP/2.0"] {
            let mistake = format!(
                "line 2: upgrades.protocols: `{text}` is HTTP, and requests in it would pass unseen; clients speak HTTP/2 by prior knowledge"
            );
            refused(&format!("[upgrades]\nprotocols = [\"{text}\"]"), &mistake);
        }
    }

    #[test]
    fn failover_is_none_or_the_other_version() {
        let failover = |policy| read(&format!("[failover]\npolicy = \"{policy}\"")).failover;
        assert_eq!(failover("none"), Failover::None);
        assert_eq!(failover("other-version"), Failover::OtherVersion);
        refused(
            "[failover]\npolicy = \"both\"",
            "line 2: failover.policy: `both` must be `none` or `other-version`",
        );
    }

    #[test]
    fn nobody_is_asked_or_ejected_unless_it_is_written() {
        assert_eq!((read("").health, read("").ejection), (None, None));
        let asked = read("[health]\nprobe_type = \"httpGet\"").health.unwrap();
        assert_eq!(asked.probe, Probe::HttpGet { path: "/".to_owned(), host: None });
        assert_eq!((asked.period.as_secs(), asked.failure_threshold.get()), (10, 3));
        refused("[health]", "line 1: health.probe_type: is missing");
        for path in ["/a<b", "/a>b", "/a`b", "/a#b", "a"] {
            refused(
                &format!("[health]\nprobe_type = \"httpGet\"\npath = \"{path}\""),
                &format!("line 3: health.path: `{path}` must be a path, as in `/healthz`"),
            );
        }
        refused(
            "[health]\nprobe_type = \"tcpSocket\"\npath = \"/\"",
            "line 3: health.path: asks nothing of a `tcpSocket`; it goes with `httpGet`",
        );
        let ejected = read("[ejection]").ejection.unwrap();
        assert_eq!(
            (ejected.failures.get(), ejected.base.as_secs(), ejected.max.as_secs()),
            (5, 10, 300)
        );
        refused(
            "[ejection]\nmax = \"1s\"",
            "line 1: ejection: has a `base` that is longer than its `max`",
        );
    }
}
