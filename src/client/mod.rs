//! The admin API from outside: what the command line speaks.

mod app;
mod change;
mod deployed;
mod exchange;
mod explained;
mod listing;
mod routine;
mod sign;
mod subject;

pub use app::{App, AppVersion, Publish, app, publish};
pub use change::{add_version, bind, create_routine, delete_routine, delete_version};
pub use deployed::{
    Deployed, Flow, Moved, Seen, Share, deploy, deploy_over, dry_run, live, roll_back,
};
pub use exchange::{ClientError, Endpoint};
pub use explained::{PrintError, Question, explain, print_explained};
pub use listing::{apps, endpoints, routines, traffic};
pub use routine::{Live, Routine, Version, history, routine};
pub use sign::Credentials;
pub use subject::{Subject, check, history as history_of, look, traffic_of, versions};
