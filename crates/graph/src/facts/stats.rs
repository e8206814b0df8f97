use serde::{Deserialize, Serialize};
use tandem_domain::clock::Timestamp;

/// What went into the facts, and what was left out and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
pub struct FactStats {
    /// Rows given.
    pub events: u64,
    /// Products, the unknown ones included.
    pub products: u64,
    /// Products that events name and the catalogue does not; they take part without attributes.
    pub unknown_products: u64,
    /// Catalogue rows dropped because their id had come before.
    pub duplicate_products: u64,
    /// Rows dropped: impossible product id, implausible time or no quantity.
    pub absurd_rows: u64,
    /// Prices ignored: negative or beyond the highest accepted price.
    pub absurd_prices: u64,
    /// Rows of co-occurrence signals with neither group nor user: nothing can be next to them.
    pub lone_rows: u64,
    /// Rows older than their signal's window.
    pub expired_rows: u64,
    /// Products of an order that came back and left it.
    pub returned_lines: u64,
    /// Returned products that no known order held.
    pub unmatched_returns: u64,
    /// Products of a session that were left at once, as often as they were opened.
    #[serde(default)]
    pub bounced_views: u64,
    /// Baskets of any signal cut to the cap.
    pub capped_baskets: u64,
    /// Orders that hold something.
    pub baskets: u64,
    /// Carts that hold something.
    pub carts: u64,
    /// Sessions with views.
    pub sessions: u64,
    /// Visits of a scene with an act.
    pub scenes: u64,
    /// Time of the oldest accepted row.
    pub first: Option<Timestamp>,
    /// Time of the newest accepted row.
    pub last: Option<Timestamp>,
}

impl FactStats {
    /// Adds what a batch of events counted.
    pub(super) fn absorb(&mut self, batch: &Self) {
        self.events += batch.events;
        self.absurd_rows += batch.absurd_rows;
        self.absurd_prices += batch.absurd_prices;
        self.first = [self.first, batch.first].into_iter().flatten().min();
        self.last = self.last.max(batch.last);
    }
}
