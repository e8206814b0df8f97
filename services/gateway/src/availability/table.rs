//! An open-addressing table from product to sellable state that keeps no ids.
//!
//! A slot is one `u64`: 55 bits of a seeded 64-bit hash of the id (SipHash-1-3) and 9 bits of state; 0 is empty. A
//! slot is written whole, so a reader sees the old state or the new one and never waits. Slots are probed in line and
//! never emptied; the table doubles at three quarters.
//!
//! Two products share a state when their 55 bits agree: among 10 million products that any two do has a chance of
//! 0.14 % (n² / 2⁵⁶), and another seed at the next start parts them again.

use std::hash::{BuildHasher as _, RandomState};
use std::iter;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use tandem_domain::id::ProductId;
use tandem_domain::stock::{Availability, SellableCount};

const FIRST_SLOTS: usize = 1 << 10;
const STATE_BITS: u32 = 9;
const STATE_MASK: u64 = (1 << STATE_BITS) - 1;
const DELISTED: u64 = 257;
const UNKNOWN: u64 = 258;
const EMPTY: u64 = 0;

/// Sellable states by product. One writer at a time; any number of readers.
#[derive(Debug)]
pub struct Table {
    slots: Box<[AtomicU64]>,
    used: AtomicUsize,
    hashing: RandomState,
}

impl Table {
    /// An empty table.
    #[must_use]
    pub fn new(hashing: RandomState) -> Self {
        Self::with_slots(FIRST_SLOTS, hashing)
    }

    fn with_slots(count: usize, hashing: RandomState) -> Self {
        let slots = iter::repeat_with(AtomicU64::default).take(count);
        Self {
            slots: slots.collect(),
            used: AtomicUsize::new(0),
            hashing,
        }
    }

    /// Notes a state. The caller sees to it that there is room, with [`Table::grown_for_one`].
    pub(super) fn set(&self, product: &ProductId, state: Availability) {
        self.put(self.print(product), encode(state));
    }

    /// A table of twice the size with the same states, when one more would fill this one too far.
    pub(super) fn grown_for_one(&self) -> Option<Self> {
        if (self.len() + 1) * 4 <= self.slots.len() * 3 {
            return None;
        }
        let larger = Self::with_slots(self.slots.len() * 2, self.hashing.clone());
        for slot in self.slots.iter().map(|slot| slot.load(Ordering::Relaxed)) {
            if slot != EMPTY {
                larger.put(slot >> STATE_BITS, slot & STATE_MASK);
            }
        }
        Some(larger)
    }

    /// The state of a product; unknown when it was never noted.
    #[must_use]
    pub fn state(&self, product: &ProductId) -> Availability {
        self.at(self.print(product))
    }

    /// The state of the product with this print.
    #[must_use]
    pub fn at(&self, print: u64) -> Availability {
        let slot = self.probe(print).load(Ordering::Acquire);
        if slot == EMPTY {
            Availability::Unknown
        } else {
            decode(slot & STATE_MASK)
        }
    }

    /// Products noted.
    #[must_use]
    pub fn len(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    /// Whether no product was noted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The seed of its prints.
    #[must_use]
    pub fn hashing(&self) -> RandomState {
        self.hashing.clone()
    }

    /// Its memory in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        size_of_val(&*self.slots)
    }

    /// What a product is found by, here and in every table of the same seed.
    #[must_use]
    pub fn print(&self, product: &ProductId) -> u64 {
        self.hashing.hash_one(product.as_str()) >> STATE_BITS
    }

    fn put(&self, print: u64, state: u64) {
        let slot = self.probe(print);
        if slot.load(Ordering::Relaxed) == EMPTY {
            self.used.fetch_add(1, Ordering::Relaxed);
        }
        slot.store(print << STATE_BITS | state, Ordering::Release);
    }

    /// The slot of this print, or the empty one where it belongs. A quarter of the slots is empty, so there is one.
    fn probe(&self, print: u64) -> &AtomicU64 {
        let mask = self.slots.len() - 1;
        #[expect(clippy::cast_possible_truncation, reason = "any bits of the print will do")]
        let mut at = print as usize & mask;
        loop {
            let slot = &self.slots[at];
            let found = slot.load(Ordering::Acquire);
            if found == EMPTY || found >> STATE_BITS == print {
                return slot;
            }
            at = (at + 1) & mask;
        }
    }
}

/// Never 0, so that a noted slot is never taken for an empty one.
fn encode(state: Availability) -> u64 {
    match state {
        Availability::Known(count) => u64::from(count.get()) + 1,
        Availability::Delisted => DELISTED,
        Availability::Unknown => UNKNOWN,
    }
}

fn decode(state: u64) -> Availability {
    match state {
        DELISTED => Availability::Delisted,
        UNKNOWN => Availability::Unknown,
        count => Availability::Known(SellableCount::saturating(count.saturating_sub(1))),
    }
}

/// The table as it stands while one answer is made. States still move under it; growth and snapshots do not show.
#[derive(Debug, Clone)]
pub struct Reading(Arc<Table>);

impl Reading {
    pub(super) fn new(table: Arc<Table>) -> Self {
        Self(table)
    }

    /// The table.
    #[must_use]
    pub fn table(&self) -> &Table {
        &self.0
    }

    /// The state of the product with this print.
    #[must_use]
    pub fn at(&self, print: u64) -> Availability {
        self.0.at(print)
    }

    /// What a product is found by.
    #[must_use]
    pub fn print(&self, product: &ProductId) -> u64 {
        self.0.print(product)
    }

    /// The state of a product in the normal pool.
    #[must_use]
    pub fn state(&self, product: &ProductId) -> Availability {
        self.0.state(product)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    fn any_state() -> impl Strategy<Value = Availability> {
        prop_oneof![
            Just(Availability::Unknown),
            Just(Availability::Delisted),
            (0..=255_u64).prop_map(|units| Availability::Known(SellableCount::saturating(units))),
        ]
    }

    proptest! {
        #[test]
        fn it_is_a_map(writes in prop::collection::vec((0..3_000_u32, any_state()), 0..4_000)) {
            let mut table = Table::new(RandomState::new());
            let mut model = HashMap::new();
            for (no, state) in writes {
                let product = ProductId::new(no.to_string()).expect("a valid id");
                if let Some(larger) = table.grown_for_one() {
                    table = larger;
                }
                table.set(&product, state);
                model.insert(product, state);
            }
            prop_assert_eq!(table.len(), model.len());
            for (product, state) in &model {
                prop_assert_eq!(table.state(product), *state);
            }
            prop_assert_eq!(table.state(&ProductId::new("never noted").expect("a valid id")), Availability::Unknown);
        }
    }
}
