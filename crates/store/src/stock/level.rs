//! Rows of `sku_stock`, and the SKUs that they belong to.

use std::collections::{BTreeMap, BTreeSet};

use sea_orm::{ConnectionTrait, DbBackend, FromQueryResult};
use serde::Serialize;
use tandem_domain::catalog::StockPolicy;
use tandem_domain::change::Change;
use tandem_domain::clock::Timestamp;
use tandem_domain::id::{MarketplaceId, ProductId, ShopId, SkuId};
use tandem_domain::stock::{StockChange, StockLevel, counted};

use crate::claim::{self, Kind};
use crate::entity::{from_name, stored, unsigned};
use crate::error::Result;
use crate::sql::{self, Batch, IDS, Type};
use crate::write::Tx;

/// The stock of a SKU in a pool.
#[derive(Debug, Clone, FromQueryResult, Serialize)]
pub(crate) struct Level {
    pub(crate) sku_id: String,
    pub(crate) pool: String,
    pub(crate) quantity: i64,
    pub(crate) store_version: i64,
    pub(crate) updated_ms: i64,
}

/// A SKU that exists: whose it is and how its stock counts.
#[derive(Debug, Clone, FromQueryResult)]
pub(crate) struct Known {
    pub(crate) sku_id: String,
    pub(crate) product_id: String,
    pub(crate) policy: String,
    pub(crate) shop_id: String,
}

impl Known {
    fn policy(&self) -> Result<StockPolicy> {
        from_name("stock policy", &self.policy)
    }
}

impl Level {
    pub(crate) fn key(&self) -> (String, String) {
        (self.sku_id.clone(), self.pool.clone())
    }

    pub(crate) fn level(&self) -> Result<StockLevel> {
        Ok(StockLevel {
            sku: stored("SKU", SkuId::new(&self.sku_id))?,
            pool: stored("pool", self.pool.parse())?,
            available: self.quantity,
            store_version: unsigned("store version", self.store_version)?,
            updated: Timestamp::from_ms(self.updated_ms),
        })
    }

    /// What the projection is told.
    pub(crate) fn change(&self, sku: &Known) -> Result<Change> {
        let policy = sku.policy()?;
        Ok(Change::Stock(StockChange {
            product: stored("product", ProductId::new(&sku.product_id))?,
            sku: stored("SKU", SkuId::new(&self.sku_id))?,
            pool: stored("pool", self.pool.parse())?,
            store_version: unsigned("store version", self.store_version)?,
            available: self.quantity,
            sellable: counted(policy, self.quantity),
            policy,
            shop: Some(stored("shop", ShopId::new(&sku.shop_id))?),
        }))
    }
}

/// The SKUs that exist, by id.
pub(crate) async fn known<'i, C: ConnectionTrait>(
    conn: &C,
    marketplace: &MarketplaceId,
    skus: impl IntoIterator<Item = &'i SkuId>,
) -> Result<BTreeMap<String, Known>> {
    let backend = conn.get_database_backend();
    let query = format!(
        "SELECT s.sku_id, s.product_id, s.policy, p.shop_id FROM {} {sku} {owner}",
        IDS.table(backend, "$2"),
        sku = sql::lookup(backend, "skus s", "s.marketplace_id = $1 AND s.sku_id = batch.id"),
        owner = sql::lookup(
            backend,
            "products p",
            "p.marketplace_id = $1 AND p.product_id = s.product_id"
        ),
    );
    let ids = sql::ids(skus.into_iter().map(SkuId::as_str));
    let rows: Vec<Known> = sql::all(conn, query, [marketplace.as_str().into(), ids]).await?;
    Ok(rows.into_iter().map(|row| (row.sku_id.clone(), row)).collect())
}

impl Known {
    /// Whether the SKU belongs to a product of `shop`.
    pub(crate) fn is_of(&self, shop: &ShopId) -> bool {
        self.shop_id == shop.as_str()
    }
}

/// What a shop reported of SKUs, by SKU and pool.
pub(crate) async fn of_shop<C: ConnectionTrait>(
    conn: &C,
    marketplace: &MarketplaceId,
    shop: &ShopId,
    skus: impl IntoIterator<Item = &SkuId>,
) -> Result<Vec<Level>> {
    read(conn, marketplace, shop, skus.into_iter().map(SkuId::as_str), "").await
}

/// Locks all levels of SKUs of a shop, in one order for all. SKUs that have none are claimed.
///
/// A statement that waits for a lock does not see rows that came meanwhile: a pool that a SKU did not have before. Unless
/// what it read `suffices` without them, it is asked again under the locks that it has by then.
pub(crate) async fn lock(
    tx: &Tx,
    marketplace: &MarketplaceId,
    shop: &ShopId,
    skus: &BTreeSet<&str>,
    suffices: impl Fn(&[Level]) -> bool,
) -> Result<Vec<Level>> {
    let locked = || {
        read(
            tx.conn(),
            marketplace,
            shop,
            skus.iter().copied(),
            "FOR UPDATE OF l",
        )
    };
    let levels = locked().await?;
    // SQLite has one writer: nothing came meanwhile.
    if tx.backend() == DbBackend::Sqlite || suffices(&levels) {
        return Ok(levels);
    }
    let found: BTreeSet<_> = levels.iter().map(|level| level.sku_id.as_str()).collect();
    let missing: Vec<_> = skus.difference(&found).copied().collect();
    claim::claim(tx, marketplace, Kind::Sku, missing).await?;
    locked().await
}

async fn read<'i, C: ConnectionTrait>(
    conn: &C,
    marketplace: &MarketplaceId,
    shop: &ShopId,
    skus: impl IntoIterator<Item = &'i str>,
    lock: &'static str,
) -> Result<Vec<Level>> {
    let backend = conn.get_database_backend();
    let query = format!(
        "SELECT l.sku_id, l.pool, l.quantity, l.store_version, l.updated_ms FROM {} {}
         ORDER BY l.sku_id, l.pool {}",
        IDS.table(backend, "$3"),
        sql::lookup(
            backend,
            "sku_stock l",
            "l.marketplace_id = $1 AND l.shop_id = $2 AND l.sku_id = batch.id"
        ),
        sql::locking(backend, lock)
    );
    sql::all(
        conn,
        query,
        [marketplace.as_str().into(), shop.as_str().into(), sql::ids(skus)],
    )
    .await
}

/// What the owners of SKUs reported of them, by SKU and pool.
pub(crate) async fn of_owners<C: ConnectionTrait>(
    conn: &C,
    marketplace: &MarketplaceId,
    skus: &[SkuId],
) -> Result<Vec<Level>> {
    let backend = conn.get_database_backend();
    let query = format!(
        "SELECT l.sku_id, l.pool, l.quantity, l.store_version, l.updated_ms FROM {} {sku} {owner} {level}
         ORDER BY l.sku_id, l.pool",
        IDS.table(backend, "$2"),
        sku = sql::lookup(backend, "skus s", "s.marketplace_id = $1 AND s.sku_id = batch.id"),
        owner = sql::lookup(
            backend,
            "products p",
            "p.marketplace_id = $1 AND p.product_id = s.product_id"
        ),
        level = sql::lookup(
            backend,
            "sku_stock l",
            "l.marketplace_id = $1 AND l.shop_id = p.shop_id AND l.sku_id = s.sku_id"
        ),
    );
    sql::all(
        conn,
        query,
        [
            marketplace.as_str().into(),
            sql::ids(skus.iter().map(SkuId::as_str)),
        ],
    )
    .await
}

const LEVELS: Batch = Batch::of(&[
    ("sku_id", Type::Text),
    ("pool", Type::Text),
    ("quantity", Type::Integer),
    ("store_version", Type::Integer),
    ("updated_ms", Type::Integer),
]);

/// Writes levels that this transaction has locked or claimed.
pub(crate) async fn save(
    tx: &Tx,
    marketplace: &MarketplaceId,
    shop: &ShopId,
    levels: &[&Level],
) -> Result<()> {
    if levels.is_empty() {
        return Ok(());
    }
    let query = format!(
        "INSERT INTO sku_stock (marketplace_id, shop_id, sku_id, pool, quantity, store_version, updated_ms)
         SELECT $1, $2, sku_id, pool, quantity, store_version, updated_ms FROM {} WHERE true
         ON CONFLICT (marketplace_id, shop_id, sku_id, pool) DO UPDATE SET
         quantity = excluded.quantity, store_version = excluded.store_version, updated_ms = excluded.updated_ms",
        LEVELS.table(tx.backend(), "$3")
    );
    tx.execute(
        query,
        [
            marketplace.as_str().into(),
            shop.as_str().into(),
            sql::rows(levels),
        ],
    )
    .await?;
    Ok(())
}
