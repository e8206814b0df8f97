//! Who calls.

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

/// The caller behind a request, as its credentials say. The shop in it bounds every write and every merchant read.
#[derive(Debug, Clone, PartialEq, Eq)]
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
