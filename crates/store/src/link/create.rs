//! Creating a link.

use sea_orm::FromQueryResult;
use tandem_domain::change::Change;
use tandem_domain::id::{LinkId, MarketplaceId, ProductId, ShopId, SurfaceId};
use tandem_domain::link::{Link, LinkInput};

use super::{owner, set};
use crate::audit::{self, Deed};
use crate::context::WriteContext;
use crate::entity::link::{Entity, Model};
use crate::entity::{self, stored, to_name};
use crate::error::{Missing, Result, StoreError};
use crate::mint::mint;
use crate::outbox;
use crate::write::Tx;

pub(super) async fn create(tx: &Tx, ctx: &WriteContext, input: &LinkInput) -> Result<Link> {
    let shop = ctx.shop()?;
    let marketplace = &ctx.principal.marketplace;
    refuse_foreign_or_missing(tx, marketplace, shop, input).await?;
    let version = set::advance(tx, marketplace, &input.anchor).await?;
    refuse_repetition(tx, marketplace, input).await?;
    let id = mint(
        ctx.now,
        &["link", marketplace.as_str(), input.anchor.as_str()],
        version,
    );
    let link = Link {
        id: stored("link", LinkId::new(id))?,
        input: input.clone(),
        shop: shop.clone(),
        author: ctx.principal.subject.clone(),
        created: ctx.now,
        deleted: None,
        version: 1,
    };
    entity::add::<Entity>(tx, &[Model::new(marketplace, &link)?]).await?;
    let sets = set::fetch(tx.conn(), marketplace, [input.anchor.as_str()]).await?;
    let changes: Vec<_> = sets.into_iter().map(Change::Links).collect();
    outbox::push(tx, marketplace, &ctx.traceparent, &changes).await?;
    let deed = Deed {
        action: "create_link",
        targets: vec![link.id.as_str()],
        reason: &input.reason,
    };
    audit::write(tx, ctx, deed).await?;
    Ok(link)
}

/// The shop first: a stranger learns nothing about the rest.
async fn refuse_foreign_or_missing(
    tx: &Tx,
    marketplace: &MarketplaceId,
    shop: &ShopId,
    input: &LinkInput,
) -> Result<()> {
    let missing = |product: &ProductId| StoreError::NotFound(Missing::Product(product.clone()));
    super::refuse_foreign(tx.conn(), marketplace, shop, &input.anchor).await?;
    owner(tx.conn(), marketplace, &input.companion)
        .await?
        .ok_or_else(|| missing(&input.companion))?;
    match &input.surface {
        Some(surface) => refuse_missing_surface(tx, marketplace, surface).await,
        None => Ok(()),
    }
}

async fn refuse_missing_surface(tx: &Tx, marketplace: &MarketplaceId, surface: &SurfaceId) -> Result<()> {
    let found = tx
        .number(
            "SELECT count(*) FROM surfaces WHERE marketplace_id = $1 AND surface_id = $2 AND NOT deleted",
            [marketplace.as_str().into(), surface.as_str().into()],
        )
        .await?;
    match found {
        Some(1) => Ok(()),
        _ => Err(StoreError::NotFound(Missing::Surface(surface.clone()))),
    }
}

/// A link that says something about the same place stands in the way. The set is locked by now.
async fn refuse_repetition(tx: &Tx, marketplace: &MarketplaceId, input: &LinkInput) -> Result<()> {
    #[derive(FromQueryResult)]
    struct Standing {
        link_id: String,
    }
    let standing: Option<Standing> = tx
        .one(
            "SELECT link_id FROM links
             WHERE marketplace_id = $1 AND anchor_id = $2 AND companion_id = $3 AND COALESCE(relation, '') = $4
               AND COALESCE(surface_id, '') = $5 AND deleted_ms IS NULL",
            [
                marketplace.as_str().into(),
                input.anchor.as_str().into(),
                input.companion.as_str().into(),
                input.relation.as_ref().map(to_name).unwrap_or_default().into(),
                input.surface.as_ref().map_or("", |surface| surface.as_str()).into(),
            ],
        )
        .await?;
    match standing {
        Some(row) => Err(StoreError::LinkExists {
            id: stored("link", LinkId::new(row.link_id))?,
        }),
        None => Ok(()),
    }
}
