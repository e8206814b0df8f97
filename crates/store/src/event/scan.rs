//! Reading all events, in columns.
//!
//! Ranges of days, or of chunks where only the latest batches are asked for, are read side by side, each by a task with a
//! connection of its own that hands over whole columns.
//! Which rows count is decided by their chunk, so the readers need no common snapshot: what commits while they read
//! belongs to no chunk that was covered when they began.

mod postgres;
mod sqlite;

use std::collections::VecDeque;
use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex, PoisonError};

use futures::stream::{self, BoxStream, StreamExt as _};
use sea_orm::FromQueryResult;
use tandem_domain::id::MarketplaceId;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::EventColumns;
use super::chunk::{self, Covered, Numbered};
use crate::Store;
use crate::connect::Pool;
use crate::error::{Result, StoreError};
use crate::sql;

/// Events per [`EventColumns`].
const PAGE: usize = 16_384;
/// Tasks that read at the same time.
const READERS: usize = 3;
/// Into how many ranges the days are cut: many per reader, so that a busy season does not leave one behind.
const RANGES: i32 = 64;

/// What all readers know.
#[derive(Debug)]
struct Scan {
    pool: Pool,
    marketplace: MarketplaceId,
    covered: Covered,
    ranges: Mutex<VecDeque<Range>>,
}

/// A part of the rows.
#[derive(Debug, Clone, Copy)]
enum Range {
    /// Those of days `first..end`.
    Days { first: i32, end: i32 },
    /// Those of chunks `first..=last`, whose days are `days.0..=days.1`.
    Chunks { first: i64, last: i64, days: (i32, i32) },
}

/// Where readers put what they read; fails when nobody listens any more.
type Pages = mpsc::Sender<Result<EventColumns>>;

pub(super) fn scan(
    store: Store,
    marketplace: MarketplaceId,
    batches: RangeInclusive<u64>,
) -> BoxStream<'static, Result<EventColumns>> {
    stream::once(async move {
        match Scan::plan(&store, marketplace, &batches).await {
            Ok(scan) => Running::start(Arc::new(scan)).pages().boxed(),
            Err(error) => stream::iter([Err(error.during("scan events"))]).boxed(),
        }
    })
    .flatten()
    .boxed()
}

impl Scan {
    async fn plan(store: &Store, marketplace: MarketplaceId, batches: &RangeInclusive<u64>) -> Result<Self> {
        let covered = Covered::fetch(&store.0.reads, &marketplace, batches).await?;
        let ranges = if covered.is_empty() {
            VecDeque::new()
        } else if *batches.start() > 1 {
            lots(&chunk::numbered(&store.0.reads, &marketplace, batches).await?)
        } else {
            let days = days(store, &marketplace).await?;
            days.map_or_else(VecDeque::new, |(first, last)| cut(first, last))
        };
        Ok(Self {
            pool: store.0.pool.clone(),
            marketplace,
            covered,
            ranges: Mutex::new(ranges),
        })
    }

    /// Reads range after range until none is left.
    async fn read(self: Arc<Self>, pages: Pages) {
        while let Some(range) = self.next() {
            let done = match &self.pool {
                Pool::Sqlite { reads, .. } => sqlite::read(reads, &self, range, &pages).await,
                Pool::Postgres { all: pool, .. } => postgres::read(pool, &self, range, &pages).await,
            };
            if let Err(error) = done {
                let _ = pages.send(Err(error.during("scan events"))).await;
                return;
            }
        }
    }

    fn next(&self) -> Option<Range> {
        self.ranges
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop_front()
    }
}

/// Readers at work; they stop when this is dropped.
struct Running {
    readers: JoinSet<()>,
    pages: mpsc::Receiver<Result<EventColumns>>,
}

impl Running {
    fn start(scan: Arc<Scan>) -> Self {
        let (send, pages) = mpsc::channel(READERS);
        let mut readers = JoinSet::new();
        for _ in 0..READERS {
            readers.spawn(Arc::clone(&scan).read(send.clone()));
        }
        Self { readers, pages }
    }

    fn pages(self) -> impl stream::Stream<Item = Result<EventColumns>> + Send {
        stream::unfold(self, |mut running| async move {
            match running.pages.recv().await {
                Some(page) => Some((page, running)),
                None => running.lost_reader().await.map(|error| (Err(error), running)),
            }
        })
    }

    /// A reader that panicked must not pass for one that came to the end.
    async fn lost_reader(&mut self) -> Option<StoreError> {
        while let Some(ended) = self.readers.join_next().await {
            if let Err(error) = ended {
                return Some(StoreError::Internal {
                    during: "scan events",
                    source: Arc::new(error),
                });
            }
        }
        None
    }
}

/// First and last day that any chunk of the marketplace touches.
async fn days(store: &Store, marketplace: &MarketplaceId) -> Result<Option<(i32, i32)>> {
    #[derive(FromQueryResult)]
    struct Days {
        first: Option<i32>,
        last: Option<i32>,
    }
    let days: Option<Days> = sql::one(
        &store.0.reads,
        "SELECT min(first_day) AS first, max(last_day) AS last FROM event_chunks WHERE marketplace_id = $1",
        [marketplace.as_str().into()],
    )
    .await?;
    Ok(days.and_then(|days| days.first.zip(days.last)))
}

fn cut(first: i32, last: i32) -> VecDeque<Range> {
    let step = ((last - first) / RANGES + 1).max(1);
    (first..=last)
        .step_by(usize::try_from(step).unwrap_or(1))
        .map(|from| Range::Days {
            first: from,
            end: (from + step).min(last + 1),
        })
        .collect()
}

/// Chunks in lots of about a page of events.
fn lots(chunks: &[Numbered]) -> VecDeque<Range> {
    let (mut lots, mut rest) = (VecDeque::new(), chunks);
    while let [first, ..] = rest {
        let mut events = 0;
        let fits = rest.iter().take_while(|chunk| {
            let is_open = events < PAGE as i64;
            events += chunk.events;
            is_open
        });
        let (lot, after) = rest.split_at(fits.count());
        let days = lot.iter().fold((first.first_day, first.last_day), |days, chunk| {
            (days.0.min(chunk.first_day), days.1.max(chunk.last_day))
        });
        lots.push_back(Range::Chunks {
            first: first.chunk_id,
            last: lot.last().map_or(first.chunk_id, |last| last.chunk_id),
            days,
        });
        rest = after;
    }
    lots
}

/// A row as a driver hands it over.
struct Row<'r> {
    kind: u8,
    product: &'r str,
    user: Option<&'r str>,
    group: Option<&'r str>,
    scene: Option<&'r str>,
    quantity: u32,
    unit_price: Option<i64>,
    time_ms: i64,
    generated: bool,
    attributed: bool,
    dwell_ms: Option<u32>,
}

impl EventColumns {
    fn with_room() -> Self {
        Self {
            kinds: Vec::with_capacity(PAGE),
            products: Vec::with_capacity(PAGE),
            users: Vec::with_capacity(PAGE),
            groups: Vec::with_capacity(PAGE),
            scenes: Vec::with_capacity(PAGE),
            quantities: Vec::with_capacity(PAGE),
            unit_prices: Vec::with_capacity(PAGE),
            times_ms: Vec::with_capacity(PAGE),
            generated: Vec::with_capacity(PAGE),
            attributed: Vec::with_capacity(PAGE),
            dwells_ms: Vec::with_capacity(PAGE),
        }
    }

    fn push(&mut self, row: &Row<'_>) {
        self.kinds.push(row.kind);
        self.products.push(row.product.to_owned());
        self.users.push(row.user.map(str::to_owned));
        self.groups.push(row.group.map(str::to_owned));
        self.scenes.push(row.scene.map(str::to_owned));
        self.quantities.push(row.quantity);
        self.unit_prices.push(row.unit_price);
        self.times_ms.push(row.time_ms);
        self.generated.push(row.generated);
        self.attributed.push(row.attributed);
        self.dwells_ms.push(row.dwell_ms);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_cover_every_day_once() {
        for (first, last) in [(5, 5), (0, 63), (0, 64), (-3, 400)] {
            let ranges = cut(first, last);
            let days = |range: &Range| match *range {
                Range::Days { first, end } => first..end,
                Range::Chunks { .. } => panic!("{range:?}"),
            };
            let days: Vec<_> = ranges.iter().flat_map(days).collect();
            assert_eq!(days, (first..=last).collect::<Vec<_>>());
            assert!(ranges.len() <= 64);
        }
    }

    #[test]
    fn lots_hold_every_chunk_once_and_about_a_page() {
        let page = PAGE as i64;
        let sizes = [1, page, 3, 4, page - 7, 2, 2 * page, 5];
        let chunk = |(chunk_id, events)| Numbered {
            chunk_id,
            events,
            first_day: 10 - chunk_id as i32,
            last_day: 20,
        };
        let chunks: Vec<_> = (1..).zip(sizes).map(chunk).collect();
        let lots: Vec<_> = lots(&chunks)
            .into_iter()
            .map(|lot| match lot {
                Range::Chunks { first, last, days } => (first..=last, days),
                Range::Days { .. } => panic!("{lot:?}"),
            })
            .collect();
        assert_eq!(
            lots,
            [
                (1..=2, (8, 20)),
                (3..=5, (5, 20)),
                (6..=7, (3, 20)),
                (8..=8, (2, 20))
            ]
        );
    }
}
