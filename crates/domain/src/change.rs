//! What SQL tells the projection. A change is written to the outbox in the transaction that makes it and carries
//! the whole new state, so that nothing has to be read back; versions make order and repetition harmless.

use serde::{Deserialize, Serialize};

use crate::bundle::AnchorBundles;
use crate::catalog::{Listing, ProductCard};
use crate::id::{MarketplaceId, ProductId};
use crate::link::AnchorLinks;
use crate::stock::{ShopThresholds, StockChange};
use crate::surface::Surface;

/// One committed change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Change {
    /// Stock of a SKU in a pool.
    Stock(StockChange),
    /// A product went on or off sale.
    Listing(ListingChange),
    /// A product card.
    Card(ProductCard),
    /// The links of an anchor.
    Links(AnchorLinks),
    /// The fixed bundles of an anchor.
    Bundles(AnchorBundles),
    /// A serving configuration.
    Surface(Surface),
    /// When stock of a shop runs low.
    Thresholds(ThresholdsChange),
    /// Nothing but a sign of life: proves that SQL, relay, worker and stream all move.
    Heartbeat {
        /// Rises with every beat of this marketplace.
        counter: u64,
    },
}

impl Change {
    /// As SQL and the change stream hold it.
    ///
    /// # Panics
    /// Never: changes have string keys only.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("a change has string keys only")
    }

    /// What it is about, for logs and operators: `stock of SKU in POOL`.
    #[must_use]
    pub fn subject(&self) -> String {
        match self {
            Self::Stock(change) => format!("stock of {} in {}", change.sku, change.pool),
            Self::Listing(change) => format!("listing of {}", change.product),
            Self::Card(card) => format!("card of {}", card.id),
            Self::Links(links) => format!("links of {}", links.anchor),
            Self::Bundles(bundles) => format!("fixed bundles of {}", bundles.anchor),
            Self::Surface(surface) => format!("surface {}", surface.id),
            Self::Thresholds(change) => format!("thresholds of shop {}", change.of.shop),
            Self::Heartbeat { counter } => format!("heartbeat {counter}"),
        }
    }

    /// Its version; none of a heartbeat, which is compared by its counter.
    #[must_use]
    pub const fn version(&self) -> Option<u64> {
        match self {
            Self::Stock(change) => Some(change.store_version),
            Self::Listing(change) => Some(change.version),
            Self::Card(card) => Some(card.version),
            Self::Links(links) => Some(links.version),
            Self::Bundles(bundles) => Some(bundles.version),
            Self::Surface(surface) => Some(surface.version),
            Self::Thresholds(change) => Some(change.of.version),
            Self::Heartbeat { .. } => None,
        }
    }
}

/// Whether a product is on sale.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListingChange {
    /// The product.
    pub product: ProductId,
    /// On sale or not.
    pub listing: Listing,
    /// The product's version; an older one changes nothing.
    pub version: u64,
}

/// Thresholds of a shop, and products of it that are to be judged by them now. The products of a large shop come in
/// several of these, so that none holds up what comes behind it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ThresholdsChange {
    /// The thresholds; an older version changes nothing.
    pub of: ShopThresholds,
    /// Products to judge again.
    pub products: Vec<ProductId>,
}

/// A change on its way: the marketplace it belongs to, the store's epoch and the trace that caused it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Envelope {
    /// The marketplace.
    pub marketplace: MarketplaceId,
    /// Raised when SQL is restored from a backup; compared before versions.
    pub store_epoch: u64,
    /// W3C traceparent of the request that caused it; empty when untraced.
    pub traceparent: String,
    /// The change.
    pub change: Change,
}
