//! Places of a bestseller's list that a surface lends to companions which sell too little, are new or are sold off.
//!
//! Every `⌈100 ÷ share⌉`th place is lent, so that the first n items of an answer hold at most `share` percent of such
//! companions, for any n. They are given after everything else was judged: who is excluded, filtered, capped or cannot be
//! bought stands in no place. A place goes to the best ranked companion behind it that
//!
//! - an edge of the graph proposes, with at least the asked percentage of the best score in its relation;
//! - has plenty of stock, and that no merchant buries;
//! - the rules name by how it sells.
//!
//! Those between move down by one. A place that one of them has earned is left to it. Pins stand where they were put, and
//! push what is attached further down.

use std::collections::{BTreeMap, HashMap};

use super::{Adjustment, Item, Offer};
use crate::edge::Source;
use crate::id::ProductId;
use crate::pace::{Attached, Pace};
use crate::relation::Relation;
use crate::stock::Supply;
use crate::surface::AttachRules;

/// What is attached to an anchor.
#[derive(Debug, Clone, Copy)]
pub struct Attach<'a> {
    /// As the surface says.
    pub rules: &'a AttachRules,
    /// How companions of the anchor sell; of an anchor that is no bestseller nothing is known.
    pub paces: &'a BTreeMap<ProductId, Pace>,
    /// UTC day.
    pub today: i32,
}

impl Attach<'_> {
    /// Lends the places of `items`, which `offers` were made of.
    pub(super) fn lend(&self, items: &mut [Item], offers: &[Offer]) {
        let Some(every) = self.rules.every().filter(|_| !self.paces.is_empty()) else {
            return;
        };
        let edges = Edges::of(offers, self.rules.min_score_percent);
        for place in (every..=items.len()).step_by(every) {
            let rest = &mut items[place - 1..];
            let mut places = rest.iter().enumerate();
            let first = places.find_map(|(at, item)| Some((at, self.kind(item, &edges)?)));
            // Who stands there by its own score has earned it.
            if let Some((at, kind)) = first.filter(|(at, _)| *at > 0) {
                rest[..=at].rotate_right(1);
                rest[0].adjusted = Some(Adjustment::Attached(kind));
            }
        }
    }

    fn kind(&self, item: &Item, edges: &Edges<'_>) -> Option<Attached> {
        let is_free = item.adjusted.is_none() && item.vouched.supply == Some(Supply::Plenty);
        let pace = self.paces.get(&item.offer.product)?;
        let kind = self.rules.kind(pace, self.today)?;
        (is_free && edges.relate(&item.offer)).then_some(kind)
    }
}

/// Edges that are good enough, with their scores.
struct Edges<'a>(HashMap<(&'a ProductId, Relation), f32>);

impl<'a> Edges<'a> {
    fn of(offers: &'a [Offer], min_percent: u32) -> Self {
        let edges = || offers.iter().filter_map(|offer| Some((offer, edge(offer)?)));
        let mut best: HashMap<Relation, f32> = HashMap::new();
        for (offer, relation) in edges() {
            let best = best.entry(relation).or_insert(offer.score);
            *best = best.max(offer.score);
        }
        #[expect(clippy::cast_precision_loss, reason = "percents are small")]
        let share = min_percent as f32 / 100.0;
        let good = edges().filter(|(offer, relation)| {
            let best = best[relation];
            best > 0.0 && offer.score >= best * share
        });
        Self(
            good.map(|(offer, relation)| ((&offer.product, relation), offer.score))
                .collect(),
        )
    }

    /// Whether an edge proposes it that is good enough, and that no link has made worse.
    fn relate(&self, offer: &Offer) -> bool {
        let found = edge(offer).and_then(|relation| self.0.get(&(&offer.product, relation)));
        found.is_some_and(|score| offer.score >= *score)
    }
}

/// The relation of an offer that the graph makes.
fn edge(offer: &Offer) -> Option<Relation> {
    offer
        .relation
        .filter(|_| matches!(offer.source, Source::Learned | Source::Attribute))
}
