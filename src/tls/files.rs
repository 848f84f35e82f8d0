//! Certificates on disk: the authority's, which is kept, and the operator's, which
//! are read.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::KeyPair;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;

use super::authority::{Authority, IssueError};
use super::provider;
use crate::model::{Domain, Timestamp};

/// The authority in its folder: key and certificate in one file, so that there is
/// never the one without the other.
const AUTHORITY_FILE: &str = "authority.pem";
/// Longer files are no certificates.
const FILE_MAX_BYTES: u64 = 1024 * 1024;

/// Why there is no local authority.
#[derive(Debug, thiserror::Error)]
pub enum AuthorityError {
    #[error("cannot make a local authority")]
    Make(#[from] rcgen::Error),
    #[error("cannot read the local authority `{}`", path.display())]
    Unreadable { path: PathBuf, source: io::Error },
    #[error("cannot keep the local authority in `{}`", folder.display())]
    Unkept { folder: PathBuf, source: io::Error },
    #[error(
        "the local authority `{}` cannot be used; put the file back from a copy, or move it away: the next start makes a new one, which clients must be told to trust (`serin ca`)",
        path.display()
    )]
    Damaged { path: PathBuf, source: Damage },
}

/// What is wrong with a kept authority.
#[derive(Debug, thiserror::Error)]
pub enum Damage {
    #[error("its text cannot be read")]
    Text(#[from] pem::Error),
    #[error("its key cannot be used")]
    Key(#[source] rcgen::Error),
    #[error("it cannot sign")]
    Sign(#[from] IssueError),
    #[error("clients would not trust it")]
    Refused(#[from] rustls::Error),
}

/// Why the operator's certificate cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    #[error("cannot read `{}` of [tls]", path.display())]
    Unreadable { path: PathBuf, source: io::Error },
    #[error("`{}` of [tls] holds no {what} in PEM", path.display())]
    NotPem { path: PathBuf, what: &'static str, source: pem::Error },
    #[error("`{}` of [tls] holds a certificate that is no authority's", path.display())]
    NoAuthority { path: PathBuf, source: rustls::Error },
    #[error("the certificate `{}` and the key `{}` of [tls] cannot be used together", certificate.display(), key.display())]
    Unusable { certificate: PathBuf, key: PathBuf, source: rustls::Error },
}

/// The authority that is kept in `folder`, made if there is none.
pub fn open_authority(
    folder: &Path,
    domain: Option<&Domain>,
    now: Timestamp,
) -> Result<Authority, AuthorityError> {
    let path = folder.join(AUTHORITY_FILE);
    match read(&path) {
        Ok(text) => restore(&path, &text, now),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let authority = Authority::new(domain, now)?;
            let unkept = |source| AuthorityError::Unkept { folder: folder.to_owned(), source };
            match keep(folder, &authority) {
                Ok(()) => Ok(authority),
                // Another process was faster. It is the one that counts.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    restore(&path, &read(&path).map_err(unkept)?, now)
                }
                Err(error) => Err(unkept(error)),
            }
        }
        Err(source) => Err(AuthorityError::Unreadable { path, source }),
    }
}

fn restore(path: &Path, text: &[u8], now: Timestamp) -> Result<Authority, AuthorityError> {
    let restored = || {
        let key = PrivateKeyDer::from_pem_slice(text)?;
        let key = KeyPair::try_from(&key).map_err(Damage::Key)?;
        let certificate = CertificateDer::from_pem_slice(text)?;
        Authority::restore(key, certificate, now)
    };
    restored().map_err(|source| AuthorityError::Damaged { path: path.to_owned(), source })
}

/// Writes `authority` where nobody else can read it, whole or not at all, and never
/// over another one: a link, unlike a rename, fails where there is a file.
fn keep(folder: &Path, authority: &Authority) -> io::Result<()> {
    match DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    let unfinished = folder.join(format!("authority-{}.unfinished", authority.id()));
    let written = || {
        let mut file =
            OpenOptions::new().write(true).create_new(true).mode(0o600).open(&unfinished)?;
        file.write_all(authority.to_pem().as_bytes())?;
        file.sync_all()?;
        fs::hard_link(&unfinished, folder.join(AUTHORITY_FILE))
    };
    let outcome = written();
    // What is left of a failure is a key that nobody uses.
    drop(fs::remove_file(&unfinished));
    outcome?;
    sync_folder(folder)?;
    sync_folder(folder.parent().unwrap_or(folder))
}

/// Makes the names in a folder as durable as the files.
fn sync_folder(folder: &Path) -> io::Result<()> {
    let here = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    File::open(here)?.sync_all()
}

/// The operator's certificate, with those that lead to its authority, and its key.
pub(super) fn read_certificate(
    certificate: &Path,
    key: &Path,
) -> Result<Arc<CertifiedKey>, CertificateError> {
    let read = |path: &Path| {
        read(path).map_err(|source| CertificateError::Unreadable { path: path.to_owned(), source })
    };
    let not_pem = |path: &Path, what| {
        let path = path.to_owned();
        move |source| CertificateError::NotPem { path, what, source }
    };
    let chain: Vec<_> = CertificateDer::pem_slice_iter(&read(certificate)?)
        .collect::<Result<_, _>>()
        .and_then(
            |chain: Vec<_>| {
                if chain.is_empty() { Err(pem::Error::NoItemsFound) } else { Ok(chain) }
            },
        )
        .map_err(not_pem(certificate, "certificate"))?;
    let private =
        PrivateKeyDer::from_pem_slice(&read(key)?).map_err(not_pem(key, "private key"))?;
    let certified = CertifiedKey::from_der(chain, private, &provider()).map_err(|source| {
        CertificateError::Unusable {
            certificate: certificate.to_owned(),
            key: key.to_owned(),
            source,
        }
    })?;
    Ok(Arc::new(certified))
}

pub(super) fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(FILE_MAX_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > FILE_MAX_BYTES {
        return Err(io::Error::new(
            io::ErrorKind::FileTooLarge,
            format!("it is longer than {FILE_MAX_BYTES} bytes"),
        ));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    const NOW: Timestamp = Timestamp(1_700_000_000_000_000_000);

    fn open(folder: &Path) -> Result<Authority, AuthorityError> {
        open_authority(folder, None, NOW)
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn an_authority_is_made_once_and_for_its_owner_alone() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("serin.db.ca");
        let made = open(&folder).unwrap().certificate_pem();
        assert_eq!(open(&folder).unwrap().certificate_pem(), made);
        assert_eq!((mode(&folder), mode(&folder.join(AUTHORITY_FILE))), (0o700, 0o600));
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1, "nothing is left beside it");
    }

    #[test]
    fn of_many_who_make_one_at_once_all_get_the_same() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("ca");
        let opened: Vec<String> = std::thread::scope(|scope| {
            let opener = || open(&folder).unwrap().certificate_pem();
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(opener)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(opened.iter().all(|pem| *pem == opened[0]));
    }

    #[test]
    fn a_damaged_authority_is_told_and_left_as_it_is() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join(AUTHORITY_FILE);
        open(home.path()).unwrap();
        let sound = fs::read_to_string(&path).unwrap();
        let other = tempfile::tempdir().unwrap();
        open(other.path()).unwrap();
        let foreign = fs::read_to_string(other.path().join(AUTHORITY_FILE)).unwrap();
        let (key, _) = sound.split_once("-----BEGIN CERT").unwrap();
        let (_, certificate) = foreign.split_once("-----BEGIN CERT").unwrap();
        let mixed = format!("{key}-----BEGIN CERT{certificate}");
        for damaged in ["", "no PEM", key, &sound[..sound.len() / 2], &mixed] {
            fs::write(&path, damaged).unwrap();
            let error = open(home.path()).unwrap_err();
            assert!(matches!(error, AuthorityError::Damaged { .. }), "{damaged:?}: {error:?}");
            assert!(error.to_string().contains("move it away"), "{error}");
            assert_eq!(fs::read_to_string(&path).unwrap(), damaged);
        }
        fs::write(&path, &sound).unwrap();
        assert!(open(home.path()).is_ok());
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_named() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("absent").join("ca");
        let error = open(&folder).unwrap_err();
        assert!(matches!(error, AuthorityError::Unkept { .. }), "{error:?}");
        assert!(error.to_string().contains("absent/ca"), "{error}");
    }

    #[test]
    fn a_certificate_and_its_key_are_read_from_files() {
        let home = tempfile::tempdir().unwrap();
        open(home.path()).unwrap();
        let both = home.path().join(AUTHORITY_FILE);
        assert_eq!(read_certificate(&both, &both).unwrap().cert.len(), 1);

        let other = tempfile::tempdir().unwrap();
        open(other.path()).unwrap();
        let mixed = read_certificate(&both, &other.path().join(AUTHORITY_FILE));
        assert!(matches!(mixed, Err(CertificateError::Unusable { .. })), "{mixed:?}");

        let empty = home.path().join("empty.pem");
        fs::write(&empty, "").unwrap();
        for (certificate, key) in [(&empty, &both), (&both, &empty)] {
            let error = read_certificate(certificate, key).unwrap_err();
            assert!(matches!(error, CertificateError::NotPem { .. }), "{error:?}");
            assert!(error.to_string().contains("empty.pem"), "{error}");
        }
        let absent = read_certificate(&home.path().join("absent"), &both);
        assert!(matches!(absent, Err(CertificateError::Unreadable { .. })), "{absent:?}");
    }
}
