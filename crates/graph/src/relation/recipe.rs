use rustc_hash::FxHashMap;
use tandem_domain::edge::{GateCounts, Source};

use super::candidate::Gathering;
use super::diversity;
use super::judge::{judge, largest_share};
use super::selection::Selection;
use crate::facts::dense;
use crate::row::{Chosen, Row};
use crate::signals::Recipe;

/// Whom a gated relation stores, best first, and why others are not among them.
pub(crate) fn gated(row: &Row<'_>, recipe: &Recipe, gathering: &mut Gathering) -> (Vec<Chosen>, GateCounts) {
    gathering.gather(row, recipe);
    let largest_share = largest_share(row, recipe, gathering.items());
    let mut refused = GateCounts::default();
    let mut selection = Selection::new(&row.frame.standing);
    let mut passed: FxHashMap<u32, Chosen> = FxHashMap::default();
    for &item in gathering.items() {
        match judge(row, recipe, item, gathering.is_proposed(item), largest_share) {
            Ok(one) if one.score > 0.0 => {
                selection.offer(item, one.score, one.vote);
                passed.insert(item, one);
            }
            Ok(_) => {}
            Err(refusal) => refusal.count(&mut refused),
        }
    }
    let (items, left_out) = selection.finish();
    let chosen: Vec<Chosen> = items
        .iter()
        .filter_map(|item| passed.get(item).copied())
        .collect();
    let found = chosen.len();
    let chosen = thin(row, chosen);
    refused.rank = left_out + dense(found - chosen.len());
    (diversity::spread(row, recipe, chosen), refused)
}

/// Keeps the best of those that rest on attributes alone: they are many and say little.
fn thin(row: &Row<'_>, mut chosen: Vec<Chosen>) -> Vec<Chosen> {
    chosen.sort_unstable_by_key(|one| std::cmp::Reverse(row.frame.standing.key(one.score, one.item)));
    let mut room = row.frame.epoch.params.cold_start.stored;
    chosen.retain(|one| {
        let stays = one.source == Source::Learned || room > 0;
        room -= usize::from(stays && one.source != Source::Learned);
        stays
    });
    chosen
}
