//! Product cards. The product id is the key, so the record does not repeat it.

use bytes::Bytes;
use tandem_domain::catalog::{CardSku, Listing, ProductCard, Provenance};
use tandem_domain::id::{CategoryId, InvalidId, ProductId, SeriesId, ShopId, SkuId};
use tandem_domain::money::Money;
use tandem_proto::cache::v1::{CardRecord, CardSku as SkuRecord};

use super::{frame, unframe, unreadable};
use crate::error::CacheError;
use crate::port::Result;

const WHAT: &str = "a card";

/// A card. An empty brand or picture is taken as "not known".
#[must_use]
pub fn encode_card(card: &ProductCard) -> Bytes {
    let sku = |sku: &CardSku| SkuRecord {
        sku_id: sku.id.to_string(),
        price_minor: sku.price.map(Money::minor),
    };
    frame(&CardRecord {
        shop_id: card.shop.to_string(),
        title: card.title.clone(),
        category_id: card
            .category
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default(),
        brand: card.brand.clone().unwrap_or_default(),
        series_id: card.series.as_ref().map(ToString::to_string).unwrap_or_default(),
        price_minor: card.price.map(Money::minor),
        image_uri: card.image_uri.clone().unwrap_or_default(),
        delisted: card.listing == Listing::Delisted,
        skus: card.skus.iter().map(sku).collect(),
        generated: card.provenance == Provenance::Generated,
        version: card.version,
        ancestor_ids: card.ancestors.iter().map(ToString::to_string).collect(),
    })
}

/// Reads the card of `product`.
///
/// # Errors
/// [`CacheError::Unreadable`] when the bytes are of another codec or damaged.
pub fn decode_card(product: &ProductId, bytes: &[u8]) -> Result<ProductCard> {
    let record: CardRecord = unframe(WHAT, bytes)?;
    let sku = |sku: SkuRecord| {
        Ok(CardSku {
            id: SkuId::new(sku.sku_id).map_err(bad_id)?,
            price: sku.price_minor.map(Money::from_minor),
        })
    };
    Ok(ProductCard {
        id: product.clone(),
        shop: ShopId::new(record.shop_id).map_err(bad_id)?,
        title: record.title,
        category: known(record.category_id)
            .map(CategoryId::new)
            .transpose()
            .map_err(bad_id)?,
        ancestors: record
            .ancestor_ids
            .into_iter()
            .map(CategoryId::new)
            .collect::<std::result::Result<_, _>>()
            .map_err(bad_id)?,
        brand: known(record.brand),
        series: known(record.series_id)
            .map(SeriesId::new)
            .transpose()
            .map_err(bad_id)?,
        price: record.price_minor.map(Money::from_minor),
        image_uri: known(record.image_uri),
        listing: if record.delisted {
            Listing::Delisted
        } else {
            Listing::Listed
        },
        skus: record.skus.into_iter().map(sku).collect::<Result<_>>()?,
        provenance: if record.generated {
            Provenance::Generated
        } else {
            Provenance::Real
        },
        version: record.version,
    })
}

fn known(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}

fn bad_id(why: InvalidId) -> CacheError {
    unreadable(WHAT, format!("an id {why}"))
}
