use tandem_domain::edge::{Edge, EdgeList, Evidence, GateCounts, STORED_COMPANIONS, Signal, Source};
use tandem_domain::relation::Relation;

use crate::count::Counter;
use crate::frame::Frame;
use crate::rank::{Best, stored};
use crate::significance;

/// Places of the list that go by `score`; the rest go by `basket_score`.
const BY_SCORE: usize = 20;

/// Frequently bought together, any category.
pub(crate) fn together(frame: &Frame<'_>, anchor: u32, bought: &Counter) -> EdgeList {
    let mut refused = GateCounts::default();
    let (mut by_score, mut by_vote) = (Best::of(BY_SCORE), Best::of(STORED_COMPANIONS));
    let live = frame.facts.purchases.count(anchor);
    let total = frame.purchases.total.max(live);
    let chance: Vec<u32> = (0..3)
        .map(|both| significance::largest_significant(both, live, total))
        .collect();
    let mut passed = 0_u32;
    for &item in bought.touched() {
        if item == anchor || !frame.facts.products.listed[item as usize] {
            continue;
        }
        let support = bought.support(item);
        let count = frame.purchases.companion(item, support);
        if support < 3 && count > chance[support as usize] {
            refused.significance += 1;
            continue;
        }
        passed += 1;
        let frozen = frame.purchases.counts[item as usize];
        let weight = bought.weight(item);
        let score = stored(frame.single.value(item, weight, support, frozen));
        if by_score.admits(score) {
            by_score.offer(frame.standing.key(score, item));
        }
        let vote = stored(frame.many.value(item, weight, support, frozen));
        if by_vote.admits(vote) {
            by_vote.offer(frame.standing.key(vote, item));
        }
    }
    let mut items: Vec<u32> = by_score
        .take()
        .into_iter()
        .map(|key| frame.standing.item(key))
        .collect();
    for key in by_vote.take() {
        let item = frame.standing.item(key);
        if items.len() < STORED_COMPANIONS && !items.contains(&item) {
            items.push(item);
        }
    }
    refused.rank = passed - crate::facts::dense(items.len());
    let params = &frame.epoch.params.together;
    let anchor_part =
        (f64::from(live.max(frame.purchases.counts[anchor as usize])) + params.lambda).powf(-params.alpha);
    let mut edges: Vec<(u64, Edge)> = items
        .into_iter()
        .map(|item| {
            let support = bought.support(item);
            let frozen = frame.purchases.counts[item as usize];
            let weight = bought.weight(item);
            let score = stored(frame.single.value(item, weight, support, frozen));
            let vote = (frame.many.value(item, weight, support, frozen) * anchor_part).powf(params.power);
            let count = frame.purchases.companion(item, support);
            let (both, a, b, n) = (
                u64::from(support),
                u64::from(live),
                u64::from(count),
                u64::from(total),
            );
            let edge = Edge {
                companion: frame.facts.products.ids[item as usize].clone(),
                score,
                basket_score: stored(vote),
                source: Source::Learned,
                generated: false,
                evidence: Evidence {
                    signal: Signal::CoPurchase,
                    support,
                    anchor_count: live,
                    companion_count: count,
                    total,
                    lift: stored(significance::lift(both, a, b, n)),
                    llr: stored(significance::llr(both, a, b, n)),
                    window_days: frame.purchases.days,
                },
            };
            (frame.standing.key(score, item), edge)
        })
        .collect();
    edges.sort_unstable_by_key(|(key, _)| std::cmp::Reverse(*key));
    let edges: Vec<Edge> = edges.into_iter().map(|(_, edge)| edge).collect();
    if edges.len() == STORED_COMPANIONS {
        refused.cut_off = edges[STORED_COMPANIONS - 1].score;
    }
    EdgeList {
        relation: Relation::Together,
        edges,
        refused,
    }
}
