//! Writing SKUs.

use std::collections::{BTreeMap, BTreeSet};

use sea_orm::ConnectionTrait;
use tandem_domain::catalog::{Sku, SkuInput};
use tandem_domain::id::{MarketplaceId, SkuId};

use super::product;
use crate::audit::{self, Deed};
use crate::claim::{self, Kind};
use crate::context::WriteContext;
use crate::entity::sku::{Entity, Model};
use crate::entity::{self, product as product_row};
use crate::error::{Missing, Result, StoreError};
use crate::sql::{self, IDS};
use crate::write::Tx;
use crate::{outbox, stock};

/// Rows by SKU id.
type Rows = BTreeMap<String, Model>;

pub(super) async fn upsert(tx: &Tx, ctx: &WriteContext, skus: &[SkuInput]) -> Result<Vec<Sku>> {
    let shop = ctx.shop()?;
    let marketplace = &ctx.principal.marketplace;
    let ids: BTreeSet<_> = skus.iter().map(|sku| sku.product.as_str()).collect();
    let products = product::lock(tx, marketplace, ids).await?;
    product::refuse_not_owned(&products, shop, skus.iter().map(|sku| &sku.product))?;
    let before = claim_rows(tx, marketplace, skus).await?;
    refuse_moves(tx, ctx, skus, &before).await?;
    let mut after = Rows::new();
    let mut answers = Vec::with_capacity(skus.len());
    for sku in skus {
        let old = after.get(sku.id.as_str()).or_else(|| before.get(sku.id.as_str()));
        let new = Model::new(marketplace, sku);
        let row = old.map_or(new.clone(), |old| new.replacing(old));
        answers.push(Sku::try_from(&row)?);
        after.insert(row.sku_id.clone(), row);
    }
    write(tx, ctx, products, &before, after).await?;
    Ok(answers)
}

async fn write(
    tx: &Tx,
    ctx: &WriteContext,
    products: product::Rows,
    before: &Rows,
    after: Rows,
) -> Result<()> {
    let old = |row: &Model| before.get(&row.sku_id);
    let changed: Vec<_> = after
        .into_values()
        .filter(|row| old(row).is_none_or(|old| old.version != row.version))
        .collect();
    if changed.is_empty() {
        return Ok(());
    }
    entity::save::<Entity>(tx, &changed).await?;
    let touched: BTreeSet<_> = changed.iter().map(|row| &row.product_id).collect();
    let products: Vec<_> = products
        .into_values()
        .filter(|product| touched.contains(&product.product_id))
        .map(|product| product_row::Model {
            card_version: product.card_version + 1,
            ..product
        })
        .collect();
    entity::save::<product_row::Entity>(tx, &products).await?;
    let mut changes = product::cards(tx.conn(), &ctx.principal.marketplace, &products).await?;
    let policies: Vec<_> = changed
        .iter()
        .filter(|row| old(row).is_none_or(|old| old.policy != row.policy))
        .collect();
    changes.extend(stock::follow_policies(tx, ctx, &policies).await?);
    outbox::push(tx, &ctx.principal.marketplace, &ctx.traceparent, &changes).await?;
    let targets = changed.iter().map(|row| row.sku_id.as_str()).collect();
    audit::write(
        tx,
        ctx,
        Deed {
            action: "upsert_skus",
            targets,
            reason: "",
        },
    )
    .await
}

/// The rows that exist, after all ids were claimed: nobody else creates one until this transaction ends. Changes of
/// rows that exist wait for the lock on their product.
async fn claim_rows(tx: &Tx, marketplace: &MarketplaceId, skus: &[SkuInput]) -> Result<Rows> {
    let ids = || skus.iter().map(|sku| sku.id.as_str());
    claim::claim(tx, marketplace, Kind::Sku, ids()).await?;
    let query = format!(
        "SELECT s.* FROM {} {}",
        IDS.table(tx.backend(), "$2"),
        sql::lookup(
            tx.backend(),
            "skus s",
            "s.marketplace_id = $1 AND s.sku_id = batch.id"
        )
    );
    let rows: Vec<Model> = tx
        .all(query, [marketplace.as_str().into(), sql::ids(ids())])
        .await?;
    Ok(rows.into_iter().map(|row| (row.sku_id.clone(), row)).collect())
}

/// A SKU stays with its product; another shop's is refused as such, whatever is said of it.
async fn refuse_moves(tx: &Tx, ctx: &WriteContext, skus: &[SkuInput], rows: &Rows) -> Result<()> {
    let moved = |sku: &&SkuInput| {
        rows.get(sku.id.as_str())
            .filter(|row| row.product_id != sku.product.as_str())
    };
    let mut own = None::<&SkuId>;
    for sku in skus {
        let Some(row) = moved(&sku) else { continue };
        let holder = product::fetch(tx.conn(), &ctx.principal.marketplace, &row.product_id).await?;
        if holder.is_none_or(|holder| {
            Some(holder.shop_id.as_str()) != ctx.principal.shop.as_ref().map(|s| s.as_str())
        }) {
            return Err(StoreError::ForeignShop(Missing::Sku(sku.id.clone())));
        }
        own.get_or_insert(&sku.id);
    }
    own.map_or(Ok(()), |sku| Err(StoreError::SkuMoved { sku: sku.clone() }))
}

/// The SKUs of products: by id, under the id of each product that has any.
pub(super) async fn of_products<'i, C: ConnectionTrait>(
    conn: &C,
    marketplace: &MarketplaceId,
    products: impl IntoIterator<Item = &'i str>,
) -> Result<BTreeMap<String, Vec<Model>>> {
    let query = format!(
        "SELECT s.* FROM {} {} ORDER BY s.sku_id",
        IDS.table(conn.get_database_backend(), "$2"),
        sql::lookup(
            conn.get_database_backend(),
            "skus s",
            "s.marketplace_id = $1 AND s.product_id = batch.id"
        )
    );
    let rows: Vec<Model> = sql::all(conn, query, [marketplace.as_str().into(), sql::ids(products)]).await?;
    let mut skus = BTreeMap::<_, Vec<_>>::new();
    for row in rows {
        skus.entry(row.product_id.clone()).or_default().push(row);
    }
    Ok(skus)
}
