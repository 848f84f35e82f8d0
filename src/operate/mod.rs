//! The verbs that see and steer a running Serin, through its admin endpoint.

mod bind;
mod deployed;
mod deployments;
mod dry_run;
mod error;
mod find;
mod output;
mod routines;
mod split;
mod status;
mod steps;
mod subject;
mod told;
mod top;
mod versions;

pub use bind::bind;
pub use deployments::{Deployments, deployments};
pub use error::OperateError;
pub use output::Output;
pub use routines::{Routines, routines};
pub use status::{Status, status};
pub use steps::{Step, Steps, step};
pub use top::{Top, top};
pub use versions::{Versions, versions};
