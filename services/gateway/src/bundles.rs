//! Bundles: sets that can be sold now, and exact quotes.

mod quote;
mod sets;

use tandem_domain::clock::SharedClock;

pub(crate) use quote::{Line, Quote, QuoteLine, selling_surface};
pub(crate) use sets::{AskSets, PricedSet, Sets};

use crate::read::Reader;

/// Answers Bundles.
#[derive(Clone)]
pub(crate) struct Bundles {
    reader: Reader,
    clock: SharedClock,
}

impl Bundles {
    /// Reads through `reader`; the validity windows of links are judged by `clock`.
    #[must_use]
    pub(crate) fn new(reader: Reader, clock: SharedClock) -> Self {
        Self { reader, clock }
    }
}
