//! One page after the other of what the gateway reads.

use sea_orm::{ColumnTrait as _, DatabaseConnection, EntityTrait as _, FromQueryResult, QueryFilter as _};
use tandem_domain::change::Change;
use tandem_domain::id::MarketplaceId;
use tandem_domain::surface::Surface;

use crate::entity::surface;
use crate::error::Result;
use crate::sql;
use crate::stock::{Known, Level, all_thresholds};
use crate::{catalog, fixed_bundle, link};

/// Rows per page.
const PAGE: i64 = 2_000;

/// Where the next page begins: behind the last key of the one before. Nothing sorts before an empty key.
#[derive(Debug)]
pub(super) enum Place {
    Surfaces,
    Thresholds,
    Products(String),
    Stock(StockKey),
    Links(String),
    Bundles(String),
}

/// Shop, SKU and pool.
type StockKey = (String, String, String);

impl Place {
    pub(super) const fn first() -> Self {
        Self::Surfaces
    }

    /// A page, and the place of the next one.
    pub(super) async fn read(
        self,
        db: &DatabaseConnection,
        marketplace: &MarketplaceId,
    ) -> Result<(Vec<Change>, Option<Self>)> {
        match self {
            Self::Surfaces => Ok((surfaces(db, marketplace).await?, Some(Self::Thresholds))),
            Self::Thresholds => Ok((
                all_thresholds(db, marketplace).await?,
                Some(Self::Products(String::new())),
            )),
            Self::Products(after) => {
                let (page, last) = products(db, marketplace, &after).await?;
                Ok((
                    page,
                    Some(last.map_or_else(|| Self::Stock(StockKey::default()), Self::Products)),
                ))
            }
            Self::Stock(after) => {
                let (page, last) = stock(db, marketplace, &after).await?;
                Ok((
                    page,
                    Some(last.map_or_else(|| Self::Links(String::new()), Self::Stock)),
                ))
            }
            Self::Links(after) => {
                let (page, last) = links(db, marketplace, &after).await?;
                Ok((
                    page,
                    Some(last.map_or_else(|| Self::Bundles(String::new()), Self::Links)),
                ))
            }
            Self::Bundles(after) => {
                let (sets, last) = fixed_bundle::page(db, marketplace, &after, PAGE).await?;
                let page = sets.into_iter().map(Change::Bundles).collect();
                Ok((page, last.map(Self::Bundles)))
            }
        }
    }
}

async fn surfaces(db: &DatabaseConnection, marketplace: &MarketplaceId) -> Result<Vec<Change>> {
    let rows = surface::Entity::find()
        .filter(surface::Column::MarketplaceId.eq(marketplace.as_str()))
        .all(db)
        .await?;
    rows.iter()
        .map(|row| Surface::try_from(row).map(Change::Surface))
        .collect()
}

async fn products(
    db: &DatabaseConnection,
    marketplace: &MarketplaceId,
    after: &str,
) -> Result<(Vec<Change>, Option<String>)> {
    let rows = catalog::page(db, marketplace, after, PAGE).await?;
    let mut changes = catalog::cards(db, marketplace, &rows).await?;
    for row in &rows {
        changes.push(Change::Listing(row.listing_change()?));
    }
    Ok((changes, rows.into_iter().last().map(|row| row.product_id)))
}

#[derive(FromQueryResult)]
struct StockRow {
    shop_id: String,
    #[sea_orm(nested)]
    level: Level,
    product_id: String,
    policy: String,
}

async fn stock(
    db: &DatabaseConnection,
    marketplace: &MarketplaceId,
    (shop, sku, pool): &StockKey,
) -> Result<(Vec<Change>, Option<StockKey>)> {
    let rows: Vec<StockRow> = sql::all(
        db,
        "SELECT l.shop_id, l.sku_id, l.pool, l.quantity, l.store_version, l.updated_ms, s.product_id, s.policy
         FROM sku_stock l
         JOIN skus s ON s.marketplace_id = l.marketplace_id AND s.sku_id = l.sku_id
         JOIN products p ON p.marketplace_id = s.marketplace_id AND p.product_id = s.product_id
             AND p.shop_id = l.shop_id
         WHERE l.marketplace_id = $1 AND (l.shop_id, l.sku_id, l.pool) > ($2, $3, $4)
         ORDER BY l.shop_id, l.sku_id, l.pool LIMIT $5",
        [marketplace.as_str().into(), shop.as_str().into(), sku.as_str().into(), pool.as_str().into(), PAGE.into()],
    )
    .await?;
    let last = rows.last().map(|row| {
        (
            row.shop_id.clone(),
            row.level.sku_id.clone(),
            row.level.pool.clone(),
        )
    });
    let change = |row: StockRow| {
        let StockRow {
            shop_id,
            level,
            product_id,
            policy,
        } = row;
        level.change(&Known {
            sku_id: level.sku_id.clone(),
            product_id,
            policy,
            shop_id,
        })
    };
    Ok((rows.into_iter().map(change).collect::<Result<_>>()?, last))
}

#[derive(FromQueryResult)]
struct Anchor {
    anchor_id: String,
}

async fn links(
    db: &DatabaseConnection,
    marketplace: &MarketplaceId,
    after: &str,
) -> Result<(Vec<Change>, Option<String>)> {
    let anchors: Vec<Anchor> = sql::all(
        db,
        "SELECT anchor_id FROM link_sets WHERE marketplace_id = $1 AND anchor_id > $2 ORDER BY anchor_id LIMIT $3",
        [marketplace.as_str().into(), after.into(), PAGE.into()],
    )
    .await?;
    let sets = link::sets(
        db,
        marketplace,
        anchors.iter().map(|anchor| anchor.anchor_id.as_str()),
    )
    .await?;
    let changes = sets.into_iter().map(Change::Links).collect();
    Ok((changes, anchors.into_iter().last().map(|anchor| anchor.anchor_id)))
}
