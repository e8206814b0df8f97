use crate::epoch::{Band, CategoryStats, EpochRecord, Related};
use crate::facts::{Facts, dense};

/// Leaf categories of the facts: what goes with each, and how much of it each product sells.
#[derive(Debug)]
pub(crate) struct Leaves {
    /// By leaf.
    related: Vec<Vec<RelatedLeaf>>,
    /// The leaves that go with each most often, the first ones first.
    closest: Vec<Vec<u32>>,
    /// A product's share of what its leaf sold at the freeze; each sells one more than it does.
    share: Vec<f64>,
    /// Whether the record knows any.
    are_known: bool,
}

/// A leaf that goes with another.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RelatedLeaf {
    pub(crate) leaf: u32,
    /// P(leaf | anchor's leaf): share of its orders.
    pub(crate) share: f64,
    pub(crate) band: Option<Band>,
}

impl Leaves {
    pub(super) fn new(facts: &Facts, epoch: &EpochRecord, sold: &[u32]) -> Self {
        let mut related = vec![Vec::new(); facts.products.leaves.len()];
        let mut total = vec![0_u64; facts.products.leaves.len()];
        for stats in &epoch.categories {
            if let Ok(leaf) = facts.products.leaves.binary_search(&stats.id) {
                related[leaf] = resolve(facts, stats, epoch.params.categories.curated_share);
                total[leaf] = stats.sold;
            }
        }
        let closest = related
            .iter()
            .map(|related| closest(related, epoch.params.cold_start.categories))
            .collect();
        let share = |(&leaf, &sold): (&u32, &u32)| match total.get(leaf as usize) {
            // More than the leaf sold only where a product has moved there.
            Some(&total) if total > 0 => ((f64::from(sold) + 1.0) / total as f64).min(1.0),
            _ => 0.0,
        };
        Self {
            related,
            closest,
            share: facts.products.leaf.iter().zip(sold).map(share).collect(),
            are_known: !epoch.categories.is_empty(),
        }
    }

    /// Whether the catalogue had categories at all.
    pub(crate) const fn are_known(&self) -> bool {
        self.are_known
    }

    /// Leaves that have this one among their closest.
    pub(crate) fn closest_to(&self, leaf: u32) -> impl Iterator<Item = u32> {
        let all = (0..).zip(&self.closest);
        all.filter(move |(_, closest)| closest.contains(&leaf))
            .map(|(other, _)| other)
    }

    fn related(&self, leaf: u32) -> &[RelatedLeaf] {
        self.related.get(leaf as usize).map_or(&[], Vec::as_slice)
    }

    /// What goes with a leaf most often; nothing for an unknown one.
    pub(crate) fn closest(&self, leaf: u32) -> &[u32] {
        self.closest.get(leaf as usize).map_or(&[], Vec::as_slice)
    }

    /// Whether and how `companion` goes with `anchor`.
    pub(crate) fn pair(&self, anchor: u32, companion: u32) -> Option<&RelatedLeaf> {
        let related = self.related(anchor);
        related
            .binary_search_by_key(&companion, |other| other.leaf)
            .ok()
            .map(|at| &related[at])
    }

    /// q(j | leaf of j).
    pub(crate) fn share_of(&self, item: u32) -> f64 {
        self.share[item as usize]
    }
}

fn resolve(facts: &Facts, stats: &CategoryStats, curated_share: f64) -> Vec<RelatedLeaf> {
    let leaf = |other: &Related| {
        Some(RelatedLeaf {
            leaf: dense(facts.products.leaves.binary_search(&other.id).ok()?),
            share: (f64::from(other.both) / f64::from(stats.baskets.max(1))).max(if other.curated {
                curated_share
            } else {
                0.0
            }),
            band: other.band,
        })
    };
    let mut related: Vec<RelatedLeaf> = stats.related.iter().filter_map(leaf).collect();
    related.sort_unstable_by_key(|other| other.leaf);
    related
}

fn closest(related: &[RelatedLeaf], most: usize) -> Vec<u32> {
    let mut closest: Vec<&RelatedLeaf> = related.iter().collect();
    closest.sort_by(|a, b| b.share.total_cmp(&a.share).then(a.leaf.cmp(&b.leaf)));
    closest.iter().take(most).map(|other| other.leaf).collect()
}
