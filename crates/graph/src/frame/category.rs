use rayon::prelude::*;
use rustc_hash::FxHashMap;
use tandem_domain::id::CategoryId;
use tandem_domain::rule::CategoryVerdict;

use crate::epoch::{Band, CategoryStats, EpochRecord, Limits, Related};
use crate::facts::{Facts, NONE, dense};
use crate::flags::Flags;
use crate::params::{ColdStart, Params};
use crate::rules::{Rules, Said};

/// Leaf categories of the facts: what goes with each, and how much of it each product sells.
#[derive(Debug)]
pub(crate) struct Leaves {
    /// By leaf, where a shop says nothing of its own.
    kin: Vec<Kin>,
    /// By shop and leaf, where it does.
    of_shops: FxHashMap<(u32, u32), Kin>,
    rules: Rules,
    /// What each sold at the freeze; 0 of an unknown one.
    sold: Vec<u64>,
    /// Whether the record knows any.
    are_known: bool,
}

/// What goes with a leaf.
#[derive(Debug, Default)]
pub(crate) struct Kin {
    /// The leaves that go with it, ascending.
    leaves: Vec<u32>,
    /// Beside them, what is known of each.
    related: Vec<Stored>,
    /// Where each stands among them.
    places: Places,
    /// The bands that are not [kept in hundredths](StoredBand::Hundredths), by leaf.
    bands: FxHashMap<u32, Limits>,
    /// The leaves that go with it most often, the first ones first.
    closest: Vec<u32>,
    /// The most that μ · P(leaf | anchor's leaf) · q(product | leaf) comes to of those who are proposed to settled anchors,
    /// once [`Leaves::bound`] noted it.
    pub(crate) proposed: f64,
}

/// How a leaf goes with another.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RelatedLeaf {
    /// P(leaf | anchor's leaf): share of its orders.
    pub(crate) share: f64,
    pub(crate) band: Option<Limits>,
}

/// The same as it is kept. Every anchor reads the shares of all and looks up a hundred, of another leaf than the anchor before
/// it: the less memory they take, the less is waited for.
#[derive(Debug, Clone, Copy)]
struct Stored {
    share: f64,
    band: StoredBand,
}

const _: () = assert!(size_of::<Stored>() == 16);

#[derive(Debug, Clone, Copy)]
enum StoredBand {
    /// Nobody told of one.
    Usual,
    /// The ends of a [`Band`].
    Hundredths(i16, i16),
    /// One of [`Kin::bands`].
    Apart,
}

impl StoredBand {
    fn of(band: Band) -> Option<Self> {
        let end = |hundredths: i32| i16::try_from(hundredths).ok();
        Some(Self::Hundredths(end(band.lowest)?, end(band.highest)?))
    }
}

impl Leaves {
    pub(super) fn new(facts: &Facts, epoch: &EpochRecord) -> Self {
        let products = &facts.products;
        let rules = Rules::new(products, &epoch.params);
        let leaf_of: FxHashMap<&CategoryId, u32> = products.leaves.iter().zip(0..).collect();
        let mut stats: Vec<Option<&CategoryStats>> = vec![None; products.leaves.len()];
        for known in &epoch.categories {
            if let Some(&leaf) = leaf_of.get(&known.id) {
                stats[leaf as usize] = Some(known);
            }
        }
        let of_leaf = |leaf: u32| stats.get(leaf as usize).copied().flatten();
        let kin = |shop: u32, leaf: u32| {
            of_leaf(leaf).map_or_else(Kin::default, |known| {
                Kin::of(&leaf_of, known, &epoch.params, |other| {
                    rules.said(shop, leaf, other)
                })
            })
        };
        let leaves = 0..dense(products.leaves.len());
        let own = rules
            .of_shops()
            .map(|(shop, leaf)| ((shop, leaf), kin(shop, leaf)));
        Self {
            kin: leaves.into_par_iter().map(|leaf| kin(NONE, leaf)).collect(),
            of_shops: own.collect(),
            sold: stats
                .iter()
                .map(|known| known.map_or(0, |known| known.sold))
                .collect(),
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
    pub(crate) fn kin(&self, shop: u32, leaf: u32) -> Option<&Kin> {
        let own = self.of_shops.get(&(shop, leaf));
        own.or_else(|| self.kin.get(leaf as usize))
    }

    /// What goes with a leaf most often; nothing for an unknown one.
    pub(crate) fn closest(&self, shop: u32, leaf: u32) -> &[u32] {
        self.kin(shop, leaf).map_or(&[], |kin| &kin.closest)
    }

    /// Whether and how `companion` goes with `anchor` in a shop.
    pub(crate) fn pair(&self, shop: u32, anchor: u32, companion: u32) -> Option<RelatedLeaf> {
        self.kin(shop, anchor)?.pair(companion)
    }

    /// What operators and merchants say.
    pub(crate) fn rules(&self) -> &Rules {
        &self.rules
    }

    /// Notes what the shares of those come to at most whom `relation::Gathering` proposes to a settled anchor. Of a leaf that is
    /// its first settled member: `members` stand by what they sold, most first, as their shares do.
    pub(super) fn bound<'m>(
        &mut self,
        cold: &ColdStart,
        members: impl Fn(u32) -> &'m [u32],
        settled: &Flags,
        share: impl Fn(u32) -> f64,
    ) {
        let leaves = 0..dense(self.kin.len());
        let first_settled = |leaf: u32| members(leaf).iter().find(|&&item| settled.get(item));
        let proposed = |leaf: u32| {
            let first = first_settled(leaf).filter(|_| cold.per_category > 0);
            first.map_or(0.0, |&item| share(item))
        };
        let proposed: Vec<f64> = leaves.clone().map(proposed).collect();
        let bound = |own: u32, kin: &mut Kin| {
            let closest = kin.closest.iter().filter(|&&leaf| leaf != own);
            let proposed = closest.map(|&leaf| cold.mu * kin.share(leaf) * proposed[leaf as usize]);
            kin.proposed = proposed.fold(0.0, f64::max);
        };
        leaves.zip(&mut self.kin).for_each(|(own, kin)| bound(own, kin));
        self.of_shops
            .iter_mut()
            .for_each(|((_, own), kin)| bound(*own, kin));
    }

    /// q(j | leaf): the share of what its leaf sold at the freeze of a product that sold so many; each counts one sale more.
    pub(super) fn share_of(&self, leaf: u32, sold: u32) -> f64 {
        match self.sold.get(leaf as usize) {
            // More than the leaf sold only where a product has moved there.
            Some(&total) if total > 0 => ((f64::from(sold) + 1.0) / total as f64).min(1.0),
            _ => 0.0,
        }
    }
}

/// Where leaves stand in an ascending list of them: one bit a leaf tells whether it does, and the place is as many bits as are
/// set before it.
#[derive(Debug, Default)]
struct Places {
    /// Of 64 leaves each: their bits, and how many stand before them.
    words: Vec<(u64, u32)>,
}

impl Places {
    fn of(leaves: impl Iterator<Item = u32>) -> Self {
        let mut words: Vec<(u64, u32)> = Vec::new();
        for (place, leaf) in (0..).zip(leaves) {
            let word = leaf as usize / 64;
            let known = words.len();
            words.resize(known.max(word + 1), (0, place));
            words[word].0 |= 1 << (leaf % 64);
        }
        Self { words }
    }

    #[inline]
    fn has(&self, leaf: u32) -> bool {
        let word = self.words.get(leaf as usize / 64);
        word.is_some_and(|(bits, _)| bits >> (leaf % 64) & 1 == 1)
    }

    fn place(&self, leaf: u32) -> Option<usize> {
        if !self.has(leaf) {
            return None;
        }
        let (bits, before) = self.words[leaf as usize / 64];
        let lower = bits & ((1 << (leaf % 64)) - 1);
        Some((before + lower.count_ones()) as usize)
    }
}

impl Kin {
    /// How `companion` goes with the leaf, if it does.
    pub(crate) fn pair(&self, companion: u32) -> Option<RelatedLeaf> {
        let Stored { share, band } = self.related[self.places.place(companion)?];
        let band = match band {
            StoredBand::Usual => None,
            StoredBand::Hundredths(lowest, highest) => {
                let (lowest, highest) = (lowest.into(), highest.into());
                Some(Limits::from(Band { lowest, highest }))
            }
            StoredBand::Apart => self.bands.get(&companion).copied(),
        };
        Some(RelatedLeaf { share, band })
    }

    /// P(companion | the leaf); 0 where it does not go with it.
    #[inline]
    pub(crate) fn share(&self, companion: u32) -> f64 {
        let place = self.places.place(companion);
        place.map_or(0.0, |at| self.related[at].share)
    }

    /// Every leaf that goes with it, and its share.
    pub(crate) fn shares(&self) -> impl Iterator<Item = (u32, f64)> {
        let shares = self.related.iter().map(|related| related.share);
        self.leaves.iter().copied().zip(shares)
    }

    /// What orders and rules leave of the categories that were found with one.
    fn of(
        leaf_of: &FxHashMap<&CategoryId, u32>,
        stats: &CategoryStats,
        params: &Params,
        said: impl Fn(u32) -> Said,
    ) -> Self {
        let mut bands = FxHashMap::default();
        let leaf = |other: &Related| {
            // A leaf goes with others alone.
            let leaf = *leaf_of.get(&other.id).filter(|_| other.id != stats.id)?;
            let share = f64::from(other.both) / f64::from(stats.baskets.max(1));
            let said = said(leaf);
            let share = match said.verdict {
                None if other.learned => share,
                Some((CategoryVerdict::Related, _)) => share.max(params.categories.curated_share),
                _ => return None,
            };
            let mut apart = |limits: Limits| {
                bands.insert(leaf, limits);
                StoredBand::Apart
            };
            let band = match (said.band, other.band) {
                (Some((band, _)), _) => apart(Limits::of(band)),
                (None, Some(band)) => StoredBand::of(band).unwrap_or_else(|| apart(band.into())),
                (None, None) => StoredBand::Usual,
            };
            Some((leaf, Stored { share, band }))
        };
        let mut related: Vec<(u32, Stored)> = stats.related.iter().filter_map(leaf).collect();
        related.sort_unstable_by_key(|other| other.0);
        let closest = closest(&related, params.cold_start.categories);
        let (leaves, related): (Vec<u32>, Vec<Stored>) = related.into_iter().unzip();
        Self {
            closest,
            places: Places::of(leaves.iter().copied()),
            leaves,
            related,
            bands,
            proposed: f64::INFINITY,
        }
    }
}

fn closest(related: &[(u32, Stored)], most: usize) -> Vec<u32> {
    let mut closest: Vec<&(u32, Stored)> = related.iter().collect();
    closest.sort_by(|a, b| b.1.share.total_cmp(&a.1.share).then(a.0.cmp(&b.0)));
    closest.iter().take(most).map(|other| other.0).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_band_is_stored_in_hundredths_as_far_as_they_go() {
        let stored = |lowest, highest| StoredBand::of(Band { lowest, highest });
        assert!(matches!(
            stored(-32_768, 32_767),
            Some(StoredBand::Hundredths(-32_768, 32_767))
        ));
        assert!(stored(-32_769, 0).is_none());
        assert!(stored(0, 32_768).is_none());
    }

    proptest! {
        #[test]
        fn places_are_those_of_a_search(leaves in proptest::collection::btree_set(0..400_u32, 0..60)) {
            let leaves: Vec<u32> = leaves.into_iter().collect();
            let places = Places::of(leaves.iter().copied());
            for leaf in (0..450).chain([NONE]) {
                prop_assert_eq!(places.place(leaf), leaves.binary_search(&leaf).ok());
                prop_assert_eq!(places.has(leaf), leaves.contains(&leaf));
            }
        }
    }
}
