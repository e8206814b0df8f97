//! Categories and series, those included that products name before anybody described them.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use sea_orm::{ConnectionTrait, DbBackend, FromQueryResult};
use tandem_domain::catalog::Category;
use tandem_domain::id::{CategoryId, MarketplaceId};

use super::product::cards;
use crate::counter::{self, Counter};
use crate::entity::{self, category, product, series, stored};
use crate::error::Result;
use crate::outbox;
use crate::sql::{self, IDS};
use crate::write::Tx;

/// Deeper than any tree that people keep; a circle ends here.
const MAX_DEPTH: i64 = 32;

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

/// Creates or replaces categories. Products below one that moved have another path on their cards.
pub(super) async fn replace(tx: &Tx, marketplace: &MarketplaceId, rows: &[category::Model]) -> Result<()> {
    let before = parents(tx, marketplace, rows).await?;
    entity::save::<category::Entity>(tx, rows).await?;
    let moved = rows.iter().filter(|row| {
        let parent = before.get(&row.category_id);
        parent.is_some_and(|parent| *parent != row.parent_id)
    });
    let moved: BTreeSet<_> = moved.map(|row| row.category_id.as_str()).collect();
    if moved.is_empty() {
        return Ok(());
    }
    let query = format!(
        "WITH RECURSIVE below(id, depth) AS (
             SELECT c.category_id, 0 FROM {} {}
             UNION ALL
             SELECT c.category_id, below.depth + 1 FROM below
             JOIN categories c ON c.marketplace_id = $1 AND c.parent_id = below.id
             WHERE below.depth < {MAX_DEPTH}
         )
         UPDATE products SET card_version = card_version + 1
         WHERE marketplace_id = $1 AND category_id IN (SELECT id FROM below)
         RETURNING *",
        IDS.table(tx.backend(), "$2"),
        named(tx.backend())
    );
    let touched: Vec<product::Model> = tx
        .all(query, [marketplace.as_str().into(), sql::ids(moved)])
        .await?;
    let changes = cards(tx.conn(), marketplace, &touched).await?;
    outbox::push(tx, marketplace, "", &changes).await?;
    tell_the_graph(tx, marketplace).await
}

/// Counts a change of what the graph reads of products. The last thing that a transaction does: whoever counts waits for
/// others who have.
pub(super) async fn tell_the_graph(tx: &Tx, marketplace: &MarketplaceId) -> Result<()> {
    counter::raise(tx, marketplace, Counter::Catalogue, 1)
        .await
        .map(drop)
}

/// The categories of a batch of ids, as `c`.
fn named(backend: DbBackend) -> String {
    sql::lookup(
        backend,
        "categories c",
        "c.marketplace_id = $1 AND c.category_id = batch.id",
    )
}

/// What stood above each of the rows that were there.
async fn parents(
    tx: &Tx,
    marketplace: &MarketplaceId,
    rows: &[category::Model],
) -> Result<HashMap<String, Option<String>>> {
    let query = format!(
        "SELECT c.* FROM {} {}",
        IDS.table(tx.backend(), "$2"),
        named(tx.backend())
    );
    let ids = sql::ids(rows.iter().map(|row| row.category_id.as_str()));
    let found: Vec<category::Model> = tx.all(query, [marketplace.as_str().into(), ids]).await?;
    Ok(found
        .into_iter()
        .map(|row| (row.category_id, row.parent_id))
        .collect())
}

/// The categories above each leaf, the nearest first.
pub(super) async fn above<'i, C: ConnectionTrait>(
    conn: &C,
    marketplace: &MarketplaceId,
    leaves: impl Iterator<Item = &'i str>,
) -> Result<HashMap<String, Vec<CategoryId>>> {
    #[derive(FromQueryResult)]
    struct Step {
        leaf: String,
        id: String,
    }
    let leaves: BTreeSet<_> = leaves.collect();
    let mut above: HashMap<String, Vec<CategoryId>> = HashMap::new();
    if leaves.is_empty() {
        return Ok(above);
    }
    let query = format!(
        "WITH RECURSIVE up(leaf, id, depth) AS (
             SELECT c.category_id, c.parent_id, 1 FROM {} {} WHERE c.parent_id IS NOT NULL
             UNION ALL
             SELECT up.leaf, c.parent_id, up.depth + 1 FROM up
             JOIN categories c ON c.marketplace_id = $1 AND c.category_id = up.id AND c.parent_id IS NOT NULL
             WHERE up.depth < {MAX_DEPTH}
         )
         SELECT leaf, id FROM up ORDER BY leaf, depth",
        IDS.table(conn.get_database_backend(), "$2"),
        named(conn.get_database_backend())
    );
    let steps: Vec<Step> = sql::all(conn, query, [marketplace.as_str().into(), sql::ids(leaves)]).await?;
    for step in steps {
        let id = stored("category", CategoryId::new(step.id))?;
        let is_circle = id.as_str() == step.leaf;
        let path = above.entry(step.leaf).or_default();
        if !is_circle && !path.contains(&id) {
            path.push(id);
        }
    }
    Ok(above)
}
