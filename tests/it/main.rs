//! The promises of Serin, over real sockets where there are any: a file a promise.

#![expect(clippy::unwrap_used, reason = "a test may end where it stands")]

mod account;
mod allocations;
mod api;
mod apps;
mod architecture;
mod assets;
mod cohorts;
mod crash;
mod esa;
mod life;
mod origins;
mod plausible;
mod proxy_bodies;
mod proxy_connections;
mod proxy_disclosure;
mod proxy_errors;
mod proxy_h2;
mod proxy_h2_hostile;
mod proxy_headers;
mod proxy_limits;
mod proxy_refusals;
mod proxy_retries;
mod proxy_swaps;
mod proxy_tls;
mod restart;
mod routing;
mod rules;
mod signatures;
mod site_changes;
mod sites;
mod split_rule;
mod split_statistics;
mod support;
mod swapping;
mod table_changes;
mod tls;
mod tunnels;
mod upgrades;
mod variables;
mod verbs;
