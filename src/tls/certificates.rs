//! The certificates of the local authority, by the name that a client asks for.

use std::collections::HashMap;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};

use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use super::authority::{Authority, Leaf};
use super::names::Names;
use crate::model::{Domain, Timestamp};

/// Certificates that are remembered. The one to be renewed first makes room: making
/// it again costs a signature.
const CERTIFICATES_MAX: usize = 1024;

pub type Clock = Box<dyn Fn() -> Timestamp + Send + Sync>;

/// Makes a certificate when its name is first asked for, and again in time.
pub struct Issued {
    authority: Authority,
    names: Names,
    /// For clients that name no host.
    addresses: Vec<IpAddr>,
    clock: Clock,
    /// By name; under `None`, the one for addresses.
    made: Mutex<HashMap<Option<String>, Leaf>>,
}

impl Issued {
    /// Certificates for `localhost`, `<name>.localhost`, `<name>.<domain>`, the
    /// loopback addresses and those of `listeners`.
    pub fn new(
        authority: Authority,
        domain: Option<Domain>,
        listeners: impl IntoIterator<Item = IpAddr>,
        clock: Clock,
    ) -> Self {
        let mut addresses: Vec<IpAddr> =
            vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
        for listener in listeners {
            let listener = listener.to_canonical();
            if !addresses.contains(&listener) {
                addresses.push(listener);
            }
        }
        let names = Names { domain };
        Self { authority, names, addresses, clock, made: Mutex::default() }
    }

    /// The certificate for the host `asked`, or for addresses; `None` for a host that
    /// is not ours.
    fn find(&self, asked: Option<&str>) -> Option<Arc<CertifiedKey>> {
        let name = match asked {
            Some(asked) => Some(self.names.find(asked)?),
            None => None,
        };
        let now = (self.clock)();
        // What is inside is whole at every moment, so a panic elsewhere spoils nothing.
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(leaf) = made.get(&name).filter(|leaf| leaf.is_good(now)) {
            return Some(leaf.certified.clone());
        }
        match self.authority.issue(self.covered(name.as_deref()), now) {
            Ok(leaf) => {
                let certified = leaf.certified.clone();
                remember(&mut made, name, leaf);
                Some(certified)
            }
            Err(error) => {
                tracing::error!(%error, name, "no certificate could be made");
                None
            }
        }
    }

    /// What the certificate for `name` is good for.
    fn covered(&self, name: Option<&str>) -> Vec<String> {
        if let Some(name) = name {
            return vec![name.to_owned()];
        }
        // Some clients that leave the name out mean `localhost` nonetheless.
        let addresses = self.addresses.iter().map(ToString::to_string);
        addresses.chain(["localhost".to_owned()]).collect()
    }
}

fn remember(made: &mut HashMap<Option<String>, Leaf>, name: Option<String>, leaf: Leaf) {
    if made.len() >= CERTIFICATES_MAX && !made.contains_key(&name) {
        let first = made.iter().min_by_key(|(_, leaf)| leaf.renew_at);
        if let Some(first) = first.map(|(name, _)| name.clone()) {
            made.remove(&first);
        }
    }
    made.insert(name, leaf);
}

impl ResolvesServerCert for Issued {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.find(hello.server_name())
    }
}

impl fmt::Debug for Issued {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Issued").field("names", &self.names).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};

    use super::*;

    const DAY_NS: i64 = 24 * 3600 * 1_000_000_000;
    const START_NS: i64 = 20_000 * DAY_NS;

    fn issued() -> (Issued, Arc<AtomicI64>) {
        let now = Arc::new(AtomicI64::new(START_NS));
        let domain = Some(Domain::new("edge.test").unwrap());
        let authority = Authority::new(domain.as_ref(), Timestamp(START_NS)).unwrap();
        let clock = {
            let now = now.clone();
            Box::new(move || Timestamp(now.load(Ordering::SeqCst)))
        };
        (Issued::new(authority, domain, [[127, 0, 0, 9].into()], clock), now)
    }

    #[test]
    fn a_name_has_one_certificate_however_it_is_spelled() {
        let (issued, _) = issued();
        let first = issued.find(Some("shop.localhost")).unwrap();
        assert!(Arc::ptr_eq(&first, &issued.find(Some("SHOP.localhost")).unwrap()));
        assert!(!Arc::ptr_eq(&first, &issued.find(Some("cart.localhost")).unwrap()));
        assert!(!Arc::ptr_eq(&first, &issued.find(None).unwrap()));
    }

    #[test]
    fn a_foreign_name_has_none() {
        let (issued, _) = issued();
        assert!(issued.find(Some("example.com")).is_none());
        assert!(issued.find(Some("")).is_none());
        assert!(issued.made.lock().unwrap().is_empty());
    }

    #[test]
    fn a_certificate_is_made_again_a_month_before_it_ends() {
        let (issued, now) = issued();
        let first = issued.find(Some("localhost")).unwrap();
        now.store(START_NS + 334 * DAY_NS, Ordering::SeqCst);
        assert!(Arc::ptr_eq(&first, &issued.find(Some("localhost")).unwrap()));
        now.store(START_NS + 336 * DAY_NS, Ordering::SeqCst);
        let second = issued.find(Some("localhost")).unwrap();
        assert!(!Arc::ptr_eq(&first, &second));
        // A clock that was set back makes the newer one a thing of the future.
        now.store(START_NS, Ordering::SeqCst);
        assert!(!Arc::ptr_eq(&second, &issued.find(Some("localhost")).unwrap()));
    }

    #[test]
    fn names_that_are_asked_for_do_not_fill_the_memory() {
        let (issued, now) = issued();
        for number in 0..CERTIFICATES_MAX + 10 {
            now.fetch_add(1, Ordering::SeqCst);
            issued.find(Some(&format!("n{number}.localhost"))).unwrap();
        }
        let made = issued.made.lock().unwrap();
        assert_eq!(made.len(), CERTIFICATES_MAX);
        assert!(!made.contains_key(&Some("n0.localhost".to_owned())), "the oldest made room");
        let newest = format!("n{}.localhost", CERTIFICATES_MAX + 9);
        assert!(made.contains_key(&Some(newest)));
    }
}
