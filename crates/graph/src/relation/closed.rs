use tandem_domain::edge::{GateCounts, STORED_COMPANIONS, Source};
use tandem_domain::relation::Relation;

use super::funnel::{Funnel, Judged, Refusals, STEP};
use super::selection::Selection;
use crate::damping::raised;
use crate::ground::keep_best;
use crate::rank::stored;
use crate::row::{Chosen, Listing, Row, Threshold, Verdict};
use crate::signals::Input;

/// Frequently bought together, any category: enough support, and more than chance where the parameters want that.
pub(crate) fn together(row: &Row<'_>, funnel: &mut Funnel) -> Listing {
    let params = &row.frame.epoch.params;
    let threshold = if params.together.significant {
        row.threshold(Input::CoPurchase)
    } else {
        Threshold::support(params.gates.least_support)
    };
    closed(
        row,
        (Relation::Together, Input::CoPurchase),
        params.together.power,
        threshold,
        funnel,
    )
}

/// Viewed in the same sessions: enough support; or viewed beside companions, where the epoch lends that.
pub(crate) fn also_viewed(row: &Row<'_>, funnel: &mut Funnel) -> Listing {
    let threshold = Threshold::support(row.frame.epoch.params.gates.least_support);
    let lent = row
        .frame
        .two_hop
        .as_ref()
        .map_or(&[][..], |lent| lent.of(row.anchor));
    if lent.is_empty() {
        closed(row, (Relation::AlsoViewed, Input::CoView), 1.0, threshold, funnel)
    } else {
        lengthened(row, threshold, lent)
    }
}

/// The closed forms of one input, both of them, behind one threshold.
fn closed(
    row: &Row<'_>,
    (relation, input): (Relation, Input),
    power: f64,
    threshold: Threshold<'_>,
    funnel: &mut Funnel,
) -> Listing {
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
        let closed = raised(row.many(input, item), power);
        ridge.map_or(closed, |ridge| ridge.vote(row.anchor, item, closed))
    };
    // The anchor's part and the power change no order inside the row, so votes are compared without them, and nothing but a
    // weight by regression lifts one above the closed form. Few pairs have one.
    let lifted = |item: u32| raised(whole(item), 1.0 / power) / row.anchor_part(input);
    let unlent = ridge.map_or(1.0, |ridge| raised(ridge.unlent(), 1.0 / power));
    // One weight bounds both values where both are made of it: all but the votes of those whom a regression lends to.
    let is_bounded = funnel.refusals == Refusals::Unasked && !counter.has_singles();
    let lent = || ridge.iter().flat_map(|ridge| ridge.lent(row.anchor));
    funnel.exempt(lent(), true);
    for some in counter.touched().chunks(STEP) {
        let (lowest_score, lowest_vote) = selection.floors();
        let least = if is_bounded {
            let single = signal.single.least_weight(f64::from(lowest_score));
            single.min(signal.many.least_weight(f64::from(lowest_vote)))
        } else {
            0
        };
        let value = |one: &Judged| {
            let (item, support) = (one.item, one.cell.support());
            let single = counter.single_weight(item);
            let score = signal.single.value(item, single, support, one.frozen);
            let closed = signal.many.value(item, one.cell.weight(), support, one.frozen);
            let vote = match ridge {
                None => closed,
                Some(_) if one.is_exempt => lifted(item),
                Some(ridge) if ridge.is_target(item) => closed * unlent,
                Some(_) => closed,
            };
            (item, stored(score), stored(vote))
        };
        let gate = (&signal.counts[..], threshold);
        for &(item, score, vote) in funnel.pass(row, counter, (some, least), gate, &mut refused, value) {
            if score > 0.0 {
                selection.offer(item, score, vote);
            }
        }
    }
    funnel.exempt(lent(), false);
    let (items, left_out) = selection.finish();
    refused.rank = left_out;
    if funnel.refusals == Refusals::Unasked {
        refused = GateCounts::default();
    }
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
