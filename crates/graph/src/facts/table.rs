//! The rows of one signal while they are gathered, as columns of twelve bytes a row.

use rustc_hash::FxHashMap;
use tandem_domain::clock::Timestamp;

use super::NONE;
use super::intern::dense;
use crate::signals::Effect;

/// Users and groups share one space of numbers: users are even, groups odd.
pub(super) fn visitor(user: Option<u32>, group: Option<u32>) -> u32 {
    match (user, group) {
        (Some(user), _) => user.saturating_mul(2),
        (None, Some(group)) => group.saturating_mul(2).saturating_add(1),
        (None, None) => NONE,
    }
}

/// Whether a visitor is a known user.
pub(super) fn is_user(visitor: u32) -> bool {
    visitor.is_multiple_of(2)
}

/// Whose basket it is, if `a` and `b` are in it: a user before a group; two users in one basket are nobody.
fn meet(a: u32, b: u32) -> u32 {
    match (is_user(a), is_user(b)) {
        _ if a == b => a,
        _ if a == NONE || b == NONE => NONE,
        (true, true) => NONE,
        (true, false) => a,
        (false, true) => b,
        (false, false) => a.min(b),
    }
}

/// A time in milliseconds, signed units and halvings in one integer that sorts by them in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Moment(u64);

/// 2000-01-01; from here 42 bits of milliseconds reach beyond 2100.
const FIRST_MS: i64 = 946_684_800_000;
const UNIT_BITS: u32 = 20;
const HALVING_BITS: u32 = 2;
/// An event that counts less than an eighth counts an eighth.
pub(super) const MOST_HALVINGS: u8 = (1 << HALVING_BITS) - 1;
/// The most units that a row can bring or take; of more, so many count.
const MOST_UNITS: i64 = (1 << (UNIT_BITS - 1)) - 1;

impl Moment {
    /// Of a plausible time; units below zero came back. The event counts half so many times over.
    pub(super) fn new(time: Timestamp, units: i64, halvings: u8) -> Self {
        let time = u64::try_from(time.as_ms() - FIRST_MS).unwrap_or(0);
        let units = units.clamp(-MOST_UNITS, MOST_UNITS) + MOST_UNITS;
        let counted = (time << UNIT_BITS) | units.cast_unsigned();
        Self((counted << HALVING_BITS) | u64::from(halvings.min(MOST_HALVINGS)))
    }

    pub(super) fn time_ms(self) -> i64 {
        (self.0 >> (UNIT_BITS + HALVING_BITS)).cast_signed() + FIRST_MS
    }

    pub(super) fn units(self) -> i64 {
        let units = (self.0 >> HALVING_BITS) & ((1 << UNIT_BITS) - 1);
        units.cast_signed() - MOST_UNITS
    }

    /// The same event as it bears on one basket.
    pub(super) fn with(self, effect: Effect) -> Self {
        let time = Timestamp::from_ms(self.time_ms());
        match effect {
            Effect::Puts(0) => self,
            Effect::Puts(halvings) => Self::new(time, self.units(), self.halvings() + halvings),
            Effect::Takes => Self::new(time, -self.units(), self.halvings()),
        }
    }

    pub(super) fn halvings(self) -> u8 {
        (self.0 & u64::from(MOST_HALVINGS)) as u8
    }
}

/// What makes a basket of rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum BasketKey {
    /// Same order, cart or session.
    Group(u32),
    /// Same user on the same UTC day, where no group is known.
    UserDay(u32, i32),
    /// Same user in the same stretch of days.
    UserStretch(u32, i64),
    /// Same visitor in the same scene.
    Visit(u32, u32),
}

/// Rows of one basket that came one after the other.
#[derive(Debug, Clone, Copy)]
struct Stretch {
    basket: u32,
    start: u32,
}

/// The rows of one signal.
#[derive(Debug, Default)]
pub(super) struct Table {
    /// Basket by number of the group, [`NONE`] where it has none.
    by_group: Vec<u32>,
    by_key: FxHashMap<BasketKey, u32>,
    stretches: Vec<Stretch>,
    products: Vec<u32>,
    moments: Vec<Moment>,
    /// Per basket: whether a generated row is in it.
    generated: Vec<bool>,
    /// Per basket: whose it is.
    visitors: Vec<u32>,
    /// How it stood when the later rows began.
    before: Option<Before>,
}

/// A table as it stood when the later rows began.
#[derive(Debug, Default)]
pub(super) struct Before {
    /// Rows that were there.
    rows: u32,
    generated: Vec<bool>,
    visitors: Vec<u32>,
}

impl Before {
    /// Whether a generated row was in a basket, and whose it was.
    pub(super) fn of(&self, basket: u32) -> (bool, u32) {
        let at = basket as usize;
        let generated = self.generated.get(at).is_some_and(|&generated| generated);
        (generated, self.visitors.get(at).copied().unwrap_or(NONE))
    }
}

impl Table {
    /// What is pushed from here on came later than what is there.
    pub(super) fn mark(&mut self) {
        self.before = Some(Before {
            rows: dense(self.products.len()),
            generated: self.generated.clone(),
            visitors: self.visitors.clone(),
        });
    }

    /// Takes rows of one basket, as products with their moments.
    pub(super) fn extend(
        &mut self,
        key: BasketKey,
        (visitor, generated): (u32, bool),
        rows: impl ExactSizeIterator<Item = (u32, Moment)>,
    ) {
        let basket = self.open(key, visitor);
        self.generated[basket as usize] |= generated;
        let owner = &mut self.visitors[basket as usize];
        *owner = meet(*owner, visitor);
        self.products.reserve(rows.len());
        self.moments.reserve(rows.len());
        for (product, moment) in rows {
            self.products.push(product);
            self.moments.push(moment);
        }
    }

    /// The basket that takes the next rows.
    fn open(&mut self, key: BasketKey, visitor: u32) -> u32 {
        let next = dense(self.generated.len());
        let basket = match key {
            BasketKey::Group(group) => {
                let at = group as usize;
                if at >= self.by_group.len() {
                    self.by_group.resize(at + 1, NONE);
                }
                let basket = &mut self.by_group[at];
                *basket = if *basket == NONE { next } else { *basket };
                *basket
            }
            _ => *self.by_key.entry(key).or_insert(next),
        };
        if basket == next {
            self.generated.push(false);
            self.visitors.push(visitor);
        }
        let start = dense(self.products.len());
        // No stretch holds rows from before a mark and from behind it.
        let is_marked = self.before.as_ref().is_some_and(|before| before.rows == start);
        let goes_on = self.stretches.last().is_some_and(|last| last.basket == basket);
        if is_marked || !goes_on {
            self.stretches.push(Stretch { basket, start });
        }
        basket
    }

    /// Whether no row came.
    pub(super) fn is_empty(&self) -> bool {
        self.products.is_empty()
    }

    /// Brings the stretches of a basket together; in a file that keeps its baskets together they already are.
    pub(super) fn group(self) -> Grouped {
        let mut offsets = vec![0_u32; self.generated.len() + 1];
        for stretch in &self.stretches {
            offsets[stretch.basket as usize + 1] += 1;
        }
        let mut sum = 0;
        for offset in &mut offsets {
            sum += *offset;
            *offset = sum;
        }
        let mut order = Vec::new();
        if !self.stretches.is_sorted_by_key(|stretch| stretch.basket) {
            let mut next = offsets.clone();
            order = vec![0; self.stretches.len()];
            for (at, stretch) in self.stretches.iter().enumerate() {
                let slot = &mut next[stretch.basket as usize];
                order[*slot as usize] = dense(at);
                *slot += 1;
            }
        }
        let touched = self
            .before
            .as_ref()
            .map(|before| touched(&self.stretches, before.rows));
        Grouped {
            offsets,
            order,
            starts: self.stretches.iter().map(|stretch| stretch.start).collect(),
            products: self.products,
            moments: self.moments,
            generated: self.generated,
            visitors: self.visitors,
            before: self.before.unwrap_or_default(),
            touched: touched.unwrap_or_default(),
        }
    }
}

/// The baskets of the stretches from row `rows` on, ascending.
fn touched(stretches: &[Stretch], rows: u32) -> Vec<u32> {
    let first = stretches.partition_point(|stretch| stretch.start < rows);
    let mut baskets: Vec<u32> = stretches[first..].iter().map(|stretch| stretch.basket).collect();
    baskets.sort_unstable();
    baskets.dedup();
    baskets
}

/// The rows of one signal by basket.
#[derive(Debug)]
pub(super) struct Grouped {
    /// Stretches of a basket, by place in `order`.
    offsets: Vec<u32>,
    /// Numbers of stretches by basket; empty where they stand in that order already.
    order: Vec<u32>,
    starts: Vec<u32>,
    pub(super) products: Vec<u32>,
    moments: Vec<Moment>,
    pub(super) generated: Vec<bool>,
    pub(super) visitors: Vec<u32>,
    pub(super) before: Before,
    /// Baskets with later rows, ascending.
    pub(super) touched: Vec<u32>,
}

impl Grouped {
    pub(super) fn len(&self) -> usize {
        self.generated.len()
    }

    /// Every (product, moment) of a basket.
    pub(super) fn rows(&self, basket: usize) -> impl Iterator<Item = (u32, Moment)> {
        self.rows_until(basket, u32::MAX)
    }

    /// Those that were there before the later ones.
    pub(super) fn rows_before(&self, basket: usize) -> impl Iterator<Item = (u32, Moment)> {
        self.rows_until(basket, self.before.rows)
    }

    fn rows_until(&self, basket: usize, end: u32) -> impl Iterator<Item = (u32, Moment)> {
        let places = self.offsets[basket] as usize..self.offsets[basket + 1] as usize;
        let stretches = places.map(|place| self.order.get(place).map_or(place, |&stretch| stretch as usize));
        let earlier = stretches.filter(move |&stretch| self.starts[stretch] < end);
        earlier.flat_map(|stretch| {
            let start = self.starts[stretch] as usize;
            let end = self
                .starts
                .get(stretch + 1)
                .map_or(self.products.len(), |&end| end as usize);
            let products = &self.products[start..end];
            products
                .iter()
                .copied()
                .zip(self.moments[start..end].iter().copied())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_keeps_what_it_is_made_of_and_sorts_by_it() {
        let at = |ms, units| Moment::new(Timestamp::from_ms(ms), units, 1);
        for (ms, units) in [
            (FIRST_MS, 1),
            (4_102_444_799_999, -7),
            (1_300_000_000_123, MOST_UNITS),
        ] {
            for halvings in 0..=MOST_HALVINGS {
                let moment = Moment::new(Timestamp::from_ms(ms), units, halvings);
                let kept = (moment.time_ms(), moment.units(), moment.halvings());
                assert_eq!(kept, (ms, units, halvings));
            }
        }
        assert_eq!(
            Moment::new(Timestamp::from_ms(FIRST_MS), 1, 9).halvings(),
            MOST_HALVINGS
        );
        assert_eq!(at(FIRST_MS, i64::MAX).units(), MOST_UNITS);
        assert!(at(FIRST_MS, -3) < at(FIRST_MS, 2) && at(FIRST_MS, 9) < at(FIRST_MS + 1, -9));
    }

    #[test]
    fn a_basket_belongs_to_its_one_user_and_else_to_its_group() {
        let (ann, bob, group) = (
            visitor(Some(0), None),
            visitor(Some(1), None),
            visitor(None, Some(0)),
        );
        assert_eq!(meet(group, ann), ann);
        assert_eq!(meet(ann, ann), ann);
        assert_eq!(meet(meet(ann, bob), ann), NONE);
        assert_eq!(meet(meet(ann, bob), group), NONE);
        assert_eq!(meet(group, group), group);
    }
}
