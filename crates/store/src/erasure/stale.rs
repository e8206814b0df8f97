//! Products whose rows of a generation count what was erased since.

use sea_orm::{ConnectionTrait, FromQueryResult};
use tandem_domain::generation::GenerationNo;
use tandem_domain::id::{MarketplaceId, ProductId};

use crate::entity::{stored, unsigned};
use crate::error::Result;
use crate::sql;

pub(super) async fn products<C: ConnectionTrait>(
    conn: &C,
    marketplace: &MarketplaceId,
    since: GenerationNo,
) -> Result<Vec<ProductId>> {
    #[derive(FromQueryResult)]
    struct Row {
        product_id: String,
    }
    let rows: Vec<Row> = sql::all(
        conn,
        "SELECT p.product_id FROM erased_products p
         JOIN generations g ON g.marketplace_id = p.marketplace_id AND p.step > g.erasure_step
         WHERE p.marketplace_id = $1 AND g.generation = $2 ORDER BY p.product_id",
        [
            marketplace.as_str().into(),
            i64::try_from(since.0).unwrap_or(i64::MAX).into(),
        ],
    )
    .await?;
    rows.into_iter()
        .map(|row| stored("product", ProductId::new(row.product_id)))
        .collect()
}

pub(super) async fn count<C: ConnectionTrait>(conn: &C, marketplace: &MarketplaceId) -> Result<u64> {
    let count = sql::number(
        conn,
        "SELECT count(*) FROM erased_products p
         JOIN marketplaces m ON m.marketplace_id = p.marketplace_id
         JOIN generations g ON g.marketplace_id = m.marketplace_id AND g.generation = m.serving_generation
         WHERE p.marketplace_id = $1 AND p.step > g.erasure_step",
        [marketplace.as_str().into()],
    )
    .await?;
    unsigned("count", count.unwrap_or(0))
}
