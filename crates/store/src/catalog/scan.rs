//! Reading every product.

use std::collections::HashMap;

use sea_orm::{ColumnTrait as _, DatabaseConnection, EntityTrait as _, QueryFilter as _};
use tandem_domain::id::{CategoryId, MarketplaceId};

use super::ProductRow;
use crate::Store;
use crate::entity::{category, product, stored};
use crate::error::Result;
use crate::sql;

/// Products per page: a page is one range of the primary key.
const PAGE: i64 = 10_000;
/// Deeper than any tree that people keep; a circle ends here.
const MAX_DEPTH: usize = 32;

pub(super) async fn products(store: &Store, marketplace: &MarketplaceId) -> Result<Vec<ProductRow>> {
    let tree = Tree::fetch(store, marketplace).await?;
    let mut products = Vec::new();
    let mut after = String::new();
    loop {
        let rows = page(&store.0.reads, marketplace, &after, PAGE).await?;
        let Some(last) = rows.last() else {
            return Ok(products);
        };
        after.clone_from(&last.product_id);
        for row in &rows {
            products.push(ProductRow {
                product: row.input()?,
                shop: row.shop()?,
                listing: row.listing(),
                category_path: tree.path(row.category_id.as_deref())?,
            });
        }
    }
}

/// The next rows by product id.
pub(crate) async fn page(
    db: &DatabaseConnection,
    marketplace: &MarketplaceId,
    after: &str,
    limit: i64,
) -> Result<Vec<product::Model>> {
    sql::all(
        db,
        "SELECT * FROM products WHERE marketplace_id = $1 AND product_id > $2 ORDER BY product_id LIMIT $3",
        [marketplace.as_str().into(), after.into(), limit.into()],
    )
    .await
}

/// The category above each.
struct Tree(HashMap<String, Option<String>>);

impl Tree {
    async fn fetch(store: &Store, marketplace: &MarketplaceId) -> Result<Self> {
        let rows = category::Entity::find()
            .filter(category::Column::MarketplaceId.eq(marketplace.as_str()))
            .all(&store.0.reads)
            .await?;
        Ok(Self(
            rows.into_iter()
                .map(|row| (row.category_id, row.parent_id))
                .collect(),
        ))
    }

    /// From the top down to `leaf`.
    fn path(&self, leaf: Option<&str>) -> Result<Vec<CategoryId>> {
        let up = |id: &&str| self.0.get(*id).and_then(Option::as_deref);
        let mut path = std::iter::successors(leaf, up)
            .take(MAX_DEPTH)
            .map(|id| stored("category", CategoryId::new(id)))
            .collect::<Result<Vec<_>>>()?;
        path.reverse();
        Ok(path)
    }
}
