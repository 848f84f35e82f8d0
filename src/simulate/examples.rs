//! What tests play.

use super::scenario::Scenario;

/// A canary that is taken back and comes again, and another after it: among two populations,
/// with stale nodes, every rule, and all that is drawn.
pub(super) const TAKEN_BACK: &str = r#"
title = "taken back"
length = "1h"
rules = ["random", "cookie", "nginx", "envoy", "haproxy", "launchdarkly", "unleash", "growthbook", "statsig"]
[edge]
nodes = 7
propagation = "5m"
[[population]]
users = 900
exponent = 0.9
heavy_users = 2
heavy_share = 0.2
requests_per_user = 7
regions = [{ name = "eu", share = 2 }, { name = "us", share = 1 }]
[[population]]
users = 100
key_prefix = "bot-"
pace = "rounds"
requests_per_user = 9
[[version]]
code_version = "1"
latency = { p50 = "20ms", p99 = "90ms" }
error_rate = 0.01
[[version]]
code_version = "2"
latency = { p50 = "10ms", p99 = "90ms" }
[[version.failure]]
from = "20m"
per = "user"
error_rate = 0.3
[[version]]
code_version = "3"
[[deployment]]
at = "0s"
code_versions = [{ code_version = "1", percentage = 100 }]
[[deployment]]
at = "10m"
code_versions = [{ code_version = "1", percentage = 70 }, { code_version = "2", percentage = 30 }]
[[deployment]]
at = "20m"
rollback_to = 1
[[deployment]]
at = "30m"
rollback_to = 2
[[deployment]]
at = "40m"
code_versions = [{ code_version = "1", percentage = 90 }, { code_version = "3", percentage = 10 }]
[[action]]
do = "take_out"
at = "9m"
until = "12m"
nodes = 3
[[check]]
number = "users_failed"
least = 0
"#;

pub(super) fn taken_back() -> Scenario {
    Scenario::parse(TAKEN_BACK).unwrap_or_else(|error| panic!("{error}"))
}
