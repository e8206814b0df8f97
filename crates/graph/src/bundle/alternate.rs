use tandem_domain::bundle::STORED_ALTERNATES;
use tandem_domain::id::ProductId;

use super::pool::fits;
use crate::row::{Chosen, Row};

/// A stand-in costs at least half and at most twice as much as whom it stands in for (ln).
const DOUBLE: f64 = std::f64::consts::LN_2 + 1e-9;

/// Who can take the part of `member` when it cannot be bought: other complements with its role, best first, then
/// popular products of its leaf at about its price; what came since the epoch began stands in for none beside an anchor of
/// the record, as it is proposed to none. Without categories any further complement will do.
pub(super) fn alternates(
    row: &Row<'_>,
    complements: &[Chosen],
    members: &[u32],
    member: u32,
) -> Vec<ProductId> {
    let frame = row.frame;
    let leaf_of = &frame.facts.products.leaf;
    let leaf = leaf_of[member as usize];
    let is_free = |item: u32| item != row.anchor && !members.contains(&item) && fits(row, item);
    let learned = complements.iter().map(|one| one.item);
    let mut chosen: Vec<u32> = learned
        .filter(|&item| leaf_of[item as usize] == leaf && is_free(item))
        .take(STORED_ALTERNATES)
        .collect();
    let is_open = !frame.settled.get(row.anchor);
    let popular = frame.by_leaf.of(leaf).iter();
    let popular = popular
        .filter(|&&item| is_open || frame.settled.get(item))
        .take(frame.epoch.params.cold_start.per_family);
    for &item in popular {
        if chosen.len() == STORED_ALTERNATES {
            break;
        }
        let costs_alike = frame
            .ln_ratio(member, item)
            .is_none_or(|ratio| ratio.abs() <= DOUBLE);
        if costs_alike && !chosen.contains(&item) && is_free(item) {
            chosen.push(item);
        }
    }
    chosen
        .into_iter()
        .map(|item| frame.facts.products.ids[item as usize].clone())
        .collect()
}
