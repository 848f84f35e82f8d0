//! The admin API from outside: what the command line speaks.

mod app;
mod deployed;
mod exchange;
mod explained;
mod routine;
mod sign;

pub use app::{App, Publish, app, publish};
pub use deployed::{Deployed, Flow, Moved, Share, deploy, print_deployed};
pub use exchange::{ClientError, Endpoint};
pub use explained::{PrintError, Question, explain, print_explained};
pub use routine::{Live, Routine, Version, history, routine};
pub use sign::Credentials;
