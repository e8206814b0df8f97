//! What a connection is told.

use std::fmt;
use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use http::Uri;
use tonic::transport::{self, Certificate, ClientTlsConfig, Endpoint};

const CONNECT_WITHIN: Duration = Duration::from_secs(3);
/// How often a server that owes an answer is asked for a sign of life, and how long that may take.
const KEEPALIVE: Duration = Duration::from_secs(10);
const KEEPALIVE_WITHIN: Duration = Duration::from_secs(5);

/// How to reach a server, and how to behave towards it.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// PEM certificates of the authorities that an https server is trusted by; the system's without it.
    pub ca: Option<PathBuf>,
    /// What this client shows a server that asks for a certificate.
    pub identity: Option<Identity>,
    /// Who calls.
    pub token: Token,
    /// Whether the token may go to another machine in plain text, where others may read it.
    pub plain_text_token: bool,
    /// The deadline of calls that set none; without it, that of the service config.
    pub deadline: Option<Duration>,
    /// When a read that has no answer is asked a second time; never without it.
    pub hedge_after: Option<Duration>,
}

/// A client's certificate.
#[derive(Clone, Debug)]
pub struct Identity {
    /// PEM certificates, the client's own first.
    pub cert: PathBuf,
    /// PEM private key.
    pub key: PathBuf,
}

/// The token that goes along with every call.
#[derive(Clone, Default)]
pub enum Token {
    /// None.
    #[default]
    None,
    /// This one.
    Text(String),
    /// The one in this file, which may change.
    File(PathBuf),
}

impl fmt::Debug for Token {
    /// Not the token itself.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("None"),
            Self::Text(_) => f.write_str("Text(***)"),
            Self::File(path) => f.debug_tuple("File").field(path).finish(),
        }
    }
}

/// A connection cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// No address.
    #[error("{0} is no address: write http://HOST:PORT or https://HOST:PORT")]
    Address(String),
    /// A file cannot be read.
    #[error("cannot read {path}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The token cannot be sent.
    #[error("the token holds characters that no token has")]
    Token,
    /// There is no token where one should be.
    #[error("the token is empty")]
    NoToken,
    /// There is no token in the file that should hold one.
    #[error("the token file {0} is empty")]
    EmptyFile(PathBuf),
    /// The token would go over the network for everybody to read.
    #[error("the token would go to {0} in plain text: use https, or allow it with --plain-text-token")]
    PlainText(String),
    /// Certificates or key cannot be used.
    #[error("the certificates for {url} cannot be used")]
    Tls {
        /// The address.
        url: String,
        /// Why.
        source: transport::Error,
    },
    /// Nobody answers.
    #[error("nothing answers at {url}")]
    Unreachable {
        /// The address.
        url: String,
        /// Why.
        source: transport::Error,
    },
}

impl Settings {
    pub(crate) fn endpoint(&self, url: &str) -> Result<Endpoint, ConnectError> {
        let address = || ConnectError::Address(url.to_owned());
        let endpoint = Endpoint::from_shared(url.to_owned()).map_err(|_| address())?;
        let scheme = endpoint.uri().scheme_str().unwrap_or_default().to_owned();
        let endpoint = endpoint
            .connect_timeout(CONNECT_WITHIN)
            .http2_keep_alive_interval(KEEPALIVE)
            .keep_alive_timeout(KEEPALIVE_WITHIN)
            .tcp_nodelay(true);
        match scheme.as_str() {
            "http" if self.exposes_token(endpoint.uri()) => Err(ConnectError::PlainText(url.to_owned())),
            "http" => Ok(endpoint),
            "https" => endpoint
                .tls_config(self.tls()?)
                .map_err(|source| ConnectError::Tls {
                    url: url.to_owned(),
                    source,
                }),
            _ => Err(address()),
        }
    }

    /// Whether plain text would carry the token off this machine.
    fn exposes_token(&self, uri: &Uri) -> bool {
        let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
        let stays = host == "localhost" || host.parse().is_ok_and(|address: IpAddr| address.is_loopback());
        !matches!(self.token, Token::None) && !self.plain_text_token && !stays
    }

    fn tls(&self) -> Result<ClientTlsConfig, ConnectError> {
        let tls = ClientTlsConfig::new();
        let tls = match &self.ca {
            Some(path) => tls.ca_certificate(Certificate::from_pem(read(path)?)),
            None => tls.with_native_roots(),
        };
        Ok(match &self.identity {
            Some(Identity { cert, key }) => {
                tls.identity(transport::Identity::from_pem(read(cert)?, read(key)?))
            }
            None => tls,
        })
    }
}

pub(crate) fn read(path: &Path) -> Result<String, ConnectError> {
    std::fs::read_to_string(path).map_err(|source| ConnectError::Unreadable {
        path: path.to_owned(),
        source,
    })
}
