//! Categories and series, those included that products name before anybody described them.

use std::collections::BTreeMap;

use tandem_domain::catalog::Category;
use tandem_domain::id::MarketplaceId;

use crate::entity::{self, category, product, series};
use crate::error::Result;
use crate::write::Tx;

pub(super) fn row(marketplace: &MarketplaceId, category: &Category) -> category::Model {
    category::Model {
        marketplace_id: marketplace.as_str().to_owned(),
        category_id: category.id.as_str().to_owned(),
        parent_id: category.parent.as_ref().map(|id| id.as_str().to_owned()),
        name: category.name.clone(),
    }
}

/// Creates the categories and series that products name, called by their ids; those that exist stay as they are.
pub(super) async fn ensure_named(tx: &Tx, products: &[product::Model]) -> Result<()> {
    // By id: several products name the same, and all transactions create them in one order.
    let mut categories = BTreeMap::new();
    let mut lines = BTreeMap::new();
    for product in products {
        if let Some(id) = &product.category_id {
            categories.entry(id).or_insert_with(|| category::Model {
                marketplace_id: product.marketplace_id.clone(),
                category_id: id.clone(),
                parent_id: None,
                name: id.clone(),
            });
        }
        if let Some(id) = &product.series_id {
            lines.entry(id).or_insert_with(|| series::Model {
                marketplace_id: product.marketplace_id.clone(),
                series_id: id.clone(),
                name: id.clone(),
                brand: product.brand.clone(),
                generated: product.generated,
            });
        }
    }
    entity::add::<category::Entity>(tx, &categories.into_values().collect::<Vec<_>>()).await?;
    entity::add::<series::Entity>(tx, &lines.into_values().collect::<Vec<_>>()).await?;
    Ok(())
}
