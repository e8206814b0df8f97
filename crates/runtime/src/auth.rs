//! Who calls: JSON Web Tokens against the issuer's public keys, and what one caller may ask for.
//!
//! A token is a compact JWS signed with ES256 (P-256) or EdDSA (Ed25519); signatures are checked with `ring`, the
//! same library that TLS rests on. The algorithm is a property of the *key*: a header that names another one, `none`
//! or an HMAC among them, is refused before anything is computed. Issuer, audience and expiry must be there and fit;
//! times are taken as an argument and may be off by a bounded leeway.
//!
//! A verified token is remembered until it expires, so that a request costs one look-up in a hash map; what is found
//! there was verified with keys that still stand, since every change of the keys starts a new era. Keys are read anew
//! at an interval, and at once when a token names one that is not known, though never more often than the floor allows:
//! a call with such a token waits for that read. If the keys cannot be read, those that are known stay.

mod callers;
mod config;
mod key;
mod keyring;
mod quota;
mod source;
mod token;

use std::sync::Arc;

pub use callers::{Callers, Halt};
pub use config::{AuthConfig, AuthError, Leeway, QuotaConfig};
pub use key::InvalidKeys;
pub(crate) use keyring::Keyring;
pub use source::{KeySource, SourceError};

/// Where the time of day comes from: seconds since 1970-01-01T00:00:00Z.
pub type UnixTime = Arc<dyn Fn() -> i64 + Send + Sync>;
