//! An issuer of tokens, with keys of its own.

use anyhow::{Context, Result};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _};
use serde_json::{Value, json};

/// What a test issuer signs with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signing {
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// Ed25519.
    EdDsa,
}

/// One key pair that signs tokens.
#[derive(Debug)]
pub struct TokenKey {
    kid: String,
    pair: Pair,
    random: SystemRandom,
}

#[derive(Debug)]
enum Pair {
    Es256(EcdsaKeyPair),
    EdDsa(Ed25519KeyPair),
}

impl TokenKey {
    /// A new key pair under this name.
    ///
    /// # Errors
    /// When the machine gives no randomness.
    pub fn new(kid: &str, signing: Signing) -> Result<Self> {
        let random = SystemRandom::new();
        let pair = match signing {
            Signing::Es256 => {
                let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
                let pkcs8 = EcdsaKeyPair::generate_pkcs8(algorithm, &random)
                    .ok()
                    .context("no key")?;
                let pair = EcdsaKeyPair::from_pkcs8(algorithm, pkcs8.as_ref(), &random);
                Pair::Es256(pair.ok().context("no key")?)
            }
            Signing::EdDsa => {
                let pkcs8 = Ed25519KeyPair::generate_pkcs8(&random).ok().context("no key")?;
                Pair::EdDsa(
                    Ed25519KeyPair::from_pkcs8(pkcs8.as_ref())
                        .ok()
                        .context("no key")?,
                )
            }
        };
        Ok(Self {
            kid: kid.to_owned(),
            pair,
            random,
        })
    }

    /// The public half, as it stands in a key set.
    #[must_use]
    pub fn jwk(&self) -> Value {
        match &self.pair {
            Pair::Es256(pair) => {
                let point = pair.public_key().as_ref();
                json!({
                    "kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": self.kid,
                    "x": base64url(&point[1..33]), "y": base64url(&point[33..]),
                })
            }
            Pair::EdDsa(pair) => json!({
                "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": self.kid,
                "x": base64url(pair.public_key().as_ref()),
            }),
        }
    }

    /// A token with these claims.
    ///
    /// # Panics
    /// When the machine gives no randomness.
    #[must_use]
    pub fn token(&self, claims: &Value) -> String {
        let alg = match &self.pair {
            Pair::Es256(_) => "ES256",
            Pair::EdDsa(_) => "EdDSA",
        };
        self.token_with(&json!({ "alg": alg, "kid": self.kid, "typ": "JWT" }), claims)
    }

    /// The same under any header.
    ///
    /// # Panics
    /// When the machine gives no randomness.
    #[must_use]
    pub fn token_with(&self, header: &Value, claims: &Value) -> String {
        let signed = format!(
            "{}.{}",
            base64url(header.to_string().as_bytes()),
            base64url(claims.to_string().as_bytes())
        );
        let signature = match &self.pair {
            Pair::Es256(pair) => pair.sign(&self.random, signed.as_bytes()).expect("randomness"),
            Pair::EdDsa(pair) => pair.sign(signed.as_bytes()),
        };
        format!("{signed}.{}", base64url(signature.as_ref()))
    }
}

/// The key set of these keys, as an issuer publishes it.
#[must_use]
pub fn jwks(keys: &[&TokenKey]) -> String {
    let keys: Vec<Value> = keys.iter().map(|key| key.jwk()).collect();
    json!({ "keys": keys }).to_string()
}

fn base64url(bytes: &[u8]) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}
