//! Where a client is: regions and the networks that belong to them.

use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;

use super::name::RegionName;

/// One `[[region]]` of the config.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Region {
    pub name: RegionName,
    pub networks: Vec<IpNet>,
    /// Two letters, as ISO 3166-1 has them.
    pub country: Option<String>,
    /// The number of the autonomous system.
    pub asn: Option<u32>,
}

/// All regions, ready to be asked for the one of an address.
#[derive(Debug, Clone, Default)]
pub struct Regions {
    all: Arc<[Region]>,
    /// By family (IPv4 first) and length of the prefix, longest first.
    prefixes: Arc<[Prefixes]>,
}

/// The networks of one length.
#[derive(Debug)]
struct Prefixes {
    is_ipv4: bool,
    mask: u128,
    /// The network's bits and the index of its region, sorted.
    networks: Vec<(u128, usize)>,
}

impl Regions {
    /// Where two regions have one network, the first one has it.
    pub fn new(all: Vec<Region>) -> Self {
        let mut networks: Vec<(bool, u8, u128, usize)> = Vec::new();
        for (index, region) in all.iter().enumerate() {
            for network in &region.networks {
                let (is_ipv4, bits) = bits(network.network());
                networks.push((is_ipv4, network.prefix_len(), bits, index));
            }
        }
        networks.sort_unstable_by_key(|&(is_ipv4, length, bits, index)| {
            (!is_ipv4, std::cmp::Reverse(length), bits, index)
        });
        networks.dedup_by_key(|&mut (is_ipv4, length, bits, _)| (is_ipv4, length, bits));
        let of_one_length = networks.chunk_by(|one, other| (one.0, one.1) == (other.0, other.1));
        let prefixes = of_one_length.map(|networks| {
            let (is_ipv4, length, ..) = networks[0];
            Prefixes {
                is_ipv4,
                mask: mask(is_ipv4, length),
                networks: networks.iter().map(|&(_, _, bits, index)| (bits, index)).collect(),
            }
        });
        Self { prefixes: prefixes.collect(), all: all.into() }
    }

    pub fn all(&self) -> &[Region] {
        &self.all
    }

    /// The region of the smallest network that holds `address`.
    pub fn find(&self, address: IpAddr) -> Option<&Region> {
        let (is_ipv4, bits) = bits(address.to_canonical());
        let fitting = self.prefixes.iter().filter(|prefixes| prefixes.is_ipv4 == is_ipv4);
        let found = fitting.into_iter().find_map(|prefixes| {
            let network = bits & prefixes.mask;
            let at = prefixes.networks.binary_search_by_key(&network, |&(bits, _)| bits).ok()?;
            Some(prefixes.networks[at].1)
        });
        self.all.get(found?)
    }
}

fn bits(address: IpAddr) -> (bool, u128) {
    match address {
        IpAddr::V4(address) => (true, address.to_bits().into()),
        IpAddr::V6(address) => (false, address.to_bits()),
    }
}

fn mask(is_ipv4: bool, length: u8) -> u128 {
    let width: u32 = if is_ipv4 { 32 } else { 128 };
    let free = width.saturating_sub(length.into());
    u128::MAX.checked_shl(free).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn region(name: &str, networks: &[&str]) -> Region {
        Region {
            name: RegionName::new(name).unwrap(),
            networks: networks.iter().map(|text| text.parse().unwrap()).collect(),
            country: None,
            asn: None,
        }
    }

    #[test]
    fn the_longest_prefix_says_where_an_address_is() {
        let regions = Regions::new(vec![
            region("everywhere", &["0.0.0.0/0"]),
            region("jiangsu", &["10.1.0.0/16", "10.9.9.9/32", "2001:db8::/32"]),
            region("nanjing", &["10.1.2.0/24", "10.1.0.0/16", "2001:db8:1::/48"]),
        ]);
        let found = |address: &str| {
            let region = regions.find(address.parse().unwrap());
            region.map(|region| region.name.to_string())
        };
        for (address, name) in [
            ("10.1.2.3", "nanjing"),
            ("10.1.3.3", "jiangsu"),
            ("::ffff:10.1.3.3", "jiangsu"),
            ("10.9.9.9", "jiangsu"),
            ("10.9.9.8", "everywhere"),
            ("2001:db8:1::1", "nanjing"),
            ("2001:db8:2::1", "jiangsu"),
        ] {
            assert_eq!(found(address).as_deref(), Some(name), "{address}");
        }
        // IPv4 is no part of IPv6.
        assert_eq!(found("2001:db9::1"), None);
        assert_eq!(found("::a01:203"), None);
        assert!(Regions::default().find([10, 1, 2, 3].into()).is_none());
    }
}
