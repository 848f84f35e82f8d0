//! Serin

pub mod model;
pub mod routing;
pub mod server;
