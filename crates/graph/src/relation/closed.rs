use tandem_domain::edge::{GateCounts, STORED_COMPANIONS, Source};
use tandem_domain::relation::Relation;

use super::funnel::{Funnel, Gates, Refusals};
use super::selection::{Keys, Ranking, Selection};
use crate::damping::raised;
use crate::facts::dense;
use crate::flags::Flags;
use crate::frame::Estimate;
use crate::ground::keep_best;
use crate::rank::stored;
use crate::row::{Chosen, Listing, Row, Threshold, Verdict};
use crate::signals::Input;

/// Frequently bought together, any category: enough support, and more than chance where the parameters want that.
pub(crate) fn together(row: &Row<'_>, scratch: &mut Scratch) -> Listing {
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
        scratch,
    )
}

/// Viewed in the same sessions: enough support; or viewed beside companions, where the epoch lends that.
pub(crate) fn also_viewed(row: &Row<'_>, scratch: &mut Scratch) -> Listing {
    let threshold = Threshold::support(row.frame.epoch.params.gates.least_support);
    let lent = row
        .frame
        .two_hop
        .as_ref()
        .map_or(&[][..], |lent| lent.of(row.anchor));
    if lent.is_empty() {
        closed(
            row,
            (Relation::AlsoViewed, Input::CoView),
            1.0,
            threshold,
            scratch,
        )
    } else {
        lengthened(row, threshold, lent, scratch)
    }
}

/// The closed forms of one input, both of them, behind one threshold.
fn closed(
    row: &Row<'_>,
    (relation, input): (Relation, Input),
    power: f64,
    threshold: Threshold<'_>,
    scratch: &mut Scratch,
) -> Listing {
    let mut refused = GateCounts::default();
    let Some((counter, signal)) = row.counted(input) else {
        return row.list(relation, Vec::new(), refused);
    };
    let ridge = row
        .frame
        .ridge
        .as_ref()
        .filter(|_| relation == Relation::Together);
    let vote = |item: u32, closed: f64| {
        let closed = raised(closed * row.anchor_part(input), power);
        ridge.map_or(closed, |ridge| ridge.vote(row.anchor, item, closed))
    };
    // The anchor's part and the power change no order inside the row, so votes are compared without them, and nothing but a
    // weight by regression lifts one above the closed form. Few pairs have one.
    let lent: Vec<u32> = ridge.map_or_else(Vec::new, |ridge| {
        let lent = ridge.lent(row.anchor);
        lent.filter(|&item| counter.support(item) > 0).collect()
    });
    let unlent = ridge.map_or(1.0, |ridge| ridge.unlent(power));
    let value = |item: u32, is_lent: bool| {
        let (support, frozen) = (counter.support(item), signal.frozen(item));
        let single = signal
            .single
            .value(item, counter.single_weight(item), support, frozen);
        let closed = signal.many.value(item, counter.weight(item), support, frozen);
        let compared = match ridge {
            Some(_) if is_lent => raised(vote(item, closed), 1.0 / power) / row.anchor_part(input),
            Some(ridge) if ridge.is_target(item) => closed * unlent,
            _ => closed,
        };
        (stored(single), stored(compared), closed)
    };
    let gates = Gates {
        row,
        counter,
        signal,
        threshold,
    };
    let funnel = &mut scratch.funnel;
    funnel.begin(row, &lent);
    let lent_value = |item| {
        let (score, vote, _) = value(item, true);
        let companion = signal.companion(item, counter.support(item));
        Estimate {
            score,
            vote,
            companion,
        }
    };
    funnel.pass_apart(&lent, &gates, lent_value, &mut refused);
    // One weight bounds both values where both are made of it.
    let is_bounded = funnel.refusals == Refusals::Unasked && !counter.has_singles();
    funnel.pass(&gates, is_bounded, &mut refused);
    funnel.close();
    let standing = &row.frame.standing;
    let near = funnel.best();
    std::hint::black_box((signal.single.fetch(near), standing.fetch(near.iter().copied())));
    let valued = near.iter().map(|&item| {
        let (score, compared, closed) = value(item, funnel.is_apart(item));
        Valued {
            keys: Keys {
                by_score: standing.key(score, item),
                by_vote: standing.key(compared, item),
            },
            item,
            score,
            closed,
        }
    });
    scratch.valued.clear();
    scratch.valued.extend(valued);
    let best = scratch.ranking.best(&scratch.valued, |one| one.keys);
    let passed = funnel.end(row, &lent);
    if funnel.refusals == Refusals::Unasked {
        refused = GateCounts::default();
    } else {
        refused.rank = passed - dense(best.len());
    }
    let chosen = best.map(|one| Chosen {
        item: one.item,
        score: one.score,
        vote: stored(vote(one.item, one.closed)),
        input,
        source: Source::Learned,
        generated: counter.is_generated(one.item),
    });
    row.list(relation, chosen.collect(), refused)
}

/// Scratch of one worker.
#[derive(Debug)]
pub(crate) struct Scratch {
    funnel: Funnel,
    valued: Vec<Valued>,
    selection: Selection,
    ranking: Ranking,
}

impl Scratch {
    /// For rows of the frame in which companions are `listed`.
    pub(crate) fn new(listed: &Flags, refusals: Refusals) -> Self {
        Self {
            funnel: Funnel::new(listed, refusals),
            valued: Vec::new(),
            selection: Selection::default(),
            ranking: Ranking::default(),
        }
    }
}

/// A candidate that may be among the best.
#[derive(Debug)]
struct Valued {
    keys: Keys,
    item: u32,
    score: f32,
    /// The many-anchor closed form without the anchor's part.
    closed: f64,
}

/// Co-views and what neighbours' rows lend: P + ε·P², in the row's own size.
fn lengthened(
    row: &Row<'_>,
    threshold: Threshold<'_>,
    lent: &[(u32, f32)],
    scratch: &mut Scratch,
) -> Listing {
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

    let Scratch {
        selection, ranking, ..
    } = scratch;
    selection.begin();
    let mut offered = Vec::new();
    let new = lent.iter().map(|one| one.0);
    let new = new.filter(|&item| row.is_companion(item) && at(item).is_none());
    for item in near.iter().map(|one| one.0).chain(new) {
        let value = stored(score(item));
        if value > 0.0 {
            let keys = selection.offer(&row.frame.standing, (item, value, value));
            offered.extend(keys.map(|keys| (item, keys)));
        }
    }
    let best = ranking.best(&offered, |one| one.1);
    refused.rank = selection.passed() - dense(best.len());
    // A generated session on the way holds one of its two ends.
    let taints = |item: u32| far(item) > 0.0 && (signal.is_tainted(row.anchor) || signal.is_tainted(item));
    let chosen = best.map(|&(item, _)| Chosen {
        item,
        score: stored(score(item)),
        vote: stored(score(item) * row.anchor_part(Input::CoView)),
        input: Input::CoView,
        source: Source::Learned,
        generated: counter.is_generated(item) || taints(item),
    });
    row.list(Relation::AlsoViewed, chosen.collect(), refused)
}
