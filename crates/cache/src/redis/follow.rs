//! Following the feed.
//!
//! Each entry names the one before it. So a follower proves of every entry that it missed none, whatever happened
//! meanwhile: trimming, `FLUSHALL`, a restart, a failover that lost the last writes. While nothing comes it looks once
//! a second whether the feed still ends where it stands.

use std::collections::VecDeque;
use std::time::Duration;

use ::redis::aio::MultiplexedConnection;
use ::redis::{Value, cmd};
use futures::stream::{StreamExt as _, unfold};

use super::entry::event;
use super::failure::failed;
use super::link::Link;
use super::reply::{Entry, entries, one_stream};
use crate::error::CacheError;
use crate::port::{BoxStream, FeedEntry, FeedPosition, Result};

const DURING: &str = "following the feed";
/// The longest wait on the server; a silent server is noticed a response timeout later.
const SLICE: Duration = Duration::from_secs(1);
/// Entries read at once.
const PIECE: usize = 500;
/// Before the first entry.
pub(super) const ORIGIN: &str = "0-0";

/// The id of the newest entry among `newest`, the answer to [`newest_command`].
pub(super) fn newest_id(newest: Value) -> Result<String> {
    let entry = entries(newest).ok_or_else(strange)?.pop();
    Ok(entry.map_or_else(|| ORIGIN.to_owned(), |entry| entry.id))
}

pub(super) fn newest_command(feed: &str) -> ::redis::Cmd {
    let mut newest = cmd("XREVRANGE");
    newest.arg(feed).arg("+").arg("-").arg("COUNT").arg(1);
    newest
}

pub(super) async fn follow(link: &Link, feed: String, from: FeedPosition) -> Result<BoxStream<FeedEntry>> {
    let tail = Tail {
        connection: link.dedicated(DURING, SLICE).await?,
        feed,
        position: from.0,
        checked: false,
        ready: VecDeque::new(),
        ended: false,
    };
    Ok(unfold(tail, Tail::next).boxed())
}

struct Tail {
    connection: MultiplexedConnection,
    feed: String,
    /// The entry read last.
    position: String,
    /// Whether the feed was found to hold the position since the last entry came.
    checked: bool,
    ready: VecDeque<FeedEntry>,
    ended: bool,
}

impl Tail {
    async fn next(mut self) -> Option<(Result<FeedEntry>, Self)> {
        if self.ended {
            return None;
        }
        let entry = self.entry().await;
        self.ended = entry.is_err();
        Some((entry, self))
    }

    async fn entry(&mut self) -> Result<FeedEntry> {
        loop {
            if let Some(entry) = self.ready.pop_front() {
                return Ok(entry);
            }
            if !self.checked {
                self.check().await?;
            }
            let read = self.read().await?;
            self.checked = !read.is_empty();
            for entry in read {
                self.take(entry)?;
            }
        }
    }

    /// Entries after the position; none when none came within a slice.
    async fn read(&mut self) -> Result<Vec<Entry>> {
        let mut read = cmd("XREAD");
        read.arg("COUNT").arg(PIECE);
        read.arg("BLOCK").arg(SLICE.as_millis().to_string());
        read.arg("STREAMS").arg(&self.feed).arg(&self.position);
        let reply = read.query_async(&mut self.connection).await;
        one_stream(reply.map_err(|error| failed(DURING, error))?).ok_or_else(strange)
    }

    /// That no feed ends before the position: one that does was emptied or lost its end.
    async fn check(&mut self) -> Result<()> {
        let position = number(&self.position).ok_or_else(|| self.gap())?;
        let newest = newest_command(&self.feed).query_async(&mut self.connection).await;
        let newest = newest_id(newest.map_err(|error| failed(DURING, error))?)?;
        if number(&newest).is_none_or(|newest| newest < position) {
            return Err(self.gap());
        }
        self.checked = true;
        Ok(())
    }

    fn take(&mut self, entry: Entry) -> Result<()> {
        if entry.field("p") != Some(&self.position) {
            return Err(self.gap());
        }
        let Ok(event) = event(&entry) else {
            tracing::warn!(feed.entry = entry.id, fields = ?entry.fields, "an entry of the feed cannot be read");
            return Err(self.gap());
        };
        self.position = entry.id;
        if let Some(event) = event {
            let position = FeedPosition(self.position.clone());
            self.ready.push_back(FeedEntry { position, event });
        }
        Ok(())
    }

    fn gap(&self) -> CacheError {
        CacheError::FeedGap(self.position.clone())
    }
}

fn number(id: &str) -> Option<(u64, u64)> {
    let (time, number) = id.split_once('-')?;
    Some((time.parse().ok()?, number.parse().ok()?))
}

fn strange() -> CacheError {
    CacheError::Unreadable {
        what: "the feed",
        why: "the answer is no list of entries".to_owned(),
    }
}
