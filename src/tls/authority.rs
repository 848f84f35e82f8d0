//! The local authority: it vouches for this machine's names to whoever trusts it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use rcgen::{
    BasicConstraints, CertificateParams, CidrSubnet, DnType, ExtendedKeyUsagePurpose,
    GeneralSubtree, IsCa, Issuer, KeyPair, KeyUsagePurpose, NameConstraints,
    PKCS_ECDSA_P256_SHA256,
};
use rustls::RootCertStore;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName, UnixTime};
use rustls::sign::CertifiedKey;

use super::files::{AuthorityError, Damage};
use super::provider;
use crate::model::{Domain, Timestamp};

/// Longer than anybody wants to add it to a trust store again.
const AUTHORITY_LASTS: Duration = Duration::from_hours(10 * 365 * 24);
/// Some clients refuse certificates that last much longer.
const CERTIFICATE_LASTS: Duration = Duration::from_hours(365 * 24);
/// Certificates begin a little in the past, for clients whose clock is behind.
const BACKDATED: Duration = Duration::from_hours(1);
/// A certificate is made again this long before it ends.
const RENEWED_BEFORE: Duration = Duration::from_hours(30 * 24);

/// A key and the certificate that clients are told to trust.
///
/// It can vouch for `localhost`, one domain and loopback addresses alone: whoever
/// steals its key cannot be anybody else to those who trust it.
#[derive(Debug)]
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: CertificateDer<'static>,
}

/// A certificate with its key, and when it may be used.
#[derive(Debug, Clone)]
pub(super) struct Leaf {
    pub(super) certified: Arc<CertifiedKey>,
    from: Timestamp,
    pub(super) renew_at: Timestamp,
}

/// Why a certificate could not be made.
#[derive(Debug, thiserror::Error)]
pub enum IssueError {
    #[error("cannot make a certificate")]
    Make(#[from] rcgen::Error),
    #[error("cannot use the certificate that was made")]
    Use(#[from] rustls::Error),
}

impl Authority {
    /// A new one, which nobody trusts yet.
    pub fn new(domain: Option<&Domain>, now: Timestamp) -> Result<Self, AuthorityError> {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let mut params = params_of(&key);
        set_dates(&mut params, now, BACKDATED, AUTHORITY_LASTS);
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.name_constraints = Some(constraints(domain));
        let made = params.self_signed(&key)?;
        Ok(Self { certificate: made.der().clone(), issuer: Issuer::new(params, key) })
    }

    /// One that was kept. It must still be able to vouch for `localhost`.
    pub(super) fn restore(
        key: KeyPair,
        certificate: CertificateDer<'static>,
        now: Timestamp,
    ) -> Result<Self, Damage> {
        let issuer = Issuer::new(params_of(&key), key);
        let restored = Self { issuer, certificate };
        restored.judge("localhost", now)?;
        restored.judge_dates(now)?;
        Ok(restored)
    }

    /// What clients are told to trust.
    pub fn certificate_pem(&self) -> String {
        pem("CERTIFICATE", &self.certificate)
    }

    /// The file that keeps it: the key, then the certificate.
    pub(super) fn to_pem(&self) -> String {
        pem("PRIVATE KEY", self.issuer.key().serialized_der()) + &self.certificate_pem()
    }

    /// What tells it from every other authority: the start of its key's digest.
    pub(super) fn id(&self) -> String {
        id_of(self.issuer.key())
    }

    /// Whether clients will believe it about names below `domain`. An authority that
    /// was made for another domain is not believed about this one.
    pub fn vouches_for(&self, domain: &Domain, now: Timestamp) -> bool {
        self.judge(&format!("name.{domain}"), now).is_ok()
    }

    /// Makes a certificate for `names`: host names and addresses.
    pub(super) fn issue(&self, names: Vec<String>, now: Timestamp) -> Result<Leaf, IssueError> {
        // A key of its own, so that its serial number, made from it, is, too: browsers
        // refuse two certificates with one number.
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let mut params = CertificateParams::new(names)?;
        params.distinguished_name = rcgen::DistinguishedName::new();
        set_dates(&mut params, now, BACKDATED, CERTIFICATE_LASTS);
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        let certificate = params.signed_by(&key, &self.issuer)?;
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let chain = vec![certificate.der().clone()];
        let certified = CertifiedKey::from_der(chain, key, &provider())?;
        Ok(Leaf {
            certified: Arc::new(certified),
            from: shifted(now, BACKDATED, Duration::ZERO),
            renew_at: shifted(now, RENEWED_BEFORE, CERTIFICATE_LASTS),
        })
    }

    /// Makes a certificate for `name` and looks at it as a client would that trusts
    /// this authority. So a key of another certificate shows, and a name that the
    /// certificate excludes.
    fn judge(&self, name: &str, now: Timestamp) -> Result<(), Damage> {
        let leaf = self.issue(vec![name.to_owned()], now)?;
        self.verify(leaf.certified.end_entity_cert()?, name, now).map_err(Damage::Refused)
    }

    /// Whether the authority's own certificate is valid at this moment. What is trusted
    /// is never asked for its dates by rustls, but other clients do ask.
    fn judge_dates(&self, now: Timestamp) -> Result<(), Damage> {
        use rustls::CertificateError::{Expired, ExpiredContext, NotValidYet, NotValidYetContext};
        // As a server's certificate, it is refused in any case: for its dates first.
        match self.verify(&self.certificate, "localhost", now) {
            Err(rustls::Error::InvalidCertificate(
                error @ (Expired | ExpiredContext { .. } | NotValidYet | NotValidYetContext { .. }),
            )) => Err(Damage::Refused(rustls::Error::InvalidCertificate(error))),
            _ => Ok(()),
        }
    }

    fn verify(
        &self,
        certificate: &CertificateDer<'_>,
        name: &str,
        now: Timestamp,
    ) -> Result<(), rustls::Error> {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.clone())?;
        let client = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider())
            .build()
            .map_err(|error| rustls::Error::General(error.to_string()))?;
        let name = ServerName::try_from(name).map_err(|e| rustls::Error::General(e.to_string()))?;
        let now = UnixTime::since_unix_epoch(since_epoch(now));
        client.verify_server_cert(certificate, &[], &name, &[], now).map(drop)
    }
}

impl Leaf {
    /// Whether it may be used at this moment, and lasts for a while.
    pub(super) fn is_good(&self, now: Timestamp) -> bool {
        self.from <= now && now < self.renew_at
    }
}

/// What is the same in every certificate of the authority with this key, so that a
/// kept one can sign on.
fn params_of(key: &KeyPair) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    let name = format!("Serin local authority {}", id_of(key));
    params.distinguished_name.push(DnType::CommonName, name);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

fn id_of(key: &KeyPair) -> String {
    let digest = CertificateParams::default().key_identifier(key);
    let start = digest.first_chunk().copied().unwrap_or_default();
    format!("{:08x}", u32::from_be_bytes(start))
}

fn constraints(domain: Option<&Domain>) -> NameConstraints {
    let domain = domain.map(|domain| GeneralSubtree::DnsName(domain.to_string()));
    let addresses = [
        CidrSubnet::from_addr_prefix(IpAddr::V4(Ipv4Addr::new(127, 0, 0, 0)), 8),
        CidrSubnet::from_addr_prefix(IpAddr::V6(Ipv6Addr::LOCALHOST), 128),
    ];
    let localhost = GeneralSubtree::DnsName("localhost".to_owned());
    let permitted = std::iter::once(localhost)
        .chain(domain)
        .chain(addresses.map(GeneralSubtree::IpAddress))
        .collect();
    NameConstraints { permitted_subtrees: permitted, excluded_subtrees: Vec::new() }
}

/// RFC 7468: base64 in lines of 64.
fn pem(label: &str, der: &[u8]) -> String {
    let lines = der.chunks(48).map(|line| BASE64_STANDARD.encode(line) + "\n");
    format!("-----BEGIN {label}-----\n{}-----END {label}-----\n", lines.collect::<String>())
}

fn since_epoch(moment: Timestamp) -> Duration {
    Duration::from_nanos(u64::try_from(moment.0).unwrap_or_default())
}

fn shifted(moment: Timestamp, back: Duration, forth: Duration) -> Timestamp {
    let shifted = (since_epoch(moment) + forth).saturating_sub(back);
    Timestamp(i64::try_from(shifted.as_nanos()).unwrap_or(i64::MAX))
}

/// Sets when a certificate begins and ends, around `now`.
fn set_dates(params: &mut CertificateParams, now: Timestamp, back: Duration, lasts: Duration) {
    let epoch = rcgen::date_time_ymd(1970, 1, 1);
    params.not_before = epoch + since_epoch(shifted(now, back, Duration::ZERO));
    params.not_after = epoch + since_epoch(shifted(now, Duration::ZERO, lasts));
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY_NS: i64 = 24 * 3600 * 1_000_000_000;
    const START: Timestamp = Timestamp(20_000 * DAY_NS);

    fn days_later(days: i64) -> Timestamp {
        Timestamp(START.0 + days * DAY_NS)
    }

    fn domain(name: &str) -> Domain {
        Domain::new(name).unwrap()
    }

    fn authority() -> Authority {
        Authority::new(Some(&domain("edge.test")), START).unwrap()
    }

    /// The outcome of a client that trusts `authority` and calls `host`, whose
    /// certificate is for `name`.
    fn visit(
        authority: &Authority,
        name: &str,
        host: &str,
        now: Timestamp,
    ) -> Result<(), rustls::Error> {
        let leaf = authority.issue(vec![name.to_owned()], START).unwrap();
        authority.verify(leaf.certified.end_entity_cert().unwrap(), host, now)
    }

    #[test]
    fn clients_trust_it_about_this_machine_and_the_domain() {
        let authority = authority();
        for name in ["localhost", "shop.localhost", "a.edge.test", "127.0.0.1", "127.0.0.9", "::1"]
        {
            assert_eq!(visit(&authority, name, name, START), Ok(()), "{name}");
        }
    }

    #[test]
    fn clients_do_not_trust_it_about_anybody_else() {
        let authority = authority();
        for name in ["example.com", "edge.test.example.com", "192.0.2.1", "::2"] {
            assert!(visit(&authority, name, name, START).is_err(), "{name}");
        }
        assert!(visit(&authority, "a.localhost", "b.localhost", START).is_err());
        let other = super::Authority::new(None, START).unwrap();
        let leaf = other.issue(vec!["localhost".to_owned()], START).unwrap();
        let leaf = leaf.certified.end_entity_cert().unwrap();
        assert!(authority.verify(leaf, "localhost", START).is_err());
    }

    #[test]
    fn a_certificate_lasts_a_year_and_begins_a_little_earlier() {
        let authority = authority();
        let visit = |now| visit(&authority, "localhost", "localhost", now);
        let half_an_hour_ago = Timestamp(START.0 - DAY_NS / 48);
        assert_eq!(visit(half_an_hour_ago), Ok(()));
        assert_eq!(visit(days_later(364)), Ok(()));
        assert!(visit(days_later(-1)).is_err());
        assert!(visit(days_later(366)).is_err());
    }

    #[test]
    fn it_knows_for_which_domain_it_was_made() {
        let authority = authority();
        assert!(authority.vouches_for(&domain("edge.test"), START));
        assert!(!authority.vouches_for(&domain("other.test"), START));
        let of_no_domain = Authority::new(None, START).unwrap();
        assert!(!of_no_domain.vouches_for(&domain("edge.test"), START));
    }

    #[test]
    fn a_kept_one_signs_on_while_its_time_lasts() {
        let kept = |now| {
            let made = authority();
            let key = KeyPair::try_from(made.issuer.key().serialized_der()).unwrap();
            Authority::restore(key, made.certificate, now)
        };
        for days in [0, 1, 3649] {
            let restored = kept(days_later(days)).unwrap();
            assert!(restored.vouches_for(&domain("edge.test"), days_later(days)));
        }
        for days in [-1, 3651] {
            assert!(matches!(kept(days_later(days)), Err(Damage::Refused(_))), "{days}");
        }
    }

    #[test]
    fn a_key_of_another_one_is_found_out() {
        let other = authority().issuer.key().serialize_der();
        let key = KeyPair::try_from(other).unwrap();
        let restored = Authority::restore(key, authority().certificate, START);
        assert!(matches!(restored, Err(Damage::Refused(_))), "{restored:?}");
    }
}
