//! Who asks.

use std::net::IpAddr;
use std::rc::Rc;

use http::{HeaderMap, HeaderValue};

use super::X_FORWARDED_PROTO;
use crate::model::TrustedProxies;

/// The client of a connection, rendered once.
pub(in crate::proxy) struct Client {
    pub(in crate::proxy) address: IpAddr,
    pub(super) text: HeaderValue,
    /// RFC 7239, section 6: an IPv6 address in brackets and quotes.
    pub(super) forwarded_for: String,
    /// Whether it speaks TLS to us.
    secure: bool,
    trusted: bool,
}

impl Client {
    pub(in crate::proxy) fn new(address: IpAddr, secure: bool, trusted: &TrustedProxies) -> Self {
        let address = address.to_canonical();
        let text = HeaderValue::try_from(address.to_string()).expect("an address is ASCII");
        let forwarded_for = match address {
            IpAddr::V4(address) => address.to_string(),
            IpAddr::V6(address) => format!("\"[{address}]\""),
        };
        Self { address, text, forwarded_for, secure, trusted: trusted.contains(address) }
    }
}

impl Client {
    /// Whether a request came over HTTPS: to us, or to the trusted proxy that says so.
    pub(in crate::proxy) fn is_secure(&self, headers: &HeaderMap) -> bool {
        match headers.get(X_FORWARDED_PROTO).filter(|_| self.trusted) {
            Some(scheme) => scheme.as_bytes().eq_ignore_ascii_case(b"https"),
            None => self.secure,
        }
    }

    /// Its address as text.
    pub(in crate::proxy) fn address_text(&self) -> &str {
        self.text.to_str().expect("an address is ASCII")
    }

    pub(in crate::proxy) fn is_trusted(&self) -> bool {
        self.trusted
    }

    /// The same client for a request, by a table that may be younger than the connection.
    pub(in crate::proxy) fn trusted_as(self: Rc<Self>, trusted: bool) -> Rc<Self> {
        if self.trusted == trusted {
            return self;
        }
        let Self { address, secure, .. } = *self;
        let (text, forwarded_for) = (self.text.clone(), self.forwarded_for.clone());
        Rc::new(Self { address, text, forwarded_for, secure, trusted })
    }

    /// How it speaks to us.
    pub(super) fn scheme(&self) -> &'static str {
        if self.secure { "https" } else { "http" }
    }
}
