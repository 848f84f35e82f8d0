//! What people read: tables for a terminal, and lines that are drawn again.

mod number;
mod redraw;
mod table;

pub use number::{count, one_line, percent, time_ms};
pub use redraw::Redraw;
pub use table::{Column, Table};
