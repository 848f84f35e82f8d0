//! The vocabulary of the promises.

pub(crate) mod desk;
pub(crate) mod fixtures;
pub(crate) mod http;
pub(crate) mod keys;
pub(crate) mod process;
pub(crate) mod second_rule;
pub(crate) mod signer;
pub(crate) mod statistics;
