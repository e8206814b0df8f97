use tandem_domain::pace::Pace;

use crate::epoch::PaceRecord;

/// How products sell, by index of the facts.
pub(crate) struct PaceFrame {
    paces: Vec<Option<Pace>>,
    leads: Vec<bool>,
}

impl PaceFrame {
    pub(super) fn new(record: &PaceRecord, places: &[Option<usize>]) -> Self {
        let known: Vec<Option<Pace>> = record.paces().collect();
        let leads = |at: usize| record.leaders().binary_search(&crate::facts::dense(at)).is_ok();
        Self {
            paces: places
                .iter()
                .map(|place| place.and_then(|at| known.get(at).copied().flatten()))
                .collect(),
            leads: places.iter().map(|place| place.is_some_and(leads)).collect(),
        }
    }

    /// Whether a product is a bestseller.
    pub(crate) fn leads(&self, item: u32) -> bool {
        self.leads[item as usize]
    }

    /// Of a product that some rule could attach.
    pub(crate) fn of(&self, item: u32) -> Option<Pace> {
        self.paces[item as usize]
    }
}
