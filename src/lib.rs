//! Serin

pub mod admin;
pub mod app;
pub mod backend;
pub mod cli;
pub mod client;
pub mod config;
pub mod control;
pub mod model;
pub mod observe;
pub mod proxy;
pub mod routing;
pub mod server;
