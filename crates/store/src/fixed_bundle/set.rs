//! The bundles of an anchor, which the projection takes whole.

use std::collections::BTreeMap;

use sea_orm::{ConnectionTrait, FromQueryResult};
use tandem_domain::bundle::{AnchorBundles, BundleMember, FixedBundle, FixedBundleInput};
use tandem_domain::clock::Timestamp;
use tandem_domain::id::{FixedBundleId, MarketplaceId, ProductId, ShopId};

use crate::entity::{from_json, stored, unsigned};
use crate::error::{Result, StoreError};
use crate::sql::{self, IDS};

#[derive(Debug, FromQueryResult)]
pub(super) struct Row {
    pub(super) fixed_bundle_id: String,
    pub(super) shop_id: String,
    pub(super) anchor_id: String,
    pub(super) title: String,
    pub(super) members: String,
    pub(super) author: String,
    pub(super) created_ms: i64,
}

impl TryFrom<&Row> for FixedBundle {
    type Error = StoreError;
    fn try_from(row: &Row) -> Result<Self> {
        Ok(Self {
            id: stored("fixed bundle", FixedBundleId::new(&row.fixed_bundle_id))?,
            input: FixedBundleInput {
                anchor: stored("anchor", ProductId::new(&row.anchor_id))?,
                title: row.title.clone(),
                members: from_json::<Vec<BundleMember>>("members", &row.members)?,
            },
            shop: stored("shop", ShopId::new(&row.shop_id))?,
            author: row.author.clone(),
            created: Timestamp::from_ms(row.created_ms),
        })
    }
}

#[derive(FromQueryResult)]
struct SetRow {
    set_anchor: String,
    set_version: i64,
    #[sea_orm(nested)]
    bundle: Option<Row>,
}

/// The living bundles of anchors that have or had any, by anchor; of each the oldest first.
pub(crate) async fn fetch<'i, C: ConnectionTrait>(
    conn: &C,
    marketplace: &MarketplaceId,
    anchors: impl IntoIterator<Item = &'i str>,
) -> Result<Vec<AnchorBundles>> {
    // One statement, so that version and bundles are of the same moment.
    let query = format!(
        "SELECT s.anchor_id AS set_anchor, s.version AS set_version, b.*
         FROM {} {}
         LEFT JOIN fixed_bundles b
             ON b.marketplace_id = s.marketplace_id AND b.anchor_id = s.anchor_id AND b.deleted_ms IS NULL
         ORDER BY b.fixed_bundle_id",
        IDS.table(conn.get_database_backend(), "$2"),
        sql::lookup(
            conn.get_database_backend(),
            "fixed_bundle_sets s",
            "s.marketplace_id = $1 AND s.anchor_id = batch.id"
        )
    );
    let rows: Vec<SetRow> = sql::all(conn, query, [marketplace.as_str().into(), sql::ids(anchors)]).await?;
    let mut sets = BTreeMap::new();
    for row in rows {
        let anchor = stored("anchor", ProductId::new(&row.set_anchor))?;
        let version = unsigned("version", row.set_version)?;
        let set = sets.entry(row.set_anchor).or_insert_with(|| AnchorBundles {
            anchor,
            version,
            bundles: Vec::new(),
        });
        if let Some(bundle) = &row.bundle {
            set.bundles.push(FixedBundle::try_from(bundle)?);
        }
    }
    Ok(sets.into_values().collect())
}

/// Those of a page of anchors behind `after`, and the last of them.
pub(crate) async fn page<C: ConnectionTrait>(
    conn: &C,
    marketplace: &MarketplaceId,
    after: &str,
    size: i64,
) -> Result<(Vec<AnchorBundles>, Option<String>)> {
    #[derive(FromQueryResult)]
    struct Anchor {
        anchor_id: String,
    }
    let anchors: Vec<Anchor> = sql::all(
        conn,
        "SELECT anchor_id FROM fixed_bundle_sets
         WHERE marketplace_id = $1 AND anchor_id > $2 ORDER BY anchor_id LIMIT $3",
        [marketplace.as_str().into(), after.into(), size.into()],
    )
    .await?;
    let sets = fetch(
        conn,
        marketplace,
        anchors.iter().map(|anchor| anchor.anchor_id.as_str()),
    )
    .await?;
    Ok((sets, anchors.into_iter().last().map(|anchor| anchor.anchor_id)))
}
