//! Forgetting old generations.

use std::collections::HashSet;

use sea_orm::{ColumnTrait as _, EntityTrait as _, FromQueryResult, QueryFilter as _};
use serde::Serialize;
use tandem_domain::generation::{GenerationNo, Manifest, SegmentRef};
use tandem_domain::id::MarketplaceId;

use super::{key, pointer};
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
    let published: Vec<(i64, Manifest)> = published
        .into_iter()
        .map(|row| Ok((row.generation, from_json("manifest", &row.manifest)?)))
        .collect::<Result<_>>()?;
    let (kept, old) = choose(published, keep as usize, serving);
    if old.is_empty() {
        return Ok(Vec::new());
    }
    forget(tx, marketplace, old.iter().map(|(no, _)| *no)).await?;
    let bases = kept.iter().filter_map(|(_, manifest)| manifest.base().map(key));
    forget_records(tx, marketplace, bases).await?;
    let segments = kept.iter().flat_map(|(_, manifest)| &manifest.segments);
    drop_segments(tx, marketplace, &segments.map(|segment| segment.id).collect()).await
}

type Published = Vec<(i64, Manifest)>;

/// What is kept and what goes, of published generations, newest first.
fn choose(published: Published, keep: usize, serving: Option<i64>) -> (Published, Published) {
    let base_on_serve = published
        .iter()
        .find(|(no, _)| Some(*no) == serving)
        .and_then(|(_, manifest)| manifest.base());
    let mut bases: Vec<Option<GenerationNo>> = Vec::new();
    published.into_iter().partition(|(no, manifest)| {
        let base = manifest.base();
        let age = bases.iter().position(|known| *known == base);
        let is_newest_over_it = age.is_none();
        let age = age.unwrap_or_else(|| {
            bases.push(base);
            bases.len() - 1
        });
        let is_current = age == 0 || base == base_on_serve;
        Some(*no) == serving || (age < keep && (is_newest_over_it || is_current))
    })
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

/// Forgets the epoch records of retired generations that no kept one lies over.
async fn forget_records(
    tx: &Tx,
    marketplace: &MarketplaceId,
    bases: impl Iterator<Item = i64>,
) -> Result<()> {
    let query = format!(
        "UPDATE generations SET epoch_record = NULL
         WHERE marketplace_id = $1 AND manifest IS NULL AND epoch_record IS NOT NULL
           AND generation NOT IN (SELECT batch.number FROM {})",
        NUMBERS.table(tx.backend(), "$2")
    );
    tx.execute(query, [marketplace.as_str().into(), numbers(bases)])
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
