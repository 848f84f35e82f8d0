//! Wiring: from a [`Config`](crate::config::Config) to running planes. Decides
//! nothing; time, randomness and the environment enter here.

mod access_keys;
mod bound;
mod certificates;
mod check;
mod client_tls;
mod demo;
mod descriptors;
mod duty;
mod endpoint;
mod explain;
mod failure;
mod history;
mod inherited;
mod interrupt;
mod listen;
mod live;
mod log;
mod occupant;
mod outside;
mod reload;
mod running;
mod serve;
mod signals;
mod splits;
mod systemd;
mod tellers;
mod upstream_tls;
mod warnings;
mod watched;

pub use access_keys::AccessKeyError;
pub use certificates::{CertificatesError, ca};
pub use check::check;
pub use client_tls::{TrustError, target_tls};
pub use demo::{demo, demo_config};
pub use descriptors::raise_limit;
pub use endpoint::{CredentialsError, EndpointError, endpoint};
pub use explain::{explain, routine_of};
pub use failure::{Failure, with_causes};
pub use interrupt::stop_at_interrupt;
pub use log::log_to_stderr;
pub use outside::{as_typed, command_line, config_path, wants_colour, words};
pub use running::{Addresses, Fallen, Running, StartError, start};
pub use serve::serve;
