use tandem_domain::edge::{EdgeList, GateCounts, Source};
use tandem_domain::relation::Relation;

use super::selection::Selection;
use crate::rank::stored;
use crate::row::{Chosen, Row};
use crate::signals::Input;

/// Frequently bought together, any category: enough support, and more than chance where the parameters want that.
pub(crate) fn together(row: &Row<'_>) -> EdgeList {
    let power = row.frame.epoch.params.together.power;
    let whole = |item: u32| {
        let closed = row.many(Input::CoPurchase, item).powf(power);
        let ridge = row.frame.ridge.as_ref();
        ridge.map_or(closed, |ridge| ridge.vote(row.anchor, item, closed))
    };
    // Without a regression the anchor's part and the power change no order inside the row.
    let ordered = |item: u32| match row.frame.ridge {
        Some(_) => whole(item),
        None => row.many_in_row(Input::CoPurchase, item),
    };
    let gate = |item: u32, refused: &mut GateCounts| {
        let least = row.frame.epoch.params.gates.least_support;
        let passes = if row.frame.epoch.params.together.significant {
            row.is_significant(Input::CoPurchase, item)
        } else {
            row.support(Input::CoPurchase, item) >= least
        };
        if !passes {
            if row.support(Input::CoPurchase, item) < least {
                refused.support += 1;
            } else {
                refused.significance += 1;
            }
        }
        passes
    };
    let mut refused = GateCounts::default();
    let mut selection = Selection::new(&row.frame.standing);
    let Some((counter, signal)) = row.input(Input::CoPurchase) else {
        return row.list(Relation::Together, Vec::new(), refused);
    };
    for &item in counter.touched() {
        if !row.is_companion(item) || !gate(item, &mut refused) {
            continue;
        }
        let (support, weight) = (counter.support(item), counter.weight(item));
        let frozen = signal.counts[item as usize];
        let score = stored(signal.single.value(item, weight, support, frozen));
        if score > 0.0 {
            selection.offer(item, score, stored(ordered(item)));
        }
    }
    let (items, left_out) = selection.finish();
    refused.rank = left_out;
    let chosen = items.into_iter().map(|item| Chosen {
        item,
        score: stored(row.single(Input::CoPurchase, item)),
        vote: stored(whole(item)),
        input: Input::CoPurchase,
        source: Source::Learned,
        generated: counter.is_generated(item),
    });
    row.list(Relation::Together, chosen.collect(), refused)
}

/// Viewed in the same sessions: enough support; or viewed beside companions, where the epoch lends that.
pub(crate) fn also_viewed(row: &Row<'_>) -> EdgeList {
    let least = row.frame.epoch.params.gates.least_support;
    let mut refused = GateCounts::default();
    let Some((counter, _)) = row.input(Input::CoView) else {
        return row.list(Relation::AlsoViewed, Vec::new(), refused);
    };
    let mut values: Vec<(u32, f64)> = Vec::new();
    for &item in counter.touched() {
        if !row.is_companion(item) {
            continue;
        }
        if counter.support(item) < least {
            refused.support += 1;
        } else {
            values.push((item, row.single(Input::CoView, item)));
        }
    }
    let far = Far::of(row, &values);
    let mut selection = Selection::new(&row.frame.standing);
    let anchor_part = row.anchor_part(Input::CoView);
    for &(item, value) in &values {
        let score = value + far.to(item);
        if score > 0.0 {
            selection.offer(item, stored(score), stored(score));
        }
    }
    let is_near = |item: u32| counter.support(item) >= least && counter.support(item) > 0;
    let new = far.pairs.iter().map(|one| one.0);
    for item in new.filter(|&item| row.is_companion(item) && !is_near(item)) {
        let score = stored(far.to(item));
        if score > 0.0 {
            selection.offer(item, score, score);
        }
    }
    let (items, left_out) = selection.finish();
    refused.rank = left_out;
    let chosen = items.into_iter().map(|item| {
        let near = if is_near(item) {
            row.single(Input::CoView, item)
        } else {
            0.0
        };
        let score = near + far.to(item);
        Chosen {
            item,
            score: stored(score),
            vote: stored(score * anchor_part),
            input: Input::CoView,
            source: Source::Learned,
            generated: counter.is_generated(item) || far.is_generated(row, item),
        }
    });
    row.list(Relation::AlsoViewed, chosen.collect(), refused)
}

/// What neighbours' rows lend to a row of views, in the row's own size.
struct Far<'r> {
    /// (companion, P²), companions ascending.
    pairs: &'r [(u32, f32)],
    /// What a share of 1 is worth: ε times the sum of the row's best values.
    size: f64,
}

impl<'r> Far<'r> {
    fn of(row: &Row<'r>, values: &[(u32, f64)]) -> Self {
        let lent = row.frame.two_hop.as_ref();
        let pairs = lent.map_or(&[][..], |lent| lent.of(row.anchor));
        if pairs.is_empty() {
            return Self { pairs, size: 0.0 };
        }
        let mut best = values.to_vec();
        crate::ground::keep_best(&mut best, tandem_domain::edge::STORED_COMPANIONS, |one| {
            (one.1, one.0)
        });
        let mass: f64 = best.iter().map(|one| one.1).sum();
        Self {
            pairs,
            size: mass * row.frame.epoch.params.viewed.two_hop,
        }
    }

    fn to(&self, item: u32) -> f64 {
        let at = self.pairs.binary_search_by_key(&item, |one| one.0).ok();
        at.map_or(0.0, |at| self.size * f64::from(self.pairs[at].1))
    }

    /// Whether generated sessions may be on the way: such a session holds one of its two ends.
    fn is_generated(&self, row: &Row<'_>, item: u32) -> bool {
        let views = row.frame.signal(Input::CoView);
        self.to(item) > 0.0
            && views.is_some_and(|views| views.is_tainted(row.anchor) || views.is_tainted(item))
    }
}
