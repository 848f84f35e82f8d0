//! The listeners of one Serin, and what is spoken on them.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use rustls::ServerConfig;

use super::certificates::{Certificates, CertificatesError};
use super::inherited::Inherited;
use super::listen::{Doors, ListenError, Sockets};
use super::running::Addresses;
use crate::config::{Config, Listen};
use crate::proxy::{Listeners, TlsListener};
use crate::tls;

/// A listener of admin, and how it speaks TLS if it does.
pub(super) type Gate = (TcpListener, Option<Arc<ServerConfig>>);

/// One for each key of [listen] that has an address.
pub(super) struct Bound {
    production: TcpListener,
    staging: TcpListener,
    admin: TcpListener,
    production_tls: Option<TcpListener>,
    staging_tls: Option<TcpListener>,
    admin_tls: Option<TcpListener>,
}

impl Bound {
    /// Also those that can be shut.
    pub(super) fn open(
        inherited: Inherited,
        listen: &Listen,
    ) -> Result<(Self, Doors), ListenError> {
        let mut sockets = Sockets::new(inherited);
        let bound = Self {
            production: sockets.open("production", listen.production)?,
            staging: sockets.open("staging", listen.staging)?,
            admin: sockets.open("admin", listen.admin)?,
            production_tls: sockets.open_if_wanted("production_tls", listen.production_tls)?,
            staging_tls: sockets.open_if_wanted("staging_tls", listen.staging_tls)?,
            admin_tls: sockets.open_if_wanted("admin_tls", listen.admin_tls)?,
        };
        Ok((bound, sockets.all_open()))
    }

    pub(super) fn addresses(&self) -> io::Result<Addresses> {
        let address_of = |listener: &Option<TcpListener>| {
            listener.as_ref().map(TcpListener::local_addr).transpose()
        };
        Ok(Addresses {
            production: self.production.local_addr()?,
            staging: self.staging.local_addr()?,
            admin: self.admin.local_addr()?,
            production_tls: address_of(&self.production_tls)?,
            staging_tls: address_of(&self.staging_tls)?,
            admin_tls: address_of(&self.admin_tls)?,
        })
    }

    /// Who listens where with what. The certificates are there if anybody speaks TLS.
    pub(super) fn furnish(
        self,
        config: &Config,
        addresses: &Addresses,
    ) -> Result<(Listeners, Vec<Gate>, Option<Certificates>), CertificatesError> {
        let Self { production, staging, admin, production_tls, staging_tls, admin_tls } = self;
        let mut gates = vec![(admin, None)];
        let mut listeners =
            Listeners { production, staging, production_tls: None, staging_tls: None };
        let speak_tls = [addresses.production_tls, addresses.staging_tls, addresses.admin_tls];
        let speak_tls: Vec<SocketAddr> = speak_tls.into_iter().flatten().collect();
        if speak_tls.is_empty() {
            return Ok((listeners, gates, None));
        }
        let certificates = Certificates::of(config, speak_tls.iter().map(SocketAddr::ip))?;
        let of_admin = certificates.server_config(&tls::HTTP1);
        gates.extend(admin_tls.map(|listener| (listener, Some(of_admin))));
        // One for both, whose sessions are then the same, too.
        let of_traffic = certificates.server_config(&tls::HTTP2_AND_HTTP1);
        let with_tls = |listener| TlsListener { listener, config: of_traffic.clone() };
        listeners.production_tls = production_tls.map(with_tls);
        listeners.staging_tls = staging_tls.map(with_tls);
        Ok((listeners, gates, Some(certificates)))
    }
}
