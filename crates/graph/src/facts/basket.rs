//! From rows to baskets: returns leave, duplicates go, long baskets are cut.

use rayon::prelude::*;

use super::halving::Halvings;
use super::intern::dense;
use super::table::{Grouped, Moment};

/// The order of products inside a basket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    /// By product: the order carries no meaning.
    Product,
    /// By time, then product: what was looked at first stands first.
    Time,
}

/// How rows become baskets.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rules<'a> {
    /// Index of every product by arrival number; `None` where rows carry indexes already.
    pub(super) dense_of: Option<&'a [u32]>,
    /// Rows before it are left out. Returns stay: they take from an order whatever their age.
    pub(super) oldest_ms: i64,
    /// The most recent products that count.
    pub(super) cap: usize,
    pub(super) order: Order,
}

/// Baskets after netting: one entry per product that stayed, at its last time. Baskets of which nothing stayed are
/// left out.
#[derive(Debug, Default)]
pub(super) struct Netted {
    /// Number of the basket in its table.
    pub(super) keys: Vec<u32>,
    pub(super) times_ms: Vec<i64>,
    /// Where the products of each end.
    pub(super) ends: Vec<u32>,
    pub(super) items: Vec<u32>,
    /// Last time of each product, beside `items`.
    pub(super) lasts_ms: Vec<i64>,
    /// How often each product counts half, beside `items`.
    pub(super) halvings: Halvings,
    pub(super) returned: u64,
    pub(super) unmatched: u64,
    pub(super) capped: u64,
    pub(super) expired: u64,
}

/// One basket while it is netted.
#[derive(Debug, Default)]
struct Scratch {
    rows: Vec<(u32, Moment)>,
    kept: Vec<Kept>,
}

/// A product that stayed.
#[derive(Debug, Clone, Copy)]
struct Kept {
    product: u32,
    last_ms: i64,
    halvings: u8,
}

/// Whether the times of single products are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Times {
    Keep,
    Drop,
}

/// Nets purchases against returns, keeps the `cap` most recent products by (time desc, id asc), and orders them.
pub(super) fn net(grouped: &Grouped, rules: Rules<'_>, times: Times) -> Vec<Netted> {
    const CHUNK: usize = 4096;
    (0..grouped.len().div_ceil(CHUNK))
        .into_par_iter()
        .map(|chunk| {
            let mut part = Netted::default();
            let mut scratch = Scratch::default();
            for basket in chunk * CHUNK..((chunk + 1) * CHUNK).min(grouped.len()) {
                part.take(basket, grouped.rows(basket), rules, times, &mut scratch);
            }
            part
        })
        .collect()
}

/// The baskets that later rows touched, as [`net`] would have made them before those came.
pub(super) fn net_before(grouped: &Grouped, rules: Rules<'_>, times: Times) -> Netted {
    let (mut before, mut scratch) = (Netted::default(), Scratch::default());
    for &touched in &grouped.touched {
        let basket = touched as usize;
        before.take(basket, grouped.rows_before(basket), rules, times, &mut scratch);
    }
    before
}

impl Netted {
    /// The parts one after the other, their products in `items`, which may have held something else: memory that is in use
    /// already costs less than new one.
    pub(super) fn join(parts: Vec<Self>, mut items: Vec<u32>) -> Self {
        items.clear();
        let mut whole = Self {
            items,
            ..Self::default()
        };
        let sum = |of: fn(&Self) -> usize| parts.iter().map(of).sum::<usize>();
        whole.keys.reserve_exact(sum(|part| part.keys.len()));
        whole.times_ms.reserve_exact(sum(|part| part.keys.len()));
        whole.ends.reserve_exact(sum(|part| part.keys.len()));
        whole.items.reserve_exact(sum(|part| part.items.len()));
        whole.lasts_ms.reserve_exact(sum(|part| part.lasts_ms.len()));
        for part in parts {
            let start = dense(whole.items.len());
            whole.keys.extend(part.keys);
            whole.times_ms.extend(part.times_ms);
            whole.ends.extend(part.ends.iter().map(|end| start + end));
            whole.items.extend(part.items);
            whole.lasts_ms.extend(part.lasts_ms);
            whole.halvings.extend(start as usize, part.halvings);
            whole.returned += part.returned;
            whole.unmatched += part.unmatched;
            whole.capped += part.capped;
            whole.expired += part.expired;
        }
        // Of what came again, or went back, nothing need be kept.
        whole.items.shrink_to_fit();
        whole
    }

    pub(super) fn len(&self) -> usize {
        self.keys.len()
    }

    pub(super) fn range(&self, basket: usize) -> std::ops::Range<usize> {
        let start = basket.checked_sub(1).map_or(0, |before| self.ends[before]);
        start as usize..self.ends[basket] as usize
    }

    pub(super) fn items(&self, basket: usize) -> &[u32] {
        &self.items[self.range(basket)]
    }

    /// The products of a basket, each with its last time and its halvings; the times must have been kept.
    pub(super) fn lines(&self, basket: usize) -> impl ExactSizeIterator<Item = (u32, i64, u8)> {
        let range = self.range(basket);
        range.map(|line| (self.items[line], self.lasts_ms[line], self.halvings.of(line)))
    }

    /// The place of a basket by its number in the table.
    pub(super) fn find(&self, key: u32) -> Option<usize> {
        self.keys.binary_search(&key).ok()
    }

    /// What a basket holds: its products in their order, its time, the products' own times where they were kept, and
    /// their halvings.
    pub(super) fn content(&self, basket: usize) -> (&[u32], i64, &[i64], Vec<u8>) {
        let lasts_ms = self.lasts_ms.get(self.range(basket)).unwrap_or_default();
        let halvings = self.halvings.in_range(self.range(basket)).collect();
        (self.items(basket), self.times_ms[basket], lasts_ms, halvings)
    }

    fn take(
        &mut self,
        basket: usize,
        of_basket: impl Iterator<Item = (u32, Moment)>,
        rules: Rules<'_>,
        times: Times,
        Scratch { rows, kept }: &mut Scratch,
    ) {
        rows.clear();
        kept.clear();
        for (product, moment) in of_basket {
            if moment.units() >= 0 && moment.time_ms() < rules.oldest_ms {
                self.expired += 1;
                continue;
            }
            let product = rules.dense_of.map_or(product, |dense| dense[product as usize]);
            rows.push((product, moment));
        }
        rows.sort_unstable();
        for same in rows.chunk_by(|a, b| a.0 == b.0) {
            self.settle(same, kept);
        }
        let Some(time) = kept.iter().map(|one| one.last_ms).max() else {
            return;
        };
        self.cut(kept, rules.cap);
        if rules.order == Order::Time {
            kept.sort_unstable_by_key(|one| (one.last_ms, one.product));
        }
        self.halvings
            .push(self.items.len(), kept.iter().map(|one| one.halvings));
        self.items.extend(kept.iter().map(|one| one.product));
        if times == Times::Keep {
            self.lasts_ms.extend(kept.iter().map(|one| one.last_ms));
        }
        self.keys.push(dense(basket));
        self.times_ms.push(time);
        self.ends.push(dense(self.items.len()));
    }

    /// The rows of one product, by time. It counts as the one of them that counts most.
    fn settle(&mut self, rows: &[(u32, Moment)], kept: &mut Vec<Kept>) {
        let Some(last) = rows.iter().rev().find(|(_, moment)| moment.units() > 0) else {
            self.unmatched += 1;
            return;
        };
        if rows.len() > 1 && rows.iter().map(|(_, moment)| moment.units()).sum::<i64>() <= 0 {
            self.returned += 1;
            return;
        }
        let came = rows.iter().filter(|(_, moment)| moment.units() > 0);
        kept.push(Kept {
            product: last.0,
            last_ms: last.1.time_ms(),
            halvings: came.map(|(_, moment)| moment.halvings()).min().unwrap_or(0),
        });
    }

    fn cut(&mut self, kept: &mut Vec<Kept>, cap: usize) {
        if kept.len() > cap {
            kept.sort_unstable_by_key(|one| (std::cmp::Reverse(one.last_ms), one.product));
            kept.truncate(cap);
            kept.sort_unstable_by_key(|one| one.product);
            self.capped += 1;
        }
    }
}
