//! Deleting links.

use std::collections::{BTreeMap, BTreeSet};

use tandem_domain::change::Change;
use tandem_domain::id::{LinkId, MarketplaceId, ShopId};

use super::set;
use crate::audit::{self, Deed};
use crate::context::WriteContext;
use crate::entity::link::Model;
use crate::entity::unsigned;
use crate::error::{Missing, Result, StoreError};
use crate::outbox;
use crate::sql::{self, IDS};
use crate::write::Tx;

/// Rows by link id.
type Rows = BTreeMap<String, Model>;

pub(super) async fn delete(
    tx: &Tx,
    ctx: &WriteContext,
    links: &[(LinkId, Option<u64>)],
    reason: &str,
) -> Result<u32> {
    let shop = ctx.shop()?;
    let rows = lock(tx, &ctx.principal.marketplace, links).await?;
    // All of them the shop's, before anything is told of one.
    let named = links.iter().map(|(id, etag)| Ok((own(&rows, shop, id)?, *etag)));
    for (row, etag) in named.collect::<Result<Vec<_>>>()? {
        check(row, etag)?;
    }
    let living: Vec<_> = rows.values().filter(|row| row.deleted_ms.is_none()).collect();
    if !living.is_empty() {
        bury(tx, ctx, &living, reason).await?;
    }
    Ok(u32::try_from(living.len()).unwrap_or(u32::MAX))
}

/// The rows that exist; nobody else changes them until the transaction ends. Their anchors never change.
async fn lock(tx: &Tx, marketplace: &MarketplaceId, links: &[(LinkId, Option<u64>)]) -> Result<Rows> {
    let seen = fetch(tx, marketplace, links).await?;
    set::lock(tx, marketplace, anchors(seen.values())).await?;
    fetch(tx, marketplace, links).await
}

async fn fetch(tx: &Tx, marketplace: &MarketplaceId, links: &[(LinkId, Option<u64>)]) -> Result<Rows> {
    let query = format!(
        "SELECT l.* FROM {} {}",
        IDS.table(tx.backend(), "$2"),
        sql::lookup(
            tx.backend(),
            "links l",
            "l.marketplace_id = $1 AND l.link_id = batch.id"
        )
    );
    let ids = sql::ids(links.iter().map(|(id, _)| id.as_str()));
    let rows: Vec<Model> = tx.all(query, [marketplace.as_str().into(), ids]).await?;
    Ok(rows.into_iter().map(|row| (row.link_id.clone(), row)).collect())
}

fn anchors<'r>(rows: impl Iterator<Item = &'r Model>) -> BTreeSet<&'r str> {
    rows.map(|row| row.anchor_id.as_str()).collect()
}

/// The row of a link, if it is the shop's.
fn own<'r>(rows: &'r Rows, shop: &ShopId, id: &LinkId) -> Result<&'r Model> {
    rows.get(id.as_str())
        .filter(|row| row.shop_id == shop.as_str())
        .ok_or_else(|| StoreError::ForeignShop(Missing::Link(id.clone())))
}

fn check(row: &Model, etag: Option<u64>) -> Result<()> {
    let found = unsigned("version", row.version)?;
    match etag {
        Some(expected) if expected != found => Err(StoreError::EtagMismatch {
            what: "link",
            id: row.link_id.clone(),
            expected,
            found,
        }),
        _ => Ok(()),
    }
}

/// Turns living links into tombstones.
async fn bury(tx: &Tx, ctx: &WriteContext, living: &[&Model], reason: &str) -> Result<()> {
    let marketplace = &ctx.principal.marketplace;
    let ids: Vec<_> = living.iter().map(|row| row.link_id.as_str()).collect();
    let query = format!(
        "UPDATE links SET deleted_ms = $3, version = version + 1
         WHERE marketplace_id = $1 AND link_id IN (SELECT batch.id FROM {})",
        IDS.table(tx.backend(), "$2")
    );
    let values = [
        marketplace.as_str().into(),
        sql::ids(ids.iter().copied()),
        ctx.now.as_ms().into(),
    ];
    tx.execute(query, values).await?;
    let anchors = anchors(living.iter().copied());
    set::advance_all(tx, marketplace, anchors.iter().copied()).await?;
    let sets = set::fetch(tx.conn(), marketplace, anchors).await?;
    let changes: Vec<_> = sets.into_iter().map(Change::Links).collect();
    outbox::push(tx, marketplace, &ctx.traceparent, &changes).await?;
    audit::write(
        tx,
        ctx,
        Deed {
            action: "delete_links",
            targets: ids,
            reason,
        },
    )
    .await
}
