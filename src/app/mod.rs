//! Wiring: from a [`Config`](crate::config::Config) to running planes. Decides
//! nothing; time, randomness and the environment enter here.

mod certificates;
mod check;
mod demo;
mod failure;
mod listen;
mod live;
mod outside;
mod running;
mod serve;

pub use certificates::{CertificatesError, ca};
pub use check::check;
pub use demo::{demo, demo_config};
pub use failure::Failure;
pub use running::{Addresses, Running, StartError, start};
pub use serve::serve;
