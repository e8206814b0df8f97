//! The changes on their way to the inventory workers, and who holds which.

use std::collections::BTreeMap;
use std::time::Duration;

use tandem_domain::change::Envelope;
use tokio::time::Instant;

use crate::port::Delivery;

#[derive(Debug, Default)]
pub(super) struct Log {
    /// Rises when the log is emptied, so that older ids are recognised.
    life: u64,
    appended: u64,
    delivered: u64,
    entries: BTreeMap<u64, Envelope>,
    held: BTreeMap<u64, Held>,
}

#[derive(Debug)]
struct Held {
    /// The first time, and the last.
    first: Instant,
    since: Instant,
    attempts: u64,
}

impl Log {
    pub(super) fn clear(&mut self) {
        *self = Self {
            life: self.life + 1,
            ..Self::default()
        };
    }

    pub(super) fn append(&mut self, envelopes: &[Envelope]) {
        for envelope in envelopes {
            self.appended += 1;
            self.entries.insert(self.appended, envelope.clone());
        }
    }

    /// Hands out what nobody was given yet.
    pub(super) fn deliver(&mut self, max: usize, now: Instant) -> Vec<Delivery> {
        let fresh = self.entries.range(self.delivered + 1..).take(max);
        let fresh: Vec<u64> = fresh.map(|(&number, _)| number).collect();
        if let Some(&last) = fresh.last() {
            self.delivered = last;
        }
        fresh.into_iter().map(|number| self.hold(number, now)).collect()
    }

    /// Hands out again what was held for at least `idle`.
    pub(super) fn reclaim(&mut self, idle: Duration, max: usize, now: Instant) -> Vec<Delivery> {
        let idle = self.held.iter().filter(|(_, held)| now - held.since >= idle);
        let idle: Vec<u64> = idle.map(|(&number, _)| number).take(max).collect();
        idle.into_iter().map(|number| self.hold(number, now)).collect()
    }

    pub(super) fn ack(&mut self, ids: &[String]) {
        for id in ids {
            if let Some(number) = self.number(id) {
                self.held.remove(&number);
            }
        }
    }

    /// Drops everything before the oldest entry that is not acknowledged.
    pub(super) fn trim(&mut self) -> u64 {
        let oldest_held = self.held.keys().next().copied();
        let keep = self.entries.split_off(&oldest_held.unwrap_or(self.delivered + 1));
        std::mem::replace(&mut self.entries, keep).len() as u64
    }

    pub(super) fn backlog(&self) -> u64 {
        self.appended - self.delivered + self.held.len() as u64
    }

    /// How long the oldest entry has been held. Nothing waits here before it is.
    pub(super) fn oldest_held(&self, now: Instant) -> Option<Duration> {
        let oldest = self.held.values().next()?;
        Some(now.saturating_duration_since(oldest.first))
    }

    fn hold(&mut self, number: u64, now: Instant) -> Delivery {
        let (first, attempts) = self
            .held
            .get(&number)
            .map_or((now, 0), |held| (held.first, held.attempts));
        let attempts = attempts + 1;
        let held = Held {
            first,
            since: now,
            attempts,
        };
        self.held.insert(number, held);
        Delivery {
            id: format!("{}-{number}", self.life),
            attempts,
            envelope: Ok(self.entries[&number].clone()),
        }
    }

    fn number(&self, id: &str) -> Option<u64> {
        let (life, number) = id.split_once('-')?;
        (life.parse() == Ok(self.life)).then(|| number.parse().ok())?
    }
}
