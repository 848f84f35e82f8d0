//! Serin

pub mod control;
pub mod model;
pub mod routing;
pub mod server;
