//! One token: its form, its signature, its claims.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tonic::Code;

use super::key::Keys;
use crate::status::Refusal;

/// Longer ones are no tokens of ours.
const MOST_BYTES: usize = 8 * 1024;

/// What a token must say to be taken.
#[derive(Clone, Debug)]
pub(crate) struct Rules {
    pub(super) issuer: String,
    pub(super) audience: String,
    /// Seconds.
    pub(super) leeway: i64,
}

/// A token that was checked.
#[derive(Debug)]
pub(super) struct Verified<C> {
    /// What it says of its caller, in the process's own words.
    pub(super) caller: C,
    /// `sub`.
    pub(super) subject: String,
    /// Until when it counts, leeway included; seconds since 1970.
    pub(super) expires: i64,
}

/// Why a token is not taken.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// Not a token, or not one of ours; the words are ours, not the caller's.
    Invalid(&'static str),
    /// Its claims do not name a caller; said by the parser, without their values.
    Claims(String),
    /// Its key is not among the issuer's.
    UnknownKey,
    /// Its time is over.
    Expired,
}

impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Self {
        let (reason, message) = match fault {
            Fault::Expired => ("TOKEN_EXPIRED", "the token has expired: get a new one".to_owned()),
            Fault::Invalid(why) => ("TOKEN_INVALID", format!("the token is not accepted: {why}")),
            Fault::Claims(why) => ("TOKEN_INVALID", format!("the token names no caller: {why}")),
            Fault::UnknownKey => (
                "TOKEN_INVALID",
                "the token is not accepted: none of the issuer's keys has signed it".to_owned(),
            ),
        };
        Refusal::new(Code::Unauthenticated, reason, message)
    }
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    #[serde(default)]
    crit: serde_json::Value,
}

/// The claims that every token must have (RFC 7519). Times may be fractions.
#[derive(Deserialize)]
struct Registered {
    iss: String,
    sub: String,
    aud: Audience,
    exp: f64,
    nbf: Option<f64>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

impl Audience {
    fn names(&self, service: &str) -> bool {
        match self {
            Self::One(one) => one == service,
            Self::Many(many) => many.iter().any(|one| one == service),
        }
    }
}

/// Checks a token at `now` (seconds since 1970).
pub(super) fn verify<C: DeserializeOwned>(
    token: &str,
    keys: &Keys,
    rules: &Rules,
    now: i64,
) -> Result<Verified<C>, Fault> {
    if token.len() > MOST_BYTES {
        return Err(Fault::Invalid("it is too long"));
    }
    let (signed, signature) = token.rsplit_once('.').ok_or(NO_JWS)?;
    let (header, payload) = signed.split_once('.').ok_or(NO_JWS)?;
    let header: Header = serde_json::from_slice(&decoded(header)?).map_err(|_| NO_JWS)?;
    if !header.crit.is_null() {
        return Err(Fault::Invalid("it asks for extensions"));
    }
    let Some(key) = keys.find(header.kid.as_deref()) else {
        return Err(Fault::UnknownKey);
    };
    if header.alg != key.algorithm.name() {
        return Err(Fault::Invalid("its algorithm is not that of its key"));
    }
    if !key.has_signed(signed.as_bytes(), &decoded(signature)?) {
        return Err(Fault::Invalid("its signature is wrong"));
    }
    claims(&decoded(payload)?, rules, now)
}

const NO_JWS: Fault = Fault::Invalid("it is no JSON Web Token");

fn decoded(part: &str) -> Result<Vec<u8>, Fault> {
    BASE64_URL_SAFE_NO_PAD.decode(part).map_err(|_| NO_JWS)
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "seconds of dates are small"
)]
fn claims<C: DeserializeOwned>(payload: &[u8], rules: &Rules, now: i64) -> Result<Verified<C>, Fault> {
    let said: Registered = serde_json::from_slice(payload).map_err(unsaid)?;
    if said.iss != rules.issuer {
        return Err(Fault::Invalid("it is another issuer's"));
    }
    if !said.aud.names(&rules.audience) {
        return Err(Fault::Invalid("it is meant for another audience"));
    }
    let (now, leeway) = (now as f64, rules.leeway as f64);
    if now >= said.exp + leeway {
        return Err(Fault::Expired);
    }
    if said.nbf.is_some_and(|begins| now + leeway < begins) {
        return Err(Fault::Invalid("its time has not begun"));
    }
    Ok(Verified {
        caller: serde_json::from_slice(payload).map_err(unsaid)?,
        subject: said.sub,
        expires: (said.exp + leeway) as i64,
    })
}

/// What a parser says of claims that were signed by the issuer.
fn unsaid(error: serde_json::Error) -> Fault {
    Fault::Claims(error.to_string())
}
