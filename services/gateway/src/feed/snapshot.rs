//! Snapshots of availability.

use std::time::Duration;

use futures::StreamExt as _;
use tandem_cache::port::FeedPosition;
use tokio::time::{Instant, timeout};

use super::{Follower, Interrupted, Place, apply};
use crate::availability::Shelf;

/// Signs of life come every 250 ms: whoever hears nothing for this long has probably heard everything.
const PAUSE: Duration = Duration::from_millis(100);

impl Follower {
    /// Reads all states and what the feed said meanwhile, aside, and puts the whole on the shelf in one step. A
    /// snapshot may be newer than the position it was begun at; serving before the feed has caught up would show
    /// older states for a moment.
    pub(super) async fn take_snapshot(&self, epoch: String) -> Result<Place, Interrupted> {
        let began = Instant::now();
        let marketplace = self.market.id();
        let from = self.cache.feed_position(marketplace).await?;
        let fresh = self.market.shelf().beside();
        let mut states = self.cache.availability(marketplace).await?;
        while let Some(state) = states.next().await {
            let (product, pool, state) = state?;
            fresh.set(&product, &pool, state);
        }
        let position = self.catch_up(&fresh, from).await?;
        let products = fresh.len();
        self.market.shelf().replace_by(fresh);
        // What the feed said of links and cards meanwhile was not looked at.
        self.market.ledger().turn();
        self.meters.snapshot();
        tracing::info!(
            marketplace.id = %marketplace,
            cache.epoch = epoch,
            products,
            seconds = began.elapsed().as_secs_f64(),
            "took a snapshot of availability"
        );
        Ok(Place { epoch, position })
    }

    /// Applies what the feed said since `from`, up to its last entry at some moment after now.
    async fn catch_up(&self, fresh: &Shelf, from: FeedPosition) -> Result<FeedPosition, Interrupted> {
        let mut tip = self.cache.feed_position(self.market.id()).await?;
        if tip == from {
            return Ok(from);
        }
        let mut feed = self.cache.follow(self.market.id(), from).await?;
        let mut position = None;
        while position.as_ref() != Some(&tip) {
            match timeout(PAUSE, feed.next()).await {
                Ok(entry) => {
                    let entry = entry.ok_or(Interrupted::Ended)??;
                    apply::availability(fresh, entry.event);
                    position = Some(entry.position);
                }
                // The tip may have been an entry of a kind that this version does not know, and is not told.
                Err(_) => tip = self.cache.feed_position(self.market.id()).await?,
            }
        }
        Ok(tip)
    }
}
