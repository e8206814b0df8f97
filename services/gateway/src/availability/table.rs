//! A table from product to sellable state that keeps no ids.
//!
//! A slot is one `u64`, 0 when it is empty: 13 bits of state, 3 of displacement, 48 of a print, which is 55 bits of a
//! seeded 64-bit hash of the id (SipHash-1-3). The table is cut into buckets of eight slots, a line of the processor's
//! cache each. The low bits of a print name its bucket and need not be stored; what finds no room there goes on to the
//! next buckets, and its displacement says how far. A slot is written whole, so a reader sees the old state or the new
//! one and never waits. Slots are never emptied; the table doubles at three quarters, or when eight buckets in a row are
//! full: of a thousand buckets hardly ever before, of two million long before (at some 45 %, by estimate).
//!
//! Two products share a state when their prints agree: among 10 million products that any two do has a chance of
//! 0.14 % (n² / 2⁵⁶), and another seed at the next start parts them again.

use std::hash::{BuildHasher as _, RandomState};
use std::iter;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use tandem_domain::id::ProductId;
use tandem_domain::stock::{Availability, PolicySet, SellableCount, Standing, Supply};

const BUCKET: usize = 8;
/// 128 buckets: the 7 bits that they name and the 48 that a slot keeps are the 55 of a print.
const FIRST_SLOTS: usize = 128 * BUCKET;
const PRINT_BITS: u32 = 55;
/// Buckets that a print may lie in.
const REACH: u64 = 1 << REACH_BITS;
const REACH_BITS: u32 = 3;
const STATE_BITS: u32 = 13;
const STATE_MASK: u64 = (1 << STATE_BITS) - 1;
const EMPTY: u64 = 0;

/// Sellable states by product. One writer at a time; any number of readers.
#[derive(Debug)]
pub struct Table {
    slots: Box<[AtomicU64]>,
    used: AtomicUsize,
    hashing: RandomState,
}

/// No room in reach of a print.
#[derive(Debug)]
pub(super) struct Full;

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

    /// Notes a state, if there is room for it.
    pub(super) fn set(&self, product: &ProductId, state: Availability) -> Result<(), Full> {
        let print = self.print(product.as_str());
        let (found, rest) = self.probe(print).ok_or(Full)?;
        if found.load(Ordering::Relaxed) == EMPTY {
            if (self.len() + 1) * 4 > self.slots.len() * 3 {
                return Err(Full);
            }
            self.used.fetch_add(1, Ordering::Relaxed);
        }
        found.store(rest | encode(state), Ordering::Release);
        Ok(())
    }

    /// A larger table with the same states.
    pub(super) fn grown(&self) -> Self {
        let mut count = self.slots.len() * 2;
        loop {
            let larger = Self::with_slots(count, self.hashing.clone());
            if self.copy_to(&larger).is_ok() {
                return larger;
            }
            count *= 2;
        }
    }

    fn copy_to(&self, larger: &Self) -> Result<(), Full> {
        for (at, slot) in self.slots.iter().enumerate() {
            let slot = slot.load(Ordering::Relaxed);
            if slot != EMPTY {
                let (free, rest) = larger.probe(self.print_at(at, slot)).ok_or(Full)?;
                free.store(rest | slot & STATE_MASK, Ordering::Relaxed);
            }
        }
        larger.used.store(self.len(), Ordering::Relaxed);
        Ok(())
    }

    /// The state of a product; unknown when it was never noted.
    #[must_use]
    pub fn state(&self, product: &ProductId) -> Availability {
        self.at(self.print(product.as_str()))
    }

    /// The state of the product with this print.
    #[must_use]
    pub fn at(&self, print: u64) -> Availability {
        decode(self.look(print))
    }

    /// The same as its slot holds it. A whole bucket is looked through, wherever in it the print lies: eight comparisons
    /// without a branch take less time than one that the processor guesses wrong, and looks at several products go on at
    /// once while their lines come from memory.
    fn look(&self, print: u64) -> u64 {
        let remainder = self.remainder(print);
        for displacement in 0..REACH {
            let rest = remainder | displacement << STATE_BITS;
            let (mut found, mut is_full) = (EMPTY, true);
            for slot in self.bucket(print.wrapping_add(displacement)) {
                let slot = slot.load(Ordering::Acquire);
                found |= if slot & !STATE_MASK == rest { slot } else { EMPTY };
                is_full &= slot != EMPTY;
            }
            // An empty slot matches a rest of zero, and holds no state.
            if found & STATE_MASK != EMPTY {
                return found & STATE_MASK;
            }
            if !is_full {
                break;
            }
        }
        UNKNOWN
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
    pub fn print(&self, product: &str) -> u64 {
        self.hashing.hash_one(product) >> (u64::BITS - PRINT_BITS)
    }

    /// The slot of this print, or the empty one where it belongs, and what stands in it beside the state; `None` when
    /// neither is in reach.
    fn probe(&self, print: u64) -> Option<(&AtomicU64, u64)> {
        let remainder = self.remainder(print);
        for displacement in 0..REACH {
            let rest = remainder | displacement << STATE_BITS;
            for slot in self.bucket(print.wrapping_add(displacement)) {
                let found = slot.load(Ordering::Acquire);
                if found == EMPTY || found & !STATE_MASK == rest {
                    return Some((slot, rest));
                }
            }
        }
        None
    }

    /// What a slot keeps of a print, in its place.
    fn remainder(&self, print: u64) -> u64 {
        print >> self.index_bits() << (REACH_BITS + STATE_BITS)
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "the bits that name a bucket are few"
    )]
    fn bucket(&self, index: u64) -> &[AtomicU64] {
        let buckets = self.slots.len() / BUCKET;
        let at = (index as usize & (buckets - 1)) * BUCKET;
        &self.slots[at..at + BUCKET]
    }

    /// The print of what stands in a slot.
    fn print_at(&self, at: usize, slot: u64) -> u64 {
        let displacement = slot >> STATE_BITS & (REACH - 1);
        let home = ((at / BUCKET) as u64).wrapping_sub(displacement) & ((1 << self.index_bits()) - 1);
        slot >> (REACH_BITS + STATE_BITS) << self.index_bits() | home
    }

    const fn index_bits(&self) -> u32 {
        (self.slots.len() / BUCKET).trailing_zeros()
    }
}

/// Uncounted policies in the low bits, above them 1 for unknown, 2 for delisted, and from 3 on units and supply. Never 0,
/// so that a noted slot is never taken for an empty one.
fn encode(state: Availability) -> u64 {
    let standing = match state {
        Availability::Unknown => return UNKNOWN,
        Availability::Delisted => return 2 << POLICY_BITS,
        Availability::Known(standing) => standing,
    };
    // What is out has no units, so that three supplies are left for those that have some.
    let judged = match standing.supply() {
        Supply::Out => 0,
        supply => 1 + u64::from(standing.units().get() - 1) * 3 + u64::from(supply.code()),
    };
    (judged + 3) << POLICY_BITS | u64::from(standing.uncounted().bits() >> 1)
}

/// The uncounted policies are three.
const POLICY_BITS: u32 = 3;
const UNKNOWN: u64 = 1 << POLICY_BITS;

fn decode(state: u64) -> Availability {
    let judged = match state >> POLICY_BITS {
        1 => return Availability::Unknown,
        2 => return Availability::Delisted,
        judged => judged.saturating_sub(3),
    };
    #[expect(clippy::cast_possible_truncation, reason = "three bits, and one of three")]
    let (policies, supply) = ((state as u8 & 0b111) << 1, (judged.wrapping_sub(1) % 3) as u8);
    let uncounted = PolicySet::from_bits(policies).unwrap_or_default();
    let (units, supply) = match judged {
        0 => (SellableCount::NONE, Supply::Out),
        judged => (
            SellableCount::saturating((judged - 1) / 3 + 1),
            Supply::from_code(supply).unwrap_or_default(),
        ),
    };
    Availability::Known(Standing::new(units, supply, uncounted))
}

/// What can be bought while one answer is made: from the normal pool, from another, or from both. States still move
/// under it; growth and snapshots do not show.
#[derive(Debug, Clone)]
pub struct Reading {
    own: Arc<Table>,
    beside: Option<Arc<Table>>,
    moves: Option<u64>,
}

impl Reading {
    pub(super) const fn new(own: Arc<Table>, beside: Option<Arc<Table>>) -> Self {
        Self {
            own,
            beside,
            moves: None,
        }
    }

    /// Of a table that had moved so often before anything was looked at.
    pub(super) const fn counted(own: Arc<Table>, moves: u64) -> Self {
        Self {
            own,
            beside: None,
            moves: Some(moves),
        }
    }

    /// How often the pool had moved when this was taken; told of the normal pool alone. Whatever a reading with this count
    /// has seen, another one with the same count sees too.
    #[must_use]
    pub const fn moves(&self) -> Option<u64> {
        self.moves
    }

    /// A table of its prints.
    #[must_use]
    pub fn table(&self) -> &Table {
        &self.own
    }

    /// The state of the product with this print.
    #[must_use]
    pub fn at(&self, print: u64) -> Availability {
        self.look(print).state()
    }

    /// The same, not yet read.
    #[must_use]
    pub fn look(&self, print: u64) -> Sight {
        let beside = self.beside.as_ref().map_or(EMPTY, |beside| beside.look(print));
        #[expect(clippy::cast_possible_truncation, reason = "states have 13 bits")]
        Sight(self.own.look(print) as u16, beside as u16)
    }

    /// What a product is found by.
    #[must_use]
    pub fn print(&self, product: &str) -> u64 {
        self.own.print(product)
    }

    /// The state of a product.
    #[must_use]
    pub fn state(&self, product: &ProductId) -> Availability {
        self.at(self.print(product.as_str()))
    }
}

/// The state of a product in the pools of a [`Reading`], as it was seen there. Equal ones are equal states.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sight(u16, u16);

impl Sight {
    /// What was seen.
    #[must_use]
    pub fn state(self) -> Availability {
        let own = decode(self.0.into());
        match u64::from(self.1) {
            EMPTY => own,
            beside => own.and(decode(beside)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    fn any_state() -> impl Strategy<Value = Availability> {
        let supply = prop::sample::select(Supply::ALL.to_vec());
        let known = (0..=255_u64, supply, 0..16_u8).prop_map(|(units, supply, policies)| {
            let uncounted = PolicySet::from_bits(policies).expect("four policies");
            Availability::Known(Standing::new(SellableCount::saturating(units), supply, uncounted))
        });
        prop_oneof![
            1 => Just(Availability::Unknown),
            1 => Just(Availability::Delisted),
            8 => known,
        ]
    }

    fn noted(mut table: Table, product: &ProductId, state: Availability) -> Table {
        while table.set(product, state).is_err() {
            table = table.grown();
        }
        table
    }

    #[test]
    fn every_state_fits_a_slot_and_is_none_of_an_empty_one() {
        for units in 0..=255_u64 {
            for supply in Supply::ALL {
                for policies in 0..16 {
                    let uncounted = PolicySet::from_bits(policies).expect("four policies");
                    let standing = Standing::new(SellableCount::saturating(units), supply, uncounted);
                    let state = Availability::Known(standing);
                    assert!((1..=STATE_MASK).contains(&encode(state)), "{state:?}");
                    assert_eq!(decode(encode(state)), state);
                }
            }
        }
    }

    #[test]
    fn prints_are_found_again_in_a_slot() {
        let mut table = Table::new(RandomState::new());
        let products: Vec<ProductId> = (0..5_000)
            .map(|no| ProductId::new(no.to_string()).expect("a valid id"))
            .collect();
        for product in &products {
            table = noted(table, product, Availability::Delisted);
        }
        let mut kept: Vec<u64> = (0..table.slots.len())
            .map(|at| (at, table.slots[at].load(Ordering::Relaxed)))
            .filter(|(_, slot)| *slot != EMPTY)
            .map(|(at, slot)| table.print_at(at, slot))
            .collect();
        let mut prints: Vec<u64> = products
            .iter()
            .map(|product| table.print(product.as_str()))
            .collect();
        kept.sort_unstable();
        prints.sort_unstable();
        assert_eq!(kept, prints);
    }

    proptest! {
        #[test]
        fn it_is_a_map(writes in prop::collection::vec((0..3_000_u32, any_state()), 0..4_000)) {
            let mut table = Table::new(RandomState::new());
            let mut model = HashMap::new();
            for (no, state) in writes {
                let product = ProductId::new(no.to_string()).expect("a valid id");
                table = noted(table, &product, state);
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
