//! A load generator that does not flatter, and that knows versions and users: it sends
//! the requests of a population at a target, and judges whether each user got the version
//! that is theirs.
//!
//! At a rate, a request's latency is measured from when it was due and not from when a
//! connection was free to send it, so that a target that stalls cannot hide it by keeping
//! the generator waiting. Who stands in for the judged here shares no code with it: the
//! split rule is written once more, in `split`.

mod chunks;
mod connect;
mod counted;
mod deployed;
mod effective;
mod error;
mod fault;
mod head;
mod http1;
mod http2;
mod judge;
mod lane;
mod memory;
mod mistake;
mod operator;
mod pace;
mod page;
mod period;
mod periods;
mod plan;
mod rate;
mod request;
mod response;
mod run;
mod secrets;
mod split;
mod summarize;
mod summary;
mod tables;
mod tally;
mod target;
mod text;
mod told;
mod verb;
mod verdict;
mod version;
mod view;
mod visits;
mod watchdog;
mod wish;
mod worker;

pub use error::LoadError;
pub use plan::{Configured, KeyIn, Model, Plan, Planned, Protocol, Release, Users};
pub use rate::Rate;
pub use run::run;
pub use summary::{Latencies, Quantiles, Summary, VersionSummary};
pub use target::{NoTarget, Target};
pub use text::print;
pub use verb::{Around, load};
pub use version::{NoPattern, Pattern, VersionFrom};
pub use wish::Wish;
