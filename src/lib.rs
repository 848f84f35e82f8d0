//! Serin

pub mod model;
