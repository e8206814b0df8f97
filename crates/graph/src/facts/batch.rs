use std::sync::Arc;

use tandem_domain::clock::Timestamp;
use tandem_domain::event::{EventKind, is_plausible_time};
use tandem_domain::id::check;
use tandem_domain::money::Money;
use tandem_domain::short::are_same;

use super::intern::{Mark, Texts, dense};
use super::product::is_price;
use super::table::Moment;
use super::{EventRow, FactStats};
use crate::signals::haste;

/// The catalogue's ids, shared by everybody who reads events.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) ids: Texts,
    /// Whether the catalogue names a usable price.
    pub(super) priced: Vec<bool>,
}

impl Known {
    /// Nobody, with room for so many.
    pub(super) fn with_capacity(products: usize) -> Self {
        Self {
            ids: Texts::with_capacity(products),
            priced: Vec::with_capacity(products),
        }
    }
}

/// Whether prices paid are noted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Paid {
    Noted,
    Ignored,
}

/// Rows that came one after the other and share all but product, quantity and time; the day as well, where no group says
/// what belongs together.
#[derive(Debug, Clone)]
pub(super) struct Run<'a> {
    pub(super) kind: EventKind,
    pub(super) user: Option<&'a str>,
    pub(super) group: Option<&'a str>,
    pub(super) scene: Option<&'a str>,
    pub(super) generated: bool,
    /// When its first row happened.
    pub(super) time: Timestamp,
    /// Where its acts end.
    pub(super) end: usize,
}

/// What a run holds many of.
#[derive(Debug, Clone, Copy)]
pub(super) struct Act {
    /// Number of a known product, or beyond those the place of an unknown one in the batch.
    pub(super) product: u32,
    pub(super) moment: Moment,
}

/// Events read by one thread and checked. Borrows the text of the rows.
#[derive(Debug, Clone)]
pub struct EventBatch<'a> {
    known: Arc<Known>,
    paid_is: Paid,
    runs: Vec<Run<'a>>,
    acts: Vec<Act>,
    /// The products of the acts.
    ids: Vec<&'a str>,
    /// Prices paid, by place of the act.
    prices: Vec<(usize, i64)>,
    stats: FactStats,
}

/// A batch whose products are numbered as far as that goes without other threads' batches.
#[derive(Debug)]
pub struct NumberedBatch<'a> {
    pub(super) runs: Vec<Run<'a>>,
    pub(super) acts: Vec<Act>,
    /// Ids that the catalogue lacks, as often as they came.
    pub(super) unknown: Vec<&'a str>,
    /// Prices paid for products without a price of their own.
    pub(super) paid: Vec<(u32, i64)>,
    pub(super) stats: FactStats,
}

impl<'a> EventBatch<'a> {
    pub(super) fn new(known: Arc<Known>, paid_is: Paid) -> Self {
        Self {
            known,
            paid_is,
            runs: Vec::new(),
            acts: Vec::new(),
            ids: Vec::new(),
            prices: Vec::new(),
            stats: FactStats::default(),
        }
    }

    /// Takes one row. Rows that make no sense are counted and dropped.
    pub fn push(&mut self, row: EventRow<'a>) {
        self.stats.events += 1;
        let is_plausible = row.quantity > 0 && is_plausible_time(row.time) && check(row.product).is_ok();
        if !is_plausible {
            self.stats.absurd_rows += 1;
            return;
        }
        let stats = &mut self.stats;
        stats.first = Some(stats.first.map_or(row.time, |first| first.min(row.time)));
        stats.last = Some(stats.last.map_or(row.time, |last| last.max(row.time)));
        self.note_price(&row);
        self.ids.push(row.product);
        self.acts.push(Act {
            product: 0,
            moment: Moment::new(
                row.time,
                row.quantity.into(),
                u8::from(row.attributed) + haste(row.kind, row.dwell_ms),
            ),
        });
        match self.runs.last_mut() {
            Some(run) if run.holds(&row) => run.end += 1,
            _ => self.runs.push(Run {
                kind: row.kind,
                user: row.user,
                group: row.group,
                scene: row.scene,
                generated: row.generated,
                time: row.time,
                end: self.acts.len(),
            }),
        }
    }

    fn note_price(&mut self, row: &EventRow<'_>) {
        let Some(price) = row.unit_price.map(Money::minor) else {
            return;
        };
        if price < 0 || price > Money::MAX_PRICE.minor() {
            self.stats.absurd_prices += 1;
        } else if self.paid_is == Paid::Noted && row.kind == EventKind::Purchase && is_price(price) {
            self.prices.push((self.acts.len(), price));
        }
    }

    /// Numbers the products, all in one go: to look one up is to wait for memory, and lookups that do not depend on
    /// each other wait together. What is looked for is made out beforehand, so that little stands between them.
    #[must_use]
    pub fn number(mut self) -> NumberedBatch<'a> {
        const TOGETHER: usize = 64;
        let known = &self.known;
        let mut unknown = Vec::new();
        for (acts, ids) in self.acts.chunks_mut(TOGETHER).zip(self.ids.chunks(TOGETHER)) {
            let mut marks = [Mark::default(); TOGETHER];
            marks
                .iter_mut()
                .zip(ids)
                .for_each(|(mark, id)| *mark = Mark::of(id));
            for ((act, id), mark) in acts.iter_mut().zip(ids).zip(marks) {
                act.product = known.ids.find(mark, id).unwrap_or_else(|| {
                    unknown.push(*id);
                    dense(known.ids.len() + unknown.len() - 1)
                });
            }
        }
        let paid = self.prices.into_iter();
        let paid = paid.map(|(act, price)| (self.acts[act].product, price));
        let lacks_price = |&(product, _): &(u32, i64)| {
            let is_priced = known.priced.get(product as usize);
            is_priced.is_none_or(|&priced| !priced)
        };
        NumberedBatch {
            paid: paid.filter(lacks_price).collect(),
            runs: self.runs,
            acts: self.acts,
            unknown,
            stats: self.stats,
        }
    }
}

impl Run<'_> {
    fn holds(&self, row: &EventRow<'_>) -> bool {
        let are_same = |a: Option<&str>, b: Option<&str>| match (a, b) {
            (Some(a), Some(b)) => are_same(a, b),
            _ => a.is_none() && b.is_none(),
        };
        self.kind == row.kind
            && are_same(self.group, row.group)
            && are_same(self.user, row.user)
            && are_same(self.scene, row.scene)
            && self.generated == row.generated
            && (row.group.is_some() || self.time.day() == row.time.day())
    }
}
