//! Merchants' links.

mod create;
mod delete;
mod list;
mod set;

use sea_orm::{ConnectionTrait, FromQueryResult};
use tandem_domain::id::{LinkId, MarketplaceId, ProductId, ShopId};
use tandem_domain::link::{Link, LinkInput};
use tandem_domain::principal::Principal;

use crate::Store;
use crate::context::WriteContext;
use crate::error::{Missing, Result, StoreError};
use crate::sql;
pub(crate) use set::fetch as sets;

/// Which links to list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkQuery {
    /// Of this anchor only.
    pub anchor: Option<ProductId>,
    /// Those behind this one, in the order of (anchor, id).
    pub after: Option<(ProductId, LinkId)>,
    /// At most so many.
    pub limit: u32,
    /// Deleted links too, or not.
    pub show_deleted: Tombstones,
}

/// Whether deleted links are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Tombstones {
    /// Left out.
    #[default]
    Hidden,
    /// Listed.
    Shown,
}

impl Store {
    /// Creates a link.
    ///
    /// # Errors
    /// `ForeignShop` for an anchor that the shop does not hold, `NotFound` for a missing companion or surface,
    /// `LinkExists`, `NoShop`, `RequestIdReused`, or when the database fails; nothing is written then.
    pub async fn create_link(&self, ctx: &WriteContext, input: &LinkInput) -> Result<Link> {
        self.answer(ctx, "create a link", |tx| async move {
            create::create(&tx, ctx, input).await
        })
        .await
    }

    /// Links by (anchor, id): those of the caller's shop, or of all shops for a caller without one.
    ///
    /// # Errors
    /// `ForeignShop` for an anchor that the caller's shop does not hold, or when the database fails.
    pub async fn links(&self, principal: &Principal, query: &LinkQuery) -> Result<Vec<Link>> {
        self.read("read links", |db| async move {
            list::list(&db, principal, query).await
        })
        .await
    }

    /// Deletes links, each under its etag if one is given; returns how many lived.
    ///
    /// # Errors
    /// `ForeignShop`, `EtagMismatch`, `NoShop`, `RequestIdReused`, or when the database fails; nothing is written then.
    pub async fn delete_links(
        &self,
        ctx: &WriteContext,
        links: &[(LinkId, Option<u64>)],
        reason: &str,
    ) -> Result<u32> {
        self.answer(ctx, "delete links", |tx| async move {
            delete::delete(&tx, ctx, links, reason).await
        })
        .await
    }
}

/// Anchors that the shop does not hold, whether another does or nobody.
pub(crate) async fn refuse_foreign<C: ConnectionTrait>(
    conn: &C,
    marketplace: &MarketplaceId,
    shop: &ShopId,
    anchor: &ProductId,
) -> Result<()> {
    match owner(conn, marketplace, anchor).await? {
        Some(owner) if owner == shop.as_str() => Ok(()),
        _ => Err(StoreError::ForeignShop(Missing::Product(anchor.clone()))),
    }
}

/// The shop of a product.
async fn owner<C: ConnectionTrait>(
    conn: &C,
    marketplace: &MarketplaceId,
    product: &ProductId,
) -> Result<Option<String>> {
    #[derive(FromQueryResult)]
    struct Owned {
        shop_id: String,
    }
    let owned: Option<Owned> = sql::one(
        conn,
        "SELECT shop_id FROM products WHERE marketplace_id = $1 AND product_id = $2",
        [marketplace.as_str().into(), product.as_str().into()],
    )
    .await?;
    Ok(owned.map(|row| row.shop_id))
}
