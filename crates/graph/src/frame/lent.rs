use crate::damping::raised;
use crate::epoch::{LENT_ONE, Lent, RidgeRecord};
use crate::facts::dense;
use crate::flags::Flags;
use crate::params::RidgeMix;
use crate::ridge::vote;

/// What neighbours lend, by index of the facts.
pub(crate) struct LentFrame {
    offsets: Vec<u32>,
    /// (companion, value), companions ascending.
    pairs: Vec<(u32, f32)>,
}

impl LentFrame {
    /// `None` where the record lends nothing.
    pub(super) fn new(lent: &Lent, places: &[Option<usize>], products: usize) -> Option<Self> {
        if lent.is_empty() {
            return None;
        }
        let now = indexes(places, products);
        let mut rows: Vec<Vec<(u32, u32)>> = lent.rows().collect();
        rows.resize(products, Vec::new());
        let mut frame = Self {
            offsets: vec![0],
            pairs: Vec::new(),
        };
        for place in places {
            let row = place.map_or(&[][..], |at| &rows[at]);
            let known = row
                .iter()
                .filter_map(|&(item, value)| Some((now.get(item as usize).copied().flatten()?, value)));
            let pairs = known.map(|(item, value)| (item, (f64::from(value) / LENT_ONE) as f32));
            frame.pairs.extend(pairs);
            frame.offsets.push(dense(frame.pairs.len()));
        }
        Some(frame)
    }

    /// (companion, value) of an anchor, companions ascending.
    pub(crate) fn of(&self, anchor: u32) -> &[(u32, f32)] {
        let anchor = anchor as usize;
        &self.pairs[self.offsets[anchor] as usize..self.offsets[anchor + 1] as usize]
    }

    /// What is lent to one pair; 0 for all others.
    pub(crate) fn pair(&self, anchor: u32, item: u32) -> f64 {
        let row = self.of(anchor);
        let at = row.binary_search_by_key(&item, |one| one.0).ok();
        at.map_or(0.0, |at| f64::from(row[at].1))
    }
}

/// Index of the facts by index of the record; both are in the order of ids.
fn indexes(places: &[Option<usize>], products: usize) -> Vec<Option<u32>> {
    let mut now = vec![None; products];
    for (index, place) in places.iter().enumerate() {
        if let Some(at) = place {
            now[*at] = Some(dense(index));
        }
    }
    now
}

/// Regressed votes, by index of the facts.
pub(crate) struct RidgeFrame {
    mix: RidgeMix,
    unit: f64,
    weights: LentFrame,
    is_target: Vec<bool>,
}

impl RidgeFrame {
    pub(super) fn new(record: &RidgeRecord, places: &[Option<usize>], products: usize) -> Option<Self> {
        let mut known = vec![false; products];
        for (item, _) in record.targets.rows().flatten() {
            if let Some(known) = known.get_mut(item as usize) {
                *known = true;
            }
        }
        Some(Self {
            mix: record.mix,
            unit: f64::from_bits(record.unit),
            weights: LentFrame::new(&record.weights, places, products)?,
            is_target: places
                .iter()
                .map(|place| place.is_some_and(|at| known[at]))
                .collect(),
        })
    }

    /// To whom a weight by regression is lent beside an anchor: nothing else lifts a vote above the closed form.
    pub(crate) fn lent(&self, anchor: u32) -> impl Iterator<Item = u32> {
        self.weights.of(anchor).iter().map(|one| one.0)
    }

    /// Whether the companion was regressed.
    #[inline]
    pub(crate) fn is_target(&self, item: u32) -> bool {
        self.is_target[item as usize]
    }

    /// What is left of the vote of a regressed companion to which an anchor lends nothing, before the `power` of a vote.
    pub(crate) fn unlent(&self, power: f64) -> f64 {
        raised(vote(self.mix, true, 1.0, 0.0), 1.0 / power)
    }

    /// Who was regressed.
    pub(super) fn targets(&self) -> Flags {
        Flags::of(&self.is_target)
    }

    /// The vote of a pair whose closed form is `closed`.
    pub(crate) fn vote(&self, anchor: u32, item: u32, closed: f64) -> f64 {
        let weighed = self.unit * self.weights.pair(anchor, item);
        vote(self.mix, self.is_target[item as usize], closed, weighed)
    }
}
