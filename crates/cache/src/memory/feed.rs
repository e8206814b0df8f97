//! The feed's entries and their positions.

use std::collections::VecDeque;
use std::time::Duration;

use tandem_domain::feed::FeedEvent;
use tokio::time::Instant;

use crate::port::{FeedEntry, FeedPosition};

/// Entries handed out at once.
const PIECE: usize = 256;

#[derive(Debug, Default)]
pub(super) struct Feed {
    /// Rises when the feed is emptied, so that older positions are recognised.
    life: u64,
    /// Number of the last entry in this life; 0 before the first.
    last: u64,
    /// When and what, ending with number `last`.
    entries: VecDeque<(Instant, FeedEvent)>,
}

/// The feed does not hold what follows a position.
#[derive(Debug)]
pub(super) struct Gap;

impl Feed {
    pub(super) fn push(&mut self, event: FeedEvent, now: Instant) {
        self.last += 1;
        self.entries.push_back((now, event));
    }

    pub(super) fn clear(&mut self) {
        *self = Self {
            life: self.life + 1,
            ..Self::default()
        };
    }

    pub(super) fn position(&self) -> FeedPosition {
        self.name(self.last)
    }

    /// What follows `from`, at most a few hundred entries.
    pub(super) fn after(&self, from: &FeedPosition) -> Result<Vec<FeedEntry>, Gap> {
        let (life, number) = parse(from).ok_or(Gap)?;
        let trimmed = self.last - self.entries.len() as u64;
        if life != self.life || number < trimmed || number > self.last {
            return Err(Gap);
        }
        let skip = usize::try_from(number - trimmed).map_err(|_| Gap)?;
        let piece = self.entries.iter().zip(trimmed + 1..).skip(skip).take(PIECE);
        Ok(piece
            .map(|((_, event), number)| FeedEntry {
                position: self.name(number),
                event: event.clone(),
            })
            .collect())
    }

    /// Drops entries that are not younger than `keep`, except the last one.
    pub(super) fn trim(&mut self, keep: Duration, now: Instant) -> u64 {
        let before = self.entries.len();
        while self.entries.len() > 1 && self.entries.front().is_some_and(|(at, _)| now - *at >= keep) {
            self.entries.pop_front();
        }
        (before - self.entries.len()) as u64
    }

    fn name(&self, number: u64) -> FeedPosition {
        FeedPosition(format!("{}-{number}", self.life))
    }
}

fn parse(position: &FeedPosition) -> Option<(u64, u64)> {
    let (life, number) = position.0.split_once('-')?;
    Some((life.parse().ok()?, number.parse().ok()?))
}
