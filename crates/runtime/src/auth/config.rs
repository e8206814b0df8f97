//! What can be told about callers; `runtime.toml` documents every key.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;
use serde::de::{Deserializer, Error};

use super::source::{KeySource, SourceError};
use super::token::Rules;

/// `[server.auth]`: whose tokens are taken.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuthConfig {
    /// The `iss` of every token.
    #[serde(with = "crate::config::optional")]
    pub issuer: Option<String>,
    /// This service among a token's `aud`.
    pub audience: String,
    /// A file or an URL with the issuer's public keys.
    #[serde(with = "crate::config::optional")]
    pub jwks: Option<String>,
    /// PEM certificates that the URL is trusted by; the system's without it.
    #[serde(with = "crate::config::optional")]
    pub jwks_ca: Option<PathBuf>,
    /// How often the keys are read again.
    #[serde(with = "crate::config::duration")]
    pub reload_interval: Duration,
    /// The shortest time between two reads, whatever tokens name.
    #[serde(with = "crate::config::duration")]
    pub reload_floor: Duration,
    /// How far the issuer's clock may be off.
    pub leeway: Leeway,
    /// Verified tokens that are remembered.
    pub max_tokens: usize,
}

/// Callers cannot be told apart as configured.
#[derive(Debug, thiserror::Error)]
pub enum AuthError {
    /// A key without which no token can be checked.
    #[error(
        "`server.auth.{0}` is not set: callers' tokens cannot be checked without it. To take anyone, start with \
         --insecure, on loopback"
    )]
    Missing(&'static str),
    /// The keys cannot be read.
    #[error("`server.auth.jwks`")]
    Keys(#[from] SourceError),
}

impl AuthConfig {
    /// Whether tokens can be checked; a file of keys is read.
    ///
    /// # Errors
    /// Names the key of the configuration, and what is wrong.
    pub fn check(&self) -> Result<(), AuthError> {
        self.rules()?;
        Ok(self.source()?.check()?)
    }

    pub(super) fn source(&self) -> Result<KeySource, AuthError> {
        let jwks = self.jwks.as_deref().ok_or(AuthError::Missing("jwks"))?;
        Ok(KeySource::new(jwks, self)?)
    }

    pub(crate) fn rules(&self) -> Result<Rules, AuthError> {
        if self.audience.is_empty() {
            return Err(AuthError::Missing("audience"));
        }
        Ok(Rules {
            issuer: self.issuer.clone().ok_or(AuthError::Missing("issuer"))?,
            audience: self.audience.clone(),
            leeway: self.leeway.as_secs(),
        })
    }
}

/// How far two clocks may differ: at most five minutes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leeway(Duration);

impl Leeway {
    const MOST: Duration = Duration::from_secs(300);

    /// The leeway in seconds.
    #[must_use]
    pub fn as_secs(self) -> i64 {
        i64::try_from(self.0.as_secs()).unwrap_or(i64::MAX)
    }
}

impl<'de> Deserialize<'de> for Leeway {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let leeway = crate::config::duration::deserialize(deserializer)?;
        if leeway > Self::MOST {
            return Err(D::Error::custom("must be at most 5m"));
        }
        Ok(Self(leeway))
    }
}

/// `[server.quota]`: how much one caller may ask for.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QuotaConfig {
    /// Calls per second of one caller; 0 sets no limit.
    pub rate: u32,
    /// Calls that a caller may save up; 0 is one second's worth.
    pub burst: u32,
    /// Other rates, by caller.
    pub callers: BTreeMap<String, u32>,
}
