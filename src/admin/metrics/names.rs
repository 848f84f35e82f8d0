//! Every metric that there is.

use super::exposition::{Kind, Metric};

const fn counter(name: &'static str, help: &'static str) -> Metric {
    Metric { name, kind: Kind::Counter, unit: None, help }
}

const fn gauge(name: &'static str, help: &'static str) -> Metric {
    Metric { name, kind: Kind::Gauge, unit: None, help }
}

const fn seconds(name: &'static str, kind: Kind, help: &'static str) -> Metric {
    Metric { name, kind, unit: Some("seconds"), help }
}

const fn bytes(name: &'static str, kind: Kind, help: &'static str) -> Metric {
    Metric { name, kind, unit: Some("bytes"), help }
}

const fn info(name: &'static str, help: &'static str) -> Metric {
    Metric { name, kind: Kind::Info, unit: None, help }
}

const fn ratio(name: &'static str, help: &'static str) -> Metric {
    Metric { name, kind: Kind::Gauge, unit: Some("ratio"), help }
}

// Requests, by who answered them.
pub(super) const REQUESTS: Metric = counter(
    "serin_requests",
    "Requests that are over, by who answered them, why it was they, and the class of the status; the class is none where a client left before it was answered",
);
pub(super) const CUT: Metric =
    counter("serin_requests_cut", "Requests that were broken off, by the client or the upstream");
pub(super) const BYTES_IN: Metric = bytes(
    "serin_request_content_bytes",
    Kind::Counter,
    "Content of requests that was read for those who answered",
);
pub(super) const BYTES_OUT: Metric = bytes(
    "serin_response_content_bytes",
    Kind::Counter,
    "Content of responses that was handed on to clients",
);
pub(super) const ATTEMPTS: Metric =
    counter("serin_upstream_attempts", "How often requests were sent to endpoints of upstreams");
pub(super) const DURATION: Metric = seconds(
    "serin_request_duration_seconds",
    Kind::Histogram,
    "From the head of a request to the last byte of its response",
);
pub(super) const CONNECT: Metric = seconds(
    "serin_upstream_connect_duration_seconds",
    Kind::Histogram,
    "To open a connection to an upstream, of requests for which one was opened",
);
pub(super) const HEADER: Metric = seconds(
    "serin_upstream_header_duration_seconds",
    Kind::Histogram,
    "From when a request was sent to an upstream to the head of its response",
);

// Versions.
pub(super) const ASSIGNED: Metric = counter(
    "serin_version_assigned_requests",
    "Requests that were decided to be a version's, whoever answered them",
);
pub(super) const FAILED: Metric = counter(
    "serin_version_failed_requests",
    "Requests that were sent to a version and that it did not answer",
);
pub(super) const FAILED_OVER: Metric = counter(
    "serin_version_failed_over_requests",
    "Requests assigned to a version that were sent to the other one in its place",
);
pub(super) const WEIGHT: Metric = ratio(
    "serin_version_weight_ratio",
    "The share of users that a live version is to have; none where regions decide",
);
pub(super) const OBSERVED_REQUESTS: Metric = ratio(
    "serin_version_observed_request_ratio",
    "The share of requests that were decided to be a version's, of one of two, since the first scrape after its deployment",
);
pub(super) const OBSERVED_USERS: Metric = ratio(
    "serin_version_observed_user_ratio",
    "The share of users that a version answered first, of one of two, since its deployment",
);
pub(super) const SPLIT_USERS: Metric = gauge(
    "serin_split_users",
    "Users that the check of a split between two versions has counted since the deployment",
);
pub(super) const SPLIT_E_VALUE: Metric = gauge(
    "serin_split_e_value",
    "The odds against the configured split, as the check of the sample ratio has it",
);
pub(super) const SPLIT_ALARM: Metric = gauge(
    "serin_split_alarm",
    "1 once the check of a split has found that users do not get what was asked for",
);
pub(super) const COUNTED: Metric =
    gauge("serin_counted_versions", "Versions that have series of their own");
pub(super) const COUNTED_MAX: Metric = gauge(
    "serin_counted_versions_limit",
    "How many may have series of their own; requests of all others are told as routine=\"(others)\"",
);

// What runs.
pub(super) const IN_FLIGHT: Metric = gauge("serin_requests_in_flight", "Requests that run now");
pub(super) const CLIENTS: Metric =
    gauge("serin_client_connections", "Connections of clients that are open");
pub(super) const TUNNELS: Metric =
    gauge("serin_tunnels_open", "Connections that have switched protocols and are open");
pub(super) const CONNECTIONS: Metric = gauge(
    "serin_upstream_connections",
    "Connections to upstreams by state; those that are being opened are active",
);
pub(super) const CONNECTIONS_OPENED: Metric = counter(
    "serin_upstream_connections_opened",
    "Connections to upstreams that were opened, or were to be",
);

// What goes wrong.
pub(super) const ERRORS: Metric = counter(
    "serin_errors",
    "Requests that Serin answered with an error of its own, by the error type of Proxy-Status",
);
pub(super) const FAULTS: Metric = counter(
    "serin_upstream_faults",
    "What endpoints did wrong, once for each attempt, by the error type of Proxy-Status",
);
pub(super) const LIMITS: Metric = counter(
    "serin_limits_hit",
    "How often a limit of the config turned away a client or a request, by its name",
);
pub(super) const RECONNECTS: Metric = counter(
    "serin_upstream_reconnects",
    "Requests sent on a new connection because the old one had closed before anything was sent",
);
pub(super) const MOVES: Metric = counter(
    "serin_upstream_moves",
    "Attempts at another endpoint, with nothing sent to the one before",
);
pub(super) const RETRIES: Metric =
    counter("serin_upstream_retries", "Requests that were sent a second time");
pub(super) const RETRIES_DENIED: Metric = counter(
    "serin_upstream_retries_denied",
    "Requests that were not sent a second time because the budget was spent",
);
pub(super) const FAILOVERS: Metric =
    counter("serin_failovers", "Requests that were sent to a deployment's other version");
pub(super) const FALLBACKS: Metric = counter(
    "serin_fallbacks",
    "Requests that were sent to a site's origin because their version failed",
);
pub(super) const EJECTIONS: Metric = counter(
    "serin_upstream_ejections",
    "How often an endpoint was ejected, by each worker for itself",
);
pub(super) const UNHEALTHY: Metric =
    gauge("serin_upstream_endpoints_unhealthy", "Endpoints that the health checks found unwell");
pub(super) const LOG_LINES: Metric =
    counter("serin_access_log_lines", "Lines of the access log that were written");
pub(super) const LOG_DROPPED: Metric = counter(
    "serin_access_log_dropped",
    "Lines of the access log that found no room, or could not be written",
);
pub(super) const SPANS: Metric = counter("serin_spans_sent", "Spans that the collector took");
pub(super) const SPANS_DROPPED: Metric =
    counter("serin_spans_dropped", "Spans that found no room, or that the collector did not take");
pub(super) const EJECTED: Metric =
    gauge("serin_upstream_endpoints_ejected", "Endpoints that at least one worker leaves out");

// The control plane.
pub(super) const GENERATION: Metric =
    gauge("serin_table_generation", "The number of the routing table that decides");
pub(super) const SWAPS: Metric =
    counter("serin_table_swaps", "Routing tables that took the place of another one");
pub(super) const TABLE: Metric = info(
    "serin_table",
    "A digest of the live versions, their shares and deployments, the same wherever these are",
);
pub(super) const DEPLOYMENTS: Metric = counter(
    "serin_deployments",
    "Deployments and publishes since the start, those included that the config declares",
);
pub(super) const COMMITS: Metric =
    counter("serin_store_commits", "Commits of the store, by how they ended");
pub(super) const COMMIT_DURATION: Metric = seconds(
    "serin_store_commit_duration_seconds",
    Kind::Histogram,
    "How long commits of the store took, those that failed included",
);

// The process.
pub(super) const BUILD: Metric = info("serin_build", "Which Serin runs");
pub(super) const CPU: Metric = seconds(
    "process_cpu_seconds",
    Kind::Counter,
    "Processor time that the process has used, of user and system",
);
pub(super) const RESIDENT: Metric =
    bytes("process_resident_memory_bytes", Kind::Gauge, "Memory of the process that is in use");
pub(super) const VIRTUAL: Metric =
    bytes("process_virtual_memory_bytes", Kind::Gauge, "Addresses that the process has taken");
pub(super) const THREADS: Metric = gauge("process_threads", "Threads of the process");
pub(super) const OPEN_FDS: Metric = gauge("process_open_fds", "Descriptors that are open");
pub(super) const MAX_FDS: Metric = gauge("process_max_fds", "Descriptors that may be open");
pub(super) const STARTED: Metric = seconds(
    "process_start_time_seconds",
    Kind::Gauge,
    "When Serin began to listen for operators, in seconds since 1970",
);
