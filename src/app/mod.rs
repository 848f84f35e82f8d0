//! Wiring: from a [`Config`](crate::config::Config) to running planes. Decides
//! nothing; time, randomness and the environment enter here.

mod access_keys;
mod check;
mod demo;
mod endpoint;
mod failure;
mod listen;
mod live;
mod outside;
mod running;
mod serve;

pub use access_keys::AccessKeyError;
pub use check::check;
pub use demo::{demo, demo_config};
pub use endpoint::{CredentialsError, endpoint};
pub use failure::Failure;
pub use running::{Addresses, Running, StartError, start};
pub use serve::serve;
