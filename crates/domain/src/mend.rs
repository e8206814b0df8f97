//! The sellable form of a bundle: stand-ins for parts that are sold out, or run low where a surface wants them replaced.
//!
//! Pure: nothing is remembered between calls, so a part that is back in stock is back in its set.

use std::collections::HashSet;

use crate::bundle::{BundleMember, FixedBundle, LearnedBundle};
use crate::id::{FixedBundleId, ProductId};
use crate::overlay::{DropReason, Vouched};
use crate::stock::{SellableCount, Supply};

/// The fewest companions of a set.
pub const FEWEST_COMPANIONS: usize = 2;

/// A companion of a mended set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The product that is sold.
    pub product: ProductId,
    /// What it does in the set.
    pub role: String,
    /// Units of it in one set.
    pub quantity: u32,
    /// The member it stands in for, and why; `None` when it is the first choice.
    pub replaces: Option<(ProductId, DropReason)>,
    /// Orders that hold the anchor and this product; 0 for a stand-in.
    pub support: u32,
    /// Units that may be sold.
    pub sellable: SellableCount,
    /// How much is left; `None` for unknown stock that the surface shows.
    pub supply: Option<Supply>,
}

/// A set all of whose parts can be bought now.
#[derive(Debug, Clone, PartialEq)]
pub struct MendedSet {
    /// The companions, in the order in which they are shown.
    pub parts: Vec<Part>,
    /// Members that nothing stands in for, and why they are not here.
    pub left_out: Vec<(ProductId, DropReason)>,
    /// Sets that can be sold: the minimum over anchor and companions of ⌊units ÷ quantity⌋.
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
    /// The merchant's bundle that it is, and its title; `None` for a learned set.
    pub fixed: Option<(FixedBundleId, String)>,
}

impl MendedSet {
    /// Whether every part is the one that was learned.
    #[must_use]
    pub fn is_as_learned(&self) -> bool {
        self.left_out.is_empty() && self.parts.iter().all(|part| part.replaces.is_none())
    }

    fn members(&self) -> Vec<(ProductId, u32)> {
        let member = |part: &Part| (part.product.clone(), part.quantity);
        let mut members: Vec<_> = self.parts.iter().map(member).collect();
        members.sort_unstable();
        members
    }
}

/// What holds for the sets of an anchor.
#[derive(Debug, Clone, Copy)]
pub struct Terms<'a> {
    /// The anchor; never a part of its own set.
    pub anchor: &'a ProductId,
    /// Units of it that may be sold, `None` when it cannot be bought.
    pub sellable: Option<SellableCount>,
    /// From which supply on a part is replaced, if something with more left can stand in.
    pub replace: Option<Supply>,
}

/// Mends every set, withholds what cannot be mended, and keeps the first of sets that became the same. Merchants' own
/// stand ahead of what was learned. `shelf` says what may be sold of a product, or why it may not be used.
#[must_use]
pub fn mend_all(
    fixed: &[FixedBundle],
    bundles: &[LearnedBundle],
    terms: Terms<'_>,
    shelf: impl Fn(&ProductId) -> Result<Vouched, DropReason>,
) -> Vec<MendedSet> {
    let mut seen = HashSet::new();
    let fixed = fixed.iter().filter_map(|bundle| {
        Some(MendedSet {
            fixed: Some((bundle.id.clone(), bundle.input.title.clone())),
            ..mend(&bundle.as_set(), terms, &shelf)?
        })
    });
    fixed
        .chain(bundles.iter().filter_map(|bundle| mend(bundle, terms, &shelf)))
        .filter(|set| seen.insert(set.members()))
        .collect()
}

/// Replaces each member that cannot be bought by the first stand-in of its role that can and is not in the set
/// already; without one the member is left out. Enough units for one set must be there. A member that runs low is
/// replaced by a stand-in that does not, and stays without one. `None` when the anchor cannot be bought or fewer than
/// [`FEWEST_COMPANIONS`] remain.
#[must_use]
pub fn mend(
    bundle: &LearnedBundle,
    terms: Terms<'_>,
    shelf: impl Fn(&ProductId) -> Result<Vouched, DropReason>,
) -> Option<MendedSet> {
    let anchor_sellable = terms.sellable?;
    let bench = Bench { terms, shelf };
    let mut taken: HashSet<&ProductId> = bundle
        .members
        .iter()
        .filter(|member| bench.stock(&member.product, member.quantity).is_ok())
        .map(|member| &member.product)
        .collect();
    let (mut parts, mut left_out) = (Vec::new(), Vec::new());
    for member in &bundle.members {
        match bench.fill(member, &mut taken) {
            Ok(part) => parts.push(part),
            Err(why) => left_out.push((member.product.clone(), why)),
        }
    }
    if parts.len() < FEWEST_COMPANIONS {
        return None;
    }
    let sellable = parts
        .iter()
        .map(|part| sets_of(part.sellable, part.quantity))
        .fold(anchor_sellable, Ord::min);
    Some(MendedSet {
        parts,
        left_out,
        sellable,
        score: bundle.score,
        support: bundle.support,
        anchor_count: bundle.anchor_count,
        learned_parts: bundle.members.len(),
        generated: bundle.generated,
        fixed: None,
    })
}

/// "255 or more" stays that: nobody knows how many sets it is enough for, and the quote tells.
fn sets_of(units: SellableCount, quantity: u32) -> SellableCount {
    if units == SellableCount::MANY {
        units
    } else {
        units.over(quantity)
    }
}

struct Bench<'a, S> {
    terms: Terms<'a>,
    shelf: S,
}

impl<S: Fn(&ProductId) -> Result<Vouched, DropReason>> Bench<'_, S> {
    /// What there is of a product, if it is enough for one set. What the surface shows without knowing its stock is.
    fn stock(&self, product: &ProductId, quantity: u32) -> Result<Vouched, DropReason> {
        if product == self.terms.anchor {
            return Err(DropReason::ExcludedByRequest);
        }
        let vouched = (self.shelf)(product)?;
        if vouched.supply.is_some() && !sets_of(vouched.sellable, quantity).can_be_bought() {
            return Err(DropReason::OutOfStock);
        }
        Ok(vouched)
    }

    /// Members that can be bought keep their place, so a stand-in never takes a product that stands further down.
    fn fill<'m>(
        &self,
        member: &'m BundleMember,
        taken: &mut HashSet<&'m ProductId>,
    ) -> Result<Part, DropReason> {
        let own = self.stock(&member.product, member.quantity);
        match own {
            Ok(own) if !own.is(self.terms.replace) => Ok(part(member, &member.product, None, own)),
            Ok(low) => Ok(self
                .stand_in(member, taken, DropReason::LowStock, |vouched| {
                    !vouched.is(self.terms.replace)
                })
                .unwrap_or_else(|| part(member, &member.product, None, low))),
            Err(why) => {
                // One with plenty left first: what runs low would be replaced itself.
                let with_plenty = |vouched: Vouched| !vouched.is(self.terms.replace);
                let found = self.stand_in(member, taken, why, with_plenty);
                found
                    .or_else(|| self.stand_in(member, taken, why, |_| true))
                    .ok_or(why)
            }
        }
    }

    fn stand_in<'m>(
        &self,
        member: &'m BundleMember,
        taken: &mut HashSet<&'m ProductId>,
        why: DropReason,
        suits: impl Fn(Vouched) -> bool,
    ) -> Option<Part> {
        let (product, vouched) = member
            .alternates
            .iter()
            .filter(|product| !taken.contains(product))
            .find_map(|product| {
                let vouched = self.stock(product, member.quantity).ok()?;
                suits(vouched).then_some((product, vouched))
            })?;
        taken.insert(product);
        Some(part(member, product, Some(why), vouched))
    }
}

fn part(member: &BundleMember, product: &ProductId, why: Option<DropReason>, vouched: Vouched) -> Part {
    Part {
        product: product.clone(),
        role: member.role.clone(),
        quantity: member.quantity,
        support: if why.is_some() { 0 } else { member.support },
        replaces: why.map(|why| (member.product.clone(), why)),
        sellable: vouched.sellable,
        supply: vouched.supply,
    }
}
