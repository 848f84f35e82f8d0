//! Serin

pub mod model;
pub mod routing;
