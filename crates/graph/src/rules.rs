//! What operators and merchants say of pairs of leaf categories, by dense numbers.

use rustc_hash::FxHashMap;
use tandem_domain::id::CategoryId;
use tandem_domain::pair::Authority;
use tandem_domain::rule::{CategoryVerdict, RatioBand, Ruling};

use crate::facts::{NONE, Products, dense};
use crate::params::Params;

/// The rules whose categories and shops the catalogue knows.
#[derive(Debug, Default)]
pub(crate) struct Rules {
    /// By shop ([`NONE`] for the marketplace), leaf of the anchor and leaf of the companion.
    rulings: FxHashMap<(u32, u32, u32), Ruling>,
}

/// What is said of a pair: of a verdict and of a band the shop's word outranks the marketplace's, each by itself.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Said {
    pub(crate) verdict: Option<(CategoryVerdict, Authority)>,
    pub(crate) band: Option<(RatioBand, Authority)>,
}

impl Rules {
    pub(crate) fn new(products: &Products, params: &Params) -> Self {
        let leaf = |id: &CategoryId| products.leaves.binary_search(id).ok().map(dense);
        let known = params.categories.rules.iter().filter_map(|rule| {
            let shop = match &rule.key.shop {
                None => NONE,
                Some(shop) => dense(products.shops.binary_search(shop).ok()?),
            };
            Some((
                (shop, leaf(&rule.key.anchor)?, leaf(&rule.key.companion)?),
                rule.ruling,
            ))
        });
        Self {
            rulings: known.collect(),
        }
    }

    /// What is said of companions of one leaf beside anchors of another in a shop, [`NONE`] for one without rules of its
    /// own.
    pub(crate) fn said(&self, shop: u32, anchor: u32, companion: u32) -> Said {
        let of = |shop, authority| {
            let ruling = self.rulings.get(&(shop, anchor, companion));
            Said {
                verdict: ruling.and_then(|ruling| Some((ruling.verdict()?, authority))),
                band: ruling.and_then(|ruling| Some((ruling.band()?, authority))),
            }
        };
        let all = of(NONE, Authority::Marketplace);
        if shop == NONE {
            return all;
        }
        let own = of(shop, Authority::Shop);
        Said {
            verdict: own.verdict.or(all.verdict),
            band: own.band.or(all.band),
        }
    }

    /// Whether two leaves must not stand beside each other, whichever comes first.
    pub(crate) fn part(&self, shop: u32, a: u32, b: u32) -> bool {
        let forbidden = |anchor, companion| {
            let verdict = self.said(shop, anchor, companion).verdict;
            verdict.is_some_and(|(verdict, _)| verdict == CategoryVerdict::Forbidden)
        };
        !self.rulings.is_empty() && (forbidden(a, b) || forbidden(b, a))
    }

    /// By leaf, the companions that somebody says go with it, in whichever shop.
    pub(crate) fn curated(&self, leaves: usize) -> Vec<Vec<u32>> {
        let mut curated = vec![Vec::new(); leaves];
        for (&(_, anchor, companion), ruling) in &self.rulings {
            if ruling.verdict() == Some(CategoryVerdict::Related) {
                curated[anchor as usize].push(companion);
            }
        }
        for companions in &mut curated {
            companions.sort_unstable();
            companions.dedup();
        }
        curated
    }

    /// The shops and leaves of anchors for which a shop says something of its own, each once.
    pub(crate) fn of_shops(&self) -> impl Iterator<Item = (u32, u32)> {
        let mut own: Vec<(u32, u32)> = self
            .rulings
            .keys()
            .filter(|(shop, ..)| *shop != NONE)
            .map(|&(shop, anchor, _)| (shop, anchor))
            .collect();
        own.sort_unstable();
        own.dedup();
        own.into_iter()
    }
}
