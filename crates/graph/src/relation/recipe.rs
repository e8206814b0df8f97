use tandem_domain::edge::{GateCounts, Source};

use super::candidate::Gathering;
use super::diversity;
use super::funnel::STEP;
use super::gate::Habits;
use super::judge::{Judge, Passed, Seen};
use super::selection::Selection;
use crate::damping::{damping, raised};
use crate::facts::dense;
use crate::rank::stored;
use crate::row::{Chosen, Row};
use crate::signals::{Input, Recipe};

/// Whom a gated relation stores, best first, and why others are not among them.
pub(crate) fn gated(row: &Row<'_>, recipe: &Recipe, gathering: &mut Gathering) -> (Vec<Chosen>, GateCounts) {
    let habits = Habits::of(row, recipe);
    let mut refused = GateCounts {
        category: gathering.gather(row, recipe, &habits),
        ..GateCounts::default()
    };
    let judge = Judge::new(row, recipe, habits, gathering);
    let mut selection = Selection::new(&row.frame.standing);
    let mut passed: Vec<Passed> = Vec::with_capacity(STEP);
    let mut near: Vec<Seen> = Vec::with_capacity(STEP);
    for some in gathering.candidates().chunks(STEP) {
        near.clear();
        for &candidate in some {
            match judge.witness(candidate.item) {
                Ok(input) => near.push((candidate, Some(input))),
                Err(_) if candidate.is_proposed => near.push((candidate, None)),
                Err(refusal) => refusal.count(&mut refused),
            }
        }
        std::hint::black_box(judge.fetch(&near));
        for seen in &near {
            match judge.judge(seen) {
                Ok(one) if one.score > 0.0 => {
                    if selection.offer(one.item, one.score, one.vote) {
                        passed.push(one);
                    }
                }
                Ok(_) => {}
                Err(refusal) => refusal.count(&mut refused),
            }
        }
    }
    let (mut items, left_out) = selection.finish();
    items.sort_unstable();
    passed.retain(|one| items.binary_search(&one.item).is_ok());
    let passed: Vec<Chosen> = passed.into_iter().map(|one| judge.chosen(one)).collect();
    let found = passed.len();
    let chosen = thin(row, passed);
    refused.rank = left_out + dense(found - chosen.len());
    let mut chosen = diversity::spread(row, recipe, chosen);
    vote_in_size(row, recipe, &mut chosen);
    (chosen, refused)
}

/// Puts votes in the row's own size, so that those of different anchors add up: times the largest vote of its leading
/// input, or that of one lone basket where the row has none.
fn vote_in_size(row: &Row<'_>, recipe: &Recipe, chosen: &mut [Chosen]) {
    let lead = recipe
        .weights
        .first()
        .map_or(Input::CoPurchase, |&(input, _)| input);
    let params = &row.frame.epoch.params.together;
    let largest = row.strengths().largest_vote(lead);
    let lone = row.anchor_part(lead) * damping(0, params.lambda, params.beta);
    let size = if largest > 0.0 { largest } else { lone };
    let power = if lead == Input::CoPurchase {
        params.power
    } else {
        1.0
    };
    for one in chosen {
        one.vote = stored(raised(f64::from(one.vote) * size, power));
    }
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
