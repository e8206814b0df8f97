use tandem_domain::edge::{GateCounts, STORED_COMPANIONS, Source};
use tandem_domain::relation::Relation;

use super::selection::Selection;
use crate::count::Counter;
use crate::facts::dense;
use crate::ground::keep_best;
use crate::rank::stored;
use crate::row::{Chosen, Listing, Row, Threshold, Verdict};
use crate::signals::Input;

/// Frequently bought together, any category: enough support, and more than chance where the parameters want that.
pub(crate) fn together(row: &Row<'_>) -> Listing {
    let params = &row.frame.epoch.params;
    let threshold = if params.together.significant {
        row.threshold(Input::CoPurchase)
    } else {
        Threshold::support(params.gates.least_support)
    };
    closed(
        row,
        Relation::Together,
        Input::CoPurchase,
        params.together.power,
        threshold,
    )
}

/// Viewed in the same sessions: enough support; or viewed beside companions, where the epoch lends that.
pub(crate) fn also_viewed(row: &Row<'_>) -> Listing {
    let threshold = Threshold::support(row.frame.epoch.params.gates.least_support);
    let lent = row
        .frame
        .two_hop
        .as_ref()
        .map_or(&[][..], |lent| lent.of(row.anchor));
    if lent.is_empty() {
        closed(row, Relation::AlsoViewed, Input::CoView, 1.0, threshold)
    } else {
        lengthened(row, threshold, lent)
    }
}

/// The closed forms of one input, both of them, behind one threshold.
fn closed(row: &Row<'_>, relation: Relation, input: Input, power: f64, threshold: Threshold<'_>) -> Listing {
    let mut refused = GateCounts::default();
    let mut selection = Selection::new(&row.frame.standing);
    let Some((counter, signal)) = row.input(input) else {
        return row.list(relation, Vec::new(), refused);
    };
    let ridge = row
        .frame
        .ridge
        .as_ref()
        .filter(|_| relation == Relation::Together);
    let whole = |item: u32| {
        let closed = row.many(input, item).powf(power);
        ridge.map_or(closed, |ridge| ridge.vote(row.anchor, item, closed))
    };
    let valued = |item: u32| {
        let (support, weight) = (counter.support(item), counter.weight(item));
        let frozen = signal.counts[item as usize];
        let score = signal
            .single
            .value(item, counter.single_weight(item), support, frozen);
        // Without a regression the anchor's part and the power change no order inside the row.
        let vote = match ridge {
            Some(_) => whole(item),
            None => signal.many.value(item, weight, support, frozen),
        };
        (item, stored(score), stored(vote))
    };
    // What a value is made of lies anywhere in memory, and whether a candidate is among the best so far is a coin that no
    // branch foretells. So all are valued before any is offered: reads that wait for no branch are under way together.
    let items = passing(row, counter, &signal.counts, threshold, &mut refused);
    let candidates: Vec<(u32, f32, f32)> = items.into_iter().map(valued).collect();
    for (item, score, vote) in candidates {
        if score > 0.0 {
            selection.offer(item, score, vote);
        }
    }
    let (items, left_out) = selection.finish();
    refused.rank = left_out;
    let chosen = items.into_iter().map(|item| Chosen {
        item,
        score: stored(row.single(input, item)),
        vote: stored(whole(item)),
        input,
        source: Source::Learned,
        generated: counter.is_generated(item),
    });
    row.list(relation, chosen.collect(), refused)
}

/// Companions that pass the threshold. Who passes is a coin that no branch foretells, so each is written and only those
/// who pass are counted; and most are rare, so the rest is looked up for the others only.
fn passing(
    row: &Row<'_>,
    counter: &Counter,
    counts: &[u32],
    threshold: Threshold<'_>,
    refused: &mut GateCounts,
) -> Vec<u32> {
    let touched = counter.touched();
    let (mut items, mut many) = (vec![0; touched.len()], 0);
    for &item in touched {
        let stands = row.is_companion(item);
        let is_rare = threshold.is_rare(counter.support(item));
        items[many] = item;
        many += usize::from(stands & !is_rare);
        refused.support += u32::from(stands & is_rare);
    }
    let mut passing = 0;
    for at in 0..many {
        let item = items[at];
        let support = counter.support(item);
        let verdict = threshold.judge(support, counts[item as usize].max(support));
        items[passing] = item;
        passing += usize::from(verdict == Verdict::Passes);
    }
    refused.significance += dense(many - passing);
    items.truncate(passing);
    items
}

/// Co-views and what neighbours' rows lend: P + ε·P², in the row's own size.
fn lengthened(row: &Row<'_>, threshold: Threshold<'_>, lent: &[(u32, f32)]) -> Listing {
    let mut refused = GateCounts::default();
    let Some((counter, signal)) = row.input(Input::CoView) else {
        return row.list(Relation::AlsoViewed, Vec::new(), refused);
    };
    let mut near: Vec<(u32, f64)> = Vec::new();
    for &item in counter.touched().iter().filter(|&&item| row.is_companion(item)) {
        let support = counter.support(item);
        if threshold.judge(support, support) == Verdict::Passes {
            near.push((item, row.single(Input::CoView, item)));
        } else {
            refused.support += 1;
        }
    }
    keep_best(&mut near, usize::MAX, |one| (one.1, one.0));
    let mass: f64 = near.iter().take(STORED_COMPANIONS).map(|one| one.1).sum();
    let size = mass * row.frame.epoch.params.viewed.two_hop;
    near.sort_unstable_by_key(|one| one.0);
    let at = |item: u32| near.binary_search_by_key(&item, |one| one.0).ok();
    let far = |item: u32| {
        let at = lent.binary_search_by_key(&item, |one| one.0).ok();
        at.map_or(0.0, |at| size * f64::from(lent[at].1))
    };
    let score = |item: u32| at(item).map_or(0.0, |at| near[at].1) + far(item);

    let mut selection = Selection::new(&row.frame.standing);
    let new = lent.iter().map(|one| one.0);
    let new = new.filter(|&item| row.is_companion(item) && at(item).is_none());
    for item in near.iter().map(|one| one.0).chain(new) {
        let value = stored(score(item));
        if value > 0.0 {
            selection.offer(item, value, value);
        }
    }
    let (items, left_out) = selection.finish();
    refused.rank = left_out;
    // A generated session on the way holds one of its two ends.
    let taints = |item: u32| far(item) > 0.0 && (signal.is_tainted(row.anchor) || signal.is_tainted(item));
    let chosen = items.into_iter().map(|item| Chosen {
        item,
        score: stored(score(item)),
        vote: stored(score(item) * row.anchor_part(Input::CoView)),
        input: Input::CoView,
        source: Source::Learned,
        generated: counter.is_generated(item) || taints(item),
    });
    row.list(Relation::AlsoViewed, chosen.collect(), refused)
}
