//! Where the certificates of listeners come from, and `serin ca`.

use std::future::Future;
use std::io::{self, Write};
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;

use super::{Failure, outside};
use crate::config::Config;
use crate::tls::{self, Authority, AuthorityError, CertificateError, Issued, Pairs};

/// How often it is asked whether files of certificates have changed.
const LOOKED_AT_EVERY: Duration = Duration::from_secs(1);

/// Why listeners have no certificates.
#[derive(Debug, thiserror::Error)]
pub enum CertificatesError {
    #[error(transparent)]
    Authority(#[from] AuthorityError),
    #[error(transparent)]
    Files(#[from] CertificateError),
    #[error(
        "there is no authority to trust: the certificates come from `tls.certificate`, and clients must trust who signed that"
    )]
    OwnFiles,
    #[error(
        "there is no authority to trust: without [store] it is in memory, and another one at each start; write `authority` in [tls], or [store]"
    )]
    InMemory,
}

/// What listeners show to those who ask for TLS: one source for all of them.
pub(super) enum Certificates {
    Files(Arc<Pairs>),
    Issued(Arc<Issued>),
}

impl Certificates {
    /// Those of `config`, for listeners at `addresses`.
    pub(super) fn of(
        config: &Config,
        addresses: impl IntoIterator<Item = IpAddr>,
    ) -> Result<Self, CertificatesError> {
        if !config.tls.files.is_empty() {
            let paths = config.tls.files.iter().map(|files| (&*files.certificate, &*files.key));
            return Ok(Self::Files(Arc::new(Pairs::read(paths)?)));
        }
        let now = outside::now();
        let authority = if let Some(folder) = &config.tls.authority {
            tls::open_authority(folder, config.domain.as_ref(), now)?
        } else {
            tracing::warn!(
                "the local authority is in memory: clients cannot know it, and it is another one at each start; write `authority` in [tls], or [store]"
            );
            Authority::new(config.domain.as_ref(), now)?
        };
        let domain = config.domain.clone().filter(|domain| {
            let vouches = authority.vouches_for(domain, now);
            if !vouches {
                tracing::warn!(
                    %domain,
                    "the local authority was made for another domain, so names of this one get no certificate; to have one made that knows it, move the folder of the authority away"
                );
            }
            vouches
        });
        let issued = Issued::new(authority, domain, addresses, Box::new(outside::now));
        Ok(Self::Issued(Arc::new(issued)))
    }

    /// How to speak TLS with these, for one of `protocols`.
    pub(super) fn server_config(&self, protocols: &[&[u8]]) -> Arc<ServerConfig> {
        match self {
            Self::Files(pairs) => tls::server_config(pairs.clone(), protocols),
            Self::Issued(issued) => tls::server_config(issued.clone(), protocols),
        }
    }

    /// Reads files again when they change, until `ended`.
    pub(super) async fn keep_fresh(self, ended: impl Future<Output = ()>) {
        let Self::Files(pairs) = self else { return };
        let refresh = async {
            loop {
                tokio::time::sleep(LOOKED_AT_EVERY).await;
                pairs.refresh();
            }
        };
        tokio::select! {
            () = refresh => {}
            () = ended => {}
        }
    }
}

/// Prints the certificate that clients must trust, and how to make them. Makes the
/// authority if it is not there yet.
pub fn ca(path: &Path, out: &mut impl Write, hints: &mut impl Write) -> Result<(), Failure> {
    let config = Config::read(path)?;
    let refused = |error| Failure::Certificates(error);
    if !config.tls.files.is_empty() {
        return Err(refused(CertificatesError::OwnFiles));
    }
    let folder = config.tls.authority.as_ref().ok_or(refused(CertificatesError::InMemory))?;
    let authority = tls::open_authority(folder, config.domain.as_ref(), outside::now())
        .map_err(|error| refused(error.into()))?;
    print(&authority, path, out, hints).map_err(Failure::Output)
}

fn print(
    authority: &Authority,
    path: &Path,
    out: &mut impl Write,
    hints: &mut impl Write,
) -> io::Result<()> {
    out.write_all(authority.certificate_pem().as_bytes())?;
    out.flush()?;
    writeln!(hints, "serin ca --config {} > ca.pem", in_shell(path))?;
    writeln!(hints, "export NODE_EXTRA_CA_CERTS=$PWD/ca.pem")?;
    Ok(())
}

/// A path as one word of a shell.
fn in_shell(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"/._-+,@%".contains(&b);
    if text.bytes().all(plain) { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_one_word_of_a_shell() {
        for (path, word) in
            [("a/serin.toml", "a/serin.toml"), ("my conf", "'my conf'"), ("it's", r"'it'\''s'")]
        {
            assert_eq!(in_shell(Path::new(path)), word);
        }
    }
}
