//! Listing links.

use sea_orm::{
    ColumnTrait as _, Condition, ConnectionTrait, EntityTrait as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _,
};
use tandem_domain::link::Link;
use tandem_domain::principal::Principal;

use super::{LinkQuery, Tombstones, refuse_foreign};
use crate::entity::link::{Column, Entity};
use crate::error::Result;

pub(super) async fn list<C: ConnectionTrait>(
    conn: &C,
    principal: &Principal,
    query: &LinkQuery,
) -> Result<Vec<Link>> {
    if let (Some(shop), Some(anchor)) = (&principal.shop, &query.anchor) {
        refuse_foreign(conn, &principal.marketplace, shop, anchor).await?;
    }
    let mut wanted = Condition::all().add(Column::MarketplaceId.eq(principal.marketplace.as_str()));
    if let Some(shop) = &principal.shop {
        wanted = wanted.add(Column::ShopId.eq(shop.as_str()));
    }
    if let Some(anchor) = &query.anchor {
        wanted = wanted.add(Column::AnchorId.eq(anchor.as_str()));
    }
    if let Some((anchor, id)) = &query.after {
        let later = Condition::any()
            .add(Column::AnchorId.gt(anchor.as_str()))
            .add(Column::LinkId.gt(id.as_str()));
        wanted = wanted.add(Column::AnchorId.gte(anchor.as_str())).add(later);
    }
    if query.show_deleted == Tombstones::Hidden {
        wanted = wanted.add(Column::DeletedMs.is_null());
    }
    let rows = Entity::find()
        .filter(wanted)
        .order_by_asc(Column::AnchorId)
        .order_by_asc(Column::LinkId)
        .limit(u64::from(query.limit))
        .all(conn)
        .await?;
    rows.iter().map(Link::try_from).collect()
}
