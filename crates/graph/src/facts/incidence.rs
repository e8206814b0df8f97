use rayon::prelude::*;
use tandem_domain::clock::Timestamp;

use super::basket::Netted;
use super::halving::Halvings;
use super::intern::dense;
use super::laying::Gathered;

/// Baskets of one signal as CSR, both ways. Baskets stand in the order of their time, so the most recent ones of a
/// product are the tail of its list.
#[derive(Debug, Default)]
pub(crate) struct Baskets {
    offsets: Vec<u32>,
    items: Vec<u32>,
    item_offsets: Vec<u32>,
    of_item: Vec<u32>,
    /// Place of the product in the basket, beside `of_item`; empty where the order carries no meaning.
    places: Vec<u16>,
    /// Per basket; empty where nothing was generated.
    generated: Vec<bool>,
    /// Per basket: whether a line counts less than whole; empty where none does.
    faint: Vec<bool>,
    /// Beside `items`.
    halvings: Halvings,
    days: Vec<i32>,
}

/// Whether it is noted where each product stands in its baskets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Places {
    Noted,
    Unknown,
}

impl Baskets {
    /// Lays baskets out for a catalogue of `products`.
    pub(super) fn lay(gathered: Gathered, products: usize) -> Self {
        let mut laid = Self::in_order(gathered);
        laid.transpose(products, Places::Unknown);
        laid
    }

    /// As [`Self::lay`], with the place of each product in its baskets.
    pub(super) fn lay_sessions(gathered: Gathered, products: usize) -> Self {
        let mut laid = Self::in_order(gathered);
        laid.transpose(products, Places::Noted);
        laid
    }

    /// The baskets by (time, products, generated, halvings). Equal in all of them means interchangeable, so the order
    /// of rows leaves no trace.
    fn in_order(gathered: Gathered) -> Self {
        let Gathered {
            netted, generated, ..
        } = gathered;
        let flag = |basket: usize| generated[netted.keys[basket] as usize];
        let halved = |basket: usize| netted.halvings.in_range(netted.range(basket));
        let compare = |a: usize, b: usize| {
            let by_time = netted.times_ms[a].cmp(&netted.times_ms[b]);
            by_time
                .then_with(|| (netted.items(a), flag(a)).cmp(&(netted.items(b), flag(b))))
                .then_with(|| halved(a).cmp(halved(b)))
        };
        let is_sorted = (1..netted.len()).all(|basket| compare(basket - 1, basket).is_le());
        let mut order: Vec<u32> = (0..dense(netted.len())).collect();
        if !is_sorted {
            order.par_sort_unstable_by(|&a, &b| compare(a as usize, b as usize));
        }
        let flags: Vec<bool> = order.par_iter().map(|&basket| flag(basket as usize)).collect();
        let day = |&basket: &u32| Timestamp::from_ms(netted.times_ms[basket as usize]).day();
        let days = order.par_iter().map(day).collect();
        let mut offsets = Vec::with_capacity(netted.len() + 1);
        offsets.push(0);
        let (items, halvings) = if is_sorted {
            offsets.extend(&netted.ends);
            (netted.items, netted.halvings)
        } else {
            let mut halvings = Halvings::default();
            let mut end = 0;
            for &basket in &order {
                if !netted.halvings.is_empty() {
                    halvings.push(end, halved(basket as usize));
                }
                end += netted.range(basket as usize).len();
                offsets.push(dense(end));
            }
            (in_turn(&netted, &order, &offsets), halvings)
        };
        let mut laid = Self {
            offsets,
            items,
            generated: if flags.contains(&true) { flags } else { Vec::new() },
            days,
            halvings,
            ..Self::default()
        };
        laid.mark_faint();
        laid
    }

    /// Once all lines are there.
    fn mark_faint(&mut self) {
        if self.halvings.is_empty() {
            return;
        }
        let is_faint = |ends: &[u32]| {
            let mut lines = self.halvings.in_range(ends[0] as usize..ends[1] as usize);
            lines.any(|halvings| halvings > 0)
        };
        self.faint = self.offsets.windows(2).map(is_faint).collect();
    }

    /// Lists of ascending numbers below `items`, kept in their order, as baskets without time.
    #[cfg(test)]
    pub(crate) fn plain(lists: impl Iterator<Item = impl AsRef<[u32]>>, items: usize) -> Self {
        let mut pile = Pile::default();
        lists.for_each(|list| pile.add(list.as_ref(), std::iter::empty(), 0, false));
        pile.lay(items)
    }

    /// The baskets that `keep` names, in their order; places are kept where they were noted.
    pub(crate) fn subset(&self, keep: impl Fn(u32) -> bool) -> Self {
        let mut pile = Pile::default();
        for basket in (0..dense(self.len())).filter(|&basket| keep(basket)) {
            let halvings = self.halvings.in_range(self.lines(basket));
            pile.add(
                self.items(basket),
                halvings,
                self.day(basket),
                self.is_generated(basket),
            );
        }
        let products = self.item_offsets.len().saturating_sub(1);
        if self.places.is_empty() {
            pile.lay(products)
        } else {
            pile.lay_sessions(products)
        }
    }

    /// The baskets that hold one of these products, in their order.
    pub(super) fn holding(&self, products: std::ops::Range<u32>) -> Vec<u32> {
        let mut baskets: Vec<u32> = products.flat_map(|product| self.of(product)).copied().collect();
        baskets.sort_unstable();
        baskets.dedup();
        baskets
    }

    /// From products per basket to baskets per product. Each thread owns a stretch of products and reads every basket.
    fn transpose(&mut self, products: usize, noted: Places) {
        let mut offsets = vec![0; products + 1];
        for &item in &self.items {
            offsets[item as usize + 1] += 1;
        }
        for k in 0..products {
            offsets[k + 1] += offsets[k];
        }
        let is_noted = noted == Places::Noted;
        self.of_item = vec![0; self.items.len()];
        self.places = vec![0; if is_noted { self.items.len() } else { 0 }];
        let stretches = stretches(&offsets, rayon::current_num_threads());
        let own = shares(&mut self.of_item, &offsets, &stretches);
        let places = shares(&mut self.places, &offsets, &stretches);
        let (items, ends) = (&self.items, &self.offsets);
        let all = stretches.into_par_iter().zip(own).zip(places);
        all.for_each(|((range, own), places)| {
            let base = offsets[range.start];
            let mut next: Vec<u32> = offsets[range.clone()]
                .iter()
                .map(|offset| offset - base)
                .collect();
            let first = dense(range.start);
            for (basket, ends) in ends.windows(2).enumerate() {
                for (place, &item) in items[ends[0] as usize..ends[1] as usize].iter().enumerate() {
                    let Some(slot) = next.get_mut(item.wrapping_sub(first) as usize) else {
                        continue;
                    };
                    own[*slot as usize] = dense(basket);
                    if is_noted {
                        places[*slot as usize] =
                            u16::try_from(place).expect("sessions are capped below 2^16");
                    }
                    *slot += 1;
                }
            }
        });
        self.item_offsets = offsets;
    }

    pub(crate) fn len(&self) -> usize {
        self.days.len()
    }

    /// The products of a basket.
    pub(crate) fn items(&self, basket: u32) -> &[u32] {
        &self.items[self.lines(basket)]
    }

    /// The places of a basket's products among those of all baskets.
    fn lines(&self, basket: u32) -> std::ops::Range<usize> {
        self.offsets[basket as usize] as usize..self.offsets[basket as usize + 1] as usize
    }

    /// Whether a product of a basket counts less than whole.
    #[inline]
    pub(crate) fn is_faint(&self, basket: u32) -> bool {
        self.faint.get(basket as usize).is_some_and(|&faint| faint)
    }

    /// How often each product of a basket counts half; `None` where all of them count whole.
    #[inline]
    pub(crate) fn halvings(
        &self,
        basket: u32,
    ) -> Option<impl DoubleEndedIterator<Item = u8> + ExactSizeIterator + Clone> {
        self.is_faint(basket)
            .then(|| self.halvings.in_range(self.lines(basket)))
    }

    /// Where the products of a basket begin and end among those of all baskets.
    #[inline]
    pub(crate) fn span(&self, basket: u32) -> (u32, u32) {
        (self.offsets[basket as usize], self.offsets[basket as usize + 1])
    }

    /// The products of a basket whose [span](Self::span) is known.
    #[inline]
    pub(crate) fn spanned(&self, (start, end): (u32, u32)) -> &[u32] {
        &self.items[start as usize..end as usize]
    }

    /// Reads a little of each basket, so that the rest of it is near when it is needed. The value means nothing.
    #[inline]
    pub(crate) fn fetch(&self, spans: &[(u32, u32)]) -> u32 {
        spans.iter().fold(0, |sum, &span| {
            let items = self.spanned(span);
            let ends = items.first().zip(items.last());
            sum ^ ends.map_or(0, |(first, last)| first ^ last ^ items[items.len() / 2])
        })
    }

    /// Pair increments of all products: Σ over baskets of size².
    pub(crate) fn pairs(&self) -> u64 {
        self.offsets
            .windows(2)
            .map(|ends| u64::from(ends[1] - ends[0]).pow(2))
            .sum()
    }

    fn range(&self, product: u32) -> std::ops::Range<usize> {
        self.item_offsets[product as usize] as usize..self.item_offsets[product as usize + 1] as usize
    }

    /// The baskets of a product, oldest first.
    pub(crate) fn of(&self, product: u32) -> &[u32] {
        &self.of_item[self.range(product)]
    }

    /// The places of a product in its baskets, beside [`Self::of`].
    pub(crate) fn places(&self, product: u32) -> &[u16] {
        &self.places[self.range(product)]
    }

    /// Baskets that hold the product.
    pub(crate) fn count(&self, product: u32) -> u32 {
        self.item_offsets[product as usize + 1] - self.item_offsets[product as usize]
    }

    /// Whether any basket holds a generated row.
    pub(crate) fn has_generated(&self) -> bool {
        !self.generated.is_empty()
    }

    pub(crate) fn is_generated(&self, basket: u32) -> bool {
        self.generated
            .get(basket as usize)
            .is_some_and(|&generated| generated)
    }

    /// The UTC day of a basket's last line.
    pub(crate) fn day(&self, basket: u32) -> i32 {
        self.days[basket as usize]
    }

    /// Pair increments that the row of a product costs.
    pub(crate) fn work(&self, product: u32) -> u64 {
        self.of(product)
            .iter()
            .map(|&basket| self.items(basket).len() as u64)
            .sum()
    }

    /// As [`Self::work`], were all baskets of one size: what is near enough to share work out by, and costs no look at
    /// any basket.
    pub(crate) fn likely_work(&self, product: u32) -> u64 {
        let mean = self.items.len().div_ceil(self.len().max(1));
        self.of(product).len() as u64 * mean as u64
    }
}

/// Baskets on their way, in the order of their time.
#[derive(Debug)]
pub(super) struct Pile(Baskets);

impl Default for Pile {
    fn default() -> Self {
        Self(Baskets {
            offsets: vec![0],
            ..Baskets::default()
        })
    }
}

impl Pile {
    /// The next basket, with the halvings beside its products; with none where all of them count whole.
    pub(super) fn add(
        &mut self,
        items: &[u32],
        halvings: impl Iterator<Item = u8> + Clone,
        day: i32,
        generated: bool,
    ) {
        let Self(laid) = self;
        laid.halvings.push(laid.items.len(), halvings);
        laid.items.extend_from_slice(items);
        laid.offsets.push(dense(laid.items.len()));
        if generated && laid.generated.is_empty() {
            laid.generated.resize(laid.days.len(), false);
        }
        laid.days.push(day);
        if generated || !laid.generated.is_empty() {
            laid.generated.push(generated);
        }
    }

    /// The day of the basket that was added last.
    pub(super) fn last_day(&self) -> Option<i32> {
        self.0.days.last().copied()
    }

    /// As [`Baskets::lay`].
    pub(super) fn lay(self, products: usize) -> Baskets {
        self.transposed(products, Places::Unknown)
    }

    /// As [`Baskets::lay_sessions`].
    pub(super) fn lay_sessions(self, products: usize) -> Baskets {
        self.transposed(products, Places::Noted)
    }

    fn transposed(self, products: usize, noted: Places) -> Baskets {
        let Self(mut laid) = self;
        laid.mark_faint();
        laid.transpose(products, noted);
        laid
    }
}

/// The products of the baskets in this order, of which each begins and ends at its offsets.
fn in_turn(netted: &Netted, order: &[u32], offsets: &[u32]) -> Vec<u32> {
    let mut items = vec![0; netted.items.len()];
    let stretches = stretches(offsets, rayon::current_num_threads());
    let own = shares(&mut items, offsets, &stretches);
    stretches.into_par_iter().zip(own).for_each(|(range, mut own)| {
        for &basket in &order[range] {
            let items = netted.items(basket as usize);
            own.split_off_mut(..items.len())
                .expect("a stretch is as long as its baskets")
                .copy_from_slice(items);
        }
    });
    items
}

/// What of a column belongs to each stretch; nothing of an empty one.
fn shares<'c, T>(
    mut column: &'c mut [T],
    offsets: &[u32],
    stretches: &[std::ops::Range<usize>],
) -> Vec<&'c mut [T]> {
    let share = |range: &std::ops::Range<usize>| {
        let many = (offsets[range.end] - offsets[range.start]) as usize;
        debug_assert!(
            column.is_empty() || column.len() >= many,
            "a column that ends early"
        );
        column.split_off_mut(..many).unwrap_or_default()
    };
    stretches.iter().map(share).collect()
}

/// Cuts what `offsets` stand between, products or baskets, into at most `parts` stretches of about as many places.
fn stretches(offsets: &[u32], parts: usize) -> Vec<std::ops::Range<usize>> {
    let (many, all) = (offsets.len() - 1, u64::from(offsets[offsets.len() - 1]));
    let parts = parts.clamp(1, 16);
    let cut = |part: usize| {
        let target = all * part as u64 / parts as u64;
        match part {
            0 => 0,
            _ if part == parts => many,
            _ => offsets
                .partition_point(|&offset| u64::from(offset) < target)
                .min(many),
        }
    };
    (0..parts).map(|part| cut(part)..cut(part + 1)).collect()
}
