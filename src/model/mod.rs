//! The nouns. Plain values, checked once where they are made and trusted afterwards.

mod access_key;
mod access_log;
mod account;
mod app;
mod catalog;
mod declaration;
mod endpoint;
mod making;
mod movement;
mod name;
mod network;
mod policy;
mod publish;
mod quota;
mod record;
mod region;
mod route;
mod routine;
mod routine_route;
mod rule;
mod site;
mod split;
mod sticky;
mod trace;
mod tracing;
mod upstream;
mod variable;

pub use access_key::{AccessKey, Secret, SecretError};
pub use access_log::{AccessLog, LogDestination, LogFormat, Sample};
pub use account::{
    Account, FailureCode, Failures, LATENCY_MAX, ServiceStatus, is_about_containers,
};
pub use app::{AppVersion, EdgeContainerApp};
pub use catalog::Catalog;
pub use declaration::{
    Declared, DeclaredApp, DeclaredAppVersion, DeclaredDeployment, DeclaredRoutine, DeclaredVersion,
};
pub use endpoint::{Address, Endpoint, Transport};
pub use making::{Assets, Making, VersionStatus};
pub use movement::{Flow, Movement};
pub use name::{
    AccessKeyId, ActionName, AppId, AppName, CodeVersion, Domain, ESA_RECORDS, NameError, PlanName,
    RegionName, RoutineName, VersionId,
};
pub use network::TrustedProxies;
pub use policy::{
    Ejection, Failover, Headers, HealthCheck, Limits, Policy, Probe, Retries, Timeouts, Upgrades,
};
pub use publish::{Allotment, Publish, Reach, ScheduledPublish};
pub use quota::{QUOTA_MAX, Quota, QuotaReached, Quotas};
pub use record::{Record, RecordOwner};
pub use region::{Region, Regions};
pub use route::{HostPattern, PathPattern, Route, RouteError};
pub use routine::{
    Deployment, DeploymentId, Environment, Origin, Routine, StagedCode, Timestamp, Version,
};
pub use routine_route::{ConfigId, ROUTES_PER_SITE_MAX, RouteMode, RouteTimeout, RoutineRoute};
pub use rule::{
    Facts, HostBound, RULE_CONDITIONS_MAX, RULE_MAX_BYTES, RULE_NESTING_MAX, RULE_REGEXES_MAX,
    Rule, RuleError,
};
pub use site::{Site, SiteId};
pub use split::{Kind, Percent, Position, Release, SPLIT_TAG, Shares, SharesError, Side, Split};
pub use sticky::{KeySource, Sticky, StickyError};
pub use trace::{TRACEPARENT, TRACEPARENT_BYTES, TraceParent};
pub use tracing::{Collector, Tracing};
pub use upstream::{ENDPOINTS_MAX, Upstream, UpstreamError};
pub use variable::{
    VARIABLE_KEY_MAX_BYTES, VARIABLE_VALUE_MAX_BYTES, Variable, VariableError, VariableKey,
};
