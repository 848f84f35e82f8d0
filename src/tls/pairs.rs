//! The operator's certificates, by the name that a client asks for.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use rustls::SignatureScheme;
use rustls::client::verify_server_name;
use rustls::pki_types::ServerName;
use rustls::server::{ClientHello, ParsedCertificate, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use super::files::{CertificateError, read_certificate};

/// Certificates with their keys, read again when their files change.
#[derive(Debug)]
pub struct Pairs(Vec<Pair>);

#[derive(Debug)]
struct Pair {
    certificate: PathBuf,
    key: PathBuf,
    /// Written by who reads the files again, for which a handshake never waits.
    loaded: RwLock<Loaded>,
}

#[derive(Debug)]
struct Loaded {
    certified: Arc<CertifiedKey>,
    /// Of the files when they were last read, in good order or not.
    stamps: Stamps,
}

/// What changes when a certificate and its key are written; `None` where there is no
/// file.
type Stamps = [Option<Stamp>; 2];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    inode: u64,
    bytes: u64,
    modified: (i64, i64),
    /// Moves with every change, also where a tool sets the time above.
    changed: (i64, i64),
}

impl Pairs {
    /// Reads the files, a certificate and its key each. The first is for clients that
    /// name no host.
    pub fn read<'a>(
        files: impl IntoIterator<Item = (&'a Path, &'a Path)>,
    ) -> Result<Self, CertificateError> {
        files.into_iter().map(|(certificate, key)| Pair::read(certificate, key)).collect()
    }

    /// Reads again what has changed. What cannot be used is told once, and the
    /// certificate from before stays.
    pub fn refresh(&self) {
        self.0.iter().for_each(Pair::refresh);
    }

    /// The certificate for the host `asked`. Of several that are good for it, the first
    /// with a key that the client can check.
    fn find(&self, asked: Option<&str>, schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        let Some(asked) = asked else {
            return self.0.first().map(Pair::certified);
        };
        let name = ServerName::try_from(asked).ok()?;
        let mut good = self.0.iter().map(Pair::certified).filter(|pair| is_for(pair, &name));
        let first = good.next()?;
        let fits = |pair: &Arc<CertifiedKey>| pair.key.choose_scheme(schemes).is_some();
        if fits(&first) { Some(first) } else { good.find(fits).or(Some(first)) }
    }
}

impl FromIterator<Pair> for Pairs {
    fn from_iter<I: IntoIterator<Item = Pair>>(pairs: I) -> Self {
        Self(pairs.into_iter().collect())
    }
}

fn is_for(pair: &CertifiedKey, name: &ServerName<'_>) -> bool {
    let certificate = pair.end_entity_cert().and_then(ParsedCertificate::try_from);
    certificate.is_ok_and(|certificate| verify_server_name(&certificate, name).is_ok())
}

impl Pair {
    fn read(certificate: &Path, key: &Path) -> Result<Self, CertificateError> {
        let stamps = [stamp_of(certificate), stamp_of(key)];
        let certified = read_certificate(certificate, key)?;
        let loaded = RwLock::new(Loaded { certified, stamps });
        Ok(Self { certificate: certificate.to_owned(), key: key.to_owned(), loaded })
    }

    fn certified(&self) -> Arc<CertifiedKey> {
        // What is inside is whole at every moment, so a panic elsewhere spoils nothing.
        self.loaded.read().unwrap_or_else(PoisonError::into_inner).certified.clone()
    }

    fn refresh(&self) {
        // Taken before the files are read: a change while they are read shows next time.
        let stamps = [stamp_of(&self.certificate), stamp_of(&self.key)];
        if self.loaded.read().unwrap_or_else(PoisonError::into_inner).stamps == stamps {
            return;
        }
        let read = read_certificate(&self.certificate, &self.key);
        let mut loaded = self.loaded.write().unwrap_or_else(PoisonError::into_inner);
        loaded.stamps = stamps;
        let certificate = self.certificate.display();
        match read {
            Ok(certified) if certified.cert == loaded.certified.cert => {
                loaded.certified = certified;
            }
            Ok(certified) => {
                loaded.certified = certified;
                tracing::info!(%certificate, "the certificate was read again");
            }
            Err(error) => {
                let cause = std::error::Error::source(&error).map(ToString::to_string);
                tracing::warn!(
                    %certificate, cause,
                    "{error}; the certificate from before stays until the files are in order"
                );
            }
        }
    }
}

fn stamp_of(path: &Path) -> Option<Stamp> {
    let file = fs::metadata(path).ok()?;
    Some(Stamp {
        inode: file.ino(),
        bytes: file.len(),
        modified: (file.mtime(), file.mtime_nsec()),
        changed: (file.ctime(), file.ctime_nsec()),
    })
}

impl ResolvesServerCert for Pairs {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.find(hello.server_name(), hello.signature_schemes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Certificates that name hosts, in files of their own.
    struct Shelf(tempfile::TempDir);

    impl Shelf {
        fn new() -> Self {
            Self(tempfile::tempdir().unwrap())
        }

        fn paths(&self, name: &str) -> (PathBuf, PathBuf) {
            let path = |ending| self.0.path().join(format!("{name}.{ending}"));
            (path("pem"), path("key"))
        }

        /// Writes a certificate for `hosts`, and gives it back.
        fn write(&self, name: &str, hosts: &[&str]) -> Vec<u8> {
            let hosts: Vec<String> = hosts.iter().map(|&host| host.to_owned()).collect();
            let made = rcgen::generate_simple_self_signed(hosts).unwrap();
            let (certificate, key) = self.paths(name);
            fs::write(certificate, pem("CERTIFICATE", made.cert.der())).unwrap();
            fs::write(key, pem("PRIVATE KEY", made.signing_key.serialized_der())).unwrap();
            made.cert.der().to_vec()
        }

        fn read(&self, names: &[&str]) -> Result<Pairs, CertificateError> {
            let paths: Vec<_> = names.iter().map(|name| self.paths(name)).collect();
            Pairs::read(paths.iter().map(|(certificate, key)| (&**certificate, &**key)))
        }
    }

    fn pem(label: &str, der: &[u8]) -> String {
        use base64::Engine;
        let text = base64::prelude::BASE64_STANDARD.encode(der);
        format!("-----BEGIN {label}-----\n{text}\n-----END {label}-----\n")
    }

    /// The certificate that a client gets.
    fn shown(pairs: &Pairs, asked: Option<&str>) -> Option<Vec<u8>> {
        let found = pairs.find(asked, &[SignatureScheme::ECDSA_NISTP256_SHA256])?;
        Some(found.cert[0].to_vec())
    }

    #[test]
    fn a_client_gets_the_first_certificate_that_is_good_for_its_host() {
        let shelf = Shelf::new();
        let shop = shelf.write("shop", &["shop.example", "www.shop.example"]);
        let all = shelf.write("all", &["*.shops.example", "shop.example"]);
        let pairs = shelf.read(&["shop", "all"]).unwrap();
        for (asked, expected) in [
            (Some("shop.example"), Some(&shop)),
            (Some("SHOP.Example"), Some(&shop)),
            (Some("www.shop.example"), Some(&shop)),
            (Some("cart.shops.example"), Some(&all)),
            (Some("a.cart.shops.example"), None),
            (Some("shops.example"), None),
            (Some("other.test"), None),
            (None, Some(&shop)),
        ] {
            assert_eq!(shown(&pairs, asked).as_ref(), expected, "{asked:?}");
        }
    }

    #[test]
    fn a_changed_pair_is_read_again_and_a_broken_one_is_not_taken() {
        let shelf = Shelf::new();
        let before = shelf.write("shop", &["shop.example"]);
        let pairs = shelf.read(&["shop"]).unwrap();
        let shown = || shown(&pairs, None).unwrap();
        pairs.refresh();
        assert_eq!(shown(), before);

        let after = shelf.write("shop", &["shop.example"]);
        assert_eq!(shown(), before, "only once it is looked at");
        pairs.refresh();
        assert_eq!(shown(), after);

        let (certificate, key) = shelf.paths("shop");
        let sound = fs::read(&key).unwrap();
        fs::write(&key, "nothing").unwrap();
        pairs.refresh();
        assert_eq!(shown(), after);
        // A certificate whose key is another one's.
        shelf.write("other", &["shop.example"]);
        fs::copy(shelf.paths("other").0, &certificate).unwrap();
        fs::write(&key, sound).unwrap();
        pairs.refresh();
        assert_eq!(shown(), after);
        fs::remove_file(&key).unwrap();
        pairs.refresh();
        assert_eq!(shown(), after);

        let last = shelf.write("shop", &["shop.example"]);
        pairs.refresh();
        assert_eq!(shown(), last);
    }

    #[test]
    fn a_key_of_another_certificate_is_refused_from_the_start() {
        let shelf = Shelf::new();
        shelf.write("shop", &["shop.example"]);
        shelf.write("other", &["shop.example"]);
        fs::copy(shelf.paths("other").1, shelf.paths("shop").1).unwrap();
        let refused = shelf.read(&["shop"]);
        assert!(matches!(refused, Err(CertificateError::Unusable { .. })), "{refused:?}");
    }
}
