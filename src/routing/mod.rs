//! From a request to a [`Decision`]: synchronous and pure. No socket, no clock, no
//! randomness; what is drawn or counted is handed in as [`Draws`].

mod asked;
mod compile;
mod decision;
mod draws;
mod explain;
mod fields;
mod host;
mod index;
mod paths;
mod publish;
mod region;
mod site_route;
mod sites;
mod sticky;
mod subject;
mod table;
mod target;
mod version_override;

pub use decision::{Answerer, Decision, Unroutable};
pub use draws::{Draws, SpreadCounters};
pub use explain::{Explanation, KeyFound, Placement, Regional};
pub use publish::{TableReader, TableWriter, published};
pub use site_route::{SiteOrigin, SiteRoute};
pub use sticky::{MintedKey, address_key};
pub use subject::SubjectName;
pub use table::{RoutingTable, Settings};
pub use target::{REFUSED, Reason, SplitNumber, Tally, Target};
pub use version_override::OVERRIDE_HEADERS;

/// A request for `host`, for the tests of rooms that know no HTTP.
#[cfg(test)]
pub(crate) fn request_for(host: &str) -> http::request::Parts {
    let request = http::Request::builder().uri("/x").header("host", host).body(());
    request.expect("a host of the tests is a field value").into_parts().0
}
