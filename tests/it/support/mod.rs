//! The vocabulary of the promises.

pub(crate) mod desk;
