//! The links of an anchor, which the projection takes whole.

use std::collections::BTreeMap;

use sea_orm::{ConnectionTrait, FromQueryResult};
use tandem_domain::id::{MarketplaceId, ProductId};
use tandem_domain::link::{AnchorLinks, Link};

use crate::entity::link::Model;
use crate::entity::{stored, unsigned};
use crate::error::Result;
use crate::sql::{self, IDS};
use crate::write::Tx;

/// Raises the version of an anchor's links and returns it; others who change them wait until this transaction ends.
pub(super) async fn advance(tx: &Tx, marketplace: &MarketplaceId, anchor: &ProductId) -> Result<u64> {
    let version = tx
        .number(
            "INSERT INTO link_sets (marketplace_id, anchor_id, version) VALUES ($1, $2, 1)
             ON CONFLICT (marketplace_id, anchor_id) DO UPDATE SET version = link_sets.version + 1
             RETURNING version",
            [marketplace.as_str().into(), anchor.as_str().into()],
        )
        .await?;
    unsigned("version", version.unwrap_or_default())
}

/// Holds the links of anchors that have or had any, in one order for all.
pub(super) async fn lock<'i>(
    tx: &Tx,
    marketplace: &MarketplaceId,
    anchors: impl IntoIterator<Item = &'i str>,
) -> Result<()> {
    let query = format!(
        "SELECT s.version FROM {} {} ORDER BY s.anchor_id {}",
        IDS.table(tx.backend(), "$2"),
        sql::lookup(
            tx.backend(),
            "link_sets s",
            "s.marketplace_id = $1 AND s.anchor_id = batch.id"
        ),
        sql::locking(tx.backend(), "FOR UPDATE OF s")
    );
    tx.execute(query, [marketplace.as_str().into(), sql::ids(anchors)])
        .await?;
    Ok(())
}

/// Raises the versions of locked sets.
pub(super) async fn advance_all<'i>(
    tx: &Tx,
    marketplace: &MarketplaceId,
    anchors: impl IntoIterator<Item = &'i str>,
) -> Result<()> {
    let query = format!(
        "UPDATE link_sets SET version = version + 1
         WHERE marketplace_id = $1 AND anchor_id IN (SELECT batch.id FROM {})",
        IDS.table(tx.backend(), "$2")
    );
    tx.execute(query, [marketplace.as_str().into(), sql::ids(anchors)])
        .await?;
    Ok(())
}

#[derive(FromQueryResult)]
struct Row {
    set_anchor: String,
    set_version: i64,
    #[sea_orm(nested)]
    link: Option<Model>,
}

/// The living links of anchors that have or had any, by anchor: sets without a living link are told, too.
pub(crate) async fn fetch<'i, C: ConnectionTrait>(
    conn: &C,
    marketplace: &MarketplaceId,
    anchors: impl IntoIterator<Item = &'i str>,
) -> Result<Vec<AnchorLinks>> {
    // One statement, so that version and links are of the same moment.
    let query = format!(
        "SELECT s.anchor_id AS set_anchor, s.version AS set_version, l.*
         FROM {} {}
         LEFT JOIN links l
             ON l.marketplace_id = s.marketplace_id AND l.anchor_id = s.anchor_id AND l.deleted_ms IS NULL
         ORDER BY l.link_id",
        IDS.table(conn.get_database_backend(), "$2"),
        sql::lookup(
            conn.get_database_backend(),
            "link_sets s",
            "s.marketplace_id = $1 AND s.anchor_id = batch.id"
        )
    );
    let rows: Vec<Row> = sql::all(conn, query, [marketplace.as_str().into(), sql::ids(anchors)]).await?;
    let mut sets = BTreeMap::new();
    for row in rows {
        let anchor = stored("anchor", ProductId::new(&row.set_anchor))?;
        let version = unsigned("version", row.set_version)?;
        let set = sets.entry(row.set_anchor).or_insert_with(|| AnchorLinks {
            anchor,
            version,
            links: Vec::new(),
        });
        if let Some(link) = &row.link {
            set.links.push(Link::try_from(link)?);
        }
    }
    Ok(sets.into_values().collect())
}
