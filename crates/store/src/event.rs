//! Behaviour events: stored in chunks, numbered in batches, scanned in columns.
//!
//! The rows of one transaction are a chunk. The events worker sees a chunk once it is committed and gives it the next
//! batch number, so that batches have no gaps and no order of commits can hide one: a watermark is a batch number,
//! never an id or a time.

mod attributed;
mod calls;
mod chunk;
mod fold;
mod partition;
mod record;
mod retire;
mod scan;

use std::collections::BTreeSet;

use futures::stream::BoxStream;
use serde::{Deserialize, Serialize};
use tandem_domain::clock::Timestamp;
use tandem_domain::event::Event;
use tandem_domain::id::MarketplaceId;

use crate::Store;
use crate::context::WriteContext;
use crate::counter::{self, Counter};
use crate::error::Result;
pub use attributed::AttributedEvent;
pub(crate) use partition::Days;

/// What became of events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct EventCounts {
    /// Stored by this call.
    pub stored: u64,
    /// Stored before, or twice in this call.
    pub duplicates: u64,
    /// Ignored: of days whose raw events were let go, with the ids by which they would count once.
    #[serde(default)]
    pub expired: u64,
}

/// What a fold did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Folded {
    /// Batches that got a number.
    pub batches: u64,
    /// Events in them.
    pub events: u64,
    /// Highest batch number of the marketplace; 0 before the first.
    pub last_batch: u64,
}

/// Numbered events that a watermark does not cover.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Pending {
    /// How many.
    pub events: u64,
    /// When the first of them was stored; none where nothing waits.
    pub since: Option<Timestamp>,
}

/// A day whose raw events were let go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetiredDay {
    /// Days since the Unix epoch.
    pub day: i32,
    /// Events that went.
    pub events: u64,
}

/// Events by column; every column has the same length.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct EventColumns {
    /// [`EventKind::code`](tandem_domain::event::EventKind::code) of each.
    pub kinds: Vec<u8>,
    /// Products.
    pub products: Vec<String>,
    /// Users, where known.
    pub users: Vec<Option<String>>,
    /// Orders or sessions, where known.
    pub groups: Vec<Option<String>>,
    /// Scenes, where there was one.
    pub scenes: Vec<Option<String>>,
    /// Units.
    pub quantities: Vec<u32>,
    /// Prices of one unit in minor units, where known.
    pub unit_prices: Vec<Option<i64>>,
    /// Times in milliseconds since the Unix epoch.
    pub times_ms: Vec<i64>,
    /// Whether each was generated.
    pub generated: Vec<bool>,
    /// Whether each came from a place in an answer of ours.
    pub attributed: Vec<bool>,
    /// How long each product was looked at, in milliseconds, where measured.
    pub dwells_ms: Vec<Option<u32>>,
}

impl Store {
    /// Stores events; an id that is stored already counts once, and events of days that were
    /// [retired](Self::retire_events) not at all.
    ///
    /// # Errors
    /// `OutOfRange`, `RequestIdReused`, or when the database fails; nothing is written then.
    pub async fn record_events(&self, ctx: &WriteContext, events: &[Event]) -> Result<EventCounts> {
        let marketplace = &ctx.principal.marketplace;
        self.with_room(days(events).collect(), || {
            self.answer(ctx, "record events", |tx| async move {
                record::insert(&tx, marketplace, events, ctx.now).await
            })
        })
        .await
    }

    /// Stores the events of several calls in one transaction, for group commit. The outcome of each is what it alone
    /// would have got from [`record_events`](Self::record_events), in their order: an id that two of them hold is a
    /// duplicate for the later one, and a call that is refused or repeats an earlier one does not disturb the others.
    ///
    /// # Errors
    /// When the database fails; nothing is written then.
    pub async fn record_event_calls(
        &self,
        calls: &[(WriteContext, Vec<Event>)],
    ) -> Result<Vec<Result<EventCounts>>> {
        let days = calls.iter().flat_map(|(_, events)| days(events)).collect();
        self.with_room(days, || {
            self.transaction(
                "record events",
                |tx| async move { calls::record(&tx, calls).await },
            )
        })
        .await
    }

    /// Stores events in bulk: one transaction and one chunk per call, without request id.
    ///
    /// # Errors
    /// `OutOfRange`, or when the database fails; nothing is written then.
    pub async fn import_events(
        &self,
        marketplace: &MarketplaceId,
        events: &[Event],
        now: Timestamp,
    ) -> Result<EventCounts> {
        self.with_room(days(events).collect(), || {
            self.bulk_transaction("import events", |tx| async move {
                tx.lift_timeout().await?;
                record::insert(&tx, marketplace, events, now).await
            })
        })
        .await
    }

    /// Gives up to `max_chunks` committed chunks the next batch numbers and folds them into order headers and daily
    /// counts, in one transaction.
    ///
    /// # Errors
    /// When there is no such marketplace or the database fails.
    pub async fn fold_events(
        &self,
        marketplace: &MarketplaceId,
        max_chunks: u32,
        now: Timestamp,
    ) -> Result<Folded> {
        self.bulk_transaction("fold events", |tx| async move {
            tx.lift_timeout().await?;
            fold::fold(&tx, marketplace, max_chunks, now).await
        })
        .await
    }

    /// Deletes the oldest day of raw events, with their ids, that lies more than `keep_days` days back; `None` when
    /// there is none. Days count back from the marketplace's newest event, as the windows of the graph do, and from `now`
    /// where an event claims to lie ahead of it. Events that wait to be folded stay.
    ///
    /// # Errors
    /// When the database fails; nothing is deleted then.
    pub async fn retire_events(
        &self,
        marketplace: &MarketplaceId,
        keep_days: u32,
        now: Timestamp,
    ) -> Result<Option<RetiredDay>> {
        self.bulk_transaction("retire events", |tx| async move {
            tx.lift_timeout().await?;
            retire::oldest_day(&tx, marketplace, keep_days, now).await
        })
        .await
    }

    /// The highest batch number; 0 before the first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn last_batch(&self, marketplace: &MarketplaceId) -> Result<u64> {
        self.read("read the last batch", |db| async move {
            counter::value(&db, marketplace, Counter::Batch).await
        })
        .await
    }

    /// All events of batches 1 to `up_to_batch`, in no order, in columns of about 16,000.
    pub fn scan_events(
        &self,
        marketplace: &MarketplaceId,
        up_to_batch: u64,
    ) -> BoxStream<'static, Result<EventColumns>> {
        scan::scan(self.clone(), marketplace.clone(), 1..=up_to_batch)
    }

    /// All events of batches after `after_batch`, up to `up_to_batch`, in no order: what came between two watermarks. Costs
    /// what came, not what is stored.
    pub fn scan_events_between(
        &self,
        marketplace: &MarketplaceId,
        after_batch: u64,
        up_to_batch: u64,
    ) -> BoxStream<'static, Result<EventColumns>> {
        scan::scan(self.clone(), marketplace.clone(), after_batch + 1..=up_to_batch)
    }

    /// What is numbered and not covered by the watermark `after_batch`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn pending_events(&self, marketplace: &MarketplaceId, after_batch: u64) -> Result<Pending> {
        self.read("count pending events", |db| async move {
            chunk::pending(&db, marketplace, after_batch).await
        })
        .await
    }

    /// Drops what PostgreSQL keeps for days before `before` of which no event is left; returns for how many days. Others
    /// wait for it a tenth of a second at most: where they are at work for longer, it is left for the next time.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn drop_empty_days(&self, before: i32) -> Result<u64> {
        self.require_schema().await?;
        let dropped = self.0.days.drop_empty(&self.0.pool, before).await;
        dropped.map_err(|error| error.during("drop days without events"))
    }

    /// Stores events of some days. A day that was dropped since it was last looked at is made anew.
    async fn with_room<T, F>(&self, days: BTreeSet<i32>, store: impl Fn() -> F) -> Result<T>
    where
        F: Future<Output = Result<T>>,
    {
        self.make_room(&days).await?;
        match store().await {
            Err(error) if error.is_missing_partition() => {
                self.0.days.forget();
                self.make_room(&days).await?;
                store().await
            }
            stored => stored,
        }
    }

    async fn make_room(&self, days: &BTreeSet<i32>) -> Result<()> {
        self.require_schema().await?;
        let ensured = self.0.days.ensure(&self.0.pool, days.iter().copied()).await;
        ensured.map_err(|error| error.during("make room for events"))
    }
}

fn days(events: &[Event]) -> impl Iterator<Item = i32> {
    events.iter().map(|event| event.time.day())
}
