//! Writing products.

use std::collections::{BTreeMap, BTreeSet};

use sea_orm::{ConnectionTrait, EntityTrait as _};
use tandem_domain::catalog::{Listing, Product};
use tandem_domain::change::{Change, ListingChange};
use tandem_domain::id::{MarketplaceId, ProductId, ShopId};

use super::{ProductUpsert, category, sku};
use crate::audit::{self, Deed};
use crate::claim::{self, Kind};
use crate::context::WriteContext;
use crate::entity::product::{Entity, Model};
use crate::entity::{self, unsigned};
use crate::error::{Missing, Result, StoreError};
use crate::sql::{self, IDS};
use crate::write::Tx;
use crate::{marketplace, outbox};

/// Rows by product id.
pub(super) type Rows = BTreeMap<String, Model>;

pub(super) async fn fetch<C: ConnectionTrait>(
    conn: &C,
    marketplace: &MarketplaceId,
    id: &str,
) -> Result<Option<Model>> {
    Ok(
        Entity::find_by_id((marketplace.as_str().to_owned(), id.to_owned()))
            .one(conn)
            .await?,
    )
}

/// Whether products are on sale, by id; one that does not exist is left out.
pub(super) async fn listings<C: ConnectionTrait>(
    conn: &C,
    marketplace: &MarketplaceId,
    ids: &[ProductId],
) -> Result<Vec<ListingChange>> {
    let query = format!(
        "SELECT p.* FROM {} {}",
        IDS.table(conn.get_database_backend(), "$2"),
        sql::lookup(
            conn.get_database_backend(),
            "products p",
            "p.marketplace_id = $1 AND p.product_id = batch.id"
        )
    );
    let ids = sql::ids(ids.iter().map(ProductId::as_str));
    let rows: Vec<Model> = sql::all(conn, query, [marketplace.as_str().into(), ids]).await?;
    rows.iter().map(Model::listing_change).collect()
}

pub(super) async fn upsert(tx: &Tx, ctx: &WriteContext, products: &[ProductUpsert]) -> Result<Vec<Product>> {
    let shop = ctx.shop()?;
    let marketplace = &ctx.principal.marketplace;
    marketplace::ensure_shop(tx, marketplace, shop, ctx.now).await?;
    let before = lock_or_claim(tx, marketplace, products.iter().map(|product| &product.input.id)).await?;
    refuse_foreign(&before, shop, products.iter().map(|product| &product.input.id))?;
    let mut after = Rows::new();
    let mut answers = Vec::with_capacity(products.len());
    for product in products {
        let id = product.input.id.as_str();
        let old = after.get(id).or_else(|| before.get(id));
        check_etag(product, old)?;
        let listing = product.listing.or(old.map(Model::listing)).unwrap_or_default();
        let new = Model::new(marketplace, shop, &product.input, listing, ctx.now);
        let row = old.map_or(new.clone(), |old| new.replacing(old));
        answers.push(Product::try_from(&row)?);
        after.insert(row.product_id.clone(), row);
    }
    write(tx, ctx, "upsert_products", "", &before, after).await?;
    Ok(answers)
}

/// Takes products off sale, or puts them back; returns how many were otherwise.
pub(super) async fn list(
    tx: &Tx,
    ctx: &WriteContext,
    ids: &[ProductId],
    listing: Listing,
    reason: &str,
) -> Result<u32> {
    let shop = ctx.shop()?;
    let before = lock(tx, &ctx.principal.marketplace, ids.iter().map(ProductId::as_str)).await?;
    refuse_not_owned(&before, shop, ids)?;
    let (listed, action) = match listing {
        Listing::Listed => (true, "relist_products"),
        Listing::Delisted => (false, "delist_products"),
    };
    let changed = |old: &Model| {
        Model {
            listed,
            updated_ms: ctx.now.as_ms(),
            ..old.clone()
        }
        .replacing(old)
    };
    let after = before
        .iter()
        .map(|(id, old)| (id.clone(), changed(old)))
        .collect();
    let changed = write(tx, ctx, action, reason, &before, after).await?;
    Ok(u32::try_from(changed).unwrap_or(u32::MAX))
}

/// Writes the rows that changed, what they name, what they tell the projection, and the audit entry; returns how many
/// there were.
async fn write(
    tx: &Tx,
    ctx: &WriteContext,
    action: &'static str,
    reason: &str,
    before: &Rows,
    after: Rows,
) -> Result<usize> {
    let old = |row: &Model| before.get(&row.product_id);
    let changed: Vec<_> = after
        .into_values()
        .filter(|row| old(row).is_none_or(|old| old.version != row.version))
        .collect();
    if changed.is_empty() {
        return Ok(0);
    }
    entity::save::<Entity>(tx, &changed).await?;
    category::ensure_named(tx, &changed).await?;
    let mut changes = cards(tx.conn(), &ctx.principal.marketplace, &changed).await?;
    for row in changed
        .iter()
        .filter(|row| old(row).is_none_or(|old| old.listed != row.listed))
    {
        changes.push(Change::Listing(row.listing_change()?));
    }
    outbox::push(tx, &ctx.principal.marketplace, &ctx.traceparent, &changes).await?;
    let targets = changed.iter().map(|row| row.product_id.as_str()).collect();
    audit::write(
        tx,
        ctx,
        Deed {
            action,
            targets,
            reason,
        },
    )
    .await?;
    let is_other = |row: &Model| old(row).is_none_or(|old| old.is_other_to_the_graph(row));
    if changed.iter().any(is_other) {
        category::tell_the_graph(tx, &ctx.principal.marketplace).await?;
    }
    Ok(changed.len())
}

/// The cards of rows, as changes.
pub(crate) async fn cards<C: ConnectionTrait>(
    conn: &C,
    marketplace: &MarketplaceId,
    rows: &[Model],
) -> Result<Vec<Change>> {
    let skus = sku::of_products(conn, marketplace, rows.iter().map(|row| row.product_id.as_str())).await?;
    let leaves = rows.iter().filter_map(|row| row.category_id.as_deref());
    let above = category::above(conn, marketplace, leaves).await?;
    rows.iter()
        .map(|row| {
            let skus = skus.get(&row.product_id).map_or(&[][..], Vec::as_slice);
            let above = row.category_id.as_ref().and_then(|leaf| above.get(leaf));
            row.card(above.map_or(&[][..], Vec::as_slice), skus)
                .map(Change::Card)
        })
        .collect()
}

/// Locks rows; ids without one are claimed.
async fn lock_or_claim<'i>(
    tx: &Tx,
    marketplace: &MarketplaceId,
    ids: impl Iterator<Item = &'i ProductId>,
) -> Result<Rows> {
    let ids: BTreeSet<_> = ids.map(ProductId::as_str).collect();
    let mut rows = lock(tx, marketplace, ids.iter().copied()).await?;
    let missing: Vec<_> = ids.into_iter().filter(|id| !rows.contains_key(*id)).collect();
    if !missing.is_empty() {
        claim::claim(tx, marketplace, Kind::Product, missing.iter().copied()).await?;
        rows.extend(lock(tx, marketplace, missing).await?);
    }
    Ok(rows)
}

/// Locks the rows that exist, in one order for all.
pub(super) async fn lock<'i>(
    tx: &Tx,
    marketplace: &MarketplaceId,
    ids: impl IntoIterator<Item = &'i str>,
) -> Result<Rows> {
    let query = format!(
        "SELECT p.* FROM {} {} ORDER BY p.product_id {}",
        IDS.table(tx.backend(), "$2"),
        sql::lookup(
            tx.backend(),
            "products p",
            "p.marketplace_id = $1 AND p.product_id = batch.id"
        ),
        sql::locking(tx.backend(), "FOR UPDATE OF p")
    );
    let rows: Vec<Model> = tx
        .all(query, [marketplace.as_str().into(), sql::ids(ids)])
        .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.product_id.clone(), row))
        .collect())
}

/// Products that another shop holds; what nobody holds may become the caller's.
fn refuse_foreign<'i>(
    rows: &Rows,
    shop: &ShopId,
    ids: impl IntoIterator<Item = &'i ProductId>,
) -> Result<()> {
    let taken = ids.into_iter().filter(|id| rows.contains_key(id.as_str()));
    refuse_not_owned(rows, shop, taken)
}

/// Products that the shop does not hold, whether another does or nobody.
pub(super) fn refuse_not_owned<'i>(
    rows: &Rows,
    shop: &ShopId,
    ids: impl IntoIterator<Item = &'i ProductId>,
) -> Result<()> {
    let owned = |id: &ProductId| {
        rows.get(id.as_str())
            .is_some_and(|row| row.shop_id == shop.as_str())
    };
    match ids.into_iter().find(|id| !owned(id)) {
        Some(id) => Err(StoreError::ForeignShop(Missing::Product(id.clone()))),
        None => Ok(()),
    }
}

fn check_etag(product: &ProductUpsert, old: Option<&Model>) -> Result<()> {
    let found = old.map_or(Ok(0), |row| unsigned("version", row.version))?;
    match product.etag {
        Some(expected) if expected != found => Err(StoreError::EtagMismatch {
            what: "product",
            id: product.input.id.as_str().to_owned(),
            expected,
            found,
        }),
        _ => Ok(()),
    }
}
