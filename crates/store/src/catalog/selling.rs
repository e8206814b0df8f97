//! How every product sells.

use std::collections::{BTreeMap, HashMap};

use sea_orm::FromQueryResult;
use tandem_domain::clock::Timestamp;
use tandem_domain::event::EventKind;
use tandem_domain::id::{MarketplaceId, ProductId};
use tandem_domain::pace::{CLEARANCE, Selling, WINDOW_DAYS};

use crate::Store;
use crate::entity::{from_json, stored, unsigned};
use crate::error::Result;
use crate::sql;

/// Products per page: a page is one range of the primary key.
const PAGE: i64 = 10_000;

#[derive(FromQueryResult)]
struct Row {
    product_id: String,
    tags: String,
    created_ms: i64,
}

pub(super) async fn scan(store: &Store, marketplace: &MarketplaceId, zero: i32) -> Result<Vec<Selling>> {
    let units = units(store, marketplace, zero).await?;
    let (mut all, mut after) = (Vec::new(), String::new());
    loop {
        let rows: Vec<Row> = sql::all(
            &store.0.reads,
            "SELECT product_id, tags, created_ms FROM products
             WHERE marketplace_id = $1 AND product_id > $2 ORDER BY product_id LIMIT $3",
            [marketplace.as_str().into(), after.as_str().into(), PAGE.into()],
        )
        .await?;
        let Some(last) = rows.last() else {
            return Ok(all);
        };
        after.clone_from(&last.product_id);
        for row in rows {
            let tags: BTreeMap<String, Vec<String>> = from_json("tags", &row.tags)?;
            all.push(Selling {
                created: Timestamp::from_ms(row.created_ms).day(),
                units: units.get(&row.product_id).copied().unwrap_or(0),
                clearance: tags.contains_key(CLEARANCE),
                product: stored("product", ProductId::new(row.product_id))?,
            });
        }
    }
}

/// Units bought in the window, by product. A day is one range of the primary key.
async fn units(store: &Store, marketplace: &MarketplaceId, zero: i32) -> Result<HashMap<String, u64>> {
    #[derive(FromQueryResult)]
    struct Bought {
        product_id: String,
        quantity: i64,
    }
    let mut units = HashMap::new();
    for day in zero.saturating_sub(WINDOW_DAYS - 1)..=zero {
        let bought: Vec<Bought> = sql::all(
            &store.0.reads,
            "SELECT product_id, quantity FROM daily_counts WHERE marketplace_id = $1 AND day = $2 AND kind = $3",
            [
                marketplace.as_str().into(),
                day.into(),
                i16::from(EventKind::Purchase.code()).into(),
            ],
        )
        .await?;
        for bought in bought {
            *units.entry(bought.product_id).or_default() += unsigned("quantity", bought.quantity)?;
        }
    }
    Ok(units)
}
