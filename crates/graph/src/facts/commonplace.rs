use std::collections::BTreeSet;

use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

use super::NONE;
use super::intern::Texts;

/// Below this many products, every brand and word counts.
const SMALL_CATALOGUE: usize = 400;

/// Brands and words of titles that every fourth product of a catalogue shares: they say nothing about two products.
/// Learned from the catalogue, so an epoch freezes them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Commonplaces {
    pub(crate) brands: BTreeSet<String>,
    pub(crate) words: BTreeSet<String>,
}

impl Commonplaces {
    /// Texts that stand beside more products than may share one, of a catalogue of so many. Products that only events
    /// know do not count as part of it: they would move the border with every event.
    pub(super) fn learn<'t>(
        texts: &Texts,
        numbers: impl Iterator<Item = &'t u32>,
        catalogue: usize,
    ) -> BTreeSet<String> {
        let mut products = FxHashMap::<u32, usize>::default();
        for &number in numbers.filter(|number| **number != NONE) {
            *products.entry(number).or_default() += 1;
        }
        let most = (catalogue / 4).max(SMALL_CATALOGUE / 4);
        let common = products.into_iter().filter(|&(_, many)| many > most);
        common.map(|(number, _)| texts.text(number).to_owned()).collect()
    }
}
