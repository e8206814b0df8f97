//! [`Changes`] on Redis: a stream with one consumer group.

use std::time::Duration;

use ::redis::{Cmd, Pipeline, cmd};
use async_trait::async_trait;
use tandem_domain::change::Envelope;
use tandem_domain::id::MarketplaceId;
use tokio::time::Instant;

use super::RedisCache;
use super::failure::{failed, server_code};
use super::keys::Keys;
use super::reply::{Entry, one_stream};
use super::script::{BACKLOG, OLDEST_HELD, RECLAIM, TRIM_CHANGES};
use super::waiters::SLICE;
use crate::error::CacheError;
use crate::port::{Changes, Delivery, Result, UnreadableChange};

const GROUP: &str = "inventory";
/// The field that holds an envelope.
const ENVELOPE: &str = "e";
const RECEIVING: &str = "receiving changes";
/// Envelopes per round trip.
const LOT: usize = 1_000;

#[async_trait]
impl Changes for RedisCache {
    async fn append(&self, marketplace: &MarketplaceId, envelopes: &[Envelope]) -> Result<()> {
        let changes = Keys::of(marketplace).changes();
        for envelopes in envelopes.chunks(LOT) {
            let mut append = Pipeline::with_capacity(envelopes.len());
            for envelope in envelopes {
                let json = serde_json::to_vec(envelope).expect("an envelope has string keys only");
                append
                    .cmd("XADD")
                    .arg(&changes)
                    .arg("*")
                    .arg(ENVELOPE)
                    .arg(json)
                    .ignore();
            }
            self.link.ask_all::<()>("appending changes", &append).await?;
        }
        Ok(())
    }

    async fn receive(
        &self,
        marketplace: &MarketplaceId,
        consumer: &str,
        max: usize,
        wait: Duration,
    ) -> Result<Vec<Delivery>> {
        let changes = Keys::of(marketplace).changes();
        let until = Instant::now() + wait;
        if max == 0 {
            return Ok(Vec::new());
        }
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let read = read_group(&changes, consumer, max, left.min(SLICE));
            match self.waiters.ask(RECEIVING, &read).await? {
                Ok(reply) => {
                    let entries = one_stream(reply).ok_or_else(strange)?;
                    if !entries.is_empty() || left.is_zero() {
                        return Ok(entries.into_iter().map(delivered).collect());
                    }
                }
                // The stream, and the group with it, is made here and made again after the cache was emptied.
                Err(error) if is_no_group(&error) => self.create_group(&changes).await?,
                Err(error) => return Err(failed(RECEIVING, error)),
            }
        }
    }

    async fn reclaim(
        &self,
        marketplace: &MarketplaceId,
        consumer: &str,
        idle: Duration,
        max: usize,
    ) -> Result<Vec<Delivery>> {
        if max == 0 {
            return Ok(Vec::new());
        }
        let changes = Keys::of(marketplace).changes();
        let mut claim = RECLAIM.call([&*changes]);
        claim.arg(GROUP).arg(consumer).arg(millis(idle)).arg(max);
        let claimed: Result<Vec<(String, u64, Vec<u8>)>> = self.link.ask("reclaiming changes", &claim).await;
        match claimed {
            Ok(claimed) => Ok(claimed.into_iter().map(reclaimed).collect()),
            // Without a group nobody holds anything.
            Err(CacheError::Unreadable { why, .. }) if why.contains("NOGROUP") => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    async fn ack(&self, marketplace: &MarketplaceId, ids: &[String]) -> Result<()> {
        if ids.is_empty() {
            return Ok(());
        }
        let mut ack = cmd("XACK");
        ack.arg(Keys::of(marketplace).changes()).arg(GROUP).arg(ids);
        self.link.ask("acknowledging changes", &ack).await
    }

    async fn trim_changes(&self, marketplace: &MarketplaceId) -> Result<u64> {
        let trim = TRIM_CHANGES.call([&*Keys::of(marketplace).changes()]);
        self.link.ask("trimming changes", &trim).await
    }

    async fn backlog(&self, marketplace: &MarketplaceId) -> Result<u64> {
        let mut count = BACKLOG.call([&*Keys::of(marketplace).changes()]);
        count.arg(GROUP);
        self.link.ask("counting the backlog", &count).await
    }

    async fn oldest_held(&self, marketplace: &MarketplaceId) -> Result<Option<Duration>> {
        let mut look = OLDEST_HELD.call([&*Keys::of(marketplace).changes()]);
        look.arg(GROUP);
        let age_ms: i64 = self.link.ask("looking at what is held", &look).await?;
        Ok(u64::try_from(age_ms).ok().map(Duration::from_millis))
    }
}

impl RedisCache {
    /// From the first entry on: what was appended before there was a group is for it too.
    async fn create_group(&self, changes: &str) -> Result<()> {
        let mut create = cmd("XGROUP");
        create
            .arg("CREATE")
            .arg(changes)
            .arg(GROUP)
            .arg("0")
            .arg("MKSTREAM");
        create.arg("ENTRIESREAD").arg(0);
        match self.link.ask("creating the consumer group", &create).await {
            Err(CacheError::Unreadable { why, .. }) if why.contains("BUSYGROUP") => Ok(()),
            created => created,
        }
    }
}

fn read_group(changes: &str, consumer: &str, max: usize, wait: Duration) -> Cmd {
    let mut read = cmd("XREADGROUP");
    read.arg("GROUP").arg(GROUP).arg(consumer).arg("COUNT").arg(max);
    // Blocking for 0 would mean "for ever".
    if !wait.is_zero() {
        read.arg("BLOCK").arg(millis(wait).max(1));
    }
    read.arg("STREAMS").arg(changes).arg(">");
    read
}

fn is_no_group(error: &::redis::RedisError) -> bool {
    server_code(error).is_some_and(|code| code == "NOGROUP" || code == "UNBLOCKED")
}

fn delivered(entry: Entry) -> Delivery {
    let envelope = entry.field(ENVELOPE).unwrap_or_default();
    Delivery {
        envelope: parsed(envelope.as_bytes()),
        id: entry.id,
        attempts: 1,
    }
}

fn reclaimed((id, attempts, envelope): (String, u64, Vec<u8>)) -> Delivery {
    Delivery {
        id,
        attempts,
        envelope: parsed(&envelope),
    }
}

fn parsed(envelope: &[u8]) -> std::result::Result<Envelope, UnreadableChange> {
    serde_json::from_slice(envelope).map_err(|error| UnreadableChange {
        text: String::from_utf8_lossy(envelope).into_owned(),
        why: error.to_string(),
    })
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

fn strange() -> CacheError {
    CacheError::Unreadable {
        what: "the change stream",
        why: "the answer is no list of entries".to_owned(),
    }
}
