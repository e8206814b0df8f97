//! Products, SKUs and what they belong to.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::id::{CategoryId, MarketplaceId, ProductId, SceneId, SeriesId, ShopId, SkuId};
use crate::money::{Currency, Money};

/// Whether a row rests on real records or was generated for a demonstration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum Provenance {
    /// Reported or imported from real records.
    #[default]
    Real,
    /// Made by a seeded generator and labelled so wherever it is shown.
    Generated,
}

/// Whether a product is on sale.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum Listing {
    /// On sale, stock permitting.
    #[default]
    Listed,
    /// Taken off sale: in no list, bundle or room.
    Delisted,
}

/// A marketplace: one currency, one time zone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marketplace {
    /// Its id.
    pub id: MarketplaceId,
    /// The currency of all its amounts.
    pub currency: Currency,
    /// IANA name, such as `Europe/London`.
    pub time_zone: String,
}

/// A node of the category tree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Category {
    /// Its id.
    pub id: CategoryId,
    /// The category above; `None` at the top.
    pub parent: Option<CategoryId>,
    /// What people call it.
    pub name: String,
}

/// Products of one design or line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Series {
    /// Its id.
    pub id: SeriesId,
    /// What people call it.
    pub name: String,
    /// The brand it belongs to.
    pub brand: Option<String>,
    /// Real or generated.
    pub provenance: Provenance,
}

/// What kind of content a scene is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SceneKind {
    /// A live show.
    Livestream,
    /// A short video.
    Video,
}

/// A livestream or short video in which products were shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scene {
    /// Its id.
    pub id: SceneId,
    /// Live show or video.
    pub kind: SceneKind,
    /// Title as announced.
    pub title: String,
    /// Products in the order in which they were shown.
    pub shown: Vec<Showing>,
    /// Real or generated.
    pub provenance: Provenance,
}

/// A product on show in a [`Scene`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Showing {
    /// The product.
    pub product: ProductId,
    /// Since when it was on show.
    pub time: Timestamp,
}

/// What a caller says of a product. Absent fields mean "not known".
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProductInput {
    /// Its id.
    pub id: ProductId,
    /// Title as shown to shoppers; 1–500 characters.
    pub title: String,
    /// Leaf category.
    pub category: Option<CategoryId>,
    /// Brand name.
    pub brand: Option<String>,
    /// Series of the brand.
    pub series: Option<SeriesId>,
    /// Usual price.
    pub price: Option<Money>,
    /// Picture.
    pub image_uri: Option<String>,
    /// Quality between 0 and 1, such as a shrunk mean rating.
    pub quality: Option<f64>,
    /// Attribute tags by kind: `colour` → [`red`], `material`, `style`, `function`.
    pub tags: BTreeMap<String, Vec<String>>,
    /// Real or generated.
    pub provenance: Provenance,
}

/// A product as stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Product {
    /// What the caller said.
    pub input: ProductInput,
    /// The owner.
    pub shop: ShopId,
    /// On sale or not.
    pub listing: Listing,
    /// Rises by one with every change of the row; the etag.
    pub version: u64,
    /// First written.
    pub created: Timestamp,
    /// Last written.
    pub updated: Timestamp,
}

/// How stock decides whether a SKU can be bought.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum StockPolicy {
    /// Sellable while units are available.
    #[default]
    Tracked,
    /// Not counted: always sellable.
    Untracked,
    /// Counted, but sellable at zero and below.
    ContinueSelling,
    /// Sold before it exists: sellable, delivered later.
    PreOrder,
}

impl StockPolicy {
    /// All policies.
    pub const ALL: [Self; 4] = [
        Self::Tracked,
        Self::Untracked,
        Self::ContinueSelling,
        Self::PreOrder,
    ];
}

/// What a caller says of a SKU.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SkuInput {
    /// Its id.
    pub id: SkuId,
    /// The product it belongs to.
    pub product: ProductId,
    /// Price, where it differs from the product's.
    pub price: Option<Money>,
    /// How stock decides.
    pub policy: StockPolicy,
    /// What tells it from its siblings: `size` → `M`.
    pub attributes: BTreeMap<String, String>,
    /// Real or generated.
    pub provenance: Provenance,
}

/// A SKU as stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sku {
    /// What the caller said.
    pub input: SkuInput,
    /// Rises by one with every change of the row.
    pub version: u64,
}

/// What the gateway shows of a product: a projection of its row and its SKUs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProductCard {
    /// The product.
    pub id: ProductId,
    /// The owner.
    pub shop: ShopId,
    /// Title.
    pub title: String,
    /// Leaf category.
    pub category: Option<CategoryId>,
    /// The categories above it, the nearest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ancestors: Vec<CategoryId>,
    /// Brand name.
    pub brand: Option<String>,
    /// Series.
    pub series: Option<SeriesId>,
    /// Usual price.
    pub price: Option<Money>,
    /// Picture.
    pub image_uri: Option<String>,
    /// On sale or not.
    pub listing: Listing,
    /// SKUs with their own price, by id; a quote needs them.
    pub skus: Vec<CardSku>,
    /// Real or generated.
    pub provenance: Provenance,
    /// Version of the projection: rises with every change of product or SKUs.
    pub version: u64,
}

/// A SKU on a [`ProductCard`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CardSku {
    /// The SKU.
    pub id: SkuId,
    /// Its price, or the product's.
    pub price: Option<Money>,
}
