//! Events that quote one of our answers: what feedback is counted from.

use futures::stream::{self, BoxStream, StreamExt as _};
use sea_orm::{DatabaseConnection, FromQueryResult};
use tandem_domain::attribution::Attribution;
use tandem_domain::clock::Timestamp;
use tandem_domain::event::EventKind;
use tandem_domain::id::{MarketplaceId, ProductId};

use super::chunk::Covered;
use crate::Store;
use crate::entity::{from_json, stored};
use crate::error::Result;
use crate::sql;

/// Events per page.
const PAGE: i64 = 10_000;

/// An event of a product that an answer of ours showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttributedEvent {
    /// What happened.
    pub kind: EventKind,
    /// To which product.
    pub product: ProductId,
    /// Who did it: the user, or the group where no user is known.
    pub shopper: Option<String>,
    /// When.
    pub time: Timestamp,
    /// Where it was shown.
    pub attribution: Attribution,
}

#[derive(FromQueryResult)]
struct Row {
    day: i32,
    event_id: String,
    kind: i16,
    product_id: String,
    user_id: Option<String>,
    group_id: Option<String>,
    time_ms: i64,
    chunk_id: i64,
    attribution: String,
}

/// After which row the next page begins, and of which chunks rows count.
struct Place {
    covered: Covered,
    after: (i32, String),
}

impl Store {
    /// Events of batches 1 to `up_to_batch`, from the day `first_day` on, that quote an answer; by day, in pages.
    pub fn scan_attributed(
        &self,
        marketplace: &MarketplaceId,
        up_to_batch: u64,
        first_day: i32,
    ) -> BoxStream<'static, Result<Vec<AttributedEvent>>> {
        let (store, marketplace) = (self.clone(), marketplace.clone());
        stream::try_unfold(None, move |place: Option<Place>| {
            let (store, marketplace) = (store.clone(), marketplace.clone());
            async move {
                let db = &store.0.reads;
                let read = async {
                    let place = match place {
                        Some(place) => place,
                        None => Place {
                            covered: Covered::fetch(db, &marketplace, &(1..=up_to_batch)).await?,
                            after: (first_day, String::new()),
                        },
                    };
                    page(db, &marketplace, place).await
                };
                read.await.map_err(|error| error.during("scan attributed events"))
            }
        })
        .boxed()
    }
}

async fn page(
    db: &DatabaseConnection,
    marketplace: &MarketplaceId,
    mut place: Place,
) -> Result<Option<(Vec<AttributedEvent>, Option<Place>)>> {
    let (day, event) = &place.after;
    let rows: Vec<Row> = sql::all(
        db,
        "SELECT day, event_id, kind, product_id, user_id, group_id, time_ms, chunk_id, attribution FROM events
         WHERE marketplace_id = $1 AND attribution IS NOT NULL AND (day, event_id) > ($2, $3)
         ORDER BY day, event_id LIMIT $4",
        [
            marketplace.as_str().into(),
            (*day).into(),
            event.as_str().into(),
            PAGE.into(),
        ],
    )
    .await?;
    let Some(last) = rows.last() else {
        return Ok(None);
    };
    place.after = (last.day, last.event_id.clone());
    let covered = rows
        .into_iter()
        .filter(|row| place.covered.contains(row.chunk_id));
    let events = covered.filter_map(|row| event_of(row).transpose());
    let events = events.collect::<Result<_>>()?;
    Ok(Some((events, Some(place))))
}

/// `None` for a kind that only a newer version knows.
fn event_of(row: Row) -> Result<Option<AttributedEvent>> {
    let Some(kind) = u8::try_from(row.kind).ok().and_then(EventKind::from_code) else {
        return Ok(None);
    };
    Ok(Some(AttributedEvent {
        kind,
        product: stored("event", ProductId::new(row.product_id))?,
        shopper: row.user_id.or(row.group_id),
        time: Timestamp::from_ms(row.time_ms),
        attribution: from_json("attribution", &row.attribution)?,
    }))
}
