//! Creating and deleting fixed bundles.

use std::collections::BTreeSet;

use sea_orm::FromQueryResult;
use tandem_domain::bundle::{FIXED_BUNDLES_PER_ANCHOR, FixedBundle, FixedBundleInput};
use tandem_domain::change::Change;
use tandem_domain::id::{FixedBundleId, MarketplaceId, ProductId, ShopId};

use super::set::{self, Row};
use crate::audit::{self, Deed};
use crate::context::WriteContext;
use crate::entity::{stored, to_json, unsigned};
use crate::error::{Missing, Result, StoreError};
use crate::link::refuse_foreign;
use crate::mint::mint;
use crate::outbox;
use crate::sql::{self, IDS};
use crate::write::Tx;

pub(super) async fn create(tx: &Tx, ctx: &WriteContext, input: &FixedBundleInput) -> Result<FixedBundle> {
    let shop = ctx.shop()?;
    let marketplace = &ctx.principal.marketplace;
    refuse_foreign(tx.conn(), marketplace, shop, &input.anchor).await?;
    refuse_missing(tx, marketplace, input).await?;
    let version = advance(tx, marketplace, &input.anchor).await?;
    let sets = set::fetch(tx.conn(), marketplace, [input.anchor.as_str()]).await?;
    let standing = sets.iter().map(|set| set.bundles.len()).sum::<usize>();
    if standing >= FIXED_BUNDLES_PER_ANCHOR {
        return Err(StoreError::BundlesFull {
            anchor: input.anchor.clone(),
        });
    }
    let id = mint(
        ctx.now,
        &["fixed_bundle", marketplace.as_str(), input.anchor.as_str()],
        version,
    );
    let bundle = FixedBundle {
        id: stored("fixed bundle", FixedBundleId::new(id))?,
        input: input.clone(),
        shop: shop.clone(),
        author: ctx.principal.subject.clone(),
        created: ctx.now,
    };
    tx.execute(
        "INSERT INTO fixed_bundles
             (marketplace_id, fixed_bundle_id, shop_id, anchor_id, title, members, author, created_ms)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        [
            marketplace.as_str().into(),
            bundle.id.as_str().into(),
            shop.as_str().into(),
            input.anchor.as_str().into(),
            input.title.as_str().into(),
            to_json(&input.members).into(),
            bundle.author.as_str().into(),
            ctx.now.as_ms().into(),
        ],
    )
    .await?;
    tell(tx, ctx, &input.anchor).await?;
    record(tx, ctx, "create_fixed_bundle", bundle.id.as_str(), "").await?;
    Ok(bundle)
}

pub(super) async fn delete(tx: &Tx, ctx: &WriteContext, id: &FixedBundleId, reason: &str) -> Result<bool> {
    let shop = ctx.shop()?;
    let marketplace = &ctx.principal.marketplace;
    let row = own(tx, marketplace, shop, id).await?;
    let anchor = stored("anchor", ProductId::new(&row.anchor_id))?;
    let buried = tx
        .execute(
            "UPDATE fixed_bundles SET deleted_ms = $3
             WHERE marketplace_id = $1 AND fixed_bundle_id = $2 AND deleted_ms IS NULL",
            [
                marketplace.as_str().into(),
                id.as_str().into(),
                ctx.now.as_ms().into(),
            ],
        )
        .await?;
    if buried == 0 {
        return Ok(false);
    }
    advance(tx, marketplace, &anchor).await?;
    tell(tx, ctx, &anchor).await?;
    record(tx, ctx, "delete_fixed_bundle", id.as_str(), reason).await?;
    Ok(true)
}

/// The row of a bundle, if it is the shop's. Its anchor never changes.
async fn own(tx: &Tx, marketplace: &MarketplaceId, shop: &ShopId, id: &FixedBundleId) -> Result<Row> {
    let row: Option<Row> = tx
        .one(
            "SELECT * FROM fixed_bundles WHERE marketplace_id = $1 AND fixed_bundle_id = $2",
            [marketplace.as_str().into(), id.as_str().into()],
        )
        .await?;
    row.filter(|row| row.shop_id == shop.as_str())
        .ok_or_else(|| StoreError::ForeignShop(Missing::FixedBundle(id.clone())))
}

/// Members and alternates that no catalogue holds.
async fn refuse_missing(tx: &Tx, marketplace: &MarketplaceId, input: &FixedBundleInput) -> Result<()> {
    #[derive(FromQueryResult)]
    struct Found {
        product_id: String,
    }
    let wanted: BTreeSet<&ProductId> = input
        .members
        .iter()
        .flat_map(|member| [&member.product].into_iter().chain(&member.alternates))
        .collect();
    let query = format!(
        "SELECT p.product_id FROM {} {}",
        IDS.table(tx.backend(), "$2"),
        sql::lookup(
            tx.backend(),
            "products p",
            "p.marketplace_id = $1 AND p.product_id = batch.id"
        )
    );
    let ids = sql::ids(wanted.iter().map(|product| product.as_str()));
    let found: Vec<Found> = tx.all(query, [marketplace.as_str().into(), ids]).await?;
    let found: BTreeSet<&str> = found.iter().map(|row| row.product_id.as_str()).collect();
    match wanted
        .into_iter()
        .find(|product| !found.contains(product.as_str()))
    {
        Some(missing) => Err(StoreError::NotFound(Missing::Product(missing.clone()))),
        None => Ok(()),
    }
}

/// Raises the version of an anchor's bundles; others who change them wait until this transaction ends.
async fn advance(tx: &Tx, marketplace: &MarketplaceId, anchor: &ProductId) -> Result<u64> {
    let version = tx
        .number(
            "INSERT INTO fixed_bundle_sets (marketplace_id, anchor_id, version) VALUES ($1, $2, 1)
             ON CONFLICT (marketplace_id, anchor_id) DO UPDATE SET version = fixed_bundle_sets.version + 1
             RETURNING version",
            [marketplace.as_str().into(), anchor.as_str().into()],
        )
        .await?;
    unsigned("version", version.unwrap_or_default())
}

async fn tell(tx: &Tx, ctx: &WriteContext, anchor: &ProductId) -> Result<()> {
    let marketplace = &ctx.principal.marketplace;
    let sets = set::fetch(tx.conn(), marketplace, [anchor.as_str()]).await?;
    let changes: Vec<_> = sets.into_iter().map(Change::Bundles).collect();
    outbox::push(tx, marketplace, &ctx.traceparent, &changes).await
}

async fn record(tx: &Tx, ctx: &WriteContext, action: &'static str, target: &str, reason: &str) -> Result<()> {
    let deed = Deed {
        action,
        targets: vec![target],
        reason,
    };
    audit::write(tx, ctx, deed).await
}
