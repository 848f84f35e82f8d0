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

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;
    use crate::model::{Region, RegionName};

    #[test]
    fn a_trusted_peer_names_the_region_and_nobody_else() {
        let regions = Regions::new(vec![Region {
            name: RegionName::new("jiangsu").unwrap(),
            networks: vec!["198.51.100.0/24".parse().unwrap()],
            country: None,
            asn: None,
        }]);
        let trusted = TrustedProxies::new(vec!["10.0.0.0/8".parse().unwrap()]);
        let found = |peer: [u8; 4], lines: &[(&'static str, &'static str)]| {
            let line =
                |&(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value));
            let headers: HeaderMap = lines.iter().map(line).collect();
            let region = region_of(&headers, peer.into(), &trusted, &regions);
            region.map(|region| String::from_utf8_lossy(region).into_owned())
        };
        let (proxy, client) = ([10, 0, 0, 1], [198, 51, 100, 7]);
        let (named, nobody) = (("x-serin-region", "xizang"), ("x-serin-region", ""));
        let forwarded = ("x-forwarded-for", "198.51.100.7");
        assert_eq!(found(proxy, &[named, forwarded]).as_deref(), Some("xizang"));
        assert_eq!(found(proxy, &[nobody, forwarded]).as_deref(), Some("jiangsu"));
        assert_eq!(found(proxy, &[]), None);
        assert_eq!(found(client, &[named]).as_deref(), Some("jiangsu"));
        assert_eq!(found([203, 0, 113, 7], &[named, forwarded]), None);
    }
}
