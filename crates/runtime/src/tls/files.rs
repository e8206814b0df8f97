//! Certificates and keys as files.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::sign::CertifiedKey;
use rustls::{RootCertStore, ServerConfig};

use super::{TlsConfig, provider};

/// Certificates that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// One of the two is not set.
    #[error("`server.tls.{missing}` is not set, but `server.tls.{set}` is: set both or neither")]
    Half {
        /// The key that is set.
        set: &'static str,
        /// The key that is not.
        missing: &'static str,
    },
    /// A file cannot be read.
    #[error("cannot read {path}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file does not hold what it should.
    #[error("{path} holds no {expected} in PEM form")]
    Empty {
        /// The file.
        path: PathBuf,
        /// What it should hold.
        expected: &'static str,
    },
    /// A certificate or key cannot be used.
    #[error("{path} cannot be used")]
    Unusable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: rustls::Error,
    },
    /// Certificate and key belong to different pairs.
    #[error("the key in {key} is not that of the certificate in {cert}")]
    Mismatch {
        /// The certificate's file.
        cert: PathBuf,
        /// The key's file.
        key: PathBuf,
    },
    /// The authorities cannot be used.
    #[error("the authorities in {path} cannot be used: {why}")]
    Authorities {
        /// The file.
        path: PathBuf,
        /// Why.
        why: String,
    },
}

/// Which files make a server's identity.
#[derive(Clone, Debug)]
pub(super) struct Files {
    cert: PathBuf,
    key: PathBuf,
    client_ca: Option<PathBuf>,
}

/// What stood in them at one moment.
#[derive(PartialEq, Eq)]
pub(super) struct Read {
    files: FileNames,
    cert: Vec<u8>,
    key: Vec<u8>,
    client_ca: Option<Vec<u8>>,
}

type FileNames = (PathBuf, PathBuf, Option<PathBuf>);

impl Files {
    /// None without a certificate.
    pub(super) fn of(config: &TlsConfig) -> Result<Option<Self>, TlsError> {
        let half = |set, missing| Err(TlsError::Half { set, missing });
        match (&config.cert, &config.key) {
            (None, None) if config.client_ca.is_some() => half("client_ca", "cert"),
            (None, None) => Ok(None),
            (Some(_), None) => half("cert", "key"),
            (None, Some(_)) => half("key", "cert"),
            (Some(cert), Some(key)) => Ok(Some(Self {
                cert: cert.clone(),
                key: key.clone(),
                client_ca: config.client_ca.clone(),
            })),
        }
    }

    pub(super) fn read(&self) -> Result<Read, TlsError> {
        Ok(Read {
            files: (self.cert.clone(), self.key.clone(), self.client_ca.clone()),
            cert: read(&self.cert)?,
            key: read(&self.key)?,
            client_ca: self.client_ca.as_deref().map(read).transpose()?,
        })
    }
}

impl Read {
    /// A server of these files, for HTTP/2 and, of web pages, HTTP/1.1.
    pub(super) fn server(&self) -> Result<ServerConfig, TlsError> {
        let (cert, key, client_ca) = &self.files;
        let chain = certificates(cert, &self.cert)?;
        let private = PrivateKeyDer::from_pem_slice(&self.key).map_err(|_| TlsError::Empty {
            path: key.clone(),
            expected: "private key",
        })?;
        let provider = provider();
        let certified = CertifiedKey::from_der(chain, private, &provider).map_err(|error| match error {
            rustls::Error::InconsistentKeys(_) => TlsError::Mismatch {
                cert: cert.clone(),
                key: key.clone(),
            },
            source => TlsError::Unusable {
                path: cert.clone(),
                source,
            },
        })?;
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .expect("ring has every cipher of the default versions");
        let builder = match (client_ca, &self.client_ca) {
            (Some(path), Some(pem)) => {
                let roots = Arc::new(authorities(path, pem)?);
                let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider).build();
                builder.with_client_cert_verifier(verifier.map_err(|error| TlsError::Authorities {
                    path: path.clone(),
                    why: error.to_string(),
                })?)
            }
            _ => builder.with_no_client_auth(),
        };
        Ok(builder.with_cert_resolver(Arc::new(rustls::sign::SingleCertAndKey::from(certified))))
    }
}

/// The authorities in a file.
pub(super) fn roots(path: &Path) -> Result<RootCertStore, TlsError> {
    authorities(path, &read(path)?)
}

fn authorities(path: &Path, pem: &[u8]) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(path, pem)? {
        roots.add(certificate).map_err(|source| TlsError::Unusable {
            path: path.to_owned(),
            source,
        })?;
    }
    Ok(roots)
}

fn certificates(path: &Path, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match found {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        _ => Err(TlsError::Empty {
            path: path.to_owned(),
            expected: "certificate",
        }),
    }
}

fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    fs::read(path).map_err(|source| TlsError::Unreadable {
        path: path.to_owned(),
        source,
    })
}
