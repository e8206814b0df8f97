//! Bundles: sets that can be sold now, and exact quotes.

mod hints;
mod quote;
mod sets;

use tandem_domain::clock::SharedClock;

use hints::Hints;
pub(crate) use quote::{Line, Quote, QuoteLine, selling_surface};
pub(crate) use sets::{AskSets, PricedSet, Sets};

use crate::read::Reader;

/// Answers Bundles.
#[derive(Clone)]
pub(crate) struct Bundles {
    reader: Reader,
    clock: SharedClock,
    hints: Hints,
}

impl Bundles {
    /// Reads through `reader`; the validity windows of links are judged by `clock`.
    #[must_use]
    pub(crate) fn new(reader: Reader, clock: SharedClock) -> Self {
        Self {
            reader,
            clock,
            hints: Hints::default(),
        }
    }
}
