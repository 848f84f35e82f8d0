//! Serin

pub mod backend;
pub mod model;
pub mod observe;
pub mod proxy;
pub mod routing;
pub mod server;
