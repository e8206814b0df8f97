//! The issuer's public keys: a JSON Web Key Set (RFC 7517), of which the keys for ES256 and EdDSA are taken.

use std::collections::HashMap;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use ring::signature::{self, UnparsedPublicKey, VerificationAlgorithm};
use serde::Deserialize;

/// More keys than an issuer in the middle of a rotation has.
const MOST_KEYS: usize = 64;
const COORDINATE_BYTES: usize = 32;
/// How an uncompressed point of a curve begins (SEC 1, 2.3.3).
const UNCOMPRESSED: u8 = 4;

/// A key set that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum InvalidKeys {
    /// Not the JSON of a key set.
    #[error("this is no JSON Web Key Set")]
    Json(#[from] serde_json::Error),
    /// A key of a known kind that is broken.
    #[error("key {kid:?}: {why}")]
    Key {
        /// Its `kid`, or none.
        kid: Option<String>,
        /// What is wrong with it.
        why: &'static str,
    },
    /// No key could ever verify anything.
    #[error("no key for ES256 (P-256) or EdDSA (Ed25519) is among the {0} keys")]
    NoneUsable(usize),
    /// More than any issuer has.
    #[error("{0} keys are more than {MOST_KEYS}")]
    TooMany(usize),
}

/// What a key signs with; a token does not choose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Algorithm {
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// Ed25519.
    EdDsa,
}

impl Algorithm {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Es256 => "ES256",
            Self::EdDsa => "EdDSA",
        }
    }

    fn verification(self) -> &'static dyn VerificationAlgorithm {
        match self {
            Self::Es256 => &signature::ECDSA_P256_SHA256_FIXED,
            Self::EdDsa => &signature::ED25519,
        }
    }
}

/// One public key.
#[derive(Debug)]
pub(super) struct Key {
    pub(super) algorithm: Algorithm,
    public: UnparsedPublicKey<Vec<u8>>,
}

impl Key {
    pub(super) fn has_signed(&self, message: &[u8], signature: &[u8]) -> bool {
        self.public.verify(message, signature).is_ok()
    }
}

/// The keys of one issuer; equal when they were read from the same text.
#[derive(Debug)]
pub(super) struct Keys {
    named: HashMap<String, Key>,
    nameless: Vec<Key>,
    text: Box<[u8]>,
}

impl PartialEq for Keys {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Keys {
    /// Reads a key set. Keys for anything else than signatures of the two kinds are passed over.
    pub(super) fn parse(json: &[u8]) -> Result<Self, InvalidKeys> {
        let set: KeySet = serde_json::from_slice(json)?;
        let count = set.keys.len();
        if count > MOST_KEYS {
            return Err(InvalidKeys::TooMany(count));
        }
        let mut keys = Self {
            named: HashMap::new(),
            nameless: Vec::new(),
            text: json.into(),
        };
        for jwk in set.keys {
            keys.add(jwk)?;
        }
        if keys.count() == 0 {
            return Err(InvalidKeys::NoneUsable(count));
        }
        Ok(keys)
    }

    fn add(&mut self, jwk: Jwk) -> Result<(), InvalidKeys> {
        let Some(key) = jwk.key() else { return Ok(()) };
        let key = match key {
            Ok(key) => key,
            Err(why) => return Err(InvalidKeys::Key { kid: jwk.kid, why }),
        };
        match jwk.kid {
            None => self.nameless.push(key),
            Some(kid) if self.named.contains_key(&kid) => {
                let why = "stands twice in the set";
                return Err(InvalidKeys::Key { kid: Some(kid), why });
            }
            Some(kid) => {
                self.named.insert(kid, key);
            }
        }
        Ok(())
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.named.len() + self.nameless.len()
    }

    /// The key of that name; of a token that names none, the only key there is.
    pub(super) fn find(&self, kid: Option<&str>) -> Option<&Key> {
        match kid {
            Some(kid) => self.named.get(kid),
            None if self.count() == 1 => self.nameless.first().or_else(|| self.named.values().next()),
            None => None,
        }
    }
}

#[derive(Deserialize)]
struct KeySet {
    keys: Vec<Jwk>,
}

#[derive(Deserialize)]
struct Jwk {
    kty: String,
    crv: Option<String>,
    x: Option<String>,
    y: Option<String>,
    kid: Option<String>,
    alg: Option<String>,
    r#use: Option<String>,
    key_ops: Option<Vec<String>>,
}

impl Jwk {
    /// None of a key for something else.
    fn key(&self) -> Option<Result<Key, &'static str>> {
        let algorithm = match (self.kty.as_str(), self.crv.as_deref()) {
            ("EC", Some("P-256")) => Algorithm::Es256,
            ("OKP", Some("Ed25519")) => Algorithm::EdDsa,
            _ => return None,
        };
        let other_use = self.r#use.as_deref().is_some_and(|given| given != "sig");
        let other_operation = self
            .key_ops
            .as_ref()
            .is_some_and(|given| !given.iter().any(|operation| operation == "verify"));
        if other_use || other_operation {
            return None;
        }
        if self.alg.as_deref().is_some_and(|given| given != algorithm.name()) {
            return Some(Err("its alg does not fit its curve"));
        }
        Some(self.point(algorithm).map(|point| Key {
            algorithm,
            public: UnparsedPublicKey::new(algorithm.verification(), point),
        }))
    }

    fn point(&self, algorithm: Algorithm) -> Result<Vec<u8>, &'static str> {
        let x = coordinate(self.x.as_deref(), "x is not 32 bytes of base64url")?;
        match algorithm {
            Algorithm::EdDsa => Ok(x),
            Algorithm::Es256 => {
                let y = coordinate(self.y.as_deref(), "y is not 32 bytes of base64url")?;
                Ok([&[UNCOMPRESSED][..], &x, &y].concat())
            }
        }
    }
}

fn coordinate(text: Option<&str>, why: &'static str) -> Result<Vec<u8>, &'static str> {
    let bytes = BASE64_URL_SAFE_NO_PAD
        .decode(text.unwrap_or_default())
        .map_err(|_| why)?;
    if bytes.len() == COORDINATE_BYTES {
        Ok(bytes)
    } else {
        Err(why)
    }
}
