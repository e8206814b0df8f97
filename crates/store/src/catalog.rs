//! Products, SKUs, categories and scenes.

mod category;
mod product;
mod scan;
mod scene;
mod selling;
mod sku;

use serde::{Deserialize, Serialize};
use tandem_domain::catalog::{Category, Listing, Product, ProductInput, Scene, Sku, SkuInput};
use tandem_domain::change::ListingChange;
use tandem_domain::id::{CategoryId, MarketplaceId, ProductId, ShopId};
use tandem_domain::pace::Selling;

use crate::Store;
use crate::context::WriteContext;
use crate::counter::{self, Counter};
use crate::error::Result;
pub(crate) use product::cards;
pub(crate) use scan::page;

/// A product to create or replace.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProductUpsert {
    /// All that is said of it; what is absent is cleared.
    pub input: ProductInput,
    /// On sale or not; `None` keeps what stands, or puts a new product on sale.
    pub listing: Option<Listing>,
    /// When given, the stored version must match.
    pub etag: Option<u64>,
}

/// A product as the graph reads it.
#[derive(Debug, Clone, PartialEq)]
pub struct ProductRow {
    /// What its shop said of it.
    pub product: ProductInput,
    /// The owner.
    pub shop: ShopId,
    /// On sale or not.
    pub listing: Listing,
    /// Categories from the top down to the leaf; empty when not known.
    pub category_path: Vec<CategoryId>,
}

impl Store {
    /// Creates or replaces products in one transaction, in the order given; creates categories and series that are
    /// missing. A row that says what stood there keeps its version.
    ///
    /// # Errors
    /// `ForeignShop`, `EtagMismatch`, `NoShop`, `RequestIdReused`, or when the database fails; nothing is written then.
    pub async fn upsert_products(
        &self,
        ctx: &WriteContext,
        products: &[ProductUpsert],
    ) -> Result<Vec<Product>> {
        self.answer(ctx, "write products", |tx| async move {
            product::upsert(&tx, ctx, products).await
        })
        .await
    }

    /// Creates or replaces SKUs in one transaction. Stock that the shop reported before takes effect.
    ///
    /// # Errors
    /// `ForeignShop`, `SkuMoved`, `NoShop`, `RequestIdReused`, or when the database
    /// fails; nothing is written then.
    pub async fn upsert_skus(&self, ctx: &WriteContext, skus: &[SkuInput]) -> Result<Vec<Sku>> {
        self.answer(ctx, "write SKUs", |tx| async move {
            sku::upsert(&tx, ctx, skus).await
        })
        .await
    }

    /// A product with its SKUs by id.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn product(
        &self,
        marketplace: &MarketplaceId,
        id: &ProductId,
    ) -> Result<Option<(Product, Vec<Sku>)>> {
        self.read("read a product", |db| async move {
            let Some(product) = product::fetch(&db, marketplace, id.as_str()).await? else {
                return Ok(None);
            };
            let mut skus = sku::of_products(&db, marketplace, [id.as_str()]).await?;
            let skus = skus.remove(id.as_str()).unwrap_or_default();
            Ok(Some((
                Product::try_from(&product)?,
                skus.iter().map(Sku::try_from).collect::<Result<_>>()?,
            )))
        })
        .await
    }

    /// Which of `products` are on sale and which are not, by their ids; those that do not exist are absent.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn listings(
        &self,
        marketplace: &MarketplaceId,
        products: &[ProductId],
    ) -> Result<Vec<ListingChange>> {
        self.read("read listings", |db| async move {
            product::listings(&db, marketplace, products).await
        })
        .await
    }

    /// Takes products off sale; returns how many were on sale.
    ///
    /// # Errors
    /// `ForeignShop`, `NoShop`, `RequestIdReused`, or when the database fails; nothing is written then.
    pub async fn delist_products(&self, ctx: &WriteContext, ids: &[ProductId], reason: &str) -> Result<u32> {
        self.answer(ctx, "delist products", |tx| async move {
            product::list(&tx, ctx, ids, Listing::Delisted, reason).await
        })
        .await
    }

    /// Puts products back on sale; returns how many were off sale.
    ///
    /// # Errors
    /// `ForeignShop`, `NoShop`, `RequestIdReused`, or when the database fails; nothing is written then.
    pub async fn relist_products(&self, ctx: &WriteContext, ids: &[ProductId], reason: &str) -> Result<u32> {
        self.answer(ctx, "relist products", |tx| async move {
            product::list(&tx, ctx, ids, Listing::Listed, reason).await
        })
        .await
    }

    /// Creates or replaces categories. Where one moves to another place of the tree, the cards of all products below it
    /// are told anew.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn upsert_categories(
        &self,
        marketplace: &MarketplaceId,
        categories: &[Category],
    ) -> Result<()> {
        let rows: Vec<_> = categories
            .iter()
            .map(|category| category::row(marketplace, category))
            .collect();
        let rows = &rows;
        self.transaction("write categories", |tx| async move {
            category::replace(&tx, marketplace, rows).await
        })
        .await
    }

    /// Creates or replaces a scene with the products shown in it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn upsert_scene(&self, marketplace: &MarketplaceId, scene: &Scene) -> Result<()> {
        self.transaction("write a scene", |tx| async move {
            scene::replace(&tx, marketplace, scene).await
        })
        .await
    }

    /// How every product sells in the [`WINDOW_DAYS`](tandem_domain::pace::WINDOW_DAYS) that end with the UTC day `zero`,
    /// by id, as far as events are folded.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn scan_selling(&self, marketplace: &MarketplaceId, zero: i32) -> Result<Vec<Selling>> {
        selling::scan(self, marketplace, zero)
            .await
            .map_err(|error| error.during("scan sales"))
    }

    /// Writes so far that created products or changed what the graph reads of them, prices and listings aside.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn catalogue_changes(&self, marketplace: &MarketplaceId) -> Result<u64> {
        self.read("count changes of the catalogue", |db| async move {
            counter::value(&db, marketplace, Counter::Catalogue).await
        })
        .await
    }

    /// Every product, by id, for the graph.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn scan_products(&self, marketplace: &MarketplaceId) -> Result<Vec<ProductRow>> {
        scan::products(self, marketplace)
            .await
            .map_err(|error| error.during("scan products"))
    }
}
