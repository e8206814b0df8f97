use tandem_domain::edge::{EdgeList, GateCounts, Source};
use tandem_domain::relation::Relation;

use super::selection::Selection;
use crate::rank::stored;
use crate::row::{Chosen, Row, Threshold, Verdict};
use crate::signals::Input;

/// Frequently bought together, any category: enough support, and more than chance.
pub(crate) fn together(row: &Row<'_>) -> EdgeList {
    let power = row.frame.epoch.params.together.power;
    let threshold = row.threshold(Input::CoPurchase);
    closed(row, Relation::Together, Input::CoPurchase, power, threshold)
}

/// Viewed in the same sessions: enough support.
pub(crate) fn also_viewed(row: &Row<'_>) -> EdgeList {
    let threshold = Threshold::support(row.frame.epoch.params.gates.least_support);
    closed(row, Relation::AlsoViewed, Input::CoView, 1.0, threshold)
}

/// The closed forms of one input, both of them, behind one threshold.
fn closed(row: &Row<'_>, relation: Relation, input: Input, power: f64, threshold: Threshold<'_>) -> EdgeList {
    let mut refused = GateCounts::default();
    let mut selection = Selection::new(&row.frame.standing);
    let Some((counter, signal)) = row.input(input) else {
        return row.list(relation, Vec::new(), refused);
    };
    for &item in counter.touched() {
        if !row.is_companion(item) {
            continue;
        }
        let (support, weight) = counter.read(item);
        let frozen = signal.counts[item as usize];
        match threshold.judge(support, frozen.max(support)) {
            Verdict::Passes => {}
            Verdict::Rare => {
                refused.support += 1;
                continue;
            }
            Verdict::Chance => {
                refused.significance += 1;
                continue;
            }
        }
        let score = stored(signal.single.value(item, weight, support, frozen));
        // The anchor's part and the power change no order inside the row.
        let vote = stored(signal.many.value(item, weight, support, frozen));
        if score > 0.0 {
            selection.offer(item, score, vote);
        }
    }
    let (items, left_out) = selection.finish();
    refused.rank = left_out;
    let chosen = items.into_iter().map(|item| Chosen {
        item,
        score: stored(row.single(input, item)),
        vote: stored(row.many(input, item).powf(power)),
        input,
        source: Source::Learned,
        generated: counter.is_generated(item),
    });
    row.list(relation, chosen.collect(), refused)
}
