//! Serin

pub mod admin;
pub mod control;
pub mod model;
pub mod routing;
pub mod server;
