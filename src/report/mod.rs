//! What people read: tables for a terminal, lines that are drawn again, and a page with
//! plots.

mod number;
mod page;
mod page_file;
mod plot;
mod redraw;
mod table;

pub use number::{count, one_line, percent, plural, time_ms};
pub use page::{Page, Part};
pub use page_file::{PageFile, Unwritable};
pub use plot::{Axis, NoPlot, Plot, Series};
pub use redraw::Redraw;
pub use table::{Column, Table};
