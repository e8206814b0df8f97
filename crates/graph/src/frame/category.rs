use rustc_hash::FxHashMap;
use tandem_domain::rule::CategoryVerdict;

use crate::epoch::{CategoryStats, EpochRecord, Limits, Related};
use crate::facts::{Facts, NONE, Products, dense};
use crate::params::Params;
use crate::rules::{Rules, Said};

/// Leaf categories of the facts: what goes with each, and how much of it each product sells.
#[derive(Debug)]
pub(crate) struct Leaves {
    /// By leaf, where a shop says nothing of its own.
    kin: Vec<Kin>,
    /// By shop and leaf, where it does.
    of_shops: FxHashMap<(u32, u32), Kin>,
    rules: Rules,
    /// A product's share of what its leaf sold at the freeze; each sells one more than it does.
    share: Vec<f64>,
    /// Whether the record knows any.
    are_known: bool,
}

/// What goes with a leaf.
#[derive(Debug, Default)]
struct Kin {
    /// By leaf.
    related: Vec<RelatedLeaf>,
    /// The leaves that go with it most often, the first ones first.
    closest: Vec<u32>,
}

/// A leaf that goes with another.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RelatedLeaf {
    pub(crate) leaf: u32,
    /// P(leaf | anchor's leaf): share of its orders.
    pub(crate) share: f64,
    pub(crate) band: Option<Limits>,
}

impl Leaves {
    pub(super) fn new(facts: &Facts, epoch: &EpochRecord, sold: &[u32]) -> Self {
        let products = &facts.products;
        let rules = Rules::new(products, &epoch.params);
        let mut stats: Vec<Option<&CategoryStats>> = vec![None; products.leaves.len()];
        for known in &epoch.categories {
            if let Ok(leaf) = products.leaves.binary_search(&known.id) {
                stats[leaf] = Some(known);
            }
        }
        let of_leaf = |leaf: u32| stats.get(leaf as usize).copied().flatten();
        let kin = |shop: u32, leaf: u32| {
            of_leaf(leaf).map_or_else(Kin::default, |known| {
                Kin::of(products, known, &epoch.params, |other| {
                    rules.said(shop, leaf, other)
                })
            })
        };
        let share = |(&leaf, &sold): (&u32, &u32)| match of_leaf(leaf).map(|known| known.sold) {
            // More than the leaf sold only where a product has moved there.
            Some(total) if total > 0 => ((f64::from(sold) + 1.0) / total as f64).min(1.0),
            _ => 0.0,
        };
        let leaves = 0..dense(products.leaves.len());
        let own = rules
            .of_shops()
            .map(|(shop, leaf)| ((shop, leaf), kin(shop, leaf)));
        Self {
            kin: leaves.map(|leaf| kin(NONE, leaf)).collect(),
            of_shops: own.collect(),
            share: products.leaf.iter().zip(sold).map(share).collect(),
            rules,
            are_known: !epoch.categories.is_empty(),
        }
    }

    /// Whether the catalogue had categories at all.
    pub(crate) const fn are_known(&self) -> bool {
        self.are_known
    }

    /// Leaves that this one goes with, in any shop.
    pub(crate) fn anchors_of(&self, leaf: u32) -> impl Iterator<Item = u32> {
        let of_shops = self.of_shops.iter().map(|((_, other), kin)| (*other, kin));
        let all = (0..).zip(&self.kin).chain(of_shops);
        all.filter(move |(_, kin)| kin.pair(leaf).is_some())
            .map(|(other, _)| other)
    }

    /// What goes with a leaf beside anchors of a shop; `None` for an unknown leaf.
    fn kin(&self, shop: u32, leaf: u32) -> Option<&Kin> {
        let own = self.of_shops.get(&(shop, leaf));
        own.or_else(|| self.kin.get(leaf as usize))
    }

    /// What goes with a leaf most often; nothing for an unknown one.
    pub(crate) fn closest(&self, shop: u32, leaf: u32) -> &[u32] {
        self.kin(shop, leaf).map_or(&[], |kin| &kin.closest)
    }

    /// What goes with a leaf, by leaf; nothing for an unknown one.
    pub(crate) fn related(&self, shop: u32, leaf: u32) -> &[RelatedLeaf] {
        self.kin(shop, leaf).map_or(&[], |kin| &kin.related)
    }

    /// Whether and how `companion` goes with `anchor` in a shop.
    pub(crate) fn pair(&self, shop: u32, anchor: u32, companion: u32) -> Option<&RelatedLeaf> {
        self.kin(shop, anchor)?.pair(companion)
    }

    /// What operators and merchants say.
    pub(crate) fn rules(&self) -> &Rules {
        &self.rules
    }

    /// q(j | leaf of j).
    pub(crate) fn share_of(&self, item: u32) -> f64 {
        self.share[item as usize]
    }
}

impl Kin {
    fn pair(&self, companion: u32) -> Option<&RelatedLeaf> {
        let at = self.related.binary_search_by_key(&companion, |other| other.leaf);
        at.ok().map(|at| &self.related[at])
    }

    /// What orders and rules leave of the categories that were found with one.
    fn of(products: &Products, stats: &CategoryStats, params: &Params, said: impl Fn(u32) -> Said) -> Self {
        let leaf = |other: &Related| {
            let leaf = dense(products.leaves.binary_search(&other.id).ok()?);
            let share = f64::from(other.both) / f64::from(stats.baskets.max(1));
            let said = said(leaf);
            let share = match said.verdict {
                None if other.learned => share,
                Some((CategoryVerdict::Related, _)) => share.max(params.categories.curated_share),
                _ => return None,
            };
            let ruled = said.band.map(|(band, _)| Limits::of(band));
            Some(RelatedLeaf {
                leaf,
                share,
                band: ruled.or(other.band.map(Limits::from)),
            })
        };
        let mut related: Vec<RelatedLeaf> = stats.related.iter().filter_map(leaf).collect();
        related.sort_unstable_by_key(|other| other.leaf);
        Self {
            closest: closest(&related, params.cold_start.categories),
            related,
        }
    }
}

fn closest(related: &[RelatedLeaf], most: usize) -> Vec<u32> {
    let mut closest: Vec<&RelatedLeaf> = related.iter().collect();
    closest.sort_by(|a, b| b.share.total_cmp(&a.share).then(a.leaf.cmp(&b.leaf)));
    closest.iter().take(most).map(|other| other.leaf).collect()
}
