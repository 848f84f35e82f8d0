//! Where a request comes from.

use std::net::IpAddr;

use http::HeaderMap;
use http::HeaderName;

use super::fields::first_line;
use super::sticky::client_address;
use crate::model::{Regions, TrustedProxies};

static X_SERIN_REGION: HeaderName = HeaderName::from_static("x-serin-region");

/// The region of a request: what a trusted peer says, else where the client's address
/// is. A trusted peer may name regions that the config does not know.
pub(super) fn region_of<'r>(
    headers: &'r HeaderMap,
    peer: IpAddr,
    trusted: &TrustedProxies,
    regions: &'r Regions,
) -> Option<&'r [u8]> {
    if trusted.contains(peer)
        && let Some(named) = first_line(headers, &X_SERIN_REGION).filter(|named| !named.is_empty())
    {
        return Some(named);
    }
    let region = regions.find(client_address(headers, peer, trusted))?;
    Some(region.name.as_str().as_bytes())
}
