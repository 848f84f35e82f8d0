//! The admin API from outside: what the command line speaks.

mod deployed;
mod exchange;

pub use deployed::{Deployed, Flow, Moved, Share, deploy, print_deployed};
pub use exchange::ClientError;
