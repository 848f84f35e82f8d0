//! The vocabulary of the promises.

pub(crate) mod keys;
pub(crate) mod second_rule;
pub(crate) mod statistics;
