//! The admin API from outside: what the command line speaks.

mod deployed;
mod exchange;
mod sign;

pub use deployed::{Deployed, Flow, Moved, Share, deploy, print_deployed};
pub use exchange::{ClientError, Endpoint};
pub use sign::Credentials;
