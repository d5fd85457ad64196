//! TLS for the MQTT doors: certificates and keys from PEM files, for the listener and for the collector.
//!
//! The process must have installed a rustls provider (ring) before any of this is called.

mod common_name;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

pub use common_name::common_name;

use crate::Error;

/// The files of a TLS server.
#[derive(Clone, Debug)]
pub struct ServerTls {
    /// Our certificate and the chain that leads to its authority, PEM.
    pub certificate: PathBuf,
    /// The private key of the certificate, PEM (PKCS#8, PKCS#1 or SEC1).
    pub key: PathBuf,
    /// The authority whose client certificates are accepted, PEM. `None` asks for no client certificate.
    pub client_authority: Option<PathBuf>,
    /// Whether a client without a certificate is refused. Without effect when no authority is given.
    pub client_required: bool,
}

/// The files of a TLS client.
#[derive(Clone, Debug)]
pub struct ClientTls {
    /// The authority that signed the broker's certificate, PEM; the system's own list is usually
    /// `/etc/ssl/certs/ca-certificates.crt`.
    pub authority: PathBuf,
    /// Our own certificate and key, PEM, for brokers that ask for one.
    pub identity: Option<(PathBuf, PathBuf)>,
}

impl ServerTls {
    /// Reads the files: TLS 1.2 and 1.3, client certificates as asked for.
    ///
    /// # Errors
    /// When a file is not readable as PEM, or the parts do not fit together.
    pub fn load(&self) -> Result<Arc<ServerConfig>, Error> {
        let builder = ServerConfig::builder();
        let builder = match &self.client_authority {
            None => builder.with_no_client_auth(),
            Some(path) => {
                let verifier = WebPkiClientVerifier::builder(Arc::new(authorities(path)?));
                let verifier = if self.client_required { verifier } else { verifier.allow_unauthenticated() };
                let verifier = verifier.build().map_err(|_| Error::Authority { path: path.clone() })?;
                builder.with_client_cert_verifier(verifier)
            }
        };
        let config = builder
            .with_single_cert(certificates(&self.certificate)?, key(&self.key)?)
            .map_err(|source| Error::Tls { path: self.certificate.clone(), source })?;
        Ok(Arc::new(config))
    }
}

impl ClientTls {
    /// Reads the files.
    ///
    /// # Errors
    /// When a file is not readable as PEM, or the parts do not fit together.
    pub fn load(&self) -> Result<Arc<ClientConfig>, Error> {
        let builder = ClientConfig::builder().with_root_certificates(authorities(&self.authority)?);
        let config = match &self.identity {
            None => builder.with_no_client_auth(),
            Some((certificate, private)) => builder
                .with_client_auth_cert(certificates(certificate)?, key(private)?)
                .map_err(|source| Error::Tls { path: certificate.clone(), source })?,
        };
        Ok(Arc::new(config))
    }
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, Error> {
    let unreadable = |source| Error::Pem { path: path.into(), expected: "a certificate chain", source };
    let chain = CertificateDer::pem_file_iter(path).map_err(unreadable)?.collect::<Result<Vec<_>, _>>();
    let chain = chain.map_err(unreadable)?;
    if chain.is_empty() { Err(unreadable(rustls_pki_types::pem::Error::NoItemsFound)) } else { Ok(chain) }
}

fn key(path: &Path) -> Result<PrivateKeyDer<'static>, Error> {
    PrivateKeyDer::from_pem_file(path).map_err(|source| Error::Pem {
        path: path.into(),
        expected: "a private key",
        source,
    })
}

fn authorities(path: &Path) -> Result<RootCertStore, Error> {
    let mut roots = RootCertStore::empty();
    let (usable, _) = roots.add_parsable_certificates(certificates(path)?);
    if usable == 0 { Err(Error::Authority { path: path.into() }) } else { Ok(roots) }
}
