//! TLS: this process's certificate and key, whom it asks for one, and the change of both while calls go on.
//!
//! `rustls` over `ring`, TLS 1.2 and 1.3. A certificate is replaced by replacing its files: they are read every few
//! seconds, and what can be used is taken for new connections. Connections that stand go on under the certificate that
//! they began with, so a change drops no call. A pair that does not fit, as while one file is written and the other is not yet,
//! changes nothing.

mod acceptor;
mod files;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustls::crypto::{CryptoProvider, ring};
use rustls::{ClientConfig, RootCertStore};
use serde::Deserialize;

pub(crate) use acceptor::{Acceptor, Follower};
pub use files::TlsError;

/// `[server.tls]`: the certificate of the gRPC server.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsConfig {
    /// PEM certificates, the server's own first; plain text without them.
    #[serde(with = "crate::config::optional")]
    pub cert: Option<PathBuf>,
    /// PEM private key.
    #[serde(with = "crate::config::optional")]
    pub key: Option<PathBuf>,
    /// PEM certificates of the authorities that clients' certificates must come from; clients need none without it.
    #[serde(with = "crate::config::optional")]
    pub client_ca: Option<PathBuf>,
    /// How often the files are read again.
    #[serde(with = "crate::config::duration")]
    pub reload_interval: Duration,
}

impl TlsConfig {
    /// Whether there is a certificate.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.cert.is_some()
    }

    /// Whether the files are there and fit each other; nothing of a configuration without TLS.
    ///
    /// # Errors
    /// Names the file and what is wrong with it.
    pub fn check(&self) -> Result<(), TlsError> {
        files::Files::of(self)?.map_or(Ok(()), |files| files.read()?.server().map(|_| ()))
    }
}

pub(crate) fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

/// What a client trusts: the authorities in `ca`, or the system's.
pub(crate) fn client_config(ca: Option<&Path>) -> Result<ClientConfig, TlsError> {
    let roots = match ca {
        Some(ca) => files::roots(ca)?,
        None => {
            let mut roots = RootCertStore::empty();
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            roots
        }
    };
    let config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .expect("ring has every cipher of the default versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(config)
}
