use rayon::prelude::*;
use rustc_hash::{FxHashMap, FxHashSet};

use super::Closed;
use super::estimate::{Estimate, Makings};
use crate::count::Counter;
use crate::epoch::{EpochRecord, Marginals, RECENT_ONE, season_factor};
use crate::facts::{Baskets, Facts, dense};
use crate::flags::Flags;
use crate::params::Gates;
use crate::rank::stored;
use crate::signals::Input;
use crate::significance::XLogX;

/// One counted input: frozen counts by index of the facts, and its closed forms.
pub(crate) struct SignalFrame {
    /// Frozen baskets per product; 0 for a new one.
    pub(crate) counts: Vec<u32>,
    pub(crate) total: u32,
    /// Live baskets per product, as far as anchors go.
    live: Vec<u32>,
    /// Products with a generated basket.
    tainted: Vec<bool>,
    /// Days that the counts cover.
    pub(crate) days: u32,
    /// One anchor.
    pub(crate) single: Closed,
    /// Many anchors, without the anchor's part.
    pub(crate) many: Closed,
    /// What a companion's values are made of, in one place.
    makings: Vec<Makings>,
    /// Companions whose votes shrink, and what is left of them.
    shrunk: Option<(Flags, f64)>,
    /// Per live count of an anchor: [`Self::chance`].
    chances: FxHashMap<u32, Box<[u32]>>,
    /// The same where nothing is known: strong support alone will do.
    strong: Box<[u32]>,
}

impl SignalFrame {
    /// Baskets of a companion: the frozen count, or the co-count where that is larger, as with a new product.
    #[inline]
    pub(crate) fn companion(&self, item: u32, support: u32) -> u32 {
        self.frozen(item).max(support)
    }

    /// Frozen baskets of a companion: as in [`Self::counts`], read where estimates are made, if any are: of whom one was
    /// made, that is near.
    #[inline]
    pub(crate) fn frozen(&self, item: u32) -> u32 {
        match self.makings.get(item as usize) {
            Some(makings) => makings.frozen,
            None => self.counts[item as usize],
        }
    }

    /// The closed forms of `item` beside the anchor that was counted, nearly.
    #[inline]
    pub(crate) fn estimate(&self, item: u32, counter: &Counter) -> Estimate {
        let (cell, makings) = (counter.cell(item), self.makings[item as usize]);
        if cell.support() > makings.frozen {
            return self.estimate_grown(item, counter);
        }
        let weight = cell.rough_weight();
        let single = if counter.has_singles() {
            counter.single_weight(item) as f32
        } else {
            weight
        };
        makings.estimate(single, weight)
    }

    /// As [`Self::estimate`], of a companion that has more baskets in common with the anchor than it had in all at the freeze.
    #[cold]
    fn estimate_grown(&self, item: u32, counter: &Counter) -> Estimate {
        let (support, frozen) = (counter.support(item), self.counts[item as usize]);
        let score = self
            .single
            .value(item, counter.single_weight(item), support, frozen);
        let vote = self.many.value(item, counter.weight(item), support, frozen);
        let shrunk = self
            .shrunk
            .as_ref()
            .filter(|(companions, _)| companions.get(item));
        Estimate {
            score: stored(score),
            vote: stored(vote * shrunk.map_or(1.0, |(_, share)| *share)),
            companion: support,
        }
    }

    /// What the single-anchor form of `item` beside the anchor that was counted is no larger than, and what the many-anchor
    /// one is no larger than, whatever a regression leaves of it.
    #[inline]
    pub(crate) fn most(&self, item: u32, counter: &Counter) -> (f64, f64) {
        let estimate = self.estimate(item, counter);
        let many = if self.shrunk.is_some() {
            let (cell, frozen) = (counter.cell(item), self.makings[item as usize].frozen);
            self.many.value(item, cell.weight(), cell.support(), frozen)
        } else {
            Estimate::most(estimate.vote)
        };
        (Estimate::most(estimate.score), many)
    }

    /// Reads what estimates are made of, so that it is near when it is needed. The value means nothing.
    #[inline]
    pub(crate) fn fetch(&self, items: impl Iterator<Item = u32>) -> u32 {
        items.fold(0, |sum, item| sum ^ self.makings[item as usize].frozen)
    }

    /// Leaves `share` of the estimated votes of `companions`.
    pub(super) fn shrink(&mut self, companions: Flags, share: f64) {
        let makings = (0..).zip(&mut self.makings);
        makings
            .filter(|(item, _)| companions.get(*item))
            .for_each(|(_, makings)| makings.shrink(share));
        self.shrunk = Some((companions, share));
    }

    /// Baskets of an anchor, live: they are its own row.
    pub(crate) fn anchor(&self, item: u32) -> u32 {
        self.live[item as usize]
    }

    /// All baskets; never fewer than the anchor's.
    pub(crate) fn total(&self, anchor: u32) -> u32 {
        self.total.max(self.anchor(anchor))
    }

    /// Common baskets expected by chance.
    pub(crate) fn expected(&self, anchor: u32, companion: u32) -> f64 {
        let total = f64::from(self.total(anchor));
        if total > 0.0 {
            f64::from(self.anchor(anchor)) * f64::from(companion) / total
        } else {
            0.0
        }
    }

    pub(crate) fn is_tainted(&self, item: u32) -> bool {
        self.tainted[item as usize]
    }

    /// The most common companion that 0, 1, 2, … common baskets with this anchor do not explain by chance; of as many
    /// as the last, and of more, every companion.
    pub(crate) fn chance(&self, anchor: u32) -> &[u32] {
        self.chances.get(&self.anchor(anchor)).unwrap_or(&self.strong)
    }
}

/// x · ln x as far as the totals of the epoch go.
pub(super) fn table(epoch: &EpochRecord) -> XLogX {
    let totals = Input::COUNTED.map(|input| marginals(input, epoch).total);
    XLogX::up_to(totals.into_iter().max().unwrap_or(0))
}

/// All counted inputs, in the order of [`Input::COUNTED`].
pub(super) fn all(
    facts: &Facts,
    epoch: &EpochRecord,
    places: &[Option<usize>],
    table: &XLogX,
) -> Vec<SignalFrame> {
    Input::COUNTED
        .into_par_iter()
        .map(|input| signal(input, facts, epoch, places, table))
        .collect()
}

fn signal(
    input: Input,
    facts: &Facts,
    epoch: &EpochRecord,
    places: &[Option<usize>],
    table: &XLogX,
) -> SignalFrame {
    let (marginals, windows, gates) = (marginals(input, epoch), &epoch.windows, &epoch.params.gates);
    let counts: Vec<u32> = places
        .iter()
        .map(|place| place.map_or(0, |at| marginals.counts[at]))
        .collect();
    let mut tainted = vec![false; counts.len()];
    for (item, place) in places.iter().enumerate() {
        let is_in = |at: usize| marginals.generated.binary_search(&dense(at)).is_ok();
        tainted[item] = place.is_some_and(is_in);
    }
    let live = live(input, facts);
    if !facts.wanted.counts(input) {
        return SignalFrame {
            chances: FxHashMap::default(),
            strong: limits(gates, |_| 0),
            total: marginals.total,
            days: 0,
            counts,
            live,
            tainted,
            single: Closed::default(),
            many: Closed::default(),
            makings: Vec::new(),
            shrunk: None,
        };
    }
    let days = match input {
        Input::CoPurchase => windows.purchase_days,
        Input::CoCart => windows.cart_days,
        Input::Scene => windows.scene_days,
        _ => windows.view_days,
    };
    let (single, many) = closed_forms(input, epoch, &counts, marginals.total, places);
    let items = (0..dense(counts.len())).into_par_iter();
    let makings = items.map(|item| Makings::of((&single, &many), item, counts[item as usize]));
    SignalFrame {
        makings: makings.collect(),
        shrunk: None,
        chances: chances(input, &live, marginals.total, gates, table),
        strong: limits(gates, |_| 0),
        total: marginals.total,
        days: days.min(epoch.span_days),
        counts,
        live,
        tainted,
        single,
        many,
    }
}

fn marginals(input: Input, epoch: &EpochRecord) -> &Marginals {
    match input {
        Input::CoCart => &epoch.carts,
        Input::CoView | Input::Swing => &epoch.views,
        Input::ViewedThenBought => &epoch.buyers,
        Input::Scene => &epoch.scenes,
        Input::CoPurchase | Input::Attributes | Input::CategoryShare => &epoch.purchases,
    }
}

fn live(input: Input, facts: &Facts) -> Vec<u32> {
    let of = |baskets: &Baskets| {
        (0..dense(facts.products.len()))
            .map(|item| baskets.count(item))
            .collect()
    };
    match input {
        Input::CoCart => of(&facts.carts),
        Input::CoView | Input::Swing => of(&facts.views),
        Input::Scene => of(&facts.scenes),
        Input::ViewedThenBought => {
            let viewers = |item| dense(facts.journeys.viewings(item).len());
            (0..dense(facts.products.len())).map(viewers).collect()
        }
        Input::CoPurchase | Input::Attributes | Input::CategoryShare => of(&facts.purchases),
    }
}

fn closed_forms(
    input: Input,
    epoch: &EpochRecord,
    counts: &[u32],
    total: u32,
    places: &[Option<usize>],
) -> (Closed, Closed) {
    let (together, viewed) = (&epoch.params.together, &epoch.params.viewed);
    let single = Closed::new(
        counts,
        total,
        together.single_lambda,
        together.single_beta,
        together.single_mu,
    );
    let many = || Closed::new(counts, total, together.lambda, together.beta, 0.0);
    match input {
        Input::CoPurchase => (single.with_trend(trend(epoch, counts, places)), many()),
        Input::CoView => {
            let form = || Closed::new(counts, total, viewed.lambda, viewed.beta, 0.0);
            (form().with_trend(season(epoch, places)), form())
        }
        // Its weights are damped already.
        Input::Swing => (
            Closed::new(counts, total, 1.0, 0.0, 0.0),
            Closed::new(counts, total, 1.0, 0.0, 0.0),
        ),
        _ => (single, many()),
    }
}

/// r_j^θ, r_j = (recent_j + 5) / (expected_j + 5), in season; empty where that is 1 throughout.
fn trend(epoch: &EpochRecord, counts: &[u32], places: &[Option<usize>]) -> Vec<f64> {
    let theta = epoch.params.together.trend;
    let mut trend = season(epoch, places);
    if theta == 0.0 {
        return trend;
    }
    let sold: u64 = epoch.purchases.counts.iter().map(|&count| u64::from(count)).sum();
    let late: u64 = epoch.recent.iter().sum();
    let usual = late as f64 / RECENT_ONE as f64 / sold.max(1) as f64;
    let ratio = |(count, place): (&u32, &Option<usize>)| {
        let recent = place.map_or(0, |at| epoch.recent[at]) as f64 / RECENT_ONE as f64;
        ((recent + 5.0) / (f64::from(*count) * usual + 5.0)).powf(theta)
    };
    trend.resize(counts.len(), 1.0);
    let all = trend.par_iter_mut().zip(counts.par_iter().zip(places));
    all.for_each(|(trend, one)| *trend *= ratio(one));
    trend
}

/// 1 + γ (s_j − 1); empty out of season.
fn season(epoch: &EpochRecord, places: &[Option<usize>]) -> Vec<f64> {
    let (Some(record), season) = (&epoch.season, &epoch.params.season) else {
        return Vec::new();
    };
    let lifts = record.lifts(season.shrink);
    let factor = |place: &Option<usize>| place.map_or(1.0, |at| season_factor(season.gamma, lifts[at]));
    places.iter().map(factor).collect()
}

/// Thresholds for every live count that occurs, where significance is asked for.
fn chances(
    input: Input,
    live: &[u32],
    total: u32,
    gates: &Gates,
    table: &XLogX,
) -> FxHashMap<u32, Box<[u32]>> {
    if matches!(input, Input::Swing | Input::ViewedThenBought) {
        return FxHashMap::default();
    }
    let counts: FxHashSet<u32> = live.iter().copied().collect();
    let chance = |anchor: u32| {
        let largest = |both| table.largest_significant(both, anchor, total.max(anchor), gates.chance);
        (anchor, limits(gates, largest))
    };
    counts.into_par_iter().map(chance).collect()
}

/// `most` by common baskets, up to where support speaks for itself.
fn limits(gates: &Gates, most: impl Fn(u32) -> u32) -> Box<[u32]> {
    (0..gates.strong_support).map(most).chain([u32::MAX]).collect()
}
