//! Whose word about a client's address is taken.

use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;

/// The networks whose `X-Forwarded-*` are believed. None by default: what others
/// claim is replaced.
#[derive(Debug, Clone, Default)]
pub struct TrustedProxies(Arc<[IpNet]>);

impl TrustedProxies {
    pub fn new(networks: Vec<IpNet>) -> Self {
        Self(networks.into())
    }

    #[inline]
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }
}
