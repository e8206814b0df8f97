//! Deleting what was found, a step per transaction.

use std::collections::{BTreeMap, HashMap};

use sea_orm::FromQueryResult;
use serde::Serialize;
use tandem_domain::clock::Timestamp;
use tandem_domain::id::MarketplaceId;

use super::Erased;
use super::find::{Event, Found};
use crate::counter::{self, Counter};
use crate::entity::{signed, unsigned};
use crate::error::Result;
use crate::sql::{self, Batch, IDS, Type};
use crate::write::Tx;

/// Deletes events with their ids and the headers of their orders, and marks their products.
pub(super) async fn events(
    tx: &Tx,
    marketplace: &MarketplaceId,
    found: &Found,
    events: &[Event],
) -> Result<Erased> {
    lock(tx, marketplace).await?;
    let mut tally = Tally::default();
    let whose: HashMap<&str, i64> = events
        .iter()
        .map(|event| (event.id.as_str(), event.erasure))
        .collect();
    for id in delete(tx, marketplace, events).await? {
        tally.of(whose[id.as_str()]).events += 1;
    }
    let groups = events
        .iter()
        .filter_map(|event| Some((event.group.as_deref()?, event.erasure)));
    let groups: HashMap<&str, i64> = groups.collect();
    for order in delete_orders(tx, marketplace, found, groups.keys().copied()).await? {
        tally.of(groups[order.as_str()]).orders += 1;
    }
    mark(tx, marketplace, found, events).await?;
    tally.note(tx).await
}

/// Deletes the orders that are left, and ends the erasures if that is all.
pub(super) async fn orders(
    tx: &Tx,
    marketplace: &MarketplaceId,
    found: &Found,
    now: Timestamp,
) -> Result<Erased> {
    lock(tx, marketplace).await?;
    let mut tally = Tally::default();
    for order in delete_orders(tx, marketplace, found, found.orders.keys().map(String::as_str)).await? {
        tally.of(found.orders[&order]).orders += 1;
    }
    let gone = tally.note(tx).await?;
    let users = match found.is_whole {
        true => end(tx, marketplace, found, now).await?,
        false => 0,
    };
    Ok(Erased { users, ..gone })
}

/// Keeps folds out: one that has read events of a user would write the headers of their orders behind us.
async fn lock(tx: &Tx, marketplace: &MarketplaceId) -> Result<()> {
    tx.lift_timeout().await?;
    counter::raise(tx, marketplace, Counter::Batch, 0).await?;
    Ok(())
}

/// Deletes events with their ids; returns those of them that were still there.
async fn delete(tx: &Tx, marketplace: &MarketplaceId, events: &[Event]) -> Result<Vec<String>> {
    #[derive(FromQueryResult)]
    struct Row {
        event_id: String,
    }
    let is_named = sql::is_one_of(tx.backend(), "event_id", "$2");
    let query = format!(
        "DELETE FROM events WHERE marketplace_id = $1 AND {is_named} AND day = $3 RETURNING event_id"
    );
    let mut days = BTreeMap::<_, Vec<_>>::new();
    for event in events {
        days.entry(event.day).or_default().push(event.id.as_str());
    }
    let mut gone = Vec::with_capacity(events.len());
    for (day, ids) in days {
        let values = [marketplace.as_str().into(), sql::ids(ids), day.into()];
        let rows: Vec<Row> = tx.all(query.as_str(), values).await?;
        gone.extend(rows.into_iter().map(|row| row.event_id));
    }
    let query = format!("DELETE FROM event_ids WHERE marketplace_id = $1 AND {is_named}");
    let values = [
        marketplace.as_str().into(),
        sql::ids(gone.iter().map(String::as_str)),
    ];
    tx.execute(query, values).await?;
    Ok(gone)
}

/// Deletes those of the orders that are a user's or nobody's; returns which.
async fn delete_orders<'o>(
    tx: &Tx,
    marketplace: &MarketplaceId,
    found: &Found,
    orders: impl Iterator<Item = &'o str>,
) -> Result<Vec<String>> {
    #[derive(FromQueryResult)]
    struct Row {
        order_id: String,
    }
    let query = format!(
        "DELETE FROM orders WHERE marketplace_id = $1 AND {}
         AND (user_id IS NULL OR user_id IN (SELECT batch.id FROM {})) RETURNING order_id",
        sql::is_one_of(tx.backend(), "order_id", "$2"),
        IDS.table(tx.backend(), "$3")
    );
    let users = found.erasures.keys().map(String::as_str);
    let values = [marketplace.as_str().into(), sql::ids(orders), sql::ids(users)];
    let gone: Vec<Row> = tx.all(query, values).await?;
    Ok(gone.into_iter().map(|row| row.order_id).collect())
}

/// Marks the products of the events, and those beside them, under a step of its own: a build that began before this
/// transaction ends has read some of these events, and knows a lower step.
async fn mark(tx: &Tx, marketplace: &MarketplaceId, found: &Found, events: &[Event]) -> Result<()> {
    let step = counter::raise(tx, marketplace, Counter::ErasureStep, 1).await?;
    let query = format!(
        "INSERT INTO erased_products (marketplace_id, product_id, step)
         SELECT $1, batch.id, $3 FROM {} WHERE true
         ON CONFLICT (marketplace_id, product_id) DO UPDATE SET step = excluded.step",
        IDS.table(tx.backend(), "$2")
    );
    let products = events.iter().map(|event| &event.product).chain(&found.beside);
    let values = [
        marketplace.as_str().into(),
        sql::ids(products.map(String::as_str)),
        signed("erasure step", step)?.into(),
    ];
    tx.execute(query, values).await?;
    Ok(())
}

/// Forgets who was erased; returns how many.
async fn end(tx: &Tx, marketplace: &MarketplaceId, found: &Found, now: Timestamp) -> Result<u64> {
    let query = format!(
        "UPDATE user_erasures SET user_id = NULL, erased_ms = $2 FROM {}
         WHERE user_erasures.marketplace_id = $1 AND user_erasures.erasure_id = batch.erasure_id
           AND user_erasures.user_id IS NOT NULL",
        GONE.table(tx.backend(), "$3")
    );
    let waiting: Vec<_> = found.waiting.iter().copied().map(Gone::none).collect();
    let values = [
        marketplace.as_str().into(),
        now.as_ms().into(),
        sql::rows(&waiting),
    ];
    tx.execute(query, values).await
}

/// What went of a user.
#[derive(Serialize)]
struct Gone {
    erasure_id: i64,
    events: i64,
    orders: i64,
}

const GONE: Batch = Batch::of(&[
    ("erasure_id", Type::Integer),
    ("events", Type::Integer),
    ("orders", Type::Integer),
]);

impl Gone {
    const fn none(erasure_id: i64) -> Self {
        Self {
            erasure_id,
            events: 0,
            orders: 0,
        }
    }
}

/// What went, by erasure.
#[derive(Default)]
struct Tally(BTreeMap<i64, Gone>);

impl Tally {
    fn of(&mut self, erasure: i64) -> &mut Gone {
        self.0.entry(erasure).or_insert_with(|| Gone::none(erasure))
    }

    /// Adds it to the rows of the erasures; returns the sum.
    async fn note(self, tx: &Tx) -> Result<Erased> {
        let gone: Vec<Gone> = self.0.into_values().collect();
        let query = format!(
            "UPDATE user_erasures SET events = user_erasures.events + batch.events,
                 orders = user_erasures.orders + batch.orders
             FROM {} WHERE user_erasures.erasure_id = batch.erasure_id",
            GONE.table(tx.backend(), "$1")
        );
        tx.execute(query, [sql::rows(&gone)]).await?;
        Ok(Erased {
            users: 0,
            events: unsigned("events", gone.iter().map(|gone| gone.events).sum())?,
            orders: unsigned("orders", gone.iter().map(|gone| gone.orders).sum())?,
        })
    }
}
