//! Forgetting old generations.

use std::collections::HashSet;

use sea_orm::{ColumnTrait as _, EntityTrait as _, FromQueryResult, QueryFilter as _};
use serde::Serialize;
use tandem_domain::generation::{Manifest, SegmentRef};
use tandem_domain::id::MarketplaceId;

use super::pointer;
use crate::entity::{from_json, segment, unsigned};
use crate::error::Result;
use crate::sql::{self, Batch, Type};
use crate::write::Tx;

/// A generation that can be served.
#[derive(FromQueryResult)]
struct Named {
    generation: i64,
    manifest: String,
}

pub(super) async fn retire(tx: &Tx, marketplace: &MarketplaceId, keep: u32) -> Result<Vec<SegmentRef>> {
    let serving = pointer::lock(tx, marketplace).await?;
    let published: Vec<Named> = tx
        .all(
            "SELECT generation, manifest FROM generations
             WHERE marketplace_id = $1 AND state = 'published' AND manifest IS NOT NULL ORDER BY generation DESC",
            [marketplace.as_str().into()],
        )
        .await?;
    let (kept, old): (Vec<_>, Vec<_>) = published
        .into_iter()
        .enumerate()
        .partition(|(age, row)| *age < keep as usize || Some(row.generation) == serving);
    if old.is_empty() {
        return Ok(Vec::new());
    }
    forget(tx, marketplace, old.iter().map(|(_, row)| row.generation)).await?;
    let mut needed = HashSet::new();
    for (_, row) in &kept {
        let manifest: Manifest = from_json("manifest", &row.manifest)?;
        needed.extend(manifest.segments.iter().map(|segment| segment.id));
    }
    drop_segments(tx, marketplace, &needed).await
}

const NUMBERS: Batch = Batch::of(&[("number", Type::Integer)]);

#[derive(Serialize)]
struct Number {
    number: i64,
}

fn numbers(numbers: impl Iterator<Item = i64>) -> sea_orm::Value {
    sql::rows(&numbers.map(|number| Number { number }).collect::<Vec<_>>())
}

async fn forget(tx: &Tx, marketplace: &MarketplaceId, old: impl Iterator<Item = i64>) -> Result<()> {
    let query = format!(
        "UPDATE generations SET manifest = NULL
         WHERE marketplace_id = $1 AND generation IN (SELECT batch.number FROM {})",
        NUMBERS.table(tx.backend(), "$2")
    );
    tx.execute(query, [marketplace.as_str().into(), numbers(old)])
        .await?;
    Ok(())
}

async fn drop_segments(
    tx: &Tx,
    marketplace: &MarketplaceId,
    needed: &HashSet<u64>,
) -> Result<Vec<SegmentRef>> {
    let rows = segment::Entity::find()
        .filter(segment::Column::MarketplaceId.eq(marketplace.as_str()))
        .all(tx.conn())
        .await?;
    let mut unneeded = Vec::new();
    for row in rows {
        if !needed.contains(&unsigned("segment", row.segment_id)?) {
            unneeded.push(row);
        }
    }
    let query = format!(
        "DELETE FROM segments WHERE marketplace_id = $1 AND segment_id IN (SELECT batch.number FROM {})",
        NUMBERS.table(tx.backend(), "$2")
    );
    let ids = numbers(unneeded.iter().map(|row| row.segment_id));
    tx.execute(query, [marketplace.as_str().into(), ids]).await?;
    unneeded.into_iter().map(SegmentRef::try_from).collect()
}
