//! Where a request comes from.

use std::net::IpAddr;

use http::HeaderMap;
use http::HeaderName;

use super::fields::first_line;
use super::sticky::client_address;
use crate::model::{Region, Regions, TrustedProxies};

static X_SERIN_REGION: HeaderName = HeaderName::from_static("x-serin-region");
static X_SERIN_COUNTRY: HeaderName = HeaderName::from_static("x-serin-country");
static X_SERIN_ASN: HeaderName = HeaderName::from_static("x-serin-asn");

/// The region of a request: what a trusted peer says, else where the client's address
/// is. A trusted peer may name regions that the config does not know.
pub(super) fn region_of<'r>(
    headers: &'r HeaderMap,
    peer: IpAddr,
    trusted: &TrustedProxies,
    regions: &'r Regions,
) -> Option<&'r [u8]> {
    if let Some(named) = said(headers, &X_SERIN_REGION).filter(|_| trusted.contains(peer)) {
        return Some(named);
    }
    let region = regions.find(client_address(headers, peer, trusted))?;
    Some(region.name.as_str().as_bytes())
}

/// Which country and autonomous system a request comes from, as far as anybody says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Place<'r> {
    pub(super) country: Option<&'r str>,
    pub(super) as_number: Option<u32>,
}

/// Each is what a trusted peer says, else what the region of the request says. A trusted
/// peer's word that cannot be read is none.
pub(super) fn place_of<'r>(
    headers: &'r HeaderMap,
    peer: IpAddr,
    trusted: &TrustedProxies,
    regions: &'r Regions,
) -> Place<'r> {
    let is_trusted = trusted.contains(peer);
    let text = |name| std::str::from_utf8(said(headers, name).filter(|_| is_trusted)?).ok();
    let mut place = Place {
        country: text(&X_SERIN_COUNTRY),
        as_number: text(&X_SERIN_ASN).and_then(|number| number.parse().ok()),
    };
    if place.country.is_none() || place.as_number.is_none() {
        let named = text(&X_SERIN_REGION);
        let is_named = |region: &&Region| Some(region.name.as_str()) == named;
        let known = named.and_then(|_| regions.all().iter().find(is_named));
        let region = known.or_else(|| regions.find(client_address(headers, peer, trusted)));
        place.country = place.country.or(region.and_then(|region| region.country.as_deref()));
        place.as_number = place.as_number.or(region.and_then(|region| region.asn));
    }
    place
}

/// An empty line says nothing.
fn said<'r>(headers: &'r HeaderMap, name: &HeaderName) -> Option<&'r [u8]> {
    first_line(headers, name).filter(|said| !said.is_empty())
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;
    use crate::model::RegionName;

    fn region(name: &str, network: &str, country: Option<&str>, asn: Option<u32>) -> Region {
        Region {
            name: RegionName::new(name).unwrap(),
            networks: vec![network.parse().unwrap()],
            country: country.map(str::to_owned),
            asn,
        }
    }

    fn headers(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        let line =
            |&(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value));
        lines.iter().map(line).collect()
    }

    #[test]
    fn a_place_is_what_a_trusted_peer_says_and_else_what_the_region_says() {
        let regions = Regions::new(vec![
            region("jiangsu", "198.51.100.0/24", Some("CN"), Some(4134)),
            region("bavaria", "203.0.113.0/24", Some("DE"), None),
        ]);
        let trusted = TrustedProxies::new(vec!["10.0.0.0/8".parse().unwrap()]);
        let (proxy, client, nowhere) = ([10, 0, 0, 1], [198, 51, 100, 7], [192, 0, 2, 7]);
        let forwarded = ("x-forwarded-for", "198.51.100.7");
        let (country, asn) = (("x-serin-country", "FR"), ("x-serin-asn", "64500"));
        let bavaria = ("x-serin-region", "bavaria");
        for (peer, lines, found) in [
            (proxy, &[country, asn, forwarded][..], (Some("FR"), Some(64_500))),
            (proxy, &[country, forwarded], (Some("FR"), Some(4134))),
            (proxy, &[asn, bavaria, forwarded], (Some("DE"), Some(64_500))),
            (proxy, &[bavaria, forwarded], (Some("DE"), None)),
            (proxy, &[("x-serin-region", "xizang"), forwarded], (Some("CN"), Some(4134))),
            (proxy, &[("x-serin-asn", "AS64500"), forwarded], (Some("CN"), Some(4134))),
            (proxy, &[("x-serin-asn", "4294967296"), ("x-serin-country", "")], (None, None)),
            (client, &[country, asn, bavaria], (Some("CN"), Some(4134))),
            (nowhere, &[country, asn, bavaria, forwarded], (None, None)),
        ] {
            let headers = headers(lines);
            let place = place_of(&headers, peer.into(), &trusted, &regions);
            assert_eq!((place.country, place.as_number), found, "{peer:?} {lines:?}");
        }
    }

    #[test]
    fn a_trusted_peer_names_the_region_and_nobody_else() {
        let regions = Regions::new(vec![region("jiangsu", "198.51.100.0/24", None, None)]);
        let trusted = TrustedProxies::new(vec!["10.0.0.0/8".parse().unwrap()]);
        let found = |peer: [u8; 4], lines: &[(&'static str, &'static str)]| {
            let headers = headers(lines);
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
