//! Where the issuer's keys are read: a file, or an URL.

use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, StatusCode, Uri};
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::time::timeout;

use super::AuthConfig;
use super::key::{InvalidKeys, Keys};
use crate::BoxError;
use crate::tls::{self, TlsError};

/// A key set is a few kilobytes.
const MOST_BYTES: usize = 256 * 1024;
const WITHIN: Duration = Duration::from_secs(5);

/// Where keys are read.
#[derive(Debug)]
pub enum KeySource {
    /// A file.
    File(PathBuf),
    /// An URL, with what reads it.
    Url(Box<Remote>),
}

/// An URL and the client for it.
#[derive(Debug)]
pub struct Remote {
    url: Uri,
    client: Client<HttpsConnector<HttpConnector>, Empty<Bytes>>,
}

/// The keys cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The file cannot be read.
    #[error("cannot read {path}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// What was read is of no use.
    #[error("{place}")]
    Keys {
        /// The file or URL.
        place: String,
        /// Why.
        source: InvalidKeys,
    },
    /// No URL that keys may come from.
    #[error("{0} is not taken: give a file, an https URL, or an http URL on loopback")]
    Url(String),
    /// The certificates that an https URL is trusted by cannot be used.
    #[error(transparent)]
    Trust(#[from] TlsError),
    /// The URL does not answer.
    #[error("{url} does not answer")]
    Fetch {
        /// The URL.
        url: String,
        /// Why.
        source: BoxError,
    },
    /// The URL answers with something else.
    #[error("{url} answers {status}")]
    Status {
        /// The URL.
        url: String,
        /// The HTTP status.
        status: StatusCode,
    },
}

impl KeySource {
    /// The source that `jwks` names.
    ///
    /// # Errors
    /// For an URL that is neither https nor on loopback, or certificates that cannot be used.
    pub fn new(jwks: &str, config: &AuthConfig) -> Result<Self, SourceError> {
        if !jwks.contains("://") {
            return Ok(Self::File(jwks.into()));
        }
        let refused = || SourceError::Url(jwks.to_owned());
        let url: Uri = jwks.parse().map_err(|_| refused())?;
        match url.scheme_str() {
            Some("https") => {}
            Some("http") if is_loopback(&url) => {}
            _ => return Err(refused()),
        }
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls::client_config(config.jwks_ca.as_deref())?)
            .https_or_http()
            .enable_http1()
            .build();
        let client = Client::builder(TokioExecutor::new()).build(connector);
        Ok(Self::Url(Box::new(Remote { url, client })))
    }

    /// Reads a file at once, so that a wrong one is found before anything listens; an URL is read once there is
    /// something to wait with.
    ///
    /// # Errors
    /// When the file cannot be read or used.
    pub fn check(&self) -> Result<(), SourceError> {
        match self {
            Self::Url(_) => Ok(()),
            Self::File(path) => {
                let json = std::fs::read(path).map_err(|source| unreadable(path, source))?;
                parsed(&path.display().to_string(), &json).map(|_| ())
            }
        }
    }

    pub(super) async fn read(&self) -> Result<Keys, SourceError> {
        match self {
            Self::File(path) => {
                let json = tokio::fs::read(path).await;
                let json = json.map_err(|source| unreadable(path, source))?;
                parsed(&path.display().to_string(), &json)
            }
            Self::Url(remote) => {
                let url = remote.url.to_string();
                let fetched = timeout(WITHIN, remote.fetch()).await;
                let (status, json) = fetched
                    .unwrap_or_else(|late| Err(late.into()))
                    .map_err(|source| SourceError::Fetch {
                        url: url.clone(),
                        source,
                    })?;
                if status != StatusCode::OK {
                    return Err(SourceError::Status { url, status });
                }
                parsed(&url, &json)
            }
        }
    }
}

impl Remote {
    async fn fetch(&self) -> Result<(StatusCode, Bytes), BoxError> {
        let request = Request::get(&self.url)
            .header(http::header::ACCEPT, "application/json")
            .body(Empty::new())?;
        let (head, body) = self.client.request(request).await?.into_parts();
        let body = Limited::new(body, MOST_BYTES).collect().await?;
        Ok((head.status, body.to_bytes()))
    }
}

fn parsed(place: &str, json: &[u8]) -> Result<Keys, SourceError> {
    Keys::parse(json).map_err(|source| SourceError::Keys {
        place: place.to_owned(),
        source,
    })
}

fn unreadable(path: &Path, source: io::Error) -> SourceError {
    SourceError::File {
        path: path.to_owned(),
        source,
    }
}

fn is_loopback(url: &Uri) -> bool {
    let host = url.host().unwrap_or_default();
    let address = host
        .trim_start_matches('[')
        .trim_end_matches(']')
        .parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}
