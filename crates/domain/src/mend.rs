//! The sellable form of a learned bundle: stand-ins for parts that are sold out.
//!
//! Pure: nothing is remembered between calls, so a part that is back in stock is back in its set.

use std::collections::HashSet;

use crate::bundle::{BundleMember, LearnedBundle};
use crate::id::ProductId;
use crate::stock::SellableCount;

/// The fewest companions of a set.
pub const FEWEST_COMPANIONS: usize = 2;

/// A companion of a mended set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The product that is sold.
    pub product: ProductId,
    /// What it does in the set.
    pub role: String,
    /// The member it stands in for; `None` when it is the first choice.
    pub replaces: Option<ProductId>,
    /// Orders that hold the anchor and this product; 0 for a stand-in.
    pub support: u32,
    /// Units that may be sold.
    pub sellable: SellableCount,
}

/// A set all of whose parts can be bought now.
#[derive(Debug, Clone, PartialEq)]
pub struct MendedSet {
    /// The companions, in the order in which they are shown.
    pub parts: Vec<Part>,
    /// Sets that can be sold: the minimum over anchor and companions.
    pub sellable: SellableCount,
    /// Rank value as learned.
    pub score: f32,
    /// Orders that hold the anchor and every companion as learned.
    pub support: u32,
    /// Orders that hold the anchor.
    pub anchor_count: u32,
    /// Companions as learned; fewer parts mean that some had no stand-in.
    pub learned_parts: usize,
    /// Whether generated records carry it.
    pub generated: bool,
}

impl MendedSet {
    /// Whether every part is the one that was learned.
    #[must_use]
    pub fn is_as_learned(&self) -> bool {
        self.parts.len() == self.learned_parts && self.parts.iter().all(|part| part.replaces.is_none())
    }

    fn members(&self) -> Vec<ProductId> {
        let mut members: Vec<_> = self.parts.iter().map(|part| part.product.clone()).collect();
        members.sort_unstable();
        members
    }
}

/// The anchor of a bundle and how many of it may be sold.
#[derive(Debug, Clone, Copy)]
pub struct Anchor<'a> {
    /// The product; never a part of its own set.
    pub product: &'a ProductId,
    /// Units that may be sold, `None` when it cannot be bought.
    pub sellable: Option<SellableCount>,
}

/// Mends every set, withholds what cannot be mended, and keeps the first of sets that became the same.
/// `shelf` says how many of a product may be sold, `None` when it cannot be bought or is not wanted.
#[must_use]
pub fn mend_all(
    bundles: &[LearnedBundle],
    anchor: Anchor<'_>,
    shelf: impl Fn(&ProductId) -> Option<SellableCount>,
) -> Vec<MendedSet> {
    let mut seen = HashSet::new();
    bundles
        .iter()
        .filter_map(|bundle| mend(bundle, anchor, &shelf))
        .filter(|set| seen.insert(set.members()))
        .collect()
}

/// Replaces each member that cannot be bought by the first stand-in of its role that can and is not in the set
/// already; without one the member is left out. `None` when the anchor cannot be bought or fewer than
/// [`FEWEST_COMPANIONS`] remain.
#[must_use]
pub fn mend(
    bundle: &LearnedBundle,
    anchor: Anchor<'_>,
    shelf: impl Fn(&ProductId) -> Option<SellableCount>,
) -> Option<MendedSet> {
    let anchor_sellable = anchor.sellable?;
    let shelf = |product: &ProductId| shelf(product).filter(|_| product != anchor.product);
    let parts = parts(bundle, shelf);
    if parts.len() < FEWEST_COMPANIONS {
        return None;
    }
    let sellable = parts
        .iter()
        .map(|part| part.sellable)
        .fold(anchor_sellable, Ord::min);
    Some(MendedSet {
        parts,
        sellable,
        score: bundle.score,
        support: bundle.support,
        anchor_count: bundle.anchor_count,
        learned_parts: bundle.members.len(),
        generated: bundle.generated,
    })
}

/// Members that can be bought keep their place, so a stand-in never takes a product that stands further down.
fn parts(bundle: &LearnedBundle, shelf: impl Fn(&ProductId) -> Option<SellableCount>) -> Vec<Part> {
    let mut taken: HashSet<&ProductId> = bundle
        .members
        .iter()
        .map(|member| &member.product)
        .filter(|product| shelf(product).is_some())
        .collect();
    bundle
        .members
        .iter()
        .filter_map(|member| match shelf(&member.product) {
            Some(sellable) => Some(first_choice(member, sellable)),
            None => stand_in(member, &mut taken, &shelf),
        })
        .collect()
}

fn first_choice(member: &BundleMember, sellable: SellableCount) -> Part {
    Part {
        product: member.product.clone(),
        role: member.role.clone(),
        replaces: None,
        support: member.support,
        sellable,
    }
}

fn stand_in<'a>(
    member: &'a BundleMember,
    taken: &mut HashSet<&'a ProductId>,
    shelf: impl Fn(&ProductId) -> Option<SellableCount>,
) -> Option<Part> {
    let (product, sellable) = member
        .alternates
        .iter()
        .filter(|product| !taken.contains(product))
        .find_map(|product| Some((product, shelf(product)?)))?;
    taken.insert(product);
    Some(Part {
        product: product.clone(),
        role: member.role.clone(),
        replaces: Some(member.product.clone()),
        support: 0,
        sellable,
    })
}
