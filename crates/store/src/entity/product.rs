//! Rows of `products`.

use sea_orm::entity::prelude::*;
use tandem_domain::catalog::{CardSku, Listing, Product, ProductCard, ProductInput, Provenance};
use tandem_domain::change::ListingChange;
use tandem_domain::clock::Timestamp;
use tandem_domain::id::{CategoryId, MarketplaceId, ProductId, SeriesId, ShopId};

use super::{from_json, money, provenance, sku, stored, to_json, unsigned};
use crate::error::{Result, StoreError};

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "products")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub marketplace_id: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub product_id: String,
    pub shop_id: String,
    pub title: String,
    pub category_id: Option<String>,
    pub brand: Option<String>,
    pub series_id: Option<String>,
    pub price: Option<i64>,
    pub image_uri: Option<String>,
    pub quality: Option<f64>,
    pub tags: String,
    pub generated: bool,
    pub listed: bool,
    pub version: i64,
    pub card_version: i64,
    pub created_ms: i64,
    pub updated_ms: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    /// The first row of a product.
    pub(crate) fn new(
        marketplace: &MarketplaceId,
        shop: &ShopId,
        input: &ProductInput,
        listing: Listing,
        now: Timestamp,
    ) -> Self {
        Self {
            marketplace_id: marketplace.as_str().to_owned(),
            product_id: input.id.as_str().to_owned(),
            shop_id: shop.as_str().to_owned(),
            title: input.title.clone(),
            category_id: input.category.as_ref().map(|id| id.as_str().to_owned()),
            brand: input.brand.clone(),
            series_id: input.series.as_ref().map(|id| id.as_str().to_owned()),
            price: input.price.map(|price| price.minor()),
            image_uri: input.image_uri.clone(),
            quality: input.quality,
            tags: to_json(&input.tags),
            generated: input.provenance == Provenance::Generated,
            listed: listing == Listing::Listed,
            version: 1,
            card_version: 1,
            created_ms: now.as_ms(),
            updated_ms: now.as_ms(),
        }
    }

    /// This row in the place of `old`: the next version, or `old` itself when it says the same.
    pub(crate) fn replacing(self, old: &Self) -> Self {
        let updated_ms = self.updated_ms;
        let as_old = Self {
            version: old.version,
            card_version: old.card_version,
            created_ms: old.created_ms,
            updated_ms: old.updated_ms,
            ..self
        };
        if as_old == *old {
            return as_old;
        }
        Self {
            version: old.version + 1,
            card_version: old.card_version + 1,
            updated_ms,
            ..as_old
        }
    }

    /// Whether the graph reads something else of `new`. Prices and listings are not among it: they are frozen with an
    /// epoch, and readers look at them anew.
    pub(crate) fn is_other_to_the_graph(&self, new: &Self) -> bool {
        let as_new = Self {
            shop_id: new.shop_id.clone(),
            price: new.price,
            image_uri: new.image_uri.clone(),
            listed: new.listed,
            version: new.version,
            card_version: new.card_version,
            created_ms: new.created_ms,
            updated_ms: new.updated_ms,
            ..self.clone()
        };
        as_new != *new
    }

    pub(crate) const fn listing(&self) -> Listing {
        if self.listed {
            Listing::Listed
        } else {
            Listing::Delisted
        }
    }

    pub(crate) fn id(&self) -> Result<ProductId> {
        stored("product", ProductId::new(&self.product_id))
    }

    pub(crate) fn input(&self) -> Result<ProductInput> {
        Ok(ProductInput {
            id: self.id()?,
            title: self.title.clone(),
            category: stored(
                "category",
                self.category_id.as_ref().map(CategoryId::new).transpose(),
            )?,
            brand: self.brand.clone(),
            series: stored("series", self.series_id.as_ref().map(SeriesId::new).transpose())?,
            price: money(self.price),
            image_uri: self.image_uri.clone(),
            quality: self.quality,
            tags: from_json("tags", &self.tags)?,
            provenance: provenance(self.generated),
        })
    }

    pub(crate) fn shop(&self) -> Result<ShopId> {
        stored("shop", ShopId::new(&self.shop_id))
    }

    pub(crate) fn listing_change(&self) -> Result<ListingChange> {
        Ok(ListingChange {
            product: self.id()?,
            listing: self.listing(),
            version: unsigned("version", self.version)?,
        })
    }

    /// The card of the product with the categories above its own and with its SKUs, which come by id.
    pub(crate) fn card(&self, ancestors: &[CategoryId], skus: &[sku::Model]) -> Result<ProductCard> {
        let input = self.input()?;
        let card_sku = |sku: &sku::Model| {
            Ok(CardSku {
                id: sku.id()?,
                price: money(sku.price.or(self.price)),
            })
        };
        Ok(ProductCard {
            skus: skus.iter().map(card_sku).collect::<Result<_>>()?,
            id: input.id,
            shop: self.shop()?,
            title: input.title,
            category: input.category,
            ancestors: ancestors.to_vec(),
            brand: input.brand,
            series: input.series,
            price: input.price,
            image_uri: input.image_uri,
            listing: self.listing(),
            provenance: input.provenance,
            version: unsigned("version", self.card_version)?,
        })
    }
}

impl TryFrom<&Model> for Product {
    type Error = StoreError;
    fn try_from(row: &Model) -> Result<Self> {
        Ok(Self {
            input: row.input()?,
            shop: row.shop()?,
            listing: row.listing(),
            version: unsigned("version", row.version)?,
            created: Timestamp::from_ms(row.created_ms),
            updated: Timestamp::from_ms(row.updated_ms),
        })
    }
}
