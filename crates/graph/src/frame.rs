//! Facts seen through an epoch record: frozen values in the order of the facts, powers and weights as tables.

mod card;
mod category;
mod closed;
mod estimate;
mod lent;
mod member;
mod pace;
mod returns;
mod signal;

pub(crate) use card::{Card, Cards};
pub(crate) use category::{Kin, Leaves, RelatedLeaf};
pub(crate) use closed::{Closed, Most};
pub(crate) use estimate::Estimate;
pub(crate) use lent::{LentFrame, RidgeFrame};
pub(crate) use signal::SignalFrame;

use member::Members;
use pace::PaceFrame;
use returns::Returns;

use crate::count::{self, Kernel};
use crate::epoch::EpochRecord;
use crate::facts::{Facts, dense};
use crate::flags::Flags;
use crate::params::BasketWeight;
use crate::rank::Standing;
use crate::signals::Input;
use crate::significance::XLogX;

/// All that the rows of a build share.
pub(crate) struct Frame<'a> {
    pub(crate) facts: &'a Facts,
    pub(crate) epoch: &'a EpochRecord,
    /// Where each product stands in the record.
    places: Vec<Option<usize>>,
    /// By [`Input::counter`].
    signals: Vec<SignalFrame>,
    pub(crate) standing: Standing,
    pub(crate) table: XLogX,
    /// Fixed-point weight of an order, cart or visit by its size.
    pub(crate) weights: Vec<u64>,
    /// The same for `score`, where that differs.
    pub(crate) single_weights: Option<Vec<u64>>,
    pub(crate) kernel: Kernel,
    pub(crate) leaves: Leaves,
    pub(crate) by_leaf: Members,
    pub(crate) by_brand: Members,
    pub(crate) by_series: Members,
    /// Who may be a companion at all.
    pub(crate) listed: Flags,
    /// Who is in the record and still as it says.
    pub(crate) settled: Flags,
    pub(crate) returns: Returns,
    /// What a regression adds to votes of `together`.
    pub(crate) ridge: Option<RidgeFrame>,
    /// What was viewed beside companions.
    pub(crate) two_hop: Option<LentFrame>,
    /// What scores are multiplied by where a surface heeds feedback.
    pub(crate) feedback: Option<LentFrame>,
    /// How products sell, and which sell best.
    pub(crate) pace: Option<PaceFrame>,
    /// Minor units where known: the frozen price, or the live one of a new product.
    pub(crate) price: Vec<Option<i64>>,
    /// Empty where nothing reads attributes.
    pub(crate) cards: Cards,
}

impl<'a> Frame<'a> {
    pub(crate) fn new(facts: &'a Facts, epoch: &'a EpochRecord) -> Self {
        let places = epoch.places(facts);
        let listed = epoch.listed(facts, &places);
        let settled = epoch.settled(facts, &places);
        let params = &epoch.params;
        let products = &facts.products;
        let table = signal::table(epoch);
        let signals = || signal::all(facts, epoch, &places, &table);
        let standing_and_members = || {
            let standing = Standing::by(&epoch.popularity(&places));
            let attributes = [&products.leaf, &products.brand, &products.series];
            let members = attributes.map(|attribute| Members::new(attribute, &listed, &standing));
            (standing, members)
        };
        let (mut signals, (standing, [by_leaf, by_brand, by_series])) =
            rayon::join(signals, standing_and_members);
        let sold = &signals[0].counts;
        let weights =
            |weight: BasketWeight| count::weights(epoch.windows.purchase_cap, |size| weight.of(size));
        let price: Vec<Option<i64>> = places
            .iter()
            .zip(&products.price)
            .map(|(place, live)| place.map_or(*live, |at| epoch.prices[at]))
            .collect();
        let mut leaves = Leaves::new(facts, epoch);
        let cards = if facts.wanted.reads_attributes() {
            Cards::new(products, &price, |item| {
                leaves.share_of(products.leaf[item as usize], sold[item as usize])
            })
        } else {
            Cards::default()
        };
        let settled = Flags::of(&settled);
        if facts.wanted.reads_attributes() {
            leaves.bound(
                &params.cold_start,
                |leaf| by_leaf.of(leaf),
                &settled,
                |item| cards.of(item).share,
            );
        }
        let ridge = epoch.ridge.as_ref();
        let ridge = ridge.and_then(|ridge| RidgeFrame::new(ridge, &places, epoch.products.len()));
        if let (Some(ridge), Some(at)) = (&ridge, Input::CoPurchase.counter()) {
            signals[at].shrink(ridge.targets(), ridge.unlent(params.together.power));
        }
        Self {
            weights: weights(params.together.weight),
            single_weights: params.together.differing_single_weight().map(weights),
            kernel: Kernel::new(&params.viewed, epoch.windows.view_cap),
            leaves,
            cards,
            by_leaf,
            by_brand,
            by_series,
            listed: Flags::of(&listed),
            settled,
            returns: Returns::new(epoch, &places),
            ridge,
            two_hop: LentFrame::new(&epoch.two_hop, &places, epoch.products.len()),
            feedback: LentFrame::new(&epoch.feedback, &places, epoch.products.len()),
            pace: epoch.pace.as_ref().map(|record| PaceFrame::new(record, &places)),
            price,
            standing,
            table,
            signals,
            places,
            facts,
            epoch,
        }
    }

    /// A counted input; `None` for attributes and category shares.
    pub(crate) fn signal(&self, input: Input) -> Option<&SignalFrame> {
        input.counter().map(|at| &self.signals[at])
    }

    /// Where a product stands in the record.
    pub(crate) fn place(&self, item: u32) -> Option<usize> {
        self.places[item as usize]
    }

    /// Products that the record does not know, or knows as something else.
    pub(crate) fn unsettled(&self) -> impl Iterator<Item = u32> {
        let items = 0..dense(self.facts.products.len());
        items.filter(|&item| !self.settled.get(item))
    }

    /// ln of companion's to anchor's price, where both are known.
    pub(crate) fn ln_ratio(&self, anchor: u32, companion: u32) -> Option<f64> {
        self.cards.of(anchor).ln_ratio(self.cards.of(companion))
    }
}
