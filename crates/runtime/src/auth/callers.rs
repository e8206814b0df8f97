//! Telling callers apart.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use opentelemetry::KeyValue;
use opentelemetry::metrics::Counter;
use quick_cache::sync::Cache;
use rustc_hash::FxBuildHasher;
use serde::de::DeserializeOwned;
use tokio::time::Instant;
use tonic::Code;

use super::keyring::Keyring;
use super::quota::{Bucket, Quotas};
use super::token::{self, Fault, Rules, Verified};
use super::{QuotaConfig, UnixTime};
use crate::status::Refusal;

const SCHEME: &[u8] = b"bearer ";
/// The caller of a process that takes anyone.
const ANYONE: &str = "insecure";

/// Why an RPC does not go on at once.
pub enum Halt {
    /// It never will.
    Refuse(Refusal),
    /// It may, once something has happened.
    Wait {
        /// Ends when it is time to ask once more.
        until: BoxFuture<'static, ()>,
        /// The answer if that has changed nothing.
        otherwise: Refusal,
    },
}

impl From<Refusal> for Halt {
    fn from(refusal: Refusal) -> Self {
        Self::Refuse(refusal)
    }
}

impl fmt::Debug for Halt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refuse(refusal) => f.debug_tuple("Refuse").field(refusal).finish(),
            Self::Wait { otherwise, .. } => f.debug_tuple("Wait").field(otherwise).finish(),
        }
    }
}

/// Whom a process serves. `P` is a caller in its own words, read from a token's claims. Clones share what is known.
pub struct Callers<P>(Arc<Way<P>>);

enum Way<P> {
    /// Everyone comes as the same caller.
    Everyone(Known<P>),
    /// Callers show tokens.
    Tokens(Tokens<P>),
}

/// A caller with what it has left.
struct Known<P> {
    caller: Arc<P>,
    bucket: Option<Arc<Bucket>>,
}

struct Tokens<P> {
    keyring: Keyring,
    rules: Rules,
    now: UnixTime,
    quotas: Quotas,
    verified: Cache<Box<[u8]>, Arc<Entry<P>>, quick_cache::UnitWeighter, FxBuildHasher>,
    outcomes: Counter<u64>,
}

/// A token that was verified.
struct Entry<P> {
    known: Known<P>,
    /// With the keys of this era.
    era: u64,
    /// On the monotonic clock, so that a jump of the time of day changes nothing.
    until: Instant,
}

impl<P> Callers<P> {
    /// Everyone is `caller`.
    pub fn everyone(caller: P, quota: &QuotaConfig) -> Self {
        let bucket = Quotas::new(quota, 1).of(ANYONE);
        let caller = Arc::new(caller);
        Self(Arc::new(Way::Everyone(Known { caller, bucket })))
    }

    pub(crate) fn by_tokens(
        keyring: Keyring,
        rules: Rules,
        now: UnixTime,
        quota: &QuotaConfig,
        most: usize,
    ) -> Self {
        let outcomes = opentelemetry::global::meter("tandem")
            .u64_counter("tandem.auth.tokens")
            .with_description("Tokens that were not known yet, by outcome")
            .build();
        Self(Arc::new(Way::Tokens(Tokens {
            keyring,
            rules,
            now,
            quotas: Quotas::new(quota, most),
            verified: Cache::with(
                most.max(1),
                most.max(1) as u64,
                quick_cache::UnitWeighter,
                FxBuildHasher,
                Default::default(),
            ),
            outcomes,
        })))
    }
}

impl<P: DeserializeOwned> Callers<P> {
    /// The caller of a request with these headers.
    ///
    /// # Errors
    /// UNAUTHENTICATED without a token that counts, RESOURCE_EXHAUSTED when the caller's quota is used up; or a wait
    /// for the keys to be read anew.
    pub fn recognise(&self, headers: &HeaderMap) -> Result<Arc<P>, Halt> {
        let known = match &*self.0 {
            Way::Everyone(known) => return known.enter().map_err(Into::into),
            Way::Tokens(tokens) => tokens.entry(bearer(headers)?)?,
        };
        known.known.enter().map_err(Into::into)
    }
}

impl<P> Known<P> {
    fn enter(&self) -> Result<Arc<P>, Refusal> {
        if let Some(bucket) = &self.bucket {
            bucket.take()?;
        }
        Ok(Arc::clone(&self.caller))
    }
}

impl<P: DeserializeOwned> Tokens<P> {
    fn entry(&self, token: &[u8]) -> Result<Arc<Entry<P>>, Halt> {
        if let Some(entry) = self.verified.get(token)
            && entry.era == self.keyring.era()
            && Instant::now() < entry.until
        {
            return Ok(entry);
        }
        let (era, keys) = self.keyring.keys();
        let now = (self.now)();
        let text = std::str::from_utf8(token).map_err(|_| Refusal::from(Fault::Invalid("it is no text")))?;
        match token::verify(text, &keys, &self.rules, now) {
            Ok(verified) => Ok(self.remember(token, verified, era, now)),
            Err(fault) => {
                self.verified.remove(token);
                self.note(if fault == Fault::Expired {
                    "expired"
                } else {
                    "invalid"
                });
                let until = if fault == Fault::UnknownKey {
                    self.keyring.ask()
                } else {
                    None
                };
                let otherwise = Refusal::from(fault);
                Err(match until {
                    Some(until) => Halt::Wait { until, otherwise },
                    None => Halt::Refuse(otherwise),
                })
            }
        }
    }

    fn remember(&self, token: &[u8], verified: Verified<P>, era: u64, now: i64) -> Arc<Entry<P>> {
        self.note("verified");
        let left = u64::try_from(verified.expires.saturating_sub(now)).unwrap_or(0);
        let began = Instant::now();
        let entry = Arc::new(Entry {
            known: Known {
                caller: Arc::new(verified.caller),
                bucket: self.quotas.of(&verified.subject),
            },
            era,
            until: began.checked_add(Duration::from_secs(left)).unwrap_or(began),
        });
        self.verified.insert(token.into(), Arc::clone(&entry));
        entry
    }

    fn note(&self, outcome: &'static str) {
        self.outcomes.add(1, &[KeyValue::new("outcome", outcome)]);
    }
}

/// What stands behind `Authorization: Bearer`.
fn bearer(headers: &HeaderMap) -> Result<&[u8], Refusal> {
    let mut given = headers.get_all(AUTHORIZATION).iter();
    let Some(value) = given.next() else {
        return Err(missing("send one as `authorization: Bearer TOKEN`"));
    };
    if given.next().is_some() {
        return Err(missing("there is more than one `authorization`"));
    }
    match value.as_bytes().split_at_checked(SCHEME.len()) {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case(SCHEME) => Ok(token),
        _ => Err(missing("`authorization` does not begin with `Bearer`")),
    }
}

fn missing(why: &str) -> Refusal {
    let message = format!("this call needs a token: {why}");
    Refusal::new(Code::Unauthenticated, "TOKEN_MISSING", message)
}

impl<P> Clone for Callers<P> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<P> fmt::Debug for Callers<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &*self.0 {
            Way::Everyone(_) => "Callers::Everyone",
            Way::Tokens(_) => "Callers::Tokens",
        })
    }
}
