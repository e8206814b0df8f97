//! Who calls.

use std::str::FromStr;

use serde::Deserialize;

use crate::id::{MarketplaceId, ShopId};

/// A right that a call needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scope {
    /// Read recommendations: `reco.read`.
    RecoRead,
    /// Report behaviour events: `events.write`.
    EventsWrite,
    /// Report and read stock: `stock.write`.
    StockWrite,
    /// Write the catalogue: `catalog.write`.
    CatalogWrite,
    /// Write and read manual links: `links.write`.
    LinksWrite,
    /// Operate: builds, generations: `ops.admin`.
    OpsAdmin,
}

impl Scope {
    /// Every scope.
    pub const ALL: [Self; 6] = [
        Self::RecoRead,
        Self::EventsWrite,
        Self::StockWrite,
        Self::CatalogWrite,
        Self::LinksWrite,
        Self::OpsAdmin,
    ];

    /// The scope as it stands in a token.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RecoRead => "reco.read",
            Self::EventsWrite => "events.write",
            Self::StockWrite => "stock.write",
            Self::CatalogWrite => "catalog.write",
            Self::LinksWrite => "links.write",
            Self::OpsAdmin => "ops.admin",
        }
    }
}

/// No right that Tandem knows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no scope")]
pub struct UnknownScope(pub String);

impl FromStr for Scope {
    type Err = UnknownScope;

    fn from_str(text: &str) -> Result<Self, UnknownScope> {
        let known = Self::ALL.into_iter().find(|scope| scope.as_str() == text);
        known.ok_or_else(|| UnknownScope(text.to_owned()))
    }
}

/// The caller behind a request, as its credentials say. The shop in it bounds every write and every merchant read.
///
/// It is read from the claims of a token: `sub`, `marketplace`, `shop` (absent for platform callers) and `scope`
/// (rights with blanks between them, as in RFC 8693). Scopes of other services and other claims are passed over.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Claims")]
pub struct Principal {
    /// The marketplace that scopes the call.
    pub marketplace: MarketplaceId,
    /// The shop; `None` for platform callers, who read across the marketplace but write nothing shop-owned.
    pub shop: Option<ShopId>,
    /// Name of the caller for logs and audit, such as `livestream-backend`.
    pub subject: String,
    /// What the caller may do.
    pub scopes: Vec<Scope>,
}

impl Principal {
    /// The default caller of an insecure loopback server: one shop, every scope.
    #[must_use]
    pub fn insecure(marketplace: MarketplaceId, shop: ShopId) -> Self {
        Self {
            marketplace,
            shop: Some(shop),
            subject: "insecure".to_owned(),
            scopes: Scope::ALL.to_vec(),
        }
    }

    /// Whether the caller holds `scope`.
    #[must_use]
    pub fn may(&self, scope: Scope) -> bool {
        self.scopes.contains(&scope)
    }
}

/// What a token says of its caller.
#[derive(Deserialize)]
struct Claims {
    sub: String,
    marketplace: MarketplaceId,
    shop: Option<ShopId>,
    #[serde(default)]
    scope: String,
}

/// A caller whose name cannot be written down.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`sub` must have 1 to 128 bytes and no control characters")]
pub struct InvalidSubject;

impl TryFrom<Claims> for Principal {
    type Error = InvalidSubject;

    fn try_from(claims: Claims) -> Result<Self, InvalidSubject> {
        let subject = claims.sub;
        if subject.is_empty() || subject.len() > 128 || subject.chars().any(char::is_control) {
            return Err(InvalidSubject);
        }
        let scopes = claims.scope.split_ascii_whitespace();
        Ok(Self {
            marketplace: claims.marketplace,
            shop: claims.shop,
            subject,
            scopes: scopes.filter_map(|scope| scope.parse().ok()).collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(claims: &str) -> Result<Principal, String> {
        serde_json::from_str(claims).map_err(|error| error.to_string())
    }

    #[test]
    fn claims_become_a_caller_and_scopes_of_others_are_passed_over() {
        let caller = read(
            r#"{"sub":"mall","marketplace":"m","shop":"s","scope":"reco.read mail.read stock.write","iat":1}"#,
        );
        let caller = caller.unwrap();
        assert_eq!(caller.shop.as_ref().map(ShopId::as_str), Some("s"));
        assert_eq!(caller.scopes, [Scope::RecoRead, Scope::StockWrite]);
        assert!(!caller.may(Scope::OpsAdmin));
        let platform = read(r#"{"sub":"mall","marketplace":"m"}"#).unwrap();
        assert_eq!((platform.shop, platform.scopes), (None, Vec::new()));
    }

    #[test]
    fn claims_without_a_caller_or_a_marketplace_are_refused() {
        for claims in [
            r#"{"marketplace":"m"}"#,
            r#"{"sub":"mall"}"#,
            r#"{"sub":"","marketplace":"m"}"#,
            r#"{"sub":"a\nb","marketplace":"m"}"#,
            r#"{"sub":"mall","marketplace":""}"#,
            r#"{"sub":"mall","marketplace":"m","shop":7}"#,
        ] {
            assert!(read(claims).is_err(), "{claims}");
        }
    }
}
